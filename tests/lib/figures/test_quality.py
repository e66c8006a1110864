"""The account of an input: it closes, says its cap, and its rejects open in a spreadsheet without running."""

import csv
import io
from collections.abc import Iterable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.figures.quality import REJECTS_KEPT, Quality, rejects_csv, spreadsheet_cell

DAY = date(2025, 11, 4)


def kept(quality: Quality) -> list[list[str]]:
    text = rejects_csv(quality).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))


@given(st.integers(0, 50), st.integers(0, 50), st.lists(st.sampled_from(["debit_negatif", "date_illisible"])))
def test_the_account_closes(rows: int, repeated: int, reasons: Iterable[str]) -> None:
    quality = Quality(lignes_retenues=rows, doublons=repeated)
    for reason in reasons:
        quality.reject(reason, "a.csv", 2, "x")
    summary = quality.summary(1.0)
    assert summary["lignes_lues"] == summary["lignes_retenues"] + summary["doublons"] + sum(summary["rejets"].values())
    assert list(summary["rejets"]) == sorted(summary["rejets"])
    assert len(kept(quality)) == 1 + sum(summary["rejets"].values())


@pytest.mark.parametrize(
    ("couverture", "statut", "shown"),
    [(0.0, "absent", 0.0), (0.0001, "partiel", 0.0001), (0.9499, "partiel", 0.9499), (0.95, "complet", 0.95),
     (1.2, "complet", 1.0)],
)  # fmt: skip
def test_the_state_comes_from_the_coverage(couverture: float, statut: str, shown: float) -> None:
    summary = Quality().summary(couverture)
    assert (summary["statut"], summary["couverture"]) == (statut, shown)


@pytest.mark.parametrize(
    ("known", "rejected", "statut", "shown"),
    [(1.0, 0, "complet", 1.0), (1.0, 4, "complet", 0.96), (1.0, 6, "partiel", 0.94), (1.0, 34, "partiel", 0.66),
     (0.9, 4, "partiel", 0.9), (0.5, 34, "partiel", 0.5), (1.0, 100, "absent", 0.0)],
)  # fmt: skip
def test_the_rows_that_were_lost_lower_the_coverage(known: float, rejected: int, statut: str, shown: float) -> None:
    quality = Quality(lignes_retenues=min(60, 100 - rejected), doublons=max(40 - rejected, 0))
    quality.reject("champs_manquants", "a.csv", 2, "x", rejected)
    summary = quality.summary(quality.covered(known, DAY))
    assert (summary["statut"], summary["couverture"]) == (statut, shown)


def test_the_cap_on_kept_rejects_is_said_and_the_count_goes_on() -> None:
    quality = Quality()
    for number in range(REJECTS_KEPT + 5):
        quality.reject("debit_negatif", "a.csv", number, "x" * 5000)
    summary = quality.summary(1.0)
    assert summary["rejets"] == {"debit_negatif": REJECTS_KEPT + 5}
    (warning,) = summary["avertissements"]
    assert (warning["code"], warning["mesure"], warning["attendu"]) == ("rejets_tronques", REJECTS_KEPT + 5, 1000)
    rows = kept(quality)
    assert len(rows) == 1 + REJECTS_KEPT
    assert {len(row[3]) for row in rows[1:]} == {2000}
    exactly = Quality()
    for number in range(REJECTS_KEPT):
        exactly.reject("debit_negatif", "a.csv", number, "x")
    assert exactly.summary(1.0)["avertissements"] == []


def test_files_that_were_read_on_their_own_are_named_in_the_order_in_which_they_were() -> None:
    quality = Quality()
    for name in ("b.json", "a.json", "b.json", "c.json"):
        account = Quality()
        account.reject_file(name, f"{name} est vide.")
        quality.absorb(account)
    assert list(quality.unusable) == ["b.json", "a.json", "c.json"]


def test_a_warning_is_said_once_with_a_few_samples() -> None:
    quality = Quality()
    quality.warn("code", "attention", "premier", exemples=range(9))
    quality.warn("code", "grave", "second")
    (warning,) = quality.summary(1.0)["avertissements"]
    assert (warning["message"], warning["exemples"]) == ("premier", [0, 1, 2, 3, 4])


@pytest.mark.parametrize(
    ("value", "cell"),
    [("=1+1", "'=1+1"), ("+33 1 23", "'+33 1 23"), ("-SOMME(A1)", "'-SOMME(A1)"), ("@cmd", "'@cmd"), ("\t=1", "'\t=1"),
     ("-37.0", "-37.0"), ("-1,5", "-1,5"), (-4, "-4"), (None, ""), ("5;6", "5;6"), ("é", "é")],
)  # fmt: skip
def test_no_cell_runs_in_a_spreadsheet(value: object, cell: str) -> None:
    assert spreadsheet_cell(value) == cell


def test_rejects_are_kept_whatever_their_text() -> None:
    quality = Quality()
    texts = ["a;b", 'deux " guillemets', "deux\nlignes", "=HYPERLINK()", "\ud800 isolé"]
    for text in texts:
        quality.reject("encodage_invalide", "a.csv", "octet 12", text)
    rows = kept(quality)
    assert rows[0] == ["fichier", "ligne", "raison", "contenu"]
    assert [row[3] for row in rows[1:]] == [*texts[:3], "'=HYPERLINK()", "? isolé"]
    assert {tuple(row[:3]) for row in rows[1:]} == {("a.csv", "octet 12", "encodage_invalide")}
