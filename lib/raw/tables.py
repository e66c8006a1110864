"""Batch exports as tables: CSV in all its dialects, API JSON and GeoJSON, under one set of column names.

A broken line costs itself, never its neighbours: a row is the shortest run of lines whose quotes are balanced and that
has as many fields as the header; a line that starts no such run is rejected alone and reading goes on at the next.
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import pandas as pd

from lib.common.errors import InputError
from lib.figures.quality import CONTENT_KEPT, Quality
from lib.raw.contents import read_lines, too_large
from lib.raw.csv_dialect import MAX_ROW_CHARACTERS, Aliases, canonical, detect_delimiter, require_columns, split_row
from lib.raw.json_records import bodies_of, records, short_text
from lib.raw.limits import MOST_LINES, TABLE_BYTES, TABLE_ROWS
from lib.raw.source_files import RawFile

MAX_LINES_PER_ROW = 200  # longest run of lines that one quoted text may span
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
) -> pd.DataFrame:
    """One export as a frame: a column per key of `aliases` (absent ones all None) and `_ligne`, its line in the file.

    Values are as they stand in the file: text from a CSV ('' for a blank), any JSON value from JSON. InputError when a
    `required` column is missing, which is what an HTML page or a wrong file looks like, or when there are more than
    `most_rows`. The lines of a CSV for which `passed_over` is true are not read, unless a quoted text begins or ends
    there; of the broken ones, those for which `accounted` is true are rejected and the others are another account's.
    """
    columns = _Columns(aliases)
    reject = partial(_reject, raw, quality, accounted)
    rows: list[list[Any]] = []
    found = _csv_rows(raw, columns, passed_over, reject) if raw.is_csv else _json_rows(raw, columns, quality)
    for row in found:
        if len(rows) == most_rows:
            raise too_large(raw.path, most_rows, "lignes")
        rows.append(row)
    if rows or raw.is_csv:  # an empty API answer is a normal one, and names nothing
        require_columns(raw, columns.named, aliases, required)
    table = pd.DataFrame(rows, columns=[*aliases, "_ligne"], dtype=object)
    numbers = table.pop("_ligne").astype("int64")
    table = table.where(table.notna(), None)
    table["_ligne"] = numbers
    return table


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
        if name not in self.place_of:
            key = canonical(name, self.aliases)
            self.place_of[name] = None if key in self.named else self.places.get(key)
            self.named[key] = None
        return self.place_of[name]

    def row(self, number: int, values: Iterable[tuple[str, Any]]) -> list[Any]:
        row: list[Any] = [*[None] * len(self.places), number]
        for name, value in values:
            place = self.place(name)
            if place is not None:
                row[place] = self.one(value)
        return row

    def one(self, value: Any) -> Any:
        """The first value that was equal to this one: texts as they are, objects by their JSON."""
        if len(self.same) > SHARED:
            self.same.clear()
        if isinstance(value, str):
            return self.same.setdefault(value, value)
        return self.same.setdefault((json.dumps(value),), value) if isinstance(value, dict | list) else value


def _json_rows(raw: RawFile, columns: _Columns, quality: Quality) -> Iterator[list[Any]]:
    count, rejected_before = 0, quality.rejets.total()
    for line, body in bodies_of(raw, short_text(raw), quality):
        features = body.get("features") if isinstance(body, dict) else None
        for number, record in enumerate(features if isinstance(features, list) else records(body), start=line):
            if not isinstance(record, dict):
                quality.reject("enregistrement_invalide", raw.name, number, record)
                continue
            count += 1
            if isinstance(record.get("properties"), dict):
                record = {**record["properties"], "geo_shape": record.get("geometry")}
            yield columns.row(number, record.items())
    if not count and quality.rejets.total() > rejected_before:
        raise InputError(f"{raw.path} ne contient aucun enregistrement lisible.", "Le récupérer à nouveau.")


def _csv_rows(
    raw: RawFile, columns: _Columns, passed_over: Callable[[bytes], bool] | None, reject: Reject
) -> Iterator[list[Any]]:
    lines = _Lines(_wanted_lines(raw, passed_over))
    first = lines.get(0)
    if first is None:
        return
    header_line = first.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace")
    delimiter = detect_delimiter(header_line)
    header = split_row(header_line, delimiter)
    for name in header:
        columns.place(name)
    lines.drop(1)
    for number, fields in _whole_rows(lines, delimiter, len(header), reject):
        yield columns.row(number, zip(header, fields, strict=True))


def _wanted_lines(raw: RawFile, passed_over: Callable[[bytes], bool] | None) -> Iterator[bytes]:
    """The lines without their ends, blank where they are passed over."""
    for number, line in enumerate(read_lines(raw.path, TABLE_BYTES, MAX_ROW_CHARACTERS)):
        if number >= MOST_LINES:
            raise too_large(raw.path, MOST_LINES, "lignes")
        if number and passed_over and not line.count(b'"') % 2 and passed_over(line):
            yield b""
        else:
            yield line


class _Lines:
    """Lines of which those at hand can be looked at before they are dropped."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self.lines, self.held, self.dropped = lines, deque[bytes](), 0

    def get(self, ahead: int) -> bytes | None:
        """The line so many after the one at hand; None after the last."""
        while len(self.held) <= ahead:
            line = next(self.lines, None)
            if line is None:
                return None
            self.held.append(line)
        return self.held[ahead]

    def drop(self, count: int) -> None:
        for _ in range(count):
            self.held.popleft()
        self.dropped += count


def _reject(
    raw: RawFile, quality: Quality, accounted: Callable[[bytes], bool], reason: str, at: int, line: bytes
) -> None:
    if line.strip() and accounted(line):
        quality.reject(reason, raw.name, at, line[:CONTENT_KEPT].decode("utf-8", errors="replace"))


def _whole_rows(lines: _Lines, delimiter: str, width: int, reject: Reject) -> Iterator[tuple[int, list[str]]]:
    while (line := lines.get(0)) is not None:
        if not line:
            lines.drop(1)
            continue
        number = lines.dropped + 1
        span, fields, reason = _row_at(lines, delimiter, width)
        if reason:
            reject(reason, number, line)
        lines.drop(span)
        if not reason:
            yield number, fields


def _row_at(lines: _Lines, delimiter: str, width: int) -> tuple[int, list[str], str]:
    """How many lines the row at hand takes, its fields, and the reason why it is rejected (then one line)."""
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
        fields = split_row(b"\n".join(run).decode("utf-8"), delimiter, strict=len(run) > 1)
    except UnicodeDecodeError:
        return 1, [], "encodage_invalide"
    if len(fields) == width:
        return len(run), fields, ""
    if len(run) > 1:  # the quote that closed the run belongs to another row
        return 1, [], "guillemet_non_ferme"
    return 1, [], "champs_en_trop" if len(fields) > width else "champs_manquants"
