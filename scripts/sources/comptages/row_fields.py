"""The lines of a road-count export split into fields: many at once, or one that is written otherwise alone."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from lib.raw.csv_dialect import MAX_ROW_CHARACTERS, split_row
from lib.raw.forms.encoding import UTF8, Encoding
from scripts.sources.comptages.day_files import Batch, Ints
from scripts.sources.comptages.export import COLUMNS, REQUIRED

MEASURES = ("debit", "taux_occupation")  # columns of numbers, few of which are equal
MOST_TEXTS = 50_000  # words, ends of lines and ends of arcs, each, that are kept for the lines to come
WIDEST = 256  # bytes of a field that is read together with those above and below it
FEW = 50  # lines that are read one by one where they cannot be read together
NEWLINE, RETURN = b"\n\r"

Written = TypeVar("Written")
Read = TypeVar("Read")
Texts = npt.NDArray[np.object_]  # str, or None for a column that the export lacks
Reject = tuple[int, str, bytes]  # offset of a line, the reason why it is no row, the line


class NotTogetherError(Exception):
    """Of some lines one has to be read alone."""


class ReadOnce(dict[Written, Read], Generic[Written, Read]):
    """What each different text says: one that is not known yet is read."""

    def __init__(self, read: Callable[[Written], Read]) -> None:
        self.read = read

    def __missing__(self, written: Written) -> Read:
        self[written] = found = self.read(written)
        return found

    def of(self, texts: Sequence[Written]) -> list[Read]:
        if len(self) >= MOST_TEXTS:
            self.clear()
        return list(map(self.__getitem__, texts))


class Ends:
    """The texts in the ends of lines. An end is that of the arc's last line, as a rule, which is not looked up."""

    def __init__(self, read: Callable[[bytes], tuple[str | None, ...]], columns: int) -> None:
        self.read, self.columns = read, columns
        self._forget()

    def _forget(self) -> None:
        self.known: dict[bytes, int] = {}  # of each end its row in `texts`
        self.last: dict[bytes, tuple[bytes, int]] = {}  # of each arc
        self.texts = np.empty((0, self.columns), dtype=object)
        self.new: list[tuple[str | None, ...]] = []  # rows to be added to `texts`

    def of(self, arcs: Sequence[bytes], ends: Sequence[bytes]) -> Texts:
        """Return a row for each column; an error of `read` where one of the ends has it."""
        if max(len(self.known), len(self.last)) >= MOST_TEXTS:
            self._forget()
        last = map(self.last.get, arcs)
        places = [
            old[1] if old and new == old[0] else self._place(arc, new)
            for arc, new, old in zip(arcs, ends, last, strict=True)
        ]
        if self.new:
            new = np.array(self.new, dtype=object).reshape(len(self.new), self.columns)
            self.texts, self.new = np.concatenate([self.texts, new]), []
        return self.texts[places].T

    def _place(self, arc: bytes, end: bytes) -> int:
        place = self.known.get(end)
        if place is None:
            self.new.append(self.read(end))
            self.known[end] = place = len(self.known)
        self.last[arc] = end, place
        return place


