"""The morning's routine: what the last days lack is fetched and computed, then one summary says where each day stands.

For each of the last --days days, oldest first: raw files are asked for again where a source is not complete (--fetch),
what is missing or stale is computed, the report and the history are written, and the tables where there are some
already (make tables). A source that is not published yet is late, which is no error until it is older than its
`late_after` (scripts/registry.py).

    python scripts/daily.py --days 3 --fetch
"""

import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.common.errors import CityflowError, ExitCode, LockHeldError, NoDataError
from lib.common.paris_time import days_between, machine_now, yesterday
from lib.common.settings import Settings
from lib.common.text import counted
from lib.database_factory import get_database_service
from lib.database_service import DatabaseService
from lib.figures.gate import SERIOUS
from lib.run import cli
from lib.run.day_plan import in_words, plan_range, require_some_raw
from lib.run.demo_results import keep_apart
from lib.run.manifest import PUBLICATION
from lib.run.range_run import Failure
from scripts.backfill import run_plan
from scripts.check_quality import check_day
from scripts.fetch_raw import fetch_from_publishers
from scripts.generate_history import write_history
from scripts.make_tables import write_tables
from scripts.registry import RAW, SOURCES
from scripts.show_status import COMPLETE, MISSING, PARTIAL, state_of

log = logging.getLogger("cityflow.daily")

HELP = """Le travail du matin : récupérer et traiter ce qui manque aux derniers jours, puis dire où en est chacun.

Une source en retard n'est une erreur qu'au quatrième jour. ALERT_COMMAND (voir .env.example) reçoit le résumé quand
il y a un échec ou un constat grave.

Exemple : python scripts/daily.py --days 3 --fetch"""

LATE, ABSENT = "en retard", "absent"
ALERT_SECONDS = 60.0  # for ALERT_COMMAND, which may speak to a network


@dataclass
class Morning:
    """What was done: each source's state by day (the day that became too old first), and what went wrong."""

    states: dict[date, dict[str, str]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)  # of fetching and computing
    grave: list[str] = field(default_factory=list)  # quality findings
    blank: list[date] = field(default_factory=list)  # days of which no source has data
    last_known: date | None = None  # of which the store has figures
    locked: bool = False  # whether another run holds a day

    def fail(self, what: object) -> None:
        """Say a failure, and keep it for the summary."""
        if str(what) not in self.failures:
            log.error("%s", what)
            self.failures.append(str(what))

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        """Keep what fails in the block as a failure of the morning, which goes on."""
        try:
            yield
        except CityflowError as error:
            self.fail(error)

    @property
    def overdue(self) -> list[str]:
        """Sources that are missing for longer than publishers take, by day."""
        return in_states(self.states, MISSING)

    @property
    def exit_code(self) -> ExitCode:
        if self.locked:
            return ExitCode.LOCKED
        return ExitCode.FAILED if self.failures or self.overdue else ExitCode.DONE


def run_morning(settings: Settings, morning: Morning, count: int, fetch: bool, jobs: int) -> None:
    """Fetch, compute, report and look at the last `count` days; NoDataError where there is no raw file at all."""
    newest = yesterday(settings.now())
    days = list(days_between(newest - timedelta(days=count - 1), newest))
    if fetch:
        fetch_what_lacks(settings, days, morning)
    compute_what_is_stale(settings, days, jobs, morning)
    with get_database_service(settings) as store:
        for day in (days[0] - timedelta(days=1), *days):
            morning.states[day] = day_states(store, day, newest)
        morning.last_known = max((day for name in SOURCES for day in store.list_available_dates(name)), default=None)
        if (settings.output_dir / "tables").is_dir():  # who made tables before publishes them beside the figures
            with morning.going_on(), contextlib.suppress(NoDataError):
                for one in write_tables(settings, store, days[0], days[-1]).failed:
                    morning.fail(f"tables : {one}")
        morning.grave = [text for day in days for text in grave_findings(store, day, morning.states[day])]


def fetch_what_lacks(settings: Settings, days: list[date], morning: Morning) -> None:
    """Ask publishers again for each source and day that is not complete; what is not published yet is no failure."""
    with get_database_service(settings) as store:
        lacking = {
            name: [day for day in days if name not in SOURCES or state_of(store.load_metrics(name, day)) != COMPLETE]
            for name in RAW
        }
    unreachable = set[str]()
    for name, some in lacking.items():
        for outcome in fetch_from_publishers(settings, [RAW[name]], some, False, unreachable) if some else ():
            if not outcome.error:
                cli.emit(f"{outcome.about} : {outcome.state} -> {outcome.path}")
            elif isinstance(outcome.error, NoDataError):
                log.warning("%s", outcome.failure)
            else:
                morning.fail(outcome.failure)


def compute_what_is_stale(settings: Settings, days: list[date], jobs: int, morning: Morning) -> None:
    """Compute and store what is missing or stale of the days, oldest first, then the history."""
    sources = list(SOURCES.values())
    keep_apart(settings, sources)
    plan = plan_range(settings, days, sources, False, sources)
    require_some_raw(settings, plan)
    ended, morning.blank = run_plan(settings, plan, jobs, False)
    for failure in [one for one in ended if isinstance(one, Failure)]:
        morning.locked |= isinstance(failure.error, LockHeldError)
        if not isinstance(failure.error, NoDataError):
            morning.fail(failure)
    if any(step.day not in morning.blank for step in plan.to_do):
        with morning.going_on():
            write_history(settings)


