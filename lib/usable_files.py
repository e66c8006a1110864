"""Several files of one source, of which some cannot be used: each costs itself, and that is said."""

import logging
from collections.abc import Callable, Iterable
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
    found, unusable = [], []
    for raw in files:
        try:
            found.append(read(raw))
        except InputError as error:
            log.warning("%s", error)
            quality.reject("fichier_illisible", raw.name, 1, error.message)
            unusable.append((raw.name, error))
    if unusable and not found:
        raise unusable[-1][1]
    if unusable:
        names = [name for name, _ in unusable]
        text = f"Fichiers inutilisables, leurs lignes manquent : {', '.join(names)}."
        quality.warn("fichiers_inutilisables", "attention", text, len(names), 0, names)
    return found
