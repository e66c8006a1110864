"""Batch exports as tables: CSV in all its dialects, API JSON and GeoJSON, under one set of column names.

A broken line costs itself, never its neighbours: a row is the shortest run of lines whose quotes are balanced and that
has as many fields as the header; a line that starts no such run is rejected alone and reading goes on at the next.
"""

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pandas as pd

from lib.common.errors import InputError
from lib.figures.answers import CUT, Answer
from lib.figures.quality import CONTENT_KEPT, Quality
from lib.raw.contents import lines_of, read_blocks, too_large
from lib.raw.csv_dialect import MAX_ROW_CHARACTERS, Aliases, canonical, read_header, require_columns, split_row
from lib.raw.envelopes import records
from lib.raw.forms.encoding import WINDOWS, Encoding, warn_of_windows
from lib.raw.forms.parquet import Window
from lib.raw.json_records import bodies_of, short_text
from lib.raw.limits import MOST_LINES, TABLE_BYTES, TABLE_ROWS
from lib.raw.source_files import RawFile

MAX_LINES_PER_ROW = 200  # longest run of lines that one quoted text may span
_DATES = ("date", "t_1h", "date_debut", "date_fin")  # columns of our names
_SLASHES = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/[0-9]{4}\b")
UNCLOSED = "guillemet_non_ferme"  # reason of a reject
SHARED = 50_000  # different values of a file that are kept to be shared among its rows


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
    rows: list[list[Any]] = []
    is_csv = raw.is_csv
    lines = _Lines(raw, passed_over, window)
    found = _csv_rows(lines, columns, accounted, quality) if is_csv else _json_rows(raw, columns, quality)
    for row in found:
        if len(rows) == most_rows:
            raise too_large(raw.path, most_rows, "lignes")
        rows.append(row)
    if rows or is_csv:  # an empty API answer is a normal one, and names nothing
        require_columns(raw, columns.named, aliases, required)
    table = pd.DataFrame(rows, columns=[*aliases, "_ligne"], dtype=object)
    if is_csv:
        _refuse_months_first(raw, table)
        answer = Answer(raw.origin, None, len(rows), broken=CUT if lines.is_cut else "")
        quality.answers.add(answer)
        if lines.is_open and rows and lines.last_column in _DATES:
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


def _csv_rows(
    lines: "_Lines", columns: _Columns, accounted: Callable[[bytes], bool], quality: Quality
) -> Iterator[list[Any]]:
    encoding = Encoding()
    delimiter, header = read_header(iter(lines.take, None), encoding)
    for name in header:
        columns.place(name)
    lines.last_column = canonical(header[-1], columns.aliases) if header else ""
    while (first := lines.take()) is not None:
        if not first:
            continue
        number = lines.number
        fields, reason = _row_from(first, lines, delimiter, len(header), encoding)
        if not reason:
            lines.last_row = lines.number
            yield columns.row(number, zip(header, fields, strict=True))
        elif first.strip() and accounted(first):
            quality.reject(reason, lines.raw.name, number, first[:CONTENT_KEPT].decode("utf-8", "replace"))
    if encoding.name == WINDOWS:
        warn_of_windows(quality, lines.raw.name)


class _Lines:
    """The lines of a CSV one after the other, those that were given back once more, and whether it breaks off."""

    def __init__(self, raw: RawFile, passed_over: Callable[[bytes], bool] | None, window: Window | None) -> None:
        self.raw, self.passed_over = raw, passed_over
        self.end = b""  # its last byte
        self.last_line = self.last_row = 0  # numbers of lines: the last that holds text, the last that a row ends on
        self.last_column = ""  # under our name, where it has one
        self.number, self.again = 0, deque[bytes]()
        self.lines = self._read(read_blocks(raw.path, TABLE_BYTES, window=window))

    @property
    def is_open(self) -> bool:
        """Whether the last line has no end."""
        return self.end not in (b"", b"\n")

    @property
    def is_cut(self) -> bool:
        """Whether the last line belongs to no row and has no end, as where a transfer stopped."""
        return self.is_open and self.last_line > self.last_row > 0

    def take(self) -> bytes | None:
        """Return the next line without its end, blank where it is passed over; None after the last."""
        line = self.again.popleft() if self.again else next(self.lines, None)
        self.number += line is not None
        return line

    def give_back(self, lines: list[bytes]) -> None:
        self.again.extendleft(reversed(lines))
        self.number -= len(lines)

    def _read(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for number, line in enumerate(lines_of(map(self._noted, blocks), MAX_ROW_CHARACTERS)):
            if number >= MOST_LINES:
                raise too_large(self.raw.path, MOST_LINES, "lignes")
            if number and self.passed_over and not line.count(b'"') % 2 and self.passed_over(line):
                yield b""
                continue
            if line.strip():
                self.last_line = number + 1
            yield line

    def _noted(self, block: bytes) -> bytes:
        self.end = block[-1:]
        return block


def _row_from(first: bytes, lines: _Lines, delimiter: str, width: int, encoding: Encoding) -> tuple[list[str], str]:
    """Read the fields of the row that begins with a line, or the reason why that line alone is rejected."""
    run, quotes, size = [first], first.count(b'"'), len(first)
    while quotes % 2 and size <= MAX_ROW_CHARACTERS and len(run) < MAX_LINES_PER_ROW:
        line = lines.take()
        if line is None:
            break
        run.append(line)
        quotes, size = quotes + line.count(b'"'), size + len(line)
    fields, reason = _fields(run, size, quotes, delimiter, encoding)
    if not reason and len(fields) != width:
        reason = "champs_en_trop" if len(fields) > width else "champs_manquants"
        reason = UNCLOSED if len(run) > 1 else reason  # the quote that closed the run belongs to another row
    if reason:
        lines.give_back(run[1:])
    return fields, reason


def _fields(run: list[bytes], size: int, quotes: int, delimiter: str, encoding: Encoding) -> tuple[list[str], str]:
    if size > MAX_ROW_CHARACTERS:
        return [], "ligne_trop_longue"
    if quotes % 2:
        return [], UNCLOSED
    try:
        return split_row(encoding.text(b"\n".join(run)), delimiter, strict=len(run) > 1), ""
    except UnicodeDecodeError:
        return [], "encodage_invalide"
