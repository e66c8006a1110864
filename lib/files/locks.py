"""One run at a time for a day: kernel locks (flock) on files of OUTPUT_DIR/.locks.

`make process` holds the day alone; single scripts share the day but hold their own step alone, so that `make -j` may
run the sources side by side while a second run of the same day is refused. A range holds each of its days alone
from its start until the day's last result is stored. The kernel drops a lock when its process dies, so that nothing is
left to clean. Processes forked by `make process` inherit the open lock file and recognise it by its number in the
environment.
"""

import contextlib
import fcntl
import logging
import multiprocessing
import os
import resource
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from lib.common.errors import LockHeldError, StoreError, in_french
from lib.common.paris_time import machine_now
from lib.files.atomic_file import not_through_a_link, rights_hint

POLL_INTERVAL = 0.2  # s between two tries of a lock that is waited for
REMINDER_INTERVAL = 300.0  # s between two log lines of a wait
BRIEF_TIMEOUT = 30.0  # s, for a lock that others hold for milliseconds
OTHER_FILES = 512  # descriptors that a run needs beside its locks

log = logging.getLogger(__name__)

INHERITED, RUN = "CITYFLOW_LOCK_FD", "CITYFLOW_RUN"  # read back by lib/common/settings.py


@contextmanager
def day_lock(output_dir: Path, day: date, step: str, inherited: int | None, wait: bool = False) -> Iterator[None]:
    """Hold `step` of `day` for the block; LockHeldError when another run has it and `wait` is off.

    A wait has no limit; it is logged when it begins and from time to time.
    `inherited` is the descriptor that `make process` passed down, if any.
    """
    with contextlib.ExitStack() as stack:
        if not _is_lock_of(inherited, lock_path(output_dir, day)):
            stack.enter_context(_held(lock_path(output_dir, day), fcntl.LOCK_SH, day, wait))
        stack.enter_context(_held(lock_path(output_dir, day, step), fcntl.LOCK_EX, day, wait))
        yield


@contextmanager
def whole_day(output_dir: Path, day: date, wait: bool) -> Iterator[None]:
    """Hold a day alone for the block and for the processes that it forks, which share the name of one run.

    The lock lives as long as any of them.
    """
    descriptor = _open_locked(lock_path(output_dir, day), fcntl.LOCK_EX, day, wait)
    names = {INHERITED: str(descriptor), RUN: new_run_id()}
    try:
        os.environ.update(names)
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)
        os.close(descriptor)


def processes_share_locks() -> bool:
    """Tell whether processes can share locks of memory, which live in /dev/shm: containers may not have it."""
    try:
        multiprocessing.get_context("fork").Lock()
    except OSError:
        return False
    return True


@dataclass
class DayLocks:
    """The descriptor of each day that a range holds, and why the other days were refused."""

    descriptors: dict[date, int] = field(default_factory=dict)
    refused: dict[date, LockHeldError] = field(default_factory=dict)

    def release(self, day: date) -> None:
        """Unlock the day for other runs; do nothing when it is not held."""
        descriptor = self.descriptors.pop(day, None)
        if descriptor is not None:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def close_in_child(self) -> None:
        """Close the copies that a forked process inherited, so that it holds no day once the run has died."""
        for descriptor in self.descriptors.values():
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self.descriptors.clear()


@contextmanager
def days_locked(output_dir: Path, days: list[date]) -> Iterator[DayLocks]:
    """Hold for the block those of the days that are free; a day that another run holds is refused whole, at once."""
    _raise_file_limit(len(days))
    locks = DayLocks()
    try:
        for day in days:
            try:
                locks.descriptors[day] = _open_locked(lock_path(output_dir, day), fcntl.LOCK_EX, day, wait=False)
            except LockHeldError as error:
                hint = "Attendre sa fin, puis relancer : seul ce qui manque sera fait."
                locks.refused[day] = LockHeldError(error.message, hint)
        yield locks
    finally:
        for day in list(locks.descriptors):
            locks.release(day)


