"""Points, shapes, metric lengths and areas, and where a point lies among the arrondissements."""

import json
import math
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from lib.figures import geometry

GEOD = Geod(ellps="WGS84")
LINE = {"type": "LineString", "coordinates": [[2.35, 48.85], [2.36, 48.86]]}
SQUARE = {"type": "Polygon", "coordinates": [[[2.3, 48.8], [2.4, 48.8], [2.4, 48.9], [2.3, 48.9], [2.3, 48.8]]]}
BOW_TIE = {"type": "Polygon", "coordinates": [[[2.3, 48.8], [2.31, 48.81], [2.31, 48.8], [2.3, 48.81], [2.3, 48.8]]]}


@given(st.floats(48, 49), st.floats(2, 3), st.sampled_from([",", ", "]), st.sampled_from(["{}", "[{}]", " {} "]))
def test_a_point_is_read_back_whatever_its_form(lat: float, lon: float, comma: str, frame: str) -> None:
    assert geometry.parse_point(frame.format(f"{lat}{comma}{lon}")) == (lon, lat)
    assert geometry.parse_point([lat, lon]) == geometry.parse_point({"lat": lat, "lon": lon}) == (lon, lat)


@pytest.mark.parametrize(
    "value",
    [None, "", "48.85", "48.85 2.35", "1.2.3, 4", "nord, sud", [48.85], {"lat": 48.85}, {"lon": None, "lat": 1},
     "652000, 6862000", [math.nan, 2.3], {"lon": 10**400, "lat": 1}, 48.85],
)  # fmt: skip
def test_what_is_no_point_is_none(value: Any) -> None:
    assert geometry.parse_point(value) is None


@pytest.mark.parametrize(
    "value",
    [LINE, json.dumps(LINE), {"type": "Feature", "geometry": LINE, "properties": {}},
     json.dumps({"geometry": LINE, "type": "Feature"})],
)  # fmt: skip
def test_a_shape_is_read_alone_or_in_a_feature(value: Any) -> None:
    shape = geometry.parse_shape(value)
    assert shape is not None
    assert list(shape.coords) == [(2.35, 48.85), (2.36, 48.86)]


@pytest.mark.parametrize(
    "value",
    [None, "", "  ", "{", "[1, 2]", "LINESTRING (2 48, 3 49)", '{"type": "Polygon"}', '{"type": "Truc"}', 3,
     '{"type": "LineString", "coordinates": [[2.35, 48.85]]}', '{"type": "LineString", "coordinates": []}',
     '{"type": "LineString", "coordinates": [[2.35, null], [2.36, 48.86]]}',
     '{"type": "LineString", "coordinates": [[2.35, NaN], [2.36, 48.86]]}',
     '{"type": "LineString", "coordinates": [[652000, 6862000], [652100, 6862000]]}',
     '{"type": "Feature", "geometry": null}', "[" * 100_000],
)  # fmt: skip
def test_what_is_no_shape_in_degrees_is_none(value: Any) -> None:
    assert geometry.parse_shape(value) is None


def test_lengths_and_areas_are_metric() -> None:
    shapes = geometry.as_geometries([geometry.parse_shape(LINE), None, geometry.parse_shape(SQUARE)])
    line = GEOD.line_length([2.35, 2.36], [48.85, 48.86])
    assert geometry.lengths(shapes)[0] == pytest.approx(line, rel=1e-3)
    square, _ = GEOD.polygon_area_perimeter([2.3, 2.4, 2.4, 2.3], [48.8, 48.8, 48.9, 48.9])
    areas = geometry.areas(shapes)
    assert areas[2] == pytest.approx(square, rel=1e-3)
    assert areas[0] == 0
    assert np.isnan(areas[1])
    assert np.isnan(geometry.lengths(shapes)[1])


def test_a_self_crossing_outline_has_the_area_of_its_two_halves() -> None:
    triangle, _ = GEOD.polygon_area_perimeter([2.3, 2.305, 2.3], [48.8, 48.805, 48.81])
    (area,) = geometry.areas(geometry.as_geometries([geometry.parse_shape(BOW_TIE)]))
    assert area == pytest.approx(2 * abs(triangle), rel=1e-3)


def test_the_middle_lies_half_way_along_the_line() -> None:
    elbow = {"type": "LineString", "coordinates": [[2.30, 48.85], [2.34, 48.85], [2.34, 48.851]]}
    shape = geometry.parse_shape(elbow)
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
