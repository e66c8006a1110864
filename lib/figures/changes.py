"""How much a day differs from earlier ones on the same sensors, and how far that can be trusted: one rule for all.

A frame of hours has a row per sensor and a column per hour of the Paris clock (see paris_time.clock_hours), NaN where
nothing was measured. The margin of a change is two standard errors of the delete-a-group jackknife (Kott, Journal of
Official Statistics 17, 2001) over tenths of the sensors: where few of them carry the change, it is wide, and the change
of the others would be another one. Such a change is not published.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

STUCK_HOURS = 12  # consecutive hours with the same count, not zero, from which a sensor is stuck
LEAST_SHARED = 0.5  # share of the values of either day, below which they say nothing of each other
TENTHS = 10  # parts of the sensors, each left out in turn; of fewer sensors than that there is no margin
# Widest margin of a published change, in its points (of percent, or of a rate). Without three sensors in ten, which is
# more than fall silent on ordinary days, a change then moves by 1.3 points (one standard error of such a choice).
MOST_MARGIN = 4.0
MOST_HOUR_MARGIN = 10.0  # the same of one hour of a curve, in points of that hour or of the day's mean hour

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Shared:
    """One day beside another over the values that both have: sums of the day and of the past, and how many values.

    Each is an array by tenths of the day's sensors. sensors: those with such values, out of `measured` on the day, and
    carriers: how few of them make half of the difference; shares: these values among those of each day.
    """

    day: Floats
    past: Floats
    values: Floats
    sensors: int
    measured: int
    carriers: int
    day_share: float
    past_share: float
    whole_days: bool = False  # whether only totals of sensors that measured all day could be compared

    @property
    def enough(self) -> bool:
        return min(self.day_share, self.past_share) >= LEAST_SHARED

    @property
    def comparable(self) -> bool:
        return self.enough and self.past.sum() > 0

    def changes(self, points: bool) -> Floats:
        """Compute the change without each tenth and, last, of all: in % of the past, or as a difference of means."""
        day, past, values = map(without_each, (self.day, self.past, self.values))
        with np.errstate(divide="ignore", invalid="ignore"):
            return (day - past) / values if points else 100 * (day / past - 1)


def without_each(tenths: Floats) -> Floats:
    """Sum the tenths (last axis) without each of them and, last, all of them."""
    total = tenths.sum(axis=-1, keepdims=True)
    return np.concatenate([total - tenths, total], axis=-1)


@dataclass(frozen=True)
class Change:
    """A change in % (or points) and its margin, None of few sensors; `carriers` make half of it, out of `sensors`."""

    measured: float
    margin: float | None
    carriers: int
    sensors: int

    @property
    def published(self) -> float | None:
        """Return the change; None where its margin is too wide for it to be one of all sensors."""
        return self.measured if self.margin is None or self.margin <= MOST_MARGIN else None

    def why_not(self, noun: str) -> str | None:
        """Say why a change is not published; None of one that is."""
        if self.published is not None:
            return None
        return f"écart porté par {self.carriers} {noun}{'s' if self.carriers > 1 else ''} sur {self.sensors}"


@dataclass(frozen=True)
class Hours:
    """Hours of sensors (names, a row each) on a clock (a column each), and what each of them looks like.

    Their values are best in order of the columns: hours are summed up.
    """

    names: pd.Index
    clock: pd.Index
    values: Floats

    @classmethod
    def of(cls, frame: pd.DataFrame) -> "Hours":
        return cls(frame.index, frame.columns, np.asfortranarray(frame.to_numpy(dtype=float)))

    @cached_property
    def stuck(self) -> Flags:
        values = self.values
        same = (values[:, 1:] == values[:, :-1]) & (values[:, 1:] > 0)
        stuck = np.asarray(same.sum(axis=1) >= STUCK_HOURS - 1)
        stuck[stuck] = longest_runs(same[stuck]) >= STUCK_HOURS - 1  # of few sensors
        return stuck

    @cached_property
    def varies(self) -> Flags:
        """Tell which sensors measured more than one value, and are not stuck."""
        lowest = np.fmin.reduce(self.values, axis=1, initial=np.inf)
        return np.asarray((lowest < np.fmax.reduce(self.values, axis=1, initial=-np.inf)) & ~self.stuck)


@dataclass(frozen=True)
class Pair:
    """Two days on the sensors of the first: a row per sensor, a column per hour of its clock, NaN where not measured.

    held: how many values the past has in each hour of its own clock, of all its sensors.
    """

    clock: pd.Index
    day: Floats
    past: Floats
    held: dict[Any, int]


def pair(day: Hours, past: Hours, dead_at_zero: bool | None = None) -> Pair:
    """Put two days side by side; with `dead_at_zero`, without the sensors that `comparable_hours` leaves out."""
    places = past.names.get_indexer(day.names)
    odd = np.zeros(len(places), dtype=bool) if dead_at_zero is None else _out_of_order(day, past, places, dead_at_zero)
    known = np.isfinite(past.values)
    held = known.sum(axis=0) - known[places[odd]].sum(axis=0)
    padded = np.pad(past.values, (0, 1), constant_values=np.nan)  # the last ones are those of place -1
    hours = past.clock.get_indexer(day.clock)
    other = padded.T.take(hours, axis=0).take(np.where(odd, -1, places), axis=1).T
    one = np.where(odd[:, np.newaxis], np.nan, day.values) if odd.any() else day.values
    return Pair(day.clock, one, other, dict(zip(past.clock.tolist(), held.tolist(), strict=True)))


def comparable_hours(day: pd.DataFrame, past: pd.DataFrame, dead_at_zero: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leave out of two frames of hours the sensors that are out of order on one of the days and not on the other.

    Those stuck at one count and, where a dead one sends zeros (`dead_at_zero`), those at zero all day.
    """
    odd = day.index[_out_of_order(Hours.of(day), Hours.of(past), past.index.get_indexer(day.index), dead_at_zero)]
    return day.drop(index=odd), past.drop(index=odd)


