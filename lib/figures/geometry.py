"""Shapes in metres: lengths, middles, simpler outlines.

Stored coordinates are WGS 84 degrees; metres come from Lambert-93 (EPSG:2154), whose scale error in Paris is below
0.01 %.
"""

from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

if TYPE_CHECKING:
    from pyproj import Transformer

WKT_DECIMALS = 5  # of a degree: 1 m

Geometries = npt.NDArray[np.object_]


def to_metres(shapes: Geometries) -> Geometries:
    """Project shapes to Lambert-93 metres (None stays None)."""
    return _moved(shapes, "FORWARD")


def lengths(shapes: Geometries) -> npt.NDArray[np.float64]:
    """Measure the length of each shape in metres; NaN for None."""
    return np.asarray(shapely.length(to_metres(shapes)), dtype=float)


def middles(lines: Geometries) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Find the point half-way along each line, on it; longitudes and latitudes in degrees."""
    points = shapely.line_interpolate_point(to_metres(lines), 0.5, normalized=True)
    degrees = _to_degrees(np.asarray(points))
    return np.asarray(shapely.get_x(degrees), dtype=float), np.asarray(shapely.get_y(degrees), dtype=float)


def simplified_lines(lines: Geometries, tolerance: float) -> list[str]:
    """Simplify lines, no point moved by more than `tolerance` metres; WKT in degrees, five decimals (1 m)."""
    simpler = shapely.simplify(to_metres(lines), tolerance)
    return list(shapely.to_wkt(_to_degrees(simpler), rounding_precision=WKT_DECIMALS))


def simplified_coverage(polygons: Geometries, tolerance: float) -> list[str]:
    """Simplify touching polygons, a shared border staying one line (tolerance in metres); WKT in degrees."""
    simpler = shapely.coverage_simplify(to_metres(polygons), tolerance)
    return list(shapely.to_wkt(_to_degrees(simpler), rounding_precision=WKT_DECIMALS))


def as_geometries(values: list[BaseGeometry | None]) -> Geometries:
    """Make an object array, which numpy would otherwise try to unpack."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


@lru_cache(maxsize=1)
def _transformer() -> "Transformer":
    from pyproj import Transformer  # 40 ms, which days without a shape to measure do without

    return Transformer.from_crs("EPSG:4326", "EPSG:2154", always_xy=True)


def _to_degrees(shapes: Geometries) -> Geometries:
    return _moved(shapes, "INVERSE")


def _moved(shapes: Geometries, direction: str) -> Geometries:
    if not shapely.get_num_coordinates(shapes).any():  # as on most days: the transformer takes 20 ms to be made
        return np.asarray(shapes)
    move = partial(_transformer().transform, direction=direction)
    return np.asarray(shapely.transform(shapes, move, interleaved=False))
