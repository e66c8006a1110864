"""Bike-counter records out of API pulls and CSV exports: those that may be about a day, as they are written.

Records are dated on several clocks and come again in later pulls, so that every pull is looked at; only those whose
bytes hold a date of the day or of the days just before it are read.
"""

import json
import re
from array import array
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd

from lib.common.errors import InputError
from lib.common.exact_json import json_text
from lib.common.paris_time import PARIS, days_between, parse_instant
from lib.figures.quality import Quality
from lib.raw.csv_dialect import SPLIT_PLACE, Aliases
from lib.raw.envelopes import records
from lib.raw.forms.parquet import Window
from lib.raw.json_records import bodies_of, holds, is_searchable, short_text
from lib.raw.limits import BIKE_ROWS
from lib.raw.source_files import RawFile
from lib.raw.tables import read_table
from lib.raw.usable_files import passed_over

COLUMNS: Aliases = {
    "id_compteur": ("id_compteur", "Identifiant du compteur"),
    "nom_compteur": ("nom_compteur", "Nom du compteur"),
    "comptage": ("sum_counts", "counts", "Comptage horaire"),
    "date": ("date", "Date et heure de comptage"),
    "coordinates": ("coordinates", "Coordonnées géographiques", "geo_point_2d", "geo_shape", "geometry"),
    **SPLIT_PLACE,
}
REQUIRED = ("comptage", "date")
RECENT = timedelta(days=7)  # a counter heard of within this time before the day is expected to count on it

DATE = list(COLUMNS).index("date")
BATCH_RECORDS = 10_000  # that are held as objects
PULLS_KEPT = 64  # short pulls, each of which the days around it ask for
LONGEST_PLACE = 1_000  # characters of an object; that of a point has 40
_NUMBERS = {int, float, bool, type(None)}
_DATED = re.compile(rb'"date"\s*:\s*"[0-9]')  # what a search for a day relies on
CSV_DATE = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}[0-9:.]*(?:Z|[+-][0-9]{2}:?[0-9]{2})?")


@dataclass(frozen=True)
class Batch:
    """Rows of one file: the line of each, and the columns of COLUMNS: equal texts kept once, places as JSON."""

    file: str
    lines: list[int]
    columns: list[list[Any]]


def read_rows(files: list[RawFile], day: date, quality: Quality) -> pd.DataFrame:
    """Read the rows that may be about the day or the week before, oldest pull first: COLUMNS, _fichier and _ligne.

    A CSV that is no count export (the list of the counters, an HTML page) is rejected whole, and alone.
    """
    return _table(_batches(files, day, quality), quality)


def _batches(files: list[RawFile], day: date, quality: Quality) -> Iterator[Batch]:
    around, before = _dates(day, -1, 1), _dates(day, -RECENT.days - 1, -2)  # dates are UTC as a rule, not Paris's
    for raw in files:
        try:
            if raw.is_csv:
                yield _of_csv(raw, day, [*around, *before], quality)
            else:
                yield from _of_json(raw, day, around, before, quality)
        except InputError as error:
            passed_over(raw, error, quality)


def _table(batches: Iterator[Batch], quality: Quality) -> pd.DataFrame:
    """Make a frame of the rows; those beyond BIKE_ROWS are rejected."""
    columns: list[list[Any]] = [[] for _ in COLUMNS]
    numbers, files = array("q"), list[str]()
    for batch in batches:
        room = BIKE_ROWS - len(numbers)
        for *row, line in zip(*(column[room:] for column in batch.columns), batch.lines[room:], strict=True):
            quality.reject("enregistrements_en_trop", batch.file, line, row)
        for column, values in zip(columns, batch.columns, strict=True):
            column += values[:room]
        numbers.extend(batch.lines[:room])
        files += [batch.file] * len(batch.lines[:room])
    if quality.rejets["enregistrements_en_trop"]:
        text = f"Plus de {BIKE_ROWS} relevés pour ce jour et la semaine avant : les suivants ne sont pas comptés."
        quality.warn("enregistrements_en_trop", "attention", text, attendu=BIKE_ROWS)
    table = pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)), dtype=object)
    return table.assign(_fichier=pd.Series(files, dtype=object), _ligne=np.frombuffer(numbers, dtype=np.int64))


def _kept_once(values: list[Any], known: dict[str, str]) -> list[Any]:
    """Make one object of equal texts, and write places as JSON; numbers stay."""
    kinds = set(map(type, values))
    if kinds == {str}:
        return list(map(known.setdefault, values, values))
    return values if kinds <= _NUMBERS else [_one(value, known) for value in values]


def _one(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, str):
        return known.setdefault(value, value)
    if not isinstance(value, dict | list):
        return value
    try:
        shown = json_text(value).decode()
    except ValueError:  # half of a surrogate pair
        shown = repr(value)
    return known.get(shown) or known.setdefault(shown, json.dumps(value)[:LONGEST_PLACE])


