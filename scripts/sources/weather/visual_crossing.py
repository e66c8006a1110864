"""Visual Crossing timelines about one day: hours in °C, mm and km/h.

The hours of days[] are on the clock of `timezone`, that of Paris unless another was asked for; the precipitation of an
hour is that of the hour that starts there.
"""

import re
from datetime import date, datetime, tzinfo
from typing import Any

from lib.common.paris_time import PARIS, hours_in_day
from scripts.sources.weather.open_meteo import HourRow, clock, is_on_paris_clock, number
from scripts.sources.weather.words import conditions_text

DAILY = {  # stored name: name in the response
    "temp_moyenne": "temp",
    "temp_min": "tempmin",
    "temp_max": "tempmax",
    "precip_totale": "precip",
    "vent_max": "windspeed",  # the highest of the day's hours, not their mean
}
FORECAST_SOURCES = ("fcst", "stats")  # its `source` of an hour that nothing has observed
ADDRESSES = ("resolvedAddress", "address", "name")  # what it made of the place, what was asked for

_HOUR = re.compile(r"([01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2})?")


def is_timeline(body: Any) -> bool:
    """Tell whether a JSON value is one of its answers."""
    return isinstance(body, dict) and isinstance(body.get("days"), list)


def address(item: dict[str, Any]) -> str:
    """Read the first address that an answer states; empty where it states none."""
    return next((text for name in ADDRESSES if isinstance(text := item.get(name), str) and text.strip()), "")


def days_named(item: dict[str, Any]) -> set[str]:
    """List the days that an answer has an entry for, as it writes them."""
    return {_day_of(entry) for entry in dicts(item["days"])}


def day_values(item: dict[str, Any], day: date) -> dict[str, Any] | None:
    """Read the day's own values, none where the answer is on another clock; None where it has no entry of that day."""
    own = [entry for entry in dicts(item["days"]) if _day_of(entry) == day.isoformat()][-1:]
    if not own or not is_on_paris_clock(_clock(item), day):
        return {} if own else None
    return {name: number(own[0].get(field)) for name, field in DAILY.items()} | {
        "conditions": conditions_text(own[0].get("conditions"))
    }


def hour_rows(item: dict[str, Any], day: date) -> tuple[list[HourRow], frozenset[int], list[tuple[int, Any]]]:
    """Build the rows of the Paris day, and list its hours that are a forecast, and the labels that are no hour.

    The labels of the day's entry are hours of Paris; on another clock the hours of all entries count by instant.
    """
    zone = _clock(item)
    rows: list[HourRow] = []
    foretold: set[int] = set()
    unreadable: list[tuple[int, Any]] = []
    entries = dicts(item["days"])
    if zone == PARIS:
        entries = [entry for entry in entries if _day_of(entry) == day.isoformat()][-1:]
    for entry in entries:
        for position, one in enumerate(dicts(entry.get("hours")), start=1):
            found = _HOUR.fullmatch(str(one.get("datetime")))
            if not found:
                unreadable.append((position, one.get("datetime")))
                continue
            hour = int(found[1])
            if zone != PARIS:
                local = _paris_time(entry, hour, zone)
                if local is None or local.date() != day:
                    continue
                hour = local.hour
            temp, precip, wind = (number(one.get(name)) for name in ("temp", "precip", "windspeed"))
            rows.append((hour, temp, precip, wind, conditions_text(one.get("conditions"))))
            if one.get("source") in FORECAST_SOURCES:
                foretold.add(hour)
    twice = hours_in_day(day) > 24
    return rows if twice else list({row[0]: row for row in rows}.values()), frozenset(foretold), unreadable


def _clock(item: dict[str, Any]) -> tzinfo | None:
    return clock({"timezone": item.get("timezone")})


def _day_of(entry: dict[str, Any]) -> str:
    return str(entry.get("datetime"))[:10]


def _paris_time(entry: dict[str, Any], hour: int, zone: tzinfo | None) -> datetime | None:
    try:
        midnight = datetime.fromisoformat(_day_of(entry))
        return midnight.replace(hour=hour, tzinfo=zone).astimezone(PARIS)
    except (ValueError, OverflowError):
        return None


def dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
