"""What is known of one source of raw data before any of its files is read. The table of them is scripts/registry.py."""

import re
from dataclasses import dataclass, field
from datetime import timedelta

from lib.figures.key_figures import HourlyProfile, KeyFigure, Sensors, Watched


@dataclass(frozen=True)
class Credit:
    """A data set as its licence asks to be named; `used` is the metrics' `source` that it goes with, if it varies."""

    title: str
    publisher: str
    url: str
    licence: str
    licence_url: str
    used: str = ""


@dataclass(frozen=True)
class Source:
    """One source. Its script is scripts/process_<name>.py and its room scripts/sources/<name>/."""

    name: str  # in options, file names and JSON
    french: str
    pulls: str = ""  # how make fetch names a pull of api/<name>/dt=…/; empty where there are only exports
    export: str = ""  # how the names of its exports in batch/ begin; empty where there are only pulls
    also_named: tuple[str, ...] = ()  # how they begin besides: the portal's own names, archives
    suffix: str = ".csv"  # of an export that make fetch writes
    whole: bool = False  # an export holds the whole data set as it stands, whatever the day
    override: str = ""  # the field of Settings that names one file in place of all
    reads: tuple["Source", ...] = ()  # whose raw files it reads besides its own
    computed: bool = True  # whether it has figures of its own
    sensors: Sensors | None = None  # where there are any, `compare` of its script makes figures beside the days before
    revised: bool = False  # whether its publisher revises a day until long after: it is fetched each time
    stamped: bool = False  # whether its records say in a form common to all which day they are about
    labels_end: bool = False  # whether a record's label is the END of its hour
    late_after: timedelta = timedelta(days=3)  # publishers are one to two days late
    credits: tuple[Credit, ...] = ()
    key_figures: tuple[KeyFigure, ...] = ()
    profiles: tuple[HourlyProfile, ...] = ()
    watched: tuple[Watched, ...] = ()
    shown: int = field(default=0, compare=False)  # its place on the page

    @property
    def compared(self) -> tuple[KeyFigure | Watched, ...]:
        """List the figures that stand beside their own past."""
        return (*self.key_figures, *self.watched)

    @property
    def read(self) -> tuple["Source", ...]:
        """List every source whose raw files its figures come from, itself first."""
        return (self, *self.reads)

    def names_export(self, name: str) -> bool:
        """Tell whether a file of batch/ is named as one of its exports, whatever its suffix.

        Names of the portal, of a browser, of people: case and _ aside, a year or a number may stand before.
        """
        stems = "|".join(map(re.escape, (self.export, *self.also_named)))
        pattern = rf"(?:[0-9]+[-.]+)*(?:{stems})(?![a-z])"
        return bool(self.export) and re.match(pattern, re.sub("[_ ]", "-", name.lower())) is not None
