"""Permanent road counts: flow and occupancy of the arcs of Paris during one civil day.

A raw row is one arc (the street between two junctions) during one hour; its label is the END of the hour. The daily
total counts a vehicle once per arc it crosses: it is a number of « véhicules × arcs », never of vehicles in Paris. The
lost time is a model (see lost_minutes), not a measurement.

The raw files give a RoadDay; its figures are computed where the days before are known, for they say which arcs to
expect and which are broken.

    python scripts/process_comptages.py --date 2025-11-04
    python scripts/process_comptages.py --from 2025-10-05 --to 2025-11-04      (one pass over the file)
"""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lib  # isort: skip # noqa: F401 - first: it says which package is missing

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.common.errors import InputError
from lib.common.paris_time import road_label_hours
from lib.common.settings import Settings
from lib.figures import day_coverage, sensors
from lib.figures.changes import Floats
from lib.figures.numbers import as_stored, count, hour_lists, points, records, rounded, share, whole
from lib.figures.quality import Quality
from lib.figures.sensor_days import Remembering, SensorDay, known_of
from lib.raw.source_files import no_data, source_files
from lib.run.day_run import DayResult
from lib.run.source_command import run_source
from scripts.registry import COMPTAGES, ROAD_SENSORS, files_to_read
from scripts.sources.comptages import congestion
from scripts.sources.comptages.records import read_files
from scripts.sources.comptages.scan import days_named, one_pass
from scripts.sources.referentiel.reference import read_arcs, reference_arcs

HELP = """Comptages routiers permanents : débits, occupation, congestion et temps perdu (modèle) d'un jour.

Exemples : python scripts/process_comptages.py --date 2025-11-04
           python scripts/process_comptages.py --from 2025-10-05 --to 2025-11-04"""

# véh/h. The busiest arcs of the périphérique (five lanes) stay below 10 000; one lane of a street carries 1 800 at most
# (saturation flow of a signalled lane), so that an arc below that may be a reopened street and not a broken loop.
BOUNDS = sensors.Bounds(highest=10_000.0, floor=1_800.0)


@dataclass(frozen=True)
class RoadDay:
    """What the raw files say of a day: frames of a row per arc and a column per hour (its start, of the Paris clock).

    flows: véhicules/h; rates: % of time occupied, both NaN where not measured; stated: whether there is a row at all.
    arcs: one row per arc (see read_arcs). reference: the ids of the arcs of the référentiel, none without one.
    """

    day: date
    flows: pd.DataFrame
    rates: pd.DataFrame
    stated: pd.DataFrame
    arcs: pd.DataFrame
    reference: list[str]


def read_raw(settings: Settings, day: date) -> tuple[pd.DataFrame, Quality]:
    """Read the day's valid rows (see sources/comptages/records), by arc and hour, and the account of the others."""
    quality = Quality()
    files = files_to_read(settings, COMPTAGES, quality)
    counts = read_files(files, day, quality)
    if counts.empty:
        are_rejected = quality.rejets and not quality.unusable  # these are rows of the day
        raise no_data("comptages", day, {day.isoformat()} if are_rejected else days_named(files), quality)
    return counts, quality


def compute_metrics(roads: RoadDay, found: sensors.Examined) -> Remembering:
    """Compute all figures of the day. The broken arcs of `found` stay in metrics[] but are in no other figure."""
    lost = congestion.lost_minutes(roads.flows, roads.rates, roads.arcs, roads.day)
    states = congestion.traffic_states(roads.rates)
    sound = found.rules.isna().to_numpy()
    rates, stated, arcs = roads.rates[sound], roads.stated[sound], roads.arcs[sound]
    kept = replace(roads, flows=found.sound, rates=rates, stated=stated, arcs=arcs)
    alerts = congestion.alerts(rates, arcs, roads.day)
    hours = {
        "debits_horaires": as_stored(on_24_hours(roads.flows)),
        "taux_horaires": on_24_hours(roads.rates).round(2),
        "temps_perdu_horaires": on_24_hours(lost).round(2),
    }
    alerted = {alert["identifiant_arc"] for alert in alerts}
    per_arc = arc_figures(roads, lost, states, hours, found.rules, alerted)
    sound_arcs, sound_lost = per_arc[sound], lost[sound]
    metrics = {
        "global_metrics": global_figures(kept, sound_lost, states[sound], sound_arcs),
        "top_10_troncons": sensors.top_rows(sound_arcs, ROAD_SENSORS),
        "top_10_zones_congestionnees": congestion.congested_zones(rates, sound_lost, arcs),
        "alertes_congestion": alerts,
        "capteurs_defaillants": found.failing,
        "capteurs_ecartes": found.set_aside,
        "metrics": records(per_arc),
    }
    return Remembering(metrics, known_of(per_arc, hours, ROAD_SENSORS, roads.day, COMPTAGES.compared))


