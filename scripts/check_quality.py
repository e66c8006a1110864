"""The quality gate: what a person should know before using the figures of a day.

It reads the store alone: coverage, rejected rows, warnings, sudden falls or rises against the same weekdays, sources
that stopped. Every finding has a stable code, explained in docs/quality-codes.md.

    python scripts/check_quality.py --date 2025-11-04 --strict
"""

import dataclasses
import sys
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.common.errors import ExitCode
from lib.common.text import counted
from lib.database_factory import get_database_service
from lib.database_service import DatabaseService
from lib.figures.calendar_days import public_holiday
from lib.figures.gate import INFORMATION, Finding, findings
from lib.raw.source_files import no_data
from lib.run import cli
from lib.run.sensor_history import same_weekdays
from scripts.registry import SOURCES, watched_figures

HELP = """Contrôle de qualité d'un jour : couverture, rejets, chutes et hausses, sources arrêtées.

Les codes sont expliqués dans docs/quality-codes.md.

Exemple : python scripts/check_quality.py --date 2025-11-04 --strict"""


def check_day(store: DatabaseService, day: date) -> list[Finding]:
    """Find what is wrong with a day; NoDataError where the store has nothing about it at all."""
    metrics = {source: store.load_metrics(source, day) for source in SOURCES}
    days = {source: store.list_available_dates(source) for source in SOURCES}
    if not any(metrics.values()):
        raise no_data("métriques", day, {known.isoformat() for one in days.values() for known in one})
    past = {name: same_weekdays(store, source, day) for name, source in SOURCES.items()}
    last_days = {source: max((one for one in known if one <= day), default=None) for source, known in days.items()}
    return findings(day, metrics, past, last_days, public_holiday(day), *watched_figures())


def main(argv: list[str] | None = None) -> int:
    parser = cli.day_parser(HELP)
    parser.add_argument(
        "--strict", action="store_true", help="finir en échec (code 1) s'il y a plus qu'une information"
    )
    arguments = parser.parse_args(argv)

    def work() -> int:
        settings, day = cli.day_settings(arguments)
        with get_database_service(settings) as store:
            found = check_day(store, day)
        serious = [one for one in found if one.severite != INFORMATION]
        if arguments.json:
            cli.emit_json({"date": day.isoformat(), "constats": [dataclasses.asdict(one) for one in found]})
        else:
            tell(found, day)
        return ExitCode.FAILED if arguments.strict and serious else ExitCode.DONE

    return cli.guarded(work, arguments)


def tell(found: list[Finding], day: date) -> None:
    """Print the findings, the worst first, then their count; what several sources have in common is one of them."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for one in found:
        alike.setdefault((one.severite, one.code, one.message), []).append(one.source)
    for (severite, code, message), sources in alike.items():
        several = f" ({', '.join(sources)})" if len(sources) > 1 else ""
        name = counted(len(sources), "source") if several else sources[0]
        cli.emit_row(severite, f"{severite:<11}  {name:<11}  ", f"{code} : {message}{several}")
    known = sum(severite == INFORMATION for severite, _, _ in alike)
    cli.emit(f"{day} : {counted(len(alike) - known, 'point')} à voir, {counted(known, 'information')}.")


if __name__ == "__main__":
    sys.exit(main())
