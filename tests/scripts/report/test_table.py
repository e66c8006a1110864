"""Cells of the report's CSV: read back by a French spreadsheet, they are what they were, and none is a formula."""

import csv
import io
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lib.figures.quality import spreadsheet_cell
from scripts.report.table import CSV_COLUMNS, report_csv


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
    found = [row for row in read_back(report_csv(report(label, 1.0))) if row["section"] == "troncons"]
    assert {row["libelle"] for row in found} == {spreadsheet_cell(label)}
    assert spreadsheet_cell(label) in (label, f"'{label}")
    if label[:1] in ("=", "@"):
        assert found[0]["libelle"] == f"'{label}"


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12).map(lambda x: round(x, 6)))
def test_every_figure_comes_back_with_a_decimal_comma(figure: float) -> None:
    (text,) = [
        row["valeur"]
        for row in read_back(report_csv(report("Rue", figure)))
        if row["indicateur"] == "debit_journalier_total"
    ]
    assert "." not in text
    assert float(text.replace(",", ".")) == figure


def test_missing_is_an_empty_cell_or_one_row_that_says_so() -> None:
    rows = read_back(report_csv(report(None, None)))
    assert list(rows[0]) == list(CSV_COLUMNS)
    assert [row["valeur"] for row in rows if row["indicateur"] == "debit_journalier_total"] == [""]
    assert [(row["indicateur"], row["valeur"]) for row in rows if row["section"] == "sources"] == [
        ("statut", "manquant")
    ]
    assert {row["section"] for row in rows} == {"resume", "contexte", "sources", "troncons"}
