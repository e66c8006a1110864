"""Copies below OUTPUT_DIR of what was computed from inputs that are still the same, so that it need not be again.

A copy is a line of JSON (the state of what it rests on; name, type and shape of each array), the bytes of the arrays,
and a digest of all that. One that is missing, damaged or of another state is no copy; where none can be written, one
does without. All of them may be deleted.
"""

import hashlib
import logging
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lib.common.errors import StoreError
from lib.common.exact_json import json_text, read_json
from lib.files.atomic_file import write_atomically

_DIGEST = hashlib.sha256().digest_size

log = logging.getLogger(__name__)


def read_copy(path: Path, state: str) -> dict[str, npt.NDArray[Any]] | None:
    """Read the arrays of the copy of a state; None without one."""
    with suppress(OSError, ValueError):
        content = unsealed(path.read_bytes())
        place = content.index(b"\n") + 1
        written, forms = read_json(content[:place])
        if written == state:
            found = {}
            for name, form, shape in forms:
                values = np.frombuffer(content, form, math.prod(shape), place)
                found[name] = values.reshape(shape).copy()  # not a view, which would keep all of the content
                place += values.nbytes
            return found
    return None


def keep_copy(path: Path, state: str, arrays: Mapping[str, npt.NDArray[Any]]) -> bool:
    """Write the copy of a state; False where that is refused."""
    forms = [[name, values.dtype.str, values.shape] for name, values in arrays.items()]
    content = b"\n".join([json_text([state, forms]), b"".join(values.tobytes() for values in arrays.values())])
    try:
        write_atomically(path, sealed(content), lasting=False)
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
    if hashlib.sha256(content).digest() != sealed_content[-_DIGEST:]:
        raise ValueError("damaged")
    return content


def packed(value: Any) -> npt.NDArray[np.uint8]:
    """Write a JSON value as an array; TypeError for what JSON has no form for."""
    return np.frombuffer(json_text(value), dtype=np.uint8)


def unpacked(array: npt.NDArray[np.uint8]) -> Any:
    """Read the JSON value of an array; ValueError for what is none."""
    return read_json(array.tobytes())
