"""Sensors that cannot be believed, against a hand-written walk over the hours."""

import itertools
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.figures.changes import runs
from lib.figures.day_coverage import published
from lib.figures.key_figures import Sensors
from lib.figures.sensor_days import SensorDay, ShortHours, shortened
from lib.figures.sensors import Bounds, broken, examine, faults

DAY = date(2025, 11, 4)
hour = st.sampled_from([None, None, 0.0, 5.0, 5.0, 7.0])
day = st.lists(hour, min_size=24, max_size=24)
patched = st.tuples(day, st.integers(0, 23), st.integers(0, 24), hour)  # a day, and a stretch of it set to one value


def table(*rows: list[float | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, index=[f"S{number}" for number in range(len(rows))], dtype=float)


def found(*rows: list[float | None]) -> list[tuple[str, str, int | None]]:
    """The faults of some sensors among more sound ones, which publish every hour."""
    counts = table(*rows, *[[float(number) for number in range(24)]] * (len(rows) + 1))
    return [(fault.sensor, fault.motif, fault.heures_consecutives) for fault in faults(counts, counts.notna())]


@pytest.mark.parametrize(("hours", "told"), [(5, False), (6, True), (24, True)])
def test_silence_is_told_from_six_hours_on(hours: int, told: bool) -> None:
    silence = [None] * hours + [float(number) for number in range(24 - hours)]
    assert found(silence) == ([("S0", "silencieux", hours)] if told else [])


@pytest.mark.parametrize(("hours", "told"), [(11, False), (12, True), (24, True)])
def test_one_value_is_told_from_twelve_hours_on(hours: int, told: bool) -> None:
    stuck = [float(number) for number in range(100, 124 - hours)] + [88.0] * hours
    assert found(stuck) == ([("S0", "valeur constante", hours)] if told else [])


def test_a_quiet_night_of_zeros_is_no_fault_and_a_blank_ends_a_run() -> None:
    zeros = [0.0] * 24
    cut = [88.0] * 11 + [None] + [88.0] * 11 + [3.0]
    assert found(zeros, cut) == []


def test_a_sensor_with_an_occupancy_is_not_silent() -> None:
    counts = table([None] * 24)
    assert faults(counts, pd.DataFrame(True, index=counts.index, columns=counts.columns)) == []


def test_hours_that_most_sensors_did_not_publish_make_none_of_them_silent() -> None:
    half = [float(number) for number in range(12)] + [None] * 12
    counts = table(*[half] * 5, [None] * 12 + half[:12], [None] * 24)
    told = [(one.sensor, one.motif, one.heures_consecutives) for one in faults(counts, counts.notna())]
    assert told == [("S5", "silencieux", 12), ("S6", "silencieux", 12)]
    assert published(counts.notna()).tolist() == [True] * 12 + [False] * 12
    assert not published(table([None] * 24).notna()).any()


def walk(row: list[float | None]) -> tuple[int, int]:
    """Longest silence and longest stretch of one value above zero, hour after hour."""
    groups = [(value, len(list(hours))) for value, hours in itertools.groupby(row)]
    silence = max((length for value, length in groups if value is None), default=0)
    return silence, max((length for value, length in groups if value), default=0)


@given(st.lists(patched, min_size=1, max_size=4))
def test_faults_are_those_of_a_walk_over_the_hours(days: list[tuple]) -> None:
    rows = [row[:start] + [value] * length + row[start + length :] for row, start, length, value in days]
    rows = [row[:24] for row in rows]
    expected = []
    for number, row in enumerate(rows):
        silence, stuck = walk(row)
        expected += [(f"S{number}", "silencieux", silence)] * (silence >= 6)
        expected += [(f"S{number}", "valeur constante", stuck)] * (stuck >= 12)
    assert sorted(found(*rows)) == sorted(expected)


@given(st.lists(st.lists(st.booleans(), min_size=7, max_size=7), max_size=4), st.integers(1, 7))
def test_runs_are_whole_and_apart(flags: list[list[bool]], at_least: int) -> None:
    frame = pd.DataFrame(np.array(flags, dtype=bool).reshape(len(flags), 7))
    covered = np.zeros((len(flags), 7), dtype=int)
    for row, first, last in runs(frame, 1):
        covered[row, first : last + 1] += 1
        assert first == 0 or not flags[row][first - 1]
        assert last == 6 or not flags[row][last + 1]
    assert covered.tolist() == np.array(flags, dtype=int).reshape(len(flags), 7).tolist()
    assert runs(frame, at_least) == [run for run in runs(frame, 1) if run[2] - run[1] + 1 >= at_least]


def test_a_sensor_with_an_impossible_value_is_set_aside_and_failing_also_where_no_other_row_is_left_of_it() -> None:
    hours = table([5.0, 7.0] * 12)
    columns = Sensors("id", "nom", "compteur", "heures", "total", "plus_haut")
    found = examine(hours, hours.notna(), pd.Series(["Rivoli"], hours.index), {"7"}, [], BIKES, columns)
    assert found.failing == [{"id": "7", "nom": None, "motif": "valeur impossible", "heures_consecutives": None}]
    assert [(one["id"], one["regle"], one["aurait_ajoute"]) for one in found.set_aside] == [
        ("7", "valeur impossible", None)
    ]
    assert found.rules.isna().all() and found.sound.equals(hours)


@pytest.mark.parametrize(("zeros", "told"), [(5, False), (6, True), (12, True), (24, False)])
def test_a_counter_that_falls_to_zero_against_its_habit_is_failing(zeros: int, told: bool) -> None:
    """The night of a counter that counts nothing then is none of it; a day of zeros has its own words."""
    usual = table([0.0] * 5 + [7.0, 9.0] * 9 + [8.0], [0.0] * 24)
    hours = usual.copy()
    hours.iloc[0, 24 - zeros :] = 0.0
    past = [
        SensorDay(
            DAY - timedelta(days=number),
            pd.DataFrame(),
            ShortHours(*shortened(usual.to_numpy(dtype=float)), usual.index, DAY),
            True,
        )
        for number in range(1, 6)
    ]
    nothing = pd.DataFrame({"highest": [7.0]}, ["S0"])
    past = [SensorDay(one.day, nothing, one.short, True) for one in past]
    for dead_at_zero in (True, False):
        columns = Sensors("id", "nom", "compteur", "heures", "total", "plus_haut", dead_at_zero=dead_at_zero)
        found = examine(hours, hours.notna(), pd.Series(dtype=object), set(), past, BIKES, columns).failing
        fallen = [one["heures_consecutives"] for one in found if one["motif"] == "zéros contre son habitude"]
        assert fallen == ([zeros] if told and dead_at_zero else [])


BIKES = Bounds(highest=2902.0, floor=300.0, marks=True)


def days(*maxima: float | None, sensor: str = "S0", valid: int = 24) -> list[SensorDay]:
    """The days before, most recent first, by the highest hour of one sensor; None: it was not there."""
    found = []
    for number, highest in enumerate(maxima, start=1):
        rows = {} if highest is None else {sensor: {"total": highest, "highest": highest, "valid": valid}}
        table = pd.DataFrame.from_dict(rows, "index", columns=["total", "highest", "valid"], dtype=float)
        found.append(SensorDay(DAY - timedelta(days=number), table, None, True))
    return found


@pytest.mark.parametrize(
    ("highest", "past", "rule"),
    [
        (2902, [], None),
        (2903, [], "au-delà de toute mesure"),
        (2500, [150] * 28, "au-delà de son passé"),
        (450, [150] * 28, None),
        (451, [150] * 28, "au-delà de son passé"),
        (300, [20] * 28, None),  # below the floor
        (301, [20] * 28, "au-delà de son passé"),
        (900, [0] * 28, None),  # it comes back after weeks at zero
        (900, [0] * 21 + [150] * 7, None),
        (900, [None] * 21 + [150] * 7, None),
        (900, [3] * 28, None),  # as good as dead
        (900, [150] * 2, None),  # too little is known of it
        (900, [150] * 3, "au-delà de son passé"),
        (900, [150] * 14 + [None] * 14, "au-delà de son passé"),
    ],
)
def test_a_sensor_is_broken_beyond_its_own_past_alone(
    highest: float, past: list[float | None], rule: str | None
) -> None:
    hours = table([0.0] * 23 + [float(highest)], [5.0] * 24)
    found = broken(hours, (), days(*past), BIKES)
    assert [one.regle for one in found] == ([rule] if rule else [])
    assert [(one.sensor, one.valeur) for one in found] == ([("S0", highest)] if rule else [])


def test_a_dead_counter_is_known_by_its_bits_and_one_rule_is_enough() -> None:
    marks = [2047.0, 0.0, 1022.0, 1022.0, 511.0]
    hours = table(marks + [0.0] * 19, [511.0, 1023.0, *[480.0] * 22], [float(n) for n in range(24)])
    assert [(one.sensor, one.regle) for one in broken(hours, (), [], BIKES)] == [("S0", "marques binaires")]
    assert broken(hours, (), [], Bounds(10_000.0, 1_800.0)) == []  # arcs have no such marks
    found = broken(hours, {"S2", "S0", "without a valid row"}, [], BIKES)
    assert [(one.sensor, one.regle) for one in found] == [
        (sensor, "valeur impossible") for sensor in ("S0", "S2", "without a valid row")
    ]
