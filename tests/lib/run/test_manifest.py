"""The manifest of a run: one file a run, one entry a step, what was read, and no secret."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import lib
from lib.common.errors import NoDataError
from lib.run import manifest
from lib.run.manifest import inputs, recorded, steps_of_day
from scripts import backfill, generate_report, process_bikes
from tests import script_server
from tests.conftest import ROOT, Ran, RawTree, bike
from tests.support.patience import deadline

Run = Callable[..., Ran]
DAY = date(2025, 11, 4)


def manifests(raw: RawTree, day: date = DAY) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted((raw.output / "runs" / day.isoformat()).glob("*.json"))]


@pytest.fixture
def bikes(raw: RawTree) -> RawTree:
    rows = [bike("A-1", f"{DAY}T{hour:02}:00:00+01:00", 10) for hour in range(24)]
    raw.pull("bikes", str(DAY), "a.json", [*rows, bike("A-1", f"{DAY}T08:30:00+01:00", 5)])
    return raw


def test_a_script_leaves_what_it_read_and_how_it_ended(bikes: RawTree, run: Run) -> None:
    assert run(process_bikes.main, "--date", str(DAY)).code == 0
    (manifest,) = manifests(bikes)
    assert (manifest["date"], manifest["version"]) == (str(DAY), lib.__version__)
    (step,) = manifest["etapes"]
    assert (step["etape"], step["statut"], step["code"]) == ("bikes", "fait", 0)
    assert step["lignes"] == {"lues": 25, "retenues": 24, "rejetees": 1}
    (path,) = bikes.root.rglob("a.json")
    expected = {"fichier": str(path), "octets": path.stat().st_size, "empreinte": "contenu"}
    assert step["entrees"] == [{**expected, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}]


def test_a_step_that_fails_says_why(bikes: RawTree, run: Run) -> None:
    assert run(process_bikes.main, "--date", "2025-11-05").code == 4
    (manifest,) = manifests(bikes, date(2025, 11, 5))
    (step,) = manifest["etapes"]
    assert (step["statut"], step["code"]) == ("échec", 4) and "aucune donnée" in step["message"]


def test_secrets_are_masked(bikes: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGODB_URL", "mongodb://moi:motdepasse-1@127.0.0.1")
    monkeypatch.setenv("IDFM_API_KEY", "motdepasse-2")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://moi:motdepasse-3@127.0.0.1")
    run(process_bikes.main, "--date", str(DAY))
    assert "motdepasse" not in json.dumps(manifests(bikes))


def test_processes_of_one_run_share_one_file(bikes: RawTree) -> None:
    environment = {**os.environ, "CITYFLOW_RUN": "20251105T063000Z-abc"}
    scripts = ["process_bikes.py", "process_weather.py", "generate_report.py"]
    started = [
        script_server.Popen(
            [sys.executable, str(ROOT / "scripts" / name), "--date", str(DAY), "-q"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name in scripts
    ]
    for process in started:
        process.wait(deadline())
    (manifest,) = manifests(bikes)
    assert manifest["run_id"] == "20251105T063000Z-abc"
    assert {step["etape"] for step in manifest["etapes"]} == {"bikes", "weather", "rapport"}


def test_a_range_of_days_is_one_run_of_many_manifests(bikes: RawTree, run: Run) -> None:
    run(backfill.main, "--from", "2025-11-03", "--to", str(DAY), "--source", "bikes")
    (before,), (after,) = manifests(bikes, date(2025, 11, 3)), manifests(bikes)
    assert before["run_id"] == after["run_id"]
    assert [step["statut"] for step in before["etapes"]] == ["échec", "échec"]
    assert [(step["etape"], step["statut"]) for step in after["etapes"]] == [("bikes", "fait"), ("rapport", "fait")]


def test_the_last_entry_of_each_step_counts(bikes: RawTree, run: Run) -> None:
    settings = bikes.settings()
    with pytest.raises(NoDataError), recorded(settings, DAY, "bikes", lambda: []):
        raise NoDataError("rien")
    assert steps_of_day(bikes.output, DAY)["bikes"]["statut"] == "échec"
    run(process_bikes.main, "--date", str(DAY))
    run(generate_report.main, "--date", str(DAY))
    (bikes.output / "runs" / str(DAY) / "abime.json").write_text("{", "utf-8")
    assert {name: step["statut"] for name, step in steps_of_day(bikes.output, DAY).items()} == {
        "bikes": "fait",
        "rapport": "fait",
    }


def test_a_manifest_names_a_file_whose_name_is_no_utf_8(bikes: RawTree) -> None:
    settings, read = bikes.settings(), [[], [{"fichier": "/brut/t\udce9.json"}], [{"fichier": "/brut/é.json"}]]
    for step, files in zip(("bikes", "weather", "traffic"), read, strict=True):
        with recorded(settings, DAY, step, lambda files=files: files):
            pass
    (path,) = (bikes.output / "runs" / str(DAY)).glob("*.json")
    assert [step["entrees"] for step in json.loads(path.read_bytes())["etapes"]] == read
    assert path.read_text("utf-8").startswith('{\n  "run_id": "')


def test_a_manifest_that_cannot_be_written_fails_nothing(bikes: RawTree, run: Run) -> None:
    bikes.output.mkdir()
    (bikes.output / "runs").write_text("un fichier", "utf-8")
    ran = run(process_bikes.main, "--date", str(DAY))
    assert ran.code == 0 and "compte rendu du traitement n'est pas écrit" in ran.err
    assert bikes.metrics("bikes", str(DAY))["total_jour"] == 240


def test_many_pulls_are_one_entry_a_folder(tmp_path: Path) -> None:
    paths = [tmp_path / "bikes" / f"dt=2025-01-{number % 28 + 1:02}" / f"{number}.json" for number in range(150)]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x" * number, "utf-8")
    (entry,) = inputs(paths)
    assert entry["dossier"] == str(tmp_path / "bikes")
    assert (entry["fichiers"], entry["octets"]) == (150, sum(range(150)))
    before = entry["sha256"]
    paths[7].write_text("y" * 7, "utf-8")
    assert inputs(paths)[0]["sha256"] != before


def test_a_large_file_is_sampled_and_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "WHOLE_UP_TO", 1_000_000)
    path = tmp_path / "grand.csv"
    path.write_bytes(bytes(6_000_000))
    (first,) = inputs([path])
    assert first["empreinte"] == "échantillon"
    for change in (b"fin", b"debut"):
        content = bytearray(path.read_bytes())
        content[-3:] = content[-3:] if change == b"debut" else change
        content[:5] = b"debut" if change == b"debut" else content[:5]
        path.write_bytes(content)
        (again,) = inputs([path])
        assert again["sha256"] != first["sha256"]
        first = again
