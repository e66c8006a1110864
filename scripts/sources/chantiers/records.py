"""Road works (chantiers perturbants) as believed rows, out of the portal's exports.

A row is one work with its first and last day. The state written there (statut) is that of the export's day, and is
kept as information: the dates alone say whether a work is active on a given day.
"""

import re
from datetime import date

import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from lib.common.paris_time import parse_day, parse_road_label
from lib.figures import geometry
from lib.figures.quality import Quality
from lib.raw.csv_dialect import Aliases, fold
from lib.raw.limits import EXPORT_ROWS
from lib.raw.source_files import RawFile
from lib.raw.tables import read_table
from lib.raw.usable_files import read_usable

COLUMNS: Aliases = {
    "identifiant": ("Identifiant",),
    "code_postal": ("Code postal de l'arrondissement", "cp_arrondissement"),
    "objet": ("Objet",),
    "voies": ("Voie(s)", "voie"),
    "description": ("Description",),
    "date_debut": ("Date de début",),
    "date_fin": ("Date de fin",),
    "impact": ("Impact sur la circulation", "impact_circulation"),
    "niveau": ("Niveau de perturbation", "niveau_perturbation"),
    "statut": ("Statut",),
    "geo_point_2d": ("geo_point_2d",),
    "geo_shape": ("geo_shape",),
}
REQUIRED = ("identifiant", "date_debut", "date_fin")
DATE_REJECTS = ("date_absente", "date_illisible", "fin_avant_debut")

NOT_SAID = "NON_RENSEIGNE"
OTHER = "AUTRE"
IMPACTS = {  # the published code, and what its free-text forms hold once folded
    "BARRAGE_TOTAL": ("barrage total", "fermeture totale", "route barree", "rue barree"),
    "IMPASSE": ("impasse",),
    "RESTREINTE": ("restreint", "restriction"),
    "SENS_UNIQUE": ("sens unique",),
}
LEVELS = {"1": 1, "perturbant": 1, "2": 2, "tres perturbant": 2}
STATUSES = {"1": "À venir", "2": "En cours", "3": "Suspendu", "4": "Prolongé", "5": "Terminé"}

_STATUS_WORDS = {**STATUSES, **{fold(word): word for word in STATUSES.values()}}
_FRENCH_DAY = re.compile(r"([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{4})(?:[T ].*)?")
_POSTAL_CODE = re.compile(r"750(0[1-9]|1[0-9]|20)|751(16)")  # 75116 is the 16th as well


def read_works(files: list[RawFile], quality: Quality) -> pd.DataFrame:
    """One row per believed work, sorted by identifiant; the newest file wins. Missing is None or NA.

    Texts identifiant, objet, voies, description, impact (a key of IMPACTS, AUTRE or NON_RENSEIGNE), statut; date_debut
    and date_fin (YYYY-MM-DD, which sort as days); niveau and arrondissement (Int64, the latter from the postal code);
    geometry (shapely, degrees), lon and lat (degrees).
    """
    tables = read_usable(
        files,
        lambda raw: read_table(raw, COLUMNS, REQUIRED, quality, most_rows=EXPORT_ROWS).assign(_fichier=raw.name),
        quality,
    )
    rows = pd.concat(tables, ignore_index=True).astype(object)
    for name in ("identifiant", "objet", "voies", "description"):
        rows[name] = rows[name].map(_text).astype(object)
    valid = _believed(rows, quality)
    quality.answers.of_day.update(valid["_fichier"])
    works = _newest(valid, quality)
    works["arrondissement"] = works["code_postal"].map(_postal_arrondissement).astype("Int64")
    works["niveau"] = works["niveau"].map(lambda value: LEVELS.get(_code(value))).astype("Int64")
    works["statut"] = works["statut"].map(lambda value: _STATUS_WORDS.get(_code(value))).astype(object)
    works["impact"] = _impacts(works["impact"], quality)
    works = _located(works, quality)
    return works.drop(columns=["code_postal", "geo_point_2d", "geo_shape", "_ligne", "_fichier"])


def parse_work_day(value: object) -> str | None:
    """A day as YYYY-MM-DD out of an ISO day or time, DD-MM-YYYY or DD/MM/YYYY; None when it is none of these.

    A time stamp is read as the portal's other ones are: a Paris clock, whose pasted +01:00 or +02:00 carries nothing.
    """
    text = str(value).strip()
    try:
        if found := _FRENCH_DAY.fullmatch(text):
            return date(int(found[3]), int(found[2]), int(found[1])).isoformat()
        wall = parse_road_label(text)  # or the milliseconds of pandas
        return wall.date().isoformat() if wall else parse_day(text).isoformat()
    except ValueError:
        return None


