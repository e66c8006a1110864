"""Bike counters: hourly passages in each direction of the counting sites of Paris during one civil day.

A raw record is one counter during one hour; its time stamp is an instant (UTC in the API) that marks the START of the
hour, so a civil day holds 23, 24 or 25 of them. The same record comes again in later pulls: the newest pull wins. A
record without an id is known by its counter's name; one without coordinates still counts.

The raw files give a BikeDay; its figures are computed where the days before are known, for a broken counter is found by
its own past, and a change is measured on the same counters and hours.

    python scripts/process_bikes.py --date 2025-11-04
"""

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lib  # isort: skip # noqa: F401 - first: it says which package is missing

import numpy as np
import pandas as pd

from lib.common.errors import InputError
from lib.common.paris_time import HOUR, WEEKS_COMPARED, clock_hours, day_start, hours_in_day, same_weekdays_before
from lib.common.settings import Settings
from lib.figures import sensors
from lib.figures.changes import LEAST_SHARED, change_beside
from lib.figures.numbers import count, hour_lists, records, rounded, whole
from lib.figures.quality import Quality
from lib.figures.sensor_days import SensorDay, beside_past
from lib.raw.source_files import no_data
from lib.run import cli
from lib.run.day_run import DayResult
from scripts.registry import BIKES, files_to_read
from scripts.sources.arrondissements.polygons import load_arrondissements
from scripts.sources.bikes.records import BikeRecords, days_present, read_day_records

HELP = """Comptage vélo : passages par compteur, par arrondissement et par heure d'un jour, compteurs en panne.

Exemple : python scripts/process_bikes.py --date 2025-11-04"""

HISTORY_LOW, HISTORY_HIGH = 0.2, 3.0  # a counter outside 20 %..300 % of its median same weekday is an anomaly
HISTORY_MINIMUM = 50  # passages; below such a median a ratio means nothing
HISTORY_HOURS = 20  # measured hours; below so many a counter's total is that of a part of the day
TOP = 10

# passages/h. In 992 776 real counter-hours the highest valid one is 1 451: nothing passes twice that; a counter beyond
# its own past is so from 300 on, below which crowds are (docs/sources/bikes.md).
BOUNDS = sensors.Bounds(highest=2 * 1451.0, floor=300.0, marks=True)


@dataclass(frozen=True)
class BikeDay:
    """What the raw files say of a day.

    hourly: passages, a row per counter, a column per real hour of the day in order, NaN where not measured.
    counters: one row per counter heard of lately: nom_compteur, lon, lat (degrees), arrondissement.
    """

    day: date
    hourly: pd.DataFrame
    counters: pd.DataFrame


def read_raw(settings: Settings, day: date) -> tuple[BikeRecords, Quality]:
    """Read the day's valid records and counters, and the account of the rejected rows."""
    quality = Quality()
    files = files_to_read(settings, BIKES, quality)
    bikes = read_day_records(files, day, quality)
    if bikes.counts.empty:
        days = days_present([raw for raw in files if raw.name not in quality.unusable])
        if not quality.unusable and (day.isoformat() in days or (quality.rejets and not days)):
            message = f"aucun comptage valable pour le {day} : {dict(quality.rejets)}."
            raise InputError(message, "Vérifier les fichiers.")
        raise no_data("bikes", day, days, quality)
    return bikes, quality


def compute_metrics(bikes: BikeDay, aside: list[sensors.SetAside], impossible: set[str]) -> dict[str, Any]:
    """Compute all figures that need no other day. `aside`: the broken counters, in no sum and no ranking.

    `impossible`: counters of which a row was rejected for a value no counter can have.
    """
    broken = {one.sensor: one.regle for one in aside}
    per_counter = counter_figures(bikes, broken)
    sound = per_counter[per_counter["ecarte"].isna()]
    hourly = bikes.hourly.drop(index=list(broken), errors="ignore")
    failing = failing_sensors(bikes.hourly, per_counter, impossible)
    return {
        "total_jour": count(hourly.sum(min_count=1).sum(min_count=1)),
        "nombre_compteurs": len(per_counter),
        "nombre_compteurs_actifs": int((sound["heures_valides"] > 0).sum()),
        **frequentation_index(hourly, (), 0.0),
        "par_arrondissement": by_arrondissement(sound),
        "profil_horaire": hourly_profile(hourly),
        "top_counters": top_counters(sound),
        "failing_sensors": failing,
        "capteurs_ecartes": sensors.set_aside_rows(
            aside, "id_compteur", "nom_compteur", bikes.counters["nom_compteur"], bikes.hourly
        ),
        "anomalies": [
            {"id_compteur": one["id_compteur"], "type": one["motif"], "valeur": None, "mediane": None}
            for one in failing
        ]
        + [
            {"id_compteur": one.sensor, "type": one.regle, "valeur": one.valeur, "mediane": None}
            for one in aside
            if one.sensor not in impossible
        ],
        "metrics": records(per_counter),
    }


