"""The key figures as the page shows them: a number read at a glance, and how far it is from the usual day."""

from collections.abc import Callable
from typing import Any, NamedTuple

from scripts.report.french import MISSING, NARROW, number, percent, quantity

MILLION = 1_000_000
SAME = 0.05  # of the unit shown; a smaller difference is written « = »


class Card(NamedTuple):
    """How one key figure is shown. Without `gap_unit` it is compared in percent, else by a difference in that unit."""

    key: str
    label: str
    shown: Callable[[float], tuple[str, str]]  # (number, what it counts)
    gap_unit: str | None = None


def _count(unit: str) -> Callable[[float], tuple[str, str]]:
    return lambda value: (number(value, 0), unit)


def _measure(unit: str, note: str) -> Callable[[float], tuple[str, str]]:
    return lambda value: (quantity(value, unit), note)


def _flow(value: float) -> tuple[str, str]:
    if value < MILLION:
        return number(value, 0), "véhicules × arcs"
    return number(value / MILLION), f"million{'s' if value >= 2 * MILLION else ''} de véhicules × arcs"


CARDS = (
    Card("debit_routier", "Trafic routier", _flow),
    Card("passages_velo", "Vélo", _count("passages aux compteurs")),
    Card("fiabilite_transports", "Métro, RER et tram", _measure("%", "des lignes-heures sans perturbation"), "pt"),
    Card("precipitations", "Pluie", _measure("mm", "dans la journée"), "mm"),
    Card("taux_occupation_routier", "Occupation des voies", _measure("%", "du temps, en moyenne"), "pt"),
    Card("temps_perdu", "Temps perdu (modèle)", lambda minutes: (number(minutes / 60, 0), "heures de véhicule")),
    Card("perturbations", "Perturbations", _count("en vigueur"), ""),
    Card("chantiers_actifs", "Chantiers", _count("actifs"), ""),
    Card("temperature_moyenne", "Température", _measure("°C", "en moyenne"), "°C"),
)


def cards(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Build one view per card: label, valeur, unite, ecarts [{signe, texte, reference}], `pourquoi` there are none.

    A key figure of the registry that has no card of its own above is shown plainly, under its name.
    """
    own = {card.key for card in CARDS}
    plain = [
        Card(key, key.replace("_", " ").capitalize(), _count(figure["unite"]))
        for key, figure in figures.items()
        if key not in own
    ]
    return [_view(card, figures[card.key]) for card in (*CARDS, *plain)]


def _view(card: Card, figure: dict[str, Any]) -> dict[str, Any]:
    if figure["valeur"] is None:
        return {
            "cle": card.key,
            "label": card.label,
            "valeur": MISSING,
            "unite": "donnée manquante",
            "ecarts": [],
            "pourquoi": "",
        }
    shown, unit = card.shown(figure["valeur"])
    pairs = [
        (figure["semaine_precedente"], figure["evolution_semaine_precedente_pct"], "7 j avant"),
        (figure["mediane_4_semaines"], figure["evolution_mediane_pct"], "habitude"),
    ]
    gaps = [_gap(card, figure["valeur"], *pair) for pair in pairs]
    return {
        "cle": card.key,
        "label": card.label,
        "valeur": shown,
        "unite": unit,
        "ecarts": [gap for gap in gaps if gap],
        "pourquoi": "" if figure["jours_compares"] else figure["comparaison"],
    }


def _gap(card: Card, value: float, past: float | None, change: float | None, reference: str) -> dict[str, str] | None:
    gap = change if card.gap_unit is None else None if past is None else value - past
    if gap is None:
        return None
    sign = "=" if abs(gap) < SAME else "▲" if gap > 0 else "▼"
    if card.gap_unit is None:
        text = percent(gap, sign=True)
    else:
        text = quantity(gap, card.gap_unit, sign=True).removesuffix(NARROW)
    return {"signe": sign, "texte": text, "reference": reference}
