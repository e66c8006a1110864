"""Streets and counters beside their usual day: how much, when, and how far out of the ordinary.

The usual day is that of the same weekdays before, on the same sensors and hours (see lib/figures/changes): the
median m of the past days, of which MAD is the median distance to m. A value x is (x - m) / max(MAD, SPREAD m) out of
the ordinary, and is told only beyond floors, so that a lane with forty cars is no news.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.common.paris_time import WEEKS_COMPARED, same_weekdays_before
from lib.figures.changes import LEAST_SHARED
from lib.figures.past_days import Past
from lib.figures.sensor_days import hours_of, once, pair_of_hours
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
SHOWN_NAMES = {"comptages": street, "bikes": name}


@dataclass(frozen=True)
class Beside:
    """Names (streets, counters, or one for all) beside their usual day; NaN where it is not known.

    names: one row a name: capteurs, arrondissement, jour, usuel, distance (as in the module's words), compares (days).
    hours, usual_hours: one row a name, one column an hour.
    """

    names: pd.DataFrame
    hours: Matrix
    usual_hours: Matrix

    @property
    def scores(self) -> pd.Series:
        """Compute how far out of the ordinary each name is; NaN with too short a past."""
        table = self.names
        found = (table["jour"] - table["usuel"]) / table["distance"]
        return found.where((table["compares"] >= LEAST_DAYS) & (table["distance"] > 0))


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
    rows = {row[columns.identifier]: row for row in metrics["metrics"]}
    labels = [named(rows[one].get(columns.label) or str(one)) for one in today.index]
    codes, names = pd.factorize(np.array(labels, dtype=object), sort=True)
    places = pd.Series([rows[one].get("arrondissement") for one in today.index], dtype=float)
    measured = _sums(today.to_numpy(), codes)
    earlier = []
    for when in same_weekdays_before(day, WEEKS_COMPARED):
        # A sensor out of order on one of both days is no news of its street: pair_of_hours leaves it out.
        pair = pair_of_hours(columns, columns.hours, metrics, day, past[when], when) if when in past else None
        if pair is not None:
            one, other = (hours.reindex(index=today.index, columns=today.columns).to_numpy() for hours in pair)
            earlier.append(_usual_of(measured, one, other, codes))
    earlier = earlier or [(measured.sum(axis=1) * np.nan, measured * np.nan)]
    totals = np.stack([total for total, _ in earlier])
    usual = _median(totals)
    table = pd.DataFrame(
        {
            "capteurs": np.bincount(codes),
            "arrondissement": _common(places, codes),
            "jour": np.where(np.isfinite(measured).any(axis=1), np.nansum(measured, axis=1), np.nan),
            "usuel": usual,
            "distance": np.fmax(_median(np.abs(totals - usual)), SPREAD * usual),
            "compares": np.isfinite(totals).sum(axis=0),
        },
        index=pd.Index(names, dtype=object),
    )
    return Beside(table, measured, _median(np.stack([hours for _, hours in earlier])))


def _common(places: pd.Series, codes: Codes) -> Matrix:
    """Find the value that all rows of a name share; NaN where they differ."""
    groups = places.groupby(codes)
    return groups.min().where((groups.min() == groups.max()) & (groups.count() == groups.size())).to_numpy()


def _sums(hours: Matrix, codes: Codes) -> Matrix:
    """Sum the rows of each name, hour by hour; NaN where none of them has a value. A tenth of the time of groupby."""
    order = np.argsort(codes, kind="stable")
    first = np.flatnonzero(np.diff(codes[order], prepend=-1))
    known = np.isfinite(hours)[order]
    sums = np.add.reduceat(np.where(known, hours[order], 0.0), first)
    return np.where(np.logical_or.reduceat(known, first), sums, np.nan)


def _usual_of(measured: Matrix, day: Matrix, past: Matrix, codes: Codes) -> tuple[Matrix, Matrix]:
    """Compute what the day's own sensors would have had on a past day: per name, and per name and hour.

    That is the day's value times the ratio of both days over the values that both have.
    """
    both = np.isfinite(day) & np.isfinite(past)
    common, known, there = (np.bincount(codes, one.sum(axis=1)) for one in (both, np.isfinite(day), np.isfinite(past)))
    enough = (common > 0) & (common >= LEAST_SHARED * np.maximum(known, there))
    one, other = (_sums(np.where(both, hours, np.nan), codes) for hours in (day, past))
    whole, shared, before = (np.nansum(hours, axis=1) for hours in (measured, one, other))
    total = before * np.where(shared > 0, whole / np.where(shared > 0, shared, 1.0), 1.0)
    hourly = other * np.where(one > 0, measured / np.where(one > 0, one, 1.0), 1.0)
    return np.where(enough, total, np.nan), np.where(enough[:, None], hourly, np.nan)


def _median(days: Matrix) -> Matrix:
    """Compute the median of the days (first axis) that have a value; NaN where none has."""
    known = np.isfinite(days).any(axis=0)
    return np.where(known, np.nanmedian(np.where(known, days, 0.0), axis=0), np.nan)


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
    gap = (table["jour"] - table["usuel"]).sort_values(kind="stable")
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
            for rank, (name, row) in enumerate(table.loc[moved.index[:RANKED]].to_dict("index").items(), start=1)
        ]
        for side, moved in (("hausse", gap[gap > 0][::-1]), ("baisse", gap[gap < 0]))
    }
