"""The links from day to day: only to pages that are there, and written again when one appears."""

from collections.abc import Callable
from datetime import date

import pytest

from lib.files.locks import day_lock
from lib.local_file_service import LocalFileService
from scripts import generate_history, generate_report
from scripts.report.ways import link_again, ways
from tests.conftest import Ran, RawTree

QUALITY = {
    "metrics": {"precip_totale": None, "temp_moyenne": None},
    "qualite": {
        "statut": "absent",
        "couverture": 0.0,
        "lignes_lues": 0,
        "lignes_retenues": 0,
        "rejets": {},
        "avertissements": [],
    },
}
Run = Callable[..., Ran]


@pytest.fixture
def files(raw: RawTree) -> LocalFileService:
    """Metrics of three days, none of which has a report yet."""
    store = LocalFileService(raw.output)
    for number in (3, 4, 10):
        store.save_metrics(QUALITY, "weather", date(2025, 11, number))
    return store


def links(files: LocalFileService, number: int) -> list[str]:
    page = files.report_path(date(2025, 11, number), ".html").read_text(encoding="utf-8")
    nav = page.partition('<nav class="voies"')[2].partition("</nav>")[0]
    return [part.partition('"')[0] for part in nav.split('href="')[1:]]


def test_a_page_that_appears_is_linked_from_those_beside_it(files: LocalFileService, run: Run) -> None:
    run(generate_report.main, "--date", "2025-11-03")
    assert links(files, 3) == []
    run(generate_report.main, "--date", "2025-11-10")
    assert links(files, 10) == ["daily_report_2025-11-03.html"]
    run(generate_report.main, "--date", "2025-11-04")
    assert links(files, 4) == ["daily_report_2025-11-03.html"]
    assert links(files, 3) == ["daily_report_2025-11-04.html"]


def test_the_order_in_which_days_are_made_changes_nothing(files: LocalFileService, run: Run) -> None:
    pages = []
    for order in ((3, 4, 10), (10, 4, 3)):
        for number in order:
            files.report_path(date(2025, 11, number), ".html").unlink(missing_ok=True)
        for number in order:
            run(generate_report.main, "--date", f"2025-11-{number:02d}")
        pages.append([files.report_path(date(2025, 11, number), ".html").read_bytes() for number in (3, 4, 10)])
    assert pages[0] == pages[1]


def test_all_days_are_linked_once_their_page_is_there(files: LocalFileService, run: Run) -> None:
    run(generate_report.main, "--date", "2025-11-04")
    assert run(generate_history.main).code == 0
    assert links(files, 4) == ["monthly_report_2025-11.html", "index.html"]
    assert [way.words for way in ways(files, date(2025, 11, 4))] == ["Bilan du mois", "Tous les jours"]


def test_a_page_that_another_run_holds_is_left_to_it(files: LocalFileService, run: Run) -> None:
    run(generate_report.main, "--date", "2025-11-04")
    path = files.report_path(date(2025, 11, 4), ".html")
    before = path.read_bytes()
    path.with_name("index.html").write_text("page")
    with day_lock(files.output_dir, date(2025, 11, 4), "report", None):
        link_again(files, [date(2025, 11, 4)])
        assert path.read_bytes() == before
    link_again(files, [date(2025, 11, 4)])
    assert links(files, 4) == ["index.html"]
