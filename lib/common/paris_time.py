"""Civil time in Paris: days, hours, and the clocks of the raw sources.

Two clocks are met. Instants (bikes, disruptions, weather) are points in time and are converted to Europe/Paris.
Road-count labels are a naive Paris wall clock on which an offset was pasted: they name the END of the measured hour,
so the civil day D is the labels D 01:00 to D+1 00:00, 23 of them on the spring change day and 24 on the autumn one.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
HOUR = timedelta(hours=1)
YEARS = range(1970, 2101)  # beyond them a date is a slip of the keyboard, and the four weeks before may not exist
WEEKS_COMPARED = 4  # earlier same weekdays that a day is compared with
YEAR_BEFORE = timedelta(weeks=52)  # to the same weekday of the year before
RECENT_DAYS = 28  # days before a day that say which sensors to expect, and how much each of them counts

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:[.,][0-9]+)?)?\s*(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_FRENCH = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})[T ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")  # of Excel
_MILLISECONDS = re.compile(r"[0-9]{11,13}(?:\.0)?")  # since 1970, as pandas writes them
_PARIS_OFFSETS = ("+01:00", "+02:00", "+0100", "+0200")


def parse_day(text: str) -> date:
    """Read a strict YYYY-MM-DD day; ValueError (in French, for the user) otherwise."""
    if not _DAY.fullmatch(text):
        raise ValueError(f"date « {text} » invalide : écrire AAAA-MM-JJ, par exemple 2025-11-04")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"date « {text} » invalide : ce jour n'existe pas, écrire par exemple 2025-11-04") from None


def parse_asked_day(text: str) -> date:
    """Read the day that a person asks for, as parse_day, and refuse a year out of YEARS."""
    day = parse_day(text)
    if day.year not in YEARS:
        raise ValueError(f"date « {text} » invalide : l'année doit être entre {YEARS[0]} et {YEARS[-1]}")
    return day


def parse_asked_month(text: str) -> date:
    """Read the strict YYYY-MM month that a person asks for as its first day; ValueError (in French) otherwise."""
    try:
        return parse_asked_day(f"{text}-01")
    except ValueError:
        raise ValueError(f"mois « {text} » invalide : écrire AAAA-MM (de 1970 à 2100), par exemple 2025-10") from None


def month_days(month: date) -> list[date]:
    """List the days of a month, given by any of them."""
    first = month.replace(day=1)
    return list(days_between(first, month_after(first) - timedelta(days=1)))


def month_before(month: date) -> date:
    """Return the first day of the month before."""
    return (month.replace(day=1) - timedelta(days=1)).replace(day=1)


def month_after(month: date) -> date:
    """Return the first day of the month after."""
    return (month.replace(day=1) + timedelta(days=31)).replace(day=1)


def machine_now() -> datetime:
    """Read the machine's clock, for stamps and for what is compared with the times of files.

    No civil day comes from here: commands take theirs from Settings.now(), which a test may fix.
    """
    return datetime.now(UTC)  # noqa: TID251 - the one place that reads it


def civil_day(now: datetime) -> date:
    """Convert an instant to its civil day in Paris."""
    return now.astimezone(PARIS).date()


def yesterday(now: datetime) -> date:
    """Find the civil day before that of an instant, in Paris."""
    return civil_day(now) - timedelta(days=1)


def day_start(day: date) -> datetime:
    """Find the first instant of the civil day, in UTC."""
    return datetime.combine(day, time(), PARIS).astimezone(UTC)


def hours_in_day(day: date) -> int:
    """Count the real hours of the civil day: 24, or 23 and 25 on the clock-change days."""
    return (day_start(day + timedelta(days=1)) - day_start(day)) // HOUR


def clock_hours(day: date) -> list[int]:
    """List what the Paris clock shows at the start of each real hour of the day; the second 02:00 of autumn is 24."""
    if hours_in_day(day) == 24:
        return list(range(24))
    shown = [(day_start(day) + number * HOUR).astimezone(PARIS) for number in range(hours_in_day(day))]
    return [24 if moment.fold else moment.hour for moment in shown]


def wall_exists(wall: datetime) -> bool:
    """Tell whether a naive Paris wall time is ever shown by a clock (02:30 is skipped in spring)."""
    aware = wall.replace(tzinfo=PARIS)
    return aware.astimezone(UTC).astimezone(PARIS).replace(tzinfo=None) == wall


def _iso(text: str) -> str:
    """Write a time as ISO text; what is neither of Excel nor of pandas stays as it is."""
    stripped = text.strip()
    if "/" in stripped and (found := _FRENCH.fullmatch(stripped)):
        day, month, year, hour, minute, second = found.groups()
        return f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute}:{second or '00'}"
    if stripped[:11].isdigit() and _MILLISECONDS.fullmatch(stripped):
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=float(stripped))).isoformat("T", "seconds")
    return stripped


def parse_instant(text: str) -> datetime | None:
    """Read text as a UTC instant; without an offset it is Paris wall time. None when it is no readable time.

    ISO, the DD/MM/YYYY HH:MM of Excel, or the milliseconds since 1970 of pandas.
    """
    found = _ISO.fullmatch(_iso(text))
    if not found:
        return None
    day, minute, second, offset = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{minute}:{second or '00'}{offset or ''}")
        if moment.tzinfo is None:
            if not wall_exists(moment):
                return None
            moment = moment.replace(tzinfo=PARIS)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):  # 0001-01-01 and 9999-12-31 have no neighbour in UTC
        return None


def day_in_paris(text: str) -> date | None:
    """Read text as an instant, and return its day in Paris; None when it is no readable time or has no such day."""
    moment = parse_instant(text)
    with suppress(OverflowError):  # the last hour of 9999
        return moment.astimezone(PARIS).date() if moment else None
    return None


def parse_road_label(text: str) -> datetime | None:
    """Read a road-count label as the naive Paris wall time it names (the END of the hour).

    +01:00 and +02:00 are pasted on a Paris clock and carry nothing; any other offset is a real one and is converted.
    None when it is no readable time; the forms are those of parse_instant.
    """
    found = _ISO.fullmatch(_iso(text))
    if not found:
        return None
    day, minute, second, offset = found.groups()
    try:
        wall = datetime.fromisoformat(f"{day}T{minute}:{second or '00'}")
        if offset is None or offset in _PARIS_OFFSETS:
            return wall
        return datetime.fromisoformat(f"{wall.isoformat()}{offset}").astimezone(PARIS).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def road_label_hours(day: date) -> dict[datetime, int]:
    """List the road-count labels of a civil day with the hour (0..23) that each closes: 24, or 23 in spring."""
    midnight = datetime.combine(day, time())
    labels = {midnight + (hour + 1) * HOUR: hour for hour in range(24)}
    return {label: hour for label, hour in labels.items() if wall_exists(label)}


def same_weekdays_before(day: date, weeks: int) -> list[date]:
    """List the same weekday in each of the `weeks` weeks before, most recent first."""
    return [day - timedelta(weeks=week) for week in range(1, weeks + 1)]


def days_compared(day: date) -> list[date]:
    """List the same weekdays that a day stands beside: the four weeks before, then the year before."""
    return [*same_weekdays_before(day, WEEKS_COMPARED), day - YEAR_BEFORE]


def recent_days(day: date) -> list[date]:
    """List the RECENT_DAYS days before a day, most recent first."""
    return [day - timedelta(days=number) for number in range(1, RECENT_DAYS + 1)]


def days_between(first: date, last: date) -> Iterable[date]:
    """Iterate over the days from first to last, both included."""
    return (first + timedelta(days=offset) for offset in range((last - first).days + 1))
