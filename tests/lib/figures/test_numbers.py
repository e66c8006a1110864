"""Figures as they are stored: nothing that JSON cannot hold, and one way to round."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.figures.numbers import hour_lists, plain, records, rounded, share

finite = st.floats(-1e9, 1e9)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
)


@given(anything)
def test_anything_becomes_json_that_utf8_can_carry(value: object) -> None:
    text = json.dumps(plain(value), allow_nan=False, ensure_ascii=False)
    assert json.loads(text.encode()) == plain(value)


def test_half_a_surrogate_pair_costs_one_character() -> None:
    assert plain({"caus\ud83d": ["Incident \ud83d !"]}) == {"caus?": ["Incident ? !"]}
    assert plain("Métro 6 🚇") == "Métro 6 🚇"


def test_what_json_cannot_hold_becomes_none() -> None:
    value = {
        "a": [math.nan, math.inf, -math.inf, np.float64("nan"), pd.NA, pd.NaT, None],
        "b": (np.int64(3), np.float32(0.5), np.bool_(True), "é", {7: np.array([1.5])[0]}),
    }
    assert plain(value) == {"a": [None] * 7, "b": [3, 0.5, True, "é", {"7": 1.5}]}
    assert type(plain(np.int64(3))) is int
    json.dumps(plain(value), allow_nan=False)


def test_stored_floats_have_six_decimals() -> None:
    assert plain([2.33245419071, 1e-9, 0.1 + 0.2]) == [2.332454, 0.0, 0.3]


@given(st.lists(finite, min_size=1, max_size=5), st.integers(0, 4))
def test_one_number_is_rounded_as_a_column_is(values: list[float], decimals: int) -> None:
    column = pd.Series(values).round(decimals).tolist()
    assert [rounded(value, decimals) for value in values] == column


def test_rounding_a_missing_number_is_missing() -> None:
    assert rounded(29.545) == pd.Series([29.545]).round(2)[0] == 29.54
    assert [rounded(value) for value in (None, math.nan, math.inf)] == [None] * 3
    assert type(rounded(np.float64(1.234))) is float


@pytest.mark.parametrize(("part", "whole", "expected"), [(1, 3, 33.33), (0, 5, 0.0), (0, 0, None)])
def test_a_share_of_nothing_is_missing(part: float, whole: float, expected: float | None) -> None:
    assert share(part, whole) == expected


def test_rows_become_plain_objects_in_column_order() -> None:
    frame = pd.DataFrame(
        {
            "b": pd.Series([1, None], dtype="Int64"),
            "a": [0.5, math.nan],
            "texte": ["x", None],
            "objet": [{"lon": 2.3}, None],
            "vrai": [True, False],
        }
    )
    assert records(frame) == [
        {"b": 1, "a": 0.5, "texte": "x", "objet": {"lon": 2.3}, "vrai": True},
        {"b": None, "a": None, "texte": None, "objet": None, "vrai": False},
    ]
    assert list(records(frame)[0]) == ["b", "a", "texte", "objet", "vrai"]
    assert records(frame[:0]) == []


@given(
    st.lists(
        st.lists(finite | st.just(math.nan) | st.integers(-(10**6), 10**6).map(float), min_size=3, max_size=3),
        min_size=1,
    ),
    st.none() | st.integers(0, 4),
)
def test_rows_and_hours_are_what_plain_makes_of_them(rows: list[list[float]], decimals: int | None) -> None:
    """They are passed over by plain(), so that they must already be what it would have made."""
    values = pd.DataFrame(rows, columns=["a", "b", "c"]).replace([np.inf, -np.inf], np.nan)
    hours = hour_lists(values.to_numpy(), decimals)
    found = records(values.assign(texte="caus\ud83d", heures=hours, lieu=[{"lon": row[0]} for row in rows]))
    assert plain(found) is found
    assert repr(found) == repr(plain([dict(row) for row in found]))
    assert repr(plain([[*row] for row in hours])) == repr(list(hours))
