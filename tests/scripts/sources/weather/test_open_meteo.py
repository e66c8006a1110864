"""Open-Meteo responses: which label speaks of which hour, units, and arrays that are short, absent or odd."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.common.paris_time import PARIS
from scripts.sources.weather.open_meteo import (
    HourRow,
    by_model,
    clock,
    day_values,
    days_named,
    hour_rows,
    is_open_meteo,
    number,
    unknown_unit,
)

DAY = date(2025, 11, 4)


def hourly(first: datetime, hours: int, **more: Any) -> dict[str, Any]:
    """Labels in order; the temperature and the rain of label n are n."""
    labels = [(first + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M") for hour in range(hours)]
    return {"hourly": {"time": labels, "temperature_2m": [*range(hours)], "precipitation": [*range(hours)]}} | more


def by_hour(rows: list[HourRow], place: int) -> dict[int, float]:
    return {row[0]: float(value) for row in rows if (value := row[place]) is not None}  # type: ignore[arg-type]


@given(st.integers(-30, 30), st.integers(1, 80))
def test_the_state_is_of_its_label_and_the_rain_of_the_hour_before(start: int, hours: int) -> None:
    first = datetime(2025, 11, 4) + timedelta(hours=start)
    rows, unreadable = hour_rows(hourly(first, hours), DAY)
    labels = {first + timedelta(hours=n): float(n) for n in range(hours)}
    midnight = datetime(2025, 11, 4)
    clock = {hour: midnight + timedelta(hours=hour) for hour in range(24)}
    assert by_hour(rows, 1) == {hour: labels[when] for hour, when in clock.items() if when in labels}
    after = {hour: when + timedelta(hours=1) for hour, when in clock.items()}
    assert by_hour(rows, 2) == {hour: labels[when] for hour, when in after.items() if when in labels}
    assert unreadable == []


@pytest.mark.parametrize("zone", ["GMT", "UTC"])
def test_labels_of_a_request_without_timezone_are_utc(zone: str) -> None:
    rows, _ = hour_rows(hourly(datetime(2025, 11, 3, 23), 24, timezone=zone), DAY)
    assert by_hour(rows, 1) == {hour: float(hour) for hour in range(24)}
    rows, _ = hour_rows(hourly(datetime(2025, 10, 25, 22), 25, timezone=zone), date(2025, 10, 26))
    assert [row[0] for row in rows if row[1] is not None] == [0, 1, 2, 2, *range(3, 24)]


def test_days_and_conditions_of_a_request_without_timezone_are_not_those_of_utc() -> None:
    """The UTC day is the Paris day an hour later: its daily values are another day's."""
    body = hourly(datetime(2025, 11, 3, 23), 25, timezone="GMT")
    body["hourly"]["weather_code"] = [61, *[3] * 23, 99]  # 00:00 in Paris, the day, and 00:00 of the next day
    body["daily"] = {"time": ["2025-11-04"], "temperature_2m_max": [40], "weather_code": [99]}
    assert day_values(body, DAY) == {"conditions": "Pluie faible"}
    assert day_values(body | {"utc_offset_seconds": 3600}, DAY)["temp_max"] == 40.0
    july = body | {"utc_offset_seconds": 7200}  # its last label is 22:00 in Paris
    assert day_values(july, DAY) == {"conditions": "Orage avec forte grêle"}


def test_labels_that_are_no_hour_are_given_back() -> None:
    body = {"hourly": {"time": ["2025-11-04T00:00", "2025-11-04", 10**400, "2025-13-04T00:00"], "rain": [1, 2, 3, 4]}}
    assert hour_rows(body, DAY)[1] == ["2025-11-04", 10**400, "2025-13-04T00:00"]


@pytest.mark.parametrize("arrays", [{}, {"temperature_2m": [7]}, {"temperature_2m": "x"}, {"temperature_2m": None}])
def test_short_and_odd_arrays_are_missing_values(arrays: dict[str, Any]) -> None:
    body = {"hourly": {"time": ["2025-11-04T00:00", "2025-11-04T01:00"], **arrays}}
    rows, _ = hour_rows(body, DAY)
    assert by_hour(rows, 1) == ({0: 7.0} if arrays.get("temperature_2m") == [7] else {})


@pytest.mark.parametrize(
    ("name", "unit", "raw", "place", "value"),
    [
        ("temperature_2m", "°F", 50.0, 1, 10.0),
        ("temperature_2m", "°C", -3.5, 1, -3.5),
        ("wind_speed_10m", "m/s", 10.0, 3, 36.0),
        ("wind_speed_10m", "kn", 10.0, 3, 18.52),
        ("windspeed_10m", "mp/h", 10.0, 3, 16.0934),
        ("wind_speed_10m", None, 12.0, 3, 12.0),
    ],
)
def test_units(name: str, unit: str | None, raw: float, place: int, value: float) -> None:
    body = {"hourly_units": {name: unit}, "hourly": {"time": ["2025-11-04T08:00"], name: [raw]}}
    assert by_hour(hour_rows(body, DAY)[0], place) == {8: pytest.approx(value, abs=1e-3)}
    assert unknown_unit(body) == ""


def test_an_unknown_unit_is_named() -> None:
    body = {"daily_units": {"precipitation_sum": "furlong"}, "daily": {"time": []}}
    assert unknown_unit(body) == "daily_units : precipitation_sum en « furlong »"


