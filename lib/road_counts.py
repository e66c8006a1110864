"""Road-count rows of a day as believed measurements, whatever the export's dialect.

A row is one arc during one hour. Blank is "not measured", never zero; an impossible value discredits its row.
"""

from collections.abc import Iterable
from datetime import date, datetime

import numpy as np
import pandas as pd

from lib.paris_time import parse_road_label, road_label_hours
from lib.quality import Quality
from lib.raw_files import RawFile
from lib.raw_tables import read_table
from lib.road_count_scan import rows_of_day
from lib.road_export import COLUMNS, REQUIRED

MAX_FLOW = 15_000.0  # véhicules/h; the busiest five-lane arcs of the périphérique stay below 10 000
MAX_OCCUPANCY = 100.0  # % of time


def read_day_rows(raw: RawFile, day: date, quality: Quality) -> pd.DataFrame:
    """Believed rows: identifiant_arc, libelle, heure (0..23), debit (véh/h), taux_occupation (%), geo_* texts.

    Rows of other days are no part of the account; rows of the day that are not believed are rejected.
    """
    labels = road_label_hours(day)
    rows = _csv_rows(raw, day, quality) if raw.is_csv else read_table(raw, COLUMNS, REQUIRED, quality)
    rows = _of_day(rows, day, labels, raw, quality)
    rows["identifiant_arc"] = rows["identifiant_arc"].map(lambda value: "" if value is None else str(value).strip())
    rows["debit"], bad_flow = _number(rows["debit"])
    rows["taux_occupation"], bad_occupancy = _number(rows["taux_occupation"])
    reasons = {
        "identifiant_invalide": rows["identifiant_arc"].isin(["", "*"]),
        "debit_non_numerique": bad_flow,
        "taux_non_numerique": bad_occupancy,
        "debit_negatif": rows["debit"] < 0,
        "debit_impossible": rows["debit"] > MAX_FLOW,
        "taux_hors_bornes": (rows["taux_occupation"] < 0) | (rows["taux_occupation"] > MAX_OCCUPANCY),
    }
    faulty = reasons["debit_negatif"] | reasons["debit_impossible"] | reasons["taux_hors_bornes"]
    quality.sensors_at_fault |= set(rows.loc[faulty, "identifiant_arc"])
    return _without_rejects(rows, reasons, raw, quality).drop(columns=["_ligne", "t_1h"])


def newest_rows(tables: Iterable[pd.DataFrame], quality: Quality) -> pd.DataFrame:
    """One row per arc and hour out of several files, oldest first: the newest file wins, conflicts are counted."""
    rows = pd.concat(list(tables), ignore_index=True)
    key = ["identifiant_arc", "heure"]
    values = ["debit", "taux_occupation"]
    quality.conflits += len(rows.drop_duplicates(key + values)) - len(rows.drop_duplicates(key))
    kept = rows.drop_duplicates(key, keep="last")
    quality.doublons += len(rows) - len(kept)
    quality.lignes_retenues += len(kept)
    return kept.sort_values(key, ignore_index=True)


def _csv_rows(raw: RawFile, day: date, quality: Quality) -> pd.DataFrame:
    found = rows_of_day(raw, day)
    for offset, reason, text in found.rejects:
        quality.reject(reason, raw.name, f"octet {offset}", text)
    table = pd.DataFrame(found.rows, columns=["_ligne", *COLUMNS], dtype=object)
    table["_ligne"] = "octet " + table["_ligne"].astype(str)
    return table


def _of_day(rows: pd.DataFrame, day: date, labels: dict[datetime, int], raw: RawFile, quality: Quality) -> pd.DataFrame:
    """The rows whose label closes an hour of the day, with `heure`; hours no clock showed are rejected."""
    moments = {text: parse_road_label(text) if isinstance(text, str) else None for text in rows["t_1h"].unique()}
    hours = rows["t_1h"].map({text: labels.get(moment) for text, moment in moments.items() if moment is not None})
    skipped = {text for text, moment in moments.items() if moment and moment.date() == day and _inside(moment, labels)}
    unreadable = {text for text, moment in moments.items() if moment is None}
    off_clock = rows["t_1h"].isin(skipped) & hours.isna()
    rows = rows.assign(heure=hours)
    reasons = {"date_illisible": rows["t_1h"].isin(unreadable), "heure_inexistante": off_clock}
    rows = _without_rejects(rows, reasons, raw, quality)
    return rows[rows["heure"].notna()].astype({"heure": np.int64})


def _inside(moment: datetime, labels: dict[datetime, int]) -> bool:
    return min(labels) <= moment <= max(labels)


def _number(texts: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The numbers (NaN where blank), and which texts were neither blank nor a finite number."""
    numbers = pd.to_numeric(texts, errors="coerce").astype(float)
    finite = pd.Series(np.isfinite(numbers), index=texts.index)
    blank = texts.isna() | texts.isin(["", " "])
    return numbers.where(finite), ~blank & ~finite


def _without_rejects(rows: pd.DataFrame, reasons: dict[str, pd.Series], raw: RawFile, quality: Quality) -> pd.DataFrame:
    """The rows that no reason strikes; each struck one is counted under its first reason."""
    struck = pd.Series(False, index=rows.index)
    for reason, mask in reasons.items():
        for row in rows[mask & ~struck].to_dict("records"):
            shown = {name: row[name] for name in ("identifiant_arc", "t_1h", "debit", "taux_occupation")}
            quality.reject(reason, raw.name, row["_ligne"], shown)
        struck |= mask
    return rows[~struck].copy()
