"""Where the raw files of each source lie, and in which order they are believed.

API pulls lie in api/<source>/dt=YYYY-MM-DD/hour=HH/ (or dt=… alone); batch exports in batch/. The folder's day is the
day of the pull, never the day the records are about; the newest pull wins.
"""

import heapq
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from lib.common.errors import InputError, NoDataError
from lib.common.paris_time import parse_day
from lib.common.settings import Settings
from lib.figures.quality import Quality
from lib.raw.contents import readable, unreadable
from lib.raw.limits import MOST_FILES
from lib.raw.places import exports_folder, pulls_folder, raw_path, raw_root
from lib.raw.source import Source
from lib.raw.tree import files_below, files_in

SUFFIXES = (".json", ".jsonl", ".csv", ".geojson")
SYNTHETIC_MARKER = "LISEZMOI.txt"  # make_demo_data.py leaves it at the root of the tree it invents

_PULL = re.compile(r"dt=([0-9]{4}-[0-9]{2}-[0-9]{2})")
_HOUR = re.compile(r"hour=([0-9]{1,2})")


@dataclass(frozen=True, order=True)
class RawFile:
    """One raw file; files sort from the oldest pull to the newest, so that the last one read wins."""

    pulled: str  # YYYY-MM-DDTHH, or empty for a file outside any dt= folder
    modified: float  # only compared between batch exports, which carry no pull day; infinity where it cannot be told
    path: Path

    @property
    def pull_day(self) -> date | None:
        return date.fromisoformat(self.pulled[:10]) if self.pulled else None

    @property
    def is_csv(self) -> bool:
        return self.path.name.removesuffix(".gz").endswith(".csv")

    @property
    def name(self) -> str:
        """The file as messages show it: from its dt= folder on."""
        parts = self.path.parts
        start = next((index for index, part in enumerate(parts) if part.startswith("dt=")), len(parts) - 1)
        return "/".join(parts[start:])


def source_files(settings: Settings, source: Source, quality: Quality | None = None) -> list[RawFile]:
    """Every raw file of a source, the most believable last. Empty when there is none.

    What cannot be looked at is one of them (see lib/raw/tree): reading it says so, and counts it as rejected. Of more
    than MOST_FILES the oldest are left out, and counted as rejected in `quality`.
    """
    if override := _single_file(settings, source):
        return [_named_by_a_setting(override, source)]
    files = Counted(map(raw_file, _paths(settings, source)))
    kept = heapq.nlargest(MOST_FILES, files)[::-1]
    if quality and files.count > len(kept):
        _warn_left_out(source.name, files.count, quality)
    return kept


def _paths(settings: Settings, source: Source) -> Iterator[Path]:
    if source.pulls:
        yield from files_below(pulls_folder(settings) / source.name, _is_raw_name)
    if source.export:
        yield from files_in(exports_folder(settings), source.export, _is_raw_name)


def _named_by_a_setting(path: Path, source: Source) -> RawFile:
    try:
        if path.is_file():
            return RawFile("", path.stat().st_mtime, path)
    except OSError as error:
        raise unreadable(path, error) from error
    raise InputError(f"{path} n'existe pas.", f"Corriger {source.override.upper()} ou le vider.")


def _warn_left_out(source: str, count: int, quality: Quality) -> None:
    text = (
        f"« {source} » a {count} fichiers bruts : seuls les {MOST_FILES} plus récents sont lus. "
        "Ranger les autres hors de DATA_DIR."
    )
    quality.reject("fichiers_en_trop", source, 1, text, count - MOST_FILES)
    quality.warn("fichiers_en_trop", "attention", text, mesure=count, attendu=MOST_FILES)


class Counted(Iterator[RawFile]):
    """Files on their way, and how many have passed."""

    def __init__(self, files: Iterable[RawFile]) -> None:
        self.files, self.count = iter(files), 0

    def __next__(self) -> RawFile:
        found = next(self.files)
        self.count += 1
        return found


def override_warning(settings: Settings, source: Source) -> str:
    """What to say of a setting that makes one file stand for a whole source; empty when there is none."""
    single = _single_file(settings, source)
    return (
        f"{source.override.upper()} désigne un seul fichier ({single}) : les autres ne sont pas lus." if single else ""
    )


def _single_file(settings: Settings, source: Source) -> Path | None:
    text = getattr(settings, source.override) if source.override else ""
    return raw_path(settings, text) if text else None


def usual_folder(settings: Settings, source: Source) -> Path:
    """Where its raw files are expected."""
    return pulls_folder(settings) / source.name if source.pulls else exports_folder(settings)


def require_files(settings: Settings, source: Source, quality: Quality | None = None) -> list[RawFile]:
    """As source_files, but NoDataError naming the folder looked in when there is none."""
    files = source_files(settings, source, quality)
    if not files:
        folder = usual_folder(settings, source)
        text = f"aucun fichier brut pour « {source.name} » dans {folder}."
        raise NoDataError(text, "Vérifier DATA_DIR, ou : make fetch")
    return files


def no_data(source: str, day: date, days: Iterable[str] | None) -> NoDataError:
    """The error of a day without data; it names the days that have some, unless they were not looked for (None)."""
    if days is None:
        return NoDataError(f"aucune donnée « {source} » pour le {day}.", "Voir DATA_DIR.")
    known = sorted(days)
    if not known:
        return NoDataError(f"aucune donnée « {source} » pour le {day}, ni pour un autre jour.", "Voir DATA_DIR.")
    return NoDataError(
        f"aucune donnée « {source} » pour le {day}.", f"Jours présents ({len(known)}) : {shown_days(known)}."
    )


def shown_days(known: list[str]) -> str:
    """The days, the first and last of them where they are many."""
    return ", ".join(known) if len(known) <= 10 else f"{', '.join(known[:3])} … {', '.join(known[-3:])}"


def is_synthetic(settings: Settings) -> bool:
    """Whether the raw tree was invented by make_demo_data.py; InputError where that cannot be seen."""
    with readable(raw_root(settings)):
        return (raw_root(settings) / SYNTHETIC_MARKER).is_file()


def _is_raw_name(name: str) -> bool:
    return not name.startswith(".") and name.removesuffix(".gz").endswith(SUFFIXES)


def raw_file(path: Path) -> RawFile:
    """What the place of a file tells of it, whether it is still there or not."""
    where = str(path if path.name.startswith(("dt=", "hour=")) else path.parent)  # a folder that cannot be listed
    found = _PULL.search(where)
    if not found or not _is_day(found[1]):
        return RawFile("", _modified(path), path)
    hour = _HOUR.search(where)
    return RawFile(f"{found[1]}T{int(hour[1]) if hour else 0:02}", 0.0, path)


def _modified(path: Path) -> float:
    """Infinity for what cannot be looked at: taken for the newest, it is tried, and said, before any other."""
    try:
        return path.stat().st_mtime
    except OSError:
        return math.inf


def _is_day(text: str) -> bool:
    try:
        parse_day(text)
    except ValueError:
        return False
    return True
