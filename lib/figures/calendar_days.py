"""What the calendar says of a day: weekday, public and school holidays, clock change. Context for every comparison."""

from datetime import date
from functools import lru_cache, partial
from typing import Any

import holidays
import vacances_scolaires_france
from vacances_scolaires_france import SchoolHolidayDates, UnsupportedYearException

from lib.common.paris_time import hours_in_day

WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)
SCHOOL_ZONE = "C"  # Paris, Créteil, Versailles, Montpellier, Toulouse


def day_context(day: date) -> dict[str, Any]:
    """Weekday, holidays and hours of a day. School holidays are None for a year whose calendar is not known."""
    return {
        "date_longue": long_date(day),
        "jour_semaine": WEEKDAYS[day.weekday()],
        "jour_ferie": holidays.country_holidays("FR", years=day.year, language="fr").get(day),
        "vacances_scolaires": school_holiday(day),
        "vacances_scolaires_connues": school_year_known(day),
        "zone_scolaire": SCHOOL_ZONE,
        "heures_du_jour": hours_in_day(day),
    }


def long_date(day: date) -> str:
    """mardi 4 novembre 2025; the first of a month is « 1er »."""
    number = "1er" if day.day == 1 else str(day.day)
    return f"{WEEKDAYS[day.weekday()]} {number} {MONTHS[day.month - 1]} {day.year}"


def school_holiday(day: date) -> str | None:
    """Name of the school holidays of zone C that the day is in; None outside them or where the year is not known."""
    if not school_year_known(day):
        return None
    found = _school_calendar().holidays_for_year_and_zone(day.year, SCHOOL_ZONE).get(day)
    return found["nom_vacances"] if found else None


def school_year_known(day: date) -> bool:
    """Whether the school calendar of that day is in the installed package, whose last year may end with its summer."""
    calendar = _school_calendar()
    try:
        holidays_told = calendar.holidays_for_year_and_zone(day.year, SCHOOL_ZONE)
    except UnsupportedYearException:
        return False
    return day.year < calendar.max_year or day <= max(holidays_told)


@lru_cache(maxsize=1)
def _school_calendar() -> SchoolHolidayDates:
    # The package opens its calendar, which is in UTF-8, as whatever the machine's language says.
    vars(vacances_scolaires_france)["open"] = partial(open, encoding="utf-8")
    return SchoolHolidayDates()
