"""What is wrong with the synthetic road counts, and exactly where: two tables that tests can read.

SENSOR_FAULTS set the values of an arc over some hours of one day; LINE_QUIRKS change the text of one line. Both name
the arc by its number n, the day by its distance from the last one (0 = 2025-11-04 by default) and the hour by its
label, which is the END of the measured hour (label 24 is the next day's 00:00).

The id of arc n is arc_identifier(n), whatever the seed; for 0 to 15: ARC_IDS. These arcs otherwise count every hour.

Planted elsewhere: rows absent for three hours (road_counts.OUTAGE_*), geometry variants (suffix_halves there).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ARC_IDS = (101, 2854, 5607, 1363, 4116, 6869, 2625, 5378, 1134, 3887, 6640, 2396, 5149, 905, 3658, 6411)
STEADY_ARCS = len(ARC_IDS)  # arcs 0..15 have no blank hour of their own: what is wrong with them is in these tables
K_STEPS = 1800  # the portal's rates are whole 1/1800 of a percent
BLANK = -1


class SensorFault(NamedTuple):
    kind: str
    arc: int
    days_before_end: int
    first_label: int
    last_label: int
    flow: int  # vehicles per hour, BLANK for none
    rate: float  # % of time, BLANK for none


SENSOR_FAULTS = (
    SensorFault("silent", 4, 0, 7, 16, BLANK, BLANK),
    SensorFault("silent", 5, 0, 1, 24, BLANK, BLANK),
    SensorFault("silent", 5, 1, 1, 24, BLANK, BLANK),
    SensorFault("silent", 4, 9, 1, 6, BLANK, BLANK),
    SensorFault("silent too short to tell", 0, 0, 1, 5, BLANK, BLANK),
    SensorFault("stuck", 6, 0, 3, 20, 412, 12.5),
    SensorFault("stuck", 7, 7, 1, 24, 88, 3.25),
    SensorFault("stuck too short to tell", 7, 0, 9, 19, 230, 8.75),
    SensorFault("congested", 8, 0, 8, 10, 310, 84.5),
    SensorFault("congested", 9, 0, 18, 20, 275, 91.25),
    SensorFault("congested", 10, 1, 18, 19, 340, 80.0),
    SensorFault("congested too short to tell", 11, 0, 18, 18, 290, 92.0),
)


class LineQuirk(NamedTuple):
    kind: str
    arc: int
    days_before_end: int
    label: int
    where: str  # "in place" of the sound line, or "besides" it
    edit: Callable[[bytes], bytes]


def with_field(position: int, text: bytes) -> Callable[[bytes], bytes]:
    """Set one of the fields before the geometry (none of them holds a semicolon)."""

    def edit(line: bytes) -> bytes:
        fields = line.split(b";")
        fields[position] = text
        return b";".join(fields)

    return edit


def unchanged(line: bytes) -> bytes:
    return line


def with_a_field_too_many(line: bytes) -> bytes:
    """Leave an unquoted semicolon in the name: read by position, every value after it would be another's."""
    identifier, rest = line.split(b";", 1)
    return identifier + b";Passage;" + rest


def with_a_stray_quote(line: bytes) -> bytes:
    identifier, rest = line.split(b";", 1)
    return identifier + b';"' + rest


def without_closing_quote(line: bytes) -> bytes:
    return line.removesuffix(b'"\r\n') + b"\r\n"


def with_invalid_utf8(line: bytes) -> bytes:
    identifier, rest = line.split(b";", 1)
    return identifier + b";\xe9" + rest


ID, LABEL, FLOW, RATE, STATE = 0, 2, 3, 4, 5
LINE_QUIRKS = (
    LineQuirk("exact duplicate", 0, 0, 10, "besides", unchanged),
    LineQuirk("exact duplicate", 1, 0, 15, "besides", unchanged),
    LineQuirk("exact duplicate", 0, 3, 11, "besides", unchanged),
    LineQuirk("conflicting duplicate", 1, 0, 9, "besides", with_field(FLOW, b"123.0")),
    LineQuirk("conflicting duplicate", 2, 2, 17, "besides", with_field(FLOW, b"77.0")),
    LineQuirk("phantom arc *", 2, 0, 12, "besides", with_field(ID, b"*")),
    LineQuirk("phantom arc *", 2, 8, 12, "besides", with_field(ID, b"*")),
    LineQuirk("field too many", 2, 0, 8, "in place", with_a_field_too_many),
    LineQuirk("field too many", 3, 4, 9, "in place", with_a_field_too_many),
    LineQuirk("stray quote", 3, 0, 11, "in place", with_a_stray_quote),
    LineQuirk("missing closing quote", 3, 0, 13, "in place", without_closing_quote),
    LineQuirk("missing closing quote", 3, 6, 13, "in place", without_closing_quote),
    LineQuirk("negative count", 12, 0, 14, "in place", with_field(FLOW, b"-37.0")),
    LineQuirk("rate above 100", 12, 0, 16, "in place", with_field(RATE, b"104.2")),
    LineQuirk("NaN count", 12, 0, 18, "in place", with_field(FLOW, b"NaN")),
    LineQuirk("unreadable date", 12, 0, 20, "in place", with_field(LABEL, b"2025-13-04T25:00:00+01:00")),
    LineQuirk("invalid UTF-8", 13, 0, 7, "in place", with_invalid_utf8),
)


def apply_sensor_faults(
    flow: NDArray[np.int64], rate: NDArray[np.int64], first_arc: int, days: int, blank_flow: int, blank_rate: int
) -> None:
    """Write the faults that concern these arcs into table positions shaped (arcs, days, 24), in place."""
    for fault in SENSOR_FAULTS:
        arc, day = fault.arc - first_arc, days - 1 - fault.days_before_end
        if not 0 <= arc < len(flow) or day < 0:
            continue
        hours = slice(fault.first_label - 1, fault.last_label)
        flow[arc, day, hours] = blank_flow if fault.flow == BLANK else fault.flow
        rate[arc, day, hours] = blank_rate if fault.rate == BLANK else round(fault.rate * K_STEPS)


def quirks_of(arcs: range, days: int) -> list[LineQuirk]:
    """List the line quirks of these arcs that fall within the days of the world."""
    return [quirk for quirk in LINE_QUIRKS if quirk.arc in arcs and quirk.days_before_end < days]
