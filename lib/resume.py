"""What a partial file is a part of, noted beside it, hidden like it: a cut download can go on in a later run."""

import hashlib
import json
import os
from pathlib import Path
from typing import BinaryIO

from lib.atomic_file import write_atomically


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
    """How many bytes of this very request are here, and the validator to ask for the rest with; (0, "") for none."""
    try:
        known = json.loads(_note(stream).read_bytes())
        if known["request"] == _fingerprint(request):
            return os.fstat(stream.fileno()).st_size, str(known["validator"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no note, or one that says nothing: start from zero
    return 0, ""


def forget(stream: BinaryIO) -> None:
    """The partial file is whole, or no longer of any use."""
    _note(stream).unlink(missing_ok=True)


def discard(stream: BinaryIO) -> None:
    """Remove the partial file: what is still on its way into it goes the same way, also where the disk has no room."""
    Path(stream.name).unlink(missing_ok=True)
    forget(stream)


def _note(stream: BinaryIO) -> Path:
    return Path(f"{stream.name}.json")


def _fingerprint(request: str) -> str:
    """A request's identity without its text, which may hold a key."""
    return hashlib.sha256(request.encode()).hexdigest()
