"""How much a day differs from earlier ones on the same sensors, and how far that can be trusted: one rule for all.

A frame of hours has a row per sensor and a column per hour of the Paris clock (see paris_time.clock_hours), NaN where
nothing was measured. The margin of a change is two standard errors of the delete-a-group jackknife (Kott, Journal of
Official Statistics 17, 2001) over tenths of the sensors: where few of them carry the change, it is wide, and the change
of the others would be another one. Such a change is not published.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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
        day, past, values = (np.append(one.sum() - one, one.sum()) for one in (self.day, self.past, self.values))
        with np.errstate(divide="ignore", invalid="ignore"):
            return (day - past) / values if points else 100 * (day / past - 1)


@dataclass(frozen=True)
class Change:
    """A change in % (or points) and its margin, None of few sensors; `carriers` make half of it, out of `sensors`."""

    measured: float
    margin: float | None
    carriers: int
    sensors: int
    most: float = MOST_MARGIN

    @property
    def published(self) -> float | None:
        """Return the change; None where its margin is too wide for it to be one of all sensors."""
        return self.measured if self.margin is None or self.margin <= self.most else None

    def why_not(self, noun: str) -> str | None:
        """Say why a change is not published; None of one that is."""
        if self.published is not None:
            return None
        return f"écart porté par {self.carriers} {noun}{'s' if self.carriers > 1 else ''} sur {self.sensors}"


def comparable_hours(day: pd.DataFrame, past: pd.DataFrame, dead_at_zero: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leave out of two frames of hours the sensors that are out of order on one of the days and not on the other.

    Those stuck at one count and, where a dead one sends zeros (`dead_at_zero`), those at zero all day.
    """
    rows = day.index.intersection(past.index)
    if rows.empty:
        return day, past
    one, other = (frame.loc[rows].to_numpy(dtype=float) for frame in (day, past))
    odd = _stuck(one) & _varies(other) | _stuck(other) & _varies(one)
    if dead_at_zero:
        odd |= _at_zero(one) & (other > 0).any(axis=1) | _at_zero(other) & (one > 0).any(axis=1)
    return day.drop(index=rows[odd]), past.drop(index=rows[odd])


def _stuck(values: Floats) -> Flags:
    same = (values[:, 1:] == values[:, :-1]) & (values[:, 1:] > 0)
    return longest_runs(same) >= STUCK_HOURS - 1


def _varies(values: Floats) -> Flags:
    """Tell which sensors measured more than one value, and are not stuck."""
    known = np.isfinite(values)
    return (np.where(known, values, np.inf).min(axis=1) < np.where(known, values, -np.inf).max(axis=1)) & ~_stuck(
        values
    )


def _at_zero(values: Floats) -> Flags:
    return np.asarray((values == 0).all(axis=1))


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


def shared(day: pd.DataFrame, past: pd.DataFrame) -> Shared:
    """Compare two frames of hours on the sensors and hours that both have."""
    rows, one, other = _aligned(day, past)
    return _shared(day.to_numpy(dtype=float), past.to_numpy(dtype=float), day.index.get_indexer(rows), one, other)


def shared_by_hour(day: pd.DataFrame, past: pd.DataFrame) -> dict[int, Shared]:
    """Compare two frames of hours as `shared` does, each hour that both have alone."""
    rows, one, other = _aligned(day, past)
    places, hours = day.index.get_indexer(rows), day.columns.intersection(past.columns)
    today, before = day[hours].to_numpy(dtype=float), past[hours].to_numpy(dtype=float)
    found = {}
    for place, hour in enumerate(hours):
        whole, common = ([values[:, [place]] for values in two] for two in ((today, before), (one, other)))
        found[int(hour)] = _shared(whole[0], whole[1], places, common[0], common[1])
    return found


def _aligned(day: pd.DataFrame, past: pd.DataFrame) -> tuple[pd.Index, Floats, Floats]:
    """Find the sensors that two frames share, and the values of both in the hours that they share."""
    rows, hours = day.index.intersection(past.index), day.columns.intersection(past.columns)
    one, other = (frame.reindex(index=rows, columns=hours).to_numpy(dtype=float) for frame in (day, past))
    return rows, one, other


def _shared(today: Floats, before: Floats, places: npt.NDArray[np.intp], one: Floats, other: Floats) -> Shared:
    """Compare the values of two days: all of each, and (one, other) those of the sensors at `places` of the day."""
    known, held = int(np.isfinite(today).sum()), int(np.isfinite(before).sum())
    heard = np.isfinite(today).any(axis=1)
    tenth = (np.cumsum(heard) % TENTHS)[places]
    both = np.isfinite(one) & np.isfinite(other)
    sums = [np.where(both, values, 0.0).sum(axis=1) for values in (one, other, both)]
    totals, before_totals, numbers = (np.bincount(tenth, values, TENTHS).astype(float) for values in sums)
    common = int(both.sum())
    shares = (common / known if known else 0.0, common / held if held else 0.0)
    sensors, carriers = int(both.any(axis=1).sum()), _carriers(np.abs(sums[0] - sums[1]))
    return Shared(totals, before_totals, numbers, sensors, int(heard.sum()), carriers, *shares)


def _carriers(differences: Floats) -> int:
    """Count the fewest sensors of which the differences make half of all."""
    running = np.sort(differences)[::-1].cumsum()
    return int(np.searchsorted(running, running[-1] / 2) + 1) if differences.any() else 0


def change_beside(weeks: Sequence[Shared], points: bool = False, most: float = MOST_MARGIN) -> Change | None:
    """Compute the median change of a day beside each of several past ones, and its margin; None beside none."""
    if not weeks:
        return None
    every = np.median([one.changes(points) for one in weeks], axis=0)
    fewest = min(weeks, key=lambda one: one.sensors)
    margin = None
    if fewest.sensors >= TENTHS:
        without = every[:-1]
        if np.isfinite(without).all():
            margin = 2 * float(np.sqrt((TENTHS - 1) / TENTHS * np.square(without - without.mean()).sum()))
        else:
            margin = np.inf  # without one tenth, nothing is left of the past
    return Change(float(every[-1]), margin, fewest.carriers, fewest.sensors, most)
