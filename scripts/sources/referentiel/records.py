"""The road reference: geometry of the counting arcs, one row per arc.

The export repeats an arc for each part of a multi-part geometry; the parts are merged and their lengths add up.
"""

import re

import pandas as pd
import shapely

from lib.common.text import counted
from lib.figures import geometry
from lib.figures.quality import Quality
from lib.figures.raw_rows import without_rejects
from lib.figures.written_places import is_written, parse_shape
from lib.raw.csv_dialect import Aliases
from lib.raw.limits import EXPORT_ROWS
from lib.raw.source_files import RawFile
from lib.raw.tables import read_table

COLUMNS: Aliases = {
    "identifiant_arc": ("Identifiant arc", "IU_AC", "iu_ac"),
    "libelle": ("Libelle", "LIBELLE"),
    "iu_nd_amont": ("Identifiant noeud amont", "IU_ND_AMONT"),
    "libelle_nd_amont": ("Libelle noeud amont", "LIBELLE_ND_AMONT"),
    "iu_nd_aval": ("Identifiant noeud aval", "IU_ND_AVAL"),
    "libelle_nd_aval": ("Libelle noeud aval", "LIBELLE_ND_AVAL"),
    "date_debut": ("Date debut dispo data", "DATE_DEBUT"),
    "date_fin": ("Date fin dispo data", "DATE_FIN"),
    "geo_point_2d": ("geo_point_2d",),
    "geo_shape": ("geo_shape",),
}
_AS_FLOAT = re.compile(r"([0-9]+)[.,]0+")
INCOMPLETE = "referentiel_incomplet"  # warning code
TEXTS = ("libelle", "iu_nd_amont", "libelle_nd_amont", "iu_nd_aval", "libelle_nd_aval")


def read_road_parts(raw: RawFile, quality: Quality) -> pd.DataFrame:
    """Read the valid rows of one export: COLUMNS as text, `geometry` (shapely, degrees), `longueur_metres` per part.

    Rows without an arc id or without a usable line are rejected; the same part of the same arc again is a duplicate.
    """
    parts = read_table(raw, COLUMNS, ("identifiant_arc", "geo_shape"), quality, most_rows=EXPORT_ROWS)
    for name in TEXTS:
        parts[name] = parts[name].map(_text).astype(object)
    names = parts["identifiant_arc"].map(arc_identifier).astype(object)
    parts["identifiant_arc"] = names
    parts["geometry"] = geometry.as_geometries([parse_shape(value) for value in parts["geo_shape"]])
    nameless = names.isin(["", "*"])
    not_a_line = pd.Series([_not_a_line(shape) for shape in parts["geometry"]], index=parts.index, dtype=bool)
    warn_of_shapes(parts.loc[not_a_line, "geo_shape"].set_axis(names[not_a_line]), quality)
    reasons = {"identifiant_absent": nameless, "geometrie_absente": not_a_line}
    valid = without_rejects(parts.assign(_fichier=raw.name), reasons, ("identifiant_arc", "libelle"), quality)
    kept = _without_repeats(valid, quality)
    kept["longueur_metres"] = geometry.lengths(kept["geometry"].to_numpy())
    quality.lignes_retenues += len(kept)
    quality.answers.of_day[raw.name] += len(kept)
    return kept.drop(columns=["geo_shape", "_ligne", "_fichier"])


def arc_identifier(value: object) -> str:
    """Read an arc's id: pandas writes 4264.0 for 4264 where some rows have none, and no other arc is meant."""
    text = _text(value) or ""
    found = _AS_FLOAT.fullmatch(text)
    return found[1] if found else text


def _text(value: object) -> str | None:
    """Trim the text; None when it is blank."""
    return None if value is None else str(value).strip() or None


def _not_a_line(shape: object) -> bool:
    return not (isinstance(shape, shapely.LineString | shapely.MultiLineString) and shape.length > 0)


def _without_repeats(parts: pd.DataFrame, quality: Quality) -> pd.DataFrame:
    shapes = shapely.to_wkb(shapely.normalize(parts["geometry"].to_numpy()))  # a line and its reverse are the same
    kept = parts[~parts.assign(_forme=shapes).duplicated(["identifiant_arc", "_forme"]).to_numpy()]
    quality.doublons += len(parts) - len(kept)
    return kept.copy()


def merge_parts(parts: pd.DataFrame) -> pd.DataFrame:
    """Make one row per arc: first known texts, `longueur_metres` summed, `nombre_parties`, merged `geometry`."""
    groups = parts.groupby("identifiant_arc", sort=False)
    places, shapes = groups.indices, parts["geometry"].to_numpy()
    arcs = groups.first()
    arcs["longueur_metres"] = groups["longueur_metres"].sum()
    arcs["nombre_parties"] = groups.size()
    several = arcs.index[arcs["nombre_parties"] > 1]
    arcs.loc[several, "geometry"] = geometry.as_geometries(
        [shapely.line_merge(shapely.union_all(shapes[places[arc]])) for arc in several]
    )
    return arcs.reset_index()


def is_ring(libelle: pd.Series) -> pd.Series:
    """Tell the arcs of the boulevard périphérique: PE_ (outer) and PI_ (inner)."""
    return libelle.fillna("").astype(str).str.startswith(("PE_", "PI_"))


def warn_of_shapes(values: pd.Series, quality: Quality) -> None:
    """Warn of the arcs (index) whose shape is written and not understood."""
    unread = values[[is_written(value) for value in values]].index.unique()
    if len(unread):
        arcs = counted(len(unread), "arc a", "arcs ont")
        text = f"{arcs} un geo_shape écrit mais pas compris : il ne donne ni longueur ni lieu."
        quality.warn("formes_illisibles", "information", text, mesure=len(unread), attendu=0, exemples=list(unread))
