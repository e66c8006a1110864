"""The weather of a civil day out of API pulls, both raw forms brought to hours in °C, mm and km/h.

Visual Crossing: the entry of days[] whose datetime is the day, its hours naive local time, the precipitation of an hour
being that of the hour that starts there. Open-Meteo: see scripts/sources/weather/open_meteo.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from lib.common.paris_time import hours_in_day
from lib.figures.quality import SAMPLES_KEPT, Quality
from lib.raw.envelopes import records
from lib.raw.json_records import read_bodies
from lib.raw.source_files import RawFile
from scripts.sources.weather.open_meteo import (
    HourRow,
    column,
    day_values,
    hour_rows,
    is_open_meteo,
    number,
    unknown_unit,
)

VISUAL_CROSSING, OPEN_METEO = "visual_crossing", "open_meteo"
# Beyond these a value is a marker (-9999, 999), not a weather of France. A temperature may still be in °F or K here.
BOUNDS = {"temp": (-100.0, 400.0), "precip": (0.0, 150.0), "vent": (0.0, 250.0)}  # degrees, mm in one hour, km/h
DAY_BOUNDS = {
    "temp_moyenne": BOUNDS["temp"],
    "temp_min": BOUNDS["temp"],
    "temp_max": BOUNDS["temp"],
    "precip_totale": (0.0, 600.0),  # mm in one day
    "vent_max": BOUNDS["vent"],
}
# The words Visual Crossing joins with commas when no `lang` is asked for.
CONDITIONS = {
    "clear": "Dégagé",
    "partially cloudy": "Partiellement nuageux",
    "overcast": "Couvert",
    "rain": "Pluie",
    "heavy rain": "Forte pluie",
    "light rain": "Pluie faible",
    "drizzle": "Bruine",
    "light drizzle": "Bruine faible",
    "freezing drizzle/freezing rain": "Pluie verglaçante",
    "snow": "Neige",
    "light snow": "Neige faible",
    "heavy snow": "Forte neige",
    "ice": "Verglas",
    "hail": "Grêle",
    "fog": "Brouillard",
    "mist": "Brume",
    "thunderstorm": "Orage",
    "rain showers": "Averses",
}

EARTH_RADIUS = 6371.0088  # km, mean

_HOUR = re.compile(r"([01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class WeatherDay:
    """One pull's account of a day.

    hours: heure (0..23), temp (°C), precip (mm), vent (km/h), conditions (text), NaN or None where not known. daily:
    what the source itself says of the day (temp_moyenne, temp_min, temp_max, precip_totale, vent_max, conditions).
    place: (latitude, longitude) or None.
    """

    source: str
    raw: RawFile
    hours: pd.DataFrame
    daily: dict[str, Any]
    place: tuple[float, float] | None

    @property
    def known(self) -> bool:
        """Whether it holds any temperature."""
        temperatures = ("temp_moyenne", "temp_min", "temp_max")
        return bool(self.hours["temp"].notna().any()) or any(self.daily.get(one) is not None for one in temperatures)


def read_weather(files: list[RawFile], day: date, quality: Quality) -> list[WeatherDay]:
    """What each pull says of the day, the oldest first; one without any temperature says nothing.

    Responses of no known form are rejected.
    """
    found: list[WeatherDay] = []
    for raw, line, body in read_bodies(files, quality, [day.isoformat()]):
        for item in records(body):
            found += _accounts(item, raw, line, day, quality)
    known = [one for one in found if one.known]
    quality.answers.of_day.update(one.raw.name for one in known)
    return known


def without_impossible(weather: WeatherDay, quality: Quality) -> WeatherDay:
    """The account, with values that cannot be taken for missing: an hour, or the day, keeps its other values."""
    hours, daily = weather.hours.copy(), dict(weather.daily)
    found: list[str] = []
    for name, (least, most) in BOUNDS.items():
        impossible = hours[name].notna() & ~hours[name].between(least, most)
        found += [f"{name} {value:g}" for value in hours.loc[impossible, name]]
        hours[name] = hours[name].mask(impossible)
    for name, (least, most) in DAY_BOUNDS.items():
        value = daily.get(name)
        if value is not None and not least <= value <= most:
            found.append(f"{name} {value:g}")
            daily[name] = None
    if found:
        quality.warn(
            "valeurs_impossibles",
            "attention",
            f"Des valeurs impossibles sont tenues pour manquantes : {', '.join(found[:SAMPLES_KEPT])}.",
            mesure=len(found),
            exemples=found,
        )
    return replace(weather, hours=hours, daily=daily)


def days_present(files: list[RawFile]) -> set[str]:
    """Every day (YYYY-MM-DD) that some pull tells about: what a message offers when a day has nothing."""
    found: set[str] = set()
    for _, _, body in read_bodies(files, Quality()):
        for item in records(body):
            if isinstance(item, dict):
                labels = [one.get("datetime") for one in _dicts(item.get("days"))]
                labels += [*column(item.get("hourly"), ("time",)), *column(item.get("daily"), ("time",))]
                found |= {str(label)[:10] for label in labels}
    return {text for text in found if _DAY.fullmatch(text)}


def distance(place: tuple[float, float], other: tuple[float, float]) -> float:
    """Great-circle distance in km of two (latitude, longitude) points in degrees, by the haversine formula."""
    lat1, lon1, lat2, lon2 = map(math.radians, (*place, *other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS * math.asin(math.sqrt(min(half, 1.0)))


def _accounts(item: Any, raw: RawFile, line: int, day: date, quality: Quality) -> Iterator[WeatherDay]:
    if isinstance(item, dict) and isinstance(item.get("days"), list):
        for entry in _dicts(item["days"]):
            if str(entry.get("datetime"))[:10] == day.isoformat():
                hours = _hours(_visual_crossing_hours(entry, raw, day, quality))
                yield WeatherDay(VISUAL_CROSSING, raw, hours, _visual_crossing_day(entry), _place(item))
        return
    problem = unknown_unit(item) if is_open_meteo(item) else ""
    if problem or not is_open_meteo(item):
        quality.reject("unite_inconnue" if problem else "reponse_inattendue", raw.name, line, problem or item)
        return
    rows, unreadable = hour_rows(item, day)
    for label in unreadable:
        quality.reject("heure_illisible", raw.name, line, label)
    yield WeatherDay(OPEN_METEO, raw, _hours(rows), day_values(item, day), _place(item))


def _visual_crossing_hours(entry: dict[str, Any], raw: RawFile, day: date, quality: Quality) -> list[HourRow]:
    rows: list[HourRow] = []
    for position, hour in enumerate(_dicts(entry.get("hours")), start=1):
        found = _HOUR.fullmatch(str(hour.get("datetime")))
        if not found:
            quality.reject("heure_illisible", raw.name, position, hour.get("datetime"))
            continue
        temp, precip, wind = (number(hour.get(name)) for name in ("temp", "precip", "windspeed"))
        rows.append((int(found[1]), temp, precip, wind, conditions_text(hour.get("conditions"))))
    return rows if hours_in_day(day) > 24 else list({row[0]: row for row in rows}.values())


def _visual_crossing_day(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "temp_moyenne": number(entry.get("temp")),
        "temp_min": number(entry.get("tempmin")),
        "temp_max": number(entry.get("tempmax")),
        "precip_totale": number(entry.get("precip")),
        "vent_max": number(entry.get("windspeed")),  # the highest of the day's hours, not their mean
        "conditions": conditions_text(entry.get("conditions")),
    }


def conditions_text(text: object) -> str | None:
    """Visual Crossing's conditions in French, word by word; a word that is not known stays as it is."""
    if not isinstance(text, str) or not text.strip():
        return None
    return ", ".join(CONDITIONS.get(part.strip().casefold(), part.strip()) for part in text.split(","))


def _hours(rows: list[HourRow]) -> pd.DataFrame:
    """One row per hour of the clock: an hour lived twice in autumn holds the mean, and the sum of its precipitation."""
    table = pd.DataFrame(rows, columns=["heure", "temp", "precip", "vent", "conditions"])
    table = table.astype({"heure": np.int64, "temp": float, "precip": float, "vent": float, "conditions": object})
    groups = table.groupby("heure")
    merged = groups[["temp", "vent"]].mean().assign(precip=groups["precip"].sum(min_count=1))
    merged["conditions"] = groups["conditions"].last()
    return merged.reindex(range(24)).rename_axis("heure").reset_index()[list(table.columns)]


def _place(body: dict[str, Any]) -> tuple[float, float] | None:
    latitude, longitude = number(body.get("latitude")), number(body.get("longitude"))
    return None if latitude is None or longitude is None else (latitude, longitude)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
