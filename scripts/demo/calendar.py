"""The rhythm of the synthetic city: working days, holidays, rush hours, and the weather that everything else feels.

The weather of a day is drawn from the day alone; roads, bikes and the weather pulls all read the same one.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from scripts.demo.options import Options

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Objects = NDArray[np.object_]

PARIS = ZoneInfo("Europe/Paris")
FIXED_HOLIDAYS = {(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)}
SCHOOL_BREAKS = (  # zone C, first and last day
    (date(2024, 10, 19), date(2024, 11, 3)),
    (date(2024, 12, 21), date(2025, 1, 5)),
    (date(2025, 2, 15), date(2025, 3, 2)),
    (date(2025, 4, 12), date(2025, 4, 27)),
    (date(2025, 7, 5), date(2025, 8, 31)),
    (date(2025, 10, 18), date(2025, 11, 2)),
    (date(2025, 12, 20), date(2026, 1, 4)),
)
WEEKDAY_SHARE = (0.97, 1.0, 0.99, 1.01, 1.03, 0.84, 0.70)
RAINY_DAY_SHARE = 0.3
ALWAYS_WET = date(2025, 11, 4)  # the day people look at first should show what rain does

# Relative demand by hour of day; the evening shape is what the morning one is to the other direction.
MORNING = np.array([8, 5, 4, 4, 8, 22, 52, 84, 100, 82, 66, 62, 64, 62, 62, 66, 74, 82, 84, 68, 48, 34, 26, 16]) / 100
EVENING = np.array([10, 6, 4, 4, 6, 14, 36, 64, 78, 68, 60, 62, 66, 64, 66, 74, 86, 96, 100, 86, 62, 44, 32, 20]) / 100
WEEKEND = np.array([24, 18, 13, 10, 8, 9, 14, 22, 34, 46, 58, 66, 68, 66, 70, 76, 80, 82, 78, 68, 54, 44, 38, 30]) / 100


class WeatherDay(NamedTuple):
    """Twenty-four local hours: °C, mm fallen during the hour, km/h."""

    temperature: Floats
    rain: Floats
    wind: Floats

    @property
    def conditions(self) -> str:
        return "Rain, Partially cloudy" if self.rain.sum() > 0.2 else "Partially cloudy"


def is_holiday(day: date) -> bool:
    return (day.month, day.day) in FIXED_HOLIDAYS


def is_school_break(day: date) -> bool:
    return any(first <= day <= last for first, last in SCHOOL_BREAKS)


def has_weekend_shape(day: date) -> bool:
    return day.weekday() >= 5 or is_holiday(day)


def day_share(day: date) -> float:
    """How much moves on that day, 1 for an ordinary Tuesday."""
    share = WEEKDAY_SHARE[6] if is_holiday(day) else WEEKDAY_SHARE[day.weekday()]
    return share * (0.9 if is_school_break(day) else 1.0)


def hour_shapes(day: date) -> tuple[Floats, Floats]:
    """Demand by hour where the morning rush weighs more, and where the evening one does."""
    return (WEEKEND, WEEKEND) if has_weekend_shape(day) else (MORNING, EVENING)


def day_instants(day: date) -> list[datetime]:
    """List the real hours of a Paris day as UTC instants: 23, 24 or 25 of them."""
    first, after = (datetime.combine(d, time(), PARIS).astimezone(UTC) for d in (day, day + timedelta(days=1)))
    return [first + timedelta(hours=n) for n in range((after - first) // timedelta(hours=1))]


def label_tables(days: list[date]) -> tuple[Objects, Flags, Flags]:
    """Road-count labels by day and hour; whether the clock skips that label; whether it follows a skipped one."""
    labels = np.empty((len(days), 24), dtype=object)
    absent = np.zeros(labels.shape, dtype=bool)
    for row, day in enumerate(days):
        for hour in range(24):
            # fold=1: of the two 02:00 of the autumn change the portal publishes the second clock, never both.
            label = (datetime.combine(day, time()) + timedelta(hours=hour + 1)).replace(tzinfo=PARIS, fold=1)
            labels[row, hour] = f"{label.isoformat()};".encode()
            absent[row, hour] = label.astimezone(UTC).astimezone(PARIS).hour != label.hour
    return labels, absent, np.roll(absent, 1, axis=1)


@lru_cache(maxsize=1024)
def weather_of(options: Options, day: date) -> WeatherDay:
    rng = options.stream("weather", day.toordinal())
    season = 12.5 + 8.5 * np.cos(2 * np.pi * (day.timetuple().tm_yday - 200) / 365)
    daily = 3.2 * np.cos(2 * np.pi * (np.arange(24) - 15) / 24)
    temperature = season + rng.normal(0, 1.8) + daily + rng.normal(0, 0.3, 24)
    wind = np.clip(rng.gamma(4, 3) + 3 * np.sin(np.pi * np.arange(24) / 24) + rng.normal(0, 1, 24), 1, None)
    rain = np.zeros(24)
    amount, first_hour, hours = rng.gamma(2, 0.6), int(rng.integers(0, 17)), int(rng.integers(3, 9))
    falling = rng.uniform(0.3, 1.7, hours) * amount
    if rng.random() < RAINY_DAY_SHARE or day == ALWAYS_WET:
        rain[first_hour : first_hour + hours] = falling[: 24 - first_hour]
    return WeatherDay(temperature.round(1), rain.round(1), wind.round(1))