def parse_impact(value: object) -> str:
    """The published impact code that a code or a free text stands for; AUTRE where it is none of the four."""
    text = fold(_text(value) or "")
    if not text:
        return NOT_SAID
    for code, forms in IMPACTS.items():
        if text == fold(code) or any(form in text for form in forms):
            return code
    return NOT_SAID if text == fold(NOT_SAID) else OTHER


def _believed(rows: pd.DataFrame, quality: Quality) -> pd.DataFrame:
    """The rows with usable dates, these as YYYY-MM-DD; the others are rejected under their first reason.

    A work without a last day is rejected as well: nothing says whether it still goes on.
    """
    texts = {name: rows[name].map(_text) for name in ("date_debut", "date_fin")}
    days = {name: column.map(parse_work_day, na_action="ignore") for name, column in texts.items()}
    absent = texts["date_debut"].isna() | texts["date_fin"].isna()
    unreadable = ~absent & (days["date_debut"].isna() | days["date_fin"].isna())
    reversed_days = days["date_fin"].fillna("") < days["date_debut"].fillna("")
    masks = (absent, unreadable, ~absent & ~unreadable & reversed_days)
    for reason, mask in zip(DATE_REJECTS, masks, strict=True):
        for row in rows[mask].to_dict("records"):
            shown = {name: row[name] for name in ("identifiant", "date_debut", "date_fin", "voies")}
            quality.reject(reason, row["_fichier"], row["_ligne"], shown)
    return rows.assign(**days)[~np.logical_or.reduce(masks)]


def _newest(rows: pd.DataFrame, quality: Quality) -> pd.DataFrame:
    """One row per work, the last read; a work without an identifiant is known by its words, days and place."""
    words = rows["objet"].astype(str)
    for name in ("voies", "date_debut", "date_fin", "geo_point_2d"):
        words = words + "|" + rows[name].astype(str)
    key = rows["identifiant"].fillna("|" + words)
    dated = rows[["date_debut", "date_fin"]].assign(key=key)
    quality.conflits += len(dated.drop_duplicates()) - key.nunique()
    kept = rows.assign(_cle=key).drop_duplicates("_cle", keep="last").sort_values("_cle", ignore_index=True)
    quality.doublons += len(rows) - len(kept)
    quality.lignes_retenues += len(kept)
    return kept.drop(columns="_cle")


def _impacts(values: pd.Series, quality: Quality) -> pd.Series:
    impacts = values.map(parse_impact).astype(object)
    unknown = values[impacts == OTHER]
    if len(unknown):
        quality.warn(
            "impacts_inconnus",
            "information",
            f"{len(unknown)} chantiers ont un impact hors nomenclature, compté sous {OTHER}.",
            mesure=len(unknown),
            attendu=0,
            exemples=sorted(set(map(str, unknown))),
        )
    return impacts


def _located(works: pd.DataFrame, quality: Quality) -> pd.DataFrame:
    """With `geometry`, and lon and lat of geo_point_2d, else of a point of the shape."""
    shapes = [geometry.parse_shape(value) for value in works["geo_shape"]]
    points = [
        geometry.parse_point(value) or _point_of(shape)
        for value, shape in zip(works["geo_point_2d"], shapes, strict=True)
    ]
    invalid = [
        identifier
        for identifier, value, shape in zip(works["identifiant"], works["geo_shape"], shapes, strict=True)
        if shape is None and _text(value)
    ]
    if invalid:
        quality.warn(
            "formes_illisibles",
            "information",
            f"{len(invalid)} chantiers ont un geo_shape illisible : comptés, mais sans surface.",
            mesure=len(invalid),
            attendu=0,
            exemples=invalid,
        )
    return works.assign(
        geometry=geometry.as_geometries(shapes),
        lon=[point[0] if point else np.nan for point in points],
        lat=[point[1] if point else np.nan for point in points],
    )


def _point_of(shape: BaseGeometry | None) -> tuple[float, float] | None:
    if shape is None:
        return None
    point = shapely.point_on_surface(shape)
    return point.x, point.y


def _postal_arrondissement(value: object) -> int | None:
    found = _POSTAL_CODE.fullmatch(_code(value))
    return int(found[1] or found[2]) if found else None


def _code(value: object) -> str:
    """A code as text, whether it came as text or as a JSON number."""
    return fold(_text(value) or "").removesuffix(".0")


def _text(value: object) -> str | None:
    """Text on one line, storable as UTF-8; None when it is blank."""
    if value is None or value is pd.NA or value != value:
        return None
    return " ".join(str(value).split()).encode("utf-8", "replace").decode() or None
