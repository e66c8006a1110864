"""The lines of a road-count export as rows of one civil day, and those that are rejected.

Needs no pandas: workers import it.

A row that is whole and about another day is no part of the account; one that is not whole belongs to the day of any
label it holds.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import lru_cache
from operator import itemgetter

from lib.common.paris_time import parse_road_label, road_label_hours
from lib.figures.quality import CONTENT_KEPT
from lib.raw.csv_dialect import MAX_ROW_CHARACTERS, split_row
from lib.raw.forms.encoding import UTF8, WINDOWS, Encoding
from lib.raw.limits import DAY_ROWS
from scripts.sources.comptages.export import COLUMNS

_STAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{5,8}(?:Z|[+-][0-9]{2}:?[0-9]{2})?|[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9:]{5,8}"
)


class TooManyRowsError(Exception):
    """An export has more rows about one day than any real one; whoever knows the file says so."""


@dataclass
class DayRows:
    """Rows as (offset, the texts of COLUMNS), rejected lines as (offset, reason, text), both in file order."""

    rows: list[tuple[int | str | None, ...]] = field(default_factory=list)
    rejects: list[tuple[int, str, str]] = field(default_factory=list)
    windows: bool = False  # whether a line was read in Windows-1252

    def extend(self, other: "DayRows") -> None:
        self.rows += other.rows
        self.rejects += other.rejects
        self.windows |= other.windows
        self.check_room()

    def check_room(self) -> None:
        """TooManyRowsError when there are more than a day can have: they would fill the memory."""
        if len(self.rows) + len(self.rejects) > DAY_ROWS:
            raise TooManyRowsError


def day_rows(
    lines: Iterable[tuple[int, bytes]], day: date, header: list[str], delimiter: str, known: str = UTF8
) -> DayRows:
    """Return the rows whose label closes an hour of the day, names an hour that no clock showed, or cannot be read.

    `known`: the encoding that the export's head showed, empty where it showed none.
    """
    labels = road_label_hours(day)
    pick = itemgetter(*(header.index(name) if name in header else len(header) for name in COLUMNS))
    concerns: dict[str, bool] = {}
    same: dict[str | None, str | None] = {}  # equal texts become one object: small to send, quick to compare
    one = same.setdefault
    found, encoding = DayRows(), Encoding(known)
    for offset, ended in lines:
        line = ended.rstrip(b"\r")
        fields, reason = fields_of(line, delimiter, len(header), encoding)
        if reason:
            text = line.decode("utf-8", errors="replace")
            if any(parse_road_label(stamp) in labels for stamp in _STAMP.findall(text)):
                found.rejects.append((offset, reason, text[:CONTENT_KEPT]))
                found.check_room()
            continue
        arc, libelle, label, flow, rate, point, shape, *split = pick([*fields, None])  # None: a column it lacks
        if label not in concerns:
            concerns[label] = _concerns(label, labels, day)
        if concerns[label]:
            arc, libelle, label = one(arc, arc), one(libelle, libelle), one(label, label)
            found.rows.append((offset, arc, libelle, label, flow, rate, one(point, point), one(shape, shape), *split))
            if len(found.rows) > DAY_ROWS:
                found.check_room()
    found.windows = encoding.name == WINDOWS
    return found


def fields_of(line: bytes, delimiter: str, width: int, encoding: Encoding) -> tuple[list[str], str]:
    """Return the fields of a line, or the reason why it has none; fields are only read from a line that is whole."""
    if len(line) > MAX_ROW_CHARACTERS:
        return [], "ligne_trop_longue"
    try:
        text = encoding.text(line)
    except UnicodeDecodeError:
        return [], "encodage_invalide"
    fields = plain_fields(text, delimiter)
    if not fields and text.count('"') % 2 == 0:
        fields = split_row(text, delimiter)
    if len(fields) == width:
        return fields, ""
    if not fields:
        return [], "guillemet_non_ferme"
    return [], "champs_en_trop" if len(fields) > width else "champs_manquants"


def plain_fields(text: str, delimiter: str) -> list[str]:
    """Split a line of which no field but the last is quoted, as the csv module does, only faster; [] for any other."""
    head, quote, tail = text.partition('"')
    if not text or "\r" in text:
        return []
    if not quote:
        return text.split(delimiter)
    last = _unquoted(tail)
    return [] if last is None or not head.endswith(delimiter) else [*head[:-1].split(delimiter), last]


@lru_cache(maxsize=20_000)  # an arc has the same geometry in all its rows
def _unquoted(tail: str) -> str | None:
    """Read a quoted field that ends its line, from after its opening quote; None where it does not end there."""
    inside = tail.removesuffix('"')
    text = inside.replace('""', '"')
    return text if inside != tail and 2 * text.count('"') == inside.count('"') else None


def _concerns(label: str, labels: dict[datetime, int], day: date) -> bool:
    moment = parse_road_label(label)
    return moment is None or datetime.combine(day, time()) < moment <= max(labels)
