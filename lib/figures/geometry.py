"""Shapes in metres: lengths, areas, middles, simpler outlines.

Stored coordinates are WGS 84 degrees; metres come from Lambert-93 (EPSG:2154), whose scale error in Paris is below
0.01 %. Its formulas are those of EPSG's guidance note 7-2, method 9802, on the ellipsoid GRS 1980; RGF93 is taken for
WGS 84, from which it is within a metre. They agree with PROJ to the last bits (1e-8 m), whose import takes 40 ms.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

WKT_DECIMALS = 5  # of a degree: 1 m

Geometries = npt.NDArray[np.object_]
Numbers = npt.NDArray[np.float64]

SEMI_MAJOR_AXIS, FLATTENING = 6_378_137.0, 1 / 298.257222101  # m; GRS 1980
ORIGIN_LON, ORIGIN_LAT, SOUTH, NORTH = map(math.radians, (3.0, 46.5, 44.0, 49.0))  # of Lambert-93, its two parallels
FALSE_EASTING, FALSE_NORTHING = 700_000.0, 6_600_000.0  # m
ROUNDS = 7  # of the latitude's iteration, each of which is 300 times nearer


def to_metres(shapes: Geometries) -> Geometries:
    """Project shapes to Lambert-93 metres (None stays None)."""
    return _moved(shapes, _to_lambert)


def lengths(shapes: Geometries) -> npt.NDArray[np.float64]:
    """Measure the length of each shape in metres; NaN for None."""
    return np.asarray(shapely.length(to_metres(shapes)), dtype=float)


def areas(shapes: Geometries) -> npt.NDArray[np.float64]:
    """Measure the area of each shape in m²; NaN for None. Self-crossing outlines are repaired first."""
    return np.asarray(shapely.area(to_metres(np.asarray(shapely.make_valid(shapes)))), dtype=float)


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


def _to_degrees(shapes: Geometries) -> Geometries:
    return _moved(shapes, _from_lambert)


def _moved(shapes: Geometries, move: Callable[[Numbers, Numbers], tuple[Numbers, Numbers]]) -> Geometries:
    return np.asarray(shapely.transform(shapes, move, interleaved=False))


def _to_lambert(lon: Numbers, lat: Numbers) -> tuple[Numbers, Numbers]:
    radius = _SCALE * _conformal(np.radians(lat)) ** _CONE
    angle = _CONE * (np.radians(lon) - ORIGIN_LON)
    return FALSE_EASTING + radius * np.sin(angle), FALSE_NORTHING + _ORIGIN_RADIUS - radius * np.cos(angle)


def _from_lambert(east: Numbers, north: Numbers) -> tuple[Numbers, Numbers]:
    x, y = east - FALSE_EASTING, FALSE_NORTHING + _ORIGIN_RADIUS - north
    conformal = (np.hypot(x, y) / _SCALE) ** (1 / _CONE)
    lat = np.pi / 2 - 2 * np.arctan(conformal)
    for _ in range(ROUNDS):
        lat = np.pi / 2 - 2 * np.arctan(conformal / _ellipsoid(lat))
    return np.degrees(np.arctan2(x, y) / _CONE + ORIGIN_LON), np.degrees(lat)


def _conformal(lat: Any) -> Any:
    """Compute t of the guidance note: the tangent of half the colatitude, on a sphere of the same angles."""
    return np.tan(np.pi / 4 - lat / 2) * _ellipsoid(lat)


def _ellipsoid(lat: Any) -> Any:
    sine = _ECCENTRICITY * np.sin(lat)
    return ((1 + sine) / (1 - sine)) ** (_ECCENTRICITY / 2)


def _parallel(lat: float) -> float:
    """Compute m of the guidance note: the radius of a parallel over the semi-major axis."""
    return math.cos(lat) / math.sqrt(1 - (_ECCENTRICITY * math.sin(lat)) ** 2)


_ECCENTRICITY = math.sqrt(FLATTENING * (2 - FLATTENING))
_CONE = math.log(_parallel(SOUTH) / _parallel(NORTH)) / math.log(_conformal(SOUTH) / _conformal(NORTH))
_SCALE = SEMI_MAJOR_AXIS * _parallel(SOUTH) / (_CONE * _conformal(SOUTH) ** _CONE)
_ORIGIN_RADIUS = _SCALE * _conformal(ORIGIN_LAT) ** _CONE