def compare(result: DayResult, past: Sequence[SensorDay]) -> DayResult:
    """Compute the figures beside the days before: broken counters, coverage, frequentation_index and anomalies."""
    bikes, quality = result.metrics, result.quality
    aside = sensors.broken(bikes.hourly, quality.sensors_at_fault, past, BOUNDS)
    sound = bikes.hourly.drop(index=[one.sensor for one in aside], errors="ignore")
    coverage = sensors.account_for(
        quality, sound.notna(), sound.columns, aside, past, bikes.counters.index, "compteurs de la semaine"
    )
    metrics = compute_metrics(bikes, aside, quality.sensors_at_fault)
    sensors.warn_of_zeros(quality, sound, "compteur")
    sensors.warn_of_broken(quality, metrics["capteurs_ecartes"], "compteur", "passages", "id_compteur", "nom_compteur")
    weekdays = same_weekdays_before(bikes.day, WEEKS_COMPARED)
    weeks = [one for one in past if one.day in weekdays]
    unusual = metrics["anomalies"] + unusual_counters(metrics["metrics"], weeks)
    named = {one["id_compteur"] for one in unusual}
    figures = {
        **metrics,
        **frequentation_index(sound, weeks, coverage),
        "anomalies": unusual,
        "metrics": [{**one, "anomalie_detectee": one["id_compteur"] in named} for one in metrics["metrics"]],
    }
    return DayResult(figures, quality, coverage)


def counter_figures(bikes: BikeDay, broken: dict[str, str]) -> pd.DataFrame:
    """Build one row per counter, the columns of metrics[] in their stored order (anomalie_detectee comes last)."""
    hourly, counters = bikes.hourly, bikes.counters
    active = hourly.notna().any(axis=1)
    pairs = zip(counters["lon"].tolist(), counters["lat"].tolist(), strict=True)
    return pd.DataFrame(
        {
            "id_compteur": hourly.index,
            "nom_compteur": counters["nom_compteur"],
            "total_jour": whole(hourly.sum(axis=1, min_count=1)),
            "comptages_horaires": hour_lists(hourly),
            "moyenne_horaire": hourly.mean(axis=1).round(2),
            "pic_horaire": whole(hourly.max(axis=1)),
            "heure_pic": hourly[active].idxmax(axis=1).replace(24, 2).reindex(hourly.index).astype("Int64"),
            "heures_valides": hourly.notna().sum(axis=1),
            "ecarte": pd.Series(broken, dtype=object).reindex(hourly.index),
            "arrondissement": counters["arrondissement"],
            "coordinates": [None if np.isnan(lon) else {"lon": lon, "lat": lat} for lon, lat in pairs],
        }
    ).reset_index(drop=True)


def failing_sensors(hourly: pd.DataFrame, per_counter: pd.DataFrame, impossible: set[str]) -> list[dict[str, Any]]:
    """Find counters silent, stuck, with an impossible value, or at zero for the whole day."""
    faults = sensors.faults(hourly, hourly.notna()) + sensors.impossible_values(impossible)
    full = hourly.notna().all(axis=1) & hourly.eq(0).all(axis=1)
    faults += [sensors.Fault(counter, "zéro toute la journée", hourly.shape[1]) for counter in hourly.index[full]]
    names = per_counter.set_index("id_compteur")["nom_compteur"].to_dict()
    return [
        {"id_compteur": fault.sensor, "nom_compteur": names.get(fault.sensor), **fault.description()}
        for fault in sorted(faults)
    ]


