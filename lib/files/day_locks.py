"""The days of a range, each held alone from the start of the run until its last result is stored, as make process does.

One decision a day and run: a day that another run holds is refused at once, whole, and the others are not kept from
being made. Processes that compute for the run give up their copies of the locks (see `let_go`), so that nobody holds a
day when the run has died.
"""

import contextlib
import fcntl
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from lib.common.errors import LockHeldError
from lib.files.run_lock import day_path, opened, taken

_held: set[int] = set()  # descriptors of this process


@dataclass
class DayLocks:
    """The descriptor of each day held, and why the others were refused."""

    descriptors: dict[date, int] = field(default_factory=dict)
    refused: dict[date, LockHeldError] = field(default_factory=dict)

    def release(self, day: date) -> None:
        """Let other runs have the day; nothing when it is not held."""
        descriptor = self.descriptors.pop(day, None)
        if descriptor is not None:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)
            _held.discard(descriptor)


@contextmanager
def days_locked(output_dir: Path, days: list[date]) -> Iterator[DayLocks]:
    """Hold for the block those of the days that are free."""
    _make_room(len(days))
    locks = DayLocks()
    try:
        for day in days:
            _take(locks, output_dir, day)
        yield locks
    finally:
        for day in list(locks.descriptors):
            locks.release(day)


def let_go() -> None:
    """In a process that the run has forked: the locks are the run's own."""
    for descriptor in _held:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _held.clear()


def _take(locks: DayLocks, output_dir: Path, day: date) -> None:
    path = day_path(output_dir, day)
    descriptor = opened(path)
    if taken(descriptor, fcntl.LOCK_EX):
        locks.descriptors[day] = descriptor
        _held.add(descriptor)
        return
    os.close(descriptor)
    locks.refused[day] = LockHeldError(
        f"un autre traitement du {day} est en cours (verrou {path}).",
        "Attendre sa fin, puis relancer : seul ce qui manque sera fait.",
    )


def _make_room(days: int) -> None:
    """A year of days is more open files than a shell grants by default."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = days + 512
    if soft < wanted:
        room = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(room, soft), hard))
