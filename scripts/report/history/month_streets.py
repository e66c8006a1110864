"""The streets and counters of a month beside the month before: which changed, and did so day after day.

Each day of the month is put beside the average day of its weekday in the month before, on the same sensors and hours.
A street has changed by the median of these ratios, and is told where that is far out of their own spread and beyond
the floors of a day's page (see scripts/report/usual): one strange day moves no median.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from lib.figures.calendar_days import public_holiday
from lib.figures.changes import LEAST_SHARED, comparable_hours
from lib.raw.source import Source
from scripts.report.history.month_days import SourceDay
from scripts.report.history.weeks import Weeks, dead_at_zero
from scripts.report.usual import FLOORS, SHOWN_NAMES, SPREAD, UNUSUAL_FROM, ranked

LEAST_DAYS = 5  # of the month, below which a street's change is that of a few days


def moved_streets(source: Source, days: Mapping[date, SourceDay], weeks: Mapping[str, Weeks]) -> dict[str, Any]:
    """Rank the names that rose and fell most, in units a day: hausse and baisse (RANKED), compares (how many)."""
    figure = next(one for one in source.key_figures if source.sensors and one.hours == source.sensors.hours)
    week = weeks[figure.name].before
    labels = {sensor: label for one in days.values() for sensor, label in one.labels.items()}
    names = pd.Series({sensor: SHOWN_NAMES[source.name](label) for sensor, (label, _) in labels.items()}, dtype=object)
    found = [
        _beside(
            *comparable_hours(one.hours[figure.name], pd.DataFrame(week[day.weekday()]), dead_at_zero(source)), names
        )
        for day, one in sorted(days.items())
        if figure.name in one.hours and public_holiday(day) is None
    ]
    if not found:
        return {"hausse": [], "baisse": [], "compares": 0}
    table = _moves(*(pd.concat(parts, axis=1) for parts in zip(*found, strict=True)))
    units, percents = FLOORS[source.name]
    far = (table["ratio"] - 1).abs() >= np.maximum(UNUSUAL_FROM * table["spread"], percents / 100)
    told = table[far & ((table["jour"] - table["usuel"]).abs() >= units)]
    places = pd.Series({sensor: place for sensor, (_, place) in labels.items()}, dtype=float).groupby(names)
    whole = places.nunique(dropna=False) == 1
    ranking = ranked(told.assign(arrondissement=places.first().where(whole)), "mois_precedent", "evolution_pct")
    return {**ranking, "compares": len(table)}


def _beside(day: pd.DataFrame, usual: pd.DataFrame, names: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Compute for each name the ratio of a day to the usual one over the values of both, and what would be usual.

    NaN where they have less than LEAST_SHARED of each other's values. What would be usual is of the day's own values.
    """
    before = usual.reindex(index=day.index, columns=day.columns)
    both, of_name = day.notna() & before.notna(), names.reindex(day.index)

    def sums(frame: pd.DataFrame) -> pd.Series:
        return frame.sum(axis=1).groupby(of_name).sum()

    common, known, there = sums(both), sums(day.notna()), sums(before.notna())
    one, other = sums(day.where(both)), sums(before.where(both))
    enough = (common > 0) & (common >= LEAST_SHARED * np.maximum(known, there)) & (other > 0)
    whole = other * (sums(day) / one.where(one > 0)).fillna(1.0)
    return (one / other).where(enough), whole.where(enough)


def _moves(ratios: pd.DataFrame, usual: pd.DataFrame) -> pd.DataFrame:
    """Build ratio, spread (MAD, SPREAD at least), jour and usuel (units a day) of the names known on enough days."""
    enough = ratios.notna().sum(axis=1) >= max(LEAST_DAYS, LEAST_SHARED * ratios.shape[1])
    ratios, usual = ratios[enough], usual[enough]
    ratio, before = ratios.median(axis=1), usual.median(axis=1)
    spread = np.maximum(ratios.sub(ratio, axis=0).abs().median(axis=1), SPREAD)
    return pd.DataFrame({"ratio": ratio, "spread": spread, "jour": ratio * before, "usuel": before})
