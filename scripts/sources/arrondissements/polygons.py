"""The outlines of the 20 arrondissements, and in which of them a point lies."""

import json

import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from lib.common.errors import InputError
from lib.common.settings import Settings
from lib.figures import geometry
from lib.figures.quality import Quality
from lib.raw.contents import read_bytes
from lib.raw.limits import POLYGONS_BYTES
from lib.raw.source_files import RawFile, source_files
from lib.raw.usable_files import newest_usable
from scripts.registry import ARRONDISSEMENTS


class Arrondissements:
    """The 20 arrondissements, to be asked where a point lies. Empty when the polygons are not there."""

    def __init__(self, numbers: list[int], polygons: list[BaseGeometry]) -> None:
        self.numbers = np.asarray(numbers, dtype=int)
        self.polygons = geometry.as_geometries(list(polygons))
        self.tree = shapely.STRtree(polygons)

    def locate(self, lon: pd.Series, lat: pd.Series) -> pd.Series:
        """Arrondissement number of each point (Int64); missing outside all of them or without a point."""
        found = pd.Series(pd.NA, index=lon.index, dtype="Int64")
        known = (lon.notna() & lat.notna()).to_numpy()
        points = shapely.points(lon[known].astype(float), lat[known].astype(float))
        which, polygon = self.tree.query(points, predicate="intersects")
        first = pd.Series(self.numbers[polygon]).groupby(which).min()  # a point on a border goes to the lower number
        found.iloc[np.flatnonzero(known)[first.index]] = first.to_numpy()
        return found


def load_arrondissements(settings: Settings, quality: Quality) -> Arrondissements:
    """Read the newest usable arrondissements*.geojson; where there is none the warning says so and all is missing."""
    files = [raw for raw in source_files(settings, ARRONDISSEMENTS) if not raw.is_csv]  # the CSV is of no use here
    if not files:
        quality.warn(
            "arrondissements_absents",
            "information",
            "Sans batch/arrondissements.geojson, aucun arrondissement n'est calculé. Le récupérer : make fetch",
        )
        return Arrondissements([], [])
    try:
        found, refused = newest_usable(files, _numbered_polygons)
    except InputError as error:
        text = f"{error.message} Aucun arrondissement n'est calculé. Le récupérer à nouveau : make fetch"
        quality.warn("arrondissements_illisibles", "attention", text)
        return Arrondissements([], [])
    for _, why in refused:
        quality.warn("arrondissements_illisibles", "attention", f"{why.message} Celui d'avant est pris à sa place.")
    return Arrondissements(*found)


def _numbered_polygons(raw: RawFile) -> tuple[list[int], list[BaseGeometry]]:
    try:
        features = json.loads(read_bytes(raw.path, POLYGONS_BYTES))["features"]
        shapes = [(int(one["properties"]["c_ar"]), geometry.parse_shape(one["geometry"])) for one in features]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise InputError(f"{raw.path} n'est pas le GeoJSON des arrondissements ({type(error).__name__}).") from error
    polygons = [(number, shape) for number, shape in shapes if shape is not None and 1 <= number <= 20]
    if not polygons:
        raise InputError(f"{raw.path} ne contient aucun arrondissement.")
    numbers, outlines = zip(*polygons, strict=True)
    return list(numbers), list(outlines)
