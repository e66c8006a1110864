"""What stays of a document that is too large for a database: all but its largest parts, which are its long lists."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

NAMES_KEPT = 50  # of the parts that are left out
NAME_LENGTH = 100

# Bytes of JSON for a byte of room: a body beyond is cut before it is converted and measured. What DynamoDB counts is
# nine tenths of the JSON of our figures; a list of nothing but null or true, under a half, is cut too soon.
WORTH_MEASURING = 2

Stored = TypeVar("Stored")


def fitted(
    body: dict[str, Any],
    room: int,
    stored_of: Callable[[dict[str, Any], list[str]], Stored],
    size: Callable[[Stored], int],
) -> Stored:
    """Return stored_of(what stays of `body`, names of what was left out) whose `size` is at most `room`, in bytes."""
    kept, gone = body, list[str]()
    excess = json_size(kept) - WORTH_MEASURING * room
    while True:
        if excess > 0:
            kept, more = _without_largest(kept, excess)
            gone += more
        stored = stored_of(kept, _names(gone))
        excess = size(stored) - room
        if excess <= 0:
            return stored


def json_size(value: Any) -> int:
    """Count the bytes of a value's shortest JSON."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _without_largest(body: dict[str, Any], excess: int) -> tuple[dict[str, Any], list[str]]:
    """Leave out the largest parts, at least `excess` bytes of JSON (or all), and name them; `body` stays as it was.

    Of a section that is mostly one list only that list goes, named "section/list".
    """
    kept, gone = dict(body), []
    sizes = {key: json_size(value) for key, value in body.items()}
    for key in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if excess <= 0:
            break
        section = kept.pop(key)
        if isinstance(section, dict) and max(map(json_size, section.values()), default=0) > sizes[key] / 2:
            rest, inside = _without_largest(section, excess)
            gone += [f"{key}/{name}" for name in inside]
            if rest:
                kept[key] = rest
        else:
            gone.append(key)
        excess -= sizes[key] - (json_size(kept[key]) if key in kept else 0)
    return {key: kept[key] for key in body if key in kept}, gone


def _names(gone: list[str]) -> list[str]:
    """Shorten the list of names that is stored beside a summary: few and short, whatever the document."""
    names = [name[:NAME_LENGTH] for name in gone[:NAMES_KEPT]]
    return [*names, f"+ {len(gone) - NAMES_KEPT}"] if len(gone) > NAMES_KEPT else names
