"""Weekday, holidays and hours, against dates that anyone can check in a diary."""

from datetime import date, timedelta

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vacances_scolaires_france import SchoolHolidayDates

from lib.figures.calendar_days import day_context, long_date, public_holiday, school_holiday


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2025-11-04", "mardi 4 novembre 2025"),
        ("2026-01-01", "jeudi 1er janvier 2026"),
        ("2024-02-29", "jeudi 29 février 2024"),
        ("2025-08-31", "dimanche 31 août 2025"),
    ],
)
def test_dates_in_words(day: str, words: str) -> None:
    assert long_date(date.fromisoformat(day)) == words


@pytest.mark.parametrize(
    ("day", "holiday"),
    [
        ("2025-04-21", "Lundi de Pâques"),
        ("2025-05-08", "Fête de la Victoire"),
        ("2025-05-29", "Ascension"),
        ("2025-07-14", "Fête nationale"),
        ("2025-11-11", "Armistice"),
        ("2025-12-26", None),  # a holiday in Alsace alone
        ("2025-04-18", None),
    ],
)
def test_public_holidays(day: str, holiday: str | None) -> None:
    assert day_context(date.fromisoformat(day))["jour_ferie"] == holiday


def test_public_holidays_are_those_of_a_package_that_knows_all_countries() -> None:
    for year in range(2008, 2100):  # Whit Monday was worked for three years before
        known = dict(holidays.country_holidays("FR", years=year, language="fr"))
        days = [date(year, 1, 1) + timedelta(days=after) for after in range(366)]
        assert {day: name for day in days if day.year == year and (name := public_holiday(day))} == known


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("2025-02-17", "Vacances d'hiver"),  # zone C; the winter holidays of zone A begin on the 22nd
        ("2025-03-05", None),  # those of zones A and B go on
        ("2025-07-20", "Vacances d'été"),
        ("2025-10-31", "Vacances de la Toussaint"),
        ("2025-11-04", None),
    ],
)
def test_school_holidays_are_those_of_zone_c(day: str, name: str | None) -> None:
    context = day_context(date.fromisoformat(day))
    assert (context["vacances_scolaires"], context["vacances_scolaires_connues"]) == (name, True)


def test_after_the_last_holidays_that_are_published_school_holidays_are_unknown_not_over() -> None:
    """The last year of the calendar ends with a summer: its autumn is published a year later."""
    calendar = SchoolHolidayDates()
    last = max(calendar.holidays_for_year_and_zone(calendar.max_year, "C"))
    assert day_context(last)["vacances_scolaires_connues"]
    assert not day_context(last + timedelta(days=60))["vacances_scolaires_connues"]


def test_the_school_calendar_is_what_the_package_reads_of_its_file() -> None:
    calendar = SchoolHolidayDates()
    for year in (calendar.min_year, 2025, calendar.max_year):
        expected = {day: row["nom_vacances"] for day, row in calendar.holidays_for_year_and_zone(year, "C").items()}
        days = [date(year, 1, 1) + timedelta(days=one) for one in range(365)]
        assert {day: name for day in days if (name := school_holiday(day))} == expected


@pytest.mark.parametrize(("day", "hours"), [("2025-03-30", 23), ("2025-10-26", 25), ("2025-11-04", 24)])
def test_hours_of_the_day(day: str, hours: int) -> None:
    assert day_context(date.fromisoformat(day))["heures_du_jour"] == hours


@given(st.dates(date(1970, 1, 1), date(2100, 12, 31)))
def test_every_day_has_a_context_and_an_unknown_school_year_says_so(day: date) -> None:
    context = day_context(day)
    assert context["date_longue"].startswith(context["jour_semaine"])
    assert context["vacances_scolaires"] is None or context["vacances_scolaires_connues"]
    if not 1990 <= day.year <= 2035:
        assert context["vacances_scolaires_connues"] is False
