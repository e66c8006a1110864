"""Bike-counter records of a day as valid measurements, out of API pulls and CSV exports.

Records are dated on several clocks and come again in later pulls, so that every pull is looked at; only those whose
bytes hold a date of the day or of the days just before it are read.
"""

import contextlib
import json
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import compress, islice
from typing import Any

import numpy as np
import pandas as pd

from lib.common.errors import InputError
from lib.common.paris_time import HOUR, PARIS, day_start, days_between, hours_in_day, parse_instant
from lib.figures.quality import Quality
from lib.figures.raw_rows import newest, without_rejects
from lib.figures.written_places import join_places, read_places
from lib.raw.contents import read_blocks
from lib.raw.csv_dialect import SPLIT_PLACE, Aliases, point_decimals
from lib.raw.envelopes import records
from lib.raw.forms.parquet import Window
from lib.raw.json_records import LONGEST_DATE, bodies_of, holds, is_searchable, short_text
from lib.raw.limits import BIKE_ROWS, MOST_LABELS, TABLE_BYTES
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
MAX_COUNT = 5_000.0  # passages/h of one direction; the busiest counters of Paris stay below 2 500
RECENT = timedelta(days=7)  # a counter heard of within this time before the day is expected to count on it

DATE = list(COLUMNS).index("date")
BATCH_RECORDS = 10_000  # that are held as objects
PULLS_KEPT = 64  # short pulls, each of which the days around it ask for
LONGEST_PLACE = 1_000  # characters of an object; that of a point has 40
_NUMBERS = {int, float, bool, type(None)}
_BEYOND = 10**9  # passages; far above MAX_COUNT
_DATED = re.compile(rb'"date"\s*:\s*"[0-9]')  # what a search for a day relies on
_CSV_DATE = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}[0-9:.]*(?:Z|[+-][0-9]{2}:?[0-9]{2})?")
# Every form that is read: in JSON also as a number, and escaped inside a text; in a CSV also as Excel writes it.
_ANY_JSON_DATE = re.compile(rb'"date\\?"\s*:\s*(?:\\?")?([^",}\\]{10,40})')
_ANY_CSV_DATE = re.compile(_CSV_DATE.pattern + rb"|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4} [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?")


@dataclass(frozen=True)
class Batch:
    """Rows of one file: the line of each, and the columns of COLUMNS: equal texts kept once, places as JSON."""

    file: str
    lines: list[int]
    columns: list[list[Any]]


@dataclass(frozen=True)
class BikeRecords:
    """What the pulls say of a day.

    counts: one row per counter and hour: id_compteur, instant (UTC, start of the hour), comptage (passages, NaN where
    null). counters: one row per id_compteur counting that day or in the week before: nom_compteur, lon, lat (degrees).
    """

    counts: pd.DataFrame
    counters: pd.DataFrame


def read_day_records(files: list[RawFile], day: date, quality: Quality) -> BikeRecords:
    """Read the pulls, oldest first; invalid rows of the day are rejected, the newest pull wins."""
    table = join_places(_table(_batches(files, day, quality), quality), "coordinates")
    texts = pd.Series(map(_date_text, table["date"]), table.index, dtype=object)
    table["instant"] = pd.to_datetime(
        texts.map({text: parse_instant(text) for text in texts.dropna().unique()}), utc=True
    )
    table["id_compteur"] = _identity(table)
    start = pd.Timestamp(day_start(day))
    end = start + hours_in_day(day) * HOUR
    about_day = table["instant"].between(start, end, "left") | table["instant"].isna()
    valid = _valid(table[about_day], quality)
    quality.answers.of_day.update(valid["_fichier"])
    counts = newest(valid, ["id_compteur", "instant"], ["comptage"], quality)[["id_compteur", "instant", "comptage"]]
    lately = table[table["instant"].between(start - RECENT, end, "left") & table["id_compteur"].notna()]
    return BikeRecords(counts, _counters(lately, quality))


def days_present(files: list[RawFile]) -> set[str]:
    """List every civil day (YYYY-MM-DD) that a record is dated of: a message offers them when a day has nothing."""
    found: set[bytes] = set()
    for raw in files:
        with contextlib.suppress(InputError):  # said where the day was read
            for text in read_blocks(raw.path, TABLE_BYTES, LONGEST_DATE, Window(COLUMNS["date"])):
                dates = (_ANY_CSV_DATE if raw.is_csv else _ANY_JSON_DATE).findall(text)
                found.update(islice(dates, MOST_LABELS - len(found)))
    moments = map(parse_instant, (text.decode(errors="replace") for text in found))
    return {moment.astimezone(PARIS).date().isoformat() for moment in moments if moment}


