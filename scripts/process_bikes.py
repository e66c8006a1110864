"""Bike counters: hourly passages in each direction of the counting sites of Paris during one civil day.

A raw record is one counter during one hour; its time stamp is an instant (UTC in the API) that marks the START of the
hour, so a civil day holds 23, 24 or 25 of them. The same record comes again in later pulls: the newest pull wins. A
record without an id is known by its counter's name; one without coordinates still counts.

The raw files give a BikeDay; its figures are computed where the days before are known, for a broken counter is found by
its own past, and a change is measured on the same counters and hours.

    python scripts/process_bikes.py --date 2025-11-04
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lib  # isort: skip # noqa: F401 - first: it says which package is missing

import numpy as np
import pandas as pd

from lib.common.paris_time import HOUR, WEEKS_COMPARED, clock_hours, day_start, hours_in_day, same_weekdays_before
from lib.common.settings import Settings
from lib.figures import day_coverage, sensors
from lib.figures.changes import LEAST_SHARED, change_beside, middle
from lib.figures.numbers import as_stored, count, hour_lists, points, records, rounded, whole
from lib.figures.quality import Quality
from lib.figures.sensor_days import Remembering, SensorDay, beside_past, known_of
from lib.raw.source_files import no_data
from lib.run.day_run import DayResult
from lib.run.source_command import run_source
from scripts.registry import BIKE_SENSORS, BIKES, files_to_read
from scripts.sources.arrondissements.polygons import load_arrondissements
from scripts.sources.bikes.records import BikeRecords, days_present, read_day_records

HELP = """Comptage vélo : passages par compteur, par arrondissement et par heure d'un jour, compteurs en panne.