def day_states(store: DatabaseService, day: date, newest: date) -> dict[str, str]:
    """Find the state of each source; nothing for a day before any is known. `newest` is the last day that is over.

    One without figures is late until `late_after` has passed, then missing; it is only absent if it never had any.
    """
    known = {name: min(store.list_available_dates(name), default=date.max) for name in SOURCES}
    if day < min(known.values()):
        return {}

    def state(name: str) -> str:
        stored = state_of(store.load_metrics(name, day))
        if stored != MISSING:
            return stored
        if newest - day < SOURCES[name].late_after:
            return LATE
        return MISSING if known[name] < day else ABSENT

    return {name: state(name) for name in SOURCES}


def grave_findings(store: DatabaseService, day: date, states: dict[str, str]) -> list[str]:
    """Select the findings after which no figure may be used; of sources that are not there, `states` says enough."""
    if not states:
        return []
    there = {name for name, state in states.items() if state not in (LATE, MISSING, ABSENT)}
    found = [one for one in check_day(store, day) if one.severite == SERIOUS and one.source in there] if there else []
    return [f"{day} {one.source} : {one.message}" for one in found]


def summary_lines(morning: Morning, count: int) -> list[str]:
    """One line a day, then what failed, what is grave, and what is tried again tomorrow."""
    lines = ["Résumé :"]
    if morning.blank:
        last = f" (dernier jour connu : {morning.last_known})" if morning.last_known else ""
        lines.append(f"  {in_words(morning.blank)}  aucune source n'a de données, rien n'est écrit{last}")
    for day, states in morning.states.items():
        if day in morning.blank:
            continue
        complete = list(states.values()).count(COMPLETE)
        parts = [counted(complete, "source complète")] if complete else []
        for wanted in dict.fromkeys(states.values()):
            if wanted != COMPLETE:
                parts.append(f"{', '.join(name for name, state in states.items() if state == wanted)} {wanted}")
        if states:
            lines.append(f"  {day}  {' ; '.join(parts) if complete < len(states) else 'tout est complet'}")
    lines += [f"  échec : {one}" for one in morning.failures]
    lines += [f"  toujours absent : {one}" for one in morning.overdue]
    lines += [f"  grave : {one}" for one in morning.grave]
    tomorrow = dict(list(morning.states.items())[2:])  # one day older is left behind
    again = in_states(tomorrow, LATE, PARTIAL)
    lines.append(f"  demain : {' ; '.join(again) if count > 1 and again else 'rien à reprendre'}")
    return lines


def in_states(days: dict[date, dict[str, str]], *wanted: str) -> list[str]:
    """Name the sources of each day that are in one of some states: « bikes, traffic du 2025-11-04 », « tout du … »."""
    found = {day: [name for name, state in states.items() if state in wanted] for day, states in days.items()}
    return [
        f"{'tout' if len(names) == len(SOURCES) else ', '.join(names)} du {day}"
        for day, names in found.items()
        if names
    ]


def forget_old(settings: Settings, now: datetime) -> int:
    """Delete the logs and manifests that were last written over KEEP_DAYS ago (0: none); how many went.

    Manifests of an upload stay: they are how make status knows that a day is published.
    """
    if not settings.keep_days:
        return 0
    oldest = (now - timedelta(days=settings.keep_days)).timestamp()
    manifests = settings.output_dir.glob("runs/*/*.json")
    old = [path for path in (*settings.log_dir.glob("processing_*.log"), *manifests) if path.stat().st_mtime < oldest]
    upload = f'"{PUBLICATION}"'
    went = [path for path in old if path.suffix == ".log" or upload not in path.read_text("utf-8", "replace")]
    for path in went:
        path.unlink()
    return len(went)


def alert(settings: Settings, text: str) -> None:
    """Give a text to ALERT_COMMAND on its standard input; one that fails is said and changes nothing else."""
    if not settings.alert_command:
        return
    command = ["/bin/sh", "-c", settings.alert_command]
    try:
        ran = subprocess.run(command, input=f"{text}\n".encode(), capture_output=True, timeout=ALERT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        log.error("ALERT_COMMAND n'a pas fini en %.0f s.", ALERT_SECONDS)
        return
    if ran.returncode:
        log.error("ALERT_COMMAND a échoué (code %d) : %s", ran.returncode, ran.stderr.decode(errors="replace").strip())


def main(argv: list[str] | None = None) -> int:
    parser = cli.Parser(HELP, store="où enregistrer")
    parser.add_argument(
        "--days",
        type=cli.whole_number("un nombre de jours (1 à 31)", 1, 31),
        default=3,
        metavar="N",
        help="derniers jours à compléter (défaut : 3)",
    )
    parser.add_argument("--fetch", action="store_true", help="d'abord redemander aux éditeurs ce qui manque")
    arguments = parser.parse_args(argv)

    def work() -> int:
        settings = cli.chosen_settings({"CITYFLOW_STORE": arguments.store})
        morning = Morning()
        try:
            run_morning(settings, morning, arguments.days, arguments.fetch, os.cpu_count() or 1)
        except CityflowError as error:
            alert(settings, "\n".join([*morning.failures, str(error)]))
            raise
        went = forget_old(settings, machine_now())  # the times of files are the machine's
        if went:
            words = counted(went, "journal ou compte rendu supprimé", "journaux ou comptes rendus supprimés")
            log.info("%s, de plus de %s.", words, counted(settings.keep_days, "jour"))
        lines = summary_lines(morning, arguments.days)
        if morning.exit_code or morning.grave:
            alert(settings, "\n".join(lines))
        if arguments.json:
            states = {day.isoformat(): one for day, one in morning.states.items()}
            cli.emit_json({"jours": states, "echecs": [*morning.failures, *morning.overdue], "graves": morning.grave})
        else:
            cli.emit("\n".join(lines))
        return morning.exit_code

    return cli.guarded(work, arguments)


if __name__ == "__main__":
    sys.exit(main())
