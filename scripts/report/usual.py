"""Streets and counters beside their usual day: how much, when, and how far out of the ordinary.

The usual day is that of the same weekdays before, on the same sensors and hours (see lib/figures/changes): the
median m of the past days, of which MAD is the median distance to m. A value x is (x - m) / max(MAD, SPREAD m) out of
the ordinary, and is told only beyond floors, so that a lane with forty cars is no news.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.common.paris_time import WEEKS_COMPARED, same_weekdays_before
from lib.figures.changes import LEAST_SHARED, Pair, middle
from lib.figures.past_days import Past
from lib.figures.sensor_days import hours_of, once, pair_of_hours, sound_rows
from lib.raw.source import Source
from scripts.registry import SOURCES
from scripts.report.french import name, street
from scripts.report.key_figures import Metrics

Matrix = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]  # of each sensor, the place of its name

LEAST_DAYS = 3  # past days, below which there is no telling what is usual
SPREAD = 0.05  # of the median: the least distance that past days are taken to have
UNUSUAL_FROM = 4.0  # times that distance; about one value in a hundred of an ordinary day
RANKED = 5  # rows
# The least differences told of a street or counter: units, %.
FLOORS = {"comptages": (2_000.0, 20.0), "bikes": (200.0, 20.0)}
SHOWN_NAMES: dict[str, Callable[[str | None], str]] = {"comptages": street, "bikes": name}


@dataclass(frozen=True)
class Beside:
    """Names (streets, counters, or one for all) beside their usual day; NaN where it is not known.

    names: one row a name: capteurs, arrondissement, jour, usuel, distance (as in the module's words), compares (days).
    hours: one row a name, one column an hour. codes: for each sensor of the day, the row of its name; weeks: its hours
    beside those of each past day, and what each name had on that day (see `_usual`).
    """

    names: pd.DataFrame
    hours: Matrix
    codes: Codes = field(default_factory=lambda: np.empty(0, np.intp))
    weeks: Sequence[tuple[Pair, Matrix]] = ()

    @property
    def scores(self) -> Matrix:
        """Compute how far out of the ordinary each name is; NaN with too short a past."""
        today, usual, distance, days = (self.names[key].to_numpy() for key in ("jour", "usuel", "distance", "compares"))
        known = (days >= LEAST_DAYS) & (distance > 0)
        return np.where(known, today - usual, np.nan) / np.where(known, distance, 1.0)

    def usual_hours(self, row: int) -> Matrix:
        """Compute the usual hours of one name: the median of what its own sensors would have had on each past day."""
        sensors, measured = np.flatnonzero(self.codes == row), self.hours[row]
        found = [np.full(len(measured), np.nan)]
        for week, totals in self.weeks:
            if np.isfinite(totals[row]):
                day, past = week.day[sensors], week.past[sensors]
                both = np.isfinite(day) & np.isfinite(past)
                one, other = (np.where(both, hours, 0.0).sum(axis=0) for hours in (day, past))
                usual = other * np.where(one > 0, measured / np.where(one > 0, one, 1.0), 1.0)
                found.append(np.where(both.any(axis=0), usual, np.nan))
        return middle(np.stack(found))


def beside_usual(
    source: Source, metrics: Metrics, past: Past, day: date, named: Callable[[str | None], str]
) -> Beside | None:
    """Put the sensors of a day, summed under the name that `named` makes of their label, beside their usual day.

    None for a source without hours of sensors.
    """
    columns = source.sensors
    today = hours_of(metrics, columns, columns.hours, day) if columns else None
    if columns is None or today is None or today.empty:
        return None
    rows = sound_rows(metrics, columns)
    labels = [named(row.get(columns.label) or str(row[columns.identifier])) for row in rows]
    codes, names = pd.factorize(np.array(labels, dtype=object), sort=True)
    order = np.argsort(codes, kind="stable")
    groups = order, np.flatnonzero(np.diff(codes[order], prepend=-1))
    measured = _sums(today.to_numpy(), *groups)
    whole = np.where(np.isfinite(measured).any(axis=1), np.nansum(measured, axis=1), np.nan)
    # A sensor out of order on one of both days is no news of its street: pair_of_hours leaves it out.
    weeks = [
        (week, _usual(week, whole, codes))
        for when in same_weekdays_before(day, WEEKS_COMPARED)
        if when in past and (week := pair_of_hours(columns, columns.hours, metrics, day, past[when], when)) is not None
    ]
    totals = np.stack([total for _, total in weeks] or [whole * np.nan])
    usual = middle(totals)
    table = pd.DataFrame(
        {
            "capteurs": np.bincount(codes),
            "arrondissement": _common(np.array([row.get("arrondissement") for row in rows], dtype=float), *groups),
            "jour": whole,
            "usuel": usual,
            "distance": np.fmax(middle(np.abs(totals - usual)), SPREAD * usual),
            "compares": np.isfinite(totals).sum(axis=0),
        },
        index=pd.Index(names, dtype=object),
    )
    return Beside(table, measured, codes, weeks)


def _common(places: Matrix, order: Codes, first: Codes) -> Matrix:
    """Find the value that all rows of a name share; NaN where they differ."""
    low, high = (extreme.reduceat(places[order], first) for extreme in (np.minimum, np.maximum))
    return np.where(low == high, low, np.nan)


def _sums(hours: Matrix, order: Codes, first: Codes) -> Matrix:
    """Sum the rows of each name, hour by hour; NaN where none of them has a value.

    order, first: the rows sorted by name, and where each name begins. A tenth of the time of groupby.
    """
    known = np.isfinite(hours)[order]
    sums = np.add.reduceat(np.where(known, hours[order], 0.0), first)
    return np.where(np.logical_or.reduceat(known, first), sums, np.nan)


def _usual(week: Pair, whole: Matrix, codes: Codes) -> Matrix:
    """Compute what the day's own sensors of each name would have had on a past day.

    That is the day's value times the ratio of both days over the values that both have; NaN with few in common.
    """
    day, past = np.isfinite(week.day), np.isfinite(week.past)
    both = day & past
    common, known, there = (np.bincount(codes, one.sum(axis=1)) for one in (both, day, past))
    shared, before = (np.bincount(codes, np.where(both, one, 0.0).sum(axis=1)) for one in (week.day, week.past))
    total = before * np.where(shared > 0, whole / np.where(shared > 0, shared, 1.0), 1.0)
    return np.where((common > 0) & (common >= LEAST_SHARED * np.maximum(known, there)), total, np.nan)


def named_sensors(metrics: dict[str, Metrics], past: dict[str, Past], day: date) -> dict[str, Beside]:
    """Put the streets and the counters of the measured sources beside their usual day."""
    found = {
        source: once(
            metrics[source],
            ("named", day),
            partial(beside_usual, SOURCES[source], metrics[source], past.get(source, {}), day, named),
        )
        for source, named in SHOWN_NAMES.items()
        if source in metrics
    }
    return {source: beside for source, beside in found.items() if beside is not None}


def whole_or_none(value: float | None) -> int | None:
    return None if value is None or pd.isna(value) else int(value)


def movers(named: dict[str, Beside]) -> dict[str, Any]:
    """Rank the names of each source that rose and fell most against their usual day, beyond the floors."""
    return {source: _movers(beside, *FLOORS[source]) for source, beside in named.items()}


def _movers(beside: Beside, least: float, least_percent: float) -> dict[str, Any]:
    table = beside.names[(beside.names["compares"] >= LEAST_DAYS).to_numpy()]
    gap = (table["jour"] - table["usuel"]).abs()
    return ranked(table[gap >= np.maximum(least, table["usuel"] * least_percent / 100)], "usuel", "ecart_pct")


def ranked(table: pd.DataFrame, usual: str, percent: str) -> dict[str, list[dict[str, Any]]]:
    """Rank names by what they gained (hausse) and lost (baisse), RANKED of each.

    table: a row a name: jour, usuel, arrondissement. usual, percent: what a row calls its usual value and its change.
    """
    gap = (table["jour"] - table["usuel"]).to_numpy()
    order = np.argsort(gap, kind="stable")
    return {
        side: [
            {
                "rang": rank,
                "libelle": str(name),
                "arrondissement": whole_or_none(row["arrondissement"]),
                "valeur": round(row["jour"], 1),
                usual: round(row["usuel"], 1),
                "ecart": round(row["jour"] - row["usuel"], 1),
                percent: round(100 * (row["jour"] / row["usuel"] - 1), 1) if row["usuel"] else None,
            }
            for rank, (name, row) in enumerate(table.iloc[moved[:RANKED]].to_dict("index").items(), start=1)
        ]
        for side, moved in (("hausse", order[gap[order] > 0][::-1]), ("baisse", order[gap[order] < 0]))
    }
