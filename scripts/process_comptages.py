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
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lib  # isort: skip # noqa: F401 - first: it says which package is missing

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.common.errors import InputError
from lib.common.exact_json import Plain
from lib.common.paris_time import road_label_hours
from lib.common.settings import Settings
from lib.figures import sensors
from lib.figures.numbers import count, hour_lists, records, rounded, share, whole
from lib.figures.quality import Quality
from lib.figures.sensor_days import SensorDay
from lib.raw.source_files import no_data, source_files
from lib.run import cli
from lib.run.day_run import DayResult
from scripts.registry import COMPTAGES, files_to_read
from scripts.sources.comptages.records import read_files
from scripts.sources.comptages.scan import days_named, one_pass
from scripts.sources.comptages.states import STATE_BOUNDS, STATES, UNKNOWN
from scripts.sources.referentiel.records import is_ring, read_arcs, reference_arcs

HELP = """Comptages routiers permanents : débits, occupation, congestion et temps perdu (modèle) d'un jour.

Exemples : python scripts/process_comptages.py --date 2025-11-04
           python scripts/process_comptages.py --from 2025-10-05 --to 2025-11-04"""

SLOW_STATES = STATES[2:]
SATURATED_FROM = 30.0  # % : Saturé or Bloqué

# Lost-time model: free speed, and the share of it that is left at an occupancy of 30, 50 and 70 % or more.
RING_SPEED, RING_SPEED_BEFORE = 50.0, 70.0  # km/h, legal speed of the boulevard périphérique since RING_SLOWED
RING_SLOWED = date(2024, 10, 1)
CITY_SPEED = 30.0  # km/h, legal speed of most streets since 2021-08-30
SPEED_SHARES = (1.0, 0.8, 0.6, 0.4)
SPEED_BOUNDS = (30.0, 50.0, 70.0)

ALERT_OCCUPANCY = 80.0  # %
ALERT_HOURS = 2  # consecutive hours at ALERT_OCCUPANCY or more
CRITICAL_HOURS = 4  # an alert this long is « critique », a shorter one « élevée »

ENOUGH_RATES = 100  # arc-hours with vehicles, of which one at least is above 1 % on any real day

RING = "périphérique"


# véh/h. The busiest arcs of the périphérique (five lanes) stay below 10 000; one lane of a street carries 1 800 at most
# (saturation flow of a signalled lane), so that an arc below that may be a reopened street and not a broken loop.
BOUNDS = sensors.Bounds(highest=10_000.0, floor=1_800.0)

PEAK_FROM, PEAK_TO = 7, 20  # h; etat_trafic_pointe is the worst state held for two hours running between them
UNKNOWN_CODE = -1  # before the place of any known state
NO_REFERENCE = "les longueurs viennent de geo_shape"

Codes = npt.NDArray[np.int64]
Hours = npt.NDArray[np.float64]


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
    if counts.empty and quality.rejets and not quality.unusable:
        raise InputError(f"aucune ligne valable pour le {day} : {dict(quality.rejets)}.", "Vérifier l'export.")
    if counts.empty:
        raise no_data("comptages", day, days_named(files), quality)
    return counts, quality


def compute_metrics(roads: RoadDay, aside: list[sensors.SetAside], impossible: set[str]) -> dict[str, Any]:
    """Compute all figures of the day. `aside`: the broken arcs, which stay in metrics[] but are in no other figure.

    `impossible`: arcs of which a row was rejected for a value no road can have.
    """
    arcs = roads.arcs.assign(
        ecarte=pd.Series({one.sensor: one.regle for one in aside}, dtype=object).reindex(roads.arcs.index),
        zone=zones_of(roads.arcs),
    )
    lost = lost_minutes(roads)
    states = traffic_states(roads.rates)
    broken = [one.sensor for one in aside]
    alerts = congestion_alerts(roads.rates.drop(index=broken, errors="ignore"), arcs, roads.day)
    per_arc = arc_figures(roads, lost, states, arcs, {alert["identifiant_arc"] for alert in alerts})
    sound = arcs["ecarte"].isna().to_numpy()
    kept = RoadDay(roads.day, roads.flows[sound], roads.rates[sound], roads.stated[sound], arcs[sound], roads.reference)
    return {
        "global_metrics": global_figures(kept, lost[sound], states[sound], per_arc[sound]),
        "top_10_troncons": top_arcs(per_arc[sound]),
        "top_10_zones_congestionnees": congested_zones(kept, lost[sound]),
        "alertes_congestion": alerts,
        "capteurs_defaillants": failing_sensors(roads, impossible),
        "capteurs_ecartes": sensors.set_aside_rows(aside, "identifiant_arc", "libelle", arcs["libelle"], roads.flows),
        "metrics": records(per_arc),
    }


