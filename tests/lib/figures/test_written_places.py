"""Places as files write them: every form of a point and of a shape is read, what is not understood is said."""

import json
import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.figures.quality import Quality
from lib.figures.written_places import is_written, join_places, parse_point, parse_shape, read_places

LINE = {"type": "LineString", "coordinates": [[2.35, 48.85], [2.36, 48.86]]}
POINT = {"type": "Point", "coordinates": [2.35, 48.85]}


@given(st.floats(48, 49), st.floats(2, 3), st.sampled_from([",", ", "]), st.sampled_from(["{}", "[{}]", " {} "]))
def test_a_point_is_read_back_whatever_its_form(lat: float, lon: float, comma: str, frame: str) -> None:
    assert parse_point(frame.format(f"{lat}{comma}{lon}")) == (lon, lat)
    assert parse_point([lat, lon]) == parse_point({"lat": lat, "lon": lon}) == (lon, lat)


@pytest.mark.parametrize(
    "value",
    [None, "", "48.85", "48.85 2.35", "1.2.3, 4", "nord, sud", [48.85], {"lat": 48.85}, {"lon": None, "lat": 1},
     "652000, 6862000", [math.nan, 2.3], {"lon": 10**400, "lat": 1}, 48.85],
)  # fmt: skip
def test_what_is_no_point_is_none(value: Any) -> None:
    assert parse_point(value) is None


@pytest.mark.parametrize(
    "value",
    [LINE, json.dumps(LINE), {"type": "Feature", "geometry": LINE, "properties": {}},
     json.dumps({"geometry": LINE, "type": "Feature"})],
)  # fmt: skip
def test_a_shape_is_read_alone_or_in_a_feature(value: Any) -> None:
    shape = parse_shape(value)
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
    assert parse_shape(value) is None


FORMS = (
    {"lon": 2.35, "lat": 48.85},
    {"lon": "2,35", "lat": "48,85"},
    [48.85, 2.35],
    POINT,
    {**POINT, "coordinates": [2.35, 48.85, 35.0]},
    {"type": "Feature", "geometry": POINT, "properties": {"nom": "pont d'Iéna", "vide": None}},
)


@pytest.mark.parametrize("value", FORMS)
def test_an_object_is_read_as_it_is_and_as_json_and_python_write_it(value: Any) -> None:
    assert [parse_point(form) for form in (value, json.dumps(value), str(value), f" {value} ")] == [(2.35, 48.85)] * 4


def test_a_pair_that_python_wrote_as_a_tuple_is_read() -> None:
    assert parse_point("(48.85, 2.35)") == parse_point((48.85, 2.35)) == (2.35, 48.85)


def test_a_shape_that_pandas_wrote_is_read() -> None:
    for form in (str(LINE), str({"type": "Feature", "geometry": LINE, "properties": {"a": None, "b": "l'arc"}})):
        shape = parse_shape(form)
        assert shape is not None and list(shape.coords) == [(2.35, 48.85), (2.36, 48.86)]


@pytest.mark.parametrize(
    "value",
    ["{'lon': 2.35", "{'lon': open('/etc/passwd')}", "[" * 100_000, "{'a':" * 5_000, "{" + "-" * 100_000 + "1}"],
)
def test_a_text_that_is_no_literal_is_no_place(value: str) -> None:
    assert parse_point(value) is None and parse_shape(value) is None
    assert is_written(value)


@pytest.mark.parametrize(
    "value",
    [None, math.nan, "", "  ", "nan", "None", "null", "{}", {}, [], "[]", {"lon": None, "lat": None},
     "{'lon': None, 'lat': None}", {"type": "Feature", "geometry": None, "properties": {"nom": "x"}}, pd.NA],
)  # fmt: skip
def test_a_blank_is_no_written_place(value: Any) -> None:
    assert not is_written(value)
    assert parse_point(value) is None


@pytest.mark.parametrize(
    "value", ["nord", "652000, 6862000", {"lat": 48.85}, [1], 5, "POINT(2.35 48.85)", [2.35, None]]
)
def test_what_is_not_understood_is_written(value: Any) -> None:
    assert is_written(value)
    assert parse_point(value) is None


def test_the_last_place_that_is_understood_is_that_of_its_sensor() -> None:
    written = ["48.85, 2.35", "", "x", "49.0, 2.0", {"lon": 2.4, "lat": 48.9}, "là", "ici", None]
    quality = Quality()
    places = read_places(pd.Series(written, index=list("AAABBCCD"), dtype=object), quality, "compteurs")
    assert places.loc["A"].tolist() == [2.35, 48.85]
    assert places.loc["B"].tolist() == [2.4, 48.9]
    assert places.loc[["C", "D"]].isna().all(axis=None)
    (warning,) = quality.avertissements
    assert (warning.code, warning.severite, warning.mesure) == ("lieux_illisibles", "attention", 2)
    assert warning.message == "2 compteurs ont un lieu écrit mais pas compris ; 1 restent sans lieu."
    assert warning.exemples == ("A : x", "C : là")


def test_blanks_and_no_rows_at_all_are_not_warned_of() -> None:
    quality = Quality()
    assert read_places(pd.Series(["", None], index=["A", "B"], dtype=object), quality, "arcs")["lon"].isna().all()
    assert read_places(pd.Series([], dtype=object), quality, "arcs").empty
    assert not quality.avertissements


def test_two_columns_make_a_place_where_the_one_is_blank() -> None:
    rows = pd.DataFrame(
        {
            "coordinates": [None, "", "48.0, 2.0", None],
            "lat": ["48.85", "48,85", "1", ""],
            "lon": ["2.35", "2,35", "1", ""],
        },
        dtype=object,
    )
    joined = join_places(rows, "coordinates")
    assert joined.columns.tolist() == ["coordinates"]
    assert [parse_point(value) for value in joined["coordinates"]] == [(2.35, 48.85), (2.35, 48.85), (2.0, 48.0), None]


@pytest.mark.parametrize(
    "value", [{"lon": 48.85, "lat": 2.35}, "2.35, 48.85", [2.35, 48.85], "{'lon': 48.85, 'lat': 2.35}"]
)
def test_degrees_of_paris_that_were_swapped_can_mean_one_thing_only(value: Any) -> None:
    assert parse_point(value) == (2.35, 48.85)


def test_a_line_of_latitudes_first_is_read_the_other_way_round() -> None:
    line = {"type": "LineString", "coordinates": [[48.85, 2.35], [48.86, 2.36]]}
    shape = parse_shape(line)
    assert shape is not None and shape.bounds == (2.35, 48.85, 2.36, 48.86)


def test_zero_zero_is_no_place() -> None:
    assert parse_point({"lon": 0, "lat": 0}) is None and is_written({"lon": 0, "lat": 0})
