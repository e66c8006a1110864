"""Tidy tables for a French spreadsheet: one figure a row, UTF-8 with BOM, decimal comma.

Days are as 04/11/2025 and moments as 04/11/2025 08:30; a missing figure is an empty cell.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from lib.figures.quality import spreadsheet_cell

CSV_COLUMNS = ("section", "rang", "identifiant", "libelle", "indicateur", "valeur", "unite")

Row = tuple[Any, ...]  # of CSV_COLUMNS
Shown = Callable[[Any], Any]  # how a label is written
Figure = tuple[str, str, str | None]  # its key in a row of the report, its name in words, its unit

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d)?")


def tidy_csv(rows: Iterable[Row], header: Iterable[str] = CSV_COLUMNS) -> bytes:
    """Write rows below their header."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(map(csv_cell, row) for row in rows)
    return text.getvalue().encode("utf-8-sig")


def csv_cell(value: Any) -> str:
    """Write one value with a decimal comma, and a day or a moment as a French Excel reads it.

    What a spreadsheet would run as a formula is text.
    """
    if isinstance(value, float):
        return repr(int(value) if value.is_integer() else value).replace(".", ",")
    return _text_cell(value) if isinstance(value, str) else spreadsheet_cell(value)


@lru_cache(maxsize=4_000)  # words and units are the same in each row, names on each day
def _text_cell(text: str) -> str:
    if found := _MOMENT.fullmatch(text):
        return f"{datetime.fromisoformat(text):{'%d/%m/%Y %H:%M' if found[1] else '%d/%m/%Y'}}"
    return spreadsheet_cell(text)


def each(
    section: str,
    rows: Iterable[Mapping[str, Any]] | None,
    identifier: str | None,
    label: str | None,
    figures: Sequence[Figure],
    ranked: bool = True,
    shown: Shown = csv_cell,
) -> Iterator[Row]:
    """Write figures of each row of a list, its place as rank; nothing of a missing source.

    identifier, label: keys in the row.
    """
    for rank, row in enumerate(rows or (), start=1):
        named = (row[identifier] if identifier else None, shown(row[label]) if label else None)
        for key, words, unit in figures:
            yield (section, rank if ranked else None, *named, words, row[key], unit)
