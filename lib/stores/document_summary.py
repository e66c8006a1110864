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
    sizes: dict[str, int],
) -> tuple[Stored, int]:
    """Return stored_of(what stays of `body`, names of what was left out) whose `size` is at most `room`, and that size.

    `sizes` are the bytes of each part of the body as JSON.
    """
    kept, gone = body, list[str]()
    excess = sum(sizes.values()) - WORTH_MEASURING * room
    while True:
        if excess > 0:
            kept, more, sizes = _without_largest(kept, excess, sizes)
            gone += more
        stored = stored_of(kept, _names(gone))
        excess = size(stored) - room
        if excess <= 0:
            return stored, room + excess


def _without_largest(
    body: dict[str, Any], excess: int, sizes: dict[str, int]
) -> tuple[dict[str, Any], list[str], dict[str, int]]:
    """Leave out the largest parts, at least `excess` bytes of JSON (or all), and name them; `body` stays as it was.

    Returns what is kept, the names of what is not, and the sizes of what is kept. Of a section that is mostly one list
    only that list goes, named "section/list".
    """
    kept, gone, left = dict(body), [], dict(sizes)
    for key in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if excess <= 0:
            break
        excess -= left.pop(key)
        section = kept.pop(key)
        inner = {name: _json_size(value) for name, value in section.items()} if isinstance(section, dict) else {}
        if max(inner.values(), default=0) > sizes[key] / 2:
            rest, inside, inner = _without_largest(section, excess + sizes[key], inner)
            gone += [f"{key}/{name}" for name in inside]
            if rest:
                kept[key], left[key] = rest, sum(inner.values())
                excess += left[key]
        else:
            gone.append(key)
    return {key: kept[key] for key in body if key in kept}, gone, left


def _json_size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _names(gone: list[str]) -> list[str]:
    """Shorten the list of names that is stored beside a summary: few and short, whatever the document."""
    names = [name[:NAME_LENGTH] for name in gone[:NAMES_KEPT]]
    return [*names, f"+ {len(gone) - NAMES_KEPT}"] if len(gone) > NAMES_KEPT else names