def compare(result: DayResult, past: Sequence[SensorDay]) -> DayResult:
    """Make the figures of a RoadDay beside the days before, which say what to expect and which arcs are broken."""
    roads, quality = result.metrics, result.quality
    flows = day_coverage.without_filled(roads.flows, past, quality, "tronçon")
    rates = roads.rates.mask(flows.isna() & roads.flows.notna() & roads.rates.eq(0))
    rates = congestion.without_filled(flows, rates, quality)
    roads = replace(roads, flows=flows, rates=rates)
    names, impossible = roads.arcs["libelle"], quality.sensors_at_fault
    measured = flows.notna() | rates.notna()  # an arc is silent without a flow and an occupancy
    found = sensors.examine(flows, measured, names, impossible, past, BOUNDS, ROAD_SENSORS)
    name = "référentiel" if roads.reference else "tronçons de l'export"
    reference = [*roads.reference, *flows.index]  # the référentiel misses some counting arcs
    coverage = day_coverage.account_for(quality, found.sound.notna(), len(found.aside), past, reference, name)
    if rates.notna().to_numpy().any():
        coverage = max(coverage, day_coverage.SEEN)  # a day of occupancies alone is not absent
    congestion.warn_of_fractions(flows, rates, quality)
    sensors.warn_of_broken(quality, found.set_aside, ROAD_SENSORS, "véhicules × arcs")
    return DayResult(compute_metrics(roads, found), quality, coverage)


def arc_figures(
    roads: RoadDay,
    lost: pd.DataFrame,
    states: congestion.Codes,
    hours: dict[str, Floats],
    rules: pd.Series,
    alerted: set[str],
) -> pd.DataFrame:
    """Build one row per arc, the columns of metrics[] in their stored order."""
    flows, arcs = roads.flows, roads.arcs
    measured = flows.notna()
    lost_total = lost.sum(axis=1, min_count=1)
    vehicles = flows.where(lost.notna()).sum(axis=1)  # an hour without occupancy is not one without loss
    peak = flows[measured.any(axis=1)].idxmax(axis=1).reindex(flows.index)
    return pd.DataFrame(
        {
            "identifiant_arc": flows.index,
            "libelle": arcs["libelle"],
            "debit_horaire_moyen": flows.mean(axis=1).round(2),
            "debit_journalier_total": whole(flows.sum(axis=1, min_count=1)),
            "debit_max": whole(flows.max(axis=1)),
            "heure_pic": peak.astype("Int64"),
            "taux_occupation_moyen": roads.rates.mean(axis=1).round(2),
            "etat_trafic_dominant": congestion.dominant_states(states),
            "etat_trafic_pointe": congestion.held_states(states, flows.columns),
            "debits_horaires": hour_lists(hours["debits_horaires"]),
            "taux_horaires": hour_lists(hours["taux_horaires"], 2),
            "heures_valides": measured.sum(axis=1),
            "temps_perdu_minutes": (lost_total / vehicles.where(vehicles > 0)).round(4),
            "temps_perdu_total_minutes": lost_total.round(2),
            "temps_perdu_horaires": hour_lists(hours["temps_perdu_horaires"], 2),
            "congestion_alerte": flows.index.isin(alerted),
            "ecarte": rules,
            "arrondissement": arcs["arrondissement"],
            "longueur_metres": arcs["longueur_metres"].round(2),
            "geo_point_2d": points(arcs),
        }
    ).reset_index(drop=True)


def on_24_hours(hours: pd.DataFrame) -> Floats:
    """Put the hours of each arc in 24 columns, by their start; the one that the spring clock skips holds NaN."""
    return hours.reindex(columns=range(24)).to_numpy()


