"""The weather of a civil day out of API pulls, both raw forms brought to hours in °C, mm and km/h.

Each form has its module: scripts/sources/weather/visual_crossing and open_meteo.
"""

import math
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from lib.common.errors import InputError
from lib.common.paris_time import HOUR, PARIS
from lib.figures.quality import SAMPLES_KEPT, Quality
from lib.raw.envelopes import records
from lib.raw.json_records import LONGEST_DATE, is_searchable, pieces_of, read_bodies, short_text
from lib.raw.source_files import RawFile
from scripts.sources.weather import open_meteo, places, visual_crossing
from scripts.sources.weather.open_meteo import HourRow
from scripts.sources.weather.places import distance, is_of_paris, place_of

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
UNREADABLE_HOUR = "heure_illisible"  # reason of a reject
LATEST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()  # a file's time that cannot be told is infinity

PULLS_KNOWN = 10_000  # of which it is kept what days they name: hourly ones of a year
UNIXTIME = "unixtime"  # the unit of labels that are no text

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY_WITHIN = re.compile(rb"(?=([0-9]{4}-[0-9]{2}-[0-9]{2}))")


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
            return distance(self.place, places.PARIS)
        return 0.0 if not self.place_name or is_of_paris(self.place_name) else math.inf

    def is_measured(self, day: date) -> np.ndarray:
        """Tell for each hour 0..23 of the day whether it was over when the pull was made: else it is a forecast.

        A pull outside any dt= folder was made at the latest when its file was written.
        """
        if self.raw.pulled:
            pulled = datetime.fromisoformat(self.raw.pulled).replace(tzinfo=PARIS)
        else:
            pulled = datetime.fromtimestamp(min(self.raw.modified, LATEST), UTC)
        return np.array([end <= pulled and hour not in self.foretold for hour, end in enumerate(_hour_ends(day))])


@lru_cache(maxsize=1)
def _hour_ends(day: date) -> list[datetime]:
    return [datetime(day.year, day.month, day.day, hour, tzinfo=PARIS).astimezone(UTC) + HOUR for hour in range(24)]


def read_weather(files: list[RawFile], day: date, quality: Quality) -> list[WeatherDay]:
    """Read what each pull says of the day, the oldest first; one without any temperature says nothing.

    Answers of no known form are rejected. Of several places in one pull the nearest to Paris is kept.
    """
    found: list[WeatherDay] = []
    names = {*((day + timedelta(days=shift)).isoformat() for shift in (-1, 0, 1)), UNIXTIME}  # other clocks' labels
    for raw, line, body in read_bodies((raw for raw in files if _may_name(raw, names)), quality):
        for item in records(body):
            found += _accounts(item, raw, line, day, quality)
    nearest: dict[RawFile, float] = {}
    for one in found:
        nearest[one.raw] = min(one.away, nearest.get(one.raw, one.away))
    return [one for one in found if one.known and one.away == nearest[one.raw]]


def _may_name(raw: RawFile, names: set[str]) -> bool:
    """Tell whether a pull holds one of these words, or may for all that can be told."""
    with suppress(InputError):  # said where it is read
        named = _days_in(raw, raw.state)
        return named is None or not named.isdisjoint(names)
    return True


@lru_cache(maxsize=PULLS_KNOWN)
def _days_in(raw: RawFile, _state: tuple[int, ...]) -> frozenset[str] | None:
    """List the days that one state of a pull names anywhere, and UNIXTIME; None where a search does not tell."""
    data, found = short_text(raw), set[str]()
    if not is_searchable(raw, data):
        return None
    for piece in pieces_of(raw, data, LONGEST_DATE):
        found.update(one.decode() for one in _DAY_WITHIN.findall(piece))
        found |= {UNIXTIME} if UNIXTIME.encode() in piece else set()
    return frozenset(found)


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
        values = hours[name].to_numpy()
        impossible = (values < least) | (values > most)
        if impossible.any():
            found += [f"{name} {value:g}" for value in values[impossible]]
            hours[name] = np.where(impossible, np.nan, values)
    for name, (least, most) in DAY_BOUNDS.items():
        value = daily.get(name)
        if value is not None and not least <= value <= most:
            found.append(f"{name} {value:g}")
            daily[name] = None
    if found:
        text = f"Des valeurs impossibles sont tenues pour manquantes : {', '.join(found[:SAMPLES_KEPT])}."
        quality.warn("valeurs_impossibles", "attention", text, len(found), exemples=found)
    return replace(weather, hours=hours, daily=daily)


