"""What Visual Crossing (with a key) or Open-Meteo (without) is asked for about a day, and how the answer is checked."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lib.common.errors import NoDataError
from lib.common.settings import Settings
from scripts.sources.answers import AGAIN, json_body, unexpected
from scripts.sources.publishers import Address, require_key
from scripts.sources.weather.open_meteo import HOURLY, days_named, is_open_meteo

ARCHIVE_AFTER = timedelta(days=10)  # Open-Meteo: its archive lags by some days, its forecast also tells the last ones
# In GMT: with the name of a zone all labels would be on its offset of today, whatever the day asked for.
PARIS_PLACE = {"latitude": "48.8566", "longitude": "2.3522", "timezone": "GMT"}
OPEN_METEO_HOURLY = "temperature_2m,precipitation,wind_speed_10m,weather_code"


def address(settings: Settings, day: date, today: date) -> Address:
    """Build the request about a day; ConfigError for a malformed key."""
    return _visual_crossing(settings, day) if settings.visualcrossing_api_key else _open_meteo(settings, day, today)


def check_answer(asked: Address, path: Path) -> Any:
    """Read the body, which holds a temperature of the day."""
    body = json_body(asked, path)
    days = body.get("days") if isinstance(body, dict) else None
    if isinstance(days, list):
        known = {str(one.get("datetime")) for one in days if isinstance(one, dict) and one.get("temp") is not None}
    elif is_open_meteo(body):
        known = {named.isoformat() for named in days_named({**body, "daily": None}, HOURLY["temp"])}
    else:
        raise unexpected(asked, "ce n'est pas une réponse météo connue", json.dumps(body).encode())
    if asked.day and asked.day.isoformat() not in known:
        raise NoDataError(f"weather : {asked.name} n'a aucune température pour le {asked.day}.", AGAIN)
    return body


def _visual_crossing(settings: Settings, day: date) -> Address:
    key = settings.visualcrossing_api_key
    require_key(key, "VISUALCROSSING_API_KEY", "La corriger, ou la vider pour demander à Open-Meteo.")
    return Address(
        "weather",
        day,
        "Visual Crossing",
        f"{settings.visualcrossing_url}/Paris,France/{day}/{day}",
        {"unitGroup": "metric", "include": "days,hours", "key": key},
        secrets=(key, quote(key, safe="")),
        key_setting="VISUALCROSSING_API_KEY",
    )


def _open_meteo(settings: Settings, day: date, today: date) -> Address:
    """Ask for a day before and a day after: the Paris day begins on the day before in GMT, and an hour's rain is on
    the label that ends it."""
    old = today - day > ARCHIVE_AFTER
    one_day = timedelta(days=1)
    span = {"start_date": (day - one_day).isoformat(), "end_date": (day + one_day).isoformat()}
    return Address(
        "weather",
        day,
        "Open-Meteo",
        settings.open_meteo_archive_url if old else settings.open_meteo_url,
        {**PARIS_PLACE, **span, "hourly": OPEN_METEO_HOURLY},
    )
