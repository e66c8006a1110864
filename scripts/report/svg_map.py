"""The map of Paris as one SVG drawing: the ground, arcs by state and flow, works and alerts as numbered shapes.

The frame never moves, so that the maps of two days can be laid side by side. Arcs of one state and one width are one
path: a drawing of 3 000 arcs is some 60 kB. The ground comes out of the outlines of the arrondissements: the Seine is
where those of the left bank meet the others.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from markupsafe import Markup

from scripts.report.rendering import drawing
from scripts.sources.comptages import congestion as traffic
from scripts.sources.comptages.congestion import UNKNOWN

WEST, EAST, SOUTH, NORTH = 2.222, 2.472, 48.812, 48.906  # degrees: the twenty arrondissements with both woods
MAP_WIDTH = 10_000  # units, about 1.8 m each
SCALE = MAP_WIDTH / (EAST - WEST)
STRETCH = 1 / math.cos(math.radians((SOUTH + NORTH) / 2))  # a degree of latitude against one of longitude
MAP_HEIGHT = round((NORTH - SOUTH) * SCALE * STRETCH)

STATES = dict(zip((UNKNOWN, *traffic.STATES), ("inconnu", "fluide", "presature", "sature", "bloque"), strict=True))
ORDER = {state: place for place, state in enumerate(STATES)}
MOMENT_CLASSES = "abc"  # each with the place of a state: the look of an arc at another hour (see style.css.j2)
FLOW_BOUNDS = (10_000, 30_000)  # vehicles of the day, between thin, medium and wide
LEFT_BANK = (5, 6, 7, 13, 14, 15)
# The sides of the two woods that the outlines do not have, beyond the boulevard périphérique (degrees).
WOODS = {
    "Bois de Boulogne": (
        16, "POLYGON ((2.2815 48.883, 2.2795 48.8785, 2.2715 48.8715, 2.2635 48.861, 2.257 48.8485, 2.2525 48.8465, "
        "2.249 48.845, 2.22 48.845, 2.22 48.883, 2.2815 48.883))",
    ),
    "Bois de Vincennes": (12, "POLYGON ((2.4175 48.85, 2.4175 48.84, 2.408 48.8305, 2.408 48.81, 2.48 48.81, "
        "2.48 48.85, 2.4175 48.85))"),
}  # fmt: skip
LEAST_WOOD = 5e-4  # square degrees (4 km², half of the smaller wood); less is where two outlines of the city differ
PLACES = (
    ("Étoile", 2.2950, 48.8738), ("République", 2.3637, 48.8675), ("Nation", 2.3958, 48.8484),
    ("Bastille", 2.3692, 48.8532), ("Pte Maillot", 2.2825, 48.8780), ("Pte de la Chapelle", 2.3590, 48.8985),
    ("Pte de Bagnolet", 2.4095, 48.8645), ("Pte de Bercy", 2.3905, 48.8275), ("Pte d’Italie", 2.3600, 48.8175),
    ("Pte d’Orléans", 2.3255, 48.8215), ("Pte de St-Cloud", 2.2570, 48.8375),
)  # fmt: skip
# What is drawn at a point: lozenges for works, a triangle for an alert, a disc for an arc without a line.
MARKS = {
    "chantier": "m0-62l62 62-62 62-62-62z",
    "chantier-fort": "m0-80l80 80-80 80-80-80z",
    "alerte": "m0-135l125 225h-250z",
}
SMALL_MARKS = {"chantier": "m0-36l36 36-36 36-36-36z", "chantier-fort": "m0-46l46 46-46 46-46-46z"}  # without numbers
# Units: half of a letter of a place and of a digit of an arrondissement, half of what words and a mark take together,
# how far to the right a mark reaches with its number.
LETTER, DIGIT, ROOM, MARK_SIDE = 33, 50, 190, 70
# Where words are tried around their place, the nearest first: degrees of longitude and latitude.
_TURNS, _FAR = np.meshgrid(np.arange(0, 6.2, 0.7), np.arange(0, 9) * 1e-3)
AROUND = np.column_stack([(_FAR * np.cos(_TURNS) * STRETCH).ravel(), (_FAR * np.sin(_TURNS)).ravel()])
DOT, DASH = "h1", "m-35 0h70"  # the second where the state is not known

Codes = npt.NDArray[np.int64]  # places in STATES
Degrees = npt.NDArray[np.float64]  # a row a point: longitude, latitude
Pixels = npt.NDArray[np.int64]
Shapes = dict[int, Any]  # the outline of each arrondissement, in degrees


class MapArcs(NamedTuple):
    """The columns of some arcs: state, flow of the day, line (WKT, degrees), else point, and arrondissement (0: none).

    moments: a column for the state at each of the hours that the map can show besides.
    """

    states: Codes
    flows: npt.NDArray[np.float64]  # NaN where it is not known, as for points
    traces: Sequence[str | None]
    points: Degrees
    places: npt.NDArray[np.int64]
    moments: Codes


class MapMark(NamedTuple):
    """A shape put on a point, and the words that a pointer or a screen reader finds there; `number` is drawn by it."""

    shape: str  # chantier | chantier-fort | alerte
    point: dict[str, float]
    text: str
    number: str = ""


def city_map(arcs: MapArcs, contours: Sequence[dict[str, Any]], marks: Sequence[MapMark], words: str) -> Markup:
    """Draw the map; `words` say in one sentence what it shows."""
    shapes, names, ground = _ground(tuple((one["arrondissement"], one["contour"]) for one in contours))
    places = _project(degrees(mark.point for mark in marks))
    taken = places + np.array([MARK_SIDE, 0])
    return drawing(
        "carte",
        largeur=MAP_WIDTH,
        hauteur=MAP_HEIGHT,
        mots=words,
        **ground,
        noms=[_aside(name, lon, lat, LETTER, taken) for name, lon, lat in names],
        voies=_roads(arcs),
        numeros=_numbers(shapes, arcs, taken),
        reperes=_marks(marks, places),
    )


def degrees(points: Iterable[dict[str, float] | None]) -> Degrees:
    """Put points in rows, NaN where there is none."""
    pairs = [(point["lon"], point["lat"]) if point else (np.nan, np.nan) for point in points]
    return np.array(pairs, dtype=float).reshape(-1, 2)


def in_frame(points: Degrees) -> npt.NDArray[np.bool_]:
    """Tell which points are on the map."""
    lon, lat = points.T
    return (lon >= WEST) & (lon <= EAST) & (lat >= SOUTH) & (lat <= NORTH)


def _project(points: Degrees) -> Pixels:
    x = (points[:, 0] - WEST) * SCALE
    y = (NORTH - points[:, 1]) * SCALE * STRETCH
    return np.column_stack([x, y]).round().astype(np.int64)


@lru_cache(maxsize=1)  # that of one day after the other is the same
def _ground(contours: tuple[tuple[int, str], ...]) -> tuple[Shapes, list[tuple[str, float, float]], dict[str, Markup]]:
    """Read the outlines of the arrondissements; return them, the names around them (degrees), what is drawn of both."""
    shapes = dict(zip([place for place, _ in contours], shapely.from_wkt([one for _, one in contours]), strict=True))
    shapely.prepare(list(shapes.values()))
    woods = {name: wood for name, (place, side) in WOODS.items() if (wood := _wood(shapes.get(place), side))}
    names = [(name, *shapely.get_coordinates(shapely.centroid(wood))[0]) for name, wood in woods.items()]
    ground = {
        "contours": _lines(shapely.get_exterior_ring(shapely.get_parts(list(shapes.values()))), "z"),
        "bois": _lines([wood.exterior for wood in woods.values()], "z"),
        "fleuve": _lines(_seine(shapes)),
    }
    return shapes, [*names, *(PLACES if contours else ())], {css: Markup("".join(one)) for css, one in ground.items()}


def _wood(shape: Any, side: str) -> Any:
    """Cut the largest part of an arrondissement beyond its wood's side; None where there is hardly any."""
    parts = shapely.get_parts(shapely.intersection(shape, shapely.from_wkt(side))) if shape else []
    largest = max(parts, key=shapely.area, default=None)
    return largest if largest is not None and largest.area >= LEAST_WOOD else None