def _batches(files: list[RawFile], day: date, quality: Quality) -> Iterator[Batch]:
    """Yield raw values, the columns in the order of COLUMNS, and the file and the lines they come from.

    A CSV that is no count export (the list of the counters, an HTML page) is rejected whole, and alone.
    """
    around, before = _dates(day, -1, 1), _dates(day, -RECENT.days - 1, -2)  # dates are UTC as a rule, not Paris's
    for raw in files:
        try:
            yield from (
                _of_csv(raw, day, [*around, *before], quality)
                if raw.is_csv
                else _of_json(raw, day, around, before, quality)
            )
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
    shown = repr(value)
    return known.get(shown) or known.setdefault(shown, json.dumps(value)[:LONGEST_PLACE])


def _dates(day: date, first: int, last: int) -> list[bytes]:
    return [one.isoformat().encode() for one in days_between(day + timedelta(first), day + timedelta(last))]


def _of_csv(raw: RawFile, day: date, dates: list[bytes], quality: Quality) -> Iterator[Batch]:
    wanted = set(dates)

    def of_another_day(line: bytes) -> bool:
        found = _CSV_DATE.search(line)
        return found is not None and found[0][:10] not in wanted

    def accounted(line: bytes) -> bool:
        found = _CSV_DATE.search(line)
        moment = parse_instant(found[0].decode()) if found else None
        return moment is None or moment.astimezone(PARIS).date() == day

    window = Window(COLUMNS["date"], day - RECENT, day)
    table = read_table(raw, COLUMNS, REQUIRED, quality, of_another_day, accounted, window=window)
    *columns, lines = (table.iloc[:, place].tolist() for place in range(table.shape[1]))
    known: dict[str, str] = {}
    yield Batch(raw.name, lines, [_kept_once(column, known) for column in columns])


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
        named = [(_date_text(value) or "")[:10] in wanted for value in batch.columns[DATE]]
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
        raise error


@lru_cache(maxsize=PULLS_KEPT)
def _short_pull(raw: RawFile, _state: tuple[int, int]) -> tuple[list[Batch], Quality, InputError | None]:
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


def _date_text(value: Any) -> str | None:
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


def _identity(table: pd.DataFrame) -> pd.Series:
    """Find the id of each record's counter; without one, that of the only counter of its name, else the name itself."""
    ids, names = _text(table["id_compteur"]), _text(table["nom_compteur"])
    pairs = pd.DataFrame({"id": ids, "name": names}).dropna().drop_duplicates()
    by_name = pairs.groupby("name")["id"].agg(["nunique", "first"])
    unique = by_name.loc[by_name["nunique"] == 1, "first"]
    return ids.fillna(names.map(unique)).fillna(names)


def _text(values: pd.Series) -> pd.Series:
    """Trim the texts, NaN where there is none."""
    known = {value: value.strip() or np.nan for value in set(values) if type(value) is str}
    rest = [known[value] if type(value) is str else np.nan if pd.isna(value) else str(value) for value in values]
    return pd.Series(rest, values.index, dtype=object)


def _valid(rows: pd.DataFrame, quality: Quality) -> pd.DataFrame:
    """Keep the rows that can be counted, `comptage` as a number; the others are rejected under their first reason."""
    texts = list({value for value in rows["comptage"] if isinstance(value, str)})
    written = dict(zip(texts, point_decimals(texts), strict=True))
    scalars = [written[value] if isinstance(value, str) else _scalar(value) for value in rows["comptage"]]
    number = pd.to_numeric(pd.Series(scalars, rows.index, dtype=object), errors="coerce").astype(float)
    unread = ~np.isfinite(number)
    unread[unread] = np.array([_is_value(value) for value in rows.loc[unread, "comptage"]], dtype=bool)
    reasons = {
        "date_illisible": rows["instant"].isna(),
        "identifiant_absent": rows["id_compteur"].isna(),
        "comptage_non_numerique": unread,
        "comptage_negatif": number < 0,
        "comptage_impossible": number > MAX_COUNT,
        "comptage_fractionnaire": np.isfinite(number) & (number != np.floor(number)),  # « 1.002 » may mean 1002
        "heure_non_ronde": rows["instant"].notna() & (rows["instant"] != rows["instant"].dt.floor("h")),
    }
    faulty = (reasons["comptage_negatif"] | reasons["comptage_impossible"]) & np.isfinite(number)
    quality.sensors_at_fault |= set(rows.loc[faulty, "id_compteur"].dropna())
    kept = without_rejects(rows, reasons, ("id_compteur", "nom_compteur", "date", "comptage"), quality)
    return rows.assign(comptage=number).loc[kept.index]


def _scalar(value: Any) -> Any:
    """Keep a number; a whole one too long for a float is cut to one that is impossible as well."""
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-_BEYOND, min(value, _BEYOND))
    return value if isinstance(value, float) else None


def _is_value(value: Any) -> bool:
    """Tell whether something is written there: a null or a blank is "not measured", the rest must be a number."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def _counters(rows: pd.DataFrame, quality: Quality) -> pd.DataFrame:
    """Find the last known name and place of each counter."""
    counters = rows.assign(nom_compteur=_text(rows["nom_compteur"])).groupby("id_compteur")[["nom_compteur"]].last()
    return counters.join(read_places(rows.set_index("id_compteur")["coordinates"], quality, "compteurs"))
