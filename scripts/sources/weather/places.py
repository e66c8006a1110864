"""Where the weather of an account is: its coordinates or its address, and how far from Paris that is."""

import math
import re
from typing import Any

from lib.figures.written_places import parse_point
from lib.raw.csv_dialect import fold
from scripts.sources.weather.open_meteo import number
from scripts.sources.weather.visual_crossing import ADDRESSES

EARTH_RADIUS = 6371.0088  # km, mean
PARIS = (48.86, 2.35)  # latitude, longitude
_PARIS, _REGION = re.compile(r"\bparis\b"), re.compile(r"\bile[ -]de[ -]france\b")
_POSTAL_CODE = re.compile(r"\b(?:75|77|78|91|92|93|94|95)[0-9]{3}\b")


def distance(place: tuple[float, float], other: tuple[float, float]) -> float:
    """Compute the great-circle distance in km of two (latitude, longitude) points in degrees (haversine formula)."""
    lat1, lon1, lat2, lon2 = map(math.radians, (*place, *other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS * math.asin(math.sqrt(min(half, 1.0)))


def place_of(body: dict[str, Any]) -> tuple[float, float] | None:
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
