"""The pages above the days: all days as a calendar with small multiples, and each month as what a team sends upward.

They read the store alone (metrics and reports); a day whose report was never made is shown as such. A month's figures
are of its metrics and of those of the month before (see scripts/report/history/month).

    python scripts/generate_history.py --from 2025-10-07 --to 2025-11-04
    python scripts/generate_history.py --month 2025-10
"""

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.common.errors import ExitCode, NoDataError, UsageError
from lib.common.paris_time import month_after, month_before, month_days
from lib.common.settings import Settings
from lib.common.text import counted
from lib.database_factory import get_database_service
from lib.database_service import DatabaseService
from lib.files.atomic_file import write_together
from lib.local_file_service import LocalFileService
from lib.run import cli, day_range
from lib.run.both import from_either
from lib.run.dependencies import code_files
from lib.stores.documents import encode, month_report_id
from scripts.registry import SOURCES
from scripts.report.history.all_days import HistoryDay, history_csv, history_page
from scripts.report.history.month import compute_month
from scripts.report.history.month_days import SourceDays, read_source_days
from scripts.report.history.month_page import month_page
from scripts.report.history.month_table import month_csv
from scripts.report.ways import ALL_DAYS, Way, link_again, link_months_again, month_ways

log = logging.getLogger("cityflow.history")

HELP = """Le calendrier des jours traités, avec un lien vers chaque rapport, et le bilan de chaque mois.

Sans --month, les bilans dont des jours ont changé (ou qui manquent) sont refaits ; avec lui, celui de ce mois.

Exemples : python scripts/generate_history.py --from 2025-10-07 --to 2025-11-04
           python scripts/generate_history.py --month 2025-10"""

FORMS = (".json", ".csv", ".html")  # of a month


class Written(NamedTuple):
    """What was written: the page of all days, how many it shows, and the page of each month that was made."""

    page: Path
    days: int
    months: dict[date, Path]


def stored_days(store: DatabaseService, first: date | None, last: date | None) -> list[date]:
    """List the days of which the store has any metrics, within the bounds (both included), oldest first."""
    days = {day for source in SOURCES for day in store.list_available_dates(source)}
    return sorted(day for day in days if (first or day) <= day <= (last or day))


def read_days(
    store: DatabaseService, files: LocalFileService, first: date | None, last: date | None
) -> list[HistoryDay]:
    """Load each stored day with its report; link its page where the file lies in the reports' folder."""
    days = stored_days(store, first, last)
    pages = {day: path.name for day in days if (path := files.report_path(day, ".html")).is_file()}
    return [HistoryDay(day, usable_report(store, day), pages.get(day)) for day in days]


def usable_report(store: DatabaseService, day: date) -> dict[str, Any] | None:
    """Load the report of a day; None where there is none, or one of a version without what the calendar shows."""
    report = store.load_report(day)
    if report and not {"resume", "chiffres_cles"} <= report.keys():
        log.warning("rapport du %s d'une version antérieure, laissé de côté (make report DATE=%s FORCE=1).", day, day)
        return None
    return report


def write_history(
    settings: Settings, first: date | None = None, last: date | None = None, month: date | None = None
) -> Written:
    """Write the page of the stored days within the bounds, and the months: that one, else those that are stale.

    Raises NoDataError where the store has no day.
    """
    files = LocalFileService(settings.output_dir)
    with get_database_service(settings) as store:
        days = from_either(store, files, lambda reader: read_days(reader, files, first, last))
        if not days:
            raise NoDataError("aucun jour traité dans cette période.", "Traiter des jours : make backfill FROM= TO=")
        known = sorted({one.day.replace(day=1) for one in days})
        if month and month not in known:
            there = ", ".join(f"{one:%Y-%m}" for one in known)
            raise NoDataError(f"aucun jour traité en {month:%Y-%m}.", f"Mois présents : {there}.")
        stale = [month] if month else [one for one in known if is_stale(files, one)]
        from_either(store, files, lambda reader: write_months(reader, files, stale))
    path = files.output_dir / "reports" / ALL_DAYS
    bilans = {
        one: Way("bilan du mois", page.name) for one in known if (page := files.month_path(one, ".html")).is_file()
    }
    write_together({path: history_page(days, bilans), path.with_name("historique.csv"): history_csv(days)})
    link_again(files, [one.day for one in days if one.page])
    link_months_again(files, [near for one in stale for near in (month_before(one), one, month_after(one))])
    return Written(path, len(days), {one: files.month_path(one, ".html") for one in stale})


def is_stale(files: LocalFileService, month: date) -> bool:
    """Tell whether a month was never made, or is older than its days, those of the month before or its code."""
    made = [path.stat().st_mtime_ns for suffix in FORMS if (path := files.month_path(month, suffix)).is_file()]
    return len(made) < len(FORMS) or any(path.stat().st_mtime_ns > min(made) for path in _inputs(files, month))


def _inputs(files: LocalFileService, month: date) -> Iterator[Path]:
    days = month_days(month)
    metrics = [files.metrics_path(name, day) for name in SOURCES for day in (*month_days(month_before(month)), *days)]
    pages = [files.report_path(day) for day in days]
    return (path for path in (*metrics, *pages, *code_files(Path(__file__))) if path.is_file())


def write_months(store: DatabaseService, files: LocalFileService, months: Sequence[date]) -> None:
    """Write each month, oldest first, as JSON, CSV and page."""
    newest = stored_days(store, None, None)[-1]
    read: dict[date, SourceDays] = {}  # of two months, so that each is read once
    for month in months:
        read = {one: read.get(one) or read_source_days(store, month_days(one)) for one in (month_before(month), month)}
        reports = {day: report for day in month_days(month) if (report := usable_report(store, day))}
        figures = compute_month(month, read[month], read[month_before(month)], reports, newest)
        pages = {
            f"{day}": path.name for day in month_days(month) if (path := files.report_path(day, ".html")).is_file()
        }
        document = {"report_id": month_report_id(month), "month": figures["mois"], "report": figures}
        json_path, csv_path, html_path = (files.month_path(month, suffix) for suffix in FORMS)
        page = month_page(figures, month_ways(files, month), pages)
        write_together({json_path: encode(document), csv_path: month_csv(figures), html_path: page})


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)

    def work() -> int:
        settings = cli.chosen_settings({"CITYFLOW_STORE": arguments.store})
        first, last = day_range.bounds(arguments)
        if arguments.month and (first or last):
            raise UsageError("--month ne va pas avec --from ni --to.")
        written = write_history(settings, first, last, arguments.month)
        if arguments.json:
            months = {f"{month:%Y-%m}": str(path) for month, path in written.months.items()}
            cli.emit_json({"jours": written.days, "fichier": str(written.page), "mois": months})
        else:
            for month, path in written.months.items():
                cli.emit(f"bilan {month:%Y-%m} -> {path}")
            cli.emit(f"historique : {counted(written.days, 'jour')} -> {written.page}")
        return ExitCode.DONE

    return cli.guarded(work, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(HELP, store="où lire")
    day_range.add_range(parser)
    parser.add_argument(
        "--month",
        type=day_range.month_argument,
        metavar="AAAA-MM",
        help="le bilan de ce mois (défaut : ce qui a changé)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
