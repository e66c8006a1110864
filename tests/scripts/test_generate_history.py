"""make history as a user runs it: which days, where the page is, what goes wrong."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from lib.local_file_service import LocalFileService
from scripts.generate_history import main
from tests.conftest import Ran, RawTree
from tests.scripts.report.history.test_all_days import report

Run = Callable[..., Ran]
QUALITY = {"total_jour": 12, "metrics": []} | {
    "qualite": {"statut": "complet", "couverture": 1.0, "avertissements": []}
}


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
    folder = raw.output / "reports"
    assert ran.code == 0
    assert ran.out == (
        f"bilan 2025-11 -> {folder / 'monthly_report_2025-11.html'}\nhistorique : 4 jours -> {folder / 'index.html'}\n"
    )
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
    raw: RawTree, store: LocalFileService, run: Run, monkeypatch: pytest.MonkeyPatch, looked_for: list[str]
) -> None:
    monkeypatch.setenv("MONGODB_URL", "mongodb://127.0.0.1:1/")
    ran = run(main, "--store", "mongodb")
    assert ran.code == 0
    assert "L'historique est lu dans" in ran.err
    assert "daily_report_2025-11-01.html" in page(raw)


def test_an_empty_store_is_no_input(raw: RawTree, run: Run) -> None:
    assert run(main).code == 4
    assert not (raw.output / "reports").exists()


def modified(raw: RawTree, month: str) -> int:
    return (raw.output / "reports" / f"monthly_report_{month}.json").stat().st_mtime_ns


def made(raw: RawTree, month: str) -> dict[str, Any]:
    path = raw.output / "reports" / f"monthly_report_{month}.json"
    return json.loads(path.read_text(encoding="utf-8"))["report"]


def test_a_month_is_made_as_page_json_and_csv_and_linked_from_the_calendar_and_its_days(
    raw: RawTree, store: LocalFileService, run: Run
) -> None:
    ran = run(main, "--month", "2025-11", "--json")
    assert ran.code == 0
    assert list(json.loads(ran.out)["mois"]) == ["2025-11"]
    assert made(raw, "2025-11")["chiffres"]["passages_velo"]["jours_retenus"] == 4
    assert [one["statut"] for one in made(raw, "2025-11")["jours"]] == ["partiel"] * 3 + ["manquant"] * 4 + ["partiel"]
    shown = (raw.output / "reports" / "monthly_report_2025-11.html").read_text(encoding="utf-8")
    assert "<h1>Novembre 2025</h1>" in shown and 'href="daily_report_2025-11-01.html"' in shown
    assert 'href="daily_report_2025-11-03.html"' not in shown
    assert 'href="index.html"' in shown  # written after it, and linked all the same
    assert page(raw).count('href="monthly_report_2025-11.html"') == 1


def test_months_are_made_again_when_their_days_change_and_not_before(
    raw: RawTree, store: LocalFileService, run: Run
) -> None:
    store.save_metrics(QUALITY, "bikes", date(2025, 12, 31))
    assert run(main).code == 0
    before = {month: modified(raw, month) for month in ("2025-11", "2025-12")}
    assert "bilan" not in run(main).out
    store.save_metrics(QUALITY | {"total_jour": 99}, "bikes", date(2025, 12, 30))
    assert run(main).out.startswith("bilan 2025-12")
    assert modified(raw, "2025-11") == before["2025-11"]
    store.save_metrics(QUALITY | {"total_jour": 50}, "bikes", date(2025, 11, 4))  # December stands beside it
    assert [line[:13] for line in run(main).out.splitlines()[:-1]] == ["bilan 2025-11", "bilan 2025-12"]
    assert made(raw, "2025-12")["chiffres"]["passages_velo"]["jours_retenus_mois_precedent"] == 5
    links = (raw.output / "reports" / "monthly_report_2025-11.html").read_text(encoding="utf-8")
    assert 'href="monthly_report_2025-12.html">Mois suivant' in links


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--month", "2025-13"), 2, "AAAA-MM"),
        (("--month", "2025-1"), 2, "AAAA-MM"),
        (("--month", "2025-11-01"), 2, "AAAA-MM"),
        (("--month", "2025-11", "--from", "2025-11-01"), 2, "ne va pas avec"),
        (("--month", "2025-10"), 4, "Mois présents : 2025-11"),
    ],
)
def test_a_month_that_is_none_or_has_no_day_is_refused(
    raw: RawTree, store: LocalFileService, run: Run, words: tuple[str, ...], code: int, said: str
) -> None:
    ran = run(main, *words)
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert not list((raw.output / "reports").glob("monthly*"))


def test_metrics_of_an_older_version_are_said_and_count_as_missing(
    raw: RawTree, store: LocalFileService, run: Run
) -> None:
    store.save_metrics({"total_jour": 5}, "bikes", date(2025, 11, 2))
    ran = run(main)
    assert ran.code == 0
    assert "comptage vélo du 2025-11-02 : chiffres d'une version antérieure" in ran.err
    assert made(raw, "2025-11")["jours"][1]["statut"] == "manquant"