def _seine(shapes: Shapes) -> list[Any]:
    """Find the lines of the river: where the arrondissements of the left bank, all together, meet the others."""
    left, right = [
        shapely.union_all([one for place, one in shapes.items() if (place in LEFT_BANK) is bank])
        for bank in (True, False)
    ]
    shared = shapely.line_merge(shapely.intersection(shapely.boundary(left), shapely.boundary(right)))
    return [one for one in shapely.get_parts(shared) if one.geom_type == "LineString"]


def _numbers(shapes: Shapes, arcs: MapArcs, taken: Pixels) -> list[tuple[int, int, str]]:
    """Place the number of each arrondissement amid its arcs, else inside it."""
    placed, found = np.isfinite(arcs.points[:, 0]), []
    for place, shape in shapes.items():
        inside = arcs.points[placed & (arcs.places == place)]
        mean = shapely.Point(inside.mean(axis=0)) if len(inside) else None
        at = mean if mean is not None and shape.contains(mean) else shapely.point_on_surface(shape)
        found.append(_aside(str(place), at.x, at.y, DIGIT, taken, shape))
    return found


def _aside(text: str, lon: float, lat: float, half: int, taken: Pixels, shape: Any = None) -> tuple[int, int, str]:
    """Place words at a point, or at the nearest one (on the shape) where they lie neither on a mark nor on its number.

    half: units that half of a letter takes. What they say stands in the page as well.
    """
    tried, room = np.array([lon, lat]) + AROUND, (half * len(text) + ROOM, ROOM)
    pixels = _project(tried)
    near = taken[((taken > pixels.min(axis=0) - room) & (taken < pixels.max(axis=0) + room)).all(axis=1)]
    free = (np.abs(pixels[:, None] - near) >= room).any(axis=2).all(axis=1)
    if shape is not None:
        free &= shapely.contains_xy(shape, tried)
    x, y = pixels[free.argmax()].tolist()  # where none is free, the point itself
    return x, y, text


