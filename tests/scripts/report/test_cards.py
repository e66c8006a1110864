"""Key figures as cards: units, gaps in percent or in the figure's own unit, and no gap without history."""

import re
from typing import Any

import pytest

from scripts.report.cards import CARDS, cards


def shown(key: str, value: float | None, usual: float | None = None, recent: tuple[float | None, ...] = ()) -> Any:
    figures: dict[str, Any] = {
        name: {"valeur": None, "comparaison": "donnée manquante"} for name in (card.key for card in CARDS)
    }
    figures[key] = {
        "unite": "vélos",
        "valeur": value,
        "mediane_4_semaines": usual,
        "evolution_mediane_pct": 100 * (value - usual) / usual if value is not None and usual else None,
        "comparaison": "sans historique" if usual is None else "1 semaine",
        "jours_compares": 0 if usual is None else 1,
        "jours_recents": [*[None] * (28 - len(recent)), *recent, value],
    }
    return next(one for one in cards(figures) if one["cle"] == key)


@pytest.mark.parametrize(
    ("key", "value", "text", "unit"),
    [
        ("debit_routier", 16_684_769.0, "16,7", "millions de véhicules × arcs"),
        ("debit_routier", 1_900_000.0, "1,9", "million de véhicules × arcs"),
        ("debit_routier", 870_500.0, "870\u202f500", "véhicules × arcs"),
        ("passages_velo", 55_256.0, "55\u202f256", "passages aux compteurs"),
        ("temps_perdu", 337_290.87, "5\u202f622", "heures de véhicule"),
        ("temps_perdu", 89.0, "1", "heure de véhicule"),
        ("chantiers_actifs", 1, "1", "actif"),
        ("temperature_moyenne", -2.0, "\u22122\u202f°C", "en moyenne"),
        ("precipitations", 0.0, "0\u202fmm", "dans la journée"),
        ("precipitations", None, "n.\u202fd.", "donnée manquante"),
    ],
)
def test_a_figure_has_its_unit(key: str, value: float | None, text: str, unit: str) -> None:
    card = shown(key, value)
    assert (card["valeur"], card["unite"], card["ecart"]) == (text, unit, None)


def test_counts_are_compared_with_the_usual_day_in_percent() -> None:
    assert shown("passages_velo", 50.0, 100.0)["ecart"] == {"signe": "▼", "texte": "\u221250\u202f%", "marge": ""}
    assert shown("passages_velo", 50.0, 40.0)["ecart"] == {"signe": "▲", "texte": "+25\u202f%", "marge": ""}


def test_degrees_and_shares_are_compared_by_their_difference() -> None:
    assert shown("temperature_moyenne", 12.0, 10.0)["ecart"]["texte"] == "+2\u202f°C"
    assert shown("fiabilite_transports", 90.5, 98.7)["ecart"]["texte"] == "\u22128,2\u202fpt"
    assert shown("chantiers_actifs", 42.0, 40.5)["ecart"]["texte"] == "+1,5"


def test_without_a_gap_the_card_says_why() -> None:
    assert shown("passages_velo", 5.0)["pourquoi"] == "sans historique"
    assert shown("passages_velo", None)["pourquoi"] == ""  # the unit says that it is missing


def test_no_change_is_neither_up_nor_down() -> None:
    assert shown("precipitations", 0.0, 0.0)["ecart"] == {"signe": "=", "texte": "0\u202fmm", "marge": ""}


def test_a_reference_of_zero_has_a_difference_but_no_percentage() -> None:
    assert shown("precipitations", 5.0, 0.0)["ecart"]["texte"] == "+5\u202fmm"
    card = shown("passages_velo", 5.0, 0.0)
    assert (card["ecart"], card["pourquoi"]) == (None, "")


def test_the_last_days_are_a_line_with_a_gap_for_a_day_that_is_not_known_and_their_range_in_words() -> None:
    recent = shown("debit_routier", 1_500_000.0, recent=(1_000_000.0, 2_100_000.0, None, 1_200_000.0))
    assert recent["etendue"] == "28 jours : de 1 à 2,1\u202fmillions"
    line, compared, today = re.findall(r' d="([^"]*)"', recent["dessin"])
    assert line.count("M") == 2 and line.count("L") == 2
    assert compared == "" and today.startswith("M280 ")
    assert shown("precipitations", 1.0, recent=(0.0, 9.8))["etendue"] == "28 jours : de 0 à 9,8\u202fmm"


def test_two_known_days_make_no_line() -> None:
    assert shown("passages_velo", 5.0, recent=(4.0,))["dessin"] == ""


def test_a_key_figure_of_the_registry_without_a_card_is_shown_under_its_name() -> None:
    card = shown("velos_disponibles", 1_234.0, 1_000.0)
    assert [card[name] for name in ("label", "valeur", "unite")] == ["Velos disponibles", "1\u202f234", "vélos"]
    assert card["ecart"]["signe"] == "▲"


def test_a_change_of_sensors_has_its_margin_and_a_rate_its_points() -> None:
    figures = {card.key: {"valeur": None} for card in CARDS}
    base = {"capteurs": 160, "sur": 170, "marge": 1.25}
    change = {"valeur": 8.0, "source": "comptages", "unite": "%", "mediane_base": base, "jours_compares": 4}
    change |= {"evolution_mediane_pct": None, "evolution_mediane_points": 1.64, "jours_recents": []}
    (card,) = [one for one in cards(figures | {"taux_occupation_routier": change}) if one["valeur"] == "8\u202f%"]
    assert card["ecart"] == {"signe": "▲", "texte": "+1,6\u202fpt", "marge": "± 1,2\u202fpt"}
    assert card["capteurs"] == "à 160\u00a0tronçons constants sur 170"
