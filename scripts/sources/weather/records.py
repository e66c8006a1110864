"""The weather of a civil day out of API pulls, both raw forms brought to hours in °C, mm and km/h.

Visual Crossing: the hours of days[] are on the clock of `timezone`, that of Paris unless another was asked for; the
precipitation of an hour is that of the hour that starts there. Open-Meteo: see scripts/sources/weather/open_meteo.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

import numpy as np
import pandas as pd

from lib.common.paris_time import HOUR, PARIS, hours_in_day
from lib.figures.quality import SAMPLES_KEPT, Quality
from lib.figures.written_places import parse_point
from lib.raw.csv_dialect import fold
from lib.raw.envelopes import records
from lib.raw.json_records import read_bodies
from lib.raw.source_files import RawFile
from scripts.sources.weather.open_meteo import (
    HourRow,
    by_model,
    clock,
    day_values,
    days_named,
    hour_rows,
    is_day_of_another_clock,
    is_on_paris_clock,
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
PARIS_PLACE = (48.86, 2.35)  # latitude, longitude
FORECAST_SOURCES = ("fcst", "stats")  # Visual Crossing's `source` of an hour that nothing has observed

UNREADABLE_HOUR = "heure_illisible"  # reason of a reject
LATEST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()  # a file's time that cannot be told is infinity

_HOUR = re.compile(r"([01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
ADDRESSES = ("resolvedAddress", "address", "name")  # of Visual Crossing: what it made of the place, what was asked for
_PARIS, _REGION = re.compile(r"\bparis\b"), re.compile(r"\bile[ -]de[ -]france\b")
_POSTAL_CODE = re.compile(r"\b(?:75|77|78|91|92|93|94|95)[0-9]{3}\b")


@dataclass(frozen=True)
class WeatherDay:
    """One answer's account of a day.

    hours: heure (0..23), temp (°C), precip (mm), vent (km/h), conditions (text), NaN or None where not known. daily:
    what the source itself says of the day (temp_moyenne, temp_min, temp_max, precip_totale, vent_max, conditions).
    place: (latitude, longitude) or None; place_name: its address, where it has one. foretold: hours that the source
    itself calls a forecast. newer_unread: the newer pulls of which nothing could be read.
    """

    source: str
    raw: RawFile
    hours: pd.DataFrame
    daily: dict[str, Any]
    place: tuple[float, float] | None = None
    place_name: str = ""
    foretold: frozenset[int] = frozenset()
    newer_unread: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether it holds any temperature."""
        temperatures = ("temp_moyenne", "temp_min", "temp_max")
        return bool(self.hours["temp"].notna().any()) or any(self.daily.get(one) is not None for one in temperatures)

    @property
    def away(self) -> float:
        """Kilometres from Paris; 0 where nothing says where, infinity for a name that is not of Paris."""
        if self.place:
            return distance(self.place, PARIS_PLACE)
        return 0.0 if not self.place_name or is_of_paris(self.place_name) else math.inf

    def is_measured(self, day: date) -> pd.Series:
        """Tell for each hour 0..23 of the day whether it was over when the pull was made: else it is a forecast.

        A pull outside any dt= folder was made at the latest when its file was written.
        """
        if self.raw.pulled:
            pulled = datetime.strptime(self.raw.pulled, "%Y-%m-%dT%H").replace(tzinfo=PARIS)
        else:
            pulled = datetime.fromtimestamp(min(self.raw.modified, LATEST), UTC)
        ends = [datetime(day.year, day.month, day.day, hour, tzinfo=PARIS).astimezone(UTC) + HOUR for hour in range(24)]
        return pd.Series([end <= pulled and hour not in self.foretold for hour, end in enumerate(ends)])


def read_weather(files: list[RawFile], day: date, quality: Quality) -> list[WeatherDay]:
    """Read what each pull says of the day, the oldest first; one without any temperature says nothing.

    Answers of no known form are rejected. Of several places in one pull the nearest to Paris is kept.
    """
    found: list[WeatherDay] = []
    names = [*((day + timedelta(days=shift)).isoformat() for shift in (-1, 0, 1)), "unixtime"]  # other clocks' labels
    for raw, line, body in read_bodies(files, quality, names):
        for item in records(body):
            found += _accounts(item, raw, line, day, quality)
    nearest: dict[RawFile, float] = {}
    for one in found:
        nearest[one.raw] = min(one.away, nearest.get(one.raw, one.away))
    known = [one for one in found if one.known and one.away == nearest[one.raw]]
    quality.answers.of_day.update(one.raw.name for one in known)
    return known


def unread_files(files: list[RawFile], read: list[WeatherDay], quality: Quality) -> list[RawFile]:
    """List the files of which something was rejected, and that gave no account of the day."""
    known = {one.raw for one in read}
    refused = {one.fichier for one in quality.kept_rejects if one.raison != UNREADABLE_HOUR} | set(quality.unusable)
    return [raw for raw in files if raw.name in refused and raw not in known]


def without_impossible(weather: WeatherDay, quality: Quality) -> WeatherDay:
    """Take impossible values for missing: an hour, or the day, keeps its other values."""
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
    """List every day (YYYY-MM-DD) that some pull tells about: what a message offers when a day has nothing."""
    found: set[str] = set()
    for _, _, body in read_bodies(files, Quality()):
        for item in records(body):
            if isinstance(item, dict):
                found |= {str(one.get("datetime"))[:10] for one in _dicts(item.get("days"))}
                found |= {named.isoformat() for named in days_named(item)}
    return {text for text in found if _DAY.fullmatch(text)}


