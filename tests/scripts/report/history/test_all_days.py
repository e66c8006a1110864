"""The calendar: the weeks of the period, each day in its place, what is linked and what is not."""

import re
from datetime import date, timedelta
from typing import Any

from scripts.report.history.all_days import HistoryDay, history_csv, history_page
from scripts.report.rendering import POLICY
from scripts.report.ways import Way

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
        ["", "", "", "", "", "1", "2"],
        ["3", "4", "5", "6", "7", "8", "9"],
        ["27", "28", "29", "30", "31", "", ""],
    ]
    assert "Octobre 2025" in page and "Novembre 2025" in page
    assert "2\u00a0jours, du jeudi 30 octobre 2025 au lundi 3 novembre 2025." in page
    assert "3\u00a0jours de cette période manquent." in page


def test_a_day_is_linked_to_its_page_only_where_there_is_one() -> None:
    without = day("2025-11-04")._replace(page=None)
    page = history_page([day("2025-11-03"), without]).decode()
    assert page.count('href="daily_report_2025-11-03.html"') == 2  # calendar and table
    assert "daily_report_2025-11-04" not in page


def test_what_is_not_known_is_said() -> None:
    never = HistoryDay(date(2025, 11, 4), None, None)
    page = history_page([day("2025-11-03", statut="partielle"), never, day("2025-11-05", None)]).decode()
    calendar = page.partition('<table class="calendrier')[2].partition("</table>")[0]
    cells = [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td>.*?</td>", calendar, re.DOTALL)]
    assert [cell.strip() for cell in cells if cell][:3] == ["3  partielle", "4  aucun rapport", "5"]
    assert page.partition("en tableau")[2].count("n.\u202fd.") == 10  # five figures of two days


def test_a_report_older_than_the_profiles_is_a_day_without_a_curve() -> None:
    old = day("2025-11-03")
    del old.report["profils_horaires"]  # type: ignore[index]
    page = history_page([old]).decode()
    assert 'class="mini"' in page
    assert '<path class="routes"' not in page


def test_the_legend_names_what_there_is() -> None:
    assert "sans rapport</li>" not in history_page([day("2025-11-03"), day("2025-11-04", statut="partielle")]).decode()
    assert "partielle</li>" not in history_page([day("2025-11-03")]).decode()
    never = HistoryDay(date(2025, 11, 4), None, None)
    assert "sans rapport</li>" in history_page([day("2025-11-03"), never]).decode()


def test_curves_share_one_scale() -> None:
    page = history_page([day("2025-11-03", 5.0), day("2025-11-04", 10.0)]).decode()
    heights = re.findall(r'<path class="routes" d="M0 (\d+)', page)
    assert heights == ["12", "1"]


def test_same_policy_same_bytes_and_the_banner() -> None:
    days = [day("2025-11-03", code="donnees_synthetiques")]
    assert history_page(days) == history_page(list(days))
    assert f'content="{POLICY}"' in history_page(days).decode()
    assert "tous ces chiffres sont inventés" in history_page(days).decode()
    assert "inventés" not in history_page([day("2025-11-03")]).decode()


def year() -> list[HistoryDay]:
    """Days with curves and figures as long as those of real ones."""
    days = []
    for number in range(400):
        one = date(2025, 1, 1) + timedelta(days=number)
        made = report(float(91 + number % 9))
        made["chiffres_cles"]["debit_routier"] = {"valeur": 1_234_567 + number}
        made["chiffres_cles"]["passages_velo"] = {"valeur": 54_321 + number}
        curve = [1e5 * (1 + ((hour * 7 + number) % 11)) for hour in range(24)]
        made["profils_horaires"] = {"trafic_routier": {"jour": curve}, "velo": {"jour": curve[::-1]}}
        days.append(HistoryDay(one, made, f"daily_report_{one}.html"))
    return days


def test_a_year_stays_a_small_page() -> None:
    assert len(history_page(year()[:365])) < 250_000


def test_the_newest_months_are_open_and_the_older_ones_folded_as_heat_cells() -> None:
    page = history_page(year(), {date(2025, 11, 1): Way("bilan du mois", "monthly_report_2025-11.html")}).decode()
    folded = re.findall(r"<details><summary>([^<]*)", page)
    assert folded[0] == "Novembre 2025" and folded[-1] == "Janvier 2025" and len(folded) == 11
    opened, _, closed = page.partition("<details>")
    months = ("Février 2026", "Janvier 2026", "Décembre 2025", "Novembre 2025")
    assert [opened.count(f"<caption>{month}") for month in months] == [1, 1, 1, 0]
    assert opened.count('<svg class="mini"') == 4 + 31 + 31 and 'class="mini"' not in closed
    assert page.count('href="monthly_report_2025-11.html"') == 1
    table = page.partition("Les mêmes jours en tableau")[2]
    assert table.index("daily_report_2026-02-04.html") < table.index("daily_report_2025-01-01.html")


def test_months_without_a_day_are_one_line() -> None:
    page = history_page([day("2024-07-01"), day("2024-09-30"), day("2025-11-04")]).decode()
    assert re.findall(r"<caption>([^<]*)", page) == ["Novembre 2025", "Septembre 2024", "Juillet 2024"]
    assert re.findall(r"<p>Aucun jour.: ([^<]*)", page) == ["octobre 2024 à octobre 2025.", "août 2024."]


def test_heat_is_in_five_classes_of_as_many_days_and_a_day_without_roads_is_in_none() -> None:
    days = [day(f"2025-11-{number:02d}", float(number)) for number in range(1, 11)]
    page = history_page([*days, day("2025-11-11", None)]).decode()
    assert re.findall(r'<a href="[^"]*" class="(h.) c">', page) == [f"h{at // 2}" for at in range(10)] + ["hx"]


def test_bars_are_from_zero_weekends_apart_and_reliability_is_what_is_lost() -> None:
    days = [day("2025-11-01", 95.0), day("2025-11-03", 90.0)]  # a Saturday, a Monday; the Sunday between has nothing
    page = history_page(days).decode()
    strips = re.findall(r'<g class="(\w+)" stroke-width="[\d.]+">(.*?)</g>', page)
    bars = {kind: re.findall(r'class="jours([^"]*)" d="M[\d.]+ \d+v-([\d.]+)"', drawn) for kind, drawn in strips}
    assert bars["routes"] == [("", "51.2"), (" fin-de-semaine", "54.0")]
    assert bars["fiabilite"] == [("", "54.0"), (" fin-de-semaine", "27.0")]
    assert len(re.findall(r"M480\.0 \d+v6", page)) == 4  # one day without a value, in each of four strips
    assert "lun. 3" in page
    titles = re.findall(r"<title>(\w+\. \d+ [^<]*)</title>", page)
    assert [one.split("\n")[0] for one in titles] == ["sam. 1 nov. 2025", "dim. 2 nov. 2025", "lun. 3 nov. 2025"]
    assert titles[0].split("\n")[3] == "perturbé 5\u202f%"


def test_a_spreadsheet_has_one_row_a_day() -> None:
    days = [day("2025-11-03", 1234.5), HistoryDay(date(2025, 11, 4), None, None)]
    days[0].report["chiffres_cles"]["temps_perdu"] = {"valeur": 3_000.0}  # type: ignore[index]
    header, *found = history_csv(days).decode("utf-8-sig").splitlines()
    lost = header.split(";").index("Temps perdu (modèle) (heures de véhicule)")
    assert [row.split(";")[lost] for row in found] == ["50", ""]
    assert header.startswith("date;jour;état;Trafic routier (véhicules × arcs);")
    assert [row.split(";")[:4] for row in found] == [
        ["03/11/2025", "lundi", "complet", "1234,5"],
        ["04/11/2025", "mardi", "manquant", ""],
    ]
