"""Raw rows: of those that say the same the newest is kept, and what repeats the row before is no news."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from lib.figures.quality import Quality
from lib.figures.raw_rows import newest, without_echoes


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([None, "", "x", "y"]), st.sampled_from([None, "z"]))))
def test_without_echoes_every_first_and_last_text_stays(cells: list[tuple[str, str | None, str | None]]) -> None:
    rows = pd.DataFrame(cells, columns=["arc", "one", "other"], dtype=object)
    kept = without_echoes(rows, ["arc", "one", "other"])
    for take in ("first", "last"):
        whole, less = (getattr(one.groupby("arc"), take)() for one in (rows, kept))
        pd.testing.assert_frame_equal(whole, less)
    assert len(without_echoes(kept, ["arc", "one", "other"])) == len(kept)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2), st.sampled_from([np.nan, 1.0, 2.0]))))
def test_the_newest_is_the_last_row_of_its_key_that_measured(cells: list[tuple[str, int, float]]) -> None:
    rows, quality = pd.DataFrame(cells, columns=["arc", "heure", "debit"]), Quality()
    kept = newest(rows, ["arc", "heure"], ["debit"], quality)
    told: dict[tuple[str, int], list[float]] = {}
    for arc, hour, value in cells:
        told.setdefault((arc, hour), []).append(value)
    expected = [(*key, next((one for one in reversed(told[key]) if one == one), np.nan)) for key in sorted(told)]
    pd.testing.assert_frame_equal(
        kept, pd.DataFrame(expected, columns=rows.columns, index=kept.index), check_dtype=False
    )
    assert quality.lignes_retenues + quality.doublons == len(rows)
    assert quality.conflits == sum(len({str(one) for one in values}) - 1 for values in told.values())