def distance(place: tuple[float, float], other: tuple[float, float]) -> float:
    """Compute the great-circle distance in km of two (latitude, longitude) points in degrees (haversine formula)."""
    lat1, lon1, lat2, lon2 = map(math.radians, (*place, *other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS * math.asin(math.sqrt(min(half, 1.0)))


def _accounts(item: Any, raw: RawFile, line: int, day: date, quality: Quality) -> Iterator[WeatherDay]:
    timeline = isinstance(item, dict) and isinstance(item.get("days"), list)
    if not timeline and not is_open_meteo(item):
        quality.reject("reponse_inattendue", raw.name, line, item)
        return
    if clock(item) is None:
        zone = f"utc_offset_seconds {item.get('utc_offset_seconds')}, timezone {item.get('timezone')}"
        quality.reject("horloge_inconnue", raw.name, line, zone)
        return
    if timeline:
        yield from _visual_crossing(item, raw, day, quality)
        return
    for body in by_model(item):
        problem = unknown_unit(body)
        if problem:
            quality.reject("unite_inconnue", raw.name, line, problem)
            continue
        rows, unreadable = hour_rows(body, day)
        for label in unreadable:
            quality.reject(UNREADABLE_HOUR, raw.name, line, label)
        account = WeatherDay(OPEN_METEO, raw, _hours(rows), day_values(body, day), _place(item))
        if not account.known and is_day_of_another_clock(body, day):
            shown = (
                f"daily du {day} à utc_offset_seconds {item.get('utc_offset_seconds')} : ce n'est pas le jour de Paris"
            )
            quality.reject("jour_d_une_autre_horloge", raw.name, line, shown)
        yield account


def _visual_crossing(item: dict[str, Any], raw: RawFile, day: date, quality: Quality) -> Iterator[WeatherDay]:
    """Read the day's own entry where the answer is on the clock of Paris, else the hours of all entries by instant."""
    zone, entries = clock({"timezone": item.get("timezone")}), _dicts(item["days"])
    own = [entry for entry in entries if str(entry.get("datetime"))[:10] == day.isoformat()][-1:]
    daily = _visual_crossing_day(own[0]) if own and is_on_paris_clock(zone, day) else {}
    other = zone if zone != PARIS else None
    rows, foretold = _visual_crossing_hours(entries if other else own, other, raw, day, quality)
    if own or rows:
        named = next((text for name in ADDRESSES if isinstance(text := item.get(name), str) and text.strip()), "")
        yield WeatherDay(VISUAL_CROSSING, raw, _hours(rows), daily, _place(item), named, foretold)


def _visual_crossing_hours(
    entries: list[dict[str, Any]], zone: tzinfo | None, raw: RawFile, day: date, quality: Quality
) -> tuple[list[HourRow], frozenset[int]]:
    """Build the day's rows, and list its hours that are a forecast; `zone`: the clock of the labels, None for Paris."""
    rows: list[HourRow] = []
    foretold: set[int] = set()
    for entry in entries:
        for position, one in enumerate(_dicts(entry.get("hours")), start=1):
            found = _HOUR.fullmatch(str(one.get("datetime")))
            if not found:
                quality.reject(UNREADABLE_HOUR, raw.name, position, one.get("datetime"))
                continue
            hour = int(found[1])
            if zone:
                local = _paris_time(entry, hour, zone)
                if local is None or local.date() != day:
                    continue
                hour = local.hour
            temp, precip, wind = (number(one.get(name)) for name in ("temp", "precip", "windspeed"))
            rows.append((hour, temp, precip, wind, conditions_text(one.get("conditions"))))
            if one.get("source") in FORECAST_SOURCES:
                foretold.add(hour)
    twice = hours_in_day(day) > 24
    return rows if twice else list({row[0]: row for row in rows}.values()), frozenset(foretold)


def _paris_time(entry: dict[str, Any], hour: int, zone: tzinfo) -> datetime | None:
    try:
        midnight = datetime.fromisoformat(str(entry.get("datetime"))[:10])
        return midnight.replace(hour=hour, tzinfo=zone).astimezone(PARIS)
    except (ValueError, OverflowError):
        return None


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
    """Translate Visual Crossing's conditions word by word; a word that is not known stays as it is."""
    if not isinstance(text, str) or not text.strip():
        return None
    return ", ".join(CONDITIONS.get(part.strip().casefold(), part.strip()) for part in text.split(","))


def _hours(rows: list[HourRow]) -> pd.DataFrame:
    """Build one row per hour of the clock: one lived twice in autumn holds the mean, and the sum of precipitation."""
    table = pd.DataFrame(rows, columns=["heure", "temp", "precip", "vent", "conditions"])
    table = table.astype({"heure": np.int64, "temp": float, "precip": float, "vent": float, "conditions": object})
    groups = table.groupby("heure")
    merged = groups[["temp", "vent"]].mean().assign(precip=groups["precip"].sum(min_count=1))
    merged["conditions"] = groups["conditions"].last()
    return merged.reindex(range(24)).rename_axis("heure").reset_index()[list(table.columns)]


def _place(body: dict[str, Any]) -> tuple[float, float] | None:
    """Read latitude and longitude; Visual Crossing's address may be the two as a text."""
    latitude, longitude = number(body.get("latitude")), number(body.get("longitude"))
    if latitude is not None and longitude is not None:
        return latitude, longitude
    point = next((found for name in ADDRESSES if (found := parse_point(body.get(name)))), None)
    return point and point[::-1]


def is_of_paris(name: str) -> bool:
    """Tell whether an address is in Paris or Île-de-France: Paris (alone, or in France), the region, a postal code."""
    parts = [fold(part) for part in name.split(",")]
    if any(_POSTAL_CODE.search(part) for part in parts) or any(_REGION.search(part) for part in parts):
        return True
    return any(_PARIS.search(part) for part in parts) and (len(parts) == 1 or parts[-1] in ("france", "fr"))


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