def _dates(day: date, first: int, last: int) -> list[bytes]:
    return [one.isoformat().encode() for one in days_between(day + timedelta(first), day + timedelta(last))]


def _of_csv(raw: RawFile, day: date, dates: list[bytes], quality: Quality) -> Batch:
    wanted = set(dates)

    def of_another_day(line: bytes) -> bool:
        found = CSV_DATE.search(line)
        return found is not None and found[0][:10] not in wanted

    def accounted(line: bytes) -> bool:
        found = CSV_DATE.search(line)
        moment = parse_instant(found[0].decode()) if found else None
        return moment is None or moment.astimezone(PARIS).date() == day

    window = Window(COLUMNS["date"], day - RECENT, day)
    table = read_table(raw, COLUMNS, REQUIRED, quality, of_another_day, accounted, window=window)
    *columns, lines = (table.iloc[:, place].tolist() for place in range(table.shape[1]))
    known: dict[str, str] = {}
    return Batch(raw.name, lines, [_kept_once(column, known) for column in columns])


def _of_json(raw: RawFile, day: date, around: list[bytes], before: list[bytes], quality: Quality) -> Iterator[Batch]:
    """Yield the records of a pull that may be about the day; those of the days before, of a pull that is not."""
    data = short_text(raw)
    about_day, lately = _holds(raw, data, around), _holds(raw, data, before)
    if not about_day and not is_searchable(raw, data, _DATED):
        about_day, lately = _may_concern(raw, data, day), True
    if not about_day and not lately:
        return
    account = quality if about_day else Quality()  # what is wrong in another day's pull is said of that day
    batches = _records_of(raw, None, account) if data is None else _at_hand(raw, account)
    if about_day:
        yield from batches
        return
    wanted = {one.decode() for one in before}
    for batch in batches:
        named = [(date_text(value) or "")[:10] in wanted for value in batch.columns[DATE]]
        columns = [list(compress(column, named)) for column in batch.columns]
        yield Batch(raw.name, list(compress(batch.lines, named)), columns)


def _records_of(raw: RawFile, data: bytes | None, account: Quality) -> Iterator[Batch]:
    """Yield the records of a pull, BATCH_RECORDS at a time; InputError once what can be read of it is given."""
    found, lines, known = list[dict[str, Any]](), list[int](), dict[str, str]()
    try:
        for line, body in bodies_of(raw, data, account):
            for number, record in enumerate(records(body), start=line):
                if isinstance(record, dict):
                    found.append(record)
                    lines.append(number)
                else:
                    account.reject("enregistrement_invalide", raw.name, number, record)
            if len(found) >= BATCH_RECORDS:
                yield Batch(raw.name, lines, _columns(found, known))
                found, lines = [], []
    except InputError:
        yield Batch(raw.name, lines, _columns(found, known))
        raise
    yield Batch(raw.name, lines, _columns(found, known))


def _at_hand(raw: RawFile, account: Quality) -> Iterator[Batch]:
    """Yield the records of a short pull, which the days around it have in common."""
    batches, read, error = _short_pull(raw, raw.state)
    account.absorb(read)
    yield from batches
    if error:
        raise copy(error)  # of each day: the one that is kept would keep what every function that it passed has at hand


@lru_cache(maxsize=PULLS_KEPT)
def _short_pull(raw: RawFile, _state: tuple[int, ...]) -> tuple[list[Batch], Quality, InputError | None]:
    """Read one state of a pull: its records, its own account, and what it ends with."""
    account, batches = Quality(), list[Batch]()
    try:
        batches.extend(_records_of(raw, short_text(raw), account))
    except InputError as error:
        return batches, account, error
    return batches, account, None


def _columns(found: list[dict[str, Any]], known: dict[str, str]) -> list[list[Any]]:
    """Take the columns out of records: of each, the first of its names under which there is a value."""
    written = set().union(*found)
    columns = []
    for names in COLUMNS.values():
        first, *others = [name for name in names if name in written] or names
        column = [record.get(first) for record in found]
        for name in others:
            if None in column:
                column = [
                    record.get(name) if value is None else value for value, record in zip(column, found, strict=True)
                ]
        columns.append(_kept_once(column, known))
    return columns


def date_text(value: Any) -> str | None:
    """Read a date as text; pandas writes milliseconds since 1970."""
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else None


def _may_concern(raw: RawFile, data: bytes | None, day: date) -> bool:
    """Whether a pull that no search can decide may be about the day: made after it, and soon where it is cut.

    What is cut and made later is said of the days that its dates name.
    """
    if raw.pull_day is None or timedelta() <= raw.pull_day - day <= RECENT:
        return True
    return raw.pull_day > day and not holds(raw, data, [b'"date":"', b'"date": "'])


def _holds(raw: RawFile, data: bytes | None, dates: list[bytes]) -> bool:
    """Tell whether any of these YYYY-MM-DD stands there; their months are looked for first, which spares most scans."""
    months = list({one[:7] for one in dates})
    return holds(raw, data, months) and holds(raw, data, dates)
