"""What days ask for: which figures are missing or stale, and what the raw files lack. Writes nothing.

Stale are figures older than the list of their raw files, than the code that makes them (see dependencies.py), or than
the earlier days that they are compared with. It is the one answer for make, for a range and for the state of the days.
"""

import contextlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from lib.common.errors import InputError, NoDataError
from lib.common.paris_time import days_compared, recent_days
from lib.common.settings import ROOT, SYNTHETIC_MARKER, Settings
from lib.common.text import counted
from lib.local_file_service import LocalFileService
from lib.raw.places import raw_root
from lib.raw.source import Source
from lib.raw.source_files import source_files, usual_folder
from lib.run.dependencies import REPORT, dependencies
from lib.run.input_lists import inputs_changed
from lib.run.kept_figures import note_path

DEMO_RAW = ROOT / "data" / "demo" / "cityflow-raw" / "raw"  # where make demo invents its raw files
FORCED, ABSENT = "demandé", "absent"
INPUTS, CODE = "fichiers bruts changés", "code changé"
HISTORY, INCOMPLETE, REMADE = "jour comparé refait", "source manquante", "chiffres refaits"
UNTRIED = "jour comparé absent, à essayer"  # stale only if that day turns out to have data
FORMS = "page ou tableau à refaire"


@dataclass(frozen=True)
class Step:
    """The figures of one source (or the report) of one day, and why they are to be made; `reason` empty: up to date."""

    day: date
    source: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """Every step of a range, in the order in which they are stored."""

    days: list[date]
    sources: list[Source]
    steps: list[Step]

    @property
    def to_do(self) -> list[Step]:
        return [step for step in self.steps if step.reason]

    @property
    def names(self) -> list[str]:
        return [source.name for source in self.sources]

    def only(self, wanted: Callable[[Step], bool]) -> "Plan":
        """Copy the plan with nothing to do but these steps."""
        return replace(self, steps=[one if wanted(one) else replace(one, reason="") for one in self.steps])

    def days_of(self, source: str) -> list[date]:
        """List the days of a source that are to be made."""
        return [step.day for step in self.to_do if step.source == source]


def plan_range(
    settings: Settings, days: list[date], sources: list[Source], force: bool, every: Collection[Source]
) -> Plan:
    """Look at what there is; the days come oldest first, each with its sources, then its report.

    `every` are the sources that a report is made of.
    """
    files = LocalFileService(settings.output_dir)
    rests_on = {source.name: dependencies(source) for source in sources} | {REPORT: dependencies(None)}
    inputs = {source.name: max(inputs_changed(settings, one) for one in source.read) for source in sources}
    code = {step: _newest(rests_on[step].code) for step in rests_on}
    names = [source.name for source in every]
    with_sensors = {source.name for source in sources if source.sensors}
    times: dict[tuple[str, date], float] = {}  # of results, once planned: infinity for one that is to be made
    absent: set[tuple[str, date]] = set()

    def made(source: str, day: date) -> float | None:
        if (source, day) in times:
            return times[source, day]
        return _time(files.report_path(day) if source == REPORT else files.metrics_path(source, day))

    def why(source: str, day: date) -> str:
        own = made(source, day)
        if force or own is None:
            return FORCED if force else ABSENT
        kept = _time(note_path(settings.output_dir, source, day)) or 0  # tried in vain: what was known stayed
        tried = max(own, kept) if own else 0  # 0: the database does not have them yet (see both.save_in_both)
        if source != REPORT and inputs[source] > tried:
            return INPUTS
        if code[source] > tried:
            return CODE
        if source == REPORT and not files.report_is_whole(day):
            return FORMS
        today = [made(one, day) for one in names] if source == REPORT else []
        if None in today or any(time is not None and time > own for time in today):
            return INCOMPLETE if None in today else REMADE
        if source == REPORT:
            shown = {*days_compared(day), *recent_days(day)}
            past = [(one, earlier) for earlier in shown for one in names]
        else:
            # A day that was never made may have no data at all: it says so of the same weekdays alone.
            known = [one for one in recent_days(day) if (source, one) not in absent or one in days_compared(day)]
            past = [(source, earlier) for earlier in known if source in with_sensors]
        newer = {one for one in past if (time := made(*one)) is not None and time > tried}
        return "" if not newer else UNTRIED if newer <= absent else HISTORY

    steps = []
    for day in days:
        for source in rests_on:
            steps.append(Step(day, source, why(source, day)))
            if steps[-1].reason:
                times[source, day] = float("inf")
            if steps[-1].reason == ABSENT:
                absent.add((source, day))
    return Plan(days, sources, steps)


def _newest(paths: Iterable[Path]) -> float:
    return max(time for path in paths if (time := _time(path)) is not None)


