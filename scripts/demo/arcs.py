"""The counting arcs of the synthetic city: ids, names, nodes and geometry, and the référentiel that describes them.

Arc n is the same whatever the number of arcs asked for, and its id depends on n alone (not on the seed), so that the
planted quirks can be named. Every twelfth arc lies on the périphérique.
"""

from __future__ import annotations

import json
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from shapely import LineString
from shapely.ops import substring

from scripts.demo.city import City, point_in_city, ring_road, to_lonlat
from scripts.demo.files import portal_csv
from scripts.demo.options import Options

FIRST_ID, ID_STEP, ID_CYCLE = 101, 2753, 6997  # ID_CYCLE is prime: no id comes twice within it
RING_EVERY, RING_REMAINDER = 12, 5
RING_OFFSETS = {"PE": 80.0, "PI": -15.0}  # metres from the outline: the outer ring is in no arrondissement
NOT_IN_REFERENTIEL = 14  # this arc, and every sixtieth from it, counts without being described
NEVER_COUNTING_SHARE = 0.08
REFERENTIEL_HEADER = (
    "Identifiant arc", "Libelle", "Identifiant noeud amont", "Libelle noeud amont", "Identifiant noeud aval",
    "Libelle noeud aval", "Date debut dispo data", "Date fin dispo data", "geo_point_2d", "geo_shape",
)  # fmt: skip
WAYS = ("", "", "", "R_", "Av_", "Av_", "Bd_", "Bd_", "Quai_", "Pl_")
NAMES = (
    "Verriers", "Tilleuls", "Moulins", "Fontaine", "Vieux_Lavoir", "Colombes", "Tisserands", "Pressoir", "Lanternes",
    "Beaulieu", "Maraichers", "Belle_Etoile", "Halle_Cuirs", "Vignes", "Deux_Ponts", "Orangerie", "Clos_Vert",
    "Bateliers", "Relieurs", "Puits_Salant", "Haute_Borne", "Charrons", "Cerisaie", "Luthiers", "Mont_Clair", "Saules",
    "Graveurs", "Rivoire", "Basse_Tour", "Jardins", "Cordiers", "Joli_Val", "Fontanelle", "Alouette", "Hirondelle",
)  # fmt: skip
GATES = (
    "Ormes", "Aubepine", "Grand_Pre", "Bastide", "Sablons", "Haies", "Rotonde", "Vallon", "Fougeres", "Barriere",
    "Platanes", "Genets",
)  # fmt: skip


class Arc(NamedTuple):
    number: int
    identifier: int
    label: str
    nodes: tuple[int, str, int, str]  # upstream id and name, downstream id and name
    dates: tuple[str, str]
    line: LineString  # metres
    on_ring: bool


def arc_identifier(number: int) -> int:
    cycle, place = divmod(number, ID_CYCLE)
    return FIRST_ID + cycle * ID_CYCLE + place * ID_STEP % ID_CYCLE


def build_arcs(options: Options, city: City) -> list[Arc]:
    """Lay out the arcs that count."""
    rings = {side: ring_road(city, offset) for side, offset in RING_OFFSETS.items()}
    return [build_arc(options, city, rings, number) for number in range(options.arcs)]


def build_arc(options: Options, city: City, rings: dict[str, LineString], number: int) -> Arc:
    rng = options.stream("arc", number)
    on_ring = number % RING_EVERY == RING_REMAINDER
    if on_ring:
        side, gate = "PI" if number // RING_EVERY % 2 else "PE", str(rng.choice(GATES))
        label, ends = f"{side}_{gate}", (f"S{side[1]}_{gate}", f"A{side[1]}_{rng.choice(GATES)}")
        line = ring_line(rings[side], rng)
    else:
        names = rng.choice(NAMES, 3, replace=False)
        label = f"{rng.choice(WAYS)}{names[0]}"
        ends = (f"{names[0]}-{names[1]}", f"{names[0]}-{names[2]}")
        line = street_line(city, rng)
    first_node, second_node = (int(node) for node in rng.choice(3500, 2, replace=False) + 10)
    old = rng.random() < 0.3
    dates = ("2005-01-01", "2019-06-01") if old else (f"1996-10-{rng.integers(1, 31):02d}", "2023-01-01")
    return Arc(number, arc_identifier(number), label, (first_node, ends[0], second_node, ends[1]), dates, line, on_ring)


def ring_line(ring: LineString, rng: np.random.Generator) -> LineString:
    length = rng.uniform(500, 1500)
    start = rng.uniform(0, ring.length - length)
    return substring(ring, start, start + length)


def street_line(city: City, rng: np.random.Generator) -> LineString:
    """80 to 600 m, two to four vertices, hardly bent."""
    middle = point_in_city(city, rng.random(), rng.random())
    angle, length = rng.uniform(0, 2 * np.pi), 80 + 520 * rng.beta(1.4, 3.0)
    along = np.linspace(-0.5, 0.5, int(rng.choice([2, 3, 4], p=[0.88, 0.07, 0.05])))
    across = np.zeros(len(along))
    across[1:-1] = rng.uniform(-0.02, 0.02, len(along) - 2)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return LineString(middle + length * np.column_stack([along, across]) @ turn)


def degrees_of(line: LineString) -> NDArray[np.float64]:
    return to_lonlat(np.array(line.coords))


def shape_json(lonlat: NDArray[np.float64], in_feature: bool = False) -> str:
    """Write a LineString with the portal's spacing."""
    geometry = {"coordinates": lonlat.tolist(), "type": "LineString"}
    return json.dumps({"type": "Feature", "geometry": geometry, "properties": {}} if in_feature else geometry)


def middle_text(line: LineString, separator: str = ", ") -> str:
    """geo_point_2d: latitude then longitude."""
    lon, lat = to_lonlat(np.array(line.interpolate(0.5, normalized=True).coords[0])).tolist()
    return f"{lat}{separator}{lon}"


def referentiel_csv(options: Options, city: City, arcs: list[Arc]) -> bytes:
    """Describe arcs (one row a part, one arc in ten in two parts) and arcs that never count, in no order."""
    rings = {side: ring_road(city, offset) for side, offset in RING_OFFSETS.items()}
    silent = range(options.arcs, options.arcs + max(2, round(options.arcs * NEVER_COUNTING_SHARE)))
    described = [arc for arc in arcs if arc.number % 60 != NOT_IN_REFERENTIEL]
    described += [build_arc(options, city, rings, number) for number in silent]
    rows = [referentiel_row(arc, part) for arc in described for part in parts_of(arc)]
    order = options.stream("referentiel").permutation(len(rows))
    return portal_csv(REFERENTIEL_HEADER, [rows[n] for n in order], "\r\n")


def parts_of(arc: Arc) -> list[LineString]:
    if arc.number % 10 != 9:
        return [arc.line]
    return [substring(arc.line, 0, 0.5, normalized=True), substring(arc.line, 0.5, 1, normalized=True)]


def referentiel_row(arc: Arc, part: LineString) -> list[object]:
    return [arc.identifier, arc.label, *arc.nodes, *arc.dates, middle_text(part), shape_json(degrees_of(part))]
