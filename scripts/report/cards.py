"""The key figures as the page shows them: a number read at a glance, and how far it is from the usual day."""

from dataclasses import dataclass
from typing import Any

from scripts.report.french import MISSING, NARROW, number, percent, quantity

MILLION = 1_000_000
SAME = 0.05  # of the unit shown; a smaller difference is written « = »


@dataclass(frozen=True)
class Card:
    """How one key figure is shown: a whole number of `what`, or a measure in `unit` with `what` as a note.

    Without `gap_unit` it is compared in percent, else by a difference in that unit.
    """

    key: str
    label: str
    what: str
    unit: str = ""
    gap_unit: str | None = None
    divisor: float = 1  # from the figure's own unit to the number shown
    in_millions: bool = False  # from one million on

    def shown(self, value: float) -> tuple[str, str]:
        """Write the number, and what it counts or measures."""
        if self.unit:
            return quantity(value, self.unit), self.what
        if self.in_millions and value >= MILLION:
            return number(value / MILLION), f"million{'s' if value >= 2 * MILLION else ''} de {self.what}"
        return number(value / self.divisor, 0), self.what


CARDS = (
    Card("debit_routier", "Trafic routier", "véhicules × arcs", in_millions=True),
    Card("passages_velo", "Vélo", "passages aux compteurs"),
    Card("fiabilite_transports", "Fiabilité des transports", "des lignes-heures de service", "%", "pt"),
    Card("precipitations", "Pluie", "dans la journée", "mm", "mm"),
    Card("taux_occupation_routier", "Occupation des voies", "du temps, en moyenne", "%", "pt"),
    Card("temps_perdu", "Temps perdu (modèle)", "heures de véhicule", divisor=60),
    Card("perturbations", "Perturbations", "en vigueur", gap_unit=""),
    Card("chantiers_actifs", "Chantiers", "actifs", gap_unit=""),
    Card("temperature_moyenne", "Température", "en moyenne", "°C", "°C"),
)


def cards(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Build one view per card: label, valeur, unite, ecarts [{signe, texte, reference}], `pourquoi` there are none.

    A key figure of the registry that has no card of its own above is shown plainly, under its name.
    """
    own = {card.key for card in CARDS}
    plain = [
        Card(key, key.replace("_", " ").capitalize(), figure["unite"])
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
