"""Weather of Paris during one civil day: temperatures, rain and wind, hour by hour.

A pull (Visual Crossing or Open-Meteo) tells about several days, past and coming; of those that tell about the day the
one that measured the most of it is used. An hour that was not over when the pull was made is a forecast: it counts for
half in the coverage, and no effect on mobility is computed from a forecast. Values are °C, mm and km/h on the Paris
clock; missing is null, never zero. The effect on mobility is a model (see mobility_impact), no measurement.

    python scripts/process_weather.py --date 2025-11-04
"""

import sys
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lib  # isort: skip # noqa: F401 - first: it says which package is missing

import numpy as np

from lib.common.paris_time import clock_hours, hours_in_day
from lib.common.settings import Settings
from lib.figures.numbers import records, rounded
from lib.figures.quality import Quality
from lib.raw.source_files import no_data
from lib.run.day_run import DayResult
from lib.run.source_command import run_source
from scripts.registry import WEATHER, files_to_read
from scripts.sources.weather.checks import MEASURES, best_account, warn_of_forecast
from scripts.sources.weather.records import OPEN_METEO, WeatherDay, days_present, read_weather

HELP = """Météo : températures, pluie et vent d'un jour, heure par heure, et effet estimé sur la mobilité (modèle).

Exemple : python scripts/process_weather.py --date 2025-11-04"""

# From so many on the hours speak for the whole day: Open-Meteo may lack the last one's rain, spring another.
ENOUGH_HOURS = 22
DAY_ONLY_COVERAGE = 0.5  # share; a day known by its daily values alone has its figures but none of its hours
FORECAST_WORTH = 0.5  # share of a measured hour; a day that was only foretold is half known (the project's choice)
UNREAD_COVERAGE = 0.9  # share at the most of a day that a newer pull, which cannot be read, may complete: partial
MEASURED, FORECAST, BOTH = "mesure", "prevision", "mesure_et_prevision"

# Météo-France counts days by these thresholds in its climate records (fiches climatologiques).
VERY_HOT, HOT, WARM = 35.0, 30.0, 25.0  # °C, highest of the day
HARD_FROST, FROST = -5.0, 0.0  # °C, lowest of the day
HEAVY_RAIN, MODERATE_RAIN, RAINY = 10.0, 5.0, 1.0  # mm in the day
# Beaufort scale, lowest speed of forces 4, 6 and 8, applied to the highest hourly mean.
BREEZE, STRONG_WIND, GALE = 20.0, 39.0, 62.0  # km/h

# Impact model (a convention of this project): points at the worst, reached between two values.
RAIN_POINTS, RAIN_FROM, RAIN_TO = 50.0, 0.0, 20.0  # mm in the day
WIND_POINTS, WIND_FROM, WIND_TO = 30.0, BREEZE, GALE  # km/h, highest hourly mean
TEMPERATURE_POINTS = 20.0
COLD_FROM, COLD_TO = 5.0, HARD_FROST  # °C, lowest of the day
HEAT_FROM, HEAT_TO = WARM, VERY_HOT  # °C, highest of the day
IMPACT_MODEL = "pluie 0-20 mm (50 points) + vent 20-62 km/h (30) + froid 5 à -5 °C ou chaleur 25-35 °C (20) : un modèle"


def read_raw(settings: Settings, day: date) -> tuple[WeatherDay, Quality]:
    """Read the best account of the day, and what must be said of it; InputError where all are in another unit."""
    quality = Quality(weighed=True)  # one place, whose hours of the day are all known
    files = files_to_read(settings, WEATHER, quality)
    accounts = read_weather(files, day, quality)
    if not accounts:
        raise no_data("weather", day, days_present(files), quality)
    weather = best_account(files, accounts, day, quality)
    warn_of_forecast(weather, day, quality)
    return weather, quality


