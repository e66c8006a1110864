"""Where the raw files of each source lie, and which of two wins.

API pulls lie in api/<source>/dt=YYYY-MM-DD/hour=HH/ (or dt=… alone); batch exports in batch/ or a folder below it. The
folder's day is the day of the pull, never the day the records are about; the newest pull wins.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from lib.common.errors import CityflowError, InputError, NoDataError
from lib.common.paris_time import PARIS, parse_day
from lib.common.settings import SYNTHETIC_MARKER, Settings
from lib.common.text import counted
from lib.figures.answers import Origin
from lib.figures.quality import Quality
from lib.raw.contents import first_bytes, readable, unreadable
from lib.raw.forms.streams import member_name, what_it_is
from lib.raw.limits import MOST_FILES
from lib.raw.names import JSON_SUFFIXES, TABLE_SUFFIXES, is_beside_data, is_raw_name, suffix_of
from lib.raw.places import exports_folder, pulls_folder, raw_path, raw_root
from lib.raw.source import Source
from lib.raw.tree import Wanted, files_below, is_file

STRANGERS_SHOWN = 5
RENAME = "Les nommer et les enregistrer comme le dit docs/sources, ou les retirer."

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
        """Whether it is a table and no JSON, by its name; of a .txt or an archive without a known one, by a look."""
        suffix = suffix_of(self.path.name)
        if suffix not in (*JSON_SUFFIXES, *TABLE_SUFFIXES):
            suffix = suffix_of(member_name(self.path)) or suffix
        return suffix in TABLE_SUFFIXES or (suffix not in JSON_SUFFIXES and not _looks_like_json(self.path))

    @property
    def state(self) -> tuple[int, ...]:
        """Its bytes, and when it was last written and last changed (ns): what was read of it holds as long as these do.

        InputError when it cannot be looked at.
        """
        try:
            status = self.path.stat()
        except OSError as error:
            raise unreadable(self.path, error) from error
        return status.st_size, status.st_mtime_ns, status.st_ctime_ns or 0  # S3 knows no change but writing

    @cached_property
    def origin(self) -> Origin:
        """What is known of the pull it belongs to; an export was made when its file was written."""
        known = math.isfinite(self.modified) and not self.pulled
        made = datetime.fromtimestamp(self.modified, PARIS).date() if known else self.pull_day
        return Origin(self.name, str(self.path.parent), (self.pulled, self.modified), made)

    @cached_property
    def name(self) -> str:
        """The file as messages show it: from its dt= folder on."""
        parts = self.path.parts
        start = next((index for index, part in enumerate(parts) if part.startswith("dt=")), len(parts) - 1)
        return "/".join(parts[start:])


def _looks_like_json(path: Path) -> bool:
    try:
        return first_bytes(path, 1000).lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"["))
    except InputError:  # said by whoever reads it
        return False


def source_files(settings: Settings, source: Source, quality: Quality | None = None) -> list[RawFile]:
    """List every raw file of a source, the newest last. Empty when there is none.

    What cannot be looked at is one of them (see lib/raw/tree): reading it says so, and counts it as rejected. Of more
    than MOST_FILES the oldest are left out, and counted as rejected in `quality`.
    """
    if override := _single_file(settings, source):
        return [_named_by_a_setting(override, source)]
    paths = (path for folder, own in _folders(settings, source) for path in files_below(folder, own))
    files = _once(settings, ("files", source.name), lambda: sorted(map(raw_file, paths)))
    if quality and len(files) > MOST_FILES:
        text = f"« {source.name} » a {counted(len(files), 'fichier brut')} : seuls les {MOST_FILES} plus récents "
        text += "sont lus. Ranger les autres hors de DATA_DIR."
        quality.reject("fichiers_en_trop", source.name, 1, text, len(files) - MOST_FILES)
        quality.warn("fichiers_en_trop", "attention", text, mesure=len(files), attendu=MOST_FILES)
    return files[-MOST_FILES:]


def listing(settings: Settings) -> Settings:
    """Make settings under which each listing of raw files is made once: for days that are computed in one go."""
    return replace(settings, listed={})


def _once(settings: Settings, key: tuple[str, ...], make: Callable[[], list[Any]]) -> list[Any]:
    known = {} if settings.listed is None else settings.listed
    if key not in known:
        known[key] = make()
    return known[key]


def _folders(settings: Settings, source: Source) -> Iterator[tuple[Path, Wanted]]:
    """Yield the folders where its raw files are expected, each with how to tell by its name that a file is its own."""
    if source.pulls:
        yield pulls_folder(settings) / source.name, is_raw_name
    if source.export:
        yield exports_folder(settings), lambda name: is_raw_name(name) and source.names_export(name)


def _named_by_a_setting(path: Path, source: Source) -> RawFile:
    try:
        if path.is_file():
            return RawFile("", path.stat().st_mtime, path)
    except OSError as error:
        raise unreadable(path, error) from error
    problem = "n'est pas un fichier" if path.exists() else "n'existe pas"
    raise InputError(f"{path} {problem}.", f"Corriger {source.override.upper()} ou le vider.")


def override_warning(settings: Settings, source: Source) -> str:
    """Say that a setting makes one file stand for a whole source; empty when there is none."""
    single = _single_file(settings, source)
    return (
        f"{source.override.upper()} désigne un seul fichier ({single}) : les autres ne sont pas lus." if single else ""
    )


def _single_file(settings: Settings, source: Source) -> Path | None:
    text = getattr(settings, source.override) if source.override else ""
    return raw_path(settings, text) if text else None


def usual_folder(settings: Settings, source: Source) -> Path:
    """Find where its raw files are expected."""
    return next(_folders(settings, source))[0]


def require_files(settings: Settings, source: Source, quality: Quality, known: Iterable[Source]) -> list[RawFile]:
    """List the raw files as source_files; what lies beside them and no `known` source takes is named in `quality`.

    NoDataError naming the folder looked in when there is none; InputError when there are only some that nobody reads.
    """
    files = source_files(settings, source, quality)
    others = strangers(settings, source, known)
    named = " ; ".join(f"{path} ({what_it_is(path)})" for path in others[:STRANGERS_SHOWN])
    pulls = pulls_folder(settings) / source.name
    own = [path for path in others if source.names_export(path.name) or pulls in path.parents]
    if not files and own:
        raise InputError(f"« {source.name} » n'a que des fichiers illisibles : {named}.", RENAME)
    if not files:
        folder = usual_folder(settings, source)
        text = f"aucun fichier brut pour « {source.name} » dans {folder}."
        way_out = "Vérifier DATA_DIR, ou : make fetch"
        raise NoDataError(text, f"{way_out}. N'y sont pas reconnus : {named}." if named else way_out)
    here = others if _names_for_all(source, known) else own
    if here:
        some = " ; ".join(f"{_shown_place(settings, path)} ({what_it_is(path)})" for path in here[:STRANGERS_SHOWN])
        text = f"Fichiers que rien ne lit ({len(here)}) : {some}. {RENAME}"
        quality.warn("fichiers_non_reconnus", "attention", text, len(here), 0, [path.name for path in here])
    return files


def _names_for_all(source: Source, known: Iterable[Source]) -> bool:
    """Tell whether a source names the strays of batch/ for all: the first with exports alone, so once a day."""
    return source is next((one for one in known if one.export and not one.pulls), source)


def _shown_place(settings: Settings, path: Path) -> str:
    """Write a file's place from batch/ or api/ on: the same words wherever the folders lie."""
    folders = [one for one in (exports_folder(settings), pulls_folder(settings)) if one in path.parents]
    return "/".join(path.parts[len(folders[0].parts) - 1 :]) if folders else str(path)


