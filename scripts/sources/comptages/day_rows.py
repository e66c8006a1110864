"""The lines of a road-count export as rows of one civil day, and those that are rejected.

A row that is whole and about another day is no part of the account; one that is not whole belongs to the day of any
label it holds.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import lru_cache
from itertools import compress, islice
from typing import TypeVar

from lib.common.paris_time import parse_road_label, road_label_hours
from lib.figures.quality import CONTENT_KEPT
from lib.raw.csv_dialect import MAX_ROW_CHARACTERS, split_row
from lib.raw.forms.encoding import UTF8, WINDOWS, Encoding
from lib.raw.limits import DAY_ROWS
from scripts.sources.comptages.export import COLUMNS, REQUIRED

_STAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{5,8}(?:Z|[+-][0-9]{2}:?[0-9]{2})?|[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9:]{5,8}"
)


LABEL = list(COLUMNS).index("t_1h")
BATCH = 500  # lines read together
MOST_TEXTS = 50_000  # ends of lines, and words in them, that are kept for the lines to come
MEASURES = ("debit", "taux_occupation")  # columns of numbers, few of which are equal

Read = TypeVar("Read")


class TooManyRowsError(Exception):
    """An export has more rows about one day than any real one; whoever knows the file says so."""


@dataclass
class DayRows:
    """Rows by their offsets and the texts of COLUMNS, rejected lines as (offset, reason, text), both in file order."""

    offsets: list[int] = field(default_factory=list)
    columns: list[list[str | None]] = field(default_factory=lambda: [[] for _ in COLUMNS])
    rejects: list[tuple[int, str, str]] = field(default_factory=list)
    windows: bool = False  # whether a line was read in Windows-1252

    def add(self, offsets: Sequence[int], columns: Sequence[Sequence[str | None]]) -> None:
        """Add rows; TooManyRowsError when there are more than a day can have: they would fill the memory."""
        self.offsets += offsets
        for mine, more in zip(self.columns, columns, strict=True):
            mine += more
        if len(self.offsets) + len(self.rejects) > DAY_ROWS:
            raise TooManyRowsError

    def extend(self, other: "DayRows") -> None:
        self.rejects += other.rejects
        self.add(other.offsets, other.columns)
        self.windows |= other.windows


def day_rows(
    lines: Iterable[tuple[int, bytes]], day: date, header: list[str], delimiter: str, known: str = UTF8
) -> DayRows:
    """Return the rows whose label closes an hour of the day, names an hour that no clock showed, or cannot be read.

    `known`: the encoding that the export's head showed, empty where it showed none.
    """
    labels = road_label_hours(day)
    concerns: dict[str | None, bool] = {}
    found, encoding = DayRows(), Encoding(known)
    split, waiting = Splitter(header, delimiter, encoding), iter(lines)
    while batch := list(islice(waiting, BATCH)):
        offsets, whole = zip(*batch, strict=True)
        columns: Sequence[Sequence[str | None]] | None = split.columns_of(whole)
        if columns is None:
            read = [(offset, line, *split.line_of(line.rstrip(b"\r"))) for offset, line in batch]
            for offset, line, _, reason in read:
                text = line.rstrip(b"\r").decode("utf-8", errors="replace") if reason else ""
                if any(parse_road_label(stamp) in labels for stamp in _STAMP.findall(text)):
                    found.rejects.append((offset, reason, text[:CONTENT_KEPT]))
            offsets = tuple(offset for offset, _, _, reason in read if not reason)
            columns = [[texts[place] for *_, texts, reason in read if not reason] for place in range(len(COLUMNS))]
        for label in set(columns[LABEL]) - concerns.keys():
            concerns[label] = _concerns(label, labels, day)
        wanted = [concerns[label] for label in columns[LABEL]]
        if not all(wanted):
            offsets, columns = tuple(compress(offsets, wanted)), [list(compress(one, wanted)) for one in columns]
        found.add(offsets, columns)
    found.windows = encoding.name == WINDOWS
    return found


class Splitter:
    """Reads lines into the texts of COLUMNS, None for one that the export lacks; equal words become one object.

    What stands behind the columns that change from hour to hour is the same in all rows of an arc: it is read once.
    """

    def __init__(self, header: list[str], delimiter: str, encoding: Encoding) -> None:
        self.delimiter, self.encoding, self.width = delimiter, encoding, len(header)
        self.changing = 1 + max(header.index(name) for name in REQUIRED)
        self.places = {name: header.index(name) if name in header else len(header) for name in COLUMNS}
        self.behind = [place - self.changing for place in self.places.values() if place >= self.changing]
        self.same: dict[str | None, str | None] = {}
        self.words: dict[bytes, str | None] = {}
        self.ends: dict[bytes, tuple[str | None, ...]] = {}

    def columns_of(self, lines: Sequence[bytes]) -> list[Sequence[str | None]] | None:
        """Return the columns of some lines; None where one of them has to be read as a whole."""
        mark, most = self.delimiter.encode(), self.changing
        parts = [line.split(mark, most) for line in lines]
        if {len(one) for one in parts} != {most + 1} or max(map(len, lines)) > MAX_ROW_CHARACTERS:
            return None
        *columns, ends = zip(*parts, strict=True)
        try:
            behind = zip(*_each_once(self.ends, ends, self.end_of), strict=True)
            return [
                next(behind)
                if place >= most
                else self.numbers_of(columns[place])
                if name in MEASURES
                else _each_once(self.words, columns[place], self.word_of)
                for name, place in self.places.items()
            ]
        except ValueError:
            return None

    def line_of(self, line: bytes) -> tuple[tuple[str | None, ...], str]:
        """Return the texts of one line, or the reason why it has none."""
        fields, reason = fields_of(line, self.delimiter, self.width, self.encoding)
        return (() if reason else self.picked([*fields, None], list(self.places.values()))), reason

    def picked(self, fields: list[str | None], places: list[int]) -> tuple[str | None, ...]:
        return tuple(self.same.setdefault(fields[place], fields[place]) for place in places)

    def end_of(self, end: bytes) -> tuple[str | None, ...]:
        """Read the end of a line; ValueError where that cannot be told of it alone."""
        fields = plain_fields(self.delimiter + self.decoded(end.rstrip(b"\r")), self.delimiter)[1:]
        if self.changing + len(fields) != self.width:
            raise ValueError
        return self.picked([*fields, None], self.behind)

    def word_of(self, written: bytes) -> str | None:
        """Read a field that comes again; ValueError where its line has to be read as a whole."""
        if b'"' in written or b"\r" in written:
            raise ValueError
        text = self.decoded(written)
        return self.same.setdefault(text, text)

    def numbers_of(self, column: Sequence[bytes]) -> list[str]:
        """Read a column of texts, few of which come again; ValueError where a line has to be read as a whole."""
        written = b"\n".join(column)
        if b'"' in written or b"\r" in written:
            raise ValueError
        return self.decoded(written).split("\n")

    def decoded(self, written: bytes) -> str:
        if not self.encoding.name and not written.isascii():
            raise ValueError  # the first line with such a text decides for the file
        return written.decode(UTF8)


def _each_once(known: dict[bytes, Read], written: Sequence[bytes], read: Callable[[bytes], Read]) -> list[Read]:
    """Read each text, equal ones once; `known` keeps MOST_TEXTS of them."""
    if len(known) >= MOST_TEXTS:
        known.clear()
    for text in set(written) - known.keys():
        known[text] = read(text)
    return list(map(known.__getitem__, written))


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


def _concerns(label: str | None, labels: dict[datetime, int], day: date) -> bool:
    moment = None if label is None else parse_road_label(label)
    return moment is None or datetime.combine(day, time()) < moment <= max(labels)
