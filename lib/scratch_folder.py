"""Temporary folders that a run may be killed in: the next run clears what it left, which can be as large as an export.

The owner holds a kernel lock (flock) on its folder. The lock goes with the process, however it ends, so that a folder
that can be locked is nobody's.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "cityflow-"
YOUNGEST = 60.0  # s; a younger folder may be about to be locked by who made it


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder below TMPDIR for the block, which does not outlive it."""
    clear_abandoned()
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder, _locked(Path(folder)):
        yield Path(folder)


def clear_abandoned() -> None:
    """Remove the folders of runs that were killed; those of another user are that user's."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # in use, or gone meanwhile
            status = folder.lstat()
            if status.st_uid == os.getuid() and time.time() - status.st_mtime > YOUNGEST:
                with _locked(folder):
                    shutil.rmtree(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """BlockingIOError when a process holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
