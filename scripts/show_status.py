"""Which days are complete, partial or missing, and which are published: one line a day.

It reads the store and the manifests of the runs (output/runs/); what AWS really holds is for `make check-upload`.

    python scripts/show_status.py --from 2025-10-07 --to 2025-11-04
"""

import logging
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.common.errors import CityflowError, ExitCode, NoDataError
from lib.common.paris_time import PARIS, civil_day, days_between, yesterday
from lib.common.settings import Settings
from lib.common.text import counted
from lib.database_factory import get_database_service
from lib.database_service import DatabaseService
from lib.figures.quality import has_account
from lib.local_file_service import LocalFileService
from lib.raw.source_files import is_synthetic
from lib.raw.tree import is_readable
from lib.run import cli, day_range
from lib.run.day_plan import ABSENT, INCOMPLETE, INPUTS, REMADE, UNTRIED, plan_range, step_name
from lib.run.day_plan import in_words as days_in_words
from lib.run.demo_results import are_of_other_files
from lib.run.dependencies import dependencies
from lib.run.kept_figures import why_kept
from lib.run.manifest import DONE, PUBLICATION, steps_of_day
from scripts.registry import SOURCES, publisher

log = logging.getLogger("cityflow.status")

HELP = """État des jours : complets, partiels ou manquants, publiés ou non.

Sans période, les 30 derniers jours jusqu'à hier, à partir du premier jour connu.

Exemple : python scripts/show_status.py --from 2025-10-07 --to 2025-11-04"""

DEFAULT_DAYS = 30
NOT_PUBLISHED = "non publié"
COMPLETE, PARTIAL, MISSING = "complet", "partiel", "manquant"
OLDER = "d'une version antérieure"  # of one source; its day is partial


def day_status(settings: Settings, store: DatabaseService, day: date, stale: dict[str, str]) -> dict[str, Any]:
    """Build date, statut, sources (their states), gardes and a_refaire (source: why), rapport, publication of a day.

    gardes: figures that stay because they rest on more than the raw files that are left; a_refaire: `stale`;
    pour_completer: what would complete a partial day, empty where nobody can.
    """
    states = {source: state_of(store.load_metrics(source, day)) for source in SOURCES}
    alike = {*states.values()}
    statut = alike.pop() if alike in ({COMPLETE}, {MISSING}) else PARTIAL
    report = LocalFileService(settings.output_dir).report_path(day).is_file()
    behind = bool(stale) or not report
    kept = {source: reason for source in SOURCES if (reason := why_kept(settings.output_dir, source, day))}
    return {
        "date": day.isoformat(),
        "statut": statut,
        "sources": states,
        "gardes": kept,
        "a_refaire": stale,
        "pour_completer": completing(settings, day, states, behind) if statut == PARTIAL else "",
        "rapport": report,
        "publication": publication(settings, day),
    }


def completing(settings: Settings, day: date, states: dict[str, str], behind: bool) -> str:
    """Choose the command that may complete a partial day, or say why its publishers can no longer be asked.

    What was never tried, or is `behind` its raw files or code, is computed first; else raw files are missing.
    """
    if are_of_other_files(settings):
        return ""  # of results of make demo, beside other raw files
    lacking = [name for name, state in states.items() if state != COMPLETE]
    tried = steps_of_day(settings.output_dir, day)
    process = f"make process DATE={day}"
    if behind or any(name not in tried for name in lacking if states[name] == MISSING):
        return process
    if is_synthetic(settings):
        return ""  # whose publisher is make demo
    refused = []
    for name in lacking:
        try:
            publisher(SOURCES[name]).address(settings, day, civil_day(settings.now()))
        except CityflowError as error:
            refused.append(f"{name} : {error}")
    return refused[0] if len(refused) == len(lacking) else f"make fetch DATE={day}; {process}"


