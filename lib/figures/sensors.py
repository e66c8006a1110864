"""Sensors out of order: silent, stuck on one value, or showing what no sensor can measure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

SILENT_HOURS = 6  # consecutive hours without any measurement
STUCK_HOURS = 12  # consecutive hours with the same count, not zero


@dataclass(frozen=True, order=True)
class Fault:
    """One sensor, what is wrong with it, and for how many consecutive hours (None where that makes no sense)."""

    sensor: str
    motif: str
    heures_consecutives: int | None

    def description(self) -> dict[str, Any]:
        return {"motif": self.motif, "heures_consecutives": self.heures_consecutives}


def faults(counts: pd.DataFrame, measured: pd.DataFrame) -> list[Fault]:
    """Find silent and stuck sensors. Both frames: a row per sensor, a column per hour in order; counts and booleans."""
    silent = _longest(runs(~measured, SILENT_HOURS))
    same_as_before = counts.eq(counts.shift(axis=1)) & counts.gt(0)
    stuck = _longest(runs(same_as_before, STUCK_HOURS - 1))
    return [
        *(Fault(sensor, "silencieux", hours) for sensor, hours in silent.items()),
        *(Fault(sensor, "valeur constante", hours + 1) for sensor, hours in stuck.items()),
    ]


def impossible_values(found: Iterable[str]) -> list[Fault]:
    """List as faults the sensors of which a row was rejected for an impossible value."""
    return [Fault(sensor, "valeur impossible", None) for sensor in found]


def runs(flags: pd.DataFrame, at_least: int) -> list[tuple[str, int, int]]:
    """Find each run of at least so many consecutive true cells: (row label, first column, last column)."""
    steps = np.diff(np.pad(flags.to_numpy(dtype=np.int8), ((0, 0), (1, 1))), axis=1)
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1] - 1
    found = zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True)
    return [(flags.index[row], first, last) for row, first, last in found if last - first + 1 >= at_least]


def _longest(found: list[tuple[str, int, int]]) -> dict[str, int]:
    longest: dict[str, int] = {}
    for sensor, first, last in found:
        longest[sensor] = max(longest.get(sensor, 0), last - first + 1)
    return longest
