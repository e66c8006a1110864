"""Batch exports as tables: CSV in all its dialects, API JSON and GeoJSON, under one set of column names.

A broken line costs itself, never its neighbours: a row is the shortest run of lines whose quotes are balanced and that
has as many fields as the header; a line that starts no such run is rejected alone and reading goes on at the next.
"""

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import pandas as pd

from lib.common.errors import InputError
from lib.figures.answers import CUT, Answer
from lib.figures.quality import CONTENT_KEPT, Quality
from lib.raw.contents import lines_of, read_blocks, too_large
from lib.raw.csv_dialect import (
    MAX_ROW_CHARACTERS,
    Aliases,
    canonical,
    detect_delimiter,
    header_names,
    require_columns,
    said_delimiter,
    split_row,
)
from lib.raw.envelopes import records
from lib.raw.forms.encoding import WARNING, WINDOWS, Encoding
from lib.raw.forms.parquet import Window
from lib.raw.json_records import bodies_of, short_text
from lib.raw.limits import MOST_LINES, TABLE_BYTES, TABLE_ROWS
from lib.raw.source_files import RawFile

MAX_LINES_PER_ROW = 200  # longest run of lines that one quoted text may span
_DATES = ("date", "t_1h", "date_debut", "date_fin")  # columns of our names
_SLASHES = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/[0-9]{4}\b")
SHARED = 50_000  # different values of a file that are kept to be shared among its rows

Reject = Callable[[str, int, bytes], None]  # reason, line number, line


def read_table(
    raw: RawFile,
    aliases: Aliases,
    required: tuple[str, ...],
    quality: Quality,
    passed_over: Callable[[bytes], bool] | None = None,
    accounted: Callable[[bytes], bool] = lambda line: True,
    most_rows: int = TABLE_ROWS,
    window: Window | None = None,
) -> pd.DataFrame:
    """Read one export as a frame: a column per key of `aliases` (absent ones all None), and `_ligne`, its line there.

    Values are as they stand in the file: text from a CSV ('' for a blank), any JSON value from JSON. InputError when a
    `required` column is missing, which is what a wrong file looks like, when there are more than `most_rows`, or when
    dates are written month first. The lines of a CSV for which `passed_over` is true are not read, unless a quoted text
    begins or ends there, nor are rows of a Parquet outside `window`; of the broken ones, those for which `accounted` is
    true are rejected and the others are another account's.
    """
    columns = _Columns(aliases)
    reject = partial(_reject, raw, quality, accounted)
    rows: list[list[Any]] = []
    is_csv = raw.is_csv
    text = _Text(raw, passed_over, window)
    found = _csv_rows(text, columns, reject, quality) if is_csv else _json_rows(raw, columns, quality)
    for row in found:
        if len(rows) == most_rows:
            raise too_large(raw.path, most_rows, "lignes")
        rows.append(row)
    if rows or is_csv:  # an empty API answer is a normal one, and names nothing
        require_columns(raw, columns.named, aliases, required)
    table = pd.DataFrame(rows, columns=[*aliases, "_ligne"], dtype=object)
    if is_csv:
        _refuse_months_first(raw, table)
        answer = Answer(raw.origin, None, len(rows), broken=CUT if text.is_cut else "")
        quality.answers.add(answer)
        if text.is_open and rows and text.last_column in _DATES:
            quality.answers.open_ends[raw.name, rows[-1][-1]] = answer
    numbers = table.pop("_ligne").astype("int64")
    table = table.where(table.notna(), None)
    table["_ligne"] = numbers
    return table


def _refuse_months_first(raw: RawFile, table: pd.DataFrame) -> None:
    """Raise InputError where a date can only be month first: the others would be read as other days."""
    for name in table:
        for value in table[name].unique() if name in _DATES else ():
            found = _SLASHES.match(value) if isinstance(value, str) else None
            if found and int(found[1]) <= 12 < int(found[2]) <= 31:
                text = f"{raw.path} a des dates écrites mois/jour/année (« {value} ») : elles seraient mal lues."
                raise InputError(text, "L'enregistrer avec des dates AAAA-MM-JJ ou JJ/MM/AAAA.")


class _Columns:
    """Which place of a row each column of a file goes to; of two columns for one place, the first in the file counts.

    Equal values become one object: a file repeats its labels and shapes in every row.
    """

    def __init__(self, aliases: Aliases) -> None:
        self.aliases = aliases
        self.places = {key: place for place, key in enumerate(aliases)}
        self.place_of: dict[str, int | None] = {}  # by the name that the file gives
        self.named: dict[str, None] = {}  # the columns met, under our names where there is one
        self.same: dict[Any, Any] = {}

    def place(self, name: str) -> int | None:
        """Find the place of a column; None where it has none."""
        if name not in self.place_of:
            key = canonical(name, self.aliases)
            self.place_of[name] = None if key in self.named else self.places.get(key)
            self.named[key] = None
        return self.place_of[name]

    def row(self, number: int, values: Iterable[tuple[str, Any]]) -> list[Any]:
        """Make a row of a line's names and values, its number last."""
        row: list[Any] = [*[None] * len(self.places), number]
        for name, value in values:
            place = self.place(name)
            if place is not None:
                row[place] = self.one(value)
        return row

    def one(self, value: Any) -> Any:
        """Give the first value that was equal to this one: texts as they are, objects by their JSON."""
        if len(self.same) > SHARED:
            self.same.clear()
        if isinstance(value, str):
            return self.same.setdefault(value, value)
        return self.same.setdefault((json.dumps(value),), value) if isinstance(value, dict | list) else value


