"""When a disruption is in force: the periods of both raw forms as instants, and their part of a day."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd

from lib.common.paris_time import HOUR, PARIS, day_start, parse_instant, wall_exists

SERVICE_START, SERVICE_END = time(5, 30), time(1, 15)  # Paris clock: first and (next day) last trains of the metro
EPOCH, TICK = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)  # of the frames of spans
NO_END_YEAR = 9999  # how databases write « no end »

Period = tuple[datetime, datetime | None]  # begin and end (UTC); None is an open end
Window = tuple[datetime, datetime]

_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})?(Z|[+-]\d{2}:?\d{2})?")


def civil_day(day: date) -> Window:
    """Return the civil day in Paris: 23, 24 or 25 hours."""
    return day_start(day), day_start(day + timedelta(days=1))


def service(day: date) -> Window:
    """Return the first and last instant of the day's service: 05:30 to 01:15 on the next day, Paris clock."""
    return _instant(day, SERVICE_START), _instant(day + timedelta(days=1), SERVICE_END)


def night(day: date) -> Window:
    """Return the hours of the day that are of no service: 01:15, when that of the day before ends, to 05:30."""
    return _instant(day, SERVICE_END), _instant(day, SERVICE_START)


def reach(day: date) -> Window:
    """Return what the figures of a day look at: from its midnight to the end of its service."""
    return day_start(day), service(day)[1]


def periods(raw: dict[str, Any]) -> list[Any]:
    """List the application periods as they stand: {begin, end} texts."""
    found = raw.get("application_periods", raw.get("applicationPeriods"))
    return found if isinstance(found, list) else []


def read_period(period: Any) -> tuple[datetime | None, datetime | None, str]:
    """Return (begin, end or None when open, reason to reject)."""
    if not isinstance(period, dict):
        return None, None, "periode_illisible"
    begin, end = parse_time(period.get("begin")), parse_time(period.get("end"))
    if begin is None or (end is None and period.get("end") not in (None, "")):
        return None, None, "periode_illisible"
    if end is not None and end.year >= NO_END_YEAR:
        return begin, None, ""
    return begin, end, "periode_inversee" if end is not None and end < begin else ""


def clipped(valid: Iterable[Period], window: Window) -> list[Window]:
    """Cut periods to the window; a period without length counts where it stands, with no duration."""
    first, last = window
    ends = ((begin, last if end is None else end) for begin, end in valid)
    return [
        (max(begin, first), min(end, last))
        for begin, end in ends
        if begin < last and (end > first or begin == end == first)
    ]


def merged(spans: pd.DataFrame, by: str, window: Window) -> pd.DataFrame:
    """Unite each group's spans within the window: by, debut, fin, heures (real hours), none overlapping."""
    first, last = ((end - EPOCH) // TICK for end in window)
    begins = np.maximum(spans["debut"].astype("int64").to_numpy(), first) - first
    ends = np.minimum(spans["fin"].astype("int64").to_numpy(), last) - first
    groups = pd.factorize(spans[by], sort=True)[0]
    inside = np.flatnonzero(begins < ends)
    rows = inside[np.lexsort((ends[inside], begins[inside], groups[inside]))]
    # On one axis, a window for each group after that of the one before, a run begins beyond all that was reached.
    shift = groups[rows] * (2 * (last - first))
    begun, reached = begins[rows] + shift, np.maximum.accumulate(ends[rows] + shift)
    starts = np.flatnonzero(np.append(True, begun[1:] > reached[:-1])[: len(rows)])
    lasting = reached[np.append(starts[1:], len(rows))[: len(starts)] - 1] - begun[starts]
    united = rows[starts]
    begin, end = (first + begins[united] + more for more in (0, lasting))
    return pd.DataFrame(
        {
            by: spans[by].to_numpy()[united],
            "debut": pd.DatetimeIndex(begin.view("datetime64[us]"), tz=UTC),
            "fin": pd.DatetimeIndex(end.view("datetime64[us]"), tz=UTC),
            "heures": lasting / 1e6 / HOUR.total_seconds(),
        }
    )


def last_day(raw: dict[str, Any]) -> str:
    """Return the day on which the last period of a raw disruption ends, as the text YYYYMMDD; empty where none ends.

    It is read off the text, of which both forms write the Paris clock: a pull names thousands.
    """
    ends = (str(period.get("end") or "") for period in periods(raw) if isinstance(period, dict))
    return max((end.replace("-", "") for end in ends), default="")[:8]


def parse_time(text: Any) -> datetime | None:
    """Read compact local (20250828T182100) or ISO text as a UTC instant; None when it is no readable time.

    A time that the spring change skips (02:00 to 03:00) is the instant of the change: no clock of Paris showed it.
    """
    if not isinstance(text, str):
        return None
    compact = _COMPACT.fullmatch(text.strip())
    if compact:
        year, month, day, hour, minute, second, offset = compact.groups()
        text = f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}{offset or ''}"
    return parse_instant(text) or _change_skipping(text)


def _change_skipping(text: str) -> datetime | None:
    """Return the instant of the clock change that skips a Paris wall time; None for any other text."""
    try:
        wall = datetime.fromisoformat(text.strip())
        if wall.tzinfo is not None or wall_exists(wall):
            return None
    except (ValueError, OverflowError):  # no time at all, or 0001-01-01
        return None
    return wall.replace(minute=0, second=0, microsecond=0, tzinfo=PARIS).astimezone(UTC)


def _instant(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, PARIS).astimezone(UTC)
