"""Bike-counter records of a day as valid measurements (sources/bikes/pulls finds the rows that may be about it)."""

import contextlib
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.common.errors import InputError
from lib.common.paris_time import HOUR, day_in_paris, day_start, hours_in_day, parse_instant
from lib.common.text import storable
from lib.figures.quality import Quality
from lib.figures.raw_rows import newest, without_rejects
from lib.figures.written_places import is_written, join_places, read_places
from lib.raw.contents import read_blocks
from lib.raw.csv_dialect import SPLIT_PLACE, point_decimals
from lib.raw.forms.parquet import Window
from lib.raw.json_records import LONGEST_DATE
from lib.raw.limits import MOST_LABELS, TABLE_BYTES
from lib.raw.source_files import RawFile
from scripts.sources.bikes.columns import Column
from scripts.sources.bikes.pulls import COLUMNS, CSV_DATE, RECENT, date_text, read_rows

MAX_COUNT = 5_000.0  # passages/h of one direction; the busiest counters of Paris stay below 2 500
BEYOND = 10**9  # passages; far above MAX_COUNT
# Every form that is read: in JSON also as a number, and escaped inside a text; in a CSV also as Excel writes it.
_ANY_JSON_DATE = re.compile(rb'"date\\?"\s*:\s*(?:\\?")?([^",}\\]{10,40})')
_ANY_CSV_DATE = re.compile(CSV_DATE.pattern + rb"|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4} [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?")


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
    rows = read_rows(files, day, quality)
    dates = rows.columns["date"]
    moments = [parse_instant(text) if text else None for text in map(date_text, dates.values)]
    instants = pd.to_datetime(pd.Series(moments, dtype=object), utc=True)
    start = pd.Timestamp(day_start(day))
    end = start + hours_in_day(day) * HOUR
    identity = _identity(rows.columns)
    about_day = (instants.between(start, end, "left") | instants.isna()).to_numpy()[dates.places]
    ids = identity.rows(about_day).cells()
    of_day = rows.chosen(about_day).frame().assign(id_compteur=ids, instant=instants[dates.places[about_day]].array)
    valid = _valid(of_day, quality)
    quality.answers.of_day.update(valid["_fichier"])
    counts = newest(valid, ["id_compteur", "instant"], ["comptage"], quality)[["id_compteur", "instant", "comptage"]]
    lately = instants.between(start - RECENT, end, "left").to_numpy()[dates.places] & identity.that(bool)
    return BikeRecords(counts, _counters(identity, rows.columns, lately, quality))


def days_present(files: list[RawFile]) -> set[str]:
    """List every civil day (YYYY-MM-DD) that a record is dated of: a message offers them when a day has nothing."""
    found: set[bytes] = set()
    for raw in files:
        with contextlib.suppress(InputError):  # said where the day was read
            for text in read_blocks(raw.path, TABLE_BYTES, LONGEST_DATE, Window(COLUMNS["date"])):
                dates = (_ANY_CSV_DATE if raw.is_csv else _ANY_JSON_DATE).findall(text)
                found.update(islice(dates, MOST_LABELS - len(found)))
    days = map(day_in_paris, (text.decode(errors="replace") for text in found))
    return {day.isoformat() for day in days if day}


def _identity(columns: dict[str, Column]) -> Column:
    """Find the id of each record's counter; without one, that of the only counter of its name, else the name itself."""
    ids, names = columns["id_compteur"].each(_text), columns["nom_compteur"].each(_text)
    known = ids.that(bool)
    if known.all():
        return ids
    pairs = pd.unique((names.places * len(ids.values) + ids.places)[known & names.that(bool)])
    counters_of = defaultdict[str, list[str]](list)
    for name, counter in zip(*(one.tolist() for one in np.divmod(pairs, len(ids.values))), strict=True):
        counters_of[names.values[name]].append(ids.values[counter])
    only = {name: counters[0] for name, counters in counters_of.items() if len(counters) == 1}
    named = names.each(lambda name: only.get(name, name))
    return Column(ids.values + named.values, np.where(known, ids.places, len(ids.values) + named.places)).each(_text)


def _text(value: Any) -> str | None:
    """Trim a text, as it is stored: a counter is compared with its past. None where there is none."""
    if isinstance(value, str):
        return storable(value.strip()) or None
    return None if pd.isna(value) else str(value)


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
    return kept.assign(comptage=number.loc[kept.index])


def _scalar(value: Any) -> Any:
    """Keep a number; a whole one too long for a float is cut to one that is impossible as well."""
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-BEYOND, min(value, BEYOND))
    return value if isinstance(value, float) else None


def _is_value(value: Any) -> bool:
    """Tell whether something is written there: a null or a blank is "not measured", the rest must be a number."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def _counters(
    identity: Column, columns: dict[str, Column], lately: npt.NDArray[np.bool_], quality: Quality
) -> pd.DataFrame:
    """Find the last known name and place of each counter in the rows `lately`."""
    names, places = columns["nom_compteur"].each(_text), _places(columns)
    named = pd.factorize(identity.places * len(names.values) + names.places)[0]
    said = pd.Series(named * len(places.values) + places.places)[lately]
    said = said[~(said.duplicated() & said.duplicated(keep="last"))]  # the first and the last row that say the same
    told = {"id_compteur": identity, "nom_compteur": names, "coordinates": places}
    rows = pd.DataFrame({name: column.rows(said.index.to_numpy()).cells() for name, column in told.items()})
    counters = rows.groupby("id_compteur")[["nom_compteur"]].last()
    return counters.join(read_places(rows.set_index("id_compteur")["coordinates"], quality, "compteurs"))


def _places(columns: dict[str, Column]) -> Column:
    """Give the place of each row, also of one that is written in two columns."""
    if not any(map(is_written, columns["lat"].values)):
        return columns["coordinates"].each(lambda place: place)
    names = ("coordinates", *SPLIT_PLACE)
    frame = pd.DataFrame({name: columns[name].cells() for name in names}, dtype=object)
    return Column.of(join_places(frame, "coordinates")["coordinates"].tolist())
