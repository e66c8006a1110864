"""One run at a time for a day: kernel locks (flock) on files of OUTPUT_DIR/.locks.

`make process` holds the day alone; single scripts share the day but hold their own step alone, so that `make -j` may
run the six sources side by side while a second run of the same day is refused. The kernel drops a lock when its
process dies, so that nothing is left to clean. Processes started by `make process` inherit the open lock file and
recognise it by its number in the environment.
"""

import argparse
import contextlib
import fcntl
import logging
import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from lib.common.errors import CityflowError, ExitCode, LockHeldError, StoreError, UsageError
from lib.common.paris_time import machine_now, parse_asked_day
from lib.common.settings import load_settings
from lib.files.atomic_file import not_through_a_link

POLL, SAID_EVERY = 0.2, 300.0  # s between two looks at a lock that is waited for, and between two words about it

PATIENCE = 30.0  # s, where others hold a lock for milliseconds

log = logging.getLogger(__name__)

INHERITED, RUN = "CITYFLOW_LOCK_FD", "CITYFLOW_RUN"  # read back by lib/common/settings.py


@contextmanager
def day_lock(output_dir: Path, day: date, step: str, inherited: int | None, wait: bool = False) -> Iterator[None]:
    """Hold `step` of `day` for the block; LockHeldError when another run has it and `wait` is off.

    A wait has no limit, which is said when it begins and from time to time.
    `inherited` is the descriptor that `make process` passed down, if any.
    """
    with contextlib.ExitStack() as stack:
        if not _holds(inherited, day_path(output_dir, day)):
            stack.enter_context(_locked(day_path(output_dir, day), fcntl.LOCK_SH, day, wait))
        stack.enter_context(_locked(day_path(output_dir, day, step), fcntl.LOCK_EX, day, wait))
        yield


def held_locks(output_dir: Path) -> list[tuple[str, int]]:
    """(day, or day and step; process) of every lock held now, read off the kernel's list: looking takes no lock.

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


def day_path(output_dir: Path, day: date, step: str = "") -> Path:
    """The lock file of a day, or of one of its steps."""
    return output_dir / ".locks" / (f"{day}.{step}.lock" if step else f"{day}.lock")


def _holds(descriptor: int | None, path: Path) -> bool:
    if descriptor is None:
        return False
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


@contextmanager
def _locked(path: Path, kind: int, day: date, wait: bool) -> Iterator[None]:
    descriptor = _take(path, kind, day, wait)
    try:
        yield
    finally:
        os.close(descriptor)


def opened(path: Path) -> int:
    """The descriptor of a lock file, made where it is missing; StoreError where it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return not_through_a_link(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise StoreError(
            f"impossible d'ouvrir le verrou {path} : {error.strerror}.",
            "Vérifier les droits et la place disponible.",
        ) from error


def new_run_id() -> str:
    """A name for a run that sorts by time and that no other run has."""
    return f"{machine_now():%Y%m%dT%H%M%S}Z-{secrets.token_hex(3)}"


def _take(path: Path, kind: int, day: date, wait: bool) -> int:
    descriptor = opened(path)
    try:
        if not taken(descriptor, kind):
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


def taken(descriptor: int, kind: int) -> bool:
    """Whether the lock is ours now."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def take_briefly_held(descriptor: int, path: Path) -> None:
    """Lock what others hold for milliseconds; StoreError when one of them keeps it for PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while not taken(descriptor, fcntl.LOCK_EX):
        if time.monotonic() >= deadline:
            raise StoreError(f"{path} est tenu par un autre traitement depuis plus de {PATIENCE:.0f} s.", "Voir : ps")
        time.sleep(0.01)


def _wait_for(descriptor: int, kind: int, day: date, path: Path) -> None:
    """Until the lock is ours, however long that takes; it is what --wait asks for."""
    begun, told = time.monotonic(), 0
    while not taken(descriptor, kind):
        waited = time.monotonic() - begun
        if waited >= told * SAID_EVERY:
            since = f" depuis {waited / 60:.0f} min" if told else ""
            log.warning(
                "un autre traitement du %s est en cours (%s) : attente de sa fin%s, sans limite de durée (Ctrl-C pour "
                "y renoncer).", day, _holders(path), since
            )  # fmt: skip
            told += 1
        time.sleep(POLL)


def _holders(path: Path) -> str:
    """Who holds a lock file, as far as the kernel tells."""
    with contextlib.suppress(StoreError):
        found = sorted({pid for name, pid in held_locks(path.parents[1]) if name == path.stem})
        if found:
            return f"processus {', '.join(map(str, found))}"
    return f"verrou {path}"


def required_day(text: str) -> date:
    """The day of a command that make runs; UsageError when it is none."""
    try:
        return parse_asked_day(text)
    except ValueError as error:
        raise UsageError(f"{error}.") from None


def main(argv: list[str] | None = None) -> int:
    """Run a command while holding a whole day: `python -m lib.files.run_lock --date D -- make …`, for make."""
    parser = argparse.ArgumentParser(prog="run_lock")
    parser.add_argument("--date", required=True)
    parser.add_argument("--wait", action="store_true")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args(argv)
    try:
        day = required_day(arguments.date)
        descriptor = _take(day_path(load_settings().output_dir, day), fcntl.LOCK_EX, day, arguments.wait)
    except CityflowError as error:
        sys.stderr.write(f"erreur : {error}\n")
        return int(error.exit_code)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)  # while it waited for another run
    os.set_inheritable(descriptor, True)
    # The command replaces this process, so that the lock lives exactly as long as the run and its children.
    os.execvp("env", ["env", f"{INHERITED}={descriptor}", f"{RUN}={new_run_id()}", *arguments.command])


if __name__ == "__main__":
    sys.exit(main())
