"""The calendar: the weeks of the period, each day in its place, what is linked and what is not."""

import re
from datetime import date, timedelta
from typing import Any

from scripts.report.history_page import HistoryDay, history_page
from scripts.report.page import POLICY

FIGURES = ("debit_routier", "passages_velo", "fiabilite_transports", "precipitations", "temperature_moyenne")


def report(level: float | None, statut: str = "complète", code: str = "") -> dict[str, Any]:
    hours = [level] * 24 if level is not None else [None] * 24
    return {
        "resume": {"statut": statut},
        "sources": {"bikes": {"avertissements": [{"code": code}]}},
        "chiffres_cles": {key: {"valeur": level} for key in FIGURES},
        "profils_horaires": {"trafic_routier": {"jour": hours}, "velo": None},
    }


def day(text: str, level: float | None = 10.0, **more: Any) -> HistoryDay:
    one = date.fromisoformat(text)
    return HistoryDay(one, report(level, **more), f"daily_report_{text}.html")


def rows(page: str) -> list[list[str]]:
    """The day numbers of the calendar's rows, cell by cell."""
    tables = re.findall(r'<table class="calendrier.*?</table>', page, re.DOTALL)
    found = re.findall(r"<tr>(.*?)</tr>", "".join(tables), re.DOTALL)
    cells = [re.findall(r"<td>(.*?)</td>", row, re.DOTALL) for row in found]
    return [[re.sub(r"\D.*", "", re.sub(r"<[^>]+>", "", cell).strip()) for cell in row] for row in cells]


def test_days_stand_under_their_weekday_and_months_apart() -> None:
    page = history_page([day("2025-10-30"), day("2025-11-03")]).decode()
    assert [row for row in rows(page) if row] == [
        ["27", "28", "29", "30", "31", "", ""],
        ["", "", "", "", "", "1", "2"],
        ["3", "4", "5", "6", "7", "8", "9"],
    ]
    assert "Octobre 2025" in page and "Novembre 2025" in page
    assert "2\u00a0jours, du jeudi 30 octobre 2025 au lundi 3 novembre 2025." in page
    assert "3\u00a0jours de cette période manquent." in page


def test_a_day_is_linked_to_its_page_only_where_there_is_one() -> None:
    without = day("2025-11-04")._replace(page=None)
    page = history_page([day("2025-11-03"), without]).decode()
    assert page.count('href="daily_report_2025-11-03.html"') == 2  # calendar and table
    assert "daily_report_2025-11-04" not in page
    assert "<time" in page and 'datetime="2025-11-04"' in page


def test_what_is_not_known_is_said() -> None:
    never = HistoryDay(date(2025, 11, 4), None, None)
    page = history_page([day("2025-11-03", statut="partielle"), never, day("2025-11-05", None)]).decode()
    assert "lundi 3 novembre 2025 : journée partielle, trafic routier 10, 10\u00a0passages" in page.replace(
        "\u00a0:", " :"
    )
    assert "mardi 4 novembre 2025 : aucun rapport" in page.replace("\u00a0:", " :")
    assert page.count("n.\u202fd.") == 10 + 1  # five figures of two days in the table, one said in the calendar


def test_a_report_older_than_the_profiles_is_a_day_without_a_curve() -> None:
    old = day("2025-11-03")
    del old.report["profils_horaires"]  # type: ignore[index]
    page = history_page([old]).decode()
    assert 'class="mini"' in page
    assert '<path class="trait routes" d="M2' not in page


def test_curves_share_one_scale() -> None:
    page = history_page([day("2025-11-03", 5.0), day("2025-11-04", 10.0)]).decode()
    heights = re.findall(r'<path class="trait routes" d="M2\.0 ([\d.]+)', page)
    assert heights == ["16.0", "2.0"]


def test_same_policy_same_bytes_and_the_banner() -> None:
    days = [day("2025-11-03", code="donnees_synthetiques")]
    assert history_page(days) == history_page(list(days))
    assert f'content="{POLICY}"' in history_page(days).decode()
    assert "tous ces chiffres sont inventés" in history_page(days).decode()
    assert "inventés" not in history_page([day("2025-11-03")]).decode()


def test_a_year_stays_a_small_page() -> None:
    first = date(2025, 1, 1)
    days = [
        HistoryDay(one, report(float(number)), f"daily_report_{one}.html")
        for number in range(365)
        for one in [first + timedelta(days=number)]
    ]
    assert len(history_page(days)) < 600_000