def state_of(metrics: dict[str, Any] | None) -> str:
    """Read the state of a source from its account; figures without one measured value are missing."""
    if metrics and not has_account(metrics):
        return OLDER
    statut = metrics["qualite"]["statut"] if metrics else MISSING
    return MISSING if statut == "absent" else str(statut)


def publication(settings: Settings, day: date) -> str:
    """Say when the last upload of the day ended, and whether it still holds: failed since, or files changed since."""
    step = steps_of_day(settings.output_dir, day).get(PUBLICATION)
    if step is None:
        return NOT_PUBLISHED
    moment = datetime.fromisoformat(step["debut"])
    when = f"{moment.astimezone(PARIS):%Y-%m-%d %H:%M}"
    if step["statut"] != DONE:
        return f"publication incomplète le {when}"
    return f"{'modifié depuis' if changed_after(settings, day, moment) else 'publié'} le {when}"


def stale_sources(settings: Settings, days: list[date]) -> dict[date, dict[str, str]]:
    """Find the sources (and the report) of each day whose figures are there but no longer true, and why."""
    found: dict[date, dict[str, str]] = {day: {} for day in days}
    if are_of_other_files(settings):
        log.warning("résultats de make demo : ajouter DATA_DIR=data/demo pour savoir ce qui est à refaire.")
        return found
    every, files = list(SOURCES.values()), LocalFileService(settings.output_dir)

    @lru_cache
    def newest(name: str) -> float:
        """Find the time (POSIX) of the newest raw file of a source; the files serve all its days."""
        paths = dependencies(SOURCES[name]).raw_paths(settings)
        return max((path.stat().st_mtime for path in paths if is_readable(path)), default=0.0)

    def figures_after_report(day: date) -> bool:
        report = files.report_path(day)
        return report.is_file() and changed_after(settings, day, datetime.fromtimestamp(report.stat().st_mtime, UTC))

    for step in plan_range(settings, days, every, False, every).to_do:
        if step.reason not in (ABSENT, INCOMPLETE, UNTRIED):  # the state of the day says what is missing
            if step.reason == REMADE and not found[step.day] and not figures_after_report(step.day):
                continue  # it is to be made again only if figures come of what is missing
            made = files.metrics_path(step.source, step.day)
            when = newest(step.source) if step.reason == INPUTS and made.is_file() else 0.0
            came = when and when > made.stat().st_mtime  # else a file went, say
            why = f"fichiers bruts arrivés le {datetime.fromtimestamp(when, PARIS):%Y-%m-%d à %H:%M}"
            found[step.day][step_name(step.source)] = why if came else step.reason
    return found


def in_words(stale: dict[str, str]) -> str:
    """Write « bikes, weather (code changé) ; traffic (fichiers bruts changés) », or « tout (code changé) »."""
    reasons = dict.fromkeys(stale.values())
    if len(reasons) == 1 and len(stale) > len(SOURCES):  # and the report
        return f"tout ({next(iter(reasons))})"
    return " ; ".join(f"{', '.join(one for one in stale if stale[one] == reason)} ({reason})" for reason in reasons)


def changed_after(settings: Settings, day: date, moment: datetime) -> bool:
    """Tell whether a result of the day was written after that."""
    files = LocalFileService(settings.output_dir)
    paths = [files.report_path(day), *(files.metrics_path(source, day) for source in SOURCES)]
    return any(datetime.fromtimestamp(path.stat().st_mtime, UTC) > moment for path in paths if path.is_file())


def days_to_show(store: DatabaseService, first: date | None, last: date | None, newest: date) -> list[date]:
    """List the days of the period; without one, the last DEFAULT_DAYS up to `newest`, from the first day known on."""
    last = last or newest
    asked = day_range.bounded_days(first, last) if first else []
    known = [day for source in SOURCES for day in store.list_available_dates(source)]
    if not known:
        raise NoDataError("aucun résultat n'est enregistré.", "Traiter un jour d'abord : make process")
    if asked:
        return asked
    last = min(last, max(known))
    return list(days_between(max(min(known), last - timedelta(days=DEFAULT_DAYS - 1)), last))