def test_daily_values_are_those_of_the_day_and_conditions_the_worst_code() -> None:
    body = {
        "daily_units": {"temperature_2m_max": "°F", "precipitation_sum": "inch"},
        "daily": {"time": ["2025-11-03", "2025-11-04"], "temperature_2m_max": [32, 50], "precipitation_sum": [0, 1],
                  "weather_code": [99, 3]},
        "hourly": {"time": ["2025-11-03T23:00", "2025-11-04T00:00", "2025-11-04T01:00"],
                   "weather_code": [99, 61, None]},
    }  # fmt: skip
    found = day_values(body, DAY)
    assert {name: value for name, value in found.items() if value is not None} == {
        "temp_max": 10.0, "precip_totale": 25.4, "conditions": "Pluie faible"
    }  # fmt: skip
    assert day_values(body, date(2025, 11, 5)) == {"conditions": None}


@pytest.mark.parametrize("value", [None, True, "3", [3], float("nan"), float("inf"), 10**400])
def test_what_is_no_finite_number_is_missing(value: object) -> None:
    assert number(value) is None


def test_only_its_own_responses_are_read() -> None:
    assert is_open_meteo({"daily": {}})
    assert not any(is_open_meteo(one) for one in ({"days": []}, {"hourly": []}, [], None))


ZONES = {"Paris": 3600, "London": 0, "New York": -18000, "Tokyo": 32400, "Paris in July": 7200}


@pytest.mark.parametrize("offset", ZONES.values(), ids=ZONES)
@pytest.mark.parametrize("zone", ["Europe/Paris", "GMT", "America/New_York", "nowhere", None])
@pytest.mark.parametrize("day", [DAY, date(2025, 7, 15), date(2025, 10, 26), date(2025, 3, 30)], ids=str)
def test_an_instant_is_a_label_less_the_stated_offset(day: date, zone: str | None, offset: int) -> None:
    """The hour n of the answer, counted from 1970, has n for a temperature and the rain of the hour before it."""
    local = timezone(timedelta(seconds=offset))
    first = datetime(day.year, day.month, day.day, tzinfo=local) - timedelta(days=1)
    moments = [first + timedelta(hours=hour) for hour in range(72)]
    numbers = [int(moment.timestamp()) // 3600 for moment in moments]
    body = {
        "utc_offset_seconds": offset,
        "timezone": zone,
        "hourly": {
            "time": [f"{moment:%Y-%m-%dT%H:%M}" for moment in moments],
            "temperature_2m": numbers,
            "precipitation": [number - 1 for number in numbers],
        },
    }
    rows, unreadable = hour_rows(body, day)
    assert unreadable == []
    for place in (1, 2):
        told = [(row[0], int(value)) for row in rows if (value := row[place]) is not None]
        wanted = [datetime.fromtimestamp(3600 * number, PARIS) for number in range(numbers[0], numbers[-1] + 1)]
        assert told == [(at.hour, int(at.timestamp()) // 3600) for at in wanted if at.date() == day]


def test_times_in_seconds_since_1970_are_instants_whatever_the_offset() -> None:
    midnight = int(datetime(2025, 11, 3, 23, tzinfo=UTC).timestamp())
    daily = {"time": [midnight], "temperature_2m_max": [12.5]}
    hourly = {"time": [midnight + 3600 * hour for hour in range(24)], "temperature_2m": [*range(24)]}
    body = {"utc_offset_seconds": 3600, "hourly_units": {"time": "unixtime"}, "hourly": hourly, "daily": daily}
    assert by_hour(hour_rows(body, DAY)[0], 1) == {hour: float(hour) for hour in range(24)}
    assert day_values(body, DAY)["temp_max"] == 12.5  # its midnight is that of the answer's clock
    assert by_hour(hour_rows({**body, "utc_offset_seconds": -18000}, DAY)[0], 1)[8] == 8.0
    assert days_named(body) == {DAY}


@pytest.mark.parametrize(
    ("day", "offset", "counts"),
    [
        ("2025-07-15", 7200, True),
        ("2025-07-15", 3600, False),  # asked for in November
        ("2025-01-15", 3600, True),
        ("2025-01-15", 0, False),
        ("2025-10-26", 7200, False),  # begins on one offset and ends on the other
        ("2025-10-26", 3600, False),
        ("2025-03-30", 3600, False),
        ("2025-10-25", 7200, True),
        ("2025-10-27", 3600, True),
    ],
)
def test_daily_values_count_where_their_offset_is_that_of_paris_all_day(day: str, offset: int, counts: bool) -> None:
    body = {
        "utc_offset_seconds": offset,
        "timezone": "Europe/Paris",
        "daily": {"time": [day], "temperature_2m_max": [9]},
    }
    assert ("temp_max" in day_values(body, date.fromisoformat(day))) is counts


def test_an_answer_about_several_models_is_one_answer_for_each() -> None:
    fields = {
        "temperature_2m_best_match": [1],
        "temperature_2m_meteofrance_arome_france_hd": [2],
        "precipitation_best_match": [3],
        "precipitation_probability": [99],
    }
    body = {"hourly": {"time": ["2025-11-04T00:00"], **fields}, "hourly_units": {"temperature_2m_best_match": "°F"}}
    found = list(by_model(body))
    assert [one["hourly"].get("temperature_2m") for one in found] == [[1], [2], None]
    assert [one["hourly"].get("precipitation") for one in found] == [[3], None, None]
    assert found[0]["hourly_units"] == {"temperature_2m": "°F"}
    assert list(by_model({"hourly": {"time": [], "temperature_2m": [4]}})) == [
        {"hourly": {"time": [], "temperature_2m": [4]}}
    ]


@pytest.mark.parametrize("body", [{"timezone": "Mars/Olympus"}, {"timezone": ""}, {"utc_offset_seconds": 10**9}])
def test_a_clock_that_does_not_exist_is_none(body: dict[str, Any]) -> None:
    assert clock(body) is None
