"""Columns of many rows that repeat few values: each different value is kept, and looked at, once."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from orjson import dumps

LONGEST_OBJECT = 1_000  # characters of its JSON; that of a point has 40

_OBJECTS = frozenset({dict, list})
_EQUAL_ONCE = frozenset({str, int, type(None)})  # of other kinds equal is not the same: 1, 1.0 and True


@dataclass(frozen=True)
class Column:
    """The cells of some rows: the values that they hold, and the place of each row's among these."""

    values: list[Any]
    places: npt.NDArray[Any]

    @classmethod
    def of(cls, cells: Sequence[Any]) -> "Column":
        """Keep equal texts, whole numbers and objects (as JSON) once; a column of any other kind keeps its cells."""
        kinds = set(map(type, cells))
        if not _OBJECTS.isdisjoint(kinds):
            cells, kinds = _as_texts(cells, kinds), kinds - _OBJECTS
        if not kinds <= _EQUAL_ONCE:
            return cls(list(cells), np.arange(len(cells)))
        places = {value: place for place, value in enumerate(dict.fromkeys(cells))}
        # Pulls repeat the texts of each other: interned, these are one object.
        values = [sys.intern(value) if type(value) is str else value for value in places]
        if len(values) == 1:
            return cls(values, np.zeros(len(cells), dtype=np.uint8))
        return cls(values, np.fromiter(map(places.__getitem__, cells), np.min_scalar_type(len(values)), len(cells)))

    @classmethod
    def joined(cls, parts: Iterable["Column"]) -> "Column":
        """Put columns one below the other; what two of them hold stands there twice (see each)."""
        values, places = list[Any](), [np.empty(0, dtype=np.int64)]
        for part in parts:
            places.append(part.places + np.int64(len(values)))
            values += part.values
        return cls(values, np.concatenate(places))

    def each(self, read: Callable[[Any], Any]) -> "Column":
        """Read each value once; what gives the same is one value."""
        found = Column.of([read(value) for value in self.values])
        return Column(found.values, found.places.astype(np.int64)[self.places])

    def rows(self, chosen: slice | npt.NDArray[Any]) -> "Column":
        return Column(self.values, self.places[chosen])

    def cells(self) -> npt.NDArray[np.object_]:
        return np.array(self.values, dtype=object)[self.places]

    def that(self, holds: Callable[[Any], bool]) -> npt.NDArray[np.bool_]:
        """Tell of each row whether its value does."""
        return np.array([holds(value) for value in self.values], dtype=bool)[self.places]


def _as_texts(cells: Sequence[Any], kinds: set[type]) -> list[Any]:
    """Write the objects and lists among the cells as JSON, each of those that are equal once."""
    try:
        # Of a NaN orjson makes null, which None is.
        keys: list[bytes | str] = list(map(repr if float in kinds else dumps, cells))
    except TypeError:  # half of a surrogate pair, a number beyond 64 bits
        keys = list(map(repr, cells))
    different = dict(zip(keys, cells, strict=True)).items()
    texts = {key: json.dumps(one)[:LONGEST_OBJECT] if isinstance(one, dict | list) else one for key, one in different}
    return [texts[key] for key in keys]