class Splitter:
    """Reads lines into the texts of COLUMNS; equal words become one object.

    What stands behind the columns that change from hour to hour is the same in all rows of an arc: it is read once.
    """

    def __init__(self, header: list[str], delimiter: str, encoding: Encoding) -> None:
        self.delimiter, self.encoding, self.width = delimiter, encoding, len(header)
        self.changing = 1 + max(header.index(name) for name in REQUIRED)
        self.places = {name: header.index(name) if name in header else len(header) for name in COLUMNS}
        self.behind = [place - self.changing for place in self.places.values() if place >= self.changing]
        self.same: dict[str | None, str | None] = {}
        self.words = ReadOnce(self.word_of)
        self.ends = Ends(self.end_of, len(self.behind))

    def pieces_of(self, batch: Batch) -> Iterator[tuple[Ints, list[Texts], list[Reject]]]:
        """Yield the rows of some lines, in their order: offsets, columns, and the lines that are no row."""
        offsets, text = batch
        try:
            columns = self.columns_of(text, len(offsets))
        except NotTogetherError:
            lines = text.split(b"\n")
            if len(lines) <= FEW:
                yield self.one_by_one(offsets, lines)
                return
            for half in (slice(len(lines) // 2), slice(len(lines) // 2, None)):
                yield from self.pieces_of((offsets[half], b"\n".join(lines[half])))
        else:
            yield offsets, columns, []

    def columns_of(self, text: bytes, count: int) -> list[Texts]:
        """Return the columns of so many lines; NotTogetherError where one of them has to be read alone."""
        if b"\0" in text:
            raise NotTogetherError
        buffer = np.frombuffer(b"%b\n%b" % (text, bytes(WIDEST)), dtype=np.uint8)
        marks, ends = np.flatnonzero(buffer == ord(self.delimiter)), np.flatnonzero(buffer == NEWLINE)
        begins = np.concatenate(([0], ends[:-1] + 1))
        cuts = np.searchsorted(marks, begins)[:, None] + np.arange(self.changing)
        if len(ends) != count or (ends - begins).max() > MAX_ROW_CHARACTERS or cuts[-1, -1] >= len(marks):
            raise NotTogetherError
        cuts = marks[cuts]
        if (cuts[:, -1] > ends).any():
            raise NotTogetherError
        head = [_fields(buffer, *edges) for edges in zip((begins, *(cuts.T[:-1] + 1)), cuts.T, strict=True)]
        edges = zip((cuts[:, -1] + 1).tolist(), (ends - (buffer[ends - 1] == RETURN)).tolist(), strict=True)
        tails = [text[begin:end] for begin, end in edges]
        behind = iter(self.ends.of(head[self.places["identifiant_arc"]], tails))
        read = {
            place: self.numbers_of(head[place]) if name in MEASURES else self.words.of(head[place])
            for name, place in self.places.items()
            if place < self.changing
        }
        for place in set(range(self.changing)) - read.keys():
            if b'"' in b"".join(head[place]):
                self.words.of(head[place])
        columns = [read[place] if place in read else next(behind) for place in self.places.values()]
        return [np.asarray(column, dtype=object) for column in columns]

    def one_by_one(self, offsets: Ints, lines: list[bytes]) -> tuple[Ints, list[Texts], list[Reject]]:
        rows, whole, rejects = [], [], []
        for offset, line in zip(offsets.tolist(), lines, strict=True):
            fields, reason = fields_of(line.rstrip(b"\r"), self.delimiter, self.width, self.encoding)
            if reason:
                rejects.append((offset, reason, line))
            else:
                whole.append(offset)
                rows.append(self.picked([*fields, None], list(self.places.values())))
        columns = [np.array([row[place] for row in rows], dtype=object) for place in range(len(COLUMNS))]
        return np.array(whole, dtype=np.int64), columns, rejects

    def picked(self, fields: list[str | None], places: list[int]) -> tuple[str | None, ...]:
        return tuple(self.once(fields[place]) for place in places)

    def once(self, text: str | None) -> str | None:
        """Return the object that is kept of equal texts; a range of days may have any number of different ones."""
        if len(self.same) >= MOST_TEXTS:
            self.same.clear()
        return self.same.setdefault(text, text)

    def end_of(self, end: bytes) -> tuple[str | None, ...]:
        """Read the end of a line; NotTogetherError where that cannot be told of it alone."""
        text = self.decoded(end)
        fields = plain_fields(self.delimiter + text, self.delimiter)[1:]
        if not fields and text.count('"') % 2 == 0:
            fields = split_row(text, self.delimiter)
        if self.changing + len(fields) != self.width:
            raise NotTogetherError
        return self.picked([*fields, None], self.behind)

    def word_of(self, written: bytes) -> str | None:
        """Read a field that comes again; NotTogetherError where its line has to be read alone."""
        bare = written[1:-1] if len(written) > 1 and written.startswith(b'"') and written.endswith(b'"') else written
        if b'"' in bare or b"\r" in bare:
            raise NotTogetherError
        return self.once(self.decoded(bare))

    def numbers_of(self, column: Sequence[bytes]) -> Sequence[str | None]:
        """Read a column of texts, few of which come again; NotTogetherError where a line has to be read alone."""
        written = b"\n".join(column)
        if b'"' in written or b"\r" in written:
            return self.words.of(column)
        return self.decoded(written).split("\n")

    def decoded(self, written: bytes) -> str:
        if not self.encoding.name and not written.isascii():
            raise NotTogetherError  # the first line with such a text decides for the file
        try:
            return written.decode(UTF8)
        except UnicodeDecodeError:
            raise NotTogetherError from None


@lru_cache(maxsize=4)  # the days of a range are in the same few exports, and name the same arcs
def _kept_splitter(header: tuple[str, ...], delimiter: str, encoding: str) -> Splitter:
    return Splitter(list(header), delimiter, Encoding(encoding))


def splitter_for(header: list[str], delimiter: str, encoding: Encoding) -> Splitter:
    """Return what splits the lines of an export; one whose encoding is known keeps what it has read of other days."""
    if encoding.name:
        return _kept_splitter(tuple(header), delimiter, encoding.name)
    return Splitter(header, delimiter, encoding)


def _fields(buffer: npt.NDArray[np.uint8], begins: Ints, ends: Ints) -> list[bytes]:
    """Cut a field out of each line; NotTogetherError where one is wider than WIDEST. No byte of a field is 0."""
    sizes = ends - begins
    width = max(1, int(sizes.max()))
    if width > WIDEST:
        raise NotTogetherError
    windows = np.lib.stride_tricks.sliding_window_view(buffer, width)
    cells = windows[begins]
    cells[np.arange(width) >= sizes[:, None]] = 0
    return cells.view(f"S{width}").ravel().tolist()  # a text of numpy ends where only zeros follow


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
