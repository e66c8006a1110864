"""Figures as they are stored: what JSON and UTF-8 cannot carry never reaches a file."""

import json
import math

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from lib.figures import plain, records, rounded, share

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
)


@given(VALUES)
def test_anything_becomes_json_that_utf8_can_carry(value: object) -> None:
    text = json.dumps(plain(value), allow_nan=False, ensure_ascii=False)
    assert json.loads(text.encode()) == plain(value)


def test_missing_values_are_none_and_numbers_are_python_s_own() -> None:
    row = {
        "a": np.float64(1.23456789),
        "b": np.int64(3),
        "c": float("nan"),
        "d": pd.NaT,
        "e": pd.NA,
        "f": np.bool_(True),
    }
    assert plain(row) == {"a": 1.234568, "b": 3, "c": None, "d": None, "e": None, "f": True}
    assert type(plain(np.int64(3))) is int


def test_half_a_surrogate_pair_costs_one_character() -> None:
    assert plain({"caus\ud83d": ["Incident \ud83d !"]}) == {"caus?": ["Incident ? !"]}
    assert plain("Métro 6 🚇") == "Métro 6 🚇"


def test_rounding_and_shares_know_what_is_missing() -> None:
    assert (rounded(None), rounded(math.inf), rounded(math.nan), rounded(2.345, 1)) == (None, None, None, 2.3)
    assert (share(1, 3), share(0, 3), share(1, 0)) == (33.33, 0.0, None)


def test_rows_keep_their_order_and_their_integers() -> None:
    frame = pd.DataFrame({"n": pd.array([1, None], dtype="Int64"), "x": [0.5, float("nan")]})
    assert records(frame) == [{"n": 1, "x": 0.5}, {"n": None, "x": None}]
