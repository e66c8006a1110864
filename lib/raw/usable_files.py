"""Several files of one source, of which some cannot be used: each costs itself, and that is said."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from lib.common.errors import InputError, TooLargeError
from lib.figures.answers import Answer
from lib.figures.quality import Quality
from lib.raw.source_files import RawFile

log = logging.getLogger(__name__)

Rows = TypeVar("Rows")


def read_usable(files: Iterable[RawFile], read: Callable[[RawFile], Rows], quality: Quality) -> list[Rows]:
    """Collect what `read` makes of each file that is what it should be, in their order; InputError when none is.

    The others are counted as rejected, and a warning names them: their rows are missing.
    """
    found, unusable = [], None
    for raw in files:
        try:
            found.append(read(raw))
        except InputError as error:
            passed_over(raw, error, quality)
            unusable = error
    if unusable and not found:
        raise unusable
    return found


def newest_usable(
    files: Sequence[RawFile], read: Callable[[RawFile], Rows]
) -> tuple[Rows, list[tuple[RawFile, InputError]]]:
    """Find what `read` makes of the newest file that is what it should be, and the newer ones that are not, with why.

    InputError, that of the newest, when none is.
    """
    refused: list[tuple[RawFile, InputError]] = []
    for raw in reversed(files):
        try:
            return read(raw), refused
        except InputError as error:
            refused.append((raw, error))
    raise refused[0][1]


def passed_over(raw: RawFile, error: InputError, quality: Quality) -> None:
    """Count a file that cannot be used as rejected, and say why; one that is too large is warned of as well."""
    log.warning("%s", error)
    quality.answers.add(Answer(raw.origin, None, 0, broken=error.reason.replace("_", " ")))
    if isinstance(error, TooLargeError):
        quality.reject(error.reason, raw.name, 1, error.message)
        quality.warn(error.reason, "attention", str(error), exemples=[raw.name])
    else:
        quality.reject_file(raw.name, error.message.replace(f"{raw.path} ", ""), error.reason)


def too_many(raw: RawFile, line: int, content: object, limit: int, quality: Quality, count: int = 1) -> None:
    """Count records for which there is no room as rejected; a warning says it once."""
    quality.reject("enregistrements_en_trop", raw.name, line, content, count)
    text = f"Plus de {limit} enregistrements, bien plus qu'il n'en existe : ceux de {raw.name} et après manquent."
    quality.warn("enregistrements_en_trop", "attention", text, attendu=limit, exemples=[raw.name])