def nature(weather: WeatherDay, day: date) -> str:
    """Say whether the day was measured (from ENOUGH_HOURS on), foretold, or in part each."""
    measured = int(weather.is_measured(day).sum())
    return MEASURED if measured >= ENOUGH_HOURS else BOTH if measured else FORECAST


def compute_metrics(weather: WeatherDay, day: date) -> dict[str, Any]:
    """Compute all figures of the day: the source's own daily values, else what its hours say."""
    figures, kind = day_figures(weather), nature(weather, day)
    components = impact_components(figures)
    return {
        "metrics": figures,
        "heures": records(weather.hours.round({"temp": 1, "precip": 2, "vent": 1})),
        "categories": categories(figures),
        "impact_mobilite": mobility_impact(components) if kind == MEASURED else None,
        "impact_composantes": components if kind == MEASURED else dict.fromkeys(components),
        "impact_modele": IMPACT_MODEL,
        "nature": kind,
        "source": weather.source,
        "releve": weather.raw.pulled or None,
    }


def day_figures(weather: WeatherDay) -> dict[str, Any]:
    """Compute temperatures (°C), rain (mm), mean and highest hourly wind (km/h), conditions (text).

    Rain: Visual Crossing's own total of the day; Open-Meteo's hours from 00:00 to 24:00, because its daily sum follows
    the labels. Where too few hours are known the source's daily values come first, and the mean temperature is
    (lowest + highest) / 2, the climatological convention.
    """
    hours, daily = weather.hours, weather.daily
    lowest = _first(daily.get("temp_min"), hours["temp"].min())
    highest = _first(daily.get("temp_max"), hours["temp"].max())
    middle = (lowest + highest) / 2 if lowest is not None and highest is not None else None
    mean, rain = hours["temp"].mean(), hours["precip"].sum(min_count=1)
    told_mean = mean if hours["temp"].count() >= ENOUGH_HOURS else None
    told_rain = rain if hours["precip"].count() >= ENOUGH_HOURS and weather.source == OPEN_METEO else None
    return {
        "temp_moyenne": rounded(_first(daily.get("temp_moyenne"), told_mean, middle, mean), 1),
        "temp_min": rounded(lowest, 1),
        "temp_max": rounded(highest, 1),
        "precip_totale": rounded(_first(told_rain, daily.get("precip_totale"), rain), 2),
        "vent_moyen": rounded(_first(hours["vent"].mean()), 1),
        "vent_max": rounded(_first(daily.get("vent_max"), hours["vent"].max()), 1),
        "conditions": daily.get("conditions"),
    }


def categories(day: dict[str, Any]) -> dict[str, str | None]:
    """Name the day by the thresholds above; None where the figure is missing."""
    return {
        "temperature": temperature_category(day["temp_min"], day["temp_max"]),
        "pluie": _level(
            day["precip_totale"],
            ((HEAVY_RAIN, "pluie forte"), (MODERATE_RAIN, "pluie modérée"), (RAINY, "pluie faible")),
            "sec",
        ),
        "vent": _level(
            day["vent_max"],
            ((GALE, "coup de vent"), (STRONG_WIND, "vent fort"), (BREEZE, "vent modéré")),
            "vent faible",
        ),
    }


def temperature_category(lowest: float | None, highest: float | None) -> str | None:
    """Name heat by the highest temperature, frost by the lowest, « tempéré » between."""
    heat = _level(highest, ((VERY_HOT, "très forte chaleur"), (HOT, "forte chaleur"), (WARM, "chaleur")), "")
    if heat or lowest is None:
        return heat or None
    if lowest <= FROST:
        return "forte gelée" if lowest <= HARD_FROST else "gelée"
    return "tempéré" if highest is not None else None


