"""What doctor says of a machine: one line each, the way out, and exit 1 when something would stop a run."""

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from lib import __version__
from lib.common.shown_settings import near_misses
from lib.files.locks import day_lock
from scripts import doctor
from scripts.checks import raw_data
from scripts.registry import COMPTAGES, SOURCES
from tests.conftest import ROOT, Ran, RawTree, bike, count_row
from tests.support.aws_server import AwsServer
from tests.support.patience import deadline
from tests.support.portal_server import NEXT_MORNING, set_written

Run = Callable[..., Ran]


@pytest.fixture
def full(raw: RawTree, demo_tree: tuple[Path, date], monkeypatch: pytest.MonkeyPatch) -> date:
    """A raw tree that holds everything up to yesterday; returns that day."""
    monkeypatch.setenv("DATA_DIR", str(demo_tree[0]))
    monkeypatch.setenv("CITYFLOW_NOW", NEXT_MORNING.isoformat())
    return demo_tree[1]


def line(ran: Ran, what: str) -> str:
    (found,) = [one for one in ran.out.splitlines() if re.match(rf"\S+ +{re.escape(what)} ", one)]
    return found


def test_a_machine_that_can_work(full: date, run: Run) -> None:
    ran = run(doctor.main)
    assert ran.code == 0, ran.out
    for what in ("python", "paquets", "horloge", "résultats", "place", "verrous", "base local_files", *SOURCES):
        assert line(ran, what).startswith("ok"), ran.out
    assert str(full) in line(ran, "comptages") and str(full) in line(ran, "bikes")
    assert "démonstration" in ran.out
    assert ran.out.splitlines()[-1] == "erreurs : 0, points d'attention : 5"  # invented data, no key of PRIM, 3 strays


def test_sources_without_a_file_are_named(raw: RawTree, run: Run) -> None:
    raw.pull("weather", "2025-11-04", "a.json", {})
    ran = run(doctor.main)
    assert ran.code == 1
    for source in set(SOURCES) - {"weather"}:
        assert line(ran, source).startswith("erreur") and f"make fetch SOURCE={source}" in line(ran, source)
    assert line(ran, "arrondissements").startswith("attention")