def compare(result: DayResult, past: Sequence[SensorDay]) -> DayResult:
    """Make the figures of a RoadDay beside the days before, which say what to expect and which arcs are broken."""
    roads, quality = result.metrics, result.quality
    aside = sensors.broken(roads.flows, quality.sensors_at_fault, past, BOUNDS)
    measured = roads.flows.drop(index=[one.sensor for one in aside], errors="ignore").notna()
    name = "référentiel" if roads.reference else "tronçons de l'export"
    reference = [*roads.reference, *roads.flows.index]  # the référentiel misses some counting arcs
    coverage = sensors.account_for(quality, measured, roads.flows.columns, aside, past, reference, name)
    if roads.rates.notna().to_numpy().any():
        coverage = max(coverage, sensors.SEEN)  # a day of occupancies alone is not absent
    metrics = compute_metrics(roads, aside, quality.sensors_at_fault)
    sensors.warn_of_zeros(quality, roads.flows, "tronçon")
    warn_of_fractions(roads, quality)
    sensors.warn_of_broken(
        quality, metrics["capteurs_ecartes"], "tronçon", "véhicules × arcs", "identifiant_arc", "libelle"
    )
    return DayResult(metrics, quality, coverage)


def warn_of_fractions(roads: RoadDay, quality: Quality) -> None:
    """Warn when no occupancy passes 1 % although vehicles do: fractions (0 to 1) written for percentages."""
    rates = roads.rates.to_numpy()[roads.flows.to_numpy() > 0]
    highest = np.nanmax(rates, initial=0.0)
    if np.isfinite(rates).sum() >= ENOUGH_RATES and 0 < highest <= 1:
        text = f"Aucun taux d'occupation ne dépasse {highest:g} % : des fractions (0 à 1) pour des pourcentages ?"
        quality.warn("taux_en_fractions", "attention", text, highest, None)


def traffic_states(rates: pd.DataFrame) -> Codes:
    """Code the publisher's state of each arc-hour by its occupancy (%): a place in STATES, UNKNOWN_CODE without one."""
    codes = np.searchsorted(STATE_BOUNDS, rates.fillna(0.0), side="right")
    return np.where(rates.notna(), codes, UNKNOWN_CODE)


def ring_speed(day: date) -> float:
    """Find the legal speed of the périphérique on a day, km/h."""
    return RING_SPEED if day >= RING_SLOWED else RING_SPEED_BEFORE


def lost_minutes(roads: RoadDay) -> pd.DataFrame:
    """Compute the minutes lost by all vehicles of each arc-hour: q x length x (1/v(k) - 1/v_ref). A model.

    v_ref is ring_speed on the périphérique and 30 km/h in the city; v = v_ref x 1 / 0.8 / 0.6 below k = 30 / 50 / 70 %,
    x 0.4 above. Missing where the flow, the occupancy or the length is.
    """
    free_speed = np.where(is_ring(roads.arcs["libelle"]), ring_speed(roads.day), CITY_SPEED)[:, None]
    kilometres = roads.arcs["longueur_metres"].to_numpy(dtype=float)[:, None] / 1000
    place = np.searchsorted(SPEED_BOUNDS, roads.rates.fillna(0.0), side="right")
    speed = free_speed * np.array(SPEED_SHARES)[place]
    return (60 * roads.flows * kilometres * (1 / speed - 1 / free_speed)).where(roads.rates.notna())


def arc_figures(
    roads: RoadDay, lost: pd.DataFrame, states: Codes, arcs: pd.DataFrame, alerted: set[str]
) -> pd.DataFrame:
    """Build one row per arc, the columns of metrics[] in their stored order."""
    flows = roads.flows
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
            "etat_trafic_dominant": dominant_states(states),
            "etat_trafic_pointe": held_states(states, flows.columns),
            "debits_horaires": on_24_hours(flows),
            "taux_horaires": on_24_hours(roads.rates, 2),
            "heures_valides": measured.sum(axis=1),
            "temps_perdu_minutes": (lost_total / vehicles.where(vehicles > 0)).round(4),
            "temps_perdu_total_minutes": lost_total.round(2),
            "temps_perdu_horaires": on_24_hours(lost, 2),
            "congestion_alerte": flows.index.isin(alerted),
            "ecarte": arcs["ecarte"],
            "arrondissement": arcs["arrondissement"],
            "longueur_metres": arcs["longueur_metres"].round(2),
            "geo_point_2d": _points(arcs),
        }
    ).reset_index(drop=True)


