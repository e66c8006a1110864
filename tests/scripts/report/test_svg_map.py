"""The map: lines where they lie, worse states on top, points and marks; well-formed for any name."""

import re
import xml.etree.ElementTree as ET
from typing import NamedTuple

import numpy as np
import pytest

from scripts.report.svg_map import (
    EAST,
    MAP_HEIGHT,
    MAP_WIDTH,
    NORTH,
    ORDER,
    SOUTH,
    WEST,
    MapArcs,
    MapMark,
    city_map,
    degrees,
    in_frame,
)

CORNER, MIDDLE = {"lon": WEST, "lat": NORTH}, {"lon": (WEST + EAST) / 2, "lat": (SOUTH + NORTH) / 2}
SQUARE = {"arrondissement": 7, "contour": "POLYGON ((2.3 48.85, 2.32 48.85, 2.32 48.87, 2.3 48.87, 2.3 48.85))"}
ACROSS = f"LINESTRING ({WEST} {NORTH}, {EAST} {SOUTH})"


class MapArc(NamedTuple):
    """One arc, as a row of MapArcs."""

    state: str
    flow: float | None
    trace: str | None
    point: dict[str, float] | None
    place: int | None = None
    moments: tuple[str, ...] = ()


def columns(arcs: list[MapArc]) -> MapArcs:
    moments = [[ORDER[state] for state in arc.moments] for arc in arcs]
    return MapArcs(
        np.array([ORDER[arc.state] for arc in arcs], dtype=np.int64),
        np.array([arc.flow for arc in arcs], dtype=float),
        [arc.trace for arc in arcs],
        degrees(arc.point for arc in arcs),
        np.array([arc.place or 0 for arc in arcs], dtype=np.int64),
        np.array(moments, dtype=np.int64).reshape(len(arcs), len(moments[0]) if moments else 0),
    )


def drawn(arcs: list[MapArc], contours: list[dict] | None = None, marks: list[MapMark] | None = None) -> ET.Element:
    return ET.fromstring(city_map(columns(arcs), contours or [], marks or [], "mots"))


def paths(root: ET.Element, css: str) -> list[str]:
    return [path.get("d", "") for path in root.iter("path") if path.get("class") == css]


def test_a_line_goes_from_corner_to_corner_of_the_frame() -> None:
    (line,) = paths(drawn([MapArc("Fluide", 5_000, ACROSS, None)]), "arc fluide w0")
    assert line == f"M0 0l{MAP_WIDTH} {MAP_HEIGHT}"


def test_degrees_have_the_same_length_both_ways() -> None:
    """A kilometre to the north is as long on the drawing as a kilometre to the east (within 1 %)."""
    east, north = 1 / 73.4, 1 / 111.2  # degrees a kilometre, at 48.86° N
    lines = [f"LINESTRING (2.3 48.85, {2.3 + east} 48.85)", f"LINESTRING (2.3 48.85, 2.3 {48.85 + north})"]
    (path,) = paths(drawn([MapArc("Fluide", 0, line, None) for line in lines]), "arc fluide w0")
    (across, _), (_, up) = [tuple(map(int, pair)) for pair in re.findall(r"l(-?\d+) ?(-?\d+)", path)]
    assert across == pytest.approx(-up, rel=0.01)


def test_states_and_flows_are_paths_of_their_own_and_the_worst_lies_on_top() -> None:
    arcs = [
        MapArc("Bloqué", 40_000, ACROSS, None),
        MapArc("Inconnu", None, ACROSS, None),
        MapArc("Fluide", 10_000, ACROSS, None),
        MapArc("Fluide", 9_999, ACROSS, None),
        MapArc("Fluide", 9_999, ACROSS, None),
    ]
    classes = [path.get("class") for path in drawn(arcs).iter("path")]
    assert classes[1:] == ["arc inconnu w0", "arc fluide w0", "arc fluide w1", "arc bloque w2"]


def test_several_parts_are_drawn_and_points_that_coincide_are_not() -> None:
    trace = "MULTILINESTRING ((2.3 48.85, 2.300001 48.85, 2.31 48.85), (2.4 48.86, 2.41 48.86))"
    (path,) = paths(drawn([MapArc("Fluide", None, trace, MIDDLE)]), "arc fluide w0")
    assert path.count("M") == 2
    assert re.fullmatch(r"(M\d+ \d+l\d+ -?\d+)+", path)


def test_an_arc_without_a_line_is_a_point_and_without_either_nothing() -> None:
    arcs = [
        MapArc("Saturé", None, None, MIDDLE),
        MapArc("Inconnu", None, None, CORNER),
        MapArc("Fluide", 1, None, None),
    ]
    root = drawn(arcs)
    assert paths(root, "arc point sature w0") == [f"M{MAP_WIDTH // 2} {round(MAP_HEIGHT / 2)}h1"]
    assert paths(root, "arc point inconnu w0") == ["M0 0m-35 0h70"]
    assert "fluide" not in ET.tostring(root, encoding="unicode")


def test_outlines_carry_their_number_inside_them() -> None:
    root = drawn([], [SQUARE])
    (outline,) = paths(root, "contours")
    assert outline.startswith("M") and outline.endswith("z")
    (label,) = (text for text in root.iter("text") if text.text == "7")
    x = (2.31 - WEST) / (EAST - WEST) * MAP_WIDTH
    assert float(label.get("x", "nan")) == pytest.approx(x, abs=MAP_WIDTH * 0.01 / (EAST - WEST))


