"""Streets, counters and lines beside their usual day: how much, when, and how far out of the ordinary.

The usual day is that of the same weekdays before, on the same sensors and hours (see lib/figures/changes): the
median m of the past days, of which MAD is the median distance to m. A value x is (x - m) / max(MAD, SPREAD m) out of
the ordinary, and is told only beyond floors, so that a lane with forty cars is no news.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.common.paris_time import WEEKS_COMPARED, same_weekdays_before
from lib.figures.changes import LEAST_SHARED, comparable_hours
from lib.figures.key_figures import at
from lib.figures.past_days import Past, comparable
from lib.figures.sensor_days import hours_of
from lib.raw.source import Source
from scripts.registry import SOURCES, on_the_page
from scripts.report.french import name, street
from scripts.report.key_figures import Metrics
from scripts.sources.traffic.lines import METRO, RER, TRAM

Matrix = npt.NDArray[np.float64]
Hours = Sequence[float | None] | Matrix

LEAST_DAYS = 3  # past days, below which there is no telling what is usual
SPREAD = 0.05  # of the median: the least distance that past days are taken to have
UNUSUAL_FROM = 4.0  # times that distance; about one value in a hundred of an ordinary day
TOLD, TOLD_OF_A_SOURCE, RANKED = 5, 2, 5  # rows
HOUR_FLOOR = 0.2  # of the usual hour, from which an hour is part of « de 10 h à 16 h »
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
    codes, names = pd.factorize(np.asarray(labels, dtype=object), sort=True)
    places = [rows[one].get("arrondissement") for one in today.index]
    measured = _sums(today.to_numpy(dtype=float), codes, len(names))
    earlier = []
    for when in same_weekdays_before(day, WEEKS_COMPARED):
        before = hours_of(past[when], columns, columns.hours, when) if when in past else None
        if before is not None:
            # A sensor out of order on one of both days is no news of its street.
            pair = comparable_hours(today, before, columns.dead_at_zero)
            one, other = (hours.reindex(index=today.index, columns=today.columns).to_numpy(float) for hours in pair)
            earlier.append(_usual_of(measured, one, other, codes))
    nothing = np.full((len(names), 1), np.nan)
    totals = np.column_stack([one for one, _ in earlier]) if earlier else nothing
    hours = np.stack([one for _, one in earlier]) if earlier else np.full((1, *measured.shape), np.nan)
    usual = _median(totals, 1)
    distance = np.fmax(_median(np.abs(totals - usual[:, None]), 1), SPREAD * usual)
    table = pd.DataFrame(
        {
            "capteurs": np.bincount(codes, minlength=len(names)),
            "arrondissement": _common(places, codes),
            "jour": np.where(np.isfinite(measured).any(axis=1), np.nansum(measured, axis=1), np.nan),
            "usuel": usual,
            "distance": distance,
            "compares": np.isfinite(totals).sum(axis=1),
        },
        index=pd.Index(names, dtype=object),
    )
    return Beside(table, measured, _median(hours, 0))


def _common(values: Sequence[int | None], codes: npt.NDArray[np.int64]) -> list[int | None]:
    """Return the value that all rows of a name share, None where they differ."""
    different: dict[int, set[int | None]] = defaultdict(set)
    for code, value in zip(codes.tolist(), values, strict=True):
        different[code].add(value)
    return [next(iter(found)) if len(found) == 1 else None for _, found in sorted(different.items())]


def _sums(values: Matrix, codes: npt.NDArray[np.int64], names: int) -> Matrix:
    """Sum the rows of each name, hour by hour; NaN where none of them has a value."""
    totals, known = (
        np.column_stack([np.bincount(codes, hour, names) for hour in table.T])
        for table in (np.nan_to_num(values), np.isfinite(values))
    )
    return np.where(known > 0, totals, np.nan)


def _usual_of(measured: Matrix, day: Matrix, past: Matrix, codes: npt.NDArray[np.int64]) -> tuple[Matrix, Matrix]:
    """Compute what the day's own sensors would have had on a past day: per name, and per name and hour.

    That is the day's value times the ratio of both days over the values that both have.
    """
    both = np.isfinite(day) & np.isfinite(past)
    count = [np.bincount(codes, one.sum(axis=1), len(measured)) for one in (both, np.isfinite(day), np.isfinite(past))]
    enough = (count[0] > 0) & (count[0] >= LEAST_SHARED * np.maximum(count[1], count[2]))
    one, other = [_sums(np.where(both, values, np.nan), codes, len(measured)) for values in (day, past)]
    whole = [np.nansum(values, axis=1) for values in (measured, one, other)]
    total = whole[2] * np.where(whole[1] > 0, whole[0] / np.where(whole[1] > 0, whole[1], 1), 1)
    hourly = other * np.where(one > 0, measured / np.where(one > 0, one, 1), 1)
    return np.where(enough, total, np.nan), np.where(enough[:, None], hourly, np.nan)


def _median(values: Matrix, axis: int) -> Matrix:
    known = np.isfinite(values).any(axis=axis, keepdims=True)
    return np.where(np.squeeze(known, axis), np.nanmedian(np.where(known, values, 0.0), axis=axis), np.nan)


def named_sensors(metrics: dict[str, Metrics], past: dict[str, Past], day: date) -> dict[str, Beside]:
    """Put the streets and the counters of the measured sources beside their usual day."""
    return {
        source: found
        for source, named in SHOWN_NAMES.items()
        if source in metrics
        and (found := beside_usual(SOURCES[source], metrics[source], past.get(source, {}), day, named)) is not None
    }


def unusual(
    metrics: dict[str, Metrics],
    past: dict[str, Past],
    day: date,
    named: dict[str, Beside],
    withheld: Collection[str] = (),
) -> dict[str, Any] | None:
    """Choose what is farthest out of the ordinary: lignes (TOLD at most), nombre (of all found).

    None where no source has a past to know the ordinary by. withheld: the sources whose change few sensors carry, so
    that nothing is said of all of them together.
    """
    known = any(sum(comparable(one) for one in days.values()) >= LEAST_DAYS for days in past.values())
    if not known:
        return None
    found = [
        *_of_sensors(metrics, past, day, named, withheld),
        *_of_lines(metrics.get("traffic"), past.get("traffic", {}), day),
        *_of_weather(metrics.get("weather"), past.get("weather", {}), day),
    ]
    found.sort(key=lambda row: (-abs(row["ecart_robuste"]), row["source"], row["quoi"]))
    told: list[dict[str, Any]] = []
    for row in found:
        if sum(one["source"] == row["source"] for one in told) < TOLD_OF_A_SOURCE and len(told) < TOLD:
            told.append(row)
    return {"lignes": told, "nombre": len(found)}


def _of_sensors(
    metrics: dict[str, Metrics], past: dict[str, Past], day: date, named: dict[str, Beside], withheld: Collection[str]
) -> Iterator[dict[str, Any]]:
    for source in on_the_page(SOURCES):
        if source.name not in named:
            continue
        profile, (units, percents) = source.profiles[0], FLOORS[source.name]
        before, title = past.get(source.name, {}), partial(_all_as, profile.title)
        city = None
        if source.name not in withheld:
            city = beside_usual(source, metrics[source.name], before, day, title)
        for beside, least, least_percent in ((city, 0.0, CITY_FLOOR), (named[source.name], units, percents)):
            if beside is not None:
                yield from _rows(source.name, profile.unit, beside, least, least_percent)


def _all_as(title: str, _: str | None) -> str:
    return title


def _rows(source: str, unit: str, beside: Beside, least: float, least_percent: float) -> Iterator[dict[str, Any]]:
    table, scores = beside.names, beside.scores
    gap = (table["jour"] - table["usuel"]).abs()
    told = (scores.abs() >= UNUSUAL_FROM) & (gap >= least) & (gap >= table["usuel"] * least_percent / 100)
    for place in np.flatnonzero(told.to_numpy()).tolist():
        row = table.iloc[place]
        start, end = longest_gap(beside.hours[place], beside.usual_hours[place])
        yield {
            **_row(source, str(table.index[place]), unit, row["jour"], row["usuel"], float(scores.iloc[place])),
            "arrondissement": _whole(row["arrondissement"]),
            "debut": start,
            "fin": end,
        }


def _whole(value: float | None) -> int | None:
    return None if value is None or pd.isna(value) else int(value)


def _row(source: str, what: str, unit: str, value: float, usual: float, score: float) -> dict[str, Any]:
    return {
        "source": source,
        "quoi": what,
        "arrondissement": None,
        "debut": None,
        "fin": None,
        "valeur": round(float(value), 2),
        "usuel": round(float(usual), 2),
        "ecart_pct": round(100 * (float(value) / float(usual) - 1), 1) if usual else None,
        "unite": unit,
        "ecart_robuste": round(score, 1),
    }


def longest_gap(day: Hours, usual: Hours) -> tuple[int | None, int | None]:
    """Find the run of hours in a row (first, last + 1) that are together farthest from the usual ones, on one side."""
    gap = np.asarray(day, dtype=float) - np.asarray(usual, dtype=float)
    side = np.sign(np.nansum(gap))
    part = np.where(np.isfinite(gap) & (side * gap >= HOUR_FLOOR * np.asarray(usual, dtype=float)), side * gap, 0.0)
    best, run, start, found = 0.0, 0.0, 0, None
    for hour, value in enumerate(part.tolist()):
        if value <= 0:
            run, start = 0.0, hour + 1
            continue
        run += value
        if run > best:
            best, found = run, (start, hour + 1)
    return found or (None, None)


def _plain(
    source: str, what: str, unit: str, value: float, before: Sequence[float], floor: float, spread: float
) -> Iterator[dict[str, Any]]:
    """Yield the row of a figure that no sensors have, if it is out of the ordinary."""
    if len(before) < LEAST_DAYS:
        return
    usual = float(np.median(before))
    distance = max(float(np.median(np.abs(np.asarray(before) - usual))), spread)
    score = (value - usual) / distance
    if abs(value - usual) >= floor and abs(score) >= UNUSUAL_FROM:
        yield _row(source, what, unit, value, usual, score)


def _of_lines(metrics: Metrics | None, past: Past, day: date) -> Iterator[dict[str, Any]]:
    """Look at the hours disturbed of each structuring line; a line that a complete day does not name had none."""
    if metrics is None or not comparable(metrics):
        return

    def hours(one: Metrics) -> dict[str, float]:
        return {line["ligne"]: line["heures_perturbees"] for line in one["par_ligne"] if line["mode"] in modes}

    modes = (METRO, RER, TRAM)
    before = [hours(past[when]) for when in _weeks(past, day) if comparable(past[when])]
    today = hours(metrics)
    for line in sorted({*today, *(line for one in before for line in one)}):
        earlier = [one.get(line, 0.0) for one in before]
        yield from _plain("traffic", line, "h", today.get(line, 0.0), earlier, LINE_FLOOR, LINE_SPREAD)


def _of_weather(metrics: Metrics | None, past: Past, day: date) -> Iterator[dict[str, Any]]:
    for where, what, unit, floor, spread in WEATHER if metrics else ():
        value = at(metrics or {}, where)
        weeks = [past[when] for when in _weeks(past, day) if comparable(past[when])]
        before = [known for one in weeks if (known := at(one, where)) is not None]
        if value is not None:
            yield from _plain("weather", what, unit, value, before, floor, spread)


def _weeks(past: Past, day: date) -> list[date]:
    return [when for when in same_weekdays_before(day, WEEKS_COMPARED) if when in past]


def movers(named: dict[str, Beside]) -> dict[str, Any]:
    """Rank the names of each source that rose and fell most against their usual day, beyond the floors."""
    return {source: _movers(beside, *FLOORS[source]) for source, beside in named.items()}


def _movers(beside: Beside, least: float, least_percent: float) -> dict[str, Any]:
    table = beside.names[(beside.names["compares"] >= LEAST_DAYS).to_numpy()]
    gap = table["jour"] - table["usuel"]
    gap = gap[gap.abs() >= np.maximum(least, table["usuel"] * least_percent / 100)].sort_values(kind="stable")
    return {"hausse": _ranked(table, gap[gap > 0][::-1]), "baisse": _ranked(table, gap[gap < 0])}


def _ranked(table: pd.DataFrame, gap: pd.Series) -> list[dict[str, Any]]:
    found = table.loc[gap.index[:RANKED]].to_dict("index")
    return [
        {
            "rang": rank,
            "libelle": label,
            "arrondissement": _whole(row["arrondissement"]),
            "valeur": round(row["jour"], 1),
            "usuel": round(row["usuel"], 1),
            "ecart": round(row["jour"] - row["usuel"], 1),
            "ecart_pct": round(100 * (row["jour"] / row["usuel"] - 1), 1) if row["usuel"] else None,
        }
        for rank, (label, row) in enumerate(found.items(), start=1)
    ]
