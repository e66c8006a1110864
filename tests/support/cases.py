"""Which cases of a test are tried with the others, and which are for make torture alone: those marked `long`."""

from collections.abc import Collection, Iterable
from itertools import product
from typing import Any

import hypothesis
import pytest


def shortened(cases: Iterable[Any], short: Collection[Any]) -> list[Any]:
    """The cases as parameters, those that are not in `short` for make torture alone."""
    return [one if one in short else pytest.param(one, marks=pytest.mark.long) for one in cases]


def each_once(*axes: Iterable[Any]) -> list[Any]:
    """All combinations of the values; for make torture alone those that repeat what as few as possible show."""
    values = [list(axis) for axis in axes]
    short = {tuple(number % len(axis) for axis in values) for number in range(max(map(len, values)))}
    return [
        pytest.param(
            *(axis[number] for axis, number in zip(values, chosen, strict=True)),
            marks=() if chosen in short else pytest.mark.long,
        )
        for chosen in product(*(range(len(axis)) for axis in values))
    ]


def fewer_examples(**settings: Any) -> Any:
    """Try a third of the examples that others try: each of them runs a command or asks a server."""
    return hypothesis.settings(max_examples=hypothesis.settings().max_examples // 3, **settings)
