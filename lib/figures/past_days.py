"""What the store remembers of the same weekday, to compare a day with."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from lib.common.paris_time import WEEKS_COMPARED, YEAR_BEFORE, same_weekdays_before
from lib.common.text import counted
from lib.figures.calendar_days import particularity
from lib.figures.changes import (
    LEAST_SHARED,
    MOST_HOUR_MARGIN,
    TENTHS,
    Change,
    Flags,
    Floats,
    Pair,
    Shared,
    change_beside,
    margin,
    middle,
    without_each,
)
from lib.figures.key_figures import KeyFigure, Metrics, Sensors, Watched, at
from lib.figures.numbers import rounded
from lib.figures.sensor_days import beside

Past = dict[date, Metrics]  # metrics of one source on earlier same weekdays, most recent first

USABLE_FROM = 0.8  # coverage below which the totals of a day stand beside no other, and no sentence is about the city


def coverage(metrics: Metrics) -> float:
    """Read the coverage (0..1) of a day's account; 0 without one."""
    return metrics.get("qualite", {}).get("couverture") or 0.0


def comparable(metrics: Metrics) -> bool:
    """Tell whether a day's totals may stand beside those of another; not without an account of their coverage."""
    return coverage(metrics) >= USABLE_FROM


@dataclass(frozen=True)
class Reference:
    """One earlier day beside the day: its figure, the change since, what that rests on, why there is none.

    total: the change (%) of a figure that is not one of sensors; shared: the values that both days have of one that is.
    """

    value: float | None
    total: float | None = None
    shared: Shared | None = None
    why: str | None = None

    @property
    def compared(self) -> bool:
        return self.total is not None or (self.shared is not None and self.why is None)


def evolution(
    today: Metrics | None, day: date, past: Past, figure: KeyFigure | Watched, sensors: Sensors | None = None
) -> dict[str, Any]:
    """Compare a figure with the same weekday last week, with the usual one (the last four) and with the year before.

    With `figure.hours` on the same sensors and hours (see changes.py), else as totals. A change is in %, that of a
    figure of `figure.points` in its points. None where there is nothing to compare, or where few sensors carry it;
    `comparaison` and `pourquoi` say why.
    """
    value = at(today, figure.where) if today else None
    found = {when: _reference(today, day, one, when, figure, sensors) for when, one in past.items()}
    before = {when: found[when] for when in same_weekdays_before(day, WEEKS_COMPARED) if when in found}
    used = {when: one for when, one in before.items() if one.compared}
    known = [one.value for one in (used or before).values() if one.value is not None]
    median = statistics.median(known) if known else None
    noun = sensors.noun if sensors else ""
    usual = _change(used.values(), figure)
    why = usual.why_not(noun) if usual else None
    compared = {} if why else used
    return {
        "valeur": value,
        **_beside_one("semaine_precedente", found, same_weekdays_before(day, 1)[0], figure, noun),
        "mediane_4_semaines": median,
        **_changes("mediane", usual, change(value, median) if used else None, figure),
        "mediane_base": _base(list(used.values()) or list(before.values())[:1], usual, noun),
        "mediane_jours": [when.isoformat() for when in sorted(used)],
        "mediane_particularites": [f"{when} : {name}" for when in compared if (name := particularity(when))],
        **_beside_one("annee_precedente", found, day - YEAR_BEFORE, figure, noun),
        "jours_compares": len(compared),
        "comparaison": why or _comparison(value, before.values(), compared.values()),
    }


def _beside_one(
    key: str, found: dict[date, Reference], when: date, figure: KeyFigure | Watched, noun: str
) -> dict[str, Any]:
    """Say what is known beside one earlier day."""
    one = found.get(when, Reference(None))
    since = _change([one], figure)
    return {
        key: one.value,
        **_changes(key, since, one.total, figure),
        f"{key}_base": _base([one], since, noun),
        f"{key}_particularite": particularity(when) if when in found else None,
    }


def _change(references: Iterable[Reference], figure: KeyFigure | Watched) -> Change | None:
    return change_beside([one.shared for one in references if one.compared and one.shared], figure.points)


def _changes(
    key: str, of_sensors: Change | None, of_totals: float | None, figure: KeyFigure | Watched
) -> dict[str, float | None]:
    published = of_sensors.published if of_sensors else of_totals
    if figure.points:
        return {f"evolution_{key}_pct": None, f"evolution_{key}_points": rounded(published, 2)}
    return {f"evolution_{key}_pct": rounded(published, 1)}


