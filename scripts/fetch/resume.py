"""What a partial file is a part of, noted beside it, hidden like it: a cut download can go on in a later run."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from lib.common.paris_time import machine_now
from lib.files.atomic_file import clear_leftovers, remove_unless_held, write_atomically

KEPT_FOR = 86_400.0  # s since it last grew: publishers have another version by then, and a pull's name never comes back


def remember(stream: BinaryIO, request: str, validator: str) -> None:
    """Note that `stream` (a part_writer's) receives the version `validator` of what `request` asks for.

    An empty validator means that nothing could prove the rest to be of the same version: nothing is noted.
    """
    if validator:
        note = {"request": _fingerprint(request), "validator": validator}
        write_atomically(_note(stream), json.dumps(note).encode())
    else:
        forget(stream)


def resume_point(stream: BinaryIO, request: str) -> tuple[int, str]:
    """Count the bytes of this very request that are here, with the validator to ask for the rest; (0, "") for none."""
    try:
        known = json.loads(_note(stream).read_bytes())
        if known["request"] == _fingerprint(request):
            return os.fstat(stream.fileno()).st_size, str(known["validator"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no note, or one that says nothing: start from zero
    return 0, ""


def forget(stream: BinaryIO) -> None:
    """Remove the note of a partial file that is whole, or no longer of any use."""
    _note(stream).unlink(missing_ok=True)


def discard(stream: BinaryIO) -> None:
    """Remove the partial file: what is still on its way into it goes the same way, also where the disk has no room."""
    Path(stream.name).unlink(missing_ok=True)
    forget(stream)


def clear_abandoned(folder: Path) -> None:
    """Remove what killed fetches left in a folder and no later one would go on with."""
    if not any(folder.glob(".*")):
        return  # as are nearly all, of the thousands that a year of pulls makes
    clear_leftovers(folder)
    for part in _old(folder, ".*.part"):
        remove_unless_held(part)
    for note in _old(folder, ".*.part.json"):
        if not note.with_suffix("").exists():
            note.unlink(missing_ok=True)


def _old(folder: Path, names: str) -> Iterator[Path]:
    for path in folder.glob(names):
        try:
            if machine_now().timestamp() - path.stat().st_mtime > KEPT_FOR:
                yield path
        except FileNotFoundError:
            continue  # whole now, and renamed


def _note(stream: BinaryIO) -> Path:
    return Path(f"{stream.name}.json")


def _fingerprint(request: str) -> str:
    """Identify a request without its text, which may hold a key."""
    return hashlib.sha256(request.encode()).hexdigest()
