"""Key figures as cards: units, gaps in percent or in the figure's own unit, and no gap without history."""

from typing import Any

import pytest

from scripts.report.cards import CARDS, cards


def shown(key: str, value: float | None, week: float | None = None, median: float | None = None) -> dict[str, Any]:
    empty = {
        "valeur": None, "semaine_precedente": None, "evolution_semaine_precedente_pct": None,
        "mediane_4_semaines": None, "evolution_mediane_pct": None, "comparaison": "donnée manquante",
    }  # fmt: skip
    figures: dict[str, Any] = {card.key: dict(empty) for card in CARDS}

    def percent(past: float | None) -> float | None:
        return 100 * (value - past) / past if value is not None and past else None

    figures[key] = {
        "unite": "vélos",
        "valeur": value,
        "semaine_precedente": week,
        "evolution_semaine_precedente_pct": percent(week),
        "mediane_4_semaines": median,
        "evolution_mediane_pct": percent(median),
        "comparaison": "1 semaine" if week is not None or median is not None else "sans historique",
        "jours_compares": 0 if week is None and median is None else 1,
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
        ("temperature_moyenne", -2.0, "\u22122\u202f°C", "en moyenne"),
        ("precipitations", 0.0, "0\u202fmm", "dans la journée"),
        ("precipitations", None, "n.\u202fd.", "donnée manquante"),
    ],
)
def test_a_figure_has_its_unit(key: str, value: float | None, text: str, unit: str) -> None:
    card = shown(key, value)
    assert (card["valeur"], card["unite"], card["ecarts"]) == (text, unit, [])


def test_counts_are_compared_in_percent() -> None:
    gaps = shown("passages_velo", 50.0, 100.0, 40.0)["ecarts"]
    assert [(gap["signe"], gap["texte"], gap["reference"]) for gap in gaps] == [
        ("▼", "\u221250\u202f%", "7 j avant"),
        ("▲", "+25\u202f%", "habitude"),
    ]


def test_degrees_and_shares_are_compared_by_their_difference() -> None:
    assert shown("temperature_moyenne", 12.0, 10.0)["ecarts"][0]["texte"] == "+2\u202f°C"
    assert shown("fiabilite_transports", 90.5, 98.7)["ecarts"][0]["texte"] == "\u22128,2\u202fpt"
    assert shown("chantiers_actifs", 42.0, None, 40.5)["ecarts"][0]["texte"] == "+1,5"


def test_without_a_gap_the_card_says_why() -> None:
    assert shown("passages_velo", 5.0)["pourquoi"] == "sans historique"
    assert shown("passages_velo", None)["pourquoi"] == ""  # the unit says that it is missing


def test_no_change_is_neither_up_nor_down() -> None:
    (gap,) = shown("precipitations", 0.0, None, 0.0)["ecarts"]
    assert (gap["signe"], gap["texte"]) == ("=", "0\u202fmm")


def test_a_reference_of_zero_has_a_difference_but_no_percentage() -> None:
    assert shown("precipitations", 5.0, 0.0)["ecarts"][0]["texte"] == "+5\u202fmm"
    card = shown("passages_velo", 5.0, 0.0)
    assert (card["ecarts"], card["pourquoi"]) == ([], "")


def test_a_key_figure_of_the_registry_without_a_card_is_shown_under_its_name() -> None:
    card = shown("velos_disponibles", 1_234.0, week=1_000.0)
    assert [card[name] for name in ("label", "valeur", "unite")] == ["Velos disponibles", "1\u202f234", "vélos"]
    assert card["ecarts"][0]["signe"] == "▲"
