"""Instants at which the day, its length or what is known of it is not as usual: what commands then take for yesterday.

A test fixes the clock of a command with CITYFLOW_NOW (see Settings.now): what it finds is the same on any day.
"""

from datetime import date, datetime
from typing import NamedTuple

import pytest

from lib.common.paris_time import parse_day


class Clock(NamedTuple):
    """An instant, and the civil day before it in Paris, worked out by hand."""

    now: str
    before: str

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.now)

    @property
    def yesterday(self) -> date:
        return parse_day(self.before)


CLOCKS = {
    "leap day": Clock("2028-02-29T12:00:00+01:00", "2028-02-28"),
    "day after a leap day": Clock("2028-03-01T06:30:00+01:00", "2028-02-29"),
    "day of 23 hours": Clock("2026-03-29T03:00:00+02:00", "2026-03-28"),
    "day after 23 hours": Clock("2026-03-30T06:30:00+02:00", "2026-03-29"),
    "day of 25 hours": Clock("2026-10-25T02:30:00+01:00", "2026-10-24"),
    "day after 25 hours": Clock("2026-10-26T06:30:00+01:00", "2026-10-25"),
    "before midnight in Paris": Clock("2026-11-28T22:59:59+00:00", "2026-11-27"),
    "midnight in Paris": Clock("2026-11-28T23:00:00+00:00", "2026-11-28"),
    "before midnight in UTC": Clock("2026-11-28T23:59:59+00:00", "2026-11-28"),
    "midnight in UTC": Clock("2026-11-29T00:00:00+00:00", "2026-11-28"),
    "before midnight in Paris in summer": Clock("2026-07-14T21:59:59+00:00", "2026-07-13"),
    "midnight in Paris in summer": Clock("2026-07-14T22:00:00+00:00", "2026-07-14"),
    "new year": Clock("2026-12-31T23:00:00+00:00", "2026-12-31"),
    "year of unknown school holidays": Clock("2031-02-17T06:30:00+01:00", "2031-02-16"),
}


def clocks(*names: str) -> pytest.MarkDecorator:
    """Run a test, which takes a `clock`, at each of these instants; at all of them when none is named."""
    chosen = names or tuple(CLOCKS)
    return pytest.mark.parametrize(
        "clock", [CLOCKS[name] for name in chosen], ids=[n.replace(" ", "_") for n in chosen]
    )
