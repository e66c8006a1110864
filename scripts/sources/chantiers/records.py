"""Road works (chantiers perturbants) as valid rows, out of the portal's exports.

A row is one work with its first and last day. The state written there (statut) is that of the export's day.
"""

import re
from contextlib import suppress
from functools import lru_cache

import numpy as np
import pandas as pd
import shapely

from lib.common.errors import InputError
from lib.common.text import counted
from lib.figures import geometry
from lib.figures.quality import Quality
from lib.figures.raw_rows import newest, without_rejects
from lib.figures.written_places import is_written, join_places, parse_shape, read_places
from lib.raw.csv_dialect import SPLIT_PLACE, Aliases, fold
from lib.raw.limits import EXPORT_ROWS
from lib.raw.source_files import RawFile
from lib.raw.tables import read_table
from lib.raw.usable_files import read_usable
from scripts.sources.chantiers.exports import FIRST_DAY, export_day, parse_work_day, text_of, warn_of_a_cut_export

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
    "date_maj": ("Date de mise à jour", "date_mise_a_jour"),
    "geo_point_2d": ("geo_point_2d",),
    "geo_shape": ("geo_shape",),
    **SPLIT_PLACE,
}
REQUIRED = ("identifiant", "date_debut", "date_fin")
DATE_REJECTS = ("date_absente", "date_illisible", "date_trop_ancienne", "fin_avant_debut")
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
AHEAD, OVER = STATUSES["1"], STATUSES["5"]

_STATUS_WORDS = {**STATUSES, **{fold(word): word for word in STATUSES.values()}}
_POSTAL_CODE = re.compile(r"750(0[1-9]|1[0-9]|20)|751(16)")  # 75116 is the 16th as well


def read_works(files: list[RawFile], quality: Quality) -> pd.DataFrame:
    """Read one row per valid work, sorted by identifiant; the newest export wins. Missing is None or NA.

    Texts identifiant, objet, voies, description, impact (a key of IMPACTS, AUTRE or NON_RENSEIGNE), statut; date_debut
    and date_fin (YYYY-MM-DD, which sort as days); niveau and arrondissement (Int64, the latter from the postal code);
    geometry (shapely, degrees), lon and lat (degrees); export (YYYY-MM-DD, the day of the export that the row comes
    from) and export_connu (BY_DATE_MAJ, BY_NAME, or BY_FILE or BY_AHEAD, which are only the latest day it can be).
    """
    works, account = _works_of(tuple(files), tuple(map(_state, files)))
    quality.absorb(account)
    return works.copy(deep=False)


def _state(raw: RawFile) -> tuple[int, ...] | None:
    with suppress(InputError):  # said where it is read
        return raw.state
    return None


@lru_cache(maxsize=1)  # the exports serve all days of a range
def _works_of(files: tuple[RawFile, ...], _states: tuple[tuple[int, ...] | None, ...]) -> tuple[pd.DataFrame, Quality]:
    """Read these states of the exports, and their own account."""
    quality = Quality()
    tables = read_usable(
        files,
        lambda raw: _dated(raw, read_table(raw, COLUMNS, REQUIRED, quality, most_rows=EXPORT_ROWS)),
        quality,
    )
    tables.sort(key=lambda table: str(table["export"].max()))  # stable: of one day, the file written last wins
    warn_of_a_cut_export(tables, quality)
    rows = join_places(pd.concat(tables, ignore_index=True).astype(object), "geo_point_2d")
    for name in ("identifiant", "objet", "voies", "description"):
        rows[name] = rows[name].map(text_of).astype(object)
    valid = _valid(rows, quality)
    quality.answers.of_day.update(valid["_fichier"])
    works = _newest(valid, quality)
    works["arrondissement"] = works["code_postal"].map(_postal_arrondissement).astype("Int64")
    works["niveau"] = works["niveau"].map(lambda value: LEVELS.get(_code(value))).astype("Int64")
    works["statut"] = works["statut"].map(lambda value: _STATUS_WORDS.get(_code(value))).astype(object)
    works["impact"] = _impacts(works["impact"], quality)
    works = _located(works, quality)
    used = ["code_postal", "geo_point_2d", "geo_shape", "date_maj", "_ligne", "_fichier"]
    return works.drop(columns=used), quality


