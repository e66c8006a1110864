"""What is out of the ordinary on a day, across sources: what, where, when, how much, and how much is usual.

Streets and counters, the whole city, lines of transport and the weather are each beside their usual day (see
scripts/report/usual).
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from lib.common.paris_time import WEEKS_COMPARED, same_weekdays_before
from lib.figures.changes import middle
from lib.figures.key_figures import at
from lib.figures.past_days import Past, comparable
from scripts.registry import SOURCES, on_the_page
from scripts.report.hours import longest_gap
from scripts.report.key_figures import Metrics
from scripts.report.usual import FLOORS, LEAST_DAYS, UNUSUAL_FROM, Beside, beside_usual, whole_or_none
from scripts.sources.traffic.lines import METRO, RER, TRAM

TOLD, TOLD_OF_A_SOURCE, LISTED = 5, 2, 100  # rows
CITY_FLOOR = 10.0  # % of the whole city: the least difference told
LINE_FLOOR, LINE_SPREAD = 2.0, 0.5  # hours of service disturbed
# Of the weather: where in the metrics, what it is, unit, least difference, least distance.
WEATHER = (
    ("metrics.precip_totale", "Pluie", "mm", 5.0, 1.0),
    ("metrics.temp_moyenne", "Température", "°C", 5.0, 1.0),
)


def unusual(
    metrics: dict[str, Metrics],
    past: dict[str, Past],
    day: date,
    named: dict[str, Beside],
    withheld: Collection[str] = (),
) -> dict[str, Any] | None:
    """Choose what is farthest out of the ordinary: lignes (TOLD at most), autres (LISTED), nombre (of all found).

    None where no source has a past to know the ordinary by. A row is `ensemble` where it is of all sensors of its
    source. withheld: the sources whose change few sensors carry, so that nothing is said of all of them together.
    """
    if all(sum(comparable(one) for one in days.values()) < LEAST_DAYS for days in past.values()):
        return None
    found = [
        *_of_sensors(metrics, past, day, named, withheld),
        *_of_lines(metrics.get("traffic"), past.get("traffic", {}), day),
        *_of_weather(metrics.get("weather"), past.get("weather", {}), day),
    ]
    far = {row["source"]: 0.0 for row in found}
    for row in found:
        far[row["source"]] = max(far[row["source"]], abs(row["ecart_robuste"]))
    # A source as a whole comes before its streets or counters, of which many only do as all of them do.
    found.sort(
        key=lambda row: (
            -far[row["source"]] if row["ensemble"] else -abs(row["ecart_robuste"]),
            not row["ensemble"],
            row["source"],
            row["quoi"],
        )
    )
    told = first_of_sources(found, TOLD)
    others = [row for row in found if row not in told]
    return {"lignes": told, "autres": others[:LISTED], "nombre": len(found)}


def first_of_sources(rows: Iterable[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Choose the first `most` rows, TOLD_OF_A_SOURCE of each source and none twice of a name."""
    told: list[dict[str, Any]] = []
    for row in rows:
        names = [one["quoi"] for one in told if one["source"] == row["source"]]
        if len(told) < most and len(names) < TOLD_OF_A_SOURCE and row["quoi"] not in names:
            told.append(row)
    return told


def _of_sensors(
    metrics: dict[str, Metrics], past: dict[str, Past], day: date, named: dict[str, Beside], withheld: Collection[str]
) -> Iterator[dict[str, Any]]:
    for source in on_the_page(SOURCES):
        if source.name not in named:
            continue
        profile, (units, percents), city = source.profiles[0], FLOORS[source.name], None
        if source.name not in withheld:
            before, title = past.get(source.name, {}), partial(_all_as, profile.title)
            city = beside_usual(source, metrics[source.name], before, day, title)
        for beside, least, least_percent in ((city, 0.0, CITY_FLOOR), (named[source.name], units, percents)):
            if beside is not None:
                for row in _rows(source.name, profile.unit, beside, least, least_percent):
                    yield row | {"ensemble": beside is city}


def _all_as(title: str, _: str | None) -> str:
    return title


def _rows(source: str, unit: str, beside: Beside, least: float, least_percent: float) -> Iterator[dict[str, Any]]:
    table, scores = beside.names, beside.scores
    today, before, places = (table[key].to_numpy(dtype=float) for key in ("jour", "usuel", "arrondissement"))
    gap = np.abs(today - before)
    told = (np.abs(scores) >= UNUSUAL_FROM) & (gap >= least) & (gap >= before * least_percent / 100)
    for place in np.flatnonzero(told).tolist():
        value, usual = float(today[place]), float(before[place])
        start, end = longest_gap(beside.hours[place], beside.usual_hours(place))
        yield {
            "source": source,
            "ensemble": False,
            "quoi": str(table.index[place]),
            "arrondissement": whole_or_none(places[place]),
            "debut": start,
            "fin": end,
            "valeur": round(value, 2),
            "usuel": round(usual, 2),
            "ecart_pct": round(100 * (value / usual - 1), 1) if usual else None,
            "unite": unit,
            "ecart_robuste": round(float(scores[place]), 1),
        }


def _beside_totals(days: list[dict[str, float | None]], spread: float) -> Beside:
    """Put figures of the first day that no sensors have beside the other days; their distance is `spread` at least."""
    today, *weeks = np.array([list(one.values()) for one in days], dtype=float)
    before = np.stack(weeks or [today * np.nan])
    usual = middle(before)
    columns = {
        "arrondissement": np.nan,
        "jour": today,
        "usuel": usual,
        "distance": np.maximum(middle(np.abs(before - usual)), spread),
        "compares": np.isfinite(before).sum(axis=0),
    }
    return Beside(pd.DataFrame(columns, index=list(days[0])), np.empty((len(today), 0)))


def _of_lines(metrics: Metrics | None, past: Past, day: date) -> Iterator[dict[str, Any]]:
    """Look at the hours disturbed of each structuring line; a line that a complete day does not name had none."""
    if metrics is not None and comparable(metrics):
        days = [
            {
                line["ligne"]: line["heures_perturbees"]
                for line in one["par_ligne"]
                if line["mode"] in (METRO, RER, TRAM)
            }
            for one in (metrics, *_weeks(past, day))
        ]
        none = dict.fromkeys((line for one in days for line in one), 0.0)  # all of them, in one order
        yield from _rows("traffic", "h", _beside_totals([none | one for one in days], LINE_SPREAD), LINE_FLOOR, 0.0)


def _of_weather(metrics: Metrics | None, past: Past, day: date) -> Iterator[dict[str, Any]]:
    for where, what, unit, floor, spread in WEATHER if metrics else ():
        days = [{what: at(one, where)} for one in (metrics or {}, *_weeks(past, day))]
        yield from _rows("weather", unit, _beside_totals(days, spread), floor, 0.0)


def _weeks(past: Past, day: date) -> list[Metrics]:
    found = [past[when] for when in same_weekdays_before(day, WEEKS_COMPARED) if when in past]
    return [one for one in found if comparable(one)]
