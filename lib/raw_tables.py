"""Batch exports as tables: CSV in all its dialects, API JSON and GeoJSON, under one set of column names.

A broken line costs itself, never its neighbours: a row is the shortest run of lines whose quotes are balanced and that
has as many fields as the header; a line that starts no such run is rejected alone and reading goes on at the next.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pandas as pd

from lib.csv_dialect import MAX_ROW_CHARACTERS, Aliases, canonical, detect_delimiter, require_columns, split_row
from lib.errors import InputError
from lib.quality import Quality
from lib.raw_files import RawFile, read_bytes, read_lines
from lib.raw_json import parse_bodies, records

MAX_LINES_PER_ROW = 200  # longest run of lines that one quoted text may span


def read_table(
    raw: RawFile,
    aliases: Aliases,
    required: tuple[str, ...],
    quality: Quality,
    passed_over: Callable[[bytes], bool] | None = None,
    accounted: Callable[[bytes], bool] = lambda line: True,
) -> pd.DataFrame:
    """One export as a frame: a column per key of `aliases` (absent ones all None) and `_ligne`, its line in the file.

    Values are as they stand in the file: text from a CSV ('' for a blank), any JSON value from JSON. InputError when a
    `required` column is missing, which is what an HTML page or a wrong file looks like. The lines of a CSV for which
    `passed_over` is true are not read, unless a quoted text begins or ends there; of the broken ones, those for which
    `accounted` is true are rejected and the others are another account's.
    """
    names, rows = _csv_rows(raw, quality, passed_over, accounted) if raw.is_csv else _json_rows(raw, quality)
    table = pd.DataFrame([row for _, row in rows], columns=names, dtype=object)
    table.columns = pd.Index([canonical(name, aliases) for name in names])
    if rows or raw.is_csv:  # an empty API answer is a normal one, and names nothing
        require_columns(raw, table.columns, aliases, required)
    table = table.loc[:, ~table.columns.duplicated()].reindex(columns=list(aliases))
    table = table.where(table.notna(), None)
    table["_ligne"] = [number for number, _ in rows]
    return table


Rows = list[tuple[int, dict[str, Any]]]  # (line or record number, values by column)


def _json_rows(raw: RawFile, quality: Quality) -> tuple[list[str], Rows]:
    rows: Rows = []
    rejected_before = quality.rejets.total()
    for line, body in parse_bodies(read_bytes(raw.path), raw, quality):
        features = body.get("features") if isinstance(body, dict) else None
        for number, record in enumerate(features if isinstance(features, list) else records(body), start=line):
            if not isinstance(record, dict):
                quality.reject("enregistrement_invalide", raw.name, number, record)
            elif isinstance(record.get("properties"), dict):
                rows.append((number, {**record["properties"], "geo_shape": record.get("geometry")}))
            else:
                rows.append((number, record))
    if not rows and quality.rejets.total() > rejected_before:
        raise InputError(f"{raw.path} ne contient aucun enregistrement lisible.", "Le récupérer à nouveau.")
    return list(dict.fromkeys(name for _, row in rows for name in row)), rows


def _csv_rows(
    raw: RawFile, quality: Quality, passed_over: Callable[[bytes], bool] | None, accounted: Callable[[bytes], bool]
) -> tuple[list[str], Rows]:
    lines = list(_wanted_lines(raw, passed_over))
    if not lines:
        return [], []
    header_line = lines[0].removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace")
    delimiter = detect_delimiter(header_line)
    header = split_row(header_line, delimiter)
    whole = _whole_rows(lines, delimiter, len(header), partial(_reject, raw, quality, accounted))
    rows = [(number, dict(zip(header, fields, strict=True))) for number, fields in whole]
    return list(dict.fromkeys(header)), rows


def _wanted_lines(raw: RawFile, passed_over: Callable[[bytes], bool] | None) -> Iterator[bytes]:
    """The lines without their ends, blank where they are passed over."""
    for number, line in enumerate(read_lines(raw.path)):
        if number and passed_over and not line.count(b'"') % 2 and passed_over(line):
            yield b""
        else:
            yield line[:-2] if line.endswith(b"\r\n") else line.removesuffix(b"\n")


def _reject(
    raw: RawFile, quality: Quality, accounted: Callable[[bytes], bool], reason: str, at: int, line: bytes
) -> None:
    if line.strip() and accounted(line):
        quality.reject(reason, raw.name, at, line.decode("utf-8", errors="replace"))


def _whole_rows(
    lines: list[bytes], delimiter: str, width: int, reject: Callable[[str, int, bytes], None]
) -> Iterator[tuple[int, list[str]]]:
    index = 1
    while index < len(lines):
        if not lines[index]:
            index += 1
            continue
        span, fields, reason = _row_at(lines, index, delimiter, width)
        if not reason:
            yield index + 1, fields
        else:
            reject(reason, index + 1, lines[index])
        index += span


def _row_at(lines: list[bytes], index: int, delimiter: str, width: int) -> tuple[int, list[str], str]:
    """How many lines the row at `index` takes, its fields, and the reason why it is rejected (then one line)."""
    quotes, size = 0, 0
    for span in range(1, min(MAX_LINES_PER_ROW, len(lines) - index) + 1):
        quotes += lines[index + span - 1].count(b'"')
        size += len(lines[index + span - 1])
        if size > MAX_ROW_CHARACTERS:
            return 1, [], "ligne_trop_longue"
        if quotes % 2 == 0:
            break
    else:
        return 1, [], "guillemet_non_ferme"
    try:
        fields = split_row(b"\n".join(lines[index : index + span]).decode("utf-8"), delimiter, strict=span > 1)
    except UnicodeDecodeError:
        return 1, [], "encodage_invalide"
    if len(fields) == width:
        return span, fields, ""
    if span > 1:  # the quote that closed the run belongs to another row
        return 1, [], "guillemet_non_ferme"
    return 1, [], "champs_en_trop" if len(fields) > width else "champs_manquants"