def _dated(raw: RawFile, table: pd.DataFrame) -> pd.DataFrame:
    """Add the file's name and the day of its export."""
    ahead = table["statut"].map(lambda value: _STATUS_WORDS.get(_code(value))) == AHEAD
    day, known = export_day(raw, table["date_maj"], table.loc[ahead, "date_debut"])
    return table.assign(_fichier=raw.name, export=day, export_connu=known)


def parse_impact(value: object) -> str:
    """Find the published impact code that a code or a free text stands for; AUTRE where it is none of the four."""
    text = fold(text_of(value) or "")
    if not text:
        return NOT_SAID
    for code, forms in IMPACTS.items():
        if text == fold(code) or any(form in text for form in forms):
            return code
    return NOT_SAID if text == fold(NOT_SAID) else OTHER


def _valid(rows: pd.DataFrame, quality: Quality) -> pd.DataFrame:
    """Keep the rows with usable dates, these as YYYY-MM-DD; reject the others under their first reason.

    A work without a last day is rejected as well: nothing says whether it still goes on.
    """
    texts = {name: rows[name].map(text_of) for name in ("date_debut", "date_fin")}
    days = {name: column.map(parse_work_day, na_action="ignore") for name, column in texts.items()}
    absent = texts["date_debut"].isna() | texts["date_fin"].isna()
    unreadable = days["date_debut"].isna() | days["date_fin"].isna()
    first, last = days["date_debut"].fillna(""), days["date_fin"].fillna("")
    masks = (absent, unreadable, (first < FIRST_DAY) | (last < FIRST_DAY), last < first)
    reasons = dict(zip(DATE_REJECTS, masks, strict=True))
    shown = ("identifiant", "date_debut", "date_fin", "voies")
    kept = without_rejects(rows, reasons, shown, quality)  # rejects stay as written
    return rows.assign(**days).loc[kept.index]


def _newest(rows: pd.DataFrame, quality: Quality) -> pd.DataFrame:
    """Keep one row per work, the last read; a work without an identifiant is known by its words, days and place."""
    words = rows["objet"].astype(str)
    for name in ("voies", "date_debut", "date_fin", "geo_point_2d"):
        words = words + "|" + rows[name].astype(str)
    keyed = rows.assign(_cle=rows["identifiant"].fillna("|" + words))
    return newest(keyed, ["_cle"], ["date_debut", "date_fin"], quality).drop(columns="_cle")


def _impacts(values: pd.Series, quality: Quality) -> pd.Series:
    impacts = values.map(parse_impact).astype(object)
    unknown = values[impacts == OTHER]
    if len(unknown):
        works_have = counted(len(unknown), "chantier a", "chantiers ont")
        text = f"{works_have} un impact hors nomenclature, compté sous {OTHER}."
        quality.warn("impacts_inconnus", "information", text, len(unknown), 0, sorted(set(map(str, unknown))))
    return impacts


def _located(works: pd.DataFrame, quality: Quality) -> pd.DataFrame:
    """Add `geometry`, and lon and lat of geo_point_2d, else of a point of the shape."""
    shapes = geometry.as_geometries([parse_shape(value) for value in works["geo_shape"]])
    names = works["identifiant"].fillna(works["_fichier"].astype(str) + " ligne " + works["_ligne"].astype(str))
    own = read_places(works["geo_point_2d"].set_axis(names), quality, "chantiers").reindex(names)
    within = shapely.point_on_surface(shapes)
    invalid = works.loc[shapely.is_missing(shapes) & works["geo_shape"].map(is_written), "identifiant"]
    if len(invalid):
        works_have = counted(len(invalid), "chantier a", "chantiers ont")
        text = f"{works_have} un geo_shape illisible : dans le compte, mais sans surface."
        quality.warn("formes_illisibles", "information", text, len(invalid), 0, invalid)
    lon, lat = own["lon"].to_numpy(), own["lat"].to_numpy()
    return works.assign(
        geometry=shapes,
        lon=np.where(np.isnan(lon), shapely.get_x(within), lon),
        lat=np.where(np.isnan(lon), shapely.get_y(within), lat),
    )


def _postal_arrondissement(value: object) -> int | None:
    found = _POSTAL_CODE.fullmatch(_code(value))
    return int(found[1] or found[2]) if found else None


def _code(value: object) -> str:
    """Read a code as text, whether it came as text or as a JSON number."""
    return fold(text_of(value) or "").removesuffix(".0")
