"""The outlines of the 20 arrondissements, and in which of them a point lies."""

import json
from functools import lru_cache

import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from lib.common.errors import InputError
from lib.common.settings import Settings
from lib.common.text import counted
from lib.figures import geometry
from lib.figures.quality import Quality
from lib.figures.written_places import parse_shape
from lib.raw.contents import read_bytes
from lib.raw.limits import POLYGONS_BYTES
from lib.raw.source_files import RawFile, source_files
from lib.raw.usable_files import newest_whole, warn_of_refused
from scripts.registry import ARRONDISSEMENTS

ALL = 20  # arrondissements of Paris
INCOMPLETE = "arrondissements_incomplets"  # warning code


class Arrondissements:
    """The arrondissements whose outlines are known, to be asked where a point lies."""

    def __init__(self, numbers: list[int], polygons: list[BaseGeometry]) -> None:
        self.numbers = np.asarray(numbers, dtype=int)
        self.polygons = geometry.as_geometries(list(polygons))
        self.tree = shapely.STRtree(polygons)
        self.complete = len(set(numbers)) == ALL

    def locate(self, lon: pd.Series, lat: pd.Series) -> pd.Series:
        """Find the arrondissement (Int64) of each point; missing outside those known or without a point."""
        found = pd.Series(pd.NA, index=lon.index, dtype="Int64")
        known = (lon.notna() & lat.notna()).to_numpy()
        points = shapely.points(lon[known].astype(float), lat[known].astype(float))
        which, polygon = self.tree.query(points, predicate="intersects")
        numbers = self.numbers[polygon]
        order = np.argsort(-numbers, kind="stable")  # a point on a border goes to the lower number, the last to be set
        found.iloc[np.flatnonzero(known)[which[order]]] = numbers[order]
        return found


def load_arrondissements(settings: Settings, quality: Quality) -> Arrondissements:
    """Read the newest whole arrondissements*.geojson; a warning says which are missing, or all."""
    files = [raw for raw in source_files(settings, ARRONDISSEMENTS) if not raw.is_csv]  # the CSV is of no use here
    if not files:
        text = "Sans batch/arrondissements.geojson, aucun arrondissement n'est calculé. Le récupérer : make fetch"
        quality.warn("arrondissements_absents", "information", text)
        return Arrondissements([], [])
    try:
        found, refused = newest_whole(files, lambda raw: _of_state(raw, raw.state), INCOMPLETE, len, ALL)
    except InputError as error:
        text = f"{error.message} Aucun arrondissement n'est calculé. Le récupérer à nouveau : make fetch"
        quality.warn("arrondissements_illisibles", "attention", text)
        return Arrondissements([], [])
    if len(found) < ALL:
        missing = sorted(set(range(1, ALL + 1)) - set(found))
        text = (
            f"{counted(len(found), 'arrondissement')} sur {ALL} : ce qui est dans les autres n'a pas d'arrondissement. "
        )
        quality.warn(INCOMPLETE, "attention", f"{text}Le récupérer à nouveau : make fetch", len(found), ALL, missing)
    warn_of_refused(refused, INCOMPLETE, "arrondissements_illisibles", quality)
    pairs = [(number, shape) for number, shapes in found.items() for shape in shapes]
    return Arrondissements([number for number, _ in pairs], [shape for _, shape in pairs])


@lru_cache(maxsize=2)  # the newest, and an older one where that is cut
def _of_state(raw: RawFile, _state: tuple[int, ...]) -> dict[int, list[BaseGeometry]]:
    """Read the outlines of each arrondissement by its number; InputError when the file holds none."""
    try:
        features = json.loads(read_bytes(raw.path, POLYGONS_BYTES))["features"]
        shapes = [(int(one["properties"]["c_ar"]), parse_shape(one["geometry"])) for one in features]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise InputError(f"{raw.path} n'est pas le GeoJSON des arrondissements ({type(error).__name__}).") from error
    polygons: dict[int, list[BaseGeometry]] = {}
    for number, shape in shapes:
        if shape is not None and 1 <= number <= ALL:
            polygons.setdefault(number, []).append(shape)
    if not polygons:
        raise InputError(f"{raw.path} ne contient aucun arrondissement.")
    return polygons