def unusual_counters(per_counter: list[dict[str, Any]], weeks: Sequence[SensorDay]) -> list[dict[str, Any]]:
    """Find the counters far from the median of their own last same weekdays, all measured for most of the day."""
    usual: dict[str, list[float]] = {}
    for past in weeks:
        measured = past.sensors[past.sensors["valid"] >= HISTORY_HOURS]
        for counter, total in measured["total"].items():
            usual.setdefault(str(counter), []).append(total)
    found = []
    for one in per_counter:
        counter, total = one["id_compteur"], one["total_jour"]
        median = statistics.median(usual.get(counter, [0.0]))
        if one["heures_valides"] < HISTORY_HOURS or median < HISTORY_MINIMUM or one["ecarte"]:
            continue
        if HISTORY_LOW * median <= total <= HISTORY_HIGH * median:
            continue
        kind = "fréquentation très basse" if total < median else "fréquentation très haute"
        found.append({"id_compteur": counter, "type": kind, "valeur": total, "mediane": count(median)})
    return found


def frequentation_index(sound: pd.DataFrame, weeks: Sequence[SensorDay], coverage: float) -> dict[str, Any]:
    """Compute 100 x the median ratio to the last same weekdays, each on the same counters and hours, and its margin.

    None without a week that shares half of its values, for a day that lacks half of what was expected, or where few
    counters carry the change (see changes.py).
    """
    shared = [one for one in (beside_past(sound, week, dead_at_zero=True) for week in weeks) if one.comparable]
    change = change_beside(shared) if coverage >= LEAST_SHARED else None
    published = change.published if change else None
    return {
        "frequentation_index": None if published is None else rounded(100 + published, 1),
        "frequentation_index_marge": rounded(change.margin) if change else None,
        "frequentation_index_pourquoi": change.why_not("compteur") if change else None,
    }


def by_arrondissement(per_counter: pd.DataFrame) -> list[dict[str, Any]]:
    """Add up by arrondissement; the counters outside all twenty, or without coordinates, are under None."""
    groups = per_counter.groupby("arrondissement", dropna=False)
    frame = pd.DataFrame(
        {
            "total_jour": groups["total_jour"].sum(min_count=1),
            "nombre_compteurs": groups.size(),
        }
    )
    return records(frame.reset_index())


def hourly_profile(hourly: pd.DataFrame) -> list[dict[str, Any]]:
    """Add up by hour of the Paris clock; in autumn 02 h is lived twice and holds both, in spring it is None."""
    hours = pd.DataFrame({"total": hourly.sum(min_count=1), "compteurs_mesures": hourly.count()})
    groups = hours.groupby(hours.index.where(hours.index != 24, 2))
    profile = pd.DataFrame(
        {"total": groups["total"].sum(min_count=1), "compteurs_mesures": groups["compteurs_mesures"].sum()}
    ).reindex(range(24))
    profile["total"] = whole(profile["total"])
    profile["compteurs_mesures"] = profile["compteurs_mesures"].fillna(0).astype(int)
    return records(profile.rename_axis("heure").reset_index())


def top_counters(per_counter: pd.DataFrame) -> list[dict[str, Any]]:
    """Rank the ten counters with the most passages."""
    ranked = per_counter[per_counter["total_jour"].notna()].sort_values(
        ["total_jour", "id_compteur"], ascending=[False, True]
    )[:TOP]
    columns = ["id_compteur", "nom_compteur", "arrondissement", "total_jour", "pic_horaire", "heure_pic"]
    return [{"rang": rank, **row} for rank, row in enumerate(records(ranked[columns]), start=1)]


def process(settings: Settings, day: date) -> DayResult:
    """Read the raw files of a day into a BikeDay; compare() makes the figures of it."""
    bikes, quality = read_raw(settings, day)
    places = load_arrondissements(settings, quality).locate(bikes.counters["lon"], bikes.counters["lat"])
    hours = [day_start(day) + hour * HOUR for hour in range(hours_in_day(day))]
    hourly = bikes.counts.pivot(index="id_compteur", columns="instant", values="comptage")
    hourly = hourly.reindex(index=bikes.counters.index, columns=hours)  # silent counters stay
    hourly.columns = pd.Index(clock_hours(day))
    return DayResult(BikeDay(day, hourly, bikes.counters.assign(arrondissement=places)), quality)


def main(argv: list[str] | None = None) -> int:
    return cli.run_source(BIKES, HELP, process, argv, compare)


if __name__ == "__main__":
    sys.exit(main())
