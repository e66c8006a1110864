"""Synthetic road counts: `comptages-routiers-permanents.csv`, byte for byte in the portal's form, at any size.

The file is built by blocks of eight arcs over all days, rows shuffled within a block and blocks among themselves: it is
not sorted by date, and memory depends on the number of days only. A row is five ready-made pieces of bytes (arc, label,
flow, rate with its state, the rest), looked up in tables and joined once a block, which is what makes it fast.

The model: demand by hour over an arc's capacity. Below capacity the occupation rate k grows with demand; above it k
soars and the flow falls. About 44 % of flows are blank, as on the portal.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from lib.common.text import draws_bars
from lib.files.atomic_file import atomic_writer
from scripts.demo.arcs import Arc, degrees_of, middle_text, shape_json
from scripts.demo.calendar import Flags, Floats, Objects, day_share, hour_shapes, label_tables, weather_of
from scripts.demo.files import BOM
from scripts.demo.options import Options
from scripts.demo.road_quirks import K_STEPS, STEADY_ARCS, apply_sensor_faults, quirks_of

Ints = NDArray[np.int64]
Places = tuple[NDArray[np.intp], ...]  # arc within the block, day, hour of each line

HEADER = (
    "Identifiant arc;Libelle;Date et heure de comptage;Débit horaire;Taux d'occupation;Etat trafic;"
    "Identifiant noeud amont;Libelle noeud amont;Identifiant noeud aval;Libelle noeud aval;Etat arc;"
    "Date debut dispo data;Date fin dispo data;geo_point_2d;geo_shape\r\n"
)
BLOCK_ARCS = 8
ARC_STATES = ("Ouvert", "Barré", "Invalide")
TRAFFIC_STATES = ((15, "Fluide"), (30, "Pré-saturé"), (50, "Saturé"), (101, "Bloqué"))  # below that rate, in %
MAX_FLOW, MAX_RATE = 9_999, 100
BLANK_FLOW, BLANK_RATE = MAX_FLOW + 1, MAX_RATE * K_STEPS + 1
OUTAGE_DAYS_BEFORE_END, OUTAGE_LABELS, OUTAGE_EVERY = 5, (14, 15, 16), 3  # rows absent for arcs 0, 3, 6…
SHAPE_VARIANT_EVERY, FEATURE_EVERY, NO_SHAPE_EVERY, TIGHT_POINT_EVERY = 4, 20, 97, 7


class Traits(NamedTuple):
    """What each arc is like, one value an arc."""

    capacity: Floats  # vehicles per hour
    load: Floats  # highest demand over capacity
    morning: Floats  # 1: all of the rush is in the morning, 0: in the evening
    dead: Flags
    blank_at_night: Flags
    without_flow: Flags
    without_rate: Flags
    invalid: Flags


class Scene(NamedTuple):
    """Everything the blocks share: tables over days and hours, and over all arcs."""

    options: Options
    arcs: list[Arc]
    traits: Traits
    shapes: Floats  # (2, days, 24): morning and evening demand, day factor included
    wet: Flags  # (days, 24)
    slowed: Flags  # (arcs, days): works within 30 m
    closed: Flags  # (arcs, days)
    labels: Objects  # (days, 24) bytes with their separator
    absent: Flags  # (days, 24): the label that the spring clock skips
    unmeasured: Flags  # (days, 24): the label after it
    flow_texts: Objects
    rate_texts: Objects


class Block(NamedTuple):
    """Positions in the text tables, (arcs, days, 24); states are by (arcs, days)."""

    flow: Ints
    rate: Ints
    state: Ints


def write_road_counts(path: Path, scene: Scene, quiet: bool = False) -> None:
    starts = range(0, len(scene.arcs), BLOCK_ARCS)
    order = scene.options.stream("comptages/blocks").permutation(len(starts))
    with atomic_writer(path) as stream:
        stream.write((BOM + HEADER).encode())
        for place in tqdm(order, desc="comptages", unit="bloc", disable=quiet or not draws_bars()):
            stream.write(block_text(scene, starts[place]))


def build_scene(options: Options, arcs: list[Arc], slowed: Flags, closed: Flags) -> Scene:
    days = options.calendar()
    labels, absent, unmeasured = label_tables(days)
    shapes = np.array([[day_share(day) * shape for shape in hour_shapes(day)] for day in days]).swapaxes(0, 1)
    wet = np.array([weather_of(options, day).rain > 0 for day in days])
    tables = (slowed, closed, labels, absent, unmeasured, *value_texts())
    return Scene(options, arcs, draw_traits(options, arcs), shapes, wet, *tables)


def value_texts() -> tuple[Objects, Objects]:
    """Write the text of every flow, and of every rate with the traffic state that goes with it; the blank last."""
    flows = [f"{flow}.0;".encode() for flow in range(MAX_FLOW + 1)] + [b";"]
    rates = [b"%r;" % round(step / K_STEPS, 5) for step in range(MAX_RATE * K_STEPS + 1)]
    limits = np.array([limit * K_STEPS for limit, _ in TRAFFIC_STATES])
    states = np.array([f"{name};".encode() for _, name in TRAFFIC_STATES], dtype=object)
    with_state = np.array(rates, dtype=object) + states[np.searchsorted(limits, np.arange(len(rates)), side="right")]
    return np.array(flows, dtype=object), np.append(with_state, b";Inconnu;")


def draw_traits(options: Options, arcs: list[Arc]) -> Traits:
    draws = options.stream("comptages/traits").random((len(arcs), 8)).T
    ring = np.array([arc.on_ring for arc in arcs])
    steady = np.arange(len(arcs)) < STEADY_ARCS
    saturating = (draws[1] > 0.9) & ~steady
    return Traits(
        capacity=np.where(ring, 3600 + 3000 * draws[0], 180 + 1500 * draws[0] ** 2),
        load=0.35 + 0.5 * draws[2] + np.where(saturating, 0.75, 0.0),
        morning=draws[3],
        dead=(draws[4] < 0.385) & ~steady & ~ring,
        blank_at_night=(draws[5] < 0.25) & ~steady,
        without_flow=(draws[6] < 0.08) & ~steady,
        without_rate=(draws[6] > 0.95) & ~steady,
        invalid=draws[7] < 0.25,
    )


def block_text(scene: Scene, first: int) -> bytes:
    """Write the lines of the block that starts at that arc, shuffled."""
    arcs = range(first, min(first + BLOCK_ARCS, len(scene.arcs)))
    block = simulate(scene, arcs)
    kept = np.flatnonzero(published(scene, arcs))
    order = scene.options.stream("comptages/order", first).permutation(kept)
    arc, day, hour = np.unravel_index(order, block.flow.shape)
    prefixes, suffixes = fixed_texts([scene.arcs[n] for n in arcs])
    variant = np.array([d.toordinal() % 3 == 0 for d in scene.options.calendar()], dtype=np.int64)
    pieces = np.empty((len(order), 5), dtype=object)
    pieces[:, 0] = prefixes[arc]
    pieces[:, 1] = scene.labels[day, hour]
    pieces[:, 2] = scene.flow_texts[block.flow.reshape(-1)[order]]
    pieces[:, 3] = scene.rate_texts[block.rate.reshape(-1)[order]]
    pieces[:, 4] = suffixes[arc, block.state[arc, day], variant[day]]
    besides = plant_quirks(scene, arcs, pieces, (arc, day, hour))
    return b"".join([*pieces.reshape(-1).tolist(), *besides])


def simulate(scene: Scene, arcs: range) -> Block:
    chosen = slice(arcs.start, arcs.stop)
    traits = Traits._make(values[chosen, None, None] for values in scene.traits)
    closed, slowed = scene.closed[chosen, :, None], scene.slowed[chosen, :, None]
    noise, jitter, luck = day_noise(scene, arcs)
    shape = traits.morning * scene.shapes[0] + (1 - traits.morning) * scene.shapes[1]
    demand = traits.load * shape * (0.88 + 0.24 * noise) * np.where(scene.wet, 1.06, 1.0)
    rate = occupation(demand) * (0.92 + 0.16 * jitter) * np.where(slowed, 1.7, 1.0)
    flow = traits.capacity * served(demand) * np.where(slowed, 0.72, 1.0)
    day_luck = luck[:, :, :1]
    barred = closed | (day_luck > 0.996)
    steady = np.arange(arcs.start, arcs.stop)[:, None, None] < STEADY_ARCS
    night = (np.arange(24) < 5) | (np.arange(24) > 21)  # five hours of a day: too short a silence to be a fault
    unlucky = (day_luck < 0.04) | (luck < 0.008) | barred
    blank = traits.dead | (traits.blank_at_night & night) | (unlucky & ~steady) | scene.unmeasured
    flow_at = np.where(blank | traits.without_flow, BLANK_FLOW, np.clip(flow, 0, MAX_FLOW).astype(np.int64))
    steps = np.rint(np.clip(rate, 0, 99) * K_STEPS).astype(np.int64)
    rate_at = np.where(blank | traits.without_rate, BLANK_RATE, steps)
    apply_sensor_faults(flow_at, rate_at, arcs.start, scene.options.days, BLANK_FLOW, BLANK_RATE)
    state = np.where(barred & ~steady, 1, np.where(traits.invalid, 2, 0))[:, :, 0]
    return Block(flow_at, rate_at, state)


def day_noise(scene: Scene, arcs: range) -> Floats:
    """Three tables of uniform numbers, (arcs, days, 24): each day has its own stream, so --days moves nothing."""
    draws = [
        scene.options.stream("comptages", arcs.start, day.toordinal()).random((BLOCK_ARCS, 3, 24))[: len(arcs)]
        for day in scene.options.calendar()
    ]
    return np.stack(draws, axis=1).transpose(2, 0, 1, 3)


def occupation(demand: Floats) -> Floats:
    """Rate k in % for a demand over capacity: gentle below 1, steep above."""
    return 27 * np.minimum(demand, 1) ** 1.4 + 105 * np.clip(demand - 1, 0, None)


def served(demand: Floats) -> Floats:
    """Share of the capacity that really passes: a jam lets fewer through."""
    return np.minimum(demand, 1) - 0.5 * np.clip(demand - 1, 0, 1)


def published(scene: Scene, arcs: range) -> Flags:
    """Which rows exist at all, (arcs, days, 24)."""
    rows = np.broadcast_to(~scene.absent, (len(arcs), *scene.absent.shape)).copy()
    outage_day = scene.options.days - 1 - OUTAGE_DAYS_BEFORE_END
    if outage_day >= 0:
        out = [n - arcs.start for n in arcs if n % OUTAGE_EVERY == 0]
        rows[out, outage_day, OUTAGE_LABELS[0] - 1 : OUTAGE_LABELS[-1]] = False
    return rows


def fixed_texts(arcs: list[Arc]) -> tuple[Objects, Objects]:
    """Write what comes before the label, by arc; and after the state, by (arc, arc state, geometry variant)."""
    prefixes = np.array([f"{arc.identifier};{arc.label};".encode() for arc in arcs], dtype=object)
    suffixes = np.empty((len(arcs), len(ARC_STATES), 2), dtype=object)
    for row, arc in enumerate(arcs):
        for variant in (0, 1):
            before, after = suffix_halves(arc, variant == 1)
            suffixes[row, :, variant] = [f"{before};{state};{after}\r\n".encode() for state in ARC_STATES]
    return prefixes, suffixes


def suffix_halves(arc: Arc, other_variant: bool) -> tuple[str, str]:
    """Nodes; dates and geometry. The other variant of some arcs has ten decimals, as exports of some years have."""
    point = middle_text(arc.line, "," if arc.number % TIGHT_POINT_EVERY == 2 else ", ")
    degrees = degrees_of(arc.line)
    if other_variant and arc.number % SHAPE_VARIANT_EVERY == 1:
        degrees = degrees.round(10)
    shape = shape_json(degrees, in_feature=arc.number % FEATURE_EVERY == 3).replace('"', '""')
    quoted = "" if arc.number % NO_SHAPE_EVERY == 20 else f'"{shape}"'
    return ";".join(map(str, arc.nodes)), ";".join([*arc.dates, point, quoted])


def plant_quirks(scene: Scene, arcs: range, pieces: Objects, places: Places) -> list[bytes]:
    """Spoil the lines of these arcs that the table names; returns the lines to add."""
    arc, day, hour = places
    besides = []
    last_day = scene.options.days - 1
    for quirk in quirks_of(arcs, scene.options.days):
        at = (arc == quirk.arc - arcs.start) & (day == last_day - quirk.days_before_end) & (hour == quirk.label - 1)
        for row in np.flatnonzero(at):
            spoilt = quirk.edit(b"".join(pieces[row]))
            if quirk.where == "besides":
                besides.append(spoilt)
            else:
                pieces[row] = [spoilt, b"", b"", b"", b""]
    return besides
