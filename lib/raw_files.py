"""Where the raw files of each source lie, and in which order they are believed.

API pulls lie in api/<source>/dt=YYYY-MM-DD/hour=HH/ (or dt=… alone); batch exports in batch/. The folder's day is the
day of the pull, never the day the records are about; the newest pull wins.
"""

import contextlib
import gzip
import heapq
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO, cast

from lib.errors import InputError, NoDataError, TooLargeError
from lib.paris_time import parse_day
from lib.quality import Quality
from lib.raw_limits import JSON_BYTES, MEGABYTE, MOST_FILES
from lib.settings import Settings

API_SOURCES = ("bikes", "traffic", "weather")
BATCH_PREFIXES = {
    "bikes": "comptage-velo-donnees-compteurs",
    "comptages": "comptages-routiers-permanents",
    "chantiers": "chantiers-perturbants-la-circulation",
    "referentiel": "referentiel-geographique-pour-les-donnees-trafic-issues-des-capteurs-permanents",
    "arrondissements": "arrondissements",
}
SOURCES = ("bikes", "traffic", "weather", "comptages", "chantiers", "referentiel")
BESIDE = {  # what the scripts read besides their own source
    "bikes": ("arrondissements",),
    "comptages": ("referentiel", "arrondissements"),
    "chantiers": ("referentiel", "arrondissements"),
    "referentiel": ("arrondissements",),
}
SUFFIXES = (".json", ".jsonl", ".csv", ".geojson")
SYNTHETIC_MARKER = "LISEZMOI.txt"  # make_demo_data.py leaves it at the root of the tree it invents

BLOCK = 1 << 20  # bytes read at once
MOST_ZIPPED = 1_032  # bytes that one byte of deflate can stand for

_PULL = re.compile(r"dt=([0-9]{4}-[0-9]{2}-[0-9]{2})")
_HOUR = re.compile(r"hour=([0-9]{1,2})")


@dataclass(frozen=True, order=True)
class RawFile:
    """One raw file; files sort from the oldest pull to the newest, so that the last one read wins."""

    pulled: str  # YYYY-MM-DDTHH, or empty for a file outside any dt= folder
    modified: float  # only compared between batch exports, which carry no pull day
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


def source_files(settings: Settings, source: str, quality: Quality | None = None) -> list[RawFile]:
    """Every raw file of a source, the most believable last. Empty when there is none.

    Of more than MOST_FILES the oldest are left out, and counted as rejected in `quality`.
    """
    if override := _single_file(settings, source):
        if not override.is_file():
            raise InputError(f"{override} n'existe pas.", f"Corriger {source.upper()}_CSV ou le vider.")
        return [RawFile("", override.stat().st_mtime, override)]
    files = Counted(_raw_file(path) for path in _paths(settings, source) if _is_raw(path))
    kept = heapq.nlargest(MOST_FILES, files)[::-1]
    if quality and files.count > len(kept):
        _tell_left_out(source, files.count, quality)
    return kept


def _paths(settings: Settings, source: str) -> Iterator[Path]:
    if source in API_SOURCES:
        yield from (settings.api_dir / source).rglob("*")
    if source in BATCH_PREFIXES:
        yield from settings.batch_dir.glob(f"{BATCH_PREFIXES[source]}*")


def _tell_left_out(source: str, count: int, quality: Quality) -> None:
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


def override_warning(settings: Settings, source: str) -> str:
    """What to say of a setting that makes one file stand for a whole source; empty when there is none."""
    single = _single_file(settings, source)
    return f"{source.upper()}_CSV désigne un seul fichier ({single}) : les autres ne sont pas lus." if single else ""


def _single_file(settings: Settings, source: str) -> Path | None:
    singles = {
        "comptages": settings.comptages_csv,
        "chantiers": settings.chantiers_csv,
        "referentiel": settings.referentiel_csv,
    }
    return singles.get(source)


def paths_read(settings: Settings, source: str) -> list[Path]:
    """Every raw file that the figures of a source may come from; those that a setting names in vain are left out."""
    paths: list[Path] = []
    for one in (source, *BESIDE.get(source, ())):
        with contextlib.suppress(InputError):
            paths += [raw.path for raw in source_files(settings, one)]
    return paths


