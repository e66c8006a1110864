"""The civil day, the two clocks, and the change days."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.common.paris_time import (
    days_between,
    hours_in_day,
    parse_day,
    parse_instant,
    parse_road_label,
    road_label_hours,
    same_weekdays_before,
    yesterday,
)


@pytest.mark.parametrize(
    "text", ["2025-11-4", "20251104", "2025-02-30", "2025-11-04 ", "٢٠٢٥-١١-٠٤", "", "2025-11-04\n"]
)
def test_a_day_is_strictly_written(text: str) -> None:
    with pytest.raises(ValueError, match="invalide"):
        parse_day(text)


@given(st.dates(min_value=date(1000, 1, 1)))
def test_a_day_round_trips(day: date) -> None:
    assert parse_day(day.isoformat()) == day


def test_yesterday_is_the_day_before_in_paris_not_in_utc() -> None:
    assert yesterday(datetime(2025, 11, 4, 22, 59, tzinfo=UTC)) == date(2025, 11, 3)
    assert yesterday(datetime(2025, 11, 4, 23, 1, tzinfo=UTC)) == date(2025, 11, 4)
    assert yesterday(datetime(2025, 7, 4, 22, 1, tzinfo=UTC)) == date(2025, 7, 4)


@pytest.mark.parametrize(
    ("day", "hours", "labels"), [("2025-11-04", 24, 24), ("2025-03-30", 23, 23), ("2025-10-26", 25, 24)]
)
def test_change_days_have_their_own_hours(day: str, hours: int, labels: int) -> None:
    assert hours_in_day(parse_day(day)) == hours
    assert len(road_label_hours(parse_day(day))) == labels


def test_road_labels_close_the_hour() -> None:
    labels = road_label_hours(date(2025, 11, 4))
    assert labels[datetime(2025, 11, 4, 1)] == 0
    assert labels[datetime(2025, 11, 5, 0)] == 23
    assert datetime(2025, 11, 4, 0) not in labels
    assert datetime(2025, 3, 30, 2) not in road_label_hours(date(2025, 3, 30))


@pytest.mark.parametrize(
    ("text", "wall"),
    [
        ("2025-11-04T08:00:00+01:00", datetime(2025, 11, 4, 8)),
        ("2025-11-04T08:00:00+02:00", datetime(2025, 11, 4, 8)),  # a pasted offset carries nothing
        ("2025-11-04T07:00:00+00:00", datetime(2025, 11, 4, 8)),
        ("2025-11-04T07:00:00Z", datetime(2025, 11, 4, 8)),
        ("2025-07-04T02:00:00-04:00", datetime(2025, 7, 4, 8)),
        ("2023-03-20 00:00:00", datetime(2023, 3, 20)),
        ("2019-01-01T01:00", datetime(2019, 1, 1, 1)),
        ("2025-13-04T08:00:00", None),
        ("9999-12-31T23:59:59Z", None),
        ("hier", None),
    ],
)
def test_road_labels_are_a_paris_wall_clock(text: str, wall: datetime | None) -> None:
    assert parse_road_label(text) == wall


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2025-11-01T22:00:00+00:00", datetime(2025, 11, 1, 22, tzinfo=UTC)),
        ("2025-11-01T23:00:00", datetime(2025, 11, 1, 22, tzinfo=UTC)),
        ("2025-07-01T23:00:00.123Z", datetime(2025, 7, 1, 23, tzinfo=UTC)),
        ("2025-03-30T02:30:00", None),  # skipped by every clock of Paris
        ("2025-11-01", None),
        ("2025-11-01T25:00:00Z", None),
        ("0001-01-01T00:00:00", None),  # before the first instant of UTC's calendar
        ("9999-12-31T23:00:00-05:00", None),
    ],
)
def test_instants_are_points_in_time(text: str, instant: datetime | None) -> None:
    assert parse_instant(text) == instant


@given(st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 1, 1)), st.integers(0, 40))
def test_ranges_and_weekdays(day: date, length: int) -> None:
    past = same_weekdays_before(day, 4)
    assert [one.weekday() for one in past] == [day.weekday()] * 4
    span = list(days_between(past[-1], day))
    assert len(span) == 29
    assert span == sorted(set(span))
