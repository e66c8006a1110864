"""Sensors out of order (silent, stuck), and sensors to set aside because they are broken."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.common.exact_json import Plain
from lib.common.text import agreed, counted, grouped
from lib.figures.changes import STUCK_HOURS, longest_runs
from lib.figures.day_coverage import by_day, hours_of_habit, published
from lib.figures.key_figures import Sensors
from lib.figures.numbers import count, ranked, records, rounded
from lib.figures.quality import Quality
from lib.figures.sensor_days import SensorDay

SILENT = "silencieux"  # why a sensor is at fault
SILENT_HOURS = 6  # consecutive hours, of those most sensors published, without any measurement

# A sensor beyond its own past. Without ALIVE_* it marks 19 of some 41 000 real sensor-days of bike counters: faults
# mostly (4 963 at a counter that passes 50), a crowd or two, and five counters that come back after weeks at zero,
# which have no past to be beyond.
PAST_RATIO = 3.0  # times the 90th percentile of its own daily maxima of the last RECENT_DAYS
PAST_QUANTILE = 0.9
ALIVE_DAYS = 3  # days of that past on which it counted, and half of those known at the least
ALIVE_FROM = 10.0  # an hour's count that such a day reaches at least; below it a ratio means nothing

# A dead counter sends all bits set (8190, 2047, 1022, 511 in a row): 2^n - 1 or 2^n - 2, n from 9 to 13.
BINARY_MARKS = frozenset(2**bits - less for bits in range(9, 14) for less in (1, 2))
MARKS_IN_A_DAY = 3  # two may be chance at a counter that passes 500 an hour


class Fault(NamedTuple):
    """One sensor, what is wrong with it, and for how many consecutive hours (None where that makes no sense)."""

    sensor: str
    motif: str
    heures_consecutives: int | None


def faults(counts: pd.DataFrame, measured: pd.DataFrame) -> list[Fault]:
    """Find silent and stuck sensors. Both frames: a row per sensor, a column per hour in order; counts and booleans.

    Hours that most sensors did not publish are passed over.
    """
    seen = published(measured)
    values, unheard = counts.to_numpy(dtype=float)[:, seen], ~measured.to_numpy(dtype=bool)[:, seen]
    same = (values[:, 1:] == values[:, :-1]) & (values[:, 1:] > 0)
    silent, stuck = longest_runs(unheard), longest_runs(same) + 1
    return [
        Fault(sensor, why, hours)
        for why, longest, least in ((SILENT, silent, SILENT_HOURS), ("valeur constante", stuck, STUCK_HOURS))
        for sensor, hours in zip(counts.index[longest >= least], longest[longest >= least].tolist(), strict=True)
    ]


@dataclass(frozen=True)
class Bounds:
    """What an hour of one kind of sensor can hold.

    highest: beyond it no sensor counts, whatever its past; floor: below it none is beyond its past; both with a source.
    """

    highest: float
    floor: float
    marks: bool = False  # whether a dead one sends BINARY_MARKS


class SetAside(NamedTuple):
    """A broken sensor: the rule it breaks, the value that does (None where its row was rejected) and the bound."""

    sensor: str
    regle: str
    valeur: float | None
    seuil: float | None


def broken(
    hours: pd.DataFrame, impossible: Collection[str], past: Sequence[SensorDay], bounds: Bounds
) -> list[SetAside]:
    """Find the sensors to set aside, each under the first rule that it breaks.

    hours: a row per sensor, a column per hour; impossible: those of which a row was rejected for its value, also where
    no other row is left of them.
    """
    highest = hours.max(axis=1)
    usual = usual_highest(past, hours.index[highest > bounds.floor]).reindex(hours.index)
    bound = (PAST_RATIO * usual).clip(lower=bounds.floor)
    marks = hours.isin(BINARY_MARKS).sum(axis=1) if bounds.marks else highest * 0
    rules = (
        ("au-delà de toute mesure", highest > bounds.highest, bounds.highest),
        ("marques binaires", marks >= MARKS_IN_A_DAY, None),
        ("au-delà de son passé", highest > bound, bound),
    )
    found = {sensor: SetAside(sensor, "valeur impossible", None, None) for sensor in impossible}
    for rule, struck, limit in rules:
        for sensor in hours.index[struck]:
            above = limit[sensor] if isinstance(limit, pd.Series) else limit
            found.setdefault(sensor, SetAside(sensor, rule, rounded(highest[sensor]), rounded(above)))
    return [found[sensor] for sensor in sorted(found)]


def usual_highest(past: Sequence[SensorDay], asked: pd.Index) -> pd.Series:
    """Compute the PAST_QUANTILE of the daily maxima of the sensors asked for that were alive on most past days."""
    if not past or asked.empty:
        return pd.Series(dtype=float)
    names, maxima = by_day(past, "highest")
    wanted = names.isin(asked)
    names, maxima = names[wanted], maxima[wanted]
    alive = np.sort(np.where(maxima >= ALIVE_FROM, maxima, np.nan), axis=1)  # the missing ones come last
    days = np.isfinite(alive).sum(axis=1)
    enough = days >= max(ALIVE_DAYS, len(past) / 2)
    return pd.Series(_quantile(alive[enough], days[enough], PAST_QUANTILE), names[enough])


def _quantile(
    ordered: npt.NDArray[np.float64], numbers: npt.NDArray[np.int64], share: float
) -> npt.NDArray[np.float64]:
    """Compute a quantile of the first values of each row, as many as `numbers` says, as numpy does of one row."""
    place = (numbers - 1) * share
    below = np.floor(place).astype(np.int64)
    rows, part = np.arange(len(ordered)), place - below
    low, high = ordered[rows, below], ordered[rows, np.minimum(below + 1, numbers - 1)]
    return np.where(part < 0.5, low + (high - low) * part, high - (high - low) * (1 - part))


@dataclass(frozen=True)
class Examined:
    """What is known of a day's sensors beside the days before.

    sound: the hours of those not set aside; rules: which rule sets each other one aside, missing for the sound ones;
    set_aside (with how much they would have added to the day, of what could be read) and failing: rows as stored.
    """

    aside: list[SetAside]
    sound: pd.DataFrame
    rules: pd.Series
    set_aside: list[dict[str, Any]]
    failing: Plain


def examine(
    hours: pd.DataFrame,
    measured: pd.DataFrame,
    names: pd.Series,
    impossible: Collection[str],
    past: Sequence[SensorDay],
    bounds: Bounds,
    columns: Sensors,
) -> Examined:
    """Find the sensors to set aside (see broken), and those out of order: silent, stuck, dead or impossible.

    hours, names: of each sensor; measured: whether it measured anything in an hour.
    """
    aside = broken(hours, impossible, past, bounds)
    totals = hours.sum(axis=1, min_count=1)
    found = faults(hours, measured) + [Fault(sensor, "valeur impossible", None) for sensor in impossible]
    if columns.dead_at_zero:
        zero = hours.eq(0).to_numpy()
        dead, fallen = np.asarray(zero.all(axis=1)), longest_runs(zero & hours_of_habit(hours, past))
        found += [Fault(sensor, "zéro toute la journée", hours.shape[1]) for sensor in hours.index[dead]]
        told = ~dead & (fallen >= SILENT_HOURS)
        pairs = zip(hours.index[told], fallen[told].tolist(), strict=True)
        found += [Fault(sensor, "zéros contre son habitude", length) for sensor, length in pairs]
    found.sort()
    faulty = [one.sensor for one in found]
    return Examined(
        aside,
        hours.drop(index=[one.sensor for one in aside], errors="ignore"),
        pd.Series({one.sensor: one.regle for one in aside}, dtype=object).reindex(hours.index),
        [
            {
                columns.identifier: one.sensor,
                columns.label: names.get(one.sensor),
                "regle": one.regle,
                "valeur": count(one.valeur),
                "seuil": count(one.seuil),
                "aurait_ajoute": count(totals.get(one.sensor)),
            }
            for one in aside
        ],
        records(
            pd.DataFrame(
                {
                    columns.identifier: faulty,
                    columns.label: names.reindex(faulty).to_numpy(),
                    "motif": [one.motif for one in found],
                    "heures_consecutives": pd.array([one.heures_consecutives for one in found], "Int64"),
                }
            )
        ),
    )


def warn_of_broken(quality: Quality, set_aside: Sequence[dict[str, Any]], columns: Sensors, unit: str) -> None:
    """Warn of sensors set aside, and of how much they would have added."""
    if set_aside:
        known = [one["aurait_ajoute"] for one in set_aside if one["aurait_ajoute"] is not None]
        would = agreed(len(set_aside), "il aurait", "ils auraient")
        added = f" : {would} ajouté {grouped(sum(known))} {unit}" if known else ""
        text = f"{counted(len(set_aside), columns.noun)} en panne, {agreed(len(set_aside), 'laissé')} de côté{added}."
        named = [one[columns.label] or one[columns.identifier] for one in set_aside]
        quality.warn("capteurs_ecartes", "attention", text, len(set_aside), 0, named)


def top_rows(per_sensor: pd.DataFrame, columns: Sensors) -> list[dict[str, Any]]:
    """Rank the ten sensors with the highest totals."""
    known = per_sensor[per_sensor[columns.total].notna()]
    ordered = known.sort_values([columns.total, columns.identifier], ascending=[False, True])
    shown = [columns.identifier, columns.label, "arrondissement", columns.total, columns.highest, "heure_pic"]
    return ranked(ordered[shown])
