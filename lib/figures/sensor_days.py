"""Days of sensors as the store has them, beside each other (see changes.py). Sensors set aside are in none."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache, partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.common.paris_time import clock_hours
from lib.figures.changes import MOST_HOUR_MARGIN, Shared, change_beside, comparable_hours, shared, shared_by_hour
from lib.figures.key_figures import KeyFigure, Metrics, Sensors, Watched
from lib.figures.numbers import rounded

Found = TypeVar("Found")

NOT_MEASURED = -1
# How hours are kept of past days: counts, then shares (%) and minutes, which are stored with two decimals.
SHORT_FORMS = ((1, np.int16), (100, np.int16), (100, np.int32))


@dataclass(frozen=True)
class ShortHours:
    """A frame of hours in as few bytes as hold it exactly: a range has those of 35 days in memory."""

    values: npt.NDArray[Any]
    scale: int
    names: pd.Index
    day: date

    @classmethod
    def of(cls, hours: pd.DataFrame, day: date) -> "ShortHours":
        return cls(*shortened(hours.to_numpy(dtype=float)), names_of(hours.index), day)

    def frame(self) -> pd.DataFrame:
        return hours_frame(lengthened(self.values, self.scale), self.names, self.day)


def shortened(hours: npt.NDArray[np.float64]) -> tuple[npt.NDArray[Any], int]:
    """Write numbers as whole ones of two or four bytes, and by what they are divided; unchanged where none is exact."""
    known = np.isfinite(hours)
    for scale, form in SHORT_FORMS:
        whole = np.where(known, np.rint(hours * scale), NOT_MEASURED)
        if (whole[known] < 0).any() or (whole > np.iinfo(form).max).any():
            continue
        short = whole.astype(form)
        if np.array_equal(lengthened(short, scale), hours, equal_nan=True):
            return short, scale
    return hours, 1


def lengthened(short: npt.NDArray[Any], scale: int) -> npt.NDArray[np.float64]:
    """Return the numbers that were shortened."""
    if short.dtype == np.float64:
        return short
    return np.where(short == NOT_MEASURED, np.nan, short / scale)


@dataclass(frozen=True)
class SensorDay:
    """What the store remembers of one day's sensors, without those that were set aside.

    sensors: one row per sensor: total, highest (an hour's), valid (hours). hours: None for a version without them.
    """

    day: date
    sensors: pd.DataFrame
    short: ShortHours | None
    whole: bool  # whether no hour was missing for most sensors

    @property
    def hours(self) -> pd.DataFrame | None:
        return self.short.frame() if self.short else None


def sensor_day(metrics: Metrics, columns: Sensors, day: date) -> SensorDay:
    """Keep of a day's metrics what later days are compared with."""
    rows = _sound(metrics, columns)
    keys = (columns.total, columns.highest, columns.valid)
    values = np.array([[row[key] for key in keys] for row in rows], dtype=float).reshape(len(rows), len(keys))
    table = sensor_frame(values, [row[columns.identifier] for row in rows])
    account = metrics["qualite"]
    whole = account.get("heures_manquantes") == [] if "capteurs" in account else account["statut"] == "complet"
    hours = hours_of(metrics, columns, columns.hours, day)
    return SensorDay(day, table, None if hours is None else ShortHours.of(hours, day), whole)


class Remembering(dict[str, Any]):
    """Metrics of a day that keep what was read of its sensors: many figures of a report ask for the same."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__(metrics)
        self.known: dict[tuple[Any, ...], Any] = {}


def once(metrics: Metrics, key: tuple[Any, ...], read: Callable[[], Found]) -> Found:
    """Return what `read` makes of the metrics of a day, which keep it under the key where they are Remembering."""
    if not isinstance(metrics, Remembering):
        return read()
    if key not in metrics.known:
        metrics.known[key] = read()
    found: Found = metrics.known[key]
    return found


def without_rows(metrics: Metrics, columns: Sensors, day: date, figures: Iterable[KeyFigure | Watched]) -> Remembering:
    """Keep of a past day what `beside` and `hours_of` ask for, in short: no row of a sensor."""
    whole = Remembering(metrics)
    kept = Remembering({key: value for key, value in metrics.items() if key != "metrics"})
    kept.known["column", columns.identifier] = names_of(_column(whole, columns, columns.identifier))
    for one in figures:
        if one.hours:
            hours = hours_of(whole, columns, one.hours, day)
            kept.known["hours", one.hours] = None if hours is None else ShortHours.of(hours, day)
            kept.known["column", one.whole_day] = np.array(_column(whole, columns, one.whole_day), dtype=float)
    kept.known["column", columns.valid] = np.array(_column(whole, columns, columns.valid), dtype=float)
    return kept


def hours_of(metrics: Metrics, columns: Sensors, key: str, day: date) -> pd.DataFrame | None:
    """Build the frame of the hours that each sound sensor holds under `key`; None for a version without them."""
    found = once(metrics, ("hours", key), lambda: _hours_of(metrics, columns, key, day))
    return found.frame() if isinstance(found, ShortHours) else found


def _hours_of(metrics: Metrics, columns: Sensors, key: str, day: date) -> pd.DataFrame | None:
    rows = _sound(metrics, columns)
    if not all(key in row for row in rows):
        return None
    values = np.array([row[key] for row in rows], dtype=float).reshape(len(rows), len(rows[0][key]) if rows else 0)
    return hours_frame(values, _column(metrics, columns, columns.identifier), day)


def _column(metrics: Metrics, columns: Sensors, key: str) -> Sequence[Any]:
    """List what each sound sensor holds under `key`."""
    return once(metrics, ("column", key), lambda: [row.get(key) for row in _sound(metrics, columns)])


def names_of(names: Sequence[Any] | pd.Index) -> pd.Index:
    """Return the index of some sensors: one object for all days that have the same ones."""
    return names if isinstance(names, pd.Index) else _same_names(tuple(names))


@lru_cache(maxsize=16)
def _same_names(names: tuple[Any, ...]) -> pd.Index:
    return pd.Index(names, dtype=object)


def sensor_frame(values: npt.NDArray[np.float64], names: Sequence[str] | pd.Index) -> pd.DataFrame:
    """Build the frame of SensorDay.sensors."""
    return pd.DataFrame(values, names_of(names), ["total", "highest", "valid"])


def hours_frame(values: npt.NDArray[np.float64], names: Sequence[str] | pd.Index, day: date) -> pd.DataFrame:
    """Build a frame of hours, a row per sensor."""
    clock = clock_hours(day)
    shown = clock if values.shape[1] == len(clock) else range(values.shape[1])  # road labels are always 24
    return pd.DataFrame(values, names_of(names), shown)


def _whole_days(metrics: Metrics, columns: Sensors, key: str, day: date) -> pd.DataFrame:
    """Build a frame of one column: the day's value of each sound sensor that measured all its hours."""
    whole = np.array(_column(metrics, columns, columns.valid), dtype=float) >= min(len(clock_hours(day)), 24)
    names = names_of(_column(metrics, columns, columns.identifier))
    return pd.DataFrame({"jour": np.array(_column(metrics, columns, key), dtype=float)[whole]}, names[whole])


def _sound(metrics: Metrics, columns: Sensors) -> list[Metrics]:
    return [row for row in metrics["metrics"] if row.get(columns.set_aside) is None]


def beside(
    figure: KeyFigure | Watched, columns: Sensors, today: Metrics, day: date, past: Metrics, when: date
) -> Shared:
    """Compare a figure of two stored days; on the totals of whole days where either was stored without its hours."""
    read = partial(_beside, figure, columns, today, day, past, when)
    return once(today, ("beside", figure.hours, figure.whole_day, when), read)


def _beside(
    figure: KeyFigure | Watched, columns: Sensors, today: Metrics, day: date, past: Metrics, when: date
) -> Shared:
    hours = pair_of_hours(columns, figure.hours, today, day, past, when)
    if hours is not None:
        return shared(*hours)
    found = shared(
        _whole_days(today, columns, figure.whole_day, day), _whole_days(past, columns, figure.whole_day, when)
    )
    counts = [np.array(_column(metrics, columns, columns.valid), dtype=float) for metrics in (today, past)]
    values = [float(one.sum()) for one in counts]
    shares = [min(found.sensors * len(clock_hours(day)) / value, 1.0) if value else 0.0 for value in values]
    measured = int((counts[0] > 0).sum())
    return replace(found, measured=measured, day_share=shares[0], past_share=shares[1], whole_days=True)


def pair_of_hours(
    columns: Sensors, key: str, today: Metrics, day: date, past: Metrics, when: date
) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Return the hours under `key` of two stored days, comparable; None where either was stored without them."""

    def read() -> tuple[pd.DataFrame, pd.DataFrame] | None:
        one, other = hours_of(today, columns, key, day), hours_of(past, columns, key, when)
        return None if one is None or other is None else comparable_hours(one, other, columns.dead_at_zero)

    return once(today, ("pair", key, when), read)


def beside_past(hours: pd.DataFrame, past: SensorDay, dead_at_zero: bool) -> Shared:
    """Compare a day with a past one, of which a version may have kept no more than totals."""
    if (then := past.hours) is not None:
        return shared(*comparable_hours(hours, then, dead_at_zero))
    totals = past.sensors["total"][past.sensors["valid"] >= min(len(clock_hours(past.day)), 24)]
    return shared(hours.dropna().sum(axis=1).to_frame("jour"), totals.to_frame("jour"))


def usual_hours(
    shown: Sequence[float | None], weeks: Sequence[tuple[pd.DataFrame, pd.DataFrame]]
) -> list[float | None]:
    """Compute for each hour what the usual day would show on the day's own sensors: the median of the past days.

    shown: the day's 24 totals; weeks: comparable hours of the day and of each past day. A past day counts in an hour in
    which both days have half of each other's sensors; None where none does, where the day itself has nothing, or where
    the change of the hour is one of few sensors.
    """
    known = [value for value in shown if value is not None]
    mean = statistics.fmean(known) if known else 0.0
    beside = [shared_by_hour(*pair) for pair in weeks]
    found: list[float | None] = []
    for hour, value in enumerate(shown):
        compared = [hours[hour] for hours in beside if hour in hours and hours[hour].enough]
        if value is None or not compared:
            found.append(None)
            continue
        usual = statistics.median(_on_the_day_s_sensors(one, value) for one in compared)
        most = MOST_HOUR_MARGIN * max(1.0, mean / usual if usual > 0 else 1.0)
        change = change_beside([one for one in compared if one.comparable], most=most)
        found.append(rounded(usual, 1) if change is None or change.published is not None else None)
    return found


def _on_the_day_s_sensors(week: Shared, value: float) -> float:
    total = float(week.day.sum())
    return float(week.past.sum()) * (value / total if total > 0 else 1.0)