def days_present(files: list[RawFile]) -> set[str]:
    """List every day (YYYY-MM-DD) that some pull tells about: what a message offers when a day has nothing."""
    found: set[str] = set()
    for _, _, body in read_bodies(files, Quality()):
        for item in records(body):
            if visual_crossing.is_timeline(item):
                found |= visual_crossing.days_named(item)
            elif isinstance(item, dict):
                found |= {named.isoformat() for named in open_meteo.days_named(item)}
    return {text for text in found if _DAY.fullmatch(text)}


def _accounts(item: Any, raw: RawFile, line: int, day: date, quality: Quality) -> Iterator[WeatherDay]:
    timeline = visual_crossing.is_timeline(item)
    if not timeline and not open_meteo.is_open_meteo(item):
        quality.reject("reponse_inattendue", raw.name, line, item)
        return
    if open_meteo.clock(item) is None:
        zone = f"utc_offset_seconds {item.get('utc_offset_seconds')}, timezone {item.get('timezone')}"
        quality.reject("horloge_inconnue", raw.name, line, zone)
        return
    if timeline:
        daily, (rows, foretold, labels) = visual_crossing.day_values(item, day), visual_crossing.hour_rows(item, day)
        for position, label in labels:
            quality.reject(UNREADABLE_HOUR, raw.name, position, label)
        if rows or daily is not None:
            address = visual_crossing.address(item)
            yield WeatherDay(VISUAL_CROSSING, raw, _hours(rows), daily or {}, place_of(item), address, foretold)
        return
    for body in open_meteo.by_model(item):
        problem = open_meteo.unknown_unit(body)
        if problem:
            quality.reject("unite_inconnue", raw.name, line, problem)
            continue
        rows, unreadable = open_meteo.hour_rows(body, day)
        for label in unreadable:
            quality.reject(UNREADABLE_HOUR, raw.name, line, label)
        account = WeatherDay(OPEN_METEO, raw, _hours(rows), open_meteo.day_values(body, day), place_of(item))
        if not account.known and open_meteo.is_day_of_another_clock(body, day):
            offset = f"utc_offset_seconds {item.get('utc_offset_seconds')}"
            shown = f"daily du {day} à {offset} : ce n'est pas le jour de Paris"
            quality.reject("jour_d_une_autre_horloge", raw.name, line, shown)
        yield account


def _hours(rows: list[HourRow]) -> pd.DataFrame:
    """Build one row per hour of the clock: one lived twice in autumn holds the mean, and the sum of precipitation."""
    known: list[tuple[list[float], list[float], list[float]]] = [([], [], []) for _ in range(24)]
    conditions: list[str | None] = [None] * 24
    for hour, *values, said in rows:
        for column, value in zip(known[hour], values, strict=True):
            column += [] if value is None else [value]
        conditions[hour] = said or conditions[hour]
    return pd.DataFrame(
        {
            "heure": np.arange(24),
            "temp": [sum(temp) / len(temp) if temp else np.nan for temp, _, _ in known],
            "precip": [sum(rain) if rain else np.nan for _, rain, _ in known],
            "vent": [sum(wind) / len(wind) if wind else np.nan for _, _, wind in known],
            "conditions": pd.Series(conditions, dtype=object),
        }
    )
