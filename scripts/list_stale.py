"""The steps of a day that are to be made again, one line for make: « bikes weather report ».

Python alone decides: make carries out what this names, the sources side by side, then the report.

    python scripts/list_stale.py --date 2025-11-04
"""

import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.common.paris_time import yesterday
from lib.common.settings import load_settings
from lib.run import cli
from lib.run.day_plan import plan_range
from lib.run.day_range import day_argument
from lib.run.dependencies import REPORT
from lib.run.kept_figures import why_kept
from scripts.registry import SOURCES

log = logging.getLogger("cityflow.stale")

HELP = """Étapes d'un jour à refaire (les sources, puis le rapport), sur une ligne ; vide quand tout est à jour.

Exemple : python scripts/list_stale.py --date 2025-11-04"""


def main(argv: list[str] | None = None) -> int:
    parser = cli.Parser(HELP)
    parser.add_argument("--date", type=day_argument, metavar="AAAA-MM-JJ", help="jour (défaut : hier, à Paris)")
    parser.add_argument("--only", choices=(*SOURCES, REPORT), help="une étape seulement")
    parser.add_argument("--force", action="store_true", help="toutes, même à jour")
    cli.add_common(parser)
    arguments = parser.parse_args(argv)

    def work() -> int:
        settings = load_settings()
        day = arguments.date or yesterday(settings.now())
        sources = [source for name, source in SOURCES.items() if arguments.only in (None, name)]
        plan = plan_range(settings, [day], sources, arguments.force, SOURCES.values())
        steps = {step.source: step.reason for step in plan.to_do if arguments.only in (None, step.source)}
        for source in sources:
            kept = "" if source.name in steps else why_kept(settings.output_dir, source.name, day)
            if kept:
                log.warning("%s du %s, chiffres gardés : %s", source.name, day, kept)
        if arguments.json:
            cli.emit_json({"date": day.isoformat(), "a_refaire": steps})
        else:
            cli.emit(" ".join(steps))
        return 0

    return cli.guarded(work, arguments)


if __name__ == "__main__":
    sys.exit(main())