def _json_rows(raw: RawFile, columns: _Columns, quality: Quality) -> Iterator[list[Any]]:
    count, rejected_before = 0, quality.rejets.total()
    for line, body in bodies_of(raw, short_text(raw), quality):
        for number, record in enumerate(records(body), start=line):
            if not isinstance(record, dict):
                quality.reject("enregistrement_invalide", raw.name, number, record)
                continue
            count += 1
            yield columns.row(number, record.items())
    if not count and quality.rejets.total() > rejected_before:
        raise InputError(f"{raw.path} ne contient aucun enregistrement lisible.", "Le récupérer à nouveau.")


def _csv_rows(text: "_Text", columns: _Columns, reject: Reject, quality: Quality) -> Iterator[list[Any]]:
    lines, encoding = _Lines(text.lines()), Encoding()
    delimiter = said_delimiter(_header_line(lines, encoding))
    if delimiter:
        lines.drop(1)
    line = _header_line(lines, encoding)
    delimiter = delimiter or detect_delimiter(line)
    header = header_names(line, delimiter)
    for name in header:
        columns.place(name)
    text.last_column = canonical(header[-1], columns.aliases) if header else ""
    if lines.get(0) is not None:
        lines.drop(1)
    for number, fields in _whole_rows(lines, delimiter, len(header), reject, encoding):
        text.last_row = lines.dropped
        yield columns.row(number, zip(header, fields, strict=True))
    if encoding.name == WINDOWS:
        quality.warn("encodage_windows", "information", WARNING, exemples=[text.raw.name])


def _header_line(lines: "_Lines", encoding: Encoding) -> str:
    line = (lines.get(0) or b"").removeprefix(b"\xef\xbb\xbf")
    try:
        return encoding.text(line)
    except UnicodeDecodeError:
        return line.decode("utf-8", "replace")


class _Text:
    """The lines of a CSV on their way, and whether it breaks off in its last one."""

    def __init__(self, raw: RawFile, passed_over: Callable[[bytes], bool] | None, window: Window | None) -> None:
        self.raw, self.passed_over, self.window = raw, passed_over, window
        self.end = b""  # its last byte
        self.last_line = self.last_row = 0  # numbers of lines: the last that holds text, the last that a row ends on
        self.last_column = ""  # under our name, where it has one

    @property
    def is_open(self) -> bool:
        """Whether the last line has no end."""
        return self.end not in (b"", b"\n")

    @property
    def is_cut(self) -> bool:
        """Whether the last line belongs to no row and has no end, as where a transfer stopped."""
        return self.is_open and self.last_line > self.last_row > 0

    def lines(self) -> Iterator[bytes]:
        """Yield the lines without their ends, blank where they are passed over."""
        for number, line in enumerate(lines_of(self._blocks(), MAX_ROW_CHARACTERS)):
            if number >= MOST_LINES:
                raise too_large(self.raw.path, MOST_LINES, "lignes")
            if number and self.passed_over and not line.count(b'"') % 2 and self.passed_over(line):
                yield b""
                continue
            if line.strip():
                self.last_line = number + 1
            yield line

    def _blocks(self) -> Iterator[bytes]:
        for block in read_blocks(self.raw.path, TABLE_BYTES, window=self.window):
            self.end = block[-1:]
            yield block


class _Lines:
    """Lines of which those at hand can be looked at before they are dropped."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self.lines, self.held, self.dropped = lines, deque[bytes](), 0

    def get(self, ahead: int) -> bytes | None:
        """Look at the line so many after the one at hand; None after the last."""
        while len(self.held) <= ahead:
            line = next(self.lines, None)
            if line is None:
                return None
            self.held.append(line)
        return self.held[ahead]

    def drop(self, count: int) -> None:
        """Leave so many lines behind."""
        for _ in range(count):
            self.held.popleft()
        self.dropped += count


def _reject(
    raw: RawFile, quality: Quality, accounted: Callable[[bytes], bool], reason: str, at: int, line: bytes
) -> None:
    if line.strip() and accounted(line):
        quality.reject(reason, raw.name, at, line[:CONTENT_KEPT].decode("utf-8", errors="replace"))


def _whole_rows(
    lines: _Lines, delimiter: str, width: int, reject: Reject, encoding: Encoding
) -> Iterator[tuple[int, list[str]]]:
    while (line := lines.get(0)) is not None:
        if not line:
            lines.drop(1)
            continue
        number = lines.dropped + 1
        span, fields, reason = _row_at(lines, delimiter, width, encoding)
        if reason:
            reject(reason, number, line)
        lines.drop(span)
        if not reason:
            yield number, fields


def _row_at(lines: _Lines, delimiter: str, width: int, encoding: Encoding) -> tuple[int, list[str], str]:
    """Find how many lines the row at hand takes, its fields, and the reason why it is rejected (then one line)."""
    quotes, size = 0, 0
    run: list[bytes] = []
    while not run or quotes % 2:
        line = lines.get(len(run)) if len(run) < MAX_LINES_PER_ROW else None
        if line is None:
            return 1, [], "guillemet_non_ferme"
        run.append(line)
        quotes += line.count(b'"')
        size += len(line)
        if size > MAX_ROW_CHARACTERS:
            return 1, [], "ligne_trop_longue"
    try:
        fields = split_row(encoding.text(b"\n".join(run)), delimiter, strict=len(run) > 1)
    except UnicodeDecodeError:
        return 1, [], "encodage_invalide"
    if len(fields) == width:
        return len(run), fields, ""
    if len(run) > 1:  # the quote that closed the run belongs to another row
        return 1, [], "guillemet_non_ferme"
    return 1, [], "champs_en_trop" if len(fields) > width else "champs_manquants"
