"""Bike counters: hourly passages in each direction of the counting sites of Paris during one civil day.

A raw record is one counter during one hour; its time stamp is an instant (UTC in the API) that marks the START of the
hour, so a civil day holds 23, 24 or 25 of them. The same record comes again in later pulls: the newest pull wins. A
record without an id is known by its counter's name; one without coordinates still counts.

    python scripts/process_bikes.py --date 2025-11-04
"""

import statistics
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.common.errors import InputError
from lib.common.paris_time import HOUR, PARIS, day_start, hours_in_day
from lib.common.settings import Settings
from lib.figures import sensors
from lib.figures.numbers import records, rounded
from lib.figures.past_days import Past
from lib.figures.quality import Quality
from lib.raw.source_files import no_data
from lib.run import cli
from lib.run.day_run import DayResult
from scripts.registry import BIKES, files_to_read
from scripts.sources.arrondissements.polygons import Arrondissements, load_arrondissements
from scripts.sources.bikes.records import BikeRecords, days_present, read_day_records

HELP = """Comptage vélo : passages par compteur, par arrondissement et par heure d'un jour, compteurs en panne.

Exemple : python scripts/process_bikes.py --date 2025-11-04"""

HISTORY_LOW, HISTORY_HIGH = 0.2, 3.0  # a counter outside 20 %..300 % of its median same weekday is an anomaly
HISTORY_MINIMUM = 50  # passages; below such a median a ratio means nothing
HISTORY_HOURS = 20  # measured hours; below so many a counter's total is that of a part of the day
TOP = 10


def read_raw(settings: Settings, day: date) -> tuple[BikeRecords, Quality]:
    """The day's believed records and counters, and the account of the rows that were not believed."""
    quality = Quality()
    files = files_to_read(settings, BIKES, quality)
    bikes = read_day_records(files, day, quality)
    if bikes.counts.empty:
        days = days_present(files)
        if not quality.unusable and (day.isoformat() in days or (quality.rejets and not days)):
            message = f"aucun comptage croyable pour le {day} : {dict(quality.rejets)}."
            raise InputError(message, "Vérifier les fichiers.")
        raise no_data("bikes", day, days, quality)
    return bikes, quality


def compute_metrics(
    bikes: BikeRecords,
    arrondissements: Arrondissements,
    day: date,
    impossible: set[str],
) -> dict[str, Any]:
    """All figures that need no other day (see compare). `impossible`: counters of which a row cannot be believed."""
    hours = [day_start(day) + hour * HOUR for hour in range(hours_in_day(day))]
    counts = bikes.counts
    hourly = counts.pivot(index="id_compteur", columns="instant", values="comptage")
    hourly = hourly.reindex(index=bikes.counters.index, columns=hours)  # silent counters stay
    per_counter = counter_figures(hourly, bikes.counters, arrondissements)
    failing = failing_sensors(hourly, per_counter, impossible)
    per_counter["anomalie_detectee"] = per_counter["id_compteur"].isin({one["id_compteur"] for one in failing})
    return {
        "total_jour": rounded(counts["comptage"].sum(min_count=1)),
        "nombre_compteurs": len(per_counter),
        "nombre_compteurs_actifs": int((per_counter["heures_valides"] > 0).sum()),
        "frequentation_index": None,
        "par_arrondissement": by_arrondissement(per_counter),
        "profil_horaire": hourly_profile(counts),
        "top_counters": top_counters(per_counter),
        "failing_sensors": failing,
        "anomalies": [
            {"id_compteur": one["id_compteur"], "type": one["motif"], "valeur": None, "mediane": None}
            for one in failing
        ],
        "metrics": records(per_counter),
    }


def compare(metrics: dict[str, Any], past: Past) -> dict[str, Any]:
    """The figures beside those of the same weekday in earlier weeks: frequentation_index and anomalies."""
    unusual = metrics["anomalies"] + unusual_counters(metrics["metrics"], past)
    named = {one["id_compteur"] for one in unusual}
    return {
        **metrics,
        "frequentation_index": frequentation_index(metrics["total_jour"], past),
        "anomalies": unusual,
        "metrics": [{**one, "anomalie_detectee": one["id_compteur"] in named} for one in metrics["metrics"]],
    }


def counter_figures(hourly: pd.DataFrame, counters: pd.DataFrame, arrondissements: Arrondissements) -> pd.DataFrame:
    """One row per counter, the columns of metrics[] in their stored order (anomalie_detectee comes last)."""
    active = hourly.notna().any(axis=1)
    peak = pd.to_datetime(hourly[active].idxmax(axis=1), utc=True).dt.tz_convert(PARIS).dt.hour
    pairs = zip(counters["lon"].tolist(), counters["lat"].tolist(), strict=True)
    return pd.DataFrame(
        {
            "id_compteur": hourly.index,
            "nom_compteur": counters["nom_compteur"],
            "total_jour": hourly.sum(axis=1, min_count=1),
            "moyenne_horaire": hourly.mean(axis=1).round(2),
            "pic_horaire": hourly.max(axis=1),
            "heure_pic": peak.reindex(hourly.index).astype("Int64"),
            "heures_valides": hourly.notna().sum(axis=1),
            "arrondissement": arrondissements.locate(counters["lon"], counters["lat"]),
            "coordinates": [None if np.isnan(lon) else {"lon": lon, "lat": lat} for lon, lat in pairs],
        }
    ).reset_index(drop=True)


