"""The morning's routine: what is asked for again, computed again, late, lost, and who hears of it."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from scripts import daily, make_tables
from scripts.registry import SOURCES
from tests.conftest import Ran, RawTree
from tests.support.portal_server import NEXT_MORNING, Portal, refusing
from tests.support.shared_trees import demo_tree

Run = Callable[..., Ran]


def morning(monkeypatch: pytest.MonkeyPatch, days_later: int) -> None:
    monkeypatch.setenv("CITYFLOW_NOW", (NEXT_MORNING + timedelta(days=days_later)).isoformat())


def results(raw: RawTree) -> list[Path]:
    return sorted(path for folder in ("metrics", "reports", "rejects") for path in (raw.output / folder).iterdir())


def test_a_morning_fetches_computes_and_says_where_each_day_stands(raw: RawTree, portal: Portal, run: Run) -> None:
    first = run(daily.main, "--days", "2", "--fetch")
    assert first.code == 0, first.err
    assert (raw.output / "reports" / f"daily_report_{portal.day}.html").is_file()
    assert (raw.output / "reports" / "index.html").is_file()
    summary = first.out[first.out.index("Résumé :") :].splitlines()
    assert [line.split()[0] for line in summary[1:3]] == [str(portal.day - timedelta(days=1)), str(portal.day)]
    assert summary[-1].startswith("  demain : ")

    assert not (raw.output / "tables").exists()
    assert run(make_tables.main, "--date", str(portal.day)).code == 0
    hours = raw.output / "tables" / "hours" / f"dt={portal.day}" / "bikes.parquet"
    hours.unlink()
    asked = len(portal.seen)
    again = run(daily.main, "--days", "2", "--fetch", "--json")
    said = json.loads(again.out[again.out.index("{") :])
    complete = {name for name, state in said["jours"][str(portal.day)].items() if state == "complet"}
    assert "weather" in complete
    routes = {route for route, _, _ in portal.seen[asked:]}
    assert "open-meteo" not in routes and "archive" not in routes  # its days are complete
    assert hours.is_file()  # tables that are published are kept up to date


def test_a_source_that_is_not_published_is_late_for_three_days_and_an_error_on_the_fourth(
    raw: RawTree, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run(daily.main, "--days", "1", "--fetch").code == 0
    heard = tmp_path / "heard"
    monkeypatch.setenv("ALERT_COMMAND", f"cat > {heard}")
    for days_later in (1, 3):  # only the day of the portal has raw files
        morning(monkeypatch, days_later)
        ran = run(daily.main, "--days", "3")
        assert ran.code == 0, ran.err
        assert f"  {portal.day + timedelta(days=1)}" in ran.out and "en retard" in ran.out
        assert ("aucune source n'a de données" in ran.out) == (
            days_later > 1
        )  # only the first has a pull, of its morning
        assert f"du {portal.day + timedelta(days=days_later)}" in ran.out.splitlines()[-1]
    heard.unlink(missing_ok=True)
    morning(monkeypatch, 4)
    ran = run(daily.main, "--days", "3")
    assert ran.code == 1
    assert f"toujours absent : bikes, comptages du {portal.day + timedelta(days=1)}" in ran.out
    assert f"toujours absent : bikes, comptages du {portal.day + timedelta(days=1)}" in heard.read_text("utf-8")


def test_data_that_ended_long_ago_is_one_line_and_writes_no_day(
    raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shutil.copytree(demo_tree(tmp_path_factory, 2), raw.root, dirs_exist_ok=True)
    monkeypatch.setenv("CITYFLOW_NOW", "2025-11-05T06:30:00+01:00")
    run(daily.main, "--days", "2")
    before = results(raw)
    monkeypatch.setenv("CITYFLOW_NOW", "2026-11-05T06:30:00+01:00")
    ran = run(daily.main)
    assert ran.code == 1
    said = ran.out[ran.out.index("Résumé :") :].splitlines()
    assert said[1] == (
        "  2026-11-02 à 2026-11-04  aucune source n'a de données, rien n'est écrit (dernier jour connu : 2025-11-04)"
    )
    assert said[-1] == "  demain : tout du 2026-11-03 ; tout du 2026-11-04"
    assert results(raw) == before


def test_a_publisher_that_fails_is_an_error_and_stops_nothing(
    raw: RawTree, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.faults["prim"] = [refusing(403)] * 20
    monkeypatch.setenv("ALERT_COMMAND", "echo non >&2; exit 3")
    ran = run(daily.main, "--days", "1", "--fetch")
    assert ran.code == 1
    assert "échec : traffic" in ran.out and f"{portal.day}  " in ran.out
    assert "ALERT_COMMAND a échoué (code 3) : non" in ran.err
    assert (raw.output / "metrics" / f"bikes_metrics_{portal.day}.json").is_file()


def test_an_alert_says_why_there_is_no_raw_file(
    raw: RawTree, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("PORTAL_URL", "PRIM_URL", "OPEN_METEO_URL", "OPEN_METEO_ARCHIVE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr("scripts.fetch.download.ATTEMPTS", 1)
    monkeypatch.setenv("ALERT_COMMAND", f"cat > {tmp_path / 'heard'}")
    assert run(daily.main, "--days", "1", "--fetch").code == 4
    said = (tmp_path / "heard").read_text("utf-8").splitlines()
    assert any(one.startswith("bikes") and "connexion impossible" in one for one in said)
    assert said[-1].startswith(f"aucun fichier brut dans {raw.root}")


def test_without_any_raw_file_it_is_one_line(raw: RawTree, run: Run) -> None:
    ran = run(daily.main)
    assert (ran.code, ran.out) == (4, "")
    assert len(ran.err.splitlines()) == 1
    folders = ", ".join(dict.fromkeys(f"api/{one.name}" if one.pulls else "batch" for one in SOURCES.values()))
    assert f"aucun fichier brut dans {raw.root} ({folders})" in ran.err


@pytest.mark.parametrize("count", ["0", "-1", "32", "trois"])
def test_a_number_of_days_that_is_none_is_refused(run: Run, count: str) -> None:
    ran = run(daily.main, "--days", count)
    assert ran.code == 2 and "n'est pas un nombre de jours" in ran.err


def test_old_logs_and_manifests_go_but_those_of_an_upload(
    raw: RawTree, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LOG_DIR", str(tmp_path / "logs"))
    runs = raw.output / "runs" / "2025-01-01"
    runs.mkdir(parents=True)
    (tmp_path / "logs").mkdir()
    old, recent = tmp_path / "logs" / "processing_20250101_063000.log", tmp_path / "logs" / "processing_x.log"
    other, upload = runs / "a.json", runs / "b.json"
    for path, text in ((old, "x"), (recent, "x"), (other, '{"etapes": []}'), (upload, '{"etape": "publication"}')):
        path.write_text(text)
        if path != recent:
            os.utime(path, (1_700_000_000, 1_700_000_000))
    monkeypatch.setenv("KEEP_DAYS", "0")
    assert run(daily.main, "--days", "1", "--fetch").code == 0
    assert old.exists() and other.exists()
    monkeypatch.setenv("KEEP_DAYS", "90")
    assert run(daily.main, "--days", "1").code == 0
    assert (old.exists(), recent.exists(), other.exists(), upload.exists()) == (False, True, False, True)
