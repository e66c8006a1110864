"""Synthetic weather pulls: Visual Crossing timelines on most days, Open-Meteo on a few.

The pull of day P (hour 06) holds P-2 to P+1: what was observed up to P-1, a forecast from P on. A day is therefore met
several times, rarely first, and its newest pull (two days later) is the observed one.
Planted: the day three before the end has `precip: null` in every Visual Crossing pull.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from lib.files.atomic_file import write_atomically
from scripts.demo.calendar import PARIS, WeatherDay, weather_of
from scripts.demo.files import compact_json
from scripts.demo.options import Options, pull_file

PULL_HOUR = 6
FIRST_DAY, LAST_DAY = -2, 1  # days of a pull, from its own
OPEN_METEO_EVERY, OPEN_METEO_REMAINDER = 6, 2
NO_PRECIP_DAYS_BEFORE_END = 3
LATITUDE, LONGITUDE = 48.8566, 2.3522


def write_weather(root: Path, options: Options) -> None:
    for pull_day in options.pull_days():
        open_meteo = pull_day.toordinal() % OPEN_METEO_EVERY == OPEN_METEO_REMAINDER
        body = open_meteo_body(options, pull_day) if open_meteo else visual_crossing_body(options, pull_day)
        write_atomically(pull_file(root, "weather", pull_day, PULL_HOUR), compact_json(body))


def pulled_days(pull_day: date) -> list[date]:
    return [pull_day + timedelta(days=n) for n in range(FIRST_DAY, LAST_DAY + 1)]


def as_known_on(options: Options, day: date, pull_day: date) -> WeatherDay:
    """Build the day's weather as that pull has it: observed if it is over, else forecast."""
    observed = weather_of(options, day)
    if day < pull_day:
        return observed
    rng = options.stream("weather/forecast", day.toordinal(), pull_day.toordinal())
    temperature = (observed.temperature + rng.normal(0, 1.2)).round(1)
    return WeatherDay(temperature, (observed.rain * rng.uniform(0.4, 1.5)).round(1), observed.wind)


def utc_offset(day: date) -> timedelta:
    return datetime.combine(day, time(12), PARIS).replace(tzinfo=UTC) - datetime.combine(day, time(12), PARIS)


def visual_crossing_body(options: Options, pull_day: date) -> dict[str, Any]:
    days = [visual_crossing_day(options, day, as_known_on(options, day, pull_day)) for day in pulled_days(pull_day)]
    now = days[-FIRST_DAY]["hours"][PULL_HOUR]
    return {
        "queryCost": 24,
        "latitude": LATITUDE,
        "longitude": LONGITUDE,
        "resolvedAddress": "Paris, Île-de-France, France",
        "address": "Paris,France",
        "timezone": "Europe/Paris",
        "tzoffset": utc_offset(pull_day) // timedelta(hours=1),
        "description": "Synthetic weather, not a measure.",
        "days": days,
        "currentConditions": now,
    }


def visual_crossing_day(options: Options, day: date, weather: WeatherDay) -> dict[str, Any]:
    midnight = datetime.combine(day, time(), PARIS)
    unknown = options.days_before_end(day) == NO_PRECIP_DAYS_BEFORE_END
    rain = weather.rain.sum().round(1)
    return {
        "datetime": day.isoformat(),
        "datetimeEpoch": int(midnight.timestamp()),
        "tempmax": weather.temperature.max().item(),
        "tempmin": weather.temperature.min().item(),
        "temp": weather.temperature.mean().round(1).item(),
        "humidity": 82.0,
        "precip": None if unknown else rain.item(),
        "precipprob": 100 if rain else 0,
        "precipcover": round(100 * float((weather.rain > 0).mean()), 2),
        "preciptype": ["rain"] if rain else None,
        "snow": 0,
        "snowdepth": 0,
        "windgust": None,
        "windspeed": weather.wind.max().item(),
        "pressure": 1014.5,
        "cloudcover": 50,
        "solarradiation": None,
        "uvindex": None,
        "sunrise": "07:40:00",
        "sunset": "17:30:00",
        "conditions": weather.conditions,
        "description": None,
        "icon": "rain" if rain else "partly-cloudy-day",
        "source": "obs",
        "hours": [visual_crossing_hour(midnight, hour, weather, unknown) for hour in range(24)],
    }


def visual_crossing_hour(midnight: datetime, hour: int, weather: WeatherDay, unknown: bool) -> dict[str, Any]:
    instant = midnight.replace(hour=hour).astimezone(UTC)
    rain = weather.rain[hour].item()
    return {
        "datetime": f"{hour:02d}:00:00",
        "datetimeEpoch": int(instant.timestamp()),
        "temp": weather.temperature[hour].item(),
        "precip": None if unknown else rain,
        "precipprob": 100 if rain else 0,
        "preciptype": ["rain"] if rain else None,
        "windgust": None,
        "windspeed": weather.wind[hour].item(),
        "conditions": "Rain, Partially cloudy" if rain else "Partially cloudy",
        "icon": "rain" if rain else "partly-cloudy-day",
    }


def open_meteo_body(options: Options, pull_day: date) -> dict[str, Any]:
    days = pulled_days(pull_day)
    weathers = [as_known_on(options, day, pull_day) for day in days]
    tomorrow = [days[-1] + timedelta(days=1)]  # an hour of it, where the clock has gone forward since
    # All labels are on the offset of the pull, as the service has it, also those before a change of the clock.
    offset = utc_offset(pull_day)
    midnights = [datetime.combine(day, time(), UTC) for day in days]
    labels = [midnight + timedelta(hours=hour) for midnight in midnights for hour in range(24)]
    moments = [(label - offset).astimezone(PARIS) for label in labels]
    known = {day: as_known_on(options, day, pull_day) for day in [days[0] - timedelta(days=1), *days, *tomorrow]}
    # A label carries what fell during the hour before it.
    before = [(label - offset - timedelta(hours=1)).astimezone(PARIS) for label in labels]
    return {
        "latitude": 48.86,
        "longitude": 2.3399997,
        "generationtime_ms": 0.08,
        "utc_offset_seconds": int(offset.total_seconds()),
        "timezone": "Europe/Paris",
        "elevation": 43.0,
        "hourly_units": {"time": "iso8601", "temperature_2m": "°C", "precipitation": "mm", "wind_speed_10m": "km/h"},
        "hourly": {
            "time": [f"{label:%Y-%m-%dT%H:%M}" for label in labels],
            "temperature_2m": [known[at.date()].temperature[at.hour].item() for at in moments],
            "precipitation": [known[at.date()].rain[at.hour].item() for at in before],
            "wind_speed_10m": [known[at.date()].wind[at.hour].item() for at in moments],
        },
        **open_meteo_daily(days, weathers),
    }


def open_meteo_daily(days: list[date], weathers: list[WeatherDay]) -> dict[str, Any]:
    """Build the daily part, which only every other such pull asks for."""
    if days[0].toordinal() // OPEN_METEO_EVERY % 2:
        return {}
    units = {"time": "iso8601", "temperature_2m_max": "°C", "temperature_2m_min": "°C", "precipitation_sum": "mm"}
    daily = {
        "time": [day.isoformat() for day in days],
        "temperature_2m_max": [weather.temperature.max().item() for weather in weathers],
        "temperature_2m_min": [weather.temperature.min().item() for weather in weathers],
        "precipitation_sum": [weather.rain.sum().round(1).item() for weather in weathers],
    }
    return {"daily_units": units, "daily": daily}
