"""Days of sensors as the store has them, beside each other (see changes.py). Sensors set aside are in none."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache, partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.common.exact_json import json_text, read_json
from lib.common.paris_time import clock_hours
from lib.figures.changes import Floats, Hours, Pair, Shared, pair, shared
from lib.figures.key_figures import KeyFigure, Metrics, Sensors, Watched
from lib.figures.numbers import as_stored, cells_of

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

    def whole(self) -> Hours:
        return Hours(self.names, _clock(self.day, self.values.shape[1]), lengthened(self.values, self.scale))


@lru_cache(maxsize=64)
def _clock(day: date, hours: int) -> pd.Index:
    shown = clock_hours(day)
    return pd.Index(shown if len(shown) == hours else range(hours))  # of roads they are always 24


def shortened(hours: npt.NDArray[np.float64]) -> tuple[npt.NDArray[Any], int]:
    """Write numbers as whole ones of two or four bytes, and by what they are divided; unchanged where none is exact."""
    gone = np.isnan(hours)
    for scale, form in SHORT_FORMS:
        with np.errstate(invalid="ignore"):  # of what the form cannot hold: it does not come back
            short = np.where(gone, NOT_MEASURED, np.rint(hours * scale)).astype(form)
        if ((lengthened(short, scale) == hours) | gone).all():
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

    sensors: one row per sensor: total, highest (an hour's), valid (hours). short: None for a version without hours.
    """

    day: date
    sensors: pd.DataFrame
    short: ShortHours | None
    whole: bool  # whether no hour was missing for most sensors


def sensor_day(metrics: Metrics, columns: Sensors, day: date) -> SensorDay:
    """Keep of a day's metrics what the figures of later days rest on."""
    values = [_column(metrics, columns, key) for key in (columns.total, columns.highest, columns.valid)]
    table = pd.DataFrame(np.stack(values, axis=1), _names(metrics, columns), ["total", "highest", "valid"])
    account = metrics["qualite"]
    whole = account.get("heures_manquantes") == [] if "capteurs" in account else account["statut"] == "complet"
    return SensorDay(day, table, _short_hours(metrics, columns, columns.hours, day), whole)


Known = dict[tuple[Any, ...], Any]  # (what, key): what was read
NAMES, ROWS = ("names", ""), ("rows", "")


class Remembering(dict[str, Any]):
    """Metrics of a day that keep what was read of its sensors: many figures of a report ask for the same.

    known: what of it is known already (see `in_short`); with that, rows need not be there.
    """

    def __init__(self, metrics: Metrics, known: Known) -> None:
        super().__init__(metrics)
        self.known = known


def once(metrics: Metrics, key: tuple[Any, ...], read: Callable[[], Found]) -> Found:
    """Return what `read` makes of the metrics of a day, which keep it under the key where they are Remembering."""
    if not isinstance(metrics, Remembering):
        return read()
    if key not in metrics.known:
        metrics.known[key] = read()
    found: Found = metrics.known[key]
    return found


def in_short(metrics: Metrics, columns: Sensors, day: date, figures: Iterable[KeyFigure | Watched]) -> Known:
    """Read of the sensors of a day, without their rows, all that sensor_day and the comparisons of figures ask for."""
    whole = Remembering(metrics, metrics.known if isinstance(metrics, Remembering) else {})
    sensor_day(whole, columns, day)
    for one in figures:
        if one.hours:
            _short_hours(whole, columns, one.hours, day)
            _column(whole, columns, one.whole_day)
    whole.known.pop(ROWS, None)
    return whole.known


def known_of(
    rows: pd.DataFrame, hours: Mapping[str, Floats], columns: Sensors, day: date, figures: Iterable[KeyFigure | Watched]
) -> Known:
    """Give what in_short would read of the rows of a day, given their frame and, by key, their hours as stored."""
    sound = rows[columns.set_aside].isna().to_numpy()
    names = names_of(json_text(cells_of(rows[columns.identifier][sound])))
    known: Known = {NAMES: names}
    for key in (columns.total, columns.highest, columns.valid, *(one.whole_day for one in figures if one.hours)):
        known["column", key] = as_stored(rows[key][sound].to_numpy(dtype=float, na_value=np.nan))
    for key, values in hours.items():
        known["hours", key] = ShortHours(*shortened(np.asfortranarray(values[sound])), names, day)
    return known


