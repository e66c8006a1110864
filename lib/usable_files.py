"""Several files of one source, of which some cannot be used: each costs itself, and that is said."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from lib.errors import InputError, TooLargeError
from lib.quality import Quality
from lib.raw_files import RawFile

log = logging.getLogger(__name__)

Rows = TypeVar("Rows")


def read_usable(files: Iterable[RawFile], read: Callable[[RawFile], Rows], quality: Quality) -> list[Rows]:
    """What `read` makes of each file that is what it should be, in their order; InputError when none is.

    The others are counted as rejected, and a warning names them: their rows are missing.
    """
    found, unusable = [], []
    for raw in files:
        try:
            found.append(read(raw))
        except InputError as error:
            passed_over(raw, error, quality)
            unusable.append((raw.name, error))
    if unusable and not found:
        raise unusable[-1][1]
    if unusable:
        names = [name for name, _ in unusable]
        text = f"Fichiers inutilisables, leurs lignes manquent : {', '.join(names)}."
        quality.warn("fichiers_inutilisables", "attention", text, len(names), 0, names)
    return found


def passed_over(raw: RawFile, error: InputError, quality: Quality) -> None:
    """Count a file that cannot be used as rejected, and say why; one that is too large is warned of as well."""
    log.warning("%s", error)
    quality.reject(error.reason, raw.name, 1, error.message)
    if isinstance(error, TooLargeError):
        quality.warn(error.reason, "attention", str(error), exemples=[raw.name])


def too_many(raw: RawFile, line: int, content: object, limit: int, quality: Quality, count: int = 1) -> None:
    """Count records for which there is no room as rejected; a warning says it once."""
    quality.reject("enregistrements_en_trop", raw.name, line, content, count)
    text = f"Plus de {limit} enregistrements, bien plus qu'il n'en existe : ceux de {raw.name} et après manquent."
    quality.warn("enregistrements_en_trop", "attention", text, attendu=limit, exemples=[raw.name])
