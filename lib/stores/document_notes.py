"""What a database forgets of a JSON document, noted beside it so that what is loaded is what was saved.

A database may not tell 1.0 from 1, may hold a number only nearly, or give the keys of a map back in another order. The
notes are few: one path speaks for a whole column. Paths are those of JSON Pointer, from the attribute that holds the
body ("metrics/global_metrics/debit"); in a pattern, `*` stands for every element of a list.
"""

import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

Place = tuple[str, str]  # the same place as a pattern and as a path


class Notes(NamedTuple):
    """Nothing to note is an empty list or dict."""

    float_paths: list[str]  # patterns where every number is a float, even one without decimals
    exact_numbers: dict[str, str]  # path -> JSON text of the number
    key_order: dict[str, list[str]]  # pattern, or path of an exception to it -> keys of a map, unless they are sorted


def notes_of(body: Any, root: str, is_held: Callable[[float], bool]) -> Notes:
    """All notes; `is_held` says whether the database gives back a number's very value, its sign included."""
    numbers, maps = _numbers_and_maps(body, root)
    integers = {pattern for (pattern, _), number in numbers if isinstance(number, int)}
    whole = [(place, number) for place, number in numbers if isinstance(number, float) and number.is_integer()]
    exact = {path: json.dumps(number) for (pattern, path), number in whole if pattern in integers}
    return Notes(
        float_paths=list(dict.fromkeys(pattern for (pattern, _), _ in whole if pattern not in integers)),
        exact_numbers=exact | _nearly_held(numbers, is_held),
        key_order=_key_order(maps),
    )


def exact_numbers(body: Any, root: str, is_held: Callable[[float], bool]) -> dict[str, str]:
    """Only the numbers that the database holds nearly: path -> JSON text."""
    return _nearly_held(_numbers_and_maps(body, root)[0], is_held)


def restored(body: Any, root: str, notes: Notes) -> Any:
    """The body as it was when the notes were taken, from what the database gave back.

    A map without a noted order keeps its own: a database that has none must give its keys sorted.
    """
    floats = frozenset(notes.float_paths)

    def walk(value: Any, pattern: str, path: str) -> Any:
        if isinstance(value, dict):
            order = notes.key_order.get(path) or notes.key_order.get(pattern) or []
            steps = ((key, _step(key)) for key in _in_order(value, order))
            return {key: walk(value[key], pattern + step, path + step) for key, step in steps}
        if isinstance(value, list):
            return [walk(item, f"{pattern}/*", f"{path}/{rank}") for rank, item in enumerate(value)]
        if path in notes.exact_numbers:
            return json.loads(notes.exact_numbers[path])
        return float(value) if pattern in floats and type(value) is int else value

    return walk(body, root, root)


def _numbers_and_maps(body: Any, root: str) -> tuple[list[tuple[Place, float]], list[tuple[Place, list[str]]]]:
    numbers: list[tuple[Place, float]] = []
    maps: list[tuple[Place, list[str]]] = []

    def walk(value: Any, pattern: str, path: str) -> None:
        if isinstance(value, dict):
            maps.append(((pattern, path), list(value)))
            for key, item in value.items():
                step = _step(key)
                walk(item, pattern + step, path + step)
        elif isinstance(value, list):
            for rank, item in enumerate(value):
                walk(item, f"{pattern}/*", f"{path}/{rank}")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers.append(((pattern, path), value))

    walk(body, root, root)
    return numbers, maps


def _nearly_held(numbers: list[tuple[Place, float]], is_held: Callable[[float], bool]) -> dict[str, str]:
    return {path: json.dumps(number) for (_, path), number in numbers if not is_held(number)}


def _key_order(maps: list[tuple[Place, list[str]]]) -> dict[str, list[str]]:
    """The order of the first map of each pattern, and those of the maps that it would put in another order."""
    unsorted = {pattern for (pattern, _), keys in maps if keys != sorted(keys)}
    orders: dict[str, list[str]] = {}
    for (pattern, path), keys in maps:
        if pattern in unsorted and _in_order(sorted(keys), orders.setdefault(pattern, keys)) != keys:
            orders[path] = keys
    return orders


def _in_order(keys: Iterable[str], order: list[str]) -> list[str]:
    """The keys in the order noted; any others after them, as they come."""
    present, noted = dict.fromkeys(keys), set(order)
    return [key for key in order if key in present] + [key for key in present if key not in noted]


@lru_cache(maxsize=4096)
def _step(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1").replace("*", "~2")