def _roads(arcs: MapArcs) -> list[tuple[str, Markup]]:
    """Build classes and path data: one path for the arcs of one look, the worst state last so that it lies on top."""
    widths = np.where(np.isnan(arcs.flows), 0, np.searchsorted(FLOW_BOUNDS, arcs.flows, side="right"))
    kinds = ["arc" if trace else "arc point" for trace in arcs.traces]
    lines = _traces(tuple(arcs.traces)).copy()
    placed = np.flatnonzero(np.isfinite(arcs.points[:, 0]) & np.array([not trace for trace in arcs.traces], dtype=bool))
    for row, (x, y) in zip(placed.tolist(), _project(arcs.points[placed]).tolist(), strict=True):
        lines[row] = f"M{x} {y}{DASH if arcs.states[row] == ORDER[UNKNOWN] else DOT}"
    paths = defaultdict(list)
    looks = zip(arcs.states.tolist(), widths.tolist(), kinds, *arcs.moments.T.tolist(), strict=True)
    for look, line in zip(looks, lines, strict=True):
        if line:
            paths[look].append(line)
    names = list(STATES.values())
    return [
        (
            " ".join((kind, names[state], f"w{width}", *map("{}{}".format, MOMENT_CLASSES, moments))),
            Markup("".join(lines)),
        )
        for (state, width, kind, *moments), lines in sorted(paths.items())
    ]


@lru_cache(maxsize=1)  # those of one day after the other are the same
def _traces(traces: tuple[str | None, ...]) -> list[str]:
    return _lines(shapely.from_wkt([trace or None for trace in traces]))


def _lines(shapes: Sequence[Any], end: str = "") -> list[str]:
    """Build the path data of each shape, projecting all at once; `end` closes each of its lines, if it has any."""
    parts, rows = shapely.get_parts(shapes, return_index=True)
    points, owner = shapely.get_coordinates(parts, return_index=True)
    ends = np.searchsorted(owner, np.arange(len(parts)), side="right")
    found = [""] * len(shapes)
    for row, line in zip(rows.tolist(), np.split(_project(points), ends[:-1]), strict=False):
        found[row] += _path(line) + end
    return found


def _path(points: Pixels) -> str:
    """Build path data relative to the first point, without the points that fall on the one before."""
    steps = np.diff(points, axis=0)
    moves = steps[steps.any(axis=1)].tolist()
    line = " ".join(f"{x} {y}" for x, y in moves).replace(" -", "-")
    return f"M{points[0, 0]} {points[0, 1]}" + (f"l{line}" if moves else "h1")


def _marks(marks: Sequence[MapMark], places: Pixels) -> list[dict[str, Any]]:
    """Place each mark, and its number where it has one: on an alert, beside a lozenge."""
    return [
        {
            **mark._asdict(),
            "trace": f"M{x} {y}{(MARKS if mark.number else MARKS | SMALL_MARKS)[mark.shape]}",
            "x": x if mark.shape == "alerte" else x + 90,
            "y": y + 40,
        }
        for mark, (x, y) in zip(marks, places.tolist(), strict=True)
    ]