def failing_sensors(hourly: pd.DataFrame, per_counter: pd.DataFrame, impossible: set[str]) -> list[dict[str, Any]]:
    """Counters silent, stuck, with an impossible value, or at zero for the whole day."""
    faults = sensors.faults(hourly, hourly.notna()) + sensors.impossible_values(impossible)
    full = hourly.notna().all(axis=1) & hourly.eq(0).all(axis=1)
    faults += [sensors.Fault(counter, "zéro toute la journée", hourly.shape[1]) for counter in hourly.index[full]]
    names = per_counter.set_index("id_compteur")["nom_compteur"].to_dict()
    return [
        {"id_compteur": fault.sensor, "nom_compteur": names.get(fault.sensor), **fault.description()}
        for fault in sorted(faults)
    ]


def unusual_counters(per_counter: list[dict[str, Any]], past: Past) -> list[dict[str, Any]]:
    """The counters far from the median of their own last same weekdays, all measured for most of the day."""
    usual: dict[str, list[float]] = {}
    for metrics in past.values():
        for one in metrics["metrics"]:
            if one["heures_valides"] >= HISTORY_HOURS:
                usual.setdefault(one["id_compteur"], []).append(one["total_jour"])
    found = []
    for one in per_counter:
        counter, total = one["id_compteur"], one["total_jour"]
        median = statistics.median(usual.get(counter, [0.0]))
        if one["heures_valides"] < HISTORY_HOURS or median < HISTORY_MINIMUM:
            continue
        if HISTORY_LOW * median <= total <= HISTORY_HIGH * median:
            continue
        kind = "fréquentation très basse" if total < median else "fréquentation très haute"
        found.append({"id_compteur": counter, "type": kind, "valeur": total, "mediane": median})
    return found


def frequentation_index(total: float | None, past: Past) -> float | None:
    """100 = median total of the last four same weekdays in the store; None without history (nor on a partial day)."""
    totals = [metrics["total_jour"] for metrics in past.values() if metrics["total_jour"]]
    return rounded(100 * total / statistics.median(totals), 1) if totals and total is not None else None


def by_arrondissement(per_counter: pd.DataFrame) -> list[dict[str, Any]]:
    """Totals per arrondissement; the counters outside all twenty, or without coordinates, are under None."""
    groups = per_counter.groupby("arrondissement", dropna=False)
    frame = pd.DataFrame(
        {
            "total_jour": groups["total_jour"].sum(min_count=1),
            "nombre_compteurs": groups.size(),
        }
    )
    return records(frame.reset_index())


def hourly_profile(counts: pd.DataFrame) -> list[dict[str, Any]]:
    """Passages by hour of the Paris clock; in autumn 02 h is lived twice and holds both, in spring it is None."""
    hour = counts["instant"].dt.tz_convert(PARIS).dt.hour
    groups = counts.groupby(hour)["comptage"]
    profile = pd.DataFrame({"total": groups.sum(min_count=1), "compteurs_mesures": groups.count()}).reindex(range(24))
    profile["compteurs_mesures"] = profile["compteurs_mesures"].fillna(0).astype(int)
    return records(profile.rename_axis("heure").reset_index())


def top_counters(per_counter: pd.DataFrame) -> list[dict[str, Any]]:
    """The ten counters with the most passages."""
    ranked = per_counter[per_counter["total_jour"].notna()].sort_values(
        ["total_jour", "id_compteur"], ascending=[False, True]
    )[:TOP]
    columns = ["id_compteur", "nom_compteur", "arrondissement", "total_jour", "pic_horaire", "heure_pic"]
    return [{"rang": rank, **row} for rank, row in enumerate(records(ranked[columns]), start=1)]


def process(settings: Settings, day: date) -> DayResult:
    """Read, compute; the coverage is the share of counter-hours measured of the counters heard of lately."""
    bikes, quality = read_raw(settings, day)
    arrondissements = load_arrondissements(settings, quality)
    metrics = compute_metrics(bikes, arrondissements, day, quality.sensors_at_fault)
    expected = len(bikes.counters) * hours_in_day(day)
    return DayResult(metrics, quality, int(bikes.counts["comptage"].notna().sum()) / expected)


def main(argv: list[str] | None = None) -> int:
    return cli.run_source(BIKES, HELP, process, argv, compare=compare)


if __name__ == "__main__":
    sys.exit(main())