def strangers(settings: Settings, source: Source, known: Iterable[Source]) -> list[Path]:
    """List what lies where a source's files are expected and no known source takes; not what is another one's."""
    if _single_file(settings, source):
        return []
    exports, others = exports_folder(settings), [one for one in known if one is not source]

    def unread(folder: Path, own: Wanted, name: str) -> bool:
        of_others = folder == exports and any(one.names_export(name) and _is_of_use(one, name) for one in others)
        return not (own(name) or of_others or is_beside_data(name))

    def found() -> list[Path]:
        folders = _folders(settings, source)
        paths = (path for folder, own in folders for path in files_below(folder, partial(unread, folder, own)))
        return sorted(filter(is_file, paths))  # what cannot be looked at is one of source_files

    return _once(settings, ("strangers", source.name, *(one.name for one in others)), found)


def _is_of_use(source: Source, name: str) -> bool:
    """Tell whether a source can read an export of this name; outlines alone (arrondissements) are read from JSON."""
    return source.computed or (is_raw_name(name) and suffix_of(name) not in (*TABLE_SUFFIXES, ".txt"))


def no_data(source: str, day: date, days: Iterable[str] | None, quality: Quality | None = None) -> CityflowError:
    """Build the error of a day without data; it names the days that have some, unless they were not looked for (None).

    Files that could not be read are named: the day may be in these. Without any other it is an InputError, and so it is
    where the day is there and all its rows were rejected.
    """
    known = sorted(days or ())
    if quality and not quality.unusable and (day.isoformat() in known or (quality.rejets and days == set())):
        text = f"aucune donnée « {source} » valable pour le {day} : {dict(quality.rejets)}."
        return InputError(text, "Vérifier les fichiers bruts.")
    lost = f"fichiers illisibles : {quality.unusable_files()}" if quality and quality.unusable else ""
    if lost and days is not None and not known:
        return InputError(f"aucune donnée « {source} » lisible pour le {day} ; {lost}", "Les récupérer à nouveau.")
    nowhere = ", ni pour un autre jour" if days is not None and not known else ""
    way_out = f"Jours présents ({len(known)}) : {shown_days(known)}." if known else "Voir DATA_DIR."
    return NoDataError(
        f"aucune donnée « {source} » pour le {day}{nowhere}.", f"{way_out} {lost[:1].upper()}{lost[1:]}".strip()
    )


def shown_days(known: list[str]) -> str:
    """Write the days, the first and last of them where they are many."""
    return ", ".join(known) if len(known) <= 10 else f"{', '.join(known[:3])} … {', '.join(known[-3:])}"


def is_synthetic(settings: Settings) -> bool:
    """Tell whether the raw tree was invented by make_demo_data.py; InputError where that cannot be seen."""
    with readable(raw_root(settings)):
        return (raw_root(settings) / SYNTHETIC_MARKER).is_file()


def raw_file(path: Path) -> RawFile:
    """Read off the place of a file what it tells of it, whether it is still there or not."""
    where = str(path if path.name.startswith(("dt=", "hour=")) else path.parent)  # a folder that cannot be listed
    found, hour = _PULL.search(where), _HOUR.search(where)
    with suppress(ValueError):
        if found and parse_day(found[1]):
            return RawFile(f"{found[1]}T{int(hour[1]) if hour else 0:02}", 0.0, path)
    return RawFile("", _modified(path), path)


def _modified(path: Path) -> float:
    """Give infinity for what cannot be looked at: taken for the newest, it is tried, and said, before any other."""
    try:
        return path.stat().st_mtime
    except OSError:
        return math.inf