def _out_of_order(day: Hours, past: Hours, places: npt.NDArray[np.intp], dead_at_zero: bool) -> Flags:
    """Tell for each sensor of the day whether comparable_hours leaves it out, given its place in the past."""
    there, then = places >= 0, places[places >= 0]
    odd = there.copy()
    odd[there] = day.stuck[there] & past.varies[then] | past.stuck[then] & day.varies[there]
    if dead_at_zero:
        two = (day.values[there], past.values[then])
        for one, other in (two, two[::-1]):
            odd[there] |= (one == 0).all(axis=1) & (other > 0).any(axis=1)
    return odd


def runs(flags: pd.DataFrame, at_least: int) -> list[tuple[str, int, int]]:
    """Find each run of at least so many consecutive true cells: (row label, first column, last column)."""
    steps = np.diff(np.pad(flags.to_numpy(dtype=np.int8), ((0, 0), (1, 1))), axis=1)
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1] - 1
    found = zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True)
    return [(flags.index[row], first, last) for row, first, last in found if last - first + 1 >= at_least]


def longest_runs(flags: Flags) -> npt.NDArray[np.int64]:
    """Count the longest run of true cells in each row."""
    longest = run = np.zeros(len(flags), dtype=np.int64)
    for column in flags.T:
        run = np.where(column, run + 1, 0)
        longest = np.maximum(longest, run)
    return longest


def shared(two: Pair) -> Shared:
    """Compare two days on the sensors and hours that both have."""
    known = np.isfinite(two.day)
    both, heard = known & np.isfinite(two.past), known.any(axis=1)
    tenth = np.cumsum(heard) % TENTHS
    sums = [np.where(both, values, 0.0).sum(axis=1) for values in (two.day, two.past)]
    numbers = both.sum(axis=1)
    today, before, values = (np.bincount(tenth, one, TENTHS).astype(float) for one in (*sums, numbers))
    common, whole, held = int(numbers.sum()), int(known.sum()), sum(two.held.values())
    shares = (common / whole if whole else 0.0, common / held if held else 0.0)
    carriers = _carriers(np.abs(sums[0] - sums[1]))
    return Shared(today, before, values, int((numbers > 0).sum()), int(heard.sum()), carriers, *shares)


def _carriers(differences: Floats) -> int:
    """Count the fewest sensors of which the differences make half of all."""
    running = np.sort(differences)[::-1].cumsum()
    return int(np.searchsorted(running, running[-1] / 2) + 1) if differences.any() else 0


def change_beside(weeks: Sequence[Shared], points: bool = False) -> Change | None:
    """Compute the median change of a day beside each of several past ones, and its margin; None beside none."""
    if not weeks:
        return None
    every = np.median([one.changes(points) for one in weeks], axis=0)
    fewest = min(weeks, key=lambda one: one.sensors)
    wide = float(margin(every)) if fewest.sensors >= TENTHS else None
    return Change(float(every[-1]), wide, fewest.carriers, fewest.sensors)


def margin(changes: Floats) -> Floats:
    """Compute the margin of changes (last axis, as Shared.changes); infinite where without a tenth nothing is left."""
    without = changes[..., :-1]
    with np.errstate(invalid="ignore"):
        spread = np.square(without - without.mean(axis=-1, keepdims=True)).sum(axis=-1)
    return np.where(np.isfinite(without).all(axis=-1), 2 * np.sqrt((TENTHS - 1) / TENTHS * spread), np.inf)


def middle(days: Floats) -> Floats:
    """Compute the median over the days (first axis) of the values there are; NaN where there is none."""
    ordered, numbers = np.sort(days, axis=0), (~np.isnan(days)).sum(axis=0)  # what is missing comes last
    places = (np.maximum(numbers - 1, 0) // 2, numbers // 2)
    low, high = (np.take_along_axis(ordered, place[np.newaxis], axis=0)[0] for place in places)
    return (low + high) / 2