def detail(status: dict[str, Any]) -> str:
    """Say what is not complete in a day, and its publication if it has one."""
    lacking = [f"{source} {state}" for source, state in status["sources"].items() if state != COMPLETE]
    partial = ", ".join(lacking) if status["statut"] == PARTIAL else ""
    report = "" if status["rapport"] or status["statut"] == MISSING else "sans rapport"
    kept = f"chiffres gardés : {', '.join(status['gardes'])}" if status["gardes"] else ""
    stale = f"à refaire : {in_words(status['a_refaire'])}" if status["a_refaire"] else ""
    published = "" if status["publication"] == NOT_PUBLISHED else status["publication"]
    return " ; ".join(part for part in (partial, report, stale, kept, published) if part)


def held(store: DatabaseService, statuses: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Say of each source which days the store has, and how many of those shown are not complete."""
    found = {}
    for source in SOURCES:
        days, states = store.list_available_dates(source), [one["sources"][source] for one in statuses]
        found[source] = {
            "jours": len(days),
            "premier": min(days).isoformat() if days else None,
            "dernier": max(days).isoformat() if days else None,
            "partiels": sum(state not in (COMPLETE, MISSING) for state in states),
            "manquants": states.count(MISSING),
        }
    return found


def without_repeats(statuses: list[dict[str, Any]]) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Yield each day with its status, and a run of days of which nothing is known as one: its first and last day."""
    for unknown, run in groupby(statuses, lambda one: one["statut"] == MISSING and not detail(one)):
        days = list(run)
        if unknown and len(days) > 1:
            yield (days[0]["date"], days[-1]["date"]), days[0]
        else:
            yield from (((one["date"], ""), one) for one in days)


def tell(statuses: list[dict[str, Any]], sources: dict[str, dict[str, Any]]) -> None:
    """Print each day, with what would complete it, then what is held of each source, then what is not published."""
    for (first, last), one in without_repeats(statuses):
        cli.emit_row(one["statut"], f"{first}{last and f' à {last}'}  {one['statut']:<9} ", detail(one))
        if one["pour_completer"]:
            cli.emit_row("", f"{'':12}-> ", one["pour_completer"])
    for name, one in sources.items():
        days = f"{counted(one['jours'], 'jour')}, {one['premier']} à {one['dernier']}" if one["jours"] else "aucun jour"
        lacking = [counted(one[f"{word}s"], word) for word in (PARTIAL, MISSING) if one[f"{word}s"]]
        cli.emit_row("", f"{name:<11} ", f"{days}{' ; ci-dessus ' if lacking else ''}{', '.join(lacking)}")
    if unpublished := [date.fromisoformat(one["date"]) for one in statuses if one["publication"] == NOT_PUBLISHED]:
        cli.emit_row("", "", f"Non publiés : {days_in_words(unpublished)}.")
    states = [one["statut"] for one in statuses]
    totals = ", ".join(counted(states.count(word), word) for word in (COMPLETE, PARTIAL, MISSING))
    cli.emit(f"{counted(len(statuses), 'jour')} : {totals}.")


def main(argv: list[str] | None = None) -> int:
    parser = cli.Parser(HELP, store="où lire")
    day_range.add_range(parser)
    arguments = parser.parse_args(argv)

    def work() -> int:
        settings = cli.chosen_settings({"CITYFLOW_STORE": arguments.store})
        with get_database_service(settings) as store:
            days = days_to_show(store, arguments.first, arguments.last, yesterday(settings.now()))
            stale = stale_sources(settings, days)
            statuses = [day_status(settings, store, day, stale[day]) for day in days]
            sources = held(store, statuses)
        if arguments.json:
            cli.emit_json({"jours": statuses, "sources": sources})
        else:
            tell(statuses, sources)
        return ExitCode.DONE

    return cli.guarded(work, arguments)


if __name__ == "__main__":
    sys.exit(main())
