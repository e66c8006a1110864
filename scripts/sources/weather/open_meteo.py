"""Open-Meteo responses about one day: hourly and daily arrays brought to °C, mm and km/h.

Labels are local time. The precipitation of a label is that of the PRECEDING hour, everything else is said of the label
itself: the civil day D is the labels D 00:00 to D 23:00, and D 01:00 to D+1 00:00 for the rain.
"""

import math
import re
from datetime import UTC, date, datetime
from typing import Any

from lib.common.paris_time import HOUR, PARIS

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

# WMO weather interpretation codes, the subset that Open-Meteo documents; a higher code is a worse weather.
WMO = {
    0: "Ciel dégagé",
    1: "Ciel plutôt dégagé",
    2: "Partiellement nuageux",
    3: "Couvert",
    45: "Brouillard",
    48: "Brouillard givrant",
    51: "Bruine faible",
    53: "Bruine modérée",
    55: "Bruine forte",
    56: "Bruine verglaçante faible",
    57: "Bruine verglaçante forte",
    61: "Pluie faible",
    63: "Pluie modérée",
    65: "Pluie forte",
    66: "Pluie verglaçante faible",
    67: "Pluie verglaçante forte",
    71: "Neige faible",
    73: "Neige modérée",
    75: "Neige forte",
    77: "Neige en grains",
    80: "Averses faibles",
    81: "Averses modérées",
    82: "Averses violentes",
    85: "Averses de neige faibles",
    86: "Averses de neige fortes",
    95: "Orage",
    96: "Orage avec grêle faible",
    99: "Orage avec forte grêle",
}

_LABEL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}")

HourRow = tuple[int, float | None, float | None, float | None, str | None]


def is_open_meteo(body: Any) -> bool:
    """Whether a JSON value is one of its responses."""
    return isinstance(body, dict) and (isinstance(body.get("hourly"), dict) or isinstance(body.get("daily"), dict))


def unknown_unit(body: dict[str, Any]) -> str:
    """The first declared unit that cannot be converted; empty when there is none."""
    hourly = [("hourly_units", kind, HOURLY[kind]) for kind in UNITS]
    daily = [("daily_units", kind, names) for kind, names in DAILY.values() if kind in UNITS]
    for part, kind, names in hourly + daily:
        unit = _unit(body.get(part), names)
        if unit and unit not in UNITS[kind]:
            return f"{part} : {names[0]} en « {unit} »"
    return ""


def hour_rows(body: dict[str, Any], day: date) -> tuple[list[HourRow], list[Any]]:
    """(heure, temp, precip, vent, conditions) rows of the day, and the labels that are no readable hour.

    An hour has a row for its state and one for its rain, which come from two labels.
    """
    hourly, units = body.get("hourly"), body.get("hourly_units")
    columns = {name: _converted(hourly, units, name, names) for name, names in HOURLY.items()}
    rows: list[HourRow] = []
    unreadable = []
    for index, label in enumerate(column(hourly, ("time",))):
        moment = _label(label)
        if moment is None:
            unreadable.append(label)
            continue
        temp, precip, wind, code = (_at(columns[name], index) for name in HOURLY)
        here, before = _wall(moment, body), _wall(moment - HOUR, body)
        if here.date() == day:
            rows.append((here.hour, temp, None, wind, wmo_text(code)))
        if before.date() == day:
            rows.append((before.hour, None, precip, None, None))
    return rows, unreadable


def day_values(body: dict[str, Any], day: date) -> dict[str, Any]:
    """What the daily arrays say of the day, by the names of DAILY; `conditions` is the worst WMO code met.

    Days in UTC are not those of Paris: they are only asked where no hour is known.
    """
    daily, units, hourly = body.get("daily"), body.get("daily_units"), body.get("hourly")
    if _in_utc(body) and any(number(value) is not None for value in column(hourly, HOURLY["temp"])):
        daily = None
    labels = [str(label)[:10] for label in column(daily, ("time",))]
    found: dict[str, Any] = {}
    if day.isoformat() in labels:
        index = labels.index(day.isoformat())
        found = {name: _at(_converted(daily, units, kind, names), index) for name, (kind, names) in DAILY.items()}
    moments = [_label(label) for label in column(hourly, ("time",))]
    codes = [number(code) for code in column(hourly, HOURLY["code"])]
    met = [code for at, code in zip(moments, codes, strict=False) if at and _wall(at, body).date() == day]
    known = [code for code in (*met, found.pop("code", None)) if code is not None and int(code) in WMO]
    return found | {"conditions": wmo_text(max(known)) if known else None}


def column(part: Any, names: tuple[str, ...]) -> list[Any]:
    """The first of these arrays that is there."""
    arrays = [part[name] for name in names if isinstance(part.get(name), list)] if isinstance(part, dict) else []
    return next(iter(arrays), [])


def number(value: Any) -> float | None:
    """A finite number, else None: a null is « not known », never zero."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return found if math.isfinite(found) else None


def wmo_text(code: object) -> str | None:
    """The French text of a WMO code; None for no code or an unknown one."""
    return WMO.get(int(code)) if isinstance(code, int | float) and code == code else None


def _label(label: Any) -> datetime | None:
    if not isinstance(label, str) or not _LABEL.fullmatch(label):
        return None
    try:
        return datetime.fromisoformat(label)
    except ValueError:
        return None


def _wall(moment: datetime, body: dict[str, Any]) -> datetime:
    """The Paris clock of a label: itself, but where the request forgot `timezone` it is UTC (said « GMT »)."""
    if _in_utc(body):
        return moment.replace(tzinfo=UTC).astimezone(PARIS).replace(tzinfo=None)
    return moment


def _in_utc(body: dict[str, Any]) -> bool:
    return body.get("timezone") in ("GMT", "UTC")


def _converted(part: Any, units: Any, kind: str, names: tuple[str, ...]) -> list[float | None]:
    """A column's numbers in the project's unit; None where there is none."""
    factor, offset = UNITS.get(kind, {}).get(_unit(units, names), (1.0, 0.0))
    numbers = [number(value) for value in column(part, names)]
    return [None if one is None else round(one * factor + offset, 4) for one in numbers]


def _unit(units: Any, names: tuple[str, ...]) -> str:
    found = [str(units[name]).casefold() for name in names if units.get(name)] if isinstance(units, dict) else []
    return next(iter(found), "")


def _at(values: list[float | None], index: int) -> float | None:
    return values[index] if index < len(values) else None
