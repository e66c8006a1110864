"""Open-Meteo answers about one day: hourly and daily arrays brought to °C, mm and km/h.

All labels of an answer are on ONE offset, `utc_offset_seconds`, that of the moment of the request: a July day asked for
in November with `timezone=Europe/Paris` is on UTC+1 (open-meteo issues 488, 1255). An instant is its label less that
offset. The precipitation of a label is that of the PRECEDING hour, everything else is said of the label itself.
"""

import math
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from lib.common.paris_time import HOUR, PARIS, day_start
from scripts.sources.weather.words import WMO, wmo_text

# Declared units, folded: (factor, offset) to °C, mm and km/h.
UNITS = {
    "temp": {"°c": (1.0, 0.0), "°f": (5 / 9, -160 / 9)},
    "precip": {"mm": (1.0, 0.0), "inch": (25.4, 0.0)},
    "vent": {
        "km/h": (1.0, 0.0),
        "m/s": (3.6, 0.0),
        "mp/h": (1.609344, 0.0),  # as Open-Meteo writes it
        "mph": (1.609344, 0.0),
        "kn": (1.852, 0.0),
    },
}
HOURLY = {
    "temp": ("temperature_2m",),
    "precip": ("precipitation", "rain"),
    "vent": ("wind_speed_10m", "windspeed_10m"),
    "code": ("weather_code", "weathercode"),
}
DAILY = {  # stored name: kind, names in the response
    "temp_moyenne": ("temp", ("temperature_2m_mean",)),
    "temp_min": ("temp", ("temperature_2m_min",)),
    "temp_max": ("temp", ("temperature_2m_max",)),
    "precip_totale": ("precip", ("precipitation_sum", "rain_sum")),
    "vent_max": ("vent", ("wind_speed_10m_max", "windspeed_10m_max")),
    "code": ("code", ("weather_code", "weathercode")),
}

_LABEL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}")
# With `&models=` every field has the model's name behind it, which begins with that of a weather service.
_MODEL = re.compile(
    r"(.+?)_((?:best_match|arpae|bom|cerra|cma|cmc|dmi|dwd|ecmwf|era5|gem|gfs|icon|italia|jma|kma|knmi|meteofrance"
    r"|meteoswiss|metno|ncep|ukmo)(?:_.*)?)"
)
_PARTS = ("hourly", "hourly_units", "daily", "daily_units")

HourRow = tuple[int, float | None, float | None, float | None, str | None]


def is_open_meteo(body: Any) -> bool:
    """Tell whether a JSON value is one of its answers."""
    return isinstance(body, dict) and (isinstance(body.get("hourly"), dict) or isinstance(body.get("daily"), dict))