def impact_components(day: dict[str, Any]) -> dict[str, float | None]:
    """Compute the points of rain, wind and temperature (0 to 50, 30 and 20); None where the figure is missing."""
    lowest, highest = day["temp_min"], day["temp_max"]
    known = lowest is not None and highest is not None
    worse = max(_ramp(lowest, COLD_FROM, COLD_TO), _ramp(highest, HEAT_FROM, HEAT_TO)) if known else None
    rain, wind = day["precip_totale"], day["vent_max"]
    return {
        "pluie": None if rain is None else rounded(RAIN_POINTS * _ramp(rain, RAIN_FROM, RAIN_TO), 1),
        "vent": None if wind is None else rounded(WIND_POINTS * _ramp(wind, WIND_FROM, WIND_TO), 1),
        "temperature": None if worse is None else rounded(TEMPERATURE_POINTS * worse, 1),
    }


def mobility_impact(components: dict[str, float | None]) -> float | None:
    """Sum the components, 0 (no effect) to 100; None when one is missing. A model, not a measurement.

    Each component grows in a straight line between its two values; rain weighs most because it is what keeps riders
    off their bikes. Nothing is fitted: compare days with it, do not read it as a percentage of trips lost.
    """
    points = [value for value in components.values() if value is not None]
    return rounded(sum(points), 1) if len(points) == len(components) else None


def coverage(weather: WeatherDay, day: date, quality: Quality) -> float:
    """Compute the share of the day's hours with a temperature; DAY_ONLY_COVERAGE for daily values alone.

    An hour that is a forecast counts for FORECAST_WORTH. Sources write 24 naive hours even on change days, but an hour
    that the spring change skips is not asked for.
    """
    measured, known = weather.is_measured(day), weather.hours[list(MEASURES)].notna()
    worth = np.where(measured, 1.0, FORECAST_WORTH)
    expected = min(24, hours_in_day(day))
    share = min(float(worth[known["temp"]].sum()) / expected, 1.0)
    if not share:
        quality.warn("heures_absentes", "attention", "Seules les valeurs du jour sont connues, sans les heures.")
        share = DAY_ONLY_COVERAGE * float(worth.mean())
    elif (rain := int(known["precip"].sum())) < expected:
        text = "La pluie manque à certaines heures ; Open-Meteo donne celle de 23 h à minuit au lendemain 00:00."
        quality.warn("pluie_incomplete", "information", text, rain, expected)
    missing = [hour for hour in clock_hours(day) if hour < 24 and not known["temp"][hour]]
    if len(missing) < expected:
        name_missing_hours(missing, quality)
    whole = int((known.all(axis=1) & measured).sum()) >= expected
    return share if whole or not weather.newer_unread else min(share, UNREAD_COVERAGE)


def name_missing_hours(missing: list[int], quality: Quality) -> None:
    """Say which hours have no temperature: the day's lowest and highest are without them, and it is partial."""
    quality.heures_manquantes = missing
    if missing:
        text = f"Heures sans température : {', '.join(f'{hour} h' for hour in missing)}."
        quality.warn("heures_sans_temperature", "information", text, len(missing), 0, missing)


def process(settings: Settings, day: date) -> DayResult:
    """Read and compute; the coverage is the share of the day's hours with a temperature (see coverage)."""
    weather, quality = read_raw(settings, day)
    return DayResult(compute_metrics(weather, day), quality, coverage(weather, day, quality))


def _first(*values: float | None) -> float | None:
    """Find the first value that is there."""
    return next((float(value) for value in values if value is not None and value == value), None)


def _ramp(value: float, start: float, end: float) -> float:
    """Grow from 0 up to `start` to 1 from `end` on (either way round), a straight line between."""
    return min(max((value - start) / (end - start), 0.0), 1.0)


def _level(value: float | None, steps: tuple[tuple[float, str], ...], below: str) -> str | None:
    """Find the word of the first step that the value reaches; None for no value."""
    if value is None:
        return None
    return next((word for step, word in steps if value >= step), below)


def main(argv: list[str] | None = None) -> int:
    return run_source(WEATHER, HELP, process, argv)


if __name__ == "__main__":
    sys.exit(main())
