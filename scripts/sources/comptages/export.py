"""A road-count export before its rows are read: dialect, columns, encoding, clock, size.

The size is the one at opening: of a file that grows meanwhile, the lines begun before then are read, no later one.
"""

import io
import re
import zlib
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import BinaryIO

from lib.common.errors import InputError
from lib.raw.contents import unreadable
from lib.raw.csv_dialect import SPLIT_PLACE, Aliases, canonical, read_header, require_columns, split_row
from lib.raw.forms.encoding import UTF8, Encoding
from lib.raw.forms.parquet import Window
from lib.raw.forms.streams import is_plain, opened
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
SAMPLE_ROWS = 20  # rows of it that show whether its stamps can be read
LONGEST_HEADER = 1_000_000  # bytes

_FRENCH_STAMP = re.compile(rb"([0-9]{2})/([0-9]{2})/[0-9]{4} [0-9]{2}:[0-9]{2}")  # as Excel writes it in France
_STAMP = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?"
_READABLE = re.compile(r"\s*(?:[0-9]{4}-|[0-9]{1,2}/)")  # the beginning of a stamp that may be one of the two
_SLASHED = re.compile(rb"[0-9]{1,4}[/.][0-9]{1,2}[/.][0-9]{1,4}[ T][0-9:]+( [AP]M)?")
_NEAR_OFFSET = re.compile(_STAMP + rb"(?:Z|\+0[012]:?00)?(?![0-9:+Z-])")


@dataclass(frozen=True)
class Export:
    """One CSV export. Offsets are those of its plain bytes; one that is zipped or recoded does not tell its size."""

    raw: RawFile
    header: list[str]  # our column names where there is one, the export's otherwise
    delimiter: str
    first: int  # offset of the first row
    size: int | None
    near: bool  # no offset in its stamps, or one of 0 to 2 hours
    french: bool = False  # whether its stamps are DD/MM/YYYY HH:MM
    encoding: str = UTF8  # what its first line that is not ASCII is in; empty where none was met

    def open(self, days: tuple[date, ...]) -> BinaryIO:
        """Return the plain bytes; of a Parquet those about the days, and without days those of the stamps alone."""
        if self.size is not None:
            return self.raw.path.open("rb", buffering=0)
        return _open(self.raw, Window(("t_1h", *COLUMNS["t_1h"]), *((min(days), max(days)) if days else ())))

    def needles(self, days: tuple[date, ...]) -> Needles:
        """Return what the lines of these days are found by."""
        return needles_for(days, self.near, self.french)


def open_export(raw: RawFile) -> Export:
    """Read the header of a CSV export; InputError when it holds no road counts, or cannot be read."""
    try:
        with _open(raw) as stream:
            head = stream.read(LONGEST_HEADER)
            size = raw.path.stat().st_size if is_plain(stream) else None
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(raw.path, error) from error
    encoding = Encoding()
    lines = io.BytesIO(head)
    delimiter, names = read_header(lines, encoding)
    header = [canonical(name, COLUMNS) for name in names]
    require_columns(raw, header, COLUMNS, REQUIRED)
    first, sample = lines.tell(), lines.read(SAMPLE)
    if len(sample) == SAMPLE:
        sample = sample[: sample.rfind(b"\n") + 1]  # a stamp that is cut would pass for one of another clock
    for line in [] if encoding.name else sample.split(b"\n")[:-1]:
        with suppress(UnicodeDecodeError):
            encoding.text(line)
    found = replace(raw, path=raw.path.absolute())  # a worker has a working directory of its own
    _require_stamps(raw, header, delimiter, sample)
    near, french = _keeps_near_clock(sample), _is_french(raw, sample)
    return Export(found, header, delimiter, first, size, near or french, french, encoding.name)


def _require_stamps(raw: RawFile, header: list[str], delimiter: str, sample: bytes) -> None:
    """Raise InputError where the first rows have stamps of no form that is read: a search would find no day there."""
    place = header.index("t_1h")
    lines = sample.decode("utf-8", errors="replace").splitlines()[:SAMPLE_ROWS]
    rows = [fields for line in lines if len(fields := split_row(line, delimiter)) == len(header)]
    stamps = [fields[place] for fields in rows if fields[place].strip()]
    if stamps and not any(map(_READABLE.match, stamps)):
        raise _unreadable_stamps(raw, stamps[0])


def _unreadable_stamps(raw: RawFile, stamp: str) -> InputError:
    text = f"{raw.path} a des dates qui ne se lisent pas (« {stamp} »)."
    return InputError(text, "Les écrire AAAA-MM-JJTHH:MM ou JJ/MM/AAAA HH:MM.")


def _is_french(raw: RawFile, sample: bytes) -> bool:
    """Tell whether the stamps are DD/MM/YYYY HH:MM; InputError where they can only be month first."""
    if re.search(_STAMP, sample):
        return False
    found = _FRENCH_STAMP.findall(sample)
    if any(int(month) > 12 for _, month in found):
        text = f"{raw.path} a des dates écrites mois/jour/année : elles seraient mal lues."
        raise InputError(text, "L'enregistrer avec des dates AAAA-MM-JJ ou JJ/MM/AAAA.")
    if not found and (strange := _SLASHED.search(sample)):
        raise _unreadable_stamps(raw, strange[0].decode("ascii", "replace"))
    return bool(found)


def _open(raw: RawFile, window: Window | None = None) -> BinaryIO:
    return opened(raw.path, buffering=0, window=window)


def _keeps_near_clock(sample: bytes) -> bool:
    near = len(_NEAR_OFFSET.findall(sample))
    return near > 0 and near >= len(re.findall(_STAMP, sample))
