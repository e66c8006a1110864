"""Metric lengths and areas, and the middle of a line."""

import numpy as np
import pytest
import shapely
from pyproj import Geod

from lib.figures import geometry
from lib.figures.written_places import parse_shape

GEOD = Geod(ellps="WGS84")
LINE = {"type": "LineString", "coordinates": [[2.35, 48.85], [2.36, 48.86]]}
SQUARE = {"type": "Polygon", "coordinates": [[[2.3, 48.8], [2.4, 48.8], [2.4, 48.9], [2.3, 48.9], [2.3, 48.8]]]}


def test_lengths_and_areas_are_metric() -> None:
    shapes = geometry.as_geometries([parse_shape(LINE), None, parse_shape(SQUARE)])
    line = GEOD.line_length([2.35, 2.36], [48.85, 48.86])
    assert geometry.lengths(shapes)[0] == pytest.approx(line, rel=1e-3)
    square, _ = GEOD.polygon_area_perimeter([2.3, 2.4, 2.4, 2.3], [48.8, 48.8, 48.9, 48.9])
    areas = shapely.area(geometry.to_metres(shapes))
    assert areas[2] == pytest.approx(square, rel=1e-3)
    assert areas[0] == 0
    assert np.isnan(areas[1])
    assert np.isnan(geometry.lengths(shapes)[1])


def test_the_middle_lies_half_way_along_the_line() -> None:
    elbow = {"type": "LineString", "coordinates": [[2.30, 48.85], [2.34, 48.85], [2.34, 48.851]]}
    shape = parse_shape(elbow)
    lon, lat = geometry.middles(geometry.as_geometries([shape]))
    assert lat[0] == pytest.approx(48.85, abs=1e-5)
    before = GEOD.line_length([2.30, lon[0]], [48.85, lat[0]])
    after = GEOD.line_length([lon[0], 2.34, 2.34], [lat[0], 48.85, 48.851])
    assert before == pytest.approx(after, rel=1e-3)


def test_the_middle_of_two_separate_parts_is_on_one_of_them() -> None:
    parts = shapely.MultiLineString([[(2.30, 48.85), (2.31, 48.85)], [(2.33, 48.86), (2.36, 48.86)]])
    lon, lat = geometry.middles(geometry.as_geometries([parts]))
    assert geometry.lengths(geometry.as_geometries([shapely.LineString([(lon[0], lat[0]), (lon[0], 48.86)])]))[0] < 1
    assert 2.33 < lon[0] < 2.36
