"""The margin of a change, and that few sensors make none."""

import numpy as np
import pandas as pd
import pytest

from lib.figures.changes import MOST_MARGIN, TENTHS, Hours, Pair, change_beside, comparable_hours, middle, pair, shared
from lib.figures.past_days import usual_hours

HOURS = 24


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(16)


def frame(daily: np.ndarray | list[float]) -> pd.DataFrame:
    """A day of sensors whose hours rise towards the evening and sum up to this."""
    shape = np.linspace(1.0, 3.0, HOURS)
    names = [f"S{number:04d}" for number in range(len(daily))]
    return pd.DataFrame(np.outer(daily, shape / shape.sum()), names, range(HOURS))


def pair_of_frames(day: pd.DataFrame, past: pd.DataFrame, dead_at_zero: bool | None = None) -> Pair:
    return pair(Hours.of(day), Hours.of(past), dead_at_zero)


def test_the_margin_is_two_errors_of_a_jackknife_by_hand(rng: np.random.Generator) -> None:
    past, day = rng.lognormal(9, 1, TENTHS), rng.lognormal(9, 1, TENTHS)
    change = change_beside([shared(pair_of_frames(frame(day), frame(past)))])
    assert change is not None and change.measured == pytest.approx(100 * (day.sum() / past.sum() - 1))
    without = [np.delete(day, at).sum() / np.delete(past, at).sum() * 100 for at in range(TENTHS)]
    assert change.margin == pytest.approx(2 * np.sqrt((TENTHS - 1) ** 2 / TENTHS * np.var(without, ddof=1)))


def test_sensors_that_all_change_alike_have_no_margin_and_few_have_none(rng: np.random.Generator) -> None:
    past = rng.lognormal(9, 1, 40)
    change = change_beside([shared(pair_of_frames(frame(1.07 * past), frame(past)))])
    assert change is not None and (round(change.published or 0, 6), round(change.margin or 0, 6)) == (7.0, 0.0)
    few = change_beside([shared(pair_of_frames(frame([100.0, 900.0]), frame([400.0, 100.0])))])
    assert few is not None and (few.published, few.margin) == (100.0, None)  # two sensors, said beside it


def test_a_change_of_few_sensors_is_not_one_of_all() -> None:
    past = np.full(50, 100.0)
    day = past.copy()
    day[:2] = 900.0
    change = change_beside([shared(pair_of_frames(frame(day), frame(past)))])
    assert change is not None and change.measured == pytest.approx(32)
    assert (change.published, change.why_not("tronçon")) == (None, "écart porté par 1 tronçon sur 50")
    points = change_beside([shared(pair_of_frames(frame(day), frame(past)))], points=True)
    assert points is not None and points.measured == pytest.approx(1600 / 50 / HOURS)  # of the mean of an hour


def test_a_usual_hour_that_few_sensors_make_is_a_gap() -> None:
    past = frame(np.full(50, 2400.0))
    day = past.copy()
    day.loc["S0000", 12] = 9_000.0
    usual = usual_hours(day.sum().tolist(), [pair_of_frames(day, past, dead_at_zero=False)] * 3)
    assert [hour for hour, value in enumerate(usual) if value is None] == [12]


@pytest.mark.parametrize("silent", [0.1, 0.2, 0.3])
def test_no_silence_moves_a_published_change_beyond_its_margin(rng: np.random.Generator, silent: float) -> None:
    """Any sensors may fall silent on the day: that of 400 which differ, and of which few carry much of the sum."""
    published = 0
    for _ in range(20):
        past = rng.lognormal(8, 1, 400)
        day = past * rng.lognormal(0.05, 0.15, 400)
        kept = rng.random(400) >= silent
        whole, heard = (
            change_beside([shared(pair_of_frames(one, frame(past)))]) for one in (frame(day), frame(day)[kept])
        )
        assert whole is not None and heard is not None and whole.margin is not None and heard.margin is not None
        if whole.published is not None and heard.published is not None:
            published += 1
            assert abs(heard.published - whole.published) <= max(whole.margin, heard.margin) <= MOST_MARGIN
    assert published > 15


def test_a_sensor_stuck_or_dead_on_one_of_the_days_is_not_compared() -> None:
    past = frame([1000.0, 1000.0, 1000.0, 1000.0])
    day = past.copy()
    day.loc["S0000"] = 42.0  # stuck
    day.loc["S0001"] = 0.0  # dead, or a closed street
    day.loc["S0002", 10:] = np.nan
    for one, other in ((day, past), (past, day)):
        assert comparable_hours(one, other, dead_at_zero=False)[0].index.tolist() == ["S0001", "S0002", "S0003"]
        assert comparable_hours(one, other, dead_at_zero=True)[1].index.tolist() == ["S0002", "S0003"]
    flat = pd.DataFrame(500.0, past.index, past.columns)
    assert (
        len(comparable_hours(flat, flat.reindex(columns=range(11)).reindex(columns=range(HOURS)), dead_at_zero=True)[0])
        == 4
    )  # never another value


def test_a_day_of_which_every_sensor_is_set_aside_is_compared_with_none() -> None:
    nothing, past = pd.DataFrame(), frame([1_000.0, 2_000.0])
    for one, other in ((nothing, past), (past, nothing), (nothing, nothing)):
        assert not shared(pair_of_frames(one, other, dead_at_zero=True)).comparable


def test_a_past_stands_on_the_sensors_and_hours_of_the_day_and_what_it_has_besides_is_counted() -> None:
    day, past = frame([100.0, 200.0, 300.0]), frame([10.0, 20.0, 30.0, 40.0])
    day.index = pd.Index(["S0003", "S0001", "new"])
    past = past.rename(columns={23: 24})
    two = pair_of_frames(day, past)
    np.testing.assert_array_equal(two.day, day)
    np.testing.assert_array_equal(two.past[0], [*past.loc["S0003"][:23], np.nan])
    assert np.isnan(two.past[2]).all()
    assert two.held == dict.fromkeys([*range(23), 24], 4)
    found = shared(two)
    assert (found.sensors, found.measured) == (2, 3)
    assert (found.day_share, found.past_share) == (46 / 72, 46 / 96)


def test_an_hour_without_a_tenth_of_the_sensors_of_which_nothing_is_left_is_a_gap() -> None:
    past = frame(np.full(40, 2400.0))
    past.loc[:, 5] = day_at_five = np.where(np.arange(40) % TENTHS == 3, 100.0, 0.0)
    day = past * 1.5
    usual = usual_hours(day.sum().tolist(), [pair_of_frames(day, past)] * 2)
    assert usual[5] is None and usual[6] == pytest.approx(past[6].sum(), abs=0.1)
    assert day_at_five.sum() == 400


def test_the_middle_is_the_median_of_what_is_there(rng: np.random.Generator) -> None:
    days = rng.choice([np.nan, -1.0, 0.5, 3.0, np.inf], (4, 200))
    days[:, 0] = np.nan
    with np.errstate(invalid="ignore"):
        expected = [np.median(one[~np.isnan(one)]) if (~np.isnan(one)).any() else np.nan for one in days.T]
        np.testing.assert_array_equal(middle(days), expected)