def _time(path: Path) -> float | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # not there; where it cannot be looked at, making it again says why
        return None


def require_some_raw(settings: Settings, plan: Plan) -> None:
    """Raise NoDataError, one line for all its sources, where a plan has work to do and none of them has a raw file."""
    if any(plan.days_of(name) for name in plan.names):
        require_a_raw_file(settings, plan.sources)


def require_a_raw_file(settings: Settings, sources: Collection[Source]) -> None:
    """Raise NoDataError where none of the sources has a raw file."""
    if any(_has_files(settings, one) for one in sources):
        return
    root = raw_root(settings)
    folders = dict.fromkeys(usual_folder(settings, source) for source in sources)
    names = ", ".join(str(one.relative_to(root) if one.is_relative_to(root) else one) for one in folders)
    demo = (DEMO_RAW / SYNTHETIC_MARKER).is_file() and raw_root(settings) != DEMO_RAW
    raise NoDataError(
        f"aucun fichier brut dans {root} ({names}).",
        f"Vérifier DATA_DIR, ou : make fetch{' ; pour les données de make demo, DATA_DIR=data/demo' if demo else ''}",
    )


def _has_files(settings: Settings, source: Source) -> bool:
    try:
        return bool(source_files(settings, source))
    except InputError:  # a setting that names no file: the source itself says so
        return True


def after_the_last_pull(settings: Settings, sources: Iterable[Source], days: Iterable[date]) -> list[date]:
    """Select the days of which exports alone may tell: no source has a pull that was made on the day, or later."""
    pulled: set[date] = set()
    for source in sources:
        with contextlib.suppress(InputError):  # the source itself says what cannot be looked at
            pulled |= {raw.pull_day for raw in source_files(settings, source) if raw.pull_day}
    return [day for day in days if day > max(pulled, default=date.min)]


def gaps(settings: Settings, plan: Plan) -> dict[str, list[date]]:
    """Find the days without a pull of each source that lacks some; a later pull may yet hold such a day."""
    return {source.name: gap for source in plan.sources if (gap := _gap(settings, source, plan.days))}


def _gap(settings: Settings, source: Source, days: list[date]) -> list[date]:
    """Find the days without a file of a source: all of them where none may be looked at."""
    try:
        files = source_files(settings, source)
    except InputError:
        return days
    if not source.pulls or any(raw.pull_day is None for raw in files):
        return [] if files else days
    return sorted(set(days) - {raw.pull_day for raw in files if raw.pull_day})


def plan_lines(plan: Plan, without_pull: dict[str, list[date]]) -> list[str]:
    """Write the plan for people, with what `gaps` found, which only the computation can tell to be missing."""
    first, last = plan.days[0], plan.days[-1]
    days, steps = counted(len(plan.days), "jour"), counted(len(plan.to_do), "calcul")
    lines = [f"Plan du {first} au {last} : {days}, {steps} à faire."]
    for source in (*plan.names, REPORT):
        reasons = to_do_by_reason(plan, source)
        parts = [f"{len(days)} à faire ({reason}) : {in_words(days)}" for reason, days in reasons.items()]
        lines.append(f"  {step_name(source):<12} {' ; '.join(parts) or 'à jour'}")
    for source, gap in without_pull.items():
        lines.append(f"  {source} : aucun fichier de {in_words(gap)} (un fichier plus récent peut en parler)")
    return lines


def plan_object(plan: Plan, without_pull: dict[str, list[date]]) -> dict[str, Any]:
    """Build the plan for programs, with what `gaps` found."""
    return {
        "jours": len(plan.days),
        "sources": plan.names,
        "a_faire": {
            step_name(source): {reason: _texts(days) for reason, days in to_do_by_reason(plan, source).items()}
            for source in (*plan.names, REPORT)
        },
        "sans_releve": {source: _texts(days) for source, days in without_pull.items()},
    }


def to_do_by_reason(plan: Plan, source: str) -> dict[str, list[date]]:
    """Group the days of a source that are to be made by reason."""
    found: dict[str, list[date]] = {}
    for step in plan.to_do:
        if step.source == source:
            found.setdefault(step.reason, []).append(step.day)
    return found


def in_words(days: list[date]) -> str:
    """Write days as runs: « 2025-10-07 à 2025-10-09, 2025-10-12 »."""
    runs: list[list[date]] = []
    for day in sorted(days):
        if runs and (day - runs[-1][-1]).days == 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} à {run[-1]}" for run in runs)


def step_name(step: str) -> str:
    """Name a step as people and programs see it."""
    return "rapport" if step == REPORT else step


def _texts(days: list[date]) -> list[str]:
    return [day.isoformat() for day in days]
