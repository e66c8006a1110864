"""What stays of a document that is too large for a database: all but its largest parts, which are its long lists."""

from collections.abc import Callable
from typing import Any

NAMES_KEPT = 50  # of the parts that went
NAME_LENGTH = 100


def without_largest(body: dict[str, Any], excess: int, size: Callable[[Any], int]) -> tuple[dict[str, Any], list[str]]:
    """`body` without its largest parts, at least `excess` of `size` less (or empty), and the names of what went.

    Of a section that is mostly one list only that list goes, named "section/list". `body` itself is left as it was.
    """
    kept, gone = dict(body), []
    sizes = {key: size(value) for key, value in body.items()}
    for key in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if excess <= 0:
            break
        section = kept.pop(key)
        if isinstance(section, dict) and max(map(size, section.values()), default=0) > sizes[key] / 2:
            rest, inside = without_largest(section, excess, size)
            gone += [f"{key}/{name}" for name in inside]
            if rest:
                kept[key] = rest
        else:
            gone.append(key)
        excess -= sizes[key] - (size(kept[key]) if key in kept else 0)
    return {key: kept[key] for key in body if key in kept}, gone


def names_of(gone: list[str]) -> list[str]:
    """The names as they are stored beside a summary: few and short, whatever the document."""
    names = [name[:NAME_LENGTH] for name in gone[:NAMES_KEPT]]
    return [*names, f"+ {len(gone) - NAMES_KEPT}"] if len(gone) > NAMES_KEPT else names
