"""Bike-counter records out of API pulls and CSV exports: those that may be about a day, as they are written.

Records are dated on several clocks and come again in later pulls, so that every pull is looked at; only those whose
bytes hold a date of the day or of the days just before it are read.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from stringzilla import find

from lib.common.errors import InputError
from lib.common.paris_time import day_in_paris, days_between
from lib.figures.quality import Quality
from lib.raw.csv_dialect import SPLIT_PLACE, Aliases
from lib.raw.envelopes import records
from lib.raw.forms.parquet import Window
from lib.raw.json_records import bodies_of, holds, is_searchable, pieces_of, short_text
from lib.raw.limits import BIKE_ROWS
from lib.raw.source_files import RawFile
from lib.raw.tables import read_table
from lib.raw.usable_files import Reading, passed_over
from scripts.sources.bikes.columns import Column

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

BATCH_RECORDS = 10_000  # that are held as objects
PULLS_KEPT = 64  # short pulls, each of which the days around it ask for
LOOKS_KEPT = 8_192  # of a few hundred bytes: two months of hourly pulls, each looked at for three of them
LONGEST_DATE = len("YYYY-MM-DD")
_DATED = re.compile(rb'"date"\s*:\s*"[0-9]')  # what a search for a day relies on
CSV_DATE = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}[0-9:.]*(?:Z|[+-][0-9]{2}:?[0-9]{2})?")


@dataclass(frozen=True)
class Rows:
    """Rows of one file or of several: the columns of COLUMNS, places as JSON; the file and the line of each row."""

    columns: dict[str, Column]
    file: Column
    line: npt.NDArray[Any]

    def chosen(self, rows: slice | npt.NDArray[Any]) -> "Rows":
        columns = {name: column.rows(rows) for name, column in self.columns.items()}
        return Rows(columns, self.file.rows(rows), self.line[rows])

    def frame(self) -> pd.DataFrame:
        """Write the rows out: COLUMNS, _fichier and _ligne."""
        columns = {name: column.cells() for name, column in self.columns.items()}
        return pd.DataFrame({**columns, "_fichier": self.file.cells()}, dtype=object).assign(_ligne=self.line)


def read_rows(files: list[RawFile], day: date, quality: Quality) -> Rows:
    """Read the rows that may be about the day or the week before, oldest pull first.

    A CSV that is no count export (the list of the counters, an HTML page) is rejected whole, and alone. Rows beyond
    BIKE_ROWS are rejected.
    """
    kept, room = list[Rows](), BIKE_ROWS
    for rows in _batches(files, day, quality):
        if len(rows.line) > room:
            beyond = rows.chosen(slice(room, None))
            for *cells, line in zip(
                *(one.cells() for one in beyond.columns.values()), beyond.line.tolist(), strict=True
            ):
                quality.reject("enregistrements_en_trop", beyond.file.values[0], line, cells)
        kept.append(rows.chosen(slice(room)))
        room -= len(kept[-1].line)
    if quality.rejets["enregistrements_en_trop"]:
        text = f"Plus de {BIKE_ROWS} relevés pour ce jour et la semaine avant : les suivants ne sont pas comptés."
        quality.warn("enregistrements_en_trop", "attention", text, attendu=BIKE_ROWS)
    return Rows(
        {name: Column.joined(rows.columns[name] for rows in kept) for name in COLUMNS},
        Column.joined(rows.file for rows in kept),
        np.concatenate([np.empty(0, dtype=np.int64), *(rows.line for rows in kept)]),
    )


def _batches(files: list[RawFile], day: date, quality: Quality) -> Iterator[Rows]:
    # Dates are UTC as a rule, not Paris's.
    around = list(days_between(day - timedelta(1), day + timedelta(1)))
    before = list(days_between(day - RECENT - timedelta(1), day - timedelta(2)))
    for raw in files:
        try:
            if raw.is_csv:
                yield _of_csv(raw, day, [*around, *before], quality)
            else:
                yield from _of_json(raw, day, around, before, quality)
        except InputError as error:
            passed_over(raw, error, quality)


def _rows(raw: RawFile, lines: Sequence[int], columns: Iterable[Sequence[Any]]) -> Rows:
    """Make rows of one file of their cells, in the order of COLUMNS."""
    kept = dict(zip(COLUMNS, map(Column.of, columns), strict=True))
    return Rows(kept, Column.of([raw.name] * len(lines)), np.array(lines, dtype=np.uint32))


def _of_csv(raw: RawFile, day: date, days: list[date], quality: Quality) -> Rows:
    wanted = {one.isoformat().encode() for one in days}

    def of_another_day(line: bytes) -> bool:
        found = CSV_DATE.search(line)
        return found is not None and found[0][:10] not in wanted

    def accounted(line: bytes) -> bool:
        found = CSV_DATE.search(line)
        return found is None or day_in_paris(found[0].decode()) in (None, day)

    window = Window(COLUMNS["date"], day - RECENT, day)
    table = read_table(raw, COLUMNS, REQUIRED, quality, of_another_day, accounted, window=window)
    *columns, lines = (table.iloc[:, place].tolist() for place in range(table.shape[1]))
    return _rows(raw, lines, columns)


def _of_json(raw: RawFile, day: date, around: list[date], before: list[date], quality: Quality) -> Iterator[Rows]:
    """Yield the records of a pull that may be about the day; those of the days before, of a pull that is not."""
    state = raw.state
    looks = [_look(raw, state, month) for month in {f"{one:%Y-%m-}".encode() for one in (before[0], around[-1])}]
    found = set[bytes]().union(*(one.days for one in looks))
    about_day, lately = (any(one.isoformat().encode() in found for one in days) for days in (around, before))
    if not about_day and not looks[0].searchable:
        about_day, lately = _may_concern(raw, day), True
    if not about_day and not lately:
        return
    account = quality if about_day else Quality()  # what is wrong in another day's pull is said of that day
    batches = _short_pull(raw, state).said_of(account) if looks[0].short else _records_of(raw, None, account)
    if about_day:
        yield from batches
        return
    wanted = {one.isoformat() for one in before}
    for rows in batches:
        yield rows.chosen(rows.columns["date"].that(lambda value: (date_text(value) or "")[:10] in wanted))


class Look(NamedTuple):
    """What a search finds in a pull: the days of a month that stand there as YYYY-MM-DD.

    searchable: whether what is not found is not there; short: whether the pull is read at once.
    """

    days: set[bytes]
    searchable: bool
    short: bool


@lru_cache(maxsize=LOOKS_KEPT)
def _look(raw: RawFile, _state: tuple[int, ...], month: bytes) -> Look:
    """Search one state of a pull for a month, written YYYY-MM-."""
    data, days = short_text(raw), set[bytes]()
    for piece in pieces_of(raw, data, LONGEST_DATE):
        if find(piece, month) >= 0:
            days.update(day for ten in _longer(piece, month, 4) for day in _longer(piece, ten, 10))
    return Look(days, is_searchable(raw, data, _DATED), data is not None)


def _longer(text: bytes, beginning: bytes, digits: int) -> list[bytes]:
    """Find which of the first digits follow a beginning anywhere: so many scans take less time than to cut the text."""
    return [longer for digit in range(digits) if find(text, longer := beginning + b"%d" % digit) >= 0]


def _records_of(raw: RawFile, data: bytes | None, account: Quality) -> Iterator[Rows]:
    """Yield the records of a pull, BATCH_RECORDS at a time; InputError once what can be read of it is given."""
    found, lines = list[dict[str, Any]](), list[int]()
    try:
        for line, body in bodies_of(raw, data, account):
            for number, record in enumerate(records(body), start=line):
                if isinstance(record, dict):
                    found.append(record)
                    lines.append(number)
                else:
                    account.reject("enregistrement_invalide", raw.name, number, record)
            if len(found) >= BATCH_RECORDS:
                yield _rows(raw, lines, _columns(found))
                found, lines = [], []
    except InputError:
        yield _rows(raw, lines, _columns(found))
        raise
    yield _rows(raw, lines, _columns(found))


@lru_cache(maxsize=PULLS_KEPT)
def _short_pull(raw: RawFile, _state: tuple[int, ...]) -> Reading[Rows]:
    """Read one state of a short pull, which the days around it have in common."""
    found = Reading[Rows]()
    try:
        found.parts.extend(_records_of(raw, short_text(raw), found.account))
    except InputError as error:
        found.error = error.with_traceback(None)
    return found


def _columns(found: list[dict[str, Any]]) -> Iterator[list[Any]]:
    """Take the columns out of records: of each, the first of its names under which there is a value."""
    written = set().union(*found)
    for names in COLUMNS.values():
        first, *others = [name for name in names if name in written] or names[:1]
        column = [record.get(first) for record in found]
        for name in others:
            if None in column:
                column = [
                    record.get(name) if value is None else value for value, record in zip(column, found, strict=True)
                ]
        yield column


def date_text(value: Any) -> str | None:
    """Read a date as text; pandas writes milliseconds since 1970."""
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else None


def _may_concern(raw: RawFile, day: date) -> bool:
    """Whether a pull that no search can decide may be about the day: made after it, and soon where it is cut.

    What is cut and made later is said of the days that its dates name.
    """
    if raw.pull_day is None or timedelta() <= raw.pull_day - day <= RECENT:
        return True
    return raw.pull_day > day and not holds(raw, short_text(raw), [b'"date":"', b'"date": "'])
