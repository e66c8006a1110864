"""A range of days, both included: every source of each, then its report, oldest first so that comparisons have history.

python scripts/backfill.py --from 2025-10-07 --to 2025-11-04
"""

import argparse
import contextlib
import logging
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib import cli
from lib.database_factory import get_database_service
from lib.database_service import DatabaseService
from lib.day_run import Process, run_day
from lib.demo_results import keep_apart
from lib.errors import CityflowError, ExitCode
from lib.make_facts import note_inputs
from lib.raw_files import is_synthetic
from lib.run_lock import day_lock
from lib.settings import STORES, Settings, load_settings
from scripts import (
    generate_report,
    process_bikes,
    process_chantiers,
    process_comptages,
    process_referentiel,
    process_traffic,
    process_weather,
)

log = logging.getLogger("cityflow.backfill")

HELP = """Traite une période : chaque source de chaque jour puis son rapport, du plus ancien au plus récent.

Exemple : python scripts/backfill.py --from 2025-10-07 --to 2025-11-04"""

PROCESSES: dict[str, Process] = {
    "bikes": process_bikes.process,
    "traffic": process_traffic.process,
    "weather": process_weather.process,
    "comptages": process_comptages.process,
    "chantiers": process_chantiers.process,
    "referentiel": process_referentiel.process,
}


def run_range(settings: Settings, store: DatabaseService, days: list[date], sources: list[str]) -> Iterator[str]:
    """Process the days in order, going on past what fails; yields one message for each failure."""
    for day in tqdm(days, desc="jours", unit="jour", disable=None):
        for source in sources:
            try:
                with day_lock(settings.output_dir, day, source, settings.lock_fd):
                    run_day(settings, store, source, PROCESSES[source], day)
            except CityflowError as error:
                yield f"{day} {source} : {error}"
        try:
            with day_lock(settings.output_dir, day, "report", settings.lock_fd):
                generate_report.process(settings, store, day)
        except CityflowError as error:
            yield f"{day} rapport : {error}"


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)

    def work() -> int:
        settings = load_settings({"CITYFLOW_STORE": arguments.store or ""})
        if settings.fallback_notice:
            log.warning("%s", settings.fallback_notice)
        days = cli.range_days(arguments)
        if is_synthetic(settings):
            keep_apart(settings)  # so that a refusal is said once, not for each source of each day
        note_inputs(settings)  # make process finds these days up to date
        sources = arguments.source or list(PROCESSES)
        with get_database_service(settings) as store, contextlib.ExitStack() as stack:
            if "comptages" in sources:
                stack.enter_context(process_comptages.days_at_hand(settings, days))
            failures = list(run_range(settings, store, days, sources))
        for failure in failures:
            log.error("%s", failure)
        if arguments.json:
            cli.emit_json({"jours": len(days), "sources": sources, "echecs": failures})
        else:
            cli.emit(f"{len(days)} jours, {len(failures)} échecs -> {settings.output_dir}")
        return ExitCode.FAILED if failures else ExitCode.DONE

    return cli.guarded(work, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(HELP)
    cli.add_range(parser, required=True)
    parser.add_argument("--source", action="append", choices=list(PROCESSES), help="une source seulement (répétable)")
    parser.add_argument("--store", choices=STORES, help="où enregistrer (défaut : CITYFLOW_STORE)")
    cli.add_common(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
