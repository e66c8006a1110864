"""Numbers, hours and names as a French reader writes them."""

from datetime import date

import pytest

from scripts.report import french as french


@pytest.mark.parametrize(
    ("value", "decimals", "sign", "fixed", "text"),
    [
        (1234.5, 1, False, False, "1\u202f234,5"),
        (16_684_769.0, 0, False, False, "16\u202f684\u202f769"),
        (100.0, 1, False, False, "100"),
        (100.0, 0, False, False, "100"),
        (4.0, 1, False, True, "4,0"),
        (-31.34, 1, True, False, "\u221231,3"),
        (5.8, 1, True, False, "+5,8"),
        (-0.04, 1, True, False, "0"),
        (0.0, 1, True, False, "0"),
        (None, 1, False, False, "n.\u202fd."),
    ],
)
def test_numbers(value: float | None, decimals: int, sign: bool, fixed: bool, text: str) -> None:
    assert french.number(value, decimals, sign, fixed) == text


def test_units_never_leave_their_number() -> None:
    assert french.quantity(12.0, "°C") == "12\u202f°C"
    assert french.percent(-5.25, sign=True) == "\u22125,2\u202f%"
    assert french.quantity(None, "mm") == french.MISSING


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "100\u202f%"), (0.99996, "99,9\u202f%"), (0.5833, "58,3\u202f%"), (None, "n.\u202fd.")]
)
def test_what_is_not_whole_is_never_100_percent(value: float | None, text: str) -> None:
    assert french.share_percent(value) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0\u00a0alerte"), (1, "1\u00a0alerte"), (2, "2\u00a0alertes")])
def test_french_is_singular_below_two(value: int, text: str) -> None:
    assert french.counted(value, "alerte") == text


def test_hours_and_durations() -> None:
    assert french.hour(8) == "08\u202fh"
    assert [french.hours(*run) for run in ((10, 16), (0, 24))] == ["de 10\u202fh à 16\u202fh", "toute la journée"]
    assert french.clock("2025-11-04T08:30") == "08\u202fh\u202f30"
    assert french.span("2025-11-04T22:30", "2025-11-05T00:00") == "22\u202fh\u202f30 – 24\u202fh"
    assert french.span("2025-11-04T00:00", "2025-11-04T04:45") == "00\u202fh – 04\u202fh\u202f45"
    assert french.duration(8.85) == "8\u202fh\u202f51"
    assert french.duration(0.75) == "45\u202fmin"
    assert french.duration(5) == "5\u202fh"
    assert french.duration(23.999) == "24\u202fh"


def test_names() -> None:
    for label in ("Bd_Joli_Val", "bd. Joli  Val.", "boulevard Joli Val ", "BD Joli_Val"):
        assert french.street(label) == "Boulevard Joli Val"
    assert french.street("Av_Pte_d_Ivry") == "Avenue Pte d’Ivry"
    assert french.street("12 bis av. de France") == "12 bis avenue de France"
    assert french.street("Av") == "Av" and french.street("Rivoli") == "Rivoli" and french.street("_") == "sans nom"
    assert french.street("PE_Sablons") == "Périph. extérieur, Sablons"
    assert french.street(None) == "sans nom"
    assert [french.arrondissement(value) for value in (1, 2, None)] == ["1er", "2e", "hors Paris ou inconnu"]
    assert [french.zone(name) for name in ("02", "périphérique")] == ["2e arrondissement", "périphérique"]
    assert french.joined(["a", "b", "c"]) == "a, b et c"
    assert french.joined(["a"]) == "a"
    assert french.joined([]) == ""
    assert french.short_date("2025-11-01") == "1er\u00a0novembre 2025"


def test_tall_marks_stay_on_their_line() -> None:
    assert french.typeset("Attention : « non » ; 3 %") == "Attention\u00a0: «\u00a0non\u00a0»\u00a0; 3\u00a0%"
    assert french.printable(3) == 3


def test_a_name_is_short_printable_and_breaks_where_it_is_endless() -> None:
    assert french.name("x" * 24) == "x" * 24
    assert french.name("Anticonstitutionnellement") == "Anticonsti\u200btutionnell\u200bement"
    assert french.name("Boulevard de l'Hôpital (pair)") == "Boulevard de l'Hôpital (pair)"
    assert french.name("a\x1b[31m\u202eb") == "a[31mb"
    assert french.name("x" * 5000).replace(french.BREAK, "") == "x" * 119 + "…"
    assert french.name("") == french.name(None) == "sans nom"


def test_a_list_of_days_names_each_month_once_and_another_year() -> None:
    days = [date(2024, 12, 31), date(2025, 1, 1), date(2025, 10, 28), date(2025, 11, 4), date(2025, 11, 11)]
    assert french.day_list(days[2:], 2025) == "28\u00a0octobre, 4 et 11\u00a0novembre"
    assert french.day_list(days[:2], 2025) == "31\u00a0décembre 2024 et 1er\u00a0janvier"
    assert french.day_list(days[3:4], 2025) == "4\u00a0novembre"
    short = [date(2024, 10, 31), date(2024, 11, 7)]  # a day that the next month does not have
    assert french.day_list(short, 2024) == "31\u00a0octobre et 7\u00a0novembre"


def test_apostrophes_between_letters_are_curved_in_words_and_in_attributes() -> None:
    page = """<a title="Pl de l&#39;Alma" href='x'>d'Issy, L'Écluse</a> 5'30 'cité'"""
    assert french.typeset(page) == """<a title="Pl de l’Alma" href='x'>d’Issy, L’Écluse</a> 5'30 'cité'"""
