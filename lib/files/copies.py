"""Copies below OUTPUT_DIR of what was computed from inputs that are still the same, so that it need not be again.

A copy is arrays in a .npz file, with the state of what it rests on. One that is missing, damaged or of another state is
no copy; where none can be written, one does without. All of them may be deleted.
"""

import io
import logging
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from lib.common.errors import StoreError
from lib.files.atomic_file import write_atomically

_STATE = "etat"
_DAMAGED = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile)

log = logging.getLogger(__name__)


def read_copy(path: Path, state: str) -> dict[str, npt.NDArray[Any]] | None:
    """Read the arrays of the copy of a state; None without one. Each carries a checksum, which is verified."""
    with suppress(*_DAMAGED), np.load(path, allow_pickle=False) as copy:
        if unpacked(copy[_STATE]) == state:
            return {name: copy[name] for name in copy.files}
    return None


def keep_copy(path: Path, state: str, arrays: Mapping[str, Any]) -> bool:
    """Write the copy of a state; False where that is refused."""
    content = io.BytesIO()
    named: dict[str, Any] = {_STATE: packed(state), **arrays}
    np.savez(content, **named)
    try:
        write_atomically(path, content.getvalue(), lasting=False)
    except StoreError as error:
        log.debug("%s", error)
        return False
    return True


def packed(value: Any) -> npt.NDArray[np.uint8]:
    """Write a JSON value as an array; TypeError for what JSON has no form for."""
    return np.frombuffer(orjson.dumps(value), dtype=np.uint8)


def unpacked(array: npt.NDArray[np.uint8]) -> Any:
    """Read the JSON value of an array; ValueError for what is none."""
    return orjson.loads(array.tobytes())