def global_figures(
    roads: RoadDay, lost: pd.DataFrame, states: congestion.Codes, per_arc: pd.DataFrame
) -> dict[str, Any]:
    """Compute the day in one object; rates in %, times in minutes, flows in véhicules × arcs."""
    flows, rates = roads.flows.to_numpy(), roads.rates.to_numpy()
    stated, rated = states[roads.stated.to_numpy()], np.isfinite(rates).any()
    slow = per_arc["etat_trafic_dominant"].isin(congestion.SLOW_STATES)
    return {
        "nombre_troncons_actifs": int((per_arc["heures_valides"] > 0).sum()),
        "nombre_troncons": len(per_arc),
        "debit_journalier_total": count(_total(flows)),
        "unite_debit": "véhicules × arcs",
        "taux_occupation_moyen": rounded(_total(rates) / np.isfinite(rates).sum()) if rated else None,
        "nombre_troncons_satures": int(slow.sum()) if rated else None,
        "taux_disponibilite_capteurs": share(int(np.isfinite(flows).sum()), flows.size),
        "temps_perdu_total_minutes": rounded(_total(lost.to_numpy())),
        "temps_perdu_modele": f"q × longueur × (1/v(k) - 1/v_ref), v_ref {congestion.ring_speed(roads.day):.0f} km/h "
        "(périphérique) ou 30 : un modèle",
        "repartition_etat_trafic": {
            **{state: int((stated == code).sum()) for code, state in enumerate(congestion.STATES)},
            congestion.UNKNOWN: int((stated == congestion.UNKNOWN_CODE).sum()),
        },
        "profil_horaire": hourly_profile(roads, lost),
    }


def _total(values: npt.NDArray[np.float64]) -> float:
    """Add up what was measured; NaN where nothing was."""
    return float(np.nansum(values)) if np.isfinite(values).any() else np.nan


def hourly_profile(roads: RoadDay, lost: pd.DataFrame) -> list[dict[str, Any]]:
    """Build the 24 hours by their start; an hour nobody measured (or that the clock skipped) holds None, never 0."""
    profile = pd.DataFrame(
        {
            "debit_total": whole(roads.flows.sum(min_count=1)),
            "taux_occupation_moyen": roads.rates.mean().round(2),
            "troncons_mesures": roads.flows.count(),
            "temps_perdu_minutes": lost.sum(min_count=1).round(2),
        }
    ).reindex(range(24))
    profile["troncons_mesures"] = profile["troncons_mesures"].fillna(0).astype(int)
    return records(profile.rename_axis("heure").reset_index())


def process(settings: Settings, day: date) -> DayResult:
    """Read the raw files of a day into a RoadDay; compare() makes the figures of it."""
    counts, quality = read_raw(settings, day)
    reference = reference_arcs(settings, quality, "les longueurs viennent de geo_shape")
    arcs = read_arcs(settings, counts, reference, quality)
    known = [] if reference is None else reference["identifiant_arc"].tolist()
    return DayResult(road_day(counts, arcs, day, known), quality)


def road_day(counts: pd.DataFrame, arcs: pd.DataFrame, day: date, reference: list[str]) -> RoadDay:
    """Turn the rows of a day into frames of its hours."""
    hours = pd.Index(sorted(road_label_hours(day).values()))
    cells = arcs.index.get_indexer(pd.Index(counts["identifiant_arc"])), hours.get_indexer(pd.Index(counts["heure"]))

    def frame(values: pd.Series | float) -> pd.DataFrame:
        wide = np.full((len(arcs), len(hours)), np.nan)
        wide[cells] = values
        return pd.DataFrame(wide, arcs.index, hours)

    return RoadDay(day, frame(counts["debit"]), frame(counts["taux_occupation"]), frame(1.0).notna(), arcs, reference)


def days_at_hand(settings: Settings, days: list[date]) -> AbstractContextManager[None]:
    """While this context lasts, process() finds these days without reading the exports again."""
    try:
        files = source_files(settings, COMPTAGES)
    except InputError:
        files = []  # process() says of each day what is wrong
    return one_pass(files, days)


def main(argv: list[str] | None = None) -> int:
    return run_source(COMPTAGES, HELP, process, argv, compare, days_at_hand)


if __name__ == "__main__":
    sys.exit(main())
