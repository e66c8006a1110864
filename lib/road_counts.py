"""Road-count rows of a day as believed measurements, whatever the export's dialect.

A row is one arc during one hour. Blank is "not measured", never zero; an impossible value discredits its row.
"""

import logging
import re
from collections.abc import Iterable
from datetime import date, datetime, time

import numpy as np
import pandas as pd

from lib.errors import InputError
from lib.paris_time import parse_road_label, road_label_hours
from lib.quality import Quality
from lib.raw_files import RawFile
from lib.raw_tables import Aliases, canonical, read_table, require_columns, split_row
from lib.road_count_scan import scan_day

COLUMNS: Aliases = {
    "identifiant_arc": ("Identifiant arc", "iu_ac"),
    "libelle": ("Libelle",),
    "t_1h": ("Date et heure de comptage",),
    "debit": ("Débit horaire", "q"),
    "taux_occupation": ("Taux d'occupation", "k"),
    "geo_point_2d": ("geo_point_2d",),
    "geo_shape": ("geo_shape",),
}
REQUIRED = ("identifiant_arc", "t_1h", "debit", "taux_occupation")

MAX_FLOW = 15_000.0  # véhicules/h; the busiest five-lane arcs of the périphérique stay below 10 000
MAX_OCCUPANCY = 100.0  # % of time

log = logging.getLogger(__name__)

_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{5,8}(?:Z|[+-][0-9]{2}:?[0-9]{2})?")


def read_day_rows(raw: RawFile, day: date, quality: Quality) -> pd.DataFrame:
    """Believed rows: identifiant_arc, libelle, heure (0..23), debit (véh/h), taux_occupation (%), geo_* texts.

    Rows of other days are no part of the account; rows of the day that are not believed are rejected.
    """
    labels = road_label_hours(day)
    rows = _csv_rows(raw, day, labels, quality) if raw.is_csv else read_table(raw, COLUMNS, REQUIRED, quality)
    rows = _of_day(rows, day, labels, raw, quality)
    arcs = rows["identifiant_arc"].map(lambda value: "" if value is None else str(value).strip())
    flows, bad_flow = _number(rows["debit"])
    rates, bad_rate = _number(rows["taux_occupation"])
    nameless = arcs.isin(["", "*"])
    reasons = {
        "identifiant_invalide": nameless,
        "debit_non_numerique": bad_flow,
        "taux_non_numerique": bad_rate,
        "debit_negatif": flows < 0,
        "debit_impossible": flows > MAX_FLOW,
        "taux_hors_bornes": (rates < 0) | (rates > MAX_OCCUPANCY),
    }
    faulty = reasons["debit_negatif"] | reasons["debit_impossible"] | reasons["taux_hors_bornes"]
    quality.sensors_at_fault |= set(arcs[faulty & ~nameless])
    kept = _without_rejects(rows, reasons, raw, quality).drop(columns=["_ligne", "t_1h"])  # rejects stay as written
    at = kept.index
    return kept.assign(identifiant_arc=arcs[at], debit=flows[at], taux_occupation=rates[at])


def read_files(files: Iterable[RawFile], day: date, quality: Quality) -> pd.DataFrame:
    """The believed rows of all files, given oldest first (see newest_rows).

    A file that cannot be used costs itself, and a warning says so; InputError when none can.
    """
    tables, unusable = [], []
    for raw in files:
        try:
            tables.append(read_day_rows(raw, day, quality))
        except InputError as error:
            log.warning("%s", error)
            quality.reject("fichier_illisible", raw.name, 1, error.message)
            unusable.append((raw.name, error))
    if not tables:
        raise unusable[-1][1]
    if unusable:
        names = [name for name, _ in unusable]
        text = f"Fichiers inutilisables, leurs lignes manquent : {', '.join(names)}."
        quality.warn("fichiers_inutilisables", "attention", text, len(names), 0, names)
    return newest_rows(tables, quality)


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


