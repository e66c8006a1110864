"""The ground of the synthetic city: an approximate outline of Paris and twenty districts that are Voronoi cells.

Nothing here comes from a published file: the outline and the district centres are rounded by hand, and only the
numbers, the labels and the names of the districts are the real ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Point, Polygon

from scripts.demo.files import compact_json

ORIGIN = np.array([2.34, 48.86])
METRES_PER_DEGREE = np.array([73_376.0, 111_207.0])  # at that latitude, WGS84
CENTRE = np.array([0.0, 0.0])
OUTLINE = (
    (2.280, 48.879), (2.304, 48.894), (2.330, 48.900), (2.360, 48.9015), (2.389, 48.901), (2.404, 48.886),
    (2.412, 48.875), (2.415, 48.855), (2.411, 48.836), (2.398, 48.826), (2.375, 48.818), (2.350, 48.816),
    (2.325, 48.8185), (2.300, 48.825), (2.275, 48.833), (2.257, 48.841), (2.2535, 48.850), (2.262, 48.866),
)  # fmt: skip
DISTRICTS = (
    ("Louvre", 2.336, 48.863), ("Bourse", 2.343, 48.868), ("Temple", 2.360, 48.863), ("Hôtel-de-Ville", 2.356, 48.855),
    ("Panthéon", 2.350, 48.845), ("Luxembourg", 2.333, 48.849), ("Palais-Bourbon", 2.313, 48.856),
    ("Élysée", 2.312, 48.873), ("Opéra", 2.338, 48.877), ("Entrepôt", 2.360, 48.876), ("Popincourt", 2.380, 48.859),
    ("Reuilly", 2.398, 48.841), ("Gobelins", 2.362, 48.829), ("Observatoire", 2.327, 48.830),
    ("Vaugirard", 2.293, 48.841), ("Passy", 2.268, 48.860), ("Batignolles-Monceau", 2.306, 48.888),
    ("Buttes-Montmartre", 2.348, 48.892), ("Buttes-Chaumont", 2.385, 48.887), ("Ménilmontant", 2.402, 48.864),
)  # fmt: skip


class City(NamedTuple):
    """Polygons in metres around ORIGIN; `districts[n]` is arrondissement n + 1."""

    outline: Polygon
    districts: tuple[Polygon, ...]


def to_metres(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    return (lonlat - ORIGIN) * METRES_PER_DEGREE


def to_lonlat(metres: NDArray[np.float64]) -> NDArray[np.float64]:
    return metres / METRES_PER_DEGREE + ORIGIN


def build_city() -> City:
    outline = Polygon(to_metres(np.array(OUTLINE))).convex_hull
    centres = to_metres(np.array([(lon, lat) for _, lon, lat in DISTRICTS]))
    cells = shapely.voronoi_polygons(shapely.MultiPoint(centres), extend_to=outline.buffer(1000), ordered=True)
    return City(outline, tuple(cell.intersection(outline) for cell in cells.geoms))


def district_of(city: City, point: Point) -> int | None:
    """Find the arrondissement (1 to 20) that holds the point, if one does."""
    return next((number for number, cell in enumerate(city.districts, 1) if cell.covers(point)), None)


def ring_road(city: City, offset: float) -> LineString:
    """Draw the boulevard périphérique, `offset` metres outside the outline (inside if negative)."""
    return LineString(city.outline.buffer(offset, join_style="mitre").exterior.coords)


def point_in_city(city: City, across: float, around: float) -> NDArray[np.float64]:
    """Two uniform numbers to a point of the city, in metres, spread evenly and a little away from the edge."""
    angle = 2 * np.pi * around
    direction = np.array([np.cos(angle), np.sin(angle)])
    ray = LineString([CENTRE, 20_000 * direction]).intersection(city.outline)
    return CENTRE + 0.92 * np.sqrt(across) * ray.length * direction


def arrondissements_geojson(city: City) -> bytes:
    features = [district_feature(number, cell) for number, cell in enumerate(city.districts, 1)]
    return compact_json({"type": "FeatureCollection", "features": features})


def district_feature(number: int, cell: Polygon) -> dict[str, object]:
    # Eight decimals are a millimetre: neighbours round their shared corners to the same place.
    corners = to_lonlat(np.array(cell.exterior.coords)).round(8)
    lon, lat = to_lonlat(np.array(cell.centroid.coords[0])).round(8).tolist()
    properties = {
        "n_sq_ar": 750_000_000 + number,
        "c_ar": number,
        "c_arinsee": 75_100 + number,
        "l_ar": f"{number}{'er' if number == 1 else 'ème'} Ardt",
        "l_aroff": DISTRICTS[number - 1][0],
        "n_sq_co": 750_001_537,
        "surface": cell.area,
        "perimetre": cell.length,
        "geom_x_y": {"lon": lon, "lat": lat},
    }
    geometry = {"coordinates": [corners.tolist()], "type": "Polygon"}
    return {"type": "Feature", "geometry": geometry, "properties": properties}
