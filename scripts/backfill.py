"""A range of days, both included: every source of each, then its report, stored oldest first so that comparisons have
history. Only what is missing or stale is done; a day that fails stops no other. Several processes compute, one writes.

    python scripts/backfill.py --from 2025-10-07 --to 2025-11-04
    python scripts/backfill.py --from 2025-10-07 --to 2025-11-04 --source bikes --dry-run
"""

import argparse
import contextlib
import logging
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lib  # isort: skip # noqa: F401 - first: it says which package is missing

from tqdm import tqdm

from lib.common.errors import ExitCode, InputError, LockHeldError, NoDataError
from lib.common.settings import Settings
from lib.common.text import counted, draws_bars
from lib.database_factory import get_database_service
from lib.files.locks import DayLocks, days_locked, new_run_id
from lib.files.scratch_folder import clear_abandoned
from lib.local_file_service import LocalFileService
from lib.run import cli, day_range
from lib.run.day_plan import (
    Plan,
    Step,
    after_the_last_pull,
    gaps,
    in_words,
    plan_lines,
    plan_object,
    plan_range,
    require_some_raw,
)
from lib.run.demo_results import keep_apart
from lib.run.input_lists import note_inputs
from lib.run.range_run import Done, Failure, Outcome, computed, possible_jobs, reported, store_in_order
from scripts import generate_report, process_comptages
from scripts.cluster.client import computed_there
from scripts.registry import DATED_EXPORTS, SOURCES, compares, measure_days
from scripts.report.ways import beside, link_again

log = logging.getLogger("cityflow.backfill")

NO_ROWS = (NoDataError, InputError)  # an export that cannot be read tells of no day

HELP = """Traite une période : chaque source de chaque jour puis son rapport, du plus ancien au plus récent.

Seul ce qui manque ou n'est plus à jour est calculé ; --dry-run dit quoi, sans rien écrire.

Exemple : python scripts/backfill.py --from 2025-10-07 --to 2025-11-04"""


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)

    def work() -> int:
        days = day_range.range_days(arguments)
        settings = cli.chosen_settings(
            {"CITYFLOW_STORE": arguments.store, "DASK_SCHEDULER_ADDRESS": arguments.scheduler}
        )
        sources = [source for name, source in SOURCES.items() if name in (arguments.source or SOURCES)]
        if not arguments.dry_run:
            keep_apart(settings, sources)
        plan = plan_range(settings, days, sources, arguments.force, SOURCES.values())
        require_some_raw(settings, plan)
        without_pull = gaps(settings, plan)
        if not arguments.json:
            cli.emit("\n".join(plan_lines(plan, without_pull if arguments.dry_run else {})))
        if arguments.dry_run:
            if arguments.json:
                cli.emit_json(plan_object(plan, without_pull))
            return ExitCode.DONE
        ended, blank = run_plan(settings, plan, arguments.jobs, arguments.force)
        done = {step.day for step in plan.to_do}
        link_again(LocalFileService(settings.output_dir), [one for day in done for one in (day, *beside(day))])
        failures = [one for one in ended if isinstance(one, Failure)]
        kept = [one.step for one in ended if isinstance(one, Done) and one.kept]
        messages = [*dict.fromkeys(map(str, failures))]  # a day that was refused is said once
        messages += [f"{in_words(blank)} : aucune source n'a de données, rien n'est écrit."] if blank else []
        for failure in messages:
            log.error("%s", failure)
        if arguments.json:
            stayed = [f"{step.source} {step.day}" for step in kept]
            cli.emit_json({**plan_object(plan, without_pull), "gardes": stayed, "echecs": messages})
        else:
            cli.emit(f"{summary(plan, failures, kept, blank)} -> {settings.output_dir}")
        return exit_code(plan, failures, blank)

    return cli.guarded(work, arguments)