def _csv_rows(raw: RawFile, day: date, labels: dict[datetime, int], quality: Quality) -> pd.DataFrame:
    found = scan_day(raw, day)
    header = [canonical(name, COLUMNS) for name in found.header]
    require_columns(raw, header, COLUMNS, REQUIRED)
    rows: list[list[str]] = []
    offsets: list[int] = []
    for offset, line, fields, reason in _fields(found.lines, found.delimiter, len(header)):
        if not reason:
            rows.append(fields)
            offsets.append(offset)
        elif any(parse_road_label(stamp) in labels for stamp in _STAMP.findall(line)):
            quality.reject(reason, raw.name, f"octet {offset}", line)
    table = pd.DataFrame(rows, columns=header, dtype=object)
    table = table.loc[:, ~table.columns.duplicated()].reindex(columns=list(COLUMNS))
    return table.assign(_ligne=[f"octet {offset}" for offset in offsets])


def _fields(lines: list[tuple[int, bytes]], delimiter: str, width: int) -> Iterable[tuple[int, str, list[str], str]]:
    """(offset, text, fields, reason to reject) of each line; fields are only read from a line that is whole."""
    for offset, line in lines:
        try:
            text, reason = line.decode("utf-8"), ""
        except UnicodeDecodeError:
            yield offset, line.decode("utf-8", errors="replace"), [], "encodage_invalide"
            continue
        fields = split_row(text, delimiter) if text.count('"') % 2 == 0 else []
        if not fields:
            reason = "guillemet_non_ferme"
        elif len(fields) != width:
            reason = "champs_en_trop" if len(fields) > width else "champs_manquants"
        yield offset, text, fields, reason


def _of_day(rows: pd.DataFrame, day: date, labels: dict[datetime, int], raw: RawFile, quality: Quality) -> pd.DataFrame:
    """The rows whose label closes an hour of the day, with `heure`; what no clock showed is rejected.

    A blank row is not: archives have one for each arc at the 02:00 that the spring clock skips.
    """
    texts = rows["t_1h"].map(lambda value: value if isinstance(value, str) else "")
    moments = {text: parse_road_label(text) for text in texts.unique()}
    midnight, known = datetime.combine(day, time()), {text: moment for text, moment in moments.items() if moment}
    strange = {text for text, wall in known.items() if midnight < wall < max(labels) and wall not in labels}
    measured = ~(_blank(rows["debit"]) & _blank(rows["taux_occupation"]))
    reasons = {
        "date_illisible": texts.isin(moments.keys() - known.keys()),
        "heure_inexistante": texts.isin(strange) & measured,
    }
    rows = rows.assign(heure=texts.map({text: labels.get(wall) for text, wall in known.items()}))
    rows = _without_rejects(rows, reasons, raw, quality)
    return rows[rows["heure"].notna()].astype({"heure": np.int64})


def _blank(values: pd.Series) -> pd.Series:
    return values.isna() | values.map(str).str.strip().eq("")


def _number(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The numbers (NaN where blank), and which values were neither blank nor a finite number."""
    numbers = pd.to_numeric(values.map(str), errors="coerce").astype(float)
    finite = pd.Series(np.isfinite(numbers), index=values.index)
    return numbers.where(finite), ~_blank(values) & ~finite


def _without_rejects(rows: pd.DataFrame, reasons: dict[str, pd.Series], raw: RawFile, quality: Quality) -> pd.DataFrame:
    """The rows that no reason strikes; each struck one is counted under its first reason."""
    struck = pd.Series(False, index=rows.index)
    for reason, mask in reasons.items():
        for row in rows[mask & ~struck].to_dict("records"):
            shown = {name: row[name] for name in ("identifiant_arc", "t_1h", "debit", "taux_occupation")}
            quality.reject(reason, raw.name, row["_ligne"], shown)
        struck |= mask
    return rows[~struck].copy()
