"""Bike-counter records of a day as believed measurements, out of API pulls and CSV exports."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from lib import geo
from lib.csv_dialect import Aliases
from lib.paris_time import HOUR, PARIS, day_start, hours_in_day, parse_instant
from lib.quality import Quality
from lib.raw_files import RawFile
from lib.raw_json import read_bodies, records
from lib.raw_tables import read_table

COLUMNS: Aliases = {
    "id_compteur": ("id_compteur", "Identifiant du compteur"),
    "nom_compteur": ("nom_compteur", "Nom du compteur"),
    "comptage": ("sum_counts", "counts", "Comptage horaire"),
    "date": ("date", "Date et heure de comptage"),
    "coordinates": ("coordinates", "Coordonnées géographiques"),
}
REQUIRED = ("comptage", "date")
MAX_COUNT = 5_000.0  # passages/h of one direction; the busiest counters of Paris stay below 2 500
RECENT = timedelta(days=7)  # a counter heard of within this time is expected to count today


@dataclass(frozen=True)
class BikeRecords:
    """What the pulls say of a day.

    counts: one row per counter and hour: id_compteur, instant (UTC, start of the hour), comptage (passages, NaN where
    null). counters: one row per id_compteur counting that day or lately: nom_compteur, lon, lat (degrees). days: the
    civil days (YYYY-MM-DD) of all records read.
    """

    counts: pd.DataFrame
    counters: pd.DataFrame
    days: set[str]


def read_day_records(files: list[RawFile], day: date, quality: Quality) -> BikeRecords:
    """Read the pulls, oldest first; rows of the day that are not believed are rejected, the newest pull wins."""
    table = pd.DataFrame(_rows(files, day, quality), columns=[*COLUMNS, "_fichier", "_ligne"], dtype=object)
    moments = {text: parse_instant(text) if isinstance(text, str) else None for text in table["date"].unique()}
    table["instant"] = pd.to_datetime(table["date"].map(moments), utc=True)
    table["id_compteur"] = _identity(table)
    start = pd.Timestamp(day_start(day))
    end = start + hours_in_day(day) * HOUR
    about_day = table["instant"].between(start, end, "left") | table["instant"].isna()
    counts = _newest(_believed(table[about_day], quality), quality)
    lately = table[table["instant"].between(start - RECENT, end + RECENT) & table["id_compteur"].notna()]
    days = {moment.astimezone(PARIS).date().isoformat() for moment in moments.values() if moment}
    return BikeRecords(counts, _counters(lately), days)


def _rows(files: list[RawFile], day: date, quality: Quality) -> Iterator[list[Any]]:
    """Raw values in the order of COLUMNS, then the file and the line they come from."""
    around = [(day + timedelta(days=shift)).isoformat() for shift in (-1, 0, 1)]
    for raw in files:
        if raw.is_csv:
            for row in read_table(raw, COLUMNS, REQUIRED, quality).to_numpy():
                yield [*row[:-1], raw.name, row[-1]]
            continue
        for _, line, body in read_bodies([raw], quality, around):
            for number, record in enumerate(records(body), start=line):
                if isinstance(record, dict):
                    yield [*(_first(record, names) for names in COLUMNS.values()), raw.name, number]
                else:
                    quality.reject("enregistrement_invalide", raw.name, number, record)


def _first(record: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((record[name] for name in names if record.get(name) is not None), None)


def _identity(table: pd.DataFrame) -> pd.Series:
    """The id of each record's counter; without one, that of the only counter of the same name, else the name itself."""
    ids, names = _text(table["id_compteur"]), _text(table["nom_compteur"])
    pairs = pd.DataFrame({"id": ids, "name": names}).dropna().drop_duplicates()
    by_name = pairs.groupby("name")["id"].agg(["nunique", "first"])
    unique = by_name.loc[by_name["nunique"] == 1, "first"]
    return ids.fillna(names.map(unique)).fillna(names)


def _text(values: pd.Series) -> pd.Series:
    """Trimmed text, NaN where there is none."""
    return values.map(lambda value: str(value).strip() or np.nan, na_action="ignore").astype(object)


def _believed(rows: pd.DataFrame, quality: Quality) -> pd.DataFrame:
    """The rows that can be counted, `comptage` as a number; the others are rejected under their first reason."""
    number = pd.to_numeric(rows["comptage"].map(_scalar), errors="coerce").astype(float)
    reasons = {
        "date_illisible": rows["instant"].isna(),
        "identifiant_absent": rows["id_compteur"].isna(),
        "comptage_non_numerique": rows["comptage"].map(_is_value) & ~np.isfinite(number),
        "comptage_negatif": number < 0,
        "comptage_impossible": number > MAX_COUNT,
    }
    faulty = reasons["comptage_negatif"] | reasons["comptage_impossible"]
    quality.sensors_at_fault |= set(rows.loc[faulty, "id_compteur"].dropna())
    struck = pd.Series(False, index=rows.index)
    for reason, mask in reasons.items():
        for row in rows[mask & ~struck].to_dict("records"):
            shown = {name: row[name] for name in ("id_compteur", "nom_compteur", "date", "comptage")}
            quality.reject(reason, row["_fichier"], row["_ligne"], shown)
        struck |= mask
    return rows.assign(comptage=number)[~struck]


def _scalar(value: Any) -> Any:
    return value if isinstance(value, int | float | str) and not isinstance(value, bool) else None


def _is_value(value: Any) -> bool:
    """Whether something is written there: a null or a blank is "not measured", anything else must be a number."""
    return value is not None and value != ""


def _newest(rows: pd.DataFrame, quality: Quality) -> pd.DataFrame:
    """One row per counter and hour, the last read; differing values are counted as conflicts."""
    key = ["id_compteur", "instant"]
    quality.conflits += len(rows.drop_duplicates([*key, "comptage"])) - len(rows.drop_duplicates(key))
    kept = rows.drop_duplicates(key, keep="last").sort_values(key, ignore_index=True)
    quality.doublons += len(rows) - len(kept)
    quality.lignes_retenues += len(kept)
    return kept[[*key, "comptage"]]


def _counters(rows: pd.DataFrame) -> pd.DataFrame:
    """The last known name and place of each counter."""
    points = rows["coordinates"].map(geo.parse_point)
    places = points[points.notna()].groupby(rows["id_compteur"]).last()
    counters = rows.assign(nom_compteur=_text(rows["nom_compteur"])).groupby("id_compteur")[["nom_compteur"]].last()
    places = places.reindex(counters.index)
    counters["lon"] = [point[0] if isinstance(point, tuple) else np.nan for point in places]
    counters["lat"] = [point[1] if isinstance(point, tuple) else np.nan for point in places]
    return counters
