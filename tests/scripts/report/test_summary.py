"""The sentence of the day, with and without history, and what is said to be missing."""

from typing import Any

import pytest

from scripts.report.summary import sentence, summary

CONTEXT = {"date_longue": "mardi 4 novembre 2025", "jour_semaine": "mardi"}


def figure(value: float | None, change: float | None = None, days: int = 0, unit: str = "passages") -> dict[str, Any]:
    why = "sans historique" if change is None else f"{days} semaines"
    figures = {"valeur": value, "evolution_mediane_pct": change, "jours_compares": days, "unite": unit}
    return figures | {"comparaison": why, "semaine_precedente": 1.0 if days else None}


def figures(roads: dict[str, Any], bikes: dict[str, Any], reliable: float | None = 90.5) -> dict[str, Any]:
    return {"debit_routier": roads, "passages_velo": bikes, "fiabilite_transports": figure(reliable)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (0.8, "stable (+0,8\u202f%)"),
        (-1.9, "stable (\u22121,9\u202f%)"),
        (2.0, "en hausse (+2\u202f%)"),
        (-9.9, "en baisse (\u22129,9\u202f%)"),
        (10.0, "en nette hausse (+10\u202f%)"),
        (-31.3, "en nette baisse (\u221231,3\u202f%)"),
    ],
)
def test_the_size_of_a_change_has_a_word(change: float, words: str) -> None:
    told = sentence(figures(figure(1.0, change, 4), figure(1.0, change, 4)), "mardi")
    assert told.startswith(f"trafic routier {words} et vélo {words} par rapport aux 4\u00a0mardis précédents ; ")


def test_the_reference_is_said_as_it_is() -> None:
    one_week = sentence(figures(figure(1.0, 5.0, 1), figure(1.0, 5.0, 1)), "dimanche")
    assert "par rapport au dimanche précédent" in one_week
    older = figure(1.0, 5.0, 1) | {"semaine_precedente": None}  # one week is known, and it is not the last
    assert "par rapport à un dimanche précédent" in sentence(figures(older, older), "dimanche")
    uneven = sentence(figures(figure(1.0, 5.0, 3), figure(1.0, 5.0, 4)), "lundi")
    assert "par rapport aux lundis précédents" in uneven


def test_without_history_the_figures_stand_alone() -> None:
    told = sentence(figures(figure(1234.0, unit="véhicules × arcs"), figure(567.0)), "mardi")
    assert told == (
        "trafic routier 1\u202f234 véhicules × arcs (sans historique) ; vélo 567 passages (sans historique) ; "
        "métro, RER et tram fiables à 90,5\u202f%"
    )


def test_a_day_too_partial_to_compare_says_so() -> None:
    bikes = figure(567.0) | {"comparaison": "jour trop partiel"}
    assert "vélo 567 passages (jour trop partiel)" in sentence(figures(figure(1.0, 5.0, 4), bikes), "mardi")


def test_what_is_missing_is_named_and_never_a_zero() -> None:
    told = sentence(figures(figure(None), figure(1.0, -3.0, 4), None), "mardi")
    assert told == (
        "vélo en baisse (\u22123\u202f%) par rapport aux 4\u00a0mardis précédents ; "
        "données manquantes (trafic routier et transports)"
    )


def test_a_day_is_complete_only_when_all_sources_are() -> None:
    known = figures(figure(1.0), figure(1.0))
    states = {"bikes": "complet", "traffic": "partiel", "weather": "manquant"}
    told = summary({name: {"statut": state} for name, state in states.items()}, known, CONTEXT)
    assert (told["statut"], told["sources_manquantes"], told["sources_partielles"]) == (
        "partielle",
        ["weather"],
        ["traffic"],
    )
    assert told["phrase"].startswith("Mardi 4 novembre 2025 : trafic routier")
    assert told["phrase"].endswith("%.")
    assert summary({"bikes": {"statut": "complet"}}, known, CONTEXT)["statut"] == "complète"
