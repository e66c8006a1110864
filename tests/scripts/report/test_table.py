"""Cells of the report's CSV: read back by a French spreadsheet, they are what they were, and none is a formula."""

import csv
import io
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lib.figures.quality import spreadsheet_cell
from scripts.report.french import street
from scripts.report.table import report_csv
from scripts.report.tidy import CSV_COLUMNS, csv_cell


def report(libelle: Any, valeur: Any) -> dict[str, Any]:
    """The smallest report: one ranked road, everything else missing."""
    return {
        "resume": {"phrase": "Mardi.", "statut": "partielle"},
        "contexte": {
            "jour_semaine": "mardi", "jour_ferie": None, "vacances_scolaires": None,
            "vacances_scolaires_connues": False, "zone_scolaire": "C", "heures_du_jour": 24,
        },
        "sources": {"bikes": {"statut": "manquant", "couverture": None, "rejets": None}},
        "hors_ordinaire": None,
        "evolutions": {},
        "chiffres_cles": {},
        "profils_horaires": {"trafic_routier": None},
        "tops": {
            "troncons": [
                {"rang": 1, "identifiant_arc": "7", "libelle": libelle, "debit_journalier_total": valeur,
                 "heure_pic": 8}
            ],
            "zones_congestionnees": None, "compteurs_velo": None, "lignes_impactees": None,
        },
        "alertes": {"congestion": None, "transports": None},
        "capteurs_defaillants": {"comptages": None, "bikes": None},
        "chantiers": None,
        "perturbations": None,
        "meteo": None,
    }  # fmt: skip


def read_back(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
def test_every_label_comes_back_and_none_is_a_formula(label: str) -> None:
    found = [row for row in read_back(report_csv(report(label, 1.0))) if row["section"] == "Tronçons les plus chargés"]
    shown = street(label)
    assert {row["libelle"] for row in found} == {spreadsheet_cell(shown)}
    if label[:1] in ("=", "@"):
        assert found[0]["libelle"] == f"'{shown}"  # a street loses the spaces at its end


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12).map(lambda x: round(x, 6)))
def test_every_figure_comes_back_with_a_decimal_comma(figure: float) -> None:
    (text,) = [
        row["valeur"] for row in read_back(report_csv(report("Rue", figure))) if row["indicateur"] == "débit du jour"
    ]
    assert "." not in text
    assert float(text.replace(",", ".")) == figure


def test_missing_is_an_empty_cell_or_one_row_that_says_so() -> None:
    rows = read_back(report_csv(report(None, None)))
    assert list(rows[0]) == list(CSV_COLUMNS)
    assert [row["valeur"] for row in rows if row["indicateur"] == "débit du jour"] == [""]
    assert [(row["indicateur"], row["valeur"]) for row in rows if row["section"] == "Sources"] == [
        ("statut", "manquant")
    ]
    assert {row["section"] for row in rows} == {"Résumé", "Contexte", "Sources", "Tronçons les plus chargés"}


def test_days_and_moments_are_those_of_a_french_spreadsheet() -> None:
    assert (csv_cell("2025-11-04"), csv_cell("2025-11-05T00:30")) == ("04/11/2025", "05/11/2025 00:30")


def test_equal_values_of_two_kinds_are_written_each_in_its_own_way() -> None:
    assert [csv_cell(one) for one in (1, True, 1.0, "1", 0.5, None)] == ["1", "True", "1", "1", "0,5", ""]
    assert csv_cell(["a"]) == "['a']", "in figures that were edited"


def test_hours_interruptions_works_and_rejects_are_in_it_in_words() -> None:
    shown = report("Rue", 1.0)
    shown["profils_horaires"]["velo"] = {
        "unite": "passages", "jour": [10.0, None, 30.0], "habituel": [9.0, 8.0, 7.0], "heure_double": 2,
    }  # fmt: skip
    shown["alertes"]["transports"] = [
        {"ligne": "Métro 4", "titre": "Panne", "debut": "2025-11-04T22:30", "fin": None, "duree_heures": 1.5}
    ]
    shown["chantiers"] = {
        "nombre_chantiers_actifs": 1, "surface_totale_m2": 2.5, "par_impact": {"BARRAGE_TOTAL": 1},
        "par_niveau": {"très perturbant": 1}, "par_arrondissement": [], "zones_critiques": [],
    }  # fmt: skip
    works = {"identifiant": "C1", "voies": "Rue Neuve", "arrondissement": 5, "impact": "BARRAGE_TOTAL", "niveau": 2}
    metrics = {
        "bikes": {"qualite": {"rejets": {"date_absente": 3}}},
        "chantiers": {"metrics": [works | {"date_debut": "2025-11-01", "date_fin": None}]},
    }
    found = [tuple(row.values()) for row in read_back(report_csv(shown, metrics))]
    for row in (
        ("Lignes rejetées", "", "bikes", "comptage vélo", "date absente", "3", "lignes"),
        ("Heure par heure", "0", "velo", "00 h", "ce jour", "10", "passages"),
        ("Heure par heure", "1", "velo", "01 h", "ce jour", "", "passages"),
        ("Heure par heure", "2", "velo", "02 h (les deux)", "habitude", "7", "passages"),
        ("Interruptions de ligne", "1", "Métro 4", "Panne", "début", "04/11/2025 22:30", ""),
        ("Interruptions de ligne", "1", "Métro 4", "Panne", "fin", "", ""),
        ("Chantiers", "", "", "barrage total", "chantiers par impact", "1", "chantiers"),
        ("Liste des chantiers", "", "C1", "Rue Neuve", "niveau", "très perturbant", ""),
        ("Liste des chantiers", "", "C1", "Rue Neuve", "début", "01/11/2025", ""),
    ):
        assert row in found, row