def test_it_runs_without_any_package(full: date) -> None:
    ran = subprocess.run(
        [sys.executable, "-S", "scripts/doctor.py"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=deadline(),
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    assert "pandas" in ran.stdout and "make venv" in ran.stdout
    assert re.search(r"^ok +comptages", ran.stdout, re.M)


def test_it_says_that_the_time_zones_are_missing() -> None:
    ran = subprocess.run(
        [sys.executable, "-S", "scripts/doctor.py"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=deadline(),
        check=False,
        env={**os.environ, "PYTHONTZPATH": ""},
    )
    assert ran.returncode == 1 and "tzdata" in ran.stderr and "Traceback" not in ran.stderr


def test_settings_say_where_they_come_from_and_hide_secrets(
    full: date, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDFM_API_KEY", "cle-SECRETE")
    monkeypatch.setenv("MONGODB_URL", "mongodb://moi:SECRETE@hote/")
    plain, as_json = run(doctor.main), run(doctor.main, "--json")
    assert "IDFM_API_KEY=*** (environnement)" in plain.out
    told = {one["nom"]: one for one in json.loads(as_json.out)["reglages"]}
    assert told["MONGODB_URL"]["valeur"] == "***" and told["AWS_REGION"]["origine"] == "défaut"
    assert "SECRETE" not in plain.out + plain.err + as_json.out + as_json.err


@pytest.mark.parametrize("there", [True, False])
def test_without_any_raw_file_it_is_one_error_that_leads_to_the_invented_ones(
    raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    if not there:
        raw.root.rmdir()
    (raw.output.parent / "file").touch()
    monkeypatch.setenv("LOG_DIR", f"{raw.output.parent}/file/logs")
    ran = run(doctor.main)
    errors = [one for one in ran.out.splitlines() if one.startswith("erreur ")]
    assert ran.code == 1 and len(errors) == 2
    assert f"aucun fichier brut dans {raw.root}" in errors[1] and "make fetch" in errors[1]
    assert "journaux" in errors[0] and "LOG_DIR" in errors[0]


def test_memory_that_processes_cannot_share_is_seen(raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_lock(*_: object, **__: object) -> None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    assert line(run(doctor.main), "/dev/shm").startswith("ok")
    monkeypatch.setattr("multiprocessing.synchronize.SemLock.__init__", no_lock)
    seen = line(run(doctor.main), "/dev/shm")
    assert seen.startswith("attention") and "un seul processus calcule une période" in seen and "tmpfs" in seen


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may work as another user")
@pytest.mark.parametrize("room", ["metrics", "runs/2025-11-04", ".locks"])
def test_results_of_another_user_are_seen_with_the_command_that_gives_them_back(
    raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch, room: str
) -> None:
    (raw.output / room).mkdir(parents=True)
    os.chown(raw.output / room, 65534, -1)
    monkeypatch.setattr(os, "access", lambda path, right: Path(path).stat().st_uid == 0)
    found = line(run(doctor.main), "résultats")
    assert found.startswith("erreur") and f"{raw.output / room} ne peut pas être écrit" in found
    assert f"est à nobody : sudo chown -R root {raw.output / room}" in found


def test_json_holds_every_finding(raw: RawTree, run: Run) -> None:
    ran = run(doctor.main, "--json")
    told = json.loads(ran.out)
    assert told["version"] == __version__
    assert ran.code == 1 and told["erreurs"] == len([one for one in told["constats"] if one["result"] == "erreur"])
    assert {"what", "result", "detail", "way_out"} == set(told["constats"][0])


def test_a_slip_in_dotenv_is_seen(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("IDFM_API_KEI=1\nAWS_ACCESS_KEY_ID=x\nDATA_DIR=/x\n")
    assert near_misses(tmp_path) == {"IDFM_API_KEI": "IDFM_API_KEY"}


def test_a_setting_that_makes_no_sense(full: date, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYFLOW_STORE", "mysql")
    ran = run(doctor.main)
    assert ran.code == 1
    assert line(ran, "réglages").startswith("erreur") and "mysql" in line(ran, "réglages")


def test_results_that_cannot_go_where_they_should(full: date, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTPUT_DIR", "/proc/nulle-part")
    ran = run(doctor.main)
    assert re.search(r"^attention +réglages +.*/proc/nulle-part", ran.out, re.M)


def test_a_running_day_is_named_and_not_disturbed(full: date, raw: RawTree, run: Run) -> None:
    with day_lock(raw.output, date(2025, 11, 4), "bikes", None):
        ran = run(doctor.main)
        assert ran.code == 0
        assert line(ran, "verrous").startswith("attention")
        assert "2025-11-04.bikes" in line(ran, "verrous") and str(os.getpid()) in line(ran, "verrous")
    assert line(run(doctor.main), "verrous").startswith("ok")


def test_a_clock_that_is_late(full: date, raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(raw.root))
    raw.batch("comptages-routiers-permanents.csv", "x")
    set_written(raw.root, NEXT_MORNING + timedelta(days=1))
    assert line(run(doctor.main), "horloge").startswith("erreur")


def test_old_raw_files_are_said(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", "2025-11-05", "a.json", [bike("1", "2025-11-04T22:00:00+00:00", 3)])
    raw.counts([count_row("1", "2025-11-05T00:00:00+01:00", 3, 1)])
    ran = run(doctor.main)
    assert line(ran, "bikes").startswith("attention") and "dernier jour 2025-11-04" in line(ran, "bikes")
    assert line(ran, "comptages").startswith("attention")
    assert "dernier jour 2025-11-04" in line(ran, "comptages")  # the label of its last hour is that of the next day


def test_a_huge_export_is_sampled(raw: RawTree, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [count_row("1", f"2025-11-{day:02}T05:00:00+01:00", 3, 1) for day in range(1, 29) for _ in range(200)]
    path = raw.counts(rows)
    monkeypatch.setattr(raw_data, "READ_WHOLE", 1000)
    monkeypatch.setattr(raw_data, "SAMPLE_BYTES", 500)
    assert raw_data.newest_day(COMPTAGES, path, date(2026, 1, 1)) == date(2025, 11, 28)
    assert raw_data.newest_day(COMPTAGES, path, date(2025, 11, 20)) <= date(2025, 11, 20)  # type: ignore[operator]


def test_an_unreadable_file_stops_nothing(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", "2025-11-05", "a.json.gz", b"not gzip")
    assert "aucun jour lisible" in line(run(doctor.main), "bikes")


def test_aws_that_is_ready(full: date, aws: AwsServer, run: Run) -> None:
    ran = run(doctor.main, "--aws")
    assert line(ran, "AWS").startswith("ok") and "arn:aws" in line(ran, "AWS")
    assert re.search(r"^ok +table cityflow-metrics +clés metric_type", ran.out, re.M)
    assert re.search(r"^attention +table cityflow-metrics +manque : TTL.*make setup-aws", ran.out, re.M)
    assert ran.code == 0


def test_aws_without_tables(full: date, empty_aws: AwsServer, run: Run) -> None:
    ran = run(doctor.main, "--aws")
    assert ran.code == 1
    assert re.search(r"^erreur +table cityflow-reports +manque .*make setup-aws", ran.out, re.M)


def test_aws_without_credentials(full: date, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    ran = run(doctor.main, "--aws")
    assert ran.code == 1 and line(ran, "AWS").startswith("erreur")
    assert run(doctor.main).code == 0  # nobody asked about AWS