def _base(references: list[Reference], change: Change | None, noun: str) -> dict[str, Any] | None:
    """Say on which sensors a change rests, where fewest are; None for a figure that is not one of sensors."""
    of_sensors = [(one.shared, one.why) for one in references if one.shared]
    if not of_sensors:
        return None
    fewest, why = min(of_sensors, key=lambda pair: pair[0].sensors)
    return {
        "capteurs": fewest.sensors,
        "sur": fewest.measured,
        "part_du_jour": rounded(fewest.day_share, 4),
        "part_du_passe": rounded(fewest.past_share, 4),
        "journees_entieres": fewest.whole_days,
        "marge": rounded(change.margin, 2) if change else None,
        "pourquoi": change.why_not(noun) if change else why,
    }


def _reference(
    today: Metrics | None, day: date, past: Metrics, when: date, figure: KeyFigure | Watched, sensors: Sensors | None
) -> Reference:
    reference = at(past, figure.where)
    value = at(today, figure.where) if today else None
    if today is None or value is None or reference is None:
        return Reference(reference)
    if sensors is None or not figure.hours:
        if not (comparable(today) and comparable(past)):
            return Reference(reference if comparable(past) else None, why="jour trop partiel")
        percent = change(value, reference)
        return Reference(reference, percent, why=None if percent is not None else "rien à comparer")
    found, why = beside(figure, sensors, today, day, past, when), None
    if coverage(today) < LEAST_SHARED:
        why = "jour trop partiel"
    elif not found.comparable:
        why = "rien à comparer" if found.enough else "moins de la moitié des mesures en commun"
    return Reference(reference, shared=found, why=why)


def _comparison(value: float | None, weeks: Iterable[Reference], used: Iterable[Reference]) -> str:
    whole = [one.shared is not None and one.shared.whole_days for one in used]
    if value is None:
        return "donnée manquante"
    if whole:
        text = counted(len(whole), "semaine")
        old = sum(whole)
        return f"{text}, dont {old} sur des totaux de jours entiers (version antérieure)" if old else text
    return next((one.why for one in weeks if one.why), "sans historique")


def change(value: float | None, reference: float | None) -> float | None:
    """Compute the change in percent from `reference`; None when either is missing or `reference` is not above zero."""
    if value is None or reference is None or reference <= 0:
        return None
    return rounded(100 * (value - reference) / reference, 1)


def usual_hours(shown: Sequence[float | None], weeks: Sequence[Pair]) -> list[float | None]:
    """Compute for each hour what the usual day would show on the day's own sensors: the median of the past days.

    shown: the day's 24 totals; weeks: the day beside each past one. A past day counts in an hour in which both days
    have half of each other's sensors. None where none does, where the day itself has nothing, or where the change of
    the hour is one of few sensors.
    """
    values = np.array(shown, dtype=float)
    if not weeks or not np.isfinite(values).any():
        return [None] * len(shown)
    parts = zip(*(_by_hour(week, len(shown)) for week in weeks), strict=True)
    day, past, sensors, enough = (np.stack(part) for part in parts)
    before, total = past.sum(axis=-1), day.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        usual = middle(np.where(enough, before * np.where(total > 0, values / total, 1.0), np.nan))
        most = MOST_HOUR_MARGIN * np.where(usual > 0, np.maximum(np.nanmean(values) / usual, 1.0), 1.0)
        changes = 100 * (without_each(day) / without_each(past) - 1)
    comparable = enough & (before > 0)
    nothing = (np.isnan(changes) & comparable[..., np.newaxis]).any(axis=0)  # left on both days, without a tenth
    change = np.where(nothing, np.nan, middle(np.where(comparable[..., np.newaxis], changes, np.nan)))
    few = np.where(comparable, sensors, np.inf).min(axis=0) < TENTHS  # or none
    told = np.isfinite(values) & (few | ~comparable.any(axis=0) | (margin(change) <= most))
    return [rounded(value, 1) if known else None for value, known in zip(usual.tolist(), told.tolist(), strict=True)]


def _by_hour(week: Pair, hours: int) -> tuple[Floats, Floats, Floats, Flags]:
    """Compare two days in each of the first hours of the clock alone, as changes.shared does.

    Sums of the day and of the past (a row per hour, a column per tenth of the sensors), how many sensors both have,
    and whether these are enough of those of either day.
    """
    places = week.clock.get_indexer(pd.RangeIndex(hours))
    day, past = (np.where(places >= 0, one[:, places], np.nan).T for one in (week.day, week.past))
    known = np.isfinite(day)
    both = known & np.isfinite(past)
    tenths = np.cumsum(known, axis=1) % TENTHS + TENTHS * np.arange(hours)[:, np.newaxis]
    values = (np.where(both, one, 0.0).ravel() for one in (day, past))
    today, before = (np.bincount(tenths.ravel(), one, TENTHS * hours).reshape(hours, TENTHS) for one in values)
    common, held = both.sum(axis=1), np.array([week.held.get(hour, 0) for hour in range(hours)])
    enough = (common > 0) & (common >= LEAST_SHARED * np.maximum(known.sum(axis=1), held))
    return today.astype(float), before.astype(float), common.astype(float), enough
