"""What the calendar says of a day: weekday, public and school holidays, clock change. Context for every comparison."""

import csv
from datetime import date, timedelta
from functools import lru_cache
from importlib import resources
from typing import Any

from dateutil.easter import easter

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
# Code du travail, article L3133-1: by month and day, and by days after Easter.
FIXED_HOLIDAYS = {
    (1, 1): "Jour de l'an",
    (5, 1): "Fête du Travail",
    (5, 8): "Fête de la Victoire",
    (7, 14): "Fête nationale",
    (8, 15): "Assomption",
    (11, 1): "Toussaint",
    (11, 11): "Armistice",
    (12, 25): "Noël",
}
EASTER_HOLIDAYS = {1: "Lundi de Pâques", 39: "Ascension", 50: "Lundi de Pentecôte"}
SCHOOL_ZONE = "C"  # Paris, Créteil, Versailles, Montpellier, Toulouse
ZONE_COLUMN = f"vacances_zone_{SCHOOL_ZONE.lower()}"


def day_context(day: date) -> dict[str, Any]:
    """Describe a day: weekday, holidays, hours. School holidays are None for a year whose calendar is not known."""
    return {
        "date_longue": long_date(day),
        "jour_semaine": WEEKDAYS[day.weekday()],
        "jour_ferie": public_holiday(day),
        "vacances_scolaires": school_holiday(day),
        "vacances_scolaires_connues": school_year_known(day),
        "zone_scolaire": SCHOOL_ZONE,
        "heures_du_jour": hours_in_day(day),
    }


def public_holiday(day: date) -> str | None:
    """Name the public holiday of a day; None for an ordinary one."""
    return _public_holidays(day.year).get(day)


def particularity(day: date) -> str | None:
    """Name what makes a day unlike others of its weekday: a public holiday, else school holidays; None without."""
    if public := public_holiday(day):
        return f"jour férié ({public})"
    return school_holiday(day)


def long_date(day: date) -> str:
    """Write a day as « mardi 4 novembre 2025 »."""
    return f"{WEEKDAYS[day.weekday()]} {day_number(day)} {MONTHS[day.month - 1]} {day.year}"


def day_number(day: date) -> str:
    """Write the day of the month as « 4 », the first as « 1er »."""
    return "1er" if day.day == 1 else str(day.day)


def school_holiday(day: date) -> str | None:
    """Name the school holidays of zone C that the day is in; None outside them or where the year is not known."""
    return _school_calendar().get(day) if school_year_known(day) else None


def school_year_known(day: date) -> bool:
    """Tell whether the installed package covers that day: its last year may end with its summer."""
    first, last = _school_years()
    return first.year <= day.year and day <= last


@lru_cache(maxsize=100)
def _public_holidays(year: int) -> dict[date, str]:
    movable = {easter(year) + timedelta(days=after): name for after, name in EASTER_HOLIDAYS.items()}
    fixed = {date(year, month, day): name for (month, day), name in FIXED_HOLIDAYS.items()}
    both = {day: f"{movable[day]}; {fixed[day]}" for day in movable.keys() & fixed.keys()}  # in 2008: 1 May
    return movable | fixed | both


@lru_cache(maxsize=1)
def _school_years() -> tuple[date, date]:
    """Find the first and the last day of school holidays that the installed package knows."""
    days = _school_calendar()
    return min(days), max(days)


@lru_cache(maxsize=1)
def _school_calendar() -> dict[date, str]:
    """Read the name of the school holidays of each day of zone C that has some.

    The package's own reader opens its UTF-8 file in the encoding of the machine's language, so that it fails where that
    is another one.
    """
    data = resources.files("vacances_scolaires_france") / "data" / "data.csv"
    header, *rows = csv.reader(data.read_text("utf-8").splitlines())
    day, zone, name = map(header.index, ("date", ZONE_COLUMN, "nom_vacances"))
    return {date.fromisoformat(row[day]): row[name] for row in rows if row[zone] == "True"}
