"""Streets, counters and lines beside their usual day: how much, when, and how far out of the ordinary.

The usual day is that of the same weekdays before, on the same sensors and hours (see lib/figures/changes): the
median m of the past days, of which MAD is the median distance to m. A value x is (x - m) / max(MAD, SPREAD m) out of
the ordinary, and is told only beyond floors, so that a lane with forty cars is no news.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.common.paris_time import WEEKS_COMPARED, same_weekdays_before
from lib.figures.changes import LEAST_SHARED
from lib.figures.key_figures import at
from lib.figures.past_days import Past, comparable
from lib.figures.sensor_days import hours_of, once, pair_of_hours
from lib.raw.source import Source
from scripts.registry import SOURCES, on_the_page
from scripts.report.french import name, street
from scripts.report.hours import longest_gap
from scripts.report.key_figures import Metrics
from scripts.sources.traffic.lines import METRO, RER, TRAM

Matrix = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]  # of each sensor, the place of its name

LEAST_DAYS = 3  # past days, below which there is no telling what is usual
SPREAD = 0.05  # of the median: the least distance that past days are taken to have
UNUSUAL_FROM = 4.0  # times that distance; about one value in a hundred of an ordinary day
TOLD, TOLD_OF_A_SOURCE, LISTED, RANKED = 5, 2, 100, 5  # rows
# The least differences told: of a street or counter (units, %), of the whole city (%).
FLOORS = {"comptages": (2_000.0, 20.0), "bikes": (200.0, 20.0)}
CITY_FLOOR = 10.0  # %
LINE_FLOOR, LINE_SPREAD = 2.0, 0.5  # hours of service disturbed
# Of the weather: where in the metrics, what it is, unit, least difference, least distance.
WEATHER = (
    ("metrics.precip_totale", "Pluie", "mm", 5.0, 1.0),
    ("metrics.temp_moyenne", "Température", "°C", 5.0, 1.0),
)
SHOWN_NAMES = {"comptages": street, "bikes": name}


@dataclass(frozen=True)
class Beside:
    """Names (streets, counters, or one for all) beside their usual day; NaN where it is not known.

    names: one row a name: capteurs, arrondissement, jour, usuel, distance (as in the module's words), compares (days).
    hours, usual_hours: one row a name, one column an hour.
    """

    names: pd.DataFrame
    hours: Matrix
    usual_hours: Matrix

    @property
    def scores(self) -> pd.Series:
        """Compute how far out of the ordinary each name is; NaN with too short a past."""
        table = self.names
        found = (table["jour"] - table["usuel"]) / table["distance"]
        return found.where((table["compares"] >= LEAST_DAYS) & (table["distance"] > 0))


def beside_usual(
    source: Source, metrics: Metrics, past: Past, day: date, named: Callable[[str | None], str]
) -> Beside | None:
    """Put the sensors of a day, summed under the name that `named` makes of their label, beside their usual day.

    None for a source without hours of sensors.
    """
    columns = source.sensors
    today = hours_of(metrics, columns, columns.hours, day) if columns else None
    if columns is None or today is None or today.empty:
        return None
    rows = {row[columns.identifier]: row for row in metrics["metrics"]}
    labels = [named(rows[one].get(columns.label) or str(one)) for one in today.index]
    codes, names = pd.factorize(np.array(labels, dtype=object), sort=True)
    places = pd.Series([rows[one].get("arrondissement") for one in today.index], dtype=float)
    measured = _sums(today.to_numpy(), codes)
    earlier = []
    for when in same_weekdays_before(day, WEEKS_COMPARED):
        # A sensor out of order on one of both days is no news of its street: pair_of_hours leaves it out.
        pair = pair_of_hours(columns, columns.hours, metrics, day, past[when], when) if when in past else None
        if pair is not None:
            one, other = (hours.reindex(index=today.index, columns=today.columns).to_numpy() for hours in pair)
            earlier.append(_usual_of(measured, one, other, codes))
    earlier = earlier or [(measured.sum(axis=1) * np.nan, measured * np.nan)]
    totals = np.stack([total for total, _ in earlier])
    usual = _median(totals)
    table = pd.DataFrame(
        {
            "capteurs": np.bincount(codes),
            "arrondissement": _common(places, codes),
            "jour": np.where(np.isfinite(measured).any(axis=1), np.nansum(measured, axis=1), np.nan),
            "usuel": usual,
            "distance": np.fmax(_median(np.abs(totals - usual)), SPREAD * usual),
            "compares": np.isfinite(totals).sum(axis=0),
        },
        index=pd.Index(names, dtype=object),
    )
    return Beside(table, measured, _median(np.stack([hours for _, hours in earlier])))


def _common(places: pd.Series, codes: Codes) -> Matrix:
    """Find the value that all rows of a name share; NaN where they differ."""
    groups = places.groupby(codes)
    return groups.min().where((groups.min() == groups.max()) & (groups.count() == groups.size())).to_numpy()


def _sums(hours: Matrix, codes: Codes) -> Matrix:
    """Sum the rows of each name, hour by hour; NaN where none of them has a value. A tenth of the time of groupby."""
    order = np.argsort(codes, kind="stable")
    first = np.flatnonzero(np.diff(codes[order], prepend=-1))
    known = np.isfinite(hours)[order]
    sums = np.add.reduceat(np.where(known, hours[order], 0.0), first)
    return np.where(np.logical_or.reduceat(known, first), sums, np.nan)


def _usual_of(measured: Matrix, day: Matrix, past: Matrix, codes: Codes) -> tuple[Matrix, Matrix]:
    """Compute what the day's own sensors would have had on a past day: per name, and per name and hour.

    That is the day's value times the ratio of both days over the values that both have.
    """
    both = np.isfinite(day) & np.isfinite(past)
    common, known, there = (np.bincount(codes, one.sum(axis=1)) for one in (both, np.isfinite(day), np.isfinite(past)))
    enough = (common > 0) & (common >= LEAST_SHARED * np.maximum(known, there))
    one, other = (_sums(np.where(both, hours, np.nan), codes) for hours in (day, past))
    whole, shared, before = (np.nansum(hours, axis=1) for hours in (measured, one, other))
    total = before * np.where(shared > 0, whole / np.where(shared > 0, shared, 1.0), 1.0)
    hourly = other * np.where(one > 0, measured / np.where(one > 0, one, 1.0), 1.0)
    return np.where(enough, total, np.nan), np.where(enough[:, None], hourly, np.nan)


def _median(days: Matrix) -> Matrix:
    """Compute the median of the days (first axis) that have a value; NaN where none has."""
    known = np.isfinite(days).any(axis=0)
    return np.where(known, np.nanmedian(np.where(known, days, 0.0), axis=0), np.nan)


def named_sensors(metrics: dict[str, Metrics], past: dict[str, Past], day: date) -> dict[str, Beside]:
    """Put the streets and the counters of the measured sources beside their usual day."""
    found = {
        source: once(
            metrics[source],
            ("named", day),
            partial(beside_usual, SOURCES[source], metrics[source], past.get(source, {}), day, named),
        )
        for source, named in SHOWN_NAMES.items()
        if source in metrics
    }
    return {source: beside for source, beside in found.items() if beside is not None}


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
    told: list[dict[str, Any]] = []
    for row in found:
        if sum(one["source"] == row["source"] for one in told) < TOLD_OF_A_SOURCE and len(told) < TOLD:
            told.append(row)
    others = [row for row in found if row not in told]
    return {"lignes": told, "autres": others[:LISTED], "nombre": len(found)}


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
    gap = (table["jour"] - table["usuel"]).abs()
    told = (scores.abs() >= UNUSUAL_FROM) & (gap >= least) & (gap >= table["usuel"] * least_percent / 100)
    for place in np.flatnonzero(told.to_numpy()).tolist():
        row = table.iloc[place]
        value, usual = float(row["jour"]), float(row["usuel"])
        start, end = longest_gap(beside.hours[place], beside.usual_hours[place])
        yield {
            "source": source,
            "ensemble": False,
            "quoi": str(table.index[place]),
            "arrondissement": _whole(row["arrondissement"]),
            "debut": start,
            "fin": end,
            "valeur": round(value, 2),
            "usuel": round(usual, 2),
            "ecart_pct": round(100 * (value / usual - 1), 1) if usual else None,
            "unite": unit,
            "ecart_robuste": round(float(scores.iloc[place]), 1),
        }


def _whole(value: float | None) -> int | None:
    return None if value is None or pd.isna(value) else int(value)


def _beside_totals(days: list[dict[str, float]], spread: float) -> Beside:
    """Put figures of the first day that no sensors have beside the other days; their distance is `spread` at least."""
    table = pd.DataFrame(days, dtype=float).T
    before = table.drop(columns=0)
    usual = before.median(axis=1)
    distance = before.sub(usual, axis=0).abs().median(axis=1).clip(lower=spread)
    columns = {"jour": table[0], "usuel": usual, "distance": distance, "compares": before.count(axis=1)}
    no_hours = np.empty((len(table), 0))
    return Beside(pd.DataFrame(columns).assign(arrondissement=np.nan), no_hours, no_hours)


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
        none = dict.fromkeys((line for one in days for line in one), 0.0)
        yield from _rows("traffic", "h", _beside_totals([none | one for one in days], LINE_SPREAD), LINE_FLOOR, 0.0)


def _of_weather(metrics: Metrics | None, past: Past, day: date) -> Iterator[dict[str, Any]]:
    for where, what, unit, floor, spread in WEATHER if metrics else ():
        days = [{what: at(one, where)} for one in (metrics or {}, *_weeks(past, day))]
        yield from _rows("weather", unit, _beside_totals(days, spread), floor, 0.0)


def _weeks(past: Past, day: date) -> list[Metrics]:
    found = [past[when] for when in same_weekdays_before(day, WEEKS_COMPARED) if when in past]
    return [one for one in found if comparable(one)]


def movers(named: dict[str, Beside]) -> dict[str, Any]:
    """Rank the names of each source that rose and fell most against their usual day, beyond the floors."""
    return {source: _movers(beside, *FLOORS[source]) for source, beside in named.items()}


def _movers(beside: Beside, least: float, least_percent: float) -> dict[str, Any]:
    table = beside.names[(beside.names["compares"] >= LEAST_DAYS).to_numpy()]
    gap = (table["jour"] - table["usuel"]).abs()
    return ranked(table[gap >= np.maximum(least, table["usuel"] * least_percent / 100)], "usuel", "ecart_pct")


def ranked(table: pd.DataFrame, usual: str, percent: str) -> dict[str, list[dict[str, Any]]]:
    """Rank names by what they gained (hausse) and lost (baisse), RANKED of each.

    table: a row a name: jour, usuel, arrondissement. usual, percent: what a row calls its usual value and its change.
    """
    gap = (table["jour"] - table["usuel"]).sort_values(kind="stable")
    return {
        side: [
            {
                "rang": rank,
                "libelle": str(name),
                "arrondissement": _whole(row["arrondissement"]),
                "valeur": round(row["jour"], 1),
                usual: round(row["usuel"], 1),
                "ecart": round(row["jour"] - row["usuel"], 1),
                percent: round(100 * (row["jour"] / row["usuel"] - 1), 1) if row["usuel"] else None,
            }
            for rank, (name, row) in enumerate(table.loc[moved.index[:RANKED]].to_dict("index").items(), start=1)
        ]
        for side, moved in (("hausse", gap[gap > 0][::-1]), ("baisse", gap[gap < 0]))
    }
