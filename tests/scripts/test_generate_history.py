"""make history as a user runs it: which days, where the page is, what goes wrong."""

import json
from collections.abc import Callable
from datetime import date

import pytest

from lib.local_file_service import LocalFileService
from scripts.generate_history import main
from tests.conftest import Ran, RawTree
from tests.scripts.report.history.test_all_days import report

Run = Callable[..., Ran]
QUALITY = {"qualite": {"avertissements": []}}


@pytest.fixture
def store(raw: RawTree) -> LocalFileService:
    """Metrics of four days, three of them with a report, two of these with a page."""
    files = LocalFileService(raw.output)
    for number in (1, 2, 3, 8):
        files.save_metrics(QUALITY, "bikes", date(2025, 11, number))
    for number in (1, 2, 8):
        files.save_report(report(float(number)), date(2025, 11, number))
    for number in (1, 2):
        files.report_path(date(2025, 11, number), ".html").write_text("page")
    return files


def page(raw: RawTree) -> str:
    return (raw.output / "reports" / "index.html").read_text(encoding="utf-8")


def test_every_day_of_the_store_is_there_and_only_pages_that_exist_are_linked(
    raw: RawTree, store: LocalFileService, run: Run
) -> None:
    ran = run(main)
    assert (ran.code, ran.out) == (0, f"historique : 4 jours -> {raw.output / 'reports' / 'index.html'}\n")
    assert [f"daily_report_2025-11-{number:02d}.html" in page(raw) for number in (1, 2, 3, 8)] == [
        True, True, False, False,
    ]  # fmt: skip
    assert "aucun rapport" in page(raw)


def test_a_report_of_an_older_version_is_said_and_stops_no_other_day(
    raw: RawTree, store: LocalFileService, run: Run
) -> None:
    store.save_report({"total": 12}, date(2025, 11, 2))
    ran = run(main)
    assert ran.code == 0
    assert "rapport du 2025-11-02 d'une version antérieure, laissé de côté (make report DATE=2025-11-02" in ran.err
    assert "daily_report_2025-11-01.html" in page(raw)


def test_a_period_has_both_its_bounds(raw: RawTree, store: LocalFileService, run: Run) -> None:
    ran = run(main, "--from", "2025-11-02", "--to", "2025-11-03", "--json")
    assert json.loads(ran.out)["jours"] == 2
    assert "du dimanche 2 novembre 2025 au lundi 3 novembre 2025" in page(raw)


def test_what_goes_wrong_has_its_exit_code_and_leaves_the_page(raw: RawTree, store: LocalFileService, run: Run) -> None:
    assert run(main).code == 0
    before = page(raw)
    ran = run(main, "--from", "2026-01-01")
    assert ran.code == 4
    assert "make backfill" in ran.err
    assert run(main, "--from", "2025-11-08", "--to", "2025-11-01").code == 2
    assert run(main, "--from", "8 novembre").code == 2
    assert page(raw) == before


def test_when_the_database_does_not_answer_the_files_do(
    raw: RawTree, store: LocalFileService, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONGODB_URL", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200")
    ran = run(main, "--store", "mongodb")
    assert ran.code == 0
    assert "L'historique est lu dans" in ran.err
    assert "daily_report_2025-11-01.html" in page(raw)


def test_an_empty_store_is_no_input(raw: RawTree, run: Run) -> None:
    assert run(main).code == 4
    assert not (raw.output / "reports").exists()
