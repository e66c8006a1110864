"""What one synthetic world is made of: the options of make_demo_data, and the random streams derived from its seed.

A stream is named for what it decides (and numbered by day or by arc), so that asking for more days or for fewer
sources leaves every other value where it was.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from zlib import crc32

import numpy as np

from scripts.registry import RAW

GENERATOR_VERSION = 2  # raise it when the same options would no longer give the same bytes
API_SOURCES = tuple(name for name, source in RAW.items() if source.pulls)
BATCH_SOURCES = tuple(name for name in RAW if name not in API_SOURCES)
SOURCES = BATCH_SOURCES + API_SOURCES


@dataclass(frozen=True)
class Options:
    end: date
    days: int
    arcs: int
    counters: int
    seed: int
    sources: tuple[str, ...]

    @property
    def start(self) -> date:
        return self.end - timedelta(days=self.days - 1)

    def calendar(self) -> list[date]:
        """List the days of the world, oldest first."""
        return [self.start + timedelta(days=n) for n in range(self.days)]

    def pull_days(self) -> list[date]:
        """List the days on which an API is asked: one later than the data, so that the last day is complete."""
        return [day + timedelta(days=1) for day in self.calendar()]

    def days_before_end(self, day: date) -> int:
        return (self.end - day).days

    def stream(self, name: str, *numbers: int) -> np.random.Generator:
        """Open the random stream of that name, the same whatever else is generated."""
        return np.random.default_rng([self.seed, crc32(name.encode()), *numbers])

    def fingerprint(self) -> str:
        """One JSON line that is equal when the trees are."""
        parameters = {"version": GENERATOR_VERSION, **asdict(self)}
        return json.dumps(parameters | {"end": self.end.isoformat()})


def batch_file(root: Path, stem: str, suffix: str = ".csv") -> Path:
    return root / "batch" / f"{stem}{suffix}"


def pull_file(root: Path, source: str, day: date, hour: int, suffix: str = ".json") -> Path:
    """Where a pull of that day and hour lies; its name says that it is not real data."""
    return root / "api" / source / f"dt={day.isoformat()}" / f"hour={hour:02d}" / f"{source}_demo{suffix}"
