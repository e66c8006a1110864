"""What stays of a document that is too large for a database: all but its largest parts, which are its long lists."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

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
    kept, gone = dict(body), list[str]()
    left = sorted(_parts(kept, sizes), key=lambda part: part.size)
    excess = sum(sizes.values()) - WORTH_MEASURING * room
    while True:
        while excess > 0 and left:
            part = left.pop()
            del part.section[part.key]
            gone.append(part.name)
            excess -= part.size
        stored = stored_of(kept, _shortened(gone))
        excess = size(stored) - room
        if excess <= 0 or not left:
            return stored, room + excess


class _Part(NamedTuple):
    """What may be left out: a key of a section, and its bytes of JSON."""

    size: int
    name: str
    section: dict[str, Any]
    key: str


def _parts(kept: dict[str, Any], sizes: dict[str, int], above: str = "") -> Iterator[_Part]:
    """Yield what may be left out; of a section that is mostly one list, which is copied, each of its parts."""
    for key, size in sizes.items():
        value = kept[key]
        inner = {name: _json_size(one) for name, one in value.items()} if isinstance(value, dict) else {}
        if max(inner.values(), default=0) > size / 2:
            kept[key] = dict(value)
            yield from _parts(kept[key], inner, f"{above}{key}/")
        else:
            yield _Part(size, f"{above}{key}", kept, key)


def _json_size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _shortened(names: list[str]) -> list[str]:
    """Make the list of names that is stored beside a summary: few and short, whatever the document."""
    few = [name[:NAME_LENGTH] for name in names[:NAMES_KEPT]]
    return [*few, f"+ {len(names) - NAMES_KEPT}"] if len(names) > NAMES_KEPT else few
