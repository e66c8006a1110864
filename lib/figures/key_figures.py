"""What the report shows of a source beside its past: figures of the day, and values of its 24 hours."""

from dataclasses import dataclass
from functools import reduce
from typing import Any

Metrics = dict[str, Any]


def at(metrics: Metrics, where: str) -> Any:
    """Find the value at a place in the metrics of a source, such as « global_metrics.profil_horaire »."""
    return reduce(lambda found, key: found[key], where.split("."), metrics)


@dataclass(frozen=True)
class KeyFigure:
    """A figure of the day: its name in the report, its place in the metrics, its unit, its rank among all of them."""

    name: str
    where: str
    unit: str
    rank: int


@dataclass(frozen=True)
class HourlyProfile:
    """24 hours of a day: where they stand in the metrics, and how the report names and draws them."""

    name: str
    where: str
    value: str  # the key of an hour's value
    sensors: str  # the key of the number of sensors that measured it
    unit: str
    kind: str  # the class of its colour
    title: str


@dataclass(frozen=True)
class Watched:
    """A figure (its place in the metrics) compared with its own past: beyond `low` or `high` (% from the median) a
    person should look."""

    where: str
    low: float
    high: float

    @property
    def name(self) -> str:
        return self.where.rsplit(".", 1)[-1]
