"""The lines of a road-count export that may be about a day, found by the day's text and not by reading every row.

The export is not sorted by day and holds hundreds of them; a day is one row in four hundred.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from lib.paris_time import parse_road_label
from lib.raw_files import RawFile, read_bytes
from lib.raw_tables import detect_delimiter, split_row

_STAMP = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?"
_LABEL = re.compile(_STAMP + rb"(?:Z|[+-][0-9]{2}:?[0-9]{2})?")
_NEAR_OFFSET = re.compile(_STAMP + rb"(?:Z|\+0[012]:?00)?(?![0-9:+Z-])")
_CLOSED_HOUR = timedelta(hours=1)  # a label is the end of the hour it is about: D+1 00:00 belongs to D


@dataclass(frozen=True)
class DayLines:
    """Header fields, separator, and the candidate lines in file order, each with its offset in the unzipped bytes."""

    header: list[str]
    delimiter: str
    lines: list[tuple[int, bytes]]


def scan_day(raw: RawFile, day: date) -> DayLines:
    """The header of one export and every line that may carry a label of the civil day."""
    data = read_bytes(raw.path)
    start = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    end = data.find(b"\n")
    end = len(data) if end < 0 else end
    header = data[start:end].decode("utf-8", errors="replace").rstrip("\r")
    delimiter = detect_delimiter(header)
    return DayLines(split_row(header, delimiter), delimiter, list(_candidates(data, end + 1, day)))


def days_named(raw: RawFile) -> set[str]:
    """The civil days (YYYY-MM-DD) of the file's labels: what a message offers when a day has no row."""
    walls = {parse_road_label(label.decode()) for label in set(_LABEL.findall(read_bytes(raw.path)))}
    return {(wall - _CLOSED_HOUR).date().isoformat() for wall in walls if wall}


def _candidates(data: bytes, first: int, day: date) -> Iterator[tuple[int, bytes]]:
    position = first
    for found in re.compile(_needles(data[first : first + 100_000], day)).finditer(data, first):
        if found.start() < position:
            continue  # a second match in a line already taken
        begin = data.rfind(b"\n", first, found.start()) + 1 or first
        end = data.find(b"\n", found.start())
        end = len(data) if end < 0 else end
        yield begin, data[begin:end].rstrip(b"\r")
        position = end


def _needles(sample: bytes, day: date) -> bytes:
    """A pattern for the texts a label of the day can begin with.

    On a Paris clock the day is D, but its last label is D+1 00:00; in UTC it begins at D-1 22:00 or 23:00. An export
    in any other offset may name the neighbouring days at any hour.
    """
    before, after = ((day + timedelta(days=shift)).isoformat() for shift in (-1, 1))
    if _NEAR_OFFSET.search(sample) and len(_NEAR_OFFSET.findall(sample)) >= len(re.findall(_STAMP, sample)):
        return f"{day}|{after}[T ]00:|{before}[T ]2[23]:".encode()
    return f"{before}|{day}|{after}".encode()
