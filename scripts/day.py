"""One day: the sources that are stale side by side, then the report, whether they all succeeded or not. For make.

Each step is the command of its own script, carried out in a process that is forked off this one: pandas is imported
once. A run of the whole day holds it alone; that of one step (--only) shares it as the script alone does.

    python scripts/day.py --date 2025-11-04
"""

import contextlib
import importlib
import logging
import os
import sys
from datetime import date
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.common.errors import ExitCode
from lib.common.settings import Settings
from lib.files.locks import whole_day
from lib.run import cli
from lib.run.day_plan import after_the_last_pull, plan_range, require_some_raw
from lib.run.day_range import add_day
from lib.run.dependencies import REPORT
from lib.run.kept_figures import why_kept
from lib.run.side_by_side import announce, side_by_side
from scripts.registry import DATED_EXPORTS, SOURCES, script

log = logging.getLogger("cityflow.day")

HELP = """Un jour : les sources à refaire, côte à côte, puis le rapport. C'est ce que fait make process.

Exemple : python scripts/day.py --date 2025-11-04"""

SLOWEST_FIRST = ("comptages", "bikes")  # the sources that take longest begin first
NO_ROWS = {ExitCode.NO_INPUT, ExitCode.FAILED}  # of an export without the day, or that cannot be read


def stale_steps(settings: Settings, day: date, only: str | None, force: bool) -> dict[str, str]:
    """List the steps of a day to be made again and why, sources first; warn of figures that are kept instead."""
    sources = [source for name, source in SOURCES.items() if only in (None, name)]
    plan = plan_range(settings, [day], sources, force, SOURCES.values())
    require_some_raw(settings, plan)
    steps = {step.source: step.reason for step in plan.to_do if only in (None, step.source)}
    for source in sources:
        kept = "" if source.name in steps else why_kept(settings.output_dir, source.name, day)
        if kept:
            log.warning("%s du %s, chiffres gardés : %s", source.name, day, kept)
    return steps


def run_day(day: date, steps: list[str], words: list[str], noise: list[str], jobs: int, unsure: bool) -> int:
    """Carry out the steps of a day; the exit code that all failed steps share, else FAILED.

    Of an `unsure` day exports alone may tell: they are tried first, and without any row nothing is written of it.
    """
    sources = [name for name in dict.fromkeys((*SLOWEST_FIRST, *steps)) if name in steps and name != REPORT]
    work = {name: partial(script(SOURCES[name]).main, ["--date", str(day), *words, *noise]) for name in sources}
    report = importlib.import_module("scripts.generate_report").main if REPORT in steps else None  # before the forks
    codes: dict[str, int] = {}
    if unsure:
        codes = side_by_side({name: work.pop(name) for name in DATED_EXPORTS if name in work}, jobs)
        if len(codes) == len(DATED_EXPORTS) and {ExitCode.NO_INPUT} <= {*codes.values()} <= NO_ROWS:
            log.error("%s : aucune source n'a de données, rien n'est écrit.", day)
            return ExitCode.NO_INPUT
    codes |= side_by_side(work, jobs)
    if report:
        announce(REPORT)
        codes[REPORT] = report(["--date", str(day), *noise])
    failed = {code for code in codes.values() if code}
    return failed.pop() if len(failed) == 1 else ExitCode.FAILED if failed else ExitCode.DONE


def main(argv: list[str] | None = None) -> int:
    parser = cli.Parser(HELP, json=False)
    parser.set_defaults(store=None)  # the steps take it from the environment
    add_day(parser, "jour traité (défaut : hier, à Paris)")
    parser.add_argument("--wait", action="store_true", help="attendre la fin d'un autre traitement du même jour")
    parser.add_argument("--only", choices=(*SOURCES, REPORT), help="une étape seulement")
    parser.add_argument("--force", action="store_true", help="refaire même ce qui est à jour")
    parser.add_argument(
        "--jobs",
        type=cli.whole_number("un nombre d'étapes", 1),
        default=os.cpu_count() or 1,
        metavar="N",
        help="étapes à la fois",
    )
    arguments = parser.parse_args(argv)

    def work() -> int:
        settings, day = cli.day_settings(arguments)
        alone = contextlib.nullcontext() if arguments.only else whole_day(settings.output_dir, day, arguments.wait)
        with alone:
            steps = list(stale_steps(settings, day, arguments.only, arguments.force))
            if not steps:
                what = f"{arguments.only} {day} : à jour" if arguments.only else f"{day} : tout est à jour"
                cli.emit(f"{what}, rien à refaire (FORCE=1 pour refaire).")
                return ExitCode.DONE
            unsure = not arguments.only and bool(after_the_last_pull(settings, SOURCES.values(), [day]))
            words = ["--force"] if arguments.force else []
            noise = ["-v"] if arguments.verbose else ["-q"] if arguments.quiet else []
            return run_day(day, steps, words, noise, arguments.jobs, unsure)

    return cli.guarded(work, arguments)


if __name__ == "__main__":
    sys.exit(main())
