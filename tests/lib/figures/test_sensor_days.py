"""Changes on the same sensors and hours: what falls silent moves no change beyond what sensors themselves differ by."""

import statistics
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lib.figures.changes import Hours, Pair, pair, shared
from lib.figures.key_figures import KeyFigure, Sensors
from lib.figures.past_days import evolution, usual_hours
from lib.figures.sensor_days import (
    NAMES,
    Remembering,
    hours_of,
    in_short,
    lengthened,
    sensor_day,
    shortened,
)

DAY = date(2025, 11, 4)
COLUMNS = Sensors("id", "nom", "capteur", "heures", "total", "pic")
FIGURE = KeyFigure("total", "total", "passages", 1, "heures", "total")
SENSORS, HOURS = 6, 24
counts = hnp.arrays(np.float64, (SENSORS, HOURS), elements=st.integers(1, 500).map(float))
kept = hnp.arrays(np.bool_, (SENSORS, HOURS))


def frame(values: Any) -> pd.DataFrame:
    return pd.DataFrame(values, [f"S{number}" for number in range(len(values))], range(len(values[0])), dtype=float)


def pair_of_frames(day: pd.DataFrame, past: pd.DataFrame, dead_at_zero: bool | None = None) -> Pair:
    return pair(Hours.of(day), Hours.of(past), dead_at_zero)


def metrics_of(values: np.ndarray, coverage: float = 1.0) -> dict[str, Any]:
    """The stored metrics of a day whose sensors measured this, NaN where they did not."""
    rows = []
    for number, row in enumerate(values):
        known = [None if np.isnan(value) else value for value in row.tolist()]
        counted = [value for value in known if value is not None]
        rows.append({"id": f"S{number}", "heures": known, "heures_valides": len(counted), "ecarte": None,
                     "total": sum(counted) if counted else None, "pic": max(counted, default=None)})  # fmt: skip
    account = {"couverture": coverage, "statut": "complet", "capteurs": {}, "heures_manquantes": []}
    return {"total": float(np.nansum(values)), "metrics": rows, "qualite": account}


@given(counts, st.lists(counts, min_size=1, max_size=4), kept, st.lists(kept, min_size=4, max_size=4))
def test_no_silence_moves_a_change_beyond_the_sensors_own_spread(
    day: np.ndarray, weeks: list[np.ndarray], heard: np.ndarray, heard_then: list[np.ndarray]
) -> None:
    """Any sensors and hours may fall silent, on the day and on each day it is compared with."""
    dates = [DAY - timedelta(weeks=week + 1) for week in range(len(weeks))]
    silent = {when: np.where(mask, week, np.nan) for when, week, mask in zip(dates, weeks, heard_then, strict=False)}
    today = metrics_of(np.where(heard, day, np.nan))
    found = evolution(today, DAY, {when: metrics_of(one) for when, one in silent.items()}, FIGURE, COLUMNS)
    whole = evolution(metrics_of(day), DAY, dict(zip(dates, map(metrics_of, weeks), strict=True)), FIGURE, COLUMNS)
    spreads = [100 * (np.ptp(day / week)) for week in weeks]
    if found["evolution_semaine_precedente_pct"] is not None:
        moved = found["evolution_semaine_precedente_pct"] - whole["evolution_semaine_precedente_pct"]
        assert abs(moved) <= spreads[0] + 0.11  # the changes are rounded to a tenth
    ratios = np.concatenate([(100 * (day / week - 1)).ravel() for week in weeks])
    if found["evolution_mediane_pct"] is not None:
        assert ratios.min() - 0.06 <= found["evolution_mediane_pct"] <= ratios.max() + 0.06
    for key in ("semaine_precedente", "mediane"):
        base = found[f"{key}_base"]
        percent = found["evolution_semaine_precedente_pct" if key != "mediane" else "evolution_mediane_pct"]
        if percent is not None:
            assert min(base["part_du_jour"], base["part_du_passe"]) >= 0.5


@given(counts, counts, kept, kept)
def test_the_ratio_is_that_of_sums_over_what_both_measured(
    day: np.ndarray, past: np.ndarray, heard: np.ndarray, heard_then: np.ndarray
) -> None:
    both = heard & heard_then
    found = shared(pair_of_frames(frame(np.where(heard, day, np.nan)), frame(np.where(heard_then, past, np.nan))))
    assert found.sensors == int(both.any(axis=1).sum())
    assert found.comparable == (both.any() and 2 * both.sum() >= max(heard.sum(), heard_then.sum()))
    if found.comparable:
        assert found.changes(points=False)[-1] == pytest.approx(100 * (sum(day[both]) / sum(past[both]) - 1))
        assert found.changes(points=True)[-1] == pytest.approx(day[both].mean() - past[both].mean())


