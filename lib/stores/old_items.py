"""The reader of what was stored before `json_gz`, by DynamoDB (whose items expire a year later) and by MongoDB.

The body was the map alone. What the database forgets of it was noted beside it, under paths of JSON Pointer from the
attribute of the body, where `*` stands for every element of a list: `float_paths` (numbers that are floats even without
decimals), `exact_numbers` (path -> JSON text) and `key_order` (a path, or the pattern of many -> keys of a map).
Nothing writes this form: an item is of the new one after its next upload, a MongoDB document when its day is run again.
"""

import json
from typing import Any

NOTES = ("float_paths", "exact_numbers", "key_order")


def restored(body: Any, root: str, notes: dict[str, Any]) -> Any:
    """Rebuild the body as it was saved, from its map and those of the notes that there are; ValueError for others."""
    try:
        return _restored(body, root, notes)
    except (AttributeError, TypeError) as error:
        raise ValueError(f"{', '.join(notes)} : {error}") from error


def _restored(body: Any, root: str, notes: dict[str, Any]) -> Any:
    floats, exact = set(notes.get("float_paths", [])), notes.get("exact_numbers", {})
    orders = notes.get("key_order", {})

    def walk(value: Any, pattern: str, path: str) -> Any:
        if isinstance(value, dict):
            order = orders.get(path) or orders.get(pattern) or []
            keys = dict.fromkeys([key for key in order if key in value] + list(value))
            return {key: walk(value[key], pattern + _step(key), path + _step(key)) for key in keys}
        if isinstance(value, list):
            return [walk(item, f"{pattern}/*", f"{path}/{rank}") for rank, item in enumerate(value)]
        if path in exact:
            return json.loads(exact[path])
        return float(value) if pattern in floats and type(value) is int else value

    return walk(body, root, root)


def _step(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1").replace("*", "~2")
