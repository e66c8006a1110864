"""What the report shows of a source beside its past: figures of the day, and values of its 24 hours."""

from dataclasses import dataclass, field
from functools import reduce
from typing import Any

Metrics = dict[str, Any]


def at(metrics: Metrics, where: str) -> Any:
    """Find the value at a place in the metrics of a source, such as « global_metrics.profil_horaire »."""
    return reduce(lambda found, key: found[key], where.split("."), metrics)


@dataclass(frozen=True)
class Sensors:
    """Where the rows of metrics[] hold what a source's sensors measured, and how people call one of them."""

    identifier: str
    label: str  # the key of its name
    noun: str
    hours: str  # the key of the values of each hour, null where not measured
    total: str  # the key of their sum
    highest: str  # the key of the highest of them
    valid: str = "heures_valides"
    set_aside: str = "ecarte"  # the key of the rule that sets the sensor aside, null for a sound one
    dead_at_zero: bool = False  # whether one at zero all day is out of order; a closed street is not


@dataclass(frozen=True)
class KeyFigure:
    """A figure of the day: its name in the report, its place in the metrics, its unit, its rank among all of them.

    With `hours` and `whole_day`, the keys under which each sensor holds its hours and its day, it is compared with
    earlier days on the same sensors and hours. A change of `points` is a difference of means, in the figure's own unit.
    """

    name: str
    where: str
    unit: str
    rank: int
    hours: str = ""
    whole_day: str = ""
    points: bool = False


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
    """A figure (its place in the metrics) compared with its own past as a KeyFigure is: beyond `low` or `high` (% from
    the usual day) a person should look."""

    where: str
    low: float
    high: float
    hours: str = ""
    whole_day: str = ""
    points: bool = False
    label: str = field(kw_only=True)  # in words