def bank(number: int, south: float) -> dict:
    """An outline of a hundredth of a degree to the north of `south`, with a corner in common with the one beside it."""
    north = south + 0.01
    ring = f"2.3 {south}, 2.31 {south}, 2.32 {south}, 2.32 {north}, 2.31 {north}, 2.3 {north}, 2.3 {south}"
    return {"arrondissement": number, "contour": f"POLYGON (({ring}))"}


def test_the_seine_is_where_the_left_bank_meets_the_others_and_nowhere_else() -> None:
    (river,) = paths(drawn([], [bank(14, 48.83), bank(6, 48.84), bank(1, 48.85), bank(9, 48.86)]), "fleuve")
    north = round((NORTH - 48.85) / (NORTH - SOUTH) * MAP_HEIGHT)
    start, *steps = re.findall(r"-?\d+ ?-?\d+", river)
    assert start.split()[1] == str(north)
    assert [int(step.split()[1]) for step in steps] == [0, 0]
    for one_bank in ([bank(14, 48.83), bank(6, 48.84)], [bank(1, 48.85), bank(9, 48.86)], []):
        assert paths(drawn([], one_bank), "fleuve") == []


def test_a_wood_is_drawn_where_the_outline_reaches_beyond_the_ring_road() -> None:
    wide = "POLYGON ((2.39 48.83, 2.47 48.83, 2.47 48.845, 2.39 48.845, 2.39 48.83))"
    narrow = "POLYGON ((2.39 48.83, 2.418 48.83, 2.418 48.845, 2.39 48.845, 2.39 48.83))"
    for outline, found in ((wide, 1), (narrow, 0)):
        root = drawn([], [{"arrondissement": 12, "contour": outline}])
        assert len(paths(root, "bois")) == found
        assert [text.text for text in root.iter("text")].count("Bois de Vincennes") == found


def test_a_number_stands_amid_the_arcs_of_its_arrondissement() -> None:
    at = [{"lon": 2.302, "lat": 48.852}, {"lon": 2.304, "lat": 48.854}]
    arcs = [MapArc("Fluide", None, None, point, 7) for point in at]
    far = MapArc("Fluide", None, None, {"lon": 2.45, "lat": 48.9}, 7)
    labels = {
        name: next(text for text in drawn(found, [SQUARE]).iter("text") if text.text == "7").get("x")
        for name, found in (("amid", arcs), ("outside", [far, far]), ("none", []))
    }
    assert labels["amid"] == str(round((2.303 - WEST) / (EAST - WEST) * MAP_WIDTH))
    assert labels["outside"] == labels["none"] != labels["amid"]


def test_the_number_of_an_arrondissement_steps_aside_of_the_marks_that_lie_there() -> None:
    def number(marks: list[MapMark]) -> tuple[int, int]:
        label = next(text for text in drawn([], [SQUARE], marks).iter("text") if text.text == "7")
        return int(label.get("x", "")), int(label.get("y", ""))

    alone = number([])
    mark = MapMark("chantier-fort", {"lon": 2.31, "lat": 48.86}, "mots", "12")
    x, y = number([mark])
    assert (x, y) != alone and max(abs(x - alone[0]), abs(y - alone[1])) < 600
    assert abs(y - alone[1]) >= 190 or alone[0] - x >= 170 or x - alone[0] >= 310  # whose own number is at its right
    crowd = [
        MapMark("alerte", {"lon": 2.3 + 0.001 * at, "lat": 48.85 + 0.001 * up}, "")
        for at in range(21)
        for up in range(21)
    ]
    assert number(crowd) == alone  # nowhere is free


def test_a_mark_has_its_number_beside_it() -> None:
    root = drawn([], [], [MapMark("alerte", MIDDLE, "mots", "12"), MapMark("chantier", MIDDLE, "mots")])
    assert [text.text for text in root.iter("text")] == ["12"]


def test_marks_have_a_shape_and_words_that_cannot_be_markup() -> None:
    root = drawn([], [], [MapMark("alerte", MIDDLE, "</title><script>alert(1)</script>")])
    (mark,) = (path for path in root.iter("path") if path.get("class") == "alerte")
    assert mark.findtext("title") == "</title><script>alert(1)</script>"
    assert not list(root.iter("script"))


def test_what_is_beyond_the_frame_is_known_to_be() -> None:
    assert in_frame(degrees([MIDDLE, CORNER, {"lon": 0.0, "lat": 48.85}, None])).tolist() == [True, True, False, False]


def test_an_arc_has_a_class_for_its_state_at_each_other_hour_and_arcs_of_one_look_are_one_path() -> None:
    arcs = [
        MapArc("Saturé", 0, ACROSS, None, moments=("Fluide", "Inconnu", "Saturé")),
        MapArc("Saturé", 0, ACROSS, None, moments=("Fluide", "Inconnu", "Saturé")),
        MapArc("Saturé", 0, ACROSS, None, moments=("Fluide", "Inconnu", "Bloqué")),
    ]
    classes = [path.get("class") for path in drawn(arcs).iter("path")][1:]
    assert classes == ["arc sature w0 a1 b0 c3", "arc sature w0 a1 b0 c4"]


def test_works_without_numbers_are_smaller_so_that_streets_stay_to_be_seen() -> None:
    numbered, bare = (MapMark("chantier", MIDDLE, "mots", number) for number in ("1", ""))
    heights = [
        int(re.findall(r"m0-(\d+)", paths(drawn([], marks=[one]), "chantier")[0])[0]) for one in (numbered, bare)
    ]
    assert heights[0] > heights[1] > 0