def on_24_hours(hours: pd.DataFrame, decimals: int | None = None) -> list[Plain]:
    """List the 24 hours of each arc by their start; the one that the spring clock skips holds None."""
    return hour_lists(hours.reindex(columns=range(24)), decimals)


def dominant_states(states: Codes) -> list[str]:
    """Name the most frequent known state of each arc; of two as frequent, the worse."""
    hours = np.stack([(states == code).sum(axis=1) for code in reversed(range(len(STATES)))], axis=1)
    return _names(np.where(hours.any(axis=1), len(STATES) - 1 - hours.argmax(axis=1), UNKNOWN_CODE))


def held_states(states: Codes, hours: pd.Index) -> list[str]:
    """Name the worst state that each arc held for two hours running between 07 and 20 h; « Inconnu » without two."""
    daytime = states[:, (hours >= PEAK_FROM) & (hours < PEAK_TO)]
    return _names(np.minimum(daytime[:, 1:], daytime[:, :-1]).max(axis=1, initial=UNKNOWN_CODE))


def _names(codes: Codes) -> list[str]:
    return [STATES[code] if code != UNKNOWN_CODE else UNKNOWN for code in codes.tolist()]


def _points(arcs: pd.DataFrame) -> list[dict[str, float] | None]:
    pairs = zip(arcs["lon"].tolist(), arcs["lat"].tolist(), strict=True)
    return [None if np.isnan(lon) else {"lon": lon, "lat": lat} for lon, lat in pairs]


def global_figures(roads: RoadDay, lost: pd.DataFrame, states: Codes, per_arc: pd.DataFrame) -> dict[str, Any]:
    """Compute the day in one object; rates in %, times in minutes, flows in véhicules × arcs."""
    flows, rates = roads.flows.to_numpy(), roads.rates.to_numpy()
    stated, rated = states[roads.stated.to_numpy()], np.isfinite(rates).any()
    return {
        "nombre_troncons_actifs": int((per_arc["heures_valides"] > 0).sum()),
        "nombre_troncons": len(per_arc),
        "debit_journalier_total": count(_total(flows)),
        "unite_debit": "véhicules × arcs",
        "taux_occupation_moyen": rounded(_total(rates) / np.isfinite(rates).sum()) if rated else None,
        "nombre_troncons_satures": int(per_arc["etat_trafic_dominant"].isin(SLOW_STATES).sum()) if rated else None,
        "taux_disponibilite_capteurs": share(int(np.isfinite(flows).sum()), flows.size),
        "temps_perdu_total_minutes": rounded(_total(lost.to_numpy())),
        "temps_perdu_modele": f"q × longueur × (1/v(k) - 1/v_ref), v_ref {ring_speed(roads.day):.0f} km/h "
        "(périphérique) ou 30 : un modèle",
        "repartition_etat_trafic": {
            **{state: int((stated == code).sum()) for code, state in enumerate(STATES)},
            UNKNOWN: int((stated == UNKNOWN_CODE).sum()),
        },
        "profil_horaire": hourly_profile(roads, lost),
    }


def _total(values: Hours) -> float:
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


def top_arcs(per_arc: pd.DataFrame) -> list[dict[str, Any]]:
    """Rank the ten arcs with the highest daily flow."""
    columns = ["identifiant_arc", "libelle", "arrondissement", "debit_journalier_total", "debit_max", "heure_pic"]
    ranked = per_arc[per_arc["debit_journalier_total"].notna()].sort_values(
        ["debit_journalier_total", "identifiant_arc"], ascending=[False, True]
    )[:10]
    return [{"rang": rank, **row} for rank, row in enumerate(records(ranked[columns]), start=1)]


def zones_of(arcs: pd.DataFrame) -> pd.Series:
    """Name the zone of each arc: the périphérique, else its arrondissement as two digits, NaN outside all twenty."""
    places = arcs["arrondissement"].map(lambda number: f"{number:02d}", na_action="ignore").astype(object)
    return places.mask(is_ring(arcs["libelle"]), RING)