def hours_of(metrics: Metrics, columns: Sensors, key: str, day: date) -> pd.DataFrame | None:
    """Build the frame of the hours that each sound sensor holds under `key`; None for a version without them."""
    found = _hours(metrics, columns, key, day)
    return pd.DataFrame(found.values, found.names, found.clock) if found else None


def _hours(metrics: Metrics, columns: Sensors, key: str, day: date) -> Hours | None:
    short = _short_hours(metrics, columns, key, day)
    return short.whole() if short else None


def _short_hours(metrics: Metrics, columns: Sensors, key: str, day: date) -> ShortHours | None:
    def read() -> ShortHours | None:
        rows = sound_rows(metrics, columns)
        if not all(key in row for row in rows):
            return None
        hours = len(rows[0][key]) if rows else len(clock_hours(day))  # also where all sensors are set aside
        values = np.array([row[key] for row in rows], dtype=float).reshape(len(rows), hours)
        return ShortHours(*shortened(np.asfortranarray(values)), _names(metrics, columns), day)

    return once(metrics, ("hours", key), read)


def _column(metrics: Metrics, columns: Sensors, key: str) -> Floats:
    """List what each sound sensor holds under `key`, NaN where that is null."""

    def read() -> Floats:
        return np.array([row.get(key) for row in sound_rows(metrics, columns)], dtype=float)

    return once(metrics, ("column", key), read)


def _names(metrics: Metrics, columns: Sensors) -> pd.Index:
    def read() -> pd.Index:
        return names_of(json_text([row[columns.identifier] for row in sound_rows(metrics, columns)]))

    return once(metrics, NAMES, read)


@lru_cache(maxsize=16)
def names_of(names: bytes) -> pd.Index:
    """Build the index of some sensors, given as a list in JSON: one object for all days that have the same ones."""
    return pd.Index(read_json(names), dtype=object)


def _whole_days(metrics: Metrics, columns: Sensors, key: str, day: date) -> Hours:
    """Take for one hour the day's value of each sound sensor that measured all its hours."""
    whole = _column(metrics, columns, columns.valid) >= min(len(clock_hours(day)), 24)
    return Hours(_names(metrics, columns)[whole], pd.Index(["jour"]), _column(metrics, columns, key)[whole, np.newaxis])


def sound_rows(metrics: Metrics, columns: Sensors) -> list[Metrics]:
    """Choose the rows of the sensors that are not set aside, in the order of their hours."""
    return once(metrics, ROWS, lambda: [row for row in metrics["metrics"] if row.get(columns.set_aside) is None])


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
        return shared(hours)
    one, other = (_whole_days(metrics, columns, figure.whole_day, on) for metrics, on in ((today, day), (past, when)))
    found = shared(pair(one, other))
    counts = [_column(metrics, columns, columns.valid) for metrics in (today, past)]
    values = [float(one.sum()) for one in counts]
    shares = [min(found.sensors * len(clock_hours(day)) / value, 1.0) if value else 0.0 for value in values]
    measured = int((counts[0] > 0).sum())
    return replace(found, measured=measured, day_share=shares[0], past_share=shares[1], whole_days=True)


def pair_of_hours(columns: Sensors, key: str, today: Metrics, day: date, past: Metrics, when: date) -> Pair | None:
    """Return the hours under `key` of two stored days, comparable; None where either was stored without them."""

    def read() -> Pair | None:
        one = once(today, ("whole", key), partial(_hours, today, columns, key, day))
        other = _hours(past, columns, key, when)
        return None if one is None or other is None else pair(one, other, columns.dead_at_zero)

    # Of other figures a pair is asked for once: all of them would be 14 MB.
    return once(today, ("pair", when), read) if key == columns.hours else read()


def beside_past(hours: pd.DataFrame, past: SensorDay, dead_at_zero: bool) -> Shared:
    """Compare a day with a past one, of which a version may have kept no more than totals."""
    if past.short is not None:
        return shared(pair(Hours.of(hours), past.short.whole(), dead_at_zero))
    totals = past.sensors["total"][past.sensors["valid"] >= min(len(clock_hours(past.day)), 24)]
    today = hours.dropna().sum(axis=1)
    return shared(pair(Hours.of(today.to_frame("jour")), Hours.of(totals.to_frame("jour"))))
