"""Sensors that cannot be believed, against a hand-written walk over the hours."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.figures.sensors import Fault, faults, impossible_values, published, runs

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


def test_impossible_values_have_no_duration() -> None:
    assert impossible_values({"7"}) == [Fault("7", "valeur impossible", None)]
    assert Fault("7", "valeur impossible", None).description() == {
        "motif": "valeur impossible",
        "heures_consecutives": None,
    }