def held_locks(output_dir: Path) -> list[tuple[str, int]]:
    """List (day, or day and step; process) of every lock held now, from the kernel's list, without taking any lock.

    StoreError where the kernel has no such list (/proc/locks, Linux alone).
    """
    try:
        names = {path.stat().st_ino: path.stem for path in (output_dir / ".locks").glob("*.lock")}
        lines = Path("/proc/locks").read_text("ascii").splitlines()
    except OSError as error:
        raise StoreError("les verrous ne peuvent pas être lus sur ce système.", "Voir : ps") from error
    held = set()
    for _, kind, *_, pid, place, _, _ in (line.replace("-> ", "").split() for line in lines):
        inode = int(place.rsplit(":", 1)[1])
        if kind == "FLOCK" and inode in names:
            held.add((names[inode], int(pid)))
    return sorted(held)


def lock_path(output_dir: Path, day: date, step: str = "") -> Path:
    """Name the lock file of a day, or of one of its steps."""
    return output_dir / ".locks" / (f"{day}.{step}.lock" if step else f"{day}.lock")


def open_lock_file(path: Path) -> int:
    """Open a lock file, created where it is missing, and return its descriptor; StoreError where it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return not_through_a_link(path, os.O_RDWR | os.O_CREAT)
        except PermissionError as refused:  # another user's, after a run by root: to lock it, reading is enough
            try:
                return not_through_a_link(path, os.O_RDONLY)
            except FileNotFoundError:
                raise refused from None  # there is none yet, and none may be made
    except OSError as error:
        raise StoreError(
            f"impossible d'ouvrir le verrou {path} : {in_french(error)}.", rights_hint(path, error)
        ) from error


def new_run_id() -> str:
    """Make a unique name for a run, which sorts by time."""
    return f"{machine_now():%Y%m%dT%H%M%S}Z-{secrets.token_hex(3)}"


def try_lock(descriptor: int, kind: int) -> bool:
    """Try to take the lock without waiting."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_briefly_held(descriptor: int, path: Path) -> None:
    """Lock what others hold for milliseconds; StoreError when one of them keeps it for BRIEF_TIMEOUT."""
    deadline = time.monotonic() + BRIEF_TIMEOUT
    while not try_lock(descriptor, fcntl.LOCK_EX):
        if time.monotonic() >= deadline:
            text = f"{path} est tenu par un autre traitement depuis plus de {BRIEF_TIMEOUT:.0f} s."
            raise StoreError(text, "Voir : ps")
        time.sleep(0.01)


@contextmanager
def brief_lock(path: Path) -> Iterator[None]:
    """Hold for the block a lock file that others hold for milliseconds; StoreError as above."""
    descriptor = open_lock_file(path)
    try:
        lock_briefly_held(descriptor, path)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _held(path: Path, kind: int, day: date, wait: bool) -> Iterator[None]:
    descriptor = _open_locked(path, kind, day, wait)
    try:
        yield
    finally:
        os.close(descriptor)


def _open_locked(path: Path, kind: int, day: date, wait: bool) -> int:
    descriptor = open_lock_file(path)
    try:
        if not try_lock(descriptor, kind):
            if not wait:
                raise LockHeldError(
                    f"un autre traitement du {day} est en cours (verrou {path}).",
                    "Attendre sa fin, ou relancer avec --wait (WAIT=1 avec make).",
                )
            _wait_for(descriptor, kind, day, path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_lock_of(descriptor: int | None, path: Path) -> bool:
    if descriptor is None:
        return False
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def _wait_for(descriptor: int, kind: int, day: date, path: Path) -> None:
    """Wait until the lock is taken, however long that is; --wait asks for it."""
    begun, reminders = time.monotonic(), 0
    while not try_lock(descriptor, kind):
        waited = time.monotonic() - begun
        if waited >= reminders * REMINDER_INTERVAL:
            since = f" depuis {waited / 60:.0f} min" if reminders else ""
            log.warning(
                "un autre traitement du %s est en cours (%s) : attente de sa fin%s, sans limite de durée (Ctrl-C pour "
                "y renoncer).", day, _holders(path), since
            )  # fmt: skip
            reminders += 1
        time.sleep(POLL_INTERVAL)


def _holders(path: Path) -> str:
    """Name the processes that hold a lock file, as far as the kernel lists them."""
    with contextlib.suppress(StoreError):
        found = sorted({pid for name, pid in held_locks(path.parents[1]) if name == path.stem})
        if found:
            return f"processus {', '.join(map(str, found))}"
    return f"verrou {path}"


def _raise_file_limit(days: int) -> None:
    """Ask for a descriptor per day: a year of days is more open files than a shell grants by default."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = days + OTHER_FILES
    if soft < wanted:
        granted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(granted, soft), hard))
