"""Several files of one source, of which some cannot be used: each costs itself, and that is said."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from lib.errors import InputError
from lib.quality import Quality
from lib.raw_files import RawFile

log = logging.getLogger(__name__)

Rows = TypeVar("Rows")


def read_usable(files: Iterable[RawFile], read: Callable[[RawFile], Rows], quality: Quality) -> list[Rows]:
    """What `read` makes of each file that is what it should be, in their order; InputError when none is.

    The others are counted as rejected, and a warning names them: their rows are missing.
    """
    found, unusable = [], None
    for raw in files:
        try:
            found.append(read(raw))
        except InputError as error:
            log.warning("%s", error)
            quality.reject_file(raw.name, error.message)
            unusable = error
    if unusable and not found:
        raise unusable
    return found


def newest_usable(
    files: Sequence[RawFile], read: Callable[[RawFile], Rows]
) -> tuple[Rows, list[tuple[RawFile, InputError]]]:
    """What `read` makes of the newest file that is what it should be, and the newer ones that are not, with the reason.

    InputError, that of the newest, when none is.
    """
    refused: list[tuple[RawFile, InputError]] = []
    for raw in reversed(files):
        try:
            return read(raw), refused
        except InputError as error:
            refused.append((raw, error))
    raise refused[0][1]
