"""Days of sensors beside each other: what is measured on the same sensors in the same hours.

A frame of hours has a row per sensor and a column per hour of the Paris clock (see paris_time.clock_hours), NaN where
nothing was measured. Sensors that were set aside are in none.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from lib.common.paris_time import clock_hours
from lib.figures.key_figures import KeyFigure, Sensors, Watched
from lib.figures.numbers import rounded

LEAST_SHARED = 0.5  # share of the values of either day, below which they say nothing of each other

Metrics = dict[str, Any]


@dataclass(frozen=True)
class SensorDay:
    """What the store remembers of one day's sensors, without those that were set aside.

    sensors: one row per sensor: total, highest (an hour's), valid (hours). hours: None for a version without them.
    """

    day: date
    sensors: pd.DataFrame
    hours: pd.DataFrame | None
    whole: bool  # whether no hour was missing for most sensors


@dataclass(frozen=True)
class Shared:
    """One day beside another: ratio of the sums over the values that both have, None where these are too few.

    sensors: those with such values, out of `measured` on the day; shares: these values among those of each day.
    """

    ratio: float | None
    sensors: int
    measured: int
    day_share: float
    past_share: float
    whole_days: bool = False  # whether only totals of sensors that measured all day could be compared

    @property
    def enough(self) -> bool:
        return min(self.day_share, self.past_share) >= LEAST_SHARED


def sensor_day(metrics: Metrics, columns: Sensors, day: date) -> SensorDay:
    """Keep of a day's metrics what later days are compared with."""
    rows = _sound(metrics, columns)
    keys = {"total": columns.total, "highest": columns.highest, "valid": columns.valid}
    table = pd.DataFrame(
        {name: [row[key] for row in rows] for name, key in keys.items()}, _identifiers(rows, columns), dtype=float
    )
    account = metrics["qualite"]
    whole = account.get("heures_manquantes") == [] if "capteurs" in account else account["statut"] == "complet"
    return SensorDay(day, table, hours_of(metrics, columns, columns.hours, day), whole)


def hours_of(metrics: Metrics, columns: Sensors, key: str, day: date) -> pd.DataFrame | None:
    """Build the frame of the hours that each sound sensor holds under `key`; None for a version without them."""
    rows = _sound(metrics, columns)
    if not all(key in row for row in rows):
        return None
    values = np.array([row[key] for row in rows], dtype=float).reshape(len(rows), len(rows[0][key]) if rows else 0)
    clock = clock_hours(day)
    shown = clock if values.shape[1] == len(clock) else range(values.shape[1])  # road labels are always 24
    return pd.DataFrame(values, _identifiers(rows, columns), shown)


def _whole_days(metrics: Metrics, columns: Sensors, key: str, day: date) -> pd.DataFrame:
    """Build a frame of one column: the day's value of each sound sensor that measured all its hours."""
    hours = len(clock_hours(day))
    rows = [row for row in _sound(metrics, columns) if row[columns.valid] >= min(hours, 24)]
    return pd.DataFrame({"jour": [row[key] for row in rows]}, _identifiers(rows, columns), dtype=float)


def _sound(metrics: Metrics, columns: Sensors) -> list[Metrics]:
    return [row for row in metrics["metrics"] if row.get(columns.set_aside) is None]


def _identifiers(rows: list[Metrics], columns: Sensors) -> pd.Index:
    return pd.Index([row[columns.identifier] for row in rows], dtype=object)


def beside(
    figure: KeyFigure | Watched, columns: Sensors, today: Metrics, day: date, past: Metrics, when: date
) -> Shared:
    """Compare a figure of two stored days; on the totals of whole days where either was stored without its hours."""
    one, other = hours_of(today, columns, figure.hours, day), hours_of(past, columns, figure.hours, when)
    if one is not None and other is not None:
        return shared(one, other)
    found = shared(
        _whole_days(today, columns, figure.whole_day, day), _whole_days(past, columns, figure.whole_day, when)
    )
    values = [sum(row[columns.valid] for row in _sound(metrics, columns)) for metrics in (today, past)]
    shares = [min(found.sensors * len(clock_hours(day)) / value, 1.0) if value else 0.0 for value in values]
    measured = sum(row[columns.valid] > 0 for row in _sound(today, columns))
    ratio = found.ratio if min(shares) >= LEAST_SHARED else None
    return Shared(ratio, found.sensors, measured, shares[0], shares[1], whole_days=True)


def ratio_to(hours: pd.DataFrame, past: SensorDay) -> float | None:
    """Compute the ratio of a day to a past one, of which a version may have kept no more than totals."""
    if past.hours is not None:
        return shared(hours, past.hours).ratio
    totals = past.sensors["total"][past.sensors["valid"] >= min(len(clock_hours(past.day)), 24)]
    return shared(hours.dropna().sum(axis=1).to_frame("jour"), totals.to_frame("jour")).ratio


def shared(day: pd.DataFrame, past: pd.DataFrame) -> Shared:
    """Compare two frames of hours on the sensors and hours that both have."""
    known, before = int(day.notna().to_numpy().sum()), int(past.notna().to_numpy().sum())
    one, other = _both(day, past)
    common = int(np.isfinite(one).sum())
    shares = (common / known if known else 0.0, common / before if before else 0.0)
    total, reference = float(np.nansum(one)), float(np.nansum(other))
    enough = min(shares) >= LEAST_SHARED and reference > 0
    sensors = int(np.isfinite(one).any(axis=1).sum())
    measured = int(day.notna().any(axis=1).sum())
    return Shared(total / reference if enough else None, sensors, measured, *shares)


def _both(day: pd.DataFrame, past: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Take the values of the same sensors and hours, NaN in both where one day has none."""
    rows, hours = day.index.intersection(past.index), day.columns.intersection(past.columns)
    one, other = (frame.reindex(index=rows, columns=hours).to_numpy() for frame in (day, past))
    here = np.isfinite(one) & np.isfinite(other)
    return np.where(here, one, np.nan), np.where(here, other, np.nan)


def usual_hours(shown: Sequence[float | None], day: pd.DataFrame, past: Sequence[pd.DataFrame]) -> list[float | None]:
    """Compute for each hour what the usual day would show on the day's own sensors: the median of the past days.

    shown: the day's 24 totals. A past day counts in an hour in which both days have half of each other's sensors; None
    where none does, or where the day itself has nothing.
    """
    found: list[list[float]] = [[] for _ in shown]
    for other in past:
        for hour, value in enumerate(shown):
            if value is None or hour not in day or hour not in other:
                continue
            known = shared(day[[hour]], other[[hour]])
            if known.enough:
                one, before = _both(day[[hour]], other[[hour]])
                total = float(np.nansum(one))
                found[hour].append(float(np.nansum(before)) * (value / total if total > 0 else 1.0))
    return [rounded(statistics.median(values), 1) if values else None for values in found]
