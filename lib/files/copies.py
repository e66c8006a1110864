"""Copies below OUTPUT_DIR of what was computed from inputs that are still the same, so that it need not be again.

A copy is arrays in a .npz file, with the state of what it rests on, and ends with a digest of all its bytes: numpy
reads as much as a header says, whatever was there. One that is missing, damaged or of another state is no copy; where
none can be written, one does without. All of them may be deleted.
"""

import hashlib
import io
import logging
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
_DIGEST = hashlib.sha256().digest_size

log = logging.getLogger(__name__)


def read_copy(path: Path, state: str) -> dict[str, npt.NDArray[Any]] | None:
    """Read the arrays of the copy of a state; None without one."""
    with suppress(OSError, ValueError), np.load(io.BytesIO(unsealed(path.read_bytes())), allow_pickle=False) as copy:
        if unpacked(copy[_STATE]) == state:
            return {name: copy[name] for name in copy.files}
    return None


def keep_copy(path: Path, state: str, arrays: Mapping[str, Any]) -> bool:
    """Write the copy of a state; False where that is refused."""
    content = io.BytesIO()
    named: dict[str, Any] = {_STATE: packed(state), **arrays}
    np.savez(content, **named)
    try:
        write_atomically(path, sealed(content.getvalue()), lasting=False)
    except StoreError as error:
        log.debug("%s", error)
        return False
    return True


def sealed(content: bytes) -> bytes:
    """Add the digest by which `unsealed` knows that not a byte has changed."""
    return content + hashlib.sha256(content).digest()


def unsealed(sealed_content: bytes) -> bytes:
    """Return what was sealed; ValueError where any byte is another one, or missing."""
    content = sealed_content[:-_DIGEST]
    if sealed(content) != sealed_content:
        raise ValueError("damaged")
    return content


def packed(value: Any) -> npt.NDArray[np.uint8]:
    """Write a JSON value as an array; TypeError for what JSON has no form for."""
    return np.frombuffer(orjson.dumps(value), dtype=np.uint8)


def unpacked(array: npt.NDArray[np.uint8]) -> Any:
    """Read the JSON value of an array; ValueError for what is none."""
    return orjson.loads(array.tobytes())