def require_files(settings: Settings, source: str, quality: Quality | None = None) -> list[RawFile]:
    """As source_files, but NoDataError naming the folder looked in when there is none."""
    files = source_files(settings, source, quality)
    if not files:
        folder = settings.api_dir / source if source in API_SOURCES else settings.batch_dir
        raise NoDataError(f"aucun fichier brut pour « {source} » dans {folder}.", "Vérifier DATA_DIR, ou : make fetch")
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


def read_bytes(path: Path, limit: int = JSON_BYTES) -> bytes:
    """The file's bytes, unzipped when it ends in .gz. InputError when it cannot be read or is larger than `limit`."""
    check_size(path, limit)
    with readable(path):
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data


def check_size(path: Path, limit: int) -> None:
    """InputError when the file has more than `limit` bytes, unzipped; a gzipped one is unzipped to know, and let go."""
    with readable(path):
        size = path.stat().st_size
        if path.suffix == ".gz" and size <= limit < size * MOST_ZIPPED:
            with opened(path) as stream:
                size = sum(len(block) for block in _blocks_up_to(stream, limit))
    if size > limit:
        raise too_large(path, limit)


def _blocks_up_to(stream: BinaryIO, limit: int) -> Iterator[bytes]:
    """The blocks of a stream, one more than are needed to pass the limit."""
    size = 0
    while size <= limit and (block := stream.read(BLOCK)):
        size += len(block)
        yield block


def read_blocks(path: Path, limit: int, overlap: int = 0) -> Iterator[bytes]:
    """The file's bytes, unzipped when it ends in .gz, in pieces of about 1 MB of which each begins with the last
    `overlap` bytes of the one before. InputError as read_bytes, once `limit` is passed."""
    size, tail = 0, b""
    with readable(path), opened(path) as stream:
        while block := stream.read(BLOCK):
            size += len(block)
            if size > limit:
                raise too_large(path, limit)
            yield tail + block
            tail = block[-overlap:] if overlap else b""


def read_lines(path: Path, limit: int, longest: int) -> Iterator[bytes]:
    """The file's lines without their ends, unzipped when it ends in .gz. InputError as read_blocks.

    Of a line of more than `longest` bytes only the beginning is given, still too long to be one.
    """
    rest = b""
    for block in read_blocks(path, limit):
        lines = (rest + block).split(b"\n") if len(rest) <= longest else _after_cut(rest, block)
        rest = lines.pop()
        yield from (line.removesuffix(b"\r") for line in lines)
    if rest:
        yield rest


def _after_cut(begun: bytes, block: bytes) -> list[bytes]:
    """The lines of a block of which the first belongs to one already too long."""
    _, newline, after = block.partition(b"\n")
    return [begun, *after.split(b"\n")] if newline else [begun]


def is_synthetic(settings: Settings) -> bool:
    """Whether the raw tree was invented by make_demo_data.py."""
    return (settings.data_dir / SYNTHETIC_MARKER).is_file()


def opened(path: Path, buffering: int = -1) -> BinaryIO:
    """The file's bytes, unzipped when it ends in .gz."""
    if path.suffix != ".gz":
        return path.open("rb", buffering=buffering)
    return cast(BinaryIO, gzip.GzipFile(fileobj=path.open("rb")))


def too_large(path: Path, limit: int, what: str = "") -> TooLargeError:
    """The error of a file that passes a limit (lib/raw_limits): of bytes, or of `what`."""
    passed = f"{limit} {what}" if what else f"{limit // MEGABYTE} Mo (décompressé)"
    return TooLargeError(
        f"{path} dépasse {passed}, bien plus qu'un fichier réel : il n'est pas lu.",
        "Le récupérer à nouveau, ou le retirer.",
    )


@contextmanager
def readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} est illisible ({error}).", "Le récupérer à nouveau.") from error


def _is_raw(path: Path) -> bool:
    name = path.name.removesuffix(".gz")
    return not name.startswith(".") and name.endswith(SUFFIXES) and path.is_file()


def _raw_file(path: Path) -> RawFile:
    found = _PULL.search(str(path.parent))
    if not found or not _is_day(found[1]):
        return RawFile("", path.stat().st_mtime, path)
    hour = _HOUR.search(str(path.parent))
    return RawFile(f"{found[1]}T{int(hour[1]) if hour else 0:02}", 0.0, path)


def _is_day(text: str) -> bool:
    try:
        parse_day(text)
    except ValueError:
        return False
    return True
