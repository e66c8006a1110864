"""Several files of one source, of which some cannot be used: each costs itself, and that is said."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from lib.common.errors import InputError
from lib.common.text import counted
from lib.figures.answers import Answer
from lib.figures.quality import Quality
from lib.raw.source_files import RawFile

log = logging.getLogger(__name__)

WHOLE_FROM = 0.8  # of the rows of an older export: from one week to the next, whole data sets change by some per cent

UNUSABLE = ("fichier_illisible", "fichier_vide", "reponse_en_erreur")  # reasons that one warning of all names together

Rows = TypeVar("Rows")
Part = TypeVar("Part")


@dataclass
class Reading(Generic[Part]):
    """What one state of a file says, kept for all days that ask for it: parts, its own account, what it ends with."""

    parts: list[Part] = field(default_factory=list)
    account: Quality = field(default_factory=Quality)
    error: InputError | None = None

    def said_of(self, quality: Quality) -> Iterator[Part]:
        """Yield the parts as if they were read now: into the account of a day, and with the error at their end."""
        quality.absorb(self.account)
        yield from self.parts
        if self.error:
            raise copy(self.error)  # the one that is kept would keep what each function that it passes has at hand


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
            unusable = error.with_traceback(None)  # or it would keep the rows of the others, and they it
    if unusable and not found:
        raise unusable
    return found


def newest_whole(
    files: Sequence[RawFile],
    read: Callable[[RawFile], Rows],
    code: str,
    rows: Callable[[Rows], int],
    most: int = 0,
) -> tuple[Rows, list[tuple[RawFile, InputError]]]:
    """Read the newest file that is what it should be and is not much smaller than an older one.

    Returns what `read` makes of it and the newer ones that were passed over, each with the reason (`code` for a smaller
    one). InputError, that of the newest, when none can be used. `rows` counts; `most`: the rows of a whole file where
    that is known, so that any fewer are too few.
    """
    kept: tuple[RawFile, Rows] | None = None
    refused: list[tuple[RawFile, InputError]] = []
    for raw in reversed(files):
        if kept and (rows(kept[1]) >= most if most else not _may_be_larger(raw, kept[0])):
            continue
        try:
            found = read(raw)
        except InputError as error:
            refused += [] if kept else [(raw, error.with_traceback(None))]
            continue
        if kept and rows(kept[1]) < (1.0 if most else WHOLE_FROM) * rows(found):
            refused.append((kept[0], _smaller(kept[0], rows(kept[1]), raw, rows(found), code)))
            kept = None
        kept = kept or (raw, found)
    if kept is None:
        raise refused[0][1]
    return kept[1], refused


def warn_of_refused(refused: Iterable[tuple[RawFile, InputError]], smaller: str, other: str, quality: Quality) -> None:
    """Warn of the newer files in whose place newest_whole took an older one, under the code of each reason."""
    for _, why in refused:
        if why.reason == smaller:
            quality.warn(smaller, "attention", str(why))
        else:
            quality.warn(other, "attention", f"{why.message} Celui d'avant est pris à sa place.")


def _may_be_larger(older: RawFile, newer: RawFile) -> bool:
    """Tell from their bytes whether the newer file may be cut; those of two forms say nothing."""
    try:
        sizes = older.path.stat().st_size, newer.path.stat().st_size
    except OSError:
        return True
    return older.path.suffix != newer.path.suffix or sizes[1] < WHOLE_FROM * sizes[0]


def _smaller(newer: RawFile, few: int, older: RawFile, many: int, code: str) -> InputError:
    return InputError(
        f"{newer.name} ({counted(few, 'ligne')}) est bien plus petit que {older.name} ({counted(many, 'ligne')}), "
        "plus ancien : il est sans doute coupé, et le plus ancien est pris à sa place.",
        f"Récupérer l'export à nouveau (make fetch), ou retirer {older.name} si le plus récent est juste.",
        code,
    )


def passed_over(raw: RawFile, error: InputError, quality: Quality) -> None:
    """Count a file that cannot be used as rejected, and say why; a reason of its own is warned of as well."""
    log.warning("%s", error)
    quality.answers.add(Answer(raw.origin, None, 0, broken=error.reason.replace("_", " ")))
    if error.reason not in UNUSABLE:
        quality.reject(error.reason, raw.name, 1, error.message)
        quality.warn(error.reason, "attention", str(error), exemples=[raw.name])
    else:
        quality.reject_file(raw.name, error.message.replace(f"{raw.path} ", ""), error.reason)


def too_many(raw: RawFile, line: int, content: object, limit: int, quality: Quality, count: int = 1) -> None:
    """Count records for which there is no room as rejected; a warning says it once."""
    quality.reject("enregistrements_en_trop", raw.name, line, content, count)
    text = f"Plus de {limit} enregistrements, bien plus qu'il n'en existe : ceux de {raw.name} et après manquent."
    quality.warn("enregistrements_en_trop", "attention", text, attendu=limit, exemples=[raw.name])
