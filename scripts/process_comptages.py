"""Permanent road counts: flow and occupancy of the arcs of Paris during one civil day.

A raw row is one arc (the street between two junctions) during one hour; its label is the END of the hour. The daily
total counts a vehicle once per arc it crosses: it is a number of « véhicules x arcs », never of vehicles in Paris. The
lost time is a model (see lost_minutes), not a measurement.

    python scripts/process_comptages.py --date 2025-11-04
    python scripts/process_comptages.py --from 2025-10-05 --to 2025-11-04      (one pass over the file)
"""

import sys
from contextlib import AbstractContextManager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.common.errors import InputError
from lib.common.paris_time import road_label_hours
from lib.common.settings import Settings
from lib.figures import sensors
from lib.figures.numbers import records, rounded, share
from lib.figures.quality import Quality
from lib.raw.source_files import no_data, source_files
from lib.run import cli
from lib.run.day_run import DayResult
from scripts.registry import COMPTAGES, files_to_read
from scripts.sources.comptages.records import read_files
from scripts.sources.comptages.scan import days_named, one_pass
from scripts.sources.referentiel.records import is_ring, read_arcs

HELP = """Comptages routiers permanents : débits, occupation, congestion et temps perdu (modèle) d'un jour.

Exemples : python scripts/process_comptages.py --date 2025-11-04
           python scripts/process_comptages.py --from 2025-10-05 --to 2025-11-04"""

# Traffic state by occupancy rate k (%), the publisher's thresholds.
STATES = ("Fluide", "Pré-saturé", "Saturé", "Bloqué")
STATE_BOUNDS = (15.0, 30.0, 50.0)
SLOW_STATES = STATES[2:]
UNKNOWN = "Inconnu"
SATURATED_FROM = 30.0  # % : Saturé or Bloqué

# Lost-time model: free speed, and the share of it that is left at an occupancy of 30, 50 and 70 % or more.
RING_SPEED = 50.0  # km/h, legal speed of the boulevard périphérique since 2024-10-01
CITY_SPEED = 30.0  # km/h, legal speed of most streets since 2021-08-30
SPEED_SHARES = (1.0, 0.8, 0.6, 0.4)
SPEED_BOUNDS = (30.0, 50.0, 70.0)

ALERT_OCCUPANCY = 80.0  # %
ALERT_HOURS = 2  # consecutive hours at ALERT_OCCUPANCY or more
CRITICAL_HOURS = 4  # an alert this long is « critique », a shorter one « élevée »

RING = "périphérique"


def read_raw(settings: Settings, day: date) -> tuple[pd.DataFrame, Quality]:
    """The day's valid rows (see sources/comptages/records), sorted by arc and hour, and the account of the others."""
    quality = Quality()
    files = files_to_read(settings, COMPTAGES, quality)
    counts = read_files(files, day, quality)
    if counts.empty and quality.rejets and not quality.unusable:
        raise InputError(f"aucune ligne croyable pour le {day} : {dict(quality.rejets)}.", "Vérifier l'export.")
    if counts.empty:
        raise no_data("comptages", day, days_named(files), quality)
    return counts, quality


def compute_metrics(counts: pd.DataFrame, arcs: pd.DataFrame, day: date, impossible: set[str]) -> dict[str, Any]:
    """All figures of the day. `impossible`: arcs of which a row was rejected for a value no road can have."""
    hours = sorted(road_label_hours(day).values())
    counts = counts.assign(
        etat=traffic_state(counts["taux_occupation"]),
        temps_perdu=lost_minutes(counts, arcs),
    )
    flows = counts.pivot(index="identifiant_arc", columns="heure", values="debit").reindex(columns=hours)
    rates = counts.pivot(index="identifiant_arc", columns="heure", values="taux_occupation").reindex(columns=hours)
    alerts = congestion_alerts(rates, arcs, day)
    per_arc = arc_figures(counts, arcs, flows, {alert["identifiant_arc"] for alert in alerts})
    return {
        "global_metrics": global_figures(counts, per_arc, flows, hours),
        "top_10_troncons": top_arcs(per_arc),
        "top_10_zones_congestionnees": congested_zones(counts, arcs),
        "alertes_congestion": alerts,
        "capteurs_defaillants": failing_sensors(flows, rates, arcs, impossible),
        "metrics": records(per_arc),
    }


def traffic_state(occupancy: pd.Series) -> pd.Series:
    """The publisher's state for each occupancy rate (%); « Inconnu » where it was not measured."""
    states = np.array(STATES)[np.searchsorted(STATE_BOUNDS, occupancy.fillna(0.0), side="right")]
    return pd.Series(states, index=occupancy.index).where(occupancy.notna(), UNKNOWN)


