"""The history page: the days of the store as a calendar with small multiples, each linked to its report.

It reads the store alone (the reports, and which days have metrics); a day whose report was never made is shown as such.

    python scripts/generate_history.py --from 2025-10-07 --to 2025-11-04
"""

import argparse
import logging
import sys
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.common.errors import ExitCode, NoDataError
from lib.common.settings import Settings
from lib.common.text import counted
from lib.database_factory import get_database_service
from lib.database_service import DatabaseService
from lib.files.atomic_file import write_together
from lib.local_file_service import LocalFileService
from lib.run import cli, day_range
from lib.run.both import from_either
from scripts.registry import SOURCES
from scripts.report.history.all_days import HistoryDay, history_csv, history_page
from scripts.report.ways import link_again

log = logging.getLogger("cityflow.history")

HELP = """Page d'historique : le calendrier des jours traités, avec un lien vers chaque rapport.

Exemple : python scripts/generate_history.py --from 2025-10-07 --to 2025-11-04"""


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


def write_history(settings: Settings, first: date | None = None, last: date | None = None) -> tuple[Path, int]:
    """Write the page of the stored days within the bounds; its path, and how many days it shows.

    Raises NoDataError where the store has no day.
    """
    files = LocalFileService(settings.output_dir)
    with get_database_service(settings) as store:
        days = from_either(store, files, lambda reader: read_days(reader, files, first, last))
    if not days:
        raise NoDataError("aucun jour traité dans cette période.", "Traiter des jours : make backfill FROM= TO=")
    path = files.output_dir / "reports" / "index.html"
    write_together({path: history_page(days), path.with_name("historique.csv"): history_csv(days)})
    link_again(files, [one.day for one in days if one.page])
    return path, len(days)


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)

    def work() -> int:
        settings = cli.chosen_settings({"CITYFLOW_STORE": arguments.store})
        path, days = write_history(settings, *day_range.bounds(arguments))
        if arguments.json:
            cli.emit_json({"jours": days, "fichier": str(path)})
        else:
            cli.emit(f"historique : {counted(days, 'jour')} -> {path}")
        return ExitCode.DONE

    return cli.guarded(work, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(HELP)
    day_range.add_range(parser)
    cli.add_store(parser, "où lire")
    cli.add_common(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
