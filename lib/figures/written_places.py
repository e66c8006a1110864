"""Places as raw files write them: points and shapes (WGS 84 degrees) in all forms met, and a warning of the others."""

import ast
import json
import re
from contextlib import suppress
from functools import lru_cache
from typing import Any

import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from lib.figures.quality import Quality

SHOWN = 80  # characters of a place that a warning shows
AROUND_PARIS = (1.4, 48.1, 3.6, 49.3)  # degrees (west, south, east, north): what holds Île-de-France
LONGEST_WRITTEN = 1_000_000  # characters of an object that Python wrote; of one work's outline there are thousands

Point = tuple[float, float]  # lon, lat in degrees

_LAT_LON = re.compile(r"\s*\(?\s*(-?[0-9.]+)\s*,\s*(-?[0-9.]+)\s*\)?\s*")
_BLANKS = ("", "{}", "[]", "nan", "none", "null")
_BESIDE = ("type", "properties")  # members of a GeoJSON object that say nothing of the place


def parse_point(value: Any) -> Point | None:
    """Read (lon, lat) in degrees; None when there is no valid point.

    Forms met: 'lat, lon', [lat, lon], {lon, lat} and a GeoJSON point, alone or in a Feature; each object also as the
    text that JSON or Python makes of it (pandas writes {'lon': 2.35, 'lat': 48.85}). Degrees that were swapped are read
    the other way round where that is in AROUND_PARIS; 0, 0 is no place.
    """
    value = _geometry_of(_decoded(value))
    if isinstance(value, dict):
        pair = value.get("lon"), value.get("lat")
        if value.get("type") == "Point":
            value = _decoded(value.get("coordinates"))
            pair = tuple(value[:2]) if isinstance(value, list | tuple) else ()
    elif isinstance(value, list | tuple):
        pair = tuple(value[::-1])
    elif isinstance(value, str) and (found := _LAT_LON.fullmatch(value)):
        pair = found[2], found[1]
    else:
        return None
    try:
        lon, lat = map(_degrees, pair)
    except (TypeError, ValueError, OverflowError):
        return None
    if _is_around_paris(lat, lon, lat, lon):
        return lat, lon
    return (lon, lat) if -180 <= lon <= 180 and -90 <= lat <= 90 and (lon or lat) else None


def parse_shape(value: Any) -> BaseGeometry | None:
    """Read a GeoJSON object, alone or in a Feature, or its text; None when it holds no geometry in degrees.

    One of latitudes first is read the other way round, as a point is.
    """
    value = _geometry_of(_decoded(value))
    try:
        shape = shapely.from_geojson(json.dumps(value)) if isinstance(value, dict) else None
    except (ValueError, RecursionError, shapely.errors.ShapelyError):
        return None
    if shape is None or shape.is_empty:
        return None
    west, south, east, north = shape.bounds
    if _is_around_paris(south, west, north, east):
        return shapely.transform(shape, lambda degrees: degrees[:, ::-1])
    return shape if -180 <= west <= east <= 180 and -90 <= south <= north <= 90 else None


def _is_around_paris(west: float, south: float, east: float, north: float) -> bool:
    least_west, least_south, most_east, most_north = AROUND_PARIS
    return least_west <= west <= east <= most_east and least_south <= south <= north <= most_north


def is_written(value: Any) -> bool:
    """Tell whether a place stands there, in any form: a null, a blank and an object of nulls are none."""
    if value is None or value is pd.NA:
        return False
    value = _decoded(value) or value
    if isinstance(value, str):
        return value.strip().casefold() not in _BLANKS
    if isinstance(value, dict):
        value = [part for name, part in value.items() if name not in _BESIDE]
    if isinstance(value, list | tuple):
        return any(part is not None and part == part and part != [] for part in value)
    return bool(value == value)


def join_places(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Give `column` the place of the rows that hold it in two columns, `lat` and `lon`, and drop these."""
    split = rows["lat"].notna()
    if split.any():
        split &= rows["lat"].ne("") & (rows[column].isna() | rows[column].eq(""))
        pairs = zip(rows.loc[split, "lat"], rows.loc[split, "lon"], strict=True)
        rows = rows.assign(**{column: rows[column].astype(object)})
        rows.loc[split, column] = [json.dumps({"lon": lon, "lat": lat}) for lat, lon in pairs]
    return rows.drop(columns=["lat", "lon"])


def read_places(values: pd.Series, quality: Quality, sensors: str) -> pd.DataFrame:
    """Read one place per sensor: the last of its `values` that is understood, as lon and lat (degrees), else NaN.

    The index of `values` names the sensors, several times or once; `sensors` is what a message calls them. A place
    that is written and not understood is warned of.
    """
    found = [_point_in(value) if isinstance(value, str) else parse_point(value) for value in values]
    points = pd.Series(found, index=values.index, dtype=object)
    read = points[points.notna()]
    read = read[~read.index.duplicated(keep="last")]
    places = pd.DataFrame(read.tolist(), read.index, ["lon", "lat"], dtype=float).reindex(values.index.unique())
    rest = values[points.isna()]
    unread = rest[[is_written(value) for value in rest]]
    if len(unread):
        named = unread[~unread.index.duplicated()]
        without = int(places["lon"].reindex(named.index).isna().sum())
        quality.warn(
            "lieux_illisibles",
            "attention",
            f"{len(named)} {sensors} ont un lieu écrit mais pas compris ; {without} restent sans lieu.",
            mesure=len(named),
            attendu=0,
            exemples=[f"{sensor} : {str(value)[:SHOWN]}" for sensor, value in named.items()],
        )
    return places


@lru_cache(maxsize=10_000)  # a sensor has one text in all rows of all days
def _point_in(text: str) -> Point | None:
    return parse_point(text)


def _decoded(value: Any) -> Any:
    """Decode the text that JSON or Python makes of an object (None where it is neither); any other value stays."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    with suppress(ValueError, RecursionError):
        return json.loads(value)
    with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
        return ast.literal_eval(value.strip()) if len(value) <= LONGEST_WRITTEN else None
    return None


def _geometry_of(value: Any) -> Any:
    """Take the geometry out of a Feature; any other value stays."""
    return value["geometry"] if isinstance(value, dict) and isinstance(value.get("geometry"), dict) else value


def _degrees(value: Any) -> float:
    """Read a number; a text that a French spreadsheet wrote has a decimal comma."""
    return float(value.replace(",", ".") if isinstance(value, str) else value)