def lost_minutes(counts: pd.DataFrame, arcs: pd.DataFrame) -> pd.Series:
    """Minutes lost by all vehicles of each arc-hour: q x length x (1/v(k) - 1/v_ref). A model, not a measurement.

    v_ref is 50 km/h on the périphérique and 30 in the city; v = v_ref x 1 / 0.8 / 0.6 below k = 30 / 50 / 70 %, x 0.4
    above. Missing where the flow, the occupancy or the length is.
    """
    ring = is_ring(arcs["libelle"]).reindex(counts["identifiant_arc"]).to_numpy()
    kilometres = arcs["longueur_metres"].reindex(counts["identifiant_arc"]).to_numpy() / 1000
    free_speed = np.where(ring, RING_SPEED, CITY_SPEED)
    known = counts["taux_occupation"].fillna(0.0)
    speed = free_speed * np.array(SPEED_SHARES)[np.searchsorted(SPEED_BOUNDS, known, side="right")]
    minutes = 60 * counts["debit"] * kilometres * (1 / speed - 1 / free_speed)
    return minutes.where(counts["taux_occupation"].notna())


def arc_figures(counts: pd.DataFrame, arcs: pd.DataFrame, flows: pd.DataFrame, alerted: set[str]) -> pd.DataFrame:
    """One row per arc, the columns of metrics[] in their stored order."""
    measured = flows.notna()
    active = measured.any(axis=1)
    lost = counts.groupby("identifiant_arc")["temps_perdu"].sum(min_count=1)
    slowed = counts["debit"].where(counts["temps_perdu"].notna())  # an hour without occupancy is not one without loss
    vehicles = slowed.groupby(counts["identifiant_arc"]).sum()
    total = flows.sum(axis=1, min_count=1)
    peak = flows[active].idxmax(axis=1).reindex(flows.index)
    return pd.DataFrame(
        {
            "identifiant_arc": flows.index,
            "libelle": arcs["libelle"].reindex(flows.index),
            "debit_horaire_moyen": flows.mean(axis=1).round(2),
            "debit_journalier_total": total,
            "debit_max": flows.max(axis=1),
            "heure_pic": peak.astype("Int64"),
            "taux_occupation_moyen": counts.groupby("identifiant_arc")["taux_occupation"].mean().round(2),
            "etat_trafic_dominant": dominant_state(counts).reindex(flows.index, fill_value=UNKNOWN),
            "heures_valides": measured.sum(axis=1),
            "temps_perdu_minutes": (lost / vehicles.where(vehicles > 0)).round(4),
            "temps_perdu_total_minutes": lost.round(2),
            "congestion_alerte": flows.index.isin(alerted),
            "arrondissement": arcs["arrondissement"].reindex(flows.index),
            "longueur_metres": arcs["longueur_metres"].reindex(flows.index).round(2),
            "geo_point_2d": _points(arcs.reindex(flows.index)),
        }
    ).reset_index(drop=True)


def dominant_state(counts: pd.DataFrame) -> pd.Series:
    """The most frequent known state of each arc; of two as frequent, the worse."""
    known = counts[counts["etat"] != UNKNOWN]
    hours = known.groupby(["identifiant_arc", "etat"]).size().unstack(fill_value=0)
    worst_first = hours.reindex(columns=STATES[::-1], fill_value=0)
    return worst_first.idxmax(axis=1) if len(worst_first) else pd.Series(dtype=object)


def _points(arcs: pd.DataFrame) -> list[dict[str, float] | None]:
    pairs = zip(arcs["lon"].tolist(), arcs["lat"].tolist(), strict=True)
    return [None if np.isnan(lon) else {"lon": lon, "lat": lat} for lon, lat in pairs]


def global_figures(
    counts: pd.DataFrame, per_arc: pd.DataFrame, flows: pd.DataFrame, hours: list[int]
) -> dict[str, Any]:
    """The day in one object; rates in %, times in minutes, flows in véhicules x arcs."""
    measured = int(flows.notna().to_numpy().sum())
    states = counts["etat"].value_counts()
    return {
        "nombre_troncons_actifs": int((per_arc["heures_valides"] > 0).sum()),
        "nombre_troncons": len(per_arc),
        "debit_journalier_total": rounded(counts["debit"].sum(min_count=1)),
        "unite_debit": "véhicules x arcs",
        "taux_occupation_moyen": rounded(counts["taux_occupation"].mean()),
        "nombre_troncons_satures": int(per_arc["etat_trafic_dominant"].isin(SLOW_STATES).sum()),
        "taux_disponibilite_capteurs": share(measured, len(flows) * len(hours)),
        "temps_perdu_total_minutes": rounded(counts["temps_perdu"].sum(min_count=1)),
        "temps_perdu_modele": "q x longueur x (1/v(k) - 1/v_ref), v_ref 50 km/h (périphérique) ou 30 : un modèle",
        "repartition_etat_trafic": {state: int(states.get(state, 0)) for state in (*STATES, UNKNOWN)},
        "profil_horaire": hourly_profile(counts),
    }