def by_model(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Split an answer about several models into one answer each, its fields under their plain names."""
    parts = {name: body[name] for name in _PARTS if isinstance(body.get(name), dict)}
    fields = dict.fromkeys(field for part in parts.values() for field in part if field != "time")
    named = {field: found.groups() if (found := _MODEL.fullmatch(field)) else (field, "") for field in fields}
    for model in dict.fromkeys(model for _, model in named.values()) or [""]:
        plain = {"time": "time"} | {field: name for field, (name, one) in named.items() if one == model}
        own = {
            name: {plain[field]: value for field, value in part.items() if field in plain}
            for name, part in parts.items()
        }
        yield {**body, **own}


def clock(body: dict[str, Any]) -> tzinfo | None:
    """Find the clock of the labels: the offset that the answer states, else its time zone, else Paris.

    None for an offset or a zone that does not exist.
    """
    offset, zone = number(body.get("utc_offset_seconds")), body.get("timezone")
    try:
        if offset is not None:
            return timezone(timedelta(seconds=offset))
        return PARIS if zone is None else ZoneInfo(str(zone))
    except (ValueError, KeyError, OverflowError, OSError):  # OSError: ZoneInfo of a folder's name, or of one too long
        return None


def unknown_unit(body: dict[str, Any]) -> str:
    """Name the first declared unit that cannot be converted; empty when there is none."""
    hourly = [("hourly_units", kind, HOURLY[kind]) for kind in UNITS]
    daily = [("daily_units", kind, names) for kind, names in DAILY.values() if kind in UNITS]
    for part, kind, names in hourly + daily:
        unit = _unit(body.get(part), names)
        if unit and unit not in UNITS[kind]:
            return f"{part} : {names[0]} en « {unit} »"
    return ""


def hour_rows(body: dict[str, Any], day: date) -> tuple[list[HourRow], list[Any]]:
    """Build (heure, temp, precip, vent, conditions) rows of the Paris day, and list the labels that are no hour.

    An hour has a row for its state and one for its rain, which come from two labels.
    """
    hourly, units = body.get("hourly"), body.get("hourly_units")
    columns = {name: _converted(hourly, units, name, names) for name, names in HOURLY.items()}
    rows: list[HourRow] = []
    unreadable = []
    for index, (label, moment) in enumerate(zip(column(hourly, ("time",)), instants(body), strict=True)):
        if moment is None:
            unreadable.append(label)
            continue
        temp, precip, wind, code = (_at(columns[name], index) for name in HOURLY)
        here, before = moment.astimezone(PARIS), (moment - HOUR).astimezone(PARIS)
        if here.date() == day:
            rows.append((here.hour, temp, None, wind, wmo_text(code)))
        if before.date() == day:
            rows.append((before.hour, None, precip, None, None))
    return rows, unreadable


def day_values(body: dict[str, Any], day: date) -> dict[str, Any]:
    """Read what the daily arrays say of the day, by the names of DAILY; `conditions` is the worst WMO code met.

    The arrays count where their offset is that of Paris all day long: else their day is another one.
    """
    daily, units, hourly = body.get("daily"), body.get("daily_units"), body.get("hourly")
    found: dict[str, Any] = {}
    labels = _days_of_arrays(body)
    if day in labels and is_on_paris_clock(clock(body), day):
        index = labels.index(day)
        found = {name: _at(_converted(daily, units, kind, names), index) for name, (kind, names) in DAILY.items()}
    codes = [number(code) for code in column(hourly, HOURLY["code"])]
    met = [code for at, code in zip(instants(body), codes, strict=False) if at and at.astimezone(PARIS).date() == day]
    known = [code for code in (*met, found.pop("code", None)) if code is not None and int(code) in WMO]
    return found | {"conditions": wmo_text(max(known)) if known else None}


def is_day_of_another_clock(body: dict[str, Any], day: date) -> bool:
    """Tell whether the daily arrays name the day, which is not that of Paris on their offset."""
    return day in _days_of_arrays(body) and not is_on_paris_clock(clock(body), day)


def days_named(body: dict[str, Any], names: tuple[str, ...] = ("time",)) -> set[date]:
    """List the Paris days of the hours that have a value under one of these names, and of the daily arrays."""
    values = column(body.get("hourly"), names)
    hours = zip(instants(body), values, strict=False)
    days = {moment.astimezone(PARIS).date() for moment, value in hours if moment and value is not None}
    return days | {named for named in _days_of_arrays(body) if named and is_on_paris_clock(clock(body), named)}


def instants(body: dict[str, Any]) -> list[datetime | None]:
    """Read the hourly labels as UTC instants; None for one that is no hour."""
    zone = clock(body)
    return [_instant(label, zone) for label in column(body.get("hourly"), ("time",))]


def is_on_paris_clock(zone: tzinfo | None, day: date) -> bool:
    """Tell whether a clock shows the time of Paris from the first to the last instant of a day."""
    ends = day_start(day), day_start(day + timedelta(days=1)) - HOUR
    return zone is not None and all(
        end.astimezone(zone).utcoffset() == end.astimezone(PARIS).utcoffset() for end in ends
    )


def column(part: Any, names: tuple[str, ...]) -> list[Any]:
    """Find the first of these arrays that is there."""
    arrays = [part[name] for name in names if isinstance(part.get(name), list)] if isinstance(part, dict) else []
    return next(iter(arrays), [])


def number(value: Any) -> float | None:
    """Read a finite number, else None: a null is « not known », never zero."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return found if math.isfinite(found) else None


def _instant(label: Any, zone: tzinfo | None) -> datetime | None:
    """Read an ISO label on the answer's clock, or seconds since 1970, which are on no clock."""
    try:
        if (seconds := number(label)) is not None:
            return datetime.fromtimestamp(seconds, UTC)
        if zone is None or not isinstance(label, str) or not _LABEL.fullmatch(label):
            return None
        return datetime.fromisoformat(label).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _days_of_arrays(body: dict[str, Any]) -> list[date | None]:
    """Read the days of the daily labels, which as seconds since 1970 are each its midnight on the answer's clock."""
    zone, labels = clock(body), column(body.get("daily"), ("time",))
    texts = [f"{label[:10]}T00:00" if isinstance(label, str) else label for label in labels]
    midnights = [_instant(text, zone) for text in texts]
    return [midnight.astimezone(zone).date() if midnight and zone else None for midnight in midnights]


def _converted(part: Any, units: Any, kind: str, names: tuple[str, ...]) -> list[float | None]:
    """Bring a column to the project's unit; None where there is no number."""
    factor, offset = UNITS.get(kind, {}).get(_unit(units, names), (1.0, 0.0))
    numbers = [number(value) for value in column(part, names)]
    return [None if one is None else round(one * factor + offset, 4) for one in numbers]


def _unit(units: Any, names: tuple[str, ...]) -> str:
    found = [str(units[name]).casefold() for name in names if units.get(name)] if isinstance(units, dict) else []
    return next(iter(found), "")


def _at(values: list[float | None], index: int) -> float | None:
    return values[index] if index < len(values) else None
