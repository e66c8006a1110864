"""Figures as they are stored: plain Python values, missing is None, and a stated precision.

Every float of a metrics or report file is rounded to 6 decimals at the most (0.1 m for a coordinate); scripts round
their own figures to what they mean.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.common.exact_json import Plain, PlainMap
from lib.common.text import storable

PRECISION = 6

AS_STORED = frozenset({int, bool, type(None), Plain, PlainMap})  # kinds of values that plain() leaves as they are


def plain(value: Any) -> Any:
    """Turn pandas and numpy values into JSON ones: NaN, NaT and infinities become None, floats are rounded.

    Half of a surrogate pair, which JSON can carry (« \\ud83d ») and UTF-8 cannot, becomes « ? ».
    """
    if isinstance(value, str):
        return value if value.isascii() else storable(value)
    if isinstance(value, Plain | PlainMap):
        return value
    if isinstance(value, dict):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return round(value, PRECISION) if math.isfinite(value) else None
    return None if value is pd.NaT or value is pd.NA else value


def rounded(value: float | None, decimals: int = 2) -> float | None:
    """Round as a column of a frame does (a half to the even digit); None for a missing or infinite value."""
    return None if value is None or not math.isfinite(value) else float(np.round(value, decimals))


def whole(values: pd.Series) -> pd.Series:
    """Turn counts into integers where all of them are; missing ones stay missing."""
    known = values.dropna()
    return values.astype("Int64") if (known == known.round()).all() else values


def count(value: float | None) -> float | None:
    """Write a count without decimals where it has none; None for a missing or infinite value."""
    found = rounded(value)
    return int(found) if found is not None and found.is_integer() else found


def hour_lists(values: npt.NDArray[np.float64], decimals: int | None = None) -> list[Plain]:
    """Turn each row of an array of hours into a list, None where nothing was measured.

    Counts (no `decimals`) are integers where all of the array are.
    """
    if decimals is not None:
        values = values.round(decimals)
    counts = decimals is None and np.array_equal(values, values.round(), equal_nan=True)
    return list(map(Plain, _plain_floats(values, np.int64 if counts else np.float64)))


def as_stored(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Round an array of floats as plain() does each of them."""
    found = values.copy()
    long = np.isfinite(values) & (values != values.round(PRECISION))  # of the others round() leaves every digit
    found[long] = [round(value, PRECISION) for value in values[long].tolist()]
    return found


def _plain_floats(values: npt.NDArray[np.float64], form: type = np.float64) -> list[Any]:
    """List what plain() makes of each of an array of floats, nested as the array is; whole ones in another form."""
    cells = np.full(values.shape, None, dtype=object)
    with np.errstate(invalid="ignore"):  # of what is missing
        np.copyto(cells, as_stored(values).astype(form), where=np.isfinite(values))
    found: list[Any] = cells.tolist()
    return found


def share(part: float, whole: float) -> float | None:
    """Compute 100 x part / whole; None when there is no whole."""
    return rounded(100 * part / whole) if whole else None


def records(frame: pd.DataFrame) -> Plain:
    """Convert each row to a plain dict, keys in the frame's column order; Int64 columns stay integers."""
    names = [plain(str(name)) for name in frame.columns]
    columns = [cells_of(frame.iloc[:, place]) for place in range(len(names))]
    return Plain(dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))


def cells_of(column: pd.Series) -> list[Any]:
    """List the plain values of a column, None for a missing one."""
    if column.dtype == np.float64:
        return _plain_floats(column.to_numpy())
    values = column.to_numpy(dtype=object, copy=True)
    values[column.isna()] = None
    cells: list[Any] = values.tolist()
    kinds = set(map(type, cells))
    if kinds <= {str, type(None)}:
        with suppress(UnicodeEncodeError):  # as plain() would leave them
            "".join(filter(None, cells)).encode()
            return cells
    return cells if kinds <= AS_STORED else list(map(plain, cells))


def ranked(frame: pd.DataFrame, most: int = 10) -> list[dict[str, Any]]:
    """Convert the first rows to dicts that begin with their rank."""
    return [{"rang": rank, **row} for rank, row in enumerate(records(frame[:most]), start=1)]


def points(places: pd.DataFrame) -> Sequence[PlainMap | None]:
    """Write the lon and lat (degrees) of each row as an object; None where there are none."""
    return _points(*(places[name].to_numpy(dtype=float).tobytes() for name in ("lon", "lat")))


@lru_cache(maxsize=4)  # of a range: the days of a source have the same ones
def _points(*degrees: bytes) -> tuple[PlainMap | None, ...]:
    pairs = zip(*(_plain_floats(np.frombuffer(values)) for values in degrees), strict=True)
    return tuple(None if lon is None else PlainMap(lon=lon, lat=lat) for lon, lat in pairs)