def hourly_profile(counts: pd.DataFrame) -> list[dict[str, Any]]:
    """The 24 hours by their start; an hour nobody measured (or that the clock skipped) holds None, never 0."""
    groups = counts.groupby("heure")
    profile = pd.DataFrame(
        {
            "debit_total": groups["debit"].sum(min_count=1),
            "taux_occupation_moyen": groups["taux_occupation"].mean().round(2),
            "troncons_mesures": groups["debit"].count(),
            "temps_perdu_minutes": groups["temps_perdu"].sum(min_count=1).round(2),
        }
    ).reindex(range(24))
    profile["troncons_mesures"] = profile["troncons_mesures"].fillna(0).astype(int)
    return records(profile.rename_axis("heure").reset_index())


def top_arcs(per_arc: pd.DataFrame) -> list[dict[str, Any]]:
    """The ten arcs with the highest daily flow."""
    columns = ["identifiant_arc", "libelle", "arrondissement", "debit_journalier_total", "debit_max", "heure_pic"]
    ranked = per_arc[per_arc["debit_journalier_total"].notna()].sort_values(
        ["debit_journalier_total", "identifiant_arc"], ascending=[False, True]
    )[:10]
    return [{"rang": rank, **row} for rank, row in enumerate(records(ranked[columns]), start=1)]


def congested_zones(counts: pd.DataFrame, arcs: pd.DataFrame) -> list[dict[str, Any]]:
    """Zones (arrondissements, the périphérique apart) by the share of measured arc-hours at k >= 30 %, ten at most."""
    zone = arcs["arrondissement"].map(lambda number: f"{number:02d}", na_action="ignore").astype(object)
    zone = zone.mask(is_ring(arcs["libelle"]), RING)
    measured = counts[counts["taux_occupation"].notna()]
    measured = measured.assign(
        zone=zone.reindex(measured["identifiant_arc"]).to_numpy(), sature=measured["taux_occupation"] >= SATURATED_FROM
    )
    groups = measured.groupby("zone")
    zones = pd.DataFrame(
        {
            "nombre_troncons": groups["identifiant_arc"].nunique(),
            "taux_occupation_moyen": groups["taux_occupation"].mean().round(2),
            "part_heures_saturees_pct": (100 * groups["sature"].mean()).round(2),
            "temps_perdu_total_minutes": groups["temps_perdu"].sum(min_count=1).round(2),
        }
    ).reset_index()
    order = ["part_heures_saturees_pct", "taux_occupation_moyen", "zone"]
    ranked = zones.sort_values(order, ascending=[False, False, True])[:10]
    return [{"rang": rank, **row} for rank, row in enumerate(records(ranked), start=1)]


def congestion_alerts(rates: pd.DataFrame, arcs: pd.DataFrame, day: date) -> list[dict[str, Any]]:
    """Runs of at least two consecutive hours at k >= 80 %, the longest first."""
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


def failing_sensors(
    flows: pd.DataFrame, rates: pd.DataFrame, arcs: pd.DataFrame, impossible: set[str]
) -> list[dict[str, Any]]:
    """Sensors silent (neither flow nor occupancy), stuck on one flow, or with an impossible value."""
    faults = sensors.faults(flows, flows.notna() | rates.notna()) + sensors.impossible_values(impossible)
    libelle = arcs["libelle"].to_dict()
    return [
        {"identifiant_arc": fault.sensor, "libelle": libelle.get(fault.sensor), **fault.description()}
        for fault in sorted(faults)
    ]


def _hour_text(day: date, hour: int) -> str:
    return (datetime.combine(day, time()) + timedelta(hours=int(hour))).isoformat(timespec="minutes")


def process(settings: Settings, day: date) -> DayResult:
    """Read, compute; the coverage is the share of arc-hours that the export holds for the arcs it names that day.

    Blanks are part of every day (about 44 % of arc-hours), but a day with nothing else holds nothing.
    """
    counts, quality = read_raw(settings, day)
    arcs = read_arcs(settings, counts, quality)
    metrics = compute_metrics(counts, arcs, day, quality.sensors_at_fault)
    expected = counts["identifiant_arc"].nunique() * len(road_label_hours(day))
    measured = counts[["debit", "taux_occupation"]].notna().to_numpy().any()
    return DayResult(metrics, quality, len(counts) / expected if measured else 0.0)


def days_at_hand(settings: Settings, days: list[date]) -> AbstractContextManager[None]:
    """While this context lasts, process() finds these days without reading the exports again."""
    try:
        files = source_files(settings, COMPTAGES)
    except InputError:
        files = []  # process() says of each day what is wrong
    return one_pass(files, days)


def main(argv: list[str] | None = None) -> int:
    return cli.run_source(COMPTAGES, HELP, process, argv, days_at_hand)


if __name__ == "__main__":
    sys.exit(main())