def congested_zones(roads: RoadDay, lost: pd.DataFrame) -> list[dict[str, Any]]:
    """Rank zones by the share of measured arc-hours at k >= 30 %, ten at most."""
    rates = roads.rates[roads.rates.notna().any(axis=1)]
    per_arc = pd.DataFrame(
        {
            "zone": roads.arcs["zone"].reindex(rates.index),
            "heures": rates.count(axis=1),
            "taux": rates.sum(axis=1),
            "saturees": (rates >= SATURATED_FROM).sum(axis=1),
            "perdu": lost.reindex(rates.index).sum(axis=1, min_count=1),
        }
    )
    groups = per_arc.groupby("zone")
    sums = groups[["heures", "taux", "saturees"]].sum()
    zones = pd.DataFrame(
        {
            "nombre_troncons": groups.size(),
            "taux_occupation_moyen": (sums["taux"] / sums["heures"]).round(2),
            "part_heures_saturees_pct": (100 * sums["saturees"] / sums["heures"]).round(2),
            "temps_perdu_total_minutes": groups["perdu"].sum(min_count=1).round(2),
        }
    ).reset_index()
    order = ["part_heures_saturees_pct", "taux_occupation_moyen", "zone"]
    ranked = zones.sort_values(order, ascending=[False, False, True])[:10]
    return [{"rang": rank, **row} for rank, row in enumerate(records(ranked), start=1)]


def congestion_alerts(rates: pd.DataFrame, arcs: pd.DataFrame, day: date) -> list[dict[str, Any]]:
    """List runs of at least two consecutive hours at k >= 80 %, the longest first."""
    alerts = []
    for arc, first, last in sensors.runs(rates >= ALERT_OCCUPANCY, ALERT_HOURS):
        hours = [int(hour) for hour in rates.columns[first : last + 1]]
        alerts.append(
            {
                "identifiant_arc": arc,
                "libelle": arcs.at[arc, "libelle"],
                "arrondissement": arcs.at[arc, "arrondissement"],
                "debut": _hour_text(day, hours[0]),
                "fin": _hour_text(day, hours[-1] + 1),
                "duree_heures": len(hours),
                "taux_occupation_max": rates.loc[arc, hours].max(),
                "severite": "critique" if len(hours) >= CRITICAL_HOURS else "élevée",
            }
        )
    return sorted(alerts, key=lambda alert: (-alert["duree_heures"], alert["debut"], alert["identifiant_arc"]))


def failing_sensors(roads: RoadDay, impossible: set[str]) -> list[dict[str, Any]]:
    """List sensors silent (neither flow nor occupancy), stuck on one flow, or with an impossible value."""
    measured = roads.flows.notna() | roads.rates.notna()
    faults = sensors.faults(roads.flows, measured) + sensors.impossible_values(impossible)
    libelle = roads.arcs["libelle"].to_dict()
    return [
        {"identifiant_arc": fault.sensor, "libelle": libelle.get(fault.sensor), **fault.description()}
        for fault in sorted(faults)
    ]


def _hour_text(day: date, hour: int) -> str:
    return (datetime.combine(day, time()) + timedelta(hours=int(hour))).isoformat(timespec="minutes")


def process(settings: Settings, day: date) -> DayResult:
    """Read the raw files of a day into a RoadDay; compare() makes the figures of it."""
    counts, quality = read_raw(settings, day)
    arcs = read_arcs(settings, counts, quality)
    reference = reference_arcs(settings, quality, NO_REFERENCE)
    known = [] if reference is None else reference["identifiant_arc"].tolist()
    return DayResult(road_day(counts, arcs, day, known), quality)


def road_day(counts: pd.DataFrame, arcs: pd.DataFrame, day: date, reference: list[str]) -> RoadDay:
    """Turn the rows of a day into frames of its hours."""
    hours = sorted(road_label_hours(day).values())
    counts = counts.assign(stated=1.0)

    def frame(name: str) -> pd.DataFrame:
        wide = counts.pivot(index="identifiant_arc", columns="heure", values=name)
        return wide.reindex(index=arcs.index, columns=hours)

    return RoadDay(day, frame("debit"), frame("taux_occupation"), frame("stated").notna(), arcs, reference)


def days_at_hand(settings: Settings, days: list[date]) -> AbstractContextManager[None]:
    """While this context lasts, process() finds these days without reading the exports again."""
    try:
        files = source_files(settings, COMPTAGES)
    except InputError:
        files = []  # process() says of each day what is wrong
    return one_pass(files, days)


def main(argv: list[str] | None = None) -> int:
    return cli.run_source(COMPTAGES, HELP, process, argv, compare, days_at_hand)


if __name__ == "__main__":
    sys.exit(main())