def run_plan(settings: Settings, plan: Plan, jobs: int, force: bool) -> tuple[list[Done | Failure], list[date]]:
    """Compute and store what the plan says; how each step ended, and the days of which there is nothing to say.

    Of a day after the last pull, exports alone may tell: they are tried first, and where they have none of it nothing
    is written, neither works or disruptions that were announced long before nor a report of them.
    """
    clear_abandoned()
    settings = replace(settings, run_id=settings.run_id or new_run_id())  # one run, of several processes
    # make process finds these days up to date
    note_inputs(settings, (read for source in plan.sources for read in source.read))
    unsure = after_the_last_pull(settings, plan.sources, plan.days) if len(plan.sources) == len(SOURCES) else []
    first = plan.only(lambda step: step.day in unsure and step.source in DATED_EXPORTS)
    tried = _ended(settings, first, jobs, force)
    failed = Counter(one.step.day for one in tried if isinstance(one, Failure) and isinstance(one.error, NO_ROWS))
    blank = [day for day in unsure if failed[day] == len(DATED_EXPORTS)]
    rest = plan.only(lambda step: step.day not in blank and step not in first.to_do)
    return [one for one in tried if one.step.day not in blank] + _ended(settings, rest, jobs, force), blank


def _ended(settings: Settings, plan: Plan, jobs: int, force: bool) -> list[Done | Failure]:
    """Carry out a plan; first come the failures of the days that another run holds."""
    if not plan.to_do:
        return []
    with days_locked(settings.output_dir, sorted({step.day for step in plan.to_do})) as locks:
        refused = [Failure(one, locks.refused[one.day]) for one in plan.to_do if one.day in locks.refused]
        for error in locks.refused.values():
            log.warning("%s", error)
        plan = plan.only(lambda step: step.day not in locks.refused)
        jobs = possible_jobs(jobs)
        with (
            get_database_service(settings) as store,
            reported(settings, store, plan, generate_report.process, jobs, locks) as reports,
            computed_there(settings, plan, measure_days)
            if settings.scheduler
            else here(settings, plan, jobs, locks) as outcomes,
            tqdm(plan.to_do, desc="calculs", unit="calcul", disable=not draws_bars()) as steps,
        ):
            return [
                *refused,
                *store_in_order(settings, store, locks, steps, outcomes, plan.sources, compares(), reports, force),
            ]


@contextlib.contextmanager
def here(settings: Settings, plan: Plan, jobs: int, locks: DayLocks) -> Iterator[Iterator[Outcome]]:
    """Compute the plan's days on this machine: each road-count file is read once, then the days are shared out."""
    days = plan.days_of("comptages")
    counts: AbstractContextManager[None] = (
        process_comptages.days_at_hand(settings, days) if days else contextlib.nullcontext()
    )
    with counts, computed(settings, plan, measure_days, jobs, locks) as outcomes:
        yield outcomes


def summary(plan: Plan, failures: list[Failure], kept: list[Step], blank: list[date]) -> str:
    """How many figures were computed, how many stay those of an earlier computation, how many failed."""
    done = sum(step.day not in blank for step in plan.to_do) - len(failures) - len(kept)
    stayed = f" {counted(len(kept), 'gardé tel quel', 'gardés tels quels')}," if kept else ""
    made, lost = counted(done, "calcul fait", "calculs faits"), counted(len(failures), "échec")
    empty = f", {counted(len(blank), 'jour')} sans données" if blank else ""
    return f"{counted(len(plan.days), 'jour')} : {made},{stayed} {lost}{empty}"


def exit_code(plan: Plan, failures: list[Failure], blank: list[date]) -> ExitCode:
    """LOCKED where another run holds a day (the same command later does the rest); NO_INPUT where no day has any."""
    if any(isinstance(failure.error, LockHeldError) for failure in failures):
        return ExitCode.LOCKED
    failed = len(failures) + sum(step.day in blank for step in plan.to_do)
    if failed and failed == len(plan.to_do) and all(isinstance(one.error, NoDataError) for one in failures):
        return ExitCode.NO_INPUT
    return ExitCode.FAILED if failed else ExitCode.DONE


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(HELP, store="où enregistrer")
    day_range.add_range(parser, required=True)
    parser.add_argument("--source", action="append", choices=list(SOURCES), help="une source seulement (répétable)")
    parser.add_argument(
        "--jobs",
        type=cli.whole_number("un nombre de processus (1 ou plus)", 1),
        default=os.cpu_count() or 1,
        metavar="N",
        help="processus (défaut : un par cœur)",
    )
    parser.add_argument("--scheduler", metavar="ADRESSE", help="cluster Dask (défaut : DASK_SCHEDULER_ADDRESS)")
    parser.add_argument("--force", action="store_true", help="refaire même ce qui est à jour")
    parser.add_argument("--dry-run", action="store_true", help="dire ce qui serait fait, sans rien écrire")
    return parser


if __name__ == "__main__":
    sys.exit(main())
