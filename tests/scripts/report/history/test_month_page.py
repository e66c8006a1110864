"""The page and the table of a month: what is said of what is missing, what is linked, the same bytes."""

import csv
import re
from datetime import timedelta
from typing import Any

import pytest

from scripts.report.history.month_page import month_page
from scripts.report.history.month_table import month_csv
from scripts.report.rendering import POLICY
from scripts.report.ways import Way
from tests.scripts.report.history.test_month import SEPTEMBER, days, figures, month, roads, weekly


@pytest.fixture(scope="module", name="figures")
def of_october() -> dict[str, Any]:
    return figures()


def test_the_page_says_what_changed_what_is_missing_and_why(figures: dict[str, Any]) -> None:
    page = month_page(figures).decode()
    text = re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", page.partition("</style>")[2])).replace("\u00a0", " ")
    assert f'content="{POLICY}"' in page and "<script" not in page
    assert (
        "Trafic routier en nette hausse (+10\u202f%) par rapport à septembre 2025 ; "
        "métro, RER et tram fiables à 99\u202f%." in text
    )
    assert "31 jours : 0 complet, 30 partiels, 1 manquant." in text
    assert "à 10 tronçons constants sur 10" in text
    assert "Comptages routiers : 1 jour manquant (le 31) ; 1 jour vu à moins de 80\u202f% : le 8 (70\u202f%)." in text
    assert "Sans comparaison avec septembre 2025 : " in text and "aucun jour assez complet" in text
    assert (
        "mercredi 1 " not in text
        and "Mercredi 1er : Rue &lt;b&gt; (12e), −80\u202f% de 07\u202fh à 09\u202fh" in text.replace(" ,", ",")
    )
    assert "RER &lt;A&gt;" in text


def test_each_day_and_source_has_its_mark_and_only_pages_that_are_there_are_linked(figures: dict[str, Any]) -> None:
    page = month_page(
        figures, [Way("Tous les jours", "index.html")], {"2025-10-02": "daily_report_2025-10-02.html"}
    ).decode()
    (row,) = re.findall(r'<tr><th scope="row">Comptages routiers</th>(.*?)</tr>', page)
    assert re.findall(r'<span class="vu">(\w+)</span>', row) == ["complet"] * 7 + ["partiel"] + ["complet"] * 22 + [
        "manquant"
    ]
    links = set(re.findall(r'href="([^"#][^"]*)"', page)) - {"data:,"}
    assert links == {
        "index.html",
        "daily_report_2025-10-02.html",
        "monthly_report_2025-10.json",
        "monthly_report_2025-10.csv",
    }


def test_values_are_under_the_pointer_and_in_a_table(figures: dict[str, Any]) -> None:
    page = month_page(figures).decode()
    assert (
        "<title>mer. 1 oct. 2025\ntrafic 264\u202f000\nvélo n.\u202fd.\nperturbé 1\u202f%\npluie n.\u202fd.</title>"
        in page
    )
    assert page.count("<title>") == 1 + 31
    assert '<th scope="row">Mercredi 1er octobre 2025</th><td>partiel</td><td>264\u202f000</td>' in page


def test_a_day_too_thin_to_stand_beside_others_is_a_gap_in_the_bars_and_in_the_table(figures: dict[str, Any]) -> None:
    page = month_page(figures).decode()
    assert "<title>mer. 8 oct. 2025\ntrafic n.\u202fd." in page
    assert '<th scope="row">Mercredi 8 octobre 2025</th><td>partiel</td><td>n.\u202fd.</td>' in page


def test_days_are_ranked_by_a_level_that_is_shown(figures: dict[str, Any]) -> None:
    page = month_page(figures).decode()
    ranking = page.partition("Les plus calmes")[2].partition("</ul>")[0]
    levels = [float(one.replace(",", ".")) for one in re.findall(r"niveau (\d+)", ranking)]
    assert levels == sorted(levels) and len(levels) == 3
    row = re.search(r"<th scope=\"row\">Mercredi 1er octobre 2025</th>(.*?)</tr>", page)
    assert row and re.findall(r"<td>(\d+)</td>", row[1]), page


def test_same_figures_same_bytes_and_invented_ones_are_said(figures: dict[str, Any]) -> None:
    assert month_page(figures) == month_page(dict(figures))
    assert "inventés" not in month_page(figures).decode()
    assert "tous ces chiffres sont inventés" in month_page(figures | {"synthetique": True}).decode()


def test_a_month_that_has_begun_is_a_page_too() -> None:
    begun = {SEPTEMBER + timedelta(days=at): roads(SEPTEMBER + timedelta(days=at), weekly) for at in range(1)}
    page = month_page(month(SEPTEMBER, days(comptages=begun), days(), last=SEPTEMBER)).decode()
    assert "1\u00a0jour sur 30" in page and "Trop peu de jours assez complets pour un classement." in page


def test_the_table_is_tidy_and_its_days_are_french(figures: dict[str, Any]) -> None:
    header, *rows = csv.reader(month_csv(figures).decode("utf-8-sig").splitlines(), delimiter=";")
    assert header == ["section", "rang", "identifiant", "libelle", "indicateur", "valeur", "unite"]
    assert all(len(row) == 7 for row in rows)
    assert ["Chiffres du mois", "", "debit_routier", "Trafic routier", "évolution", "10", "%"] in rows
    assert ["Jours", "", "01/10/2025", "", "Trafic routier", "264000", "véhicules × arcs"] in rows
    assert ["Laissé de côté", "", "comptages", "08/10/2025", "jour trop partiel", "0,7", "0..1"] in rows
    assert ["Hors de l'ordinaire", "1", "01/10/2025", "Rue <b>", "écart à l'habitude", "-80", "%"] in rows
