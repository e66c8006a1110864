"""The map of Paris as one SVG drawing: arcs by state and flow, outlines, works and alerts as marked shapes.

The frame never moves, so that the maps of two days can be laid side by side. Arcs of one state and one width are one
path: a drawing of 3 000 arcs is some 60 kB.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from markupsafe import Markup

WEST, EAST, SOUTH, NORTH = 2.222, 2.472, 48.812, 48.906  # degrees: the twenty arrondissements with both woods
MAP_WIDTH = 10_000  # units, about 1.8 m each
SCALE = MAP_WIDTH / (EAST - WEST)
STRETCH = 1 / math.cos(math.radians((SOUTH + NORTH) / 2))  # a degree of latitude against one of longitude
MAP_HEIGHT = round((NORTH - SOUTH) * SCALE * STRETCH)

UNKNOWN = "Inconnu"
STATES = {UNKNOWN: "inconnu", "Fluide": "fluide", "Pré-saturé": "presature", "Saturé": "sature", "Bloqué": "bloque"}
FLOW_BOUNDS = (10_000, 30_000)  # vehicles of the day, between thin, medium and wide
# What is drawn at a point: lozenges for works, a triangle for an alert, a disc for an arc without a line.
MARKS = {
    "chantier": "m0-62l62 62-62 62-62-62z",
    "chantier-fort": "m0-80l80 80-80 80-80-80z",
    "alerte": "m0-135l125 225h-250z",
}
DOT, DASH = "h1", "m-35 0h70"  # the second where the state is not known

Pixels = npt.NDArray[np.int64]


class MapArc(NamedTuple):
    """One arc: its state, its flow of the day, its line (WKT, degrees), else its point."""

    state: str
    flow: float | None
    trace: str | None
    point: dict[str, float] | None


class MapMark(NamedTuple):
    """A shape put on a point, and the words a pointer or a screen reader finds there."""

    shape: str  # chantier | chantier-fort | alerte
    point: dict[str, float]
    text: str


def city_map(
    arcs: Sequence[MapArc], contours: Sequence[dict[str, Any]], marks: Sequence[MapMark], words: str
) -> Markup:
    """Draw the map; `words` say in one sentence what it shows."""
    return Markup(
        '<svg class="carte" viewBox="0 0 {} {}" role="img" aria-labelledby="carte-titre"><title id="carte-titre">{}'
        "</title>{}{}{}{}</svg>"
    ).format(MAP_WIDTH, MAP_HEIGHT, words, _outlines(contours), _roads(arcs), _numbers(contours), _marks(marks))


def in_frame(point: dict[str, float]) -> bool:
    """Tell whether a point (degrees) is on the map."""
    return WEST <= point["lon"] <= EAST and SOUTH <= point["lat"] <= NORTH


def _project(degrees: npt.NDArray[np.float64]) -> Pixels:
    x = (degrees[:, 0] - WEST) * SCALE
    y = (NORTH - degrees[:, 1]) * SCALE * STRETCH
    return np.column_stack([x, y]).round().astype(np.int64)


def _outlines(contours: Sequence[dict[str, Any]]) -> Markup:
    shapes = shapely.from_wkt([one["contour"] for one in contours])
    rings = shapely.get_exterior_ring(shapely.get_parts(shapes))
    return Markup('<path class="contours" d="{}"/>').format("".join(f"{line}z" for _, line in _lines(rings)))


def _numbers(contours: Sequence[dict[str, Any]]) -> Markup:
    """Draw the number of each arrondissement at a point inside it; over the roads, so that it can be read."""
    middles = shapely.point_on_surface(shapely.from_wkt([one["contour"] for one in contours]))
    labels = Markup("").join(
        Markup('<text x="{}" y="{}">{}</text>').format(x, y, one["arrondissement"])
        for (x, y), one in zip(_project(shapely.get_coordinates(middles)).tolist(), contours, strict=True)
    )
    return Markup('<g class="numeros" aria-hidden="true">{}</g>').format(labels)


def _roads(arcs: Sequence[MapArc]) -> Markup:
    """Draw one path per state and width, the worst state last so that it lies on top."""
    lines: dict[tuple[str, int], list[str]] = defaultdict(list)
    dots: dict[tuple[str, int], list[str]] = defaultdict(list)
    traced = [arc for arc in arcs if arc.trace]
    for row, line in _lines(shapely.from_wkt([arc.trace for arc in traced])):
        lines[traced[row].state, _width(traced[row].flow)].append(line)
    placed = [arc for arc in arcs if not arc.trace and arc.point]
    for arc, (x, y) in zip(placed, _project(_degrees(arc.point for arc in placed)).tolist(), strict=True):
        dots[arc.state, _width(arc.flow)].append(f"M{x} {y}{DASH if arc.state == UNKNOWN else DOT}")
    return Markup("").join(
        Markup('<path class="{} {} w{}" d="{}"/>').format(kind, STATES[state], width, "".join(paths[state, width]))
        for state in STATES
        for width in range(len(FLOW_BOUNDS) + 1)
        for kind, paths in (("arc", lines), ("arc point", dots))
        if (state, width) in paths
    )


def _width(flow: float | None) -> int:
    return 0 if flow is None else int(np.searchsorted(FLOW_BOUNDS, flow, side="right"))


def _lines(shapes: Any) -> Iterable[tuple[int, str]]:
    """Yield (row of `shapes`, path data) of each line of each shape, projecting all lines at once."""
    parts, rows = shapely.get_parts(shapes, return_index=True)
    degrees, owner = shapely.get_coordinates(parts, return_index=True)
    ends = np.searchsorted(owner, np.arange(len(parts)), side="right")
    for row, points in zip(rows.tolist(), np.split(_project(degrees), ends[:-1]), strict=False):
        yield row, _path(points)


def _path(points: Pixels) -> str:
    """Build path data relative to the first point, without the points that fall on the one before."""
    steps = np.diff(points, axis=0)
    moves = steps[steps.any(axis=1)].tolist()
    line = " ".join(f"{x} {y}" for x, y in moves).replace(" -", "-")
    return f"M{points[0, 0]} {points[0, 1]}" + (f"l{line}" if moves else "h1")


def _degrees(points: Iterable[dict[str, float] | None]) -> npt.NDArray[np.float64]:
    pairs = [(point["lon"], point["lat"]) for point in points if point]
    return np.asarray(pairs, dtype=float).reshape(-1, 2)


def _marks(marks: Sequence[MapMark]) -> Markup:
    places = _project(_degrees(mark.point for mark in marks)).tolist()
    return Markup("").join(
        Markup('<path class="{}" d="M{} {}{}"><title>{}</title></path>').format(
            mark.shape, x, y, MARKS[mark.shape], mark.text
        )
        for mark, (x, y) in zip(marks, places, strict=True)
    )