def test_sensors_that_come_and_go_are_left_out_of_both_days() -> None:
    day = frame([[10.0] * 4, [20.0] * 4, [1000.0] * 4])
    past = frame([[5.0] * 4, [10.0] * 4]).rename(index={"S1": "S1"})
    assert shared(pair_of_frames(day.iloc[:2], past)).changes(points=False)[-1] == 100.0
    found = shared(pair_of_frames(day, past))
    assert (found.changes(points=False)[-1], found.sensors, found.measured) == (100.0, 2, 3)
    assert found.day_share == pytest.approx(2 / 3)


def test_the_usual_hours_are_those_of_the_day_s_own_sensors() -> None:
    day = frame([[10.0, np.nan, 30.0], [np.nan, 5.0, np.nan]])
    weeks = [frame([[5.0, 7.0, 10.0], [50.0, 5.0, 60.0]]), frame([[20.0, 1.0, 60.0]])]
    shown = [10.0, None, 30.0]
    pairs = [pair_of_frames(day, week, dead_at_zero=False) for week in weeks]
    assert usual_hours(shown, pairs) == [statistics.median([5.0, 20.0]), None, statistics.median([10.0, 60.0])]
    assert usual_hours(shown, []) == [None] * 3


@pytest.mark.parametrize(("day", "length"), [(date(2025, 3, 30), 23), (date(2025, 10, 26), 25), (DAY, 24)])
def test_hours_stand_beside_those_of_the_same_clock(day: date, length: int) -> None:
    values = metrics_of(np.arange(float(length))[None, :])
    found = hours_of(values, COLUMNS, "heures", day)
    assert found is not None
    ordinary = hours_of(metrics_of(np.arange(24.0)[None, :]), COLUMNS, "heures", DAY)
    assert ordinary is not None
    assert shared(pair_of_frames(found, ordinary)).past_share == pytest.approx((23 if length == 23 else 24) / 24)
    assert found.loc["S0", 23] == length - 1  # the last hour of the day is 23 h on every clock


def test_a_sensor_set_aside_is_in_no_past() -> None:
    metrics = metrics_of(np.array([[1.0] * 24, [9000.0] * 24]))
    metrics["metrics"][1]["ecarte"] = "au-delà de toute mesure"
    assert sensor_day(metrics, COLUMNS, DAY).sensors.index.tolist() == ["S0"]


@pytest.mark.parametrize("without", [(), ("today",), ("past",), ("today", "past")])
def test_a_past_day_without_its_rows_is_compared_as_with_them(without: tuple[str, ...]) -> None:
    """Whether or not either day was stored by a version without hours."""
    values = np.arange(1.0, 1.0 + 12 * 24).reshape(12, 24)
    values[3, 5:9] = np.nan
    found = []
    for slim in (False, True):
        today, past = metrics_of(values), metrics_of(values * 2)
        past["metrics"][2]["ecarte"] = "au-delà de toute mesure"
        for name, metrics in (("today", today), ("past", past)):
            for row in metrics["metrics"] if name in without else ():
                del row["heures"]
        when = DAY - timedelta(weeks=1)
        known = Remembering(
            {"total": past["total"], "qualite": past["qualite"]}, in_short(past, COLUMNS, when, [FIGURE])
        )
        now = Remembering(today, in_short(today, COLUMNS, DAY, [FIGURE]))
        found.append(evolution(now if slim else today, DAY, {when: known if slim else past}, FIGURE, COLUMNS))
    assert found[0] == found[1]
    assert found[0]["semaine_precedente_base"]["journees_entieres"] is bool(without)
    assert found[0]["evolution_semaine_precedente_pct"] is not None


@pytest.mark.parametrize(
    ("values", "bytes_each"),
    [
        ([0.0, 1204.0, np.nan, 32767.0], 2),
        ([0.29, 99.99, np.nan, 57.0], 2),
        ([0.07, 4821.33, np.nan], 4),
        ([32768.0, 1.0], 4),
        ([np.nan, np.nan], 2),
        ([], 2),
        ([0.125, 1.0], 8),
        ([-1.0, 3.0], 2),
        ([-0.01, 3.0], 8),  # where it would be taken for a missing one
        ([np.inf, 3.0], 8),
        ([1e300, 3.0], 8),
    ],
)
def test_hours_are_kept_short_only_where_they_come_back_exactly(values: list[float], bytes_each: int) -> None:
    hours = np.array(values, dtype=float)
    short, scale = shortened(hours)
    assert short.dtype.itemsize == bytes_each
    assert np.array_equal(lengthened(short, scale), hours, equal_nan=True)


def test_two_decimals_come_back_whatever_they_are() -> None:
    hours = np.array([float(f"{cents // 100}.{cents % 100:02d}") for cents in range(200_000)])
    assert np.array_equal(lengthened(*shortened(hours)), hours)


def test_a_long_past_is_held_in_little_memory() -> None:
    """Of a day: two bytes an hour, no row, and the sensors' names in common with the other days."""
    days = [in_short(metrics_of(np.full((400, 24), 7.0)), COLUMNS, DAY, [FIGURE]) for _ in range(2)]
    assert days[0][NAMES] is days[1][NAMES]
    assert days[0]["hours", "heures"].values.nbytes == 2 * 400 * 24
    assert ("whole", "heures") not in days[0]
