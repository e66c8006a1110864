"""A road-count export before its rows are read: dialect, columns, clock, size. Needs no pandas: workers import it.

The size is the one at opening: of a file that grows meanwhile, the lines begun before then are read, no later one.
"""

import re
import zlib
from dataclasses import dataclass, replace
from datetime import date
from typing import BinaryIO

from lib.raw.contents import opened, unreadable
from lib.raw.csv_dialect import SPLIT_PLACE, Aliases, canonical, detect_delimiter, require_columns, split_row
from lib.raw.source_files import RawFile
from scripts.sources.comptages.day_lines import Needles, needles_for

COLUMNS: Aliases = {
    "identifiant_arc": ("Identifiant arc", "iu_ac"),
    "libelle": ("Libelle",),
    "t_1h": ("Date et heure de comptage",),
    "debit": ("Débit horaire", "q"),
    "taux_occupation": ("Taux d'occupation", "k"),
    "geo_point_2d": ("geo_point_2d",),
    "geo_shape": ("geo_shape",),
    **SPLIT_PLACE,
}
REQUIRED = ("identifiant_arc", "t_1h", "debit", "taux_occupation")
SAMPLE = 100_000  # bytes of rows that show which clock an export keeps
LONGEST_HEADER = 1_000_000  # bytes

_STAMP = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?"
_NEAR_OFFSET = re.compile(_STAMP + rb"(?:Z|\+0[012]:?00)?(?![0-9:+Z-])")


@dataclass(frozen=True)
class Export:
    """One CSV export. Offsets are those of the unzipped bytes; a gzipped one does not tell its size."""

    raw: RawFile
    header: list[str]  # our column names where there is one, the export's otherwise
    delimiter: str
    first: int  # offset of the first row
    size: int | None
    near: bool  # no offset in its stamps, or one of 0 to 2 hours

    def open(self) -> BinaryIO:
        """Return the unzipped bytes."""
        return _open(self.raw)

    def needles(self, days: tuple[date, ...]) -> Needles:
        """Return what the lines of these days are found by."""
        return needles_for(days, self.near)


def open_export(raw: RawFile) -> Export:
    """Read the header of a CSV export; InputError when it holds no road counts, or cannot be read."""
    try:
        with _open(raw) as stream:
            head = stream.read(LONGEST_HEADER)
        size = None if _is_gzipped(raw) else raw.path.stat().st_size
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(raw.path, error) from error
    start = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    end = head.find(b"\n")
    end = len(head) if end < 0 else end
    text = head[start:end].decode("utf-8", errors="replace").rstrip("\r")
    delimiter = detect_delimiter(text)
    header = [canonical(name, COLUMNS) for name in split_row(text, delimiter)]
    require_columns(raw, header, COLUMNS, REQUIRED)
    first = end + 1
    found = replace(raw, path=raw.path.absolute())  # a worker has a working directory of its own
    return Export(found, header, delimiter, first, size, _keeps_near_clock(head[first : first + SAMPLE]))


def _open(raw: RawFile) -> BinaryIO:
    return opened(raw.path, buffering=0)


def _is_gzipped(raw: RawFile) -> bool:
    return raw.path.suffix == ".gz"


def _keeps_near_clock(sample: bytes) -> bool:
    near = len(_NEAR_OFFSET.findall(sample))
    return near > 0 and near >= len(re.findall(_STAMP, sample))
