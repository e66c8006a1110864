"""The files that generate_report leaves: page, table and JSON, whole, in that order."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from lib.local_file_service import LocalFileService
from scripts import process_bikes
from scripts.generate_report import main
from tests.conftest import Ran, RawTree, bike

DAY = "2025-11-04"
Run = Callable[..., Ran]


@pytest.fixture
def bikes(raw: RawTree, run: Run) -> RawTree:
    """One counter during DAY (10 passages an hour) and during the same weekday before (20 an hour, 21 h missing)."""
    for day, count in ((date(2025, 10, 28), 20), (date(2025, 11, 4), 10)):
        hours = [f"{day - timedelta(days=1)}T23:00:00+00:00", *(f"{day}T{at:02d}:00:00+00:00" for at in range(23))]
        counts = [None if (at, count) == (21, 20) else count for at in range(24)]
        rows = [bike("1-1", hour, count) for hour, count in zip(hours, counts, strict=True)]
        raw.pull("bikes", str(day + timedelta(days=1)), "a.json", {"results": rows})
        assert run(process_bikes.main, "--date", str(day)).code == 0
    return raw


def reports(raw: RawTree, suffix: str) -> Path:
    return raw.output / "reports" / f"daily_report_{DAY}{suffix}"


def test_the_page_and_the_table_are_there_before_the_json(bikes: RawTree, run: Run) -> None:
    ran = run(main, "--date", DAY)
    assert ran.code == 1  # five sources are missing, and it says which
    assert "make comptages DATE=2025-11-04" in ran.err
    times = [reports(bikes, suffix).stat().st_ctime_ns for suffix in (".csv", ".html", ".json")]  # of their renaming
    assert times == sorted(times)
    page = reports(bikes, ".html").read_text(encoding="utf-8")
    assert "Vélo en nette baisse (−50\u202f%) par rapport au mardi précédent" in page
    assert [path.name for path in (bikes.output / "reports").iterdir() if path.name.startswith(".")] == []


def test_again_it_is_the_same_page(bikes: RawTree, run: Run) -> None:
    run(main, "--date", DAY)
    first = reports(bikes, ".html").read_bytes()
    run(main, "--date", DAY)
    assert reports(bikes, ".html").read_bytes() == first


def test_a_page_that_cannot_be_drawn_leaves_the_three_files_of_before(
    bikes: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(main, "--date", DAY)
    suffixes = (".csv", ".html", ".json")
    before = [reports(bikes, suffix).stat().st_ino for suffix in suffixes]
    monkeypatch.setattr("scripts.generate_report.daily_page", lambda *_: 1 / 0)
    assert run(main, "--date", DAY).code == 1
    assert [reports(bikes, suffix).stat().st_ino for suffix in suffixes] == before


def test_the_usual_day_is_in_the_report_hour_by_hour(bikes: RawTree, run: Run) -> None:
    run(main, "--date", DAY)
    profiles = bikes.report(DAY)["profils_horaires"]
    assert profiles["trafic_routier"] is None
    assert profiles["velo"]["jour"] == [10.0] * 24
    assert profiles["velo"]["habituel"] == [20.0] * 21 + [None] + [20.0] * 2
    assert (profiles["velo"]["unite"], profiles["velo"]["jours_compares"]) == ("passages", 1)


def test_without_a_past_the_usual_day_is_unknown(bikes: RawTree, run: Run) -> None:
    LocalFileService(bikes.output).metrics_path("bikes", date(2025, 10, 28)).unlink()
    run(main, "--date", DAY)
    assert bikes.report(DAY)["profils_horaires"]["velo"]["habituel"] == [None] * 24
    assert "sans historique" in reports(bikes, ".html").read_text(encoding="utf-8")


def test_pandas_opens_the_table(bikes: RawTree, run: Run) -> None:
    run(main, "--date", DAY)
    table = pd.read_csv(reports(bikes, ".csv"), sep=";", decimal=",", encoding="utf-8-sig")
    assert list(table) == ["section", "rang", "identifiant", "libelle", "indicateur", "valeur", "unite"]
    found = table[(table["identifiant"] == "passages_velo") & (table["indicateur"] == "ce jour")]
    assert (found["valeur"].astype(float).tolist(), found["unite"].tolist()) == ([240.0], ["passages"])


def test_a_page_that_cannot_be_written_leaves_no_report_behind(bikes: RawTree, run: Run) -> None:
    reports(bikes, ".html").mkdir(parents=True)
    ran = run(main, "--date", DAY)
    assert ran.code == 1
    assert f"daily_report_{DAY}.html" in ran.err
    assert not reports(bikes, ".json").exists()