Exemple : python scripts/process_bikes.py --date 2025-11-04"""

HISTORY_LOW, HISTORY_HIGH = 0.2, 3.0  # a counter outside 20 %..300 % of its median same weekday is an anomaly
HISTORY_MINIMUM = 50  # passages; below such a median a ratio means nothing
HISTORY_HOURS = 20  # measured hours; below so many a counter's total is that of a part of the day

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
        raise no_data("bikes", day, days, quality)
    return bikes, quality


def compute_metrics(
    bikes: BikeDay, found: sensors.Examined, weeks: Sequence[SensorDay], coverage: float
) -> Remembering:
    """Compute all figures of the day. The broken counters of `found` are in no sum and no ranking.

    weeks: the last same weekdays; coverage: 0..1 of what was expected of the day.
    """
    per_counter = counter_figures(bikes, found.rules)
    unusual = anomalies(found, per_counter, weeks)
    per_counter["anomalie_detectee"] = per_counter["id_compteur"].isin([one["id_compteur"] for one in unusual])
    sound = per_counter[per_counter["ecarte"].isna()]
    metrics = {
        "total_jour": count(found.sound.sum(min_count=1).sum(min_count=1)),
        "nombre_compteurs": len(per_counter),
        "nombre_compteurs_actifs": int((sound["heures_valides"] > 0).sum()),
        **frequentation_index(found.sound, weeks, coverage),
        "par_arrondissement": by_arrondissement(sound),
        "profil_horaire": hourly_profile(found.sound),
        "top_counters": sensors.top_rows(sound, BIKE_SENSORS),
        "failing_sensors": found.failing,
        "capteurs_ecartes": found.set_aside,
        "anomalies": unusual,
        "metrics": records(per_counter),
    }
    hours = {BIKE_SENSORS.hours: as_stored(bikes.hourly.to_numpy())}
    return Remembering(metrics, known_of(per_counter, hours, BIKE_SENSORS, bikes.day, BIKES.compared))


def compare(result: DayResult, past: Sequence[SensorDay]) -> DayResult:
    """Compute the figures beside the days before, which say what to expect and which counters are broken."""
    bikes, quality = result.metrics, result.quality
    hourly, counters = day_coverage.without_filled(bikes.hourly, past, quality, "compteur"), bikes.counters
    impossible, names = quality.sensors_at_fault, counters["nom_compteur"]
    found = sensors.examine(hourly, hourly.notna(), names, impossible, past, BOUNDS, BIKE_SENSORS)
    coverage = day_coverage.account_for(
        quality, found.sound.notna(), len(found.aside), past, counters.index, "compteurs de la semaine"
    )
    sensors.warn_of_broken(quality, found.set_aside, BIKE_SENSORS, "passages")
    weekdays = same_weekdays_before(bikes.day, WEEKS_COMPARED)
    weeks = [one for one in past if one.day in weekdays]
    return DayResult(compute_metrics(replace(bikes, hourly=hourly), found, weeks, coverage), quality, coverage)


def counter_figures(bikes: BikeDay, rules: pd.Series) -> pd.DataFrame:
    """Build one row per counter, the columns of metrics[] in their stored order."""
    hourly, counters = bikes.hourly, bikes.counters
    values, clock = hourly.to_numpy(), hourly.columns.where(hourly.columns != 24, 2).to_numpy()
    seen = np.isfinite(values)
    peaks = clock[np.where(seen, values, -1).argmax(axis=1)]
    return pd.DataFrame(
        {
            "id_compteur": hourly.index,
            "nom_compteur": counters["nom_compteur"],
            "total_jour": whole(hourly.sum(axis=1, min_count=1)),
            "comptages_horaires": hour_lists(values),
            "moyenne_horaire": hourly.mean(axis=1).round(2),
            "pic_horaire": whole(hourly.max(axis=1)),
            "heure_pic": pd.arrays.IntegerArray(peaks, ~seen.any(axis=1)),
            "heures_valides": seen.sum(axis=1),
            "ecarte": rules,
            "arrondissement": counters["arrondissement"],
            "coordinates": points(counters),
        }
    ).reset_index(drop=True)


def anomalies(found: sensors.Examined, per_counter: pd.DataFrame, weeks: Sequence[SensorDay]) -> list[dict[str, Any]]:
    """List the counters that fail or are broken, and those far from the median of their own last same weekdays.

    A day counts on both sides where the counter measured most of it.
    """
    impossible = {one["id_compteur"] for one in found.failing if one["motif"] == "valeur impossible"}
    rows: list[tuple[str, str, float | None, float | None]]
    rows = [(one["id_compteur"], one["motif"], None, None) for one in found.failing]
    rows += [(one.sensor, one.regle, one.valeur, None) for one in found.aside if one.sensor not in impossible]
    usual = pd.Series(dtype=float)
    if weeks:
        (names, totals), (_, valid) = (day_coverage.by_day(weeks, column) for column in ("total", "valid"))
        usual = pd.Series(middle(np.where(valid >= HISTORY_HOURS, totals, np.nan).T), names)
    median, total = per_counter["id_compteur"].map(usual), per_counter["total_jour"].astype(float)
    known = (
        (per_counter["heures_valides"] >= HISTORY_HOURS) & (median >= HISTORY_MINIMUM) & per_counter["ecarte"].isna()
    )
    odd = known & ~total.between(HISTORY_LOW * median, HISTORY_HIGH * median)
    for counter, value, often in zip(per_counter["id_compteur"][odd], total[odd], median[odd], strict=True):
        kind = "fréquentation très basse" if value < often else "fréquentation très haute"
        rows.append((counter, kind, count(value), count(often)))
    return [dict(zip(("id_compteur", "type", "valeur", "mediane"), row, strict=True)) for row in rows]


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
    clock, measured = hourly.columns.where(hourly.columns != 24, 2), hourly.count()
    seen, totals = (np.bincount(clock, values, minlength=24) for values in (measured, hourly.sum()))
    columns = zip(range(24), totals.tolist(), seen.astype(int).tolist(), strict=True)
    return [
        {"heure": hour, "total": count(total) if known else None, "compteurs_mesures": known}
        for hour, total, known in columns
    ]


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
    return run_source(BIKES, HELP, process, argv, compare)


if __name__ == "__main__":
    sys.exit(main())
