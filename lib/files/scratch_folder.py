"""Temporary folders of TMPDIR that may hold gigabytes: what a killed run left there is removed by the next run."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lib.files.atomic_file import is_ours

PREFIX = "cityflow-scratch-"

_NAME = re.compile(re.escape(PREFIX) + "[a-z0-9_]{8}")  # as tempfile makes them


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Create a folder that is removed when the block ends, locked so that no other run removes it as a leftover."""
    clear_abandoned()
    while True:
        with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name, _locked(name) as ours:
            if ours:
                yield Path(name)
                return
            # Another run looked for abandoned folders before the lock was there: take another one.


def clear_abandoned() -> None:
    """Remove the folders of killed runs; commands that may need no folder of their own call it too."""
    try:
        found = list(Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))
    except OSError:  # whoever needs a folder there says that none can be had
        return
    for path in found:
        if _NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            with suppress(OSError), _locked(str(path)) as ours:
                if ours:
                    shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _locked(folder: str) -> Iterator[bool]:
    """Hold the lock of a folder for the block; False when another process has it, or has removed the folder."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        yield is_ours(descriptor, folder)
    finally:
        os.close(descriptor)
