"""The key figures as the page shows them: a number read at a glance, and how far it is from the usual day."""

from dataclasses import dataclass
from typing import Any

from scripts.registry import SOURCES
from scripts.report.french import MISSING, NARROW, counted, number, percent, quantity

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
    Card("fiabilite_transports", "Métro, RER et tram", "des lignes-heures sans perturbation", "%", "pt"),
    Card("precipitations", "Pluie", "dans la journée", "mm", "mm"),
    Card("taux_occupation_routier", "Occupation des voies", "du temps, en moyenne", "%", "pt"),
    Card("temps_perdu", "Temps perdu (modèle)", "heures de véhicule", divisor=60),
    Card("perturbations", "Perturbations", "en vigueur", gap_unit=""),
    Card("chantiers_actifs", "Chantiers", "actifs", gap_unit=""),
    Card("temperature_moyenne", "Température", "en moyenne", "°C", "°C"),
)


# Of each earlier day: the keys of its value, of the change since and of what that rests on.
REFERENCES = (
    ("semaine_precedente", "evolution_semaine_precedente_pct", "semaine_precedente_base", "7 j avant"),
    ("mediane_4_semaines", "evolution_mediane_pct", "mediane_base", "habitude"),
    ("annee_precedente", "evolution_annee_precedente_pct", "annee_precedente_base", "52 sem. avant"),
)


def cards(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Build one view per card: label, valeur, unite, capteurs, ecarts [{signe, texte, reference, base}] or `pourquoi`.

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
            "capteurs": "",
            "pourquoi": "",
        }
    shown, unit = card.shown(figure["valeur"])
    gaps = [gap for reference in REFERENCES if (gap := _gap(card, figure, *reference))]
    bases = [gap["base"] for gap in gaps]
    for gap, before in zip(gaps[1:], bases, strict=False):  # the same words are said once
        gap["base"] = "" if gap["base"] == before else gap["base"]
    return {
        "cle": card.key,
        "label": card.label,
        "valeur": shown,
        "unite": unit,
        "ecarts": gaps,
        "capteurs": "" if any(bases) else _sensors(figure),
        "pourquoi": "" if figure["jours_compares"] else figure["comparaison"],
    }


def _sensors(figure: dict[str, Any]) -> str:
    """Say how many sensors a total is of; nothing of a figure that no sensor measures."""
    known = figure.get("capteurs")
    return f"{counted(known['mesures'], _noun(figure))} sur {number(known['attendus'])} attendus" if known else ""


def _noun(figure: dict[str, Any]) -> str:
    columns = SOURCES[figure["source"]].sensors
    return columns.noun if columns else "capteur"


def _gap(
    card: Card, figure: dict[str, Any], key: str, change: str, base_key: str, reference: str
) -> dict[str, str] | None:
    past, base, percents = (figure.get(one) for one in (key, base_key, change))
    gap = None
    if card.gap_unit is None:
        gap = percents
    elif base:  # on the same sensors
        gap = None if percents is None or percents <= -100 else figure["valeur"] * (1 - 1 / (1 + percents / 100))
    elif past is not None:
        gap = figure["valeur"] - past
    if gap is None:
        return None
    sign = "=" if abs(gap) < SAME else "▲" if gap > 0 else "▼"
    if card.gap_unit is None:
        text = percent(gap, sign=True)
    else:
        text = quantity(gap, card.gap_unit, sign=True).removesuffix(NARROW)
    rests_on = (
        f"à {counted(base['capteurs'], f'{_noun(figure)} constant', f'{_noun(figure)}s constants')} "
        f"sur {number(base['sur'])}"
        if base
        else ""
    )
    return {
        "signe": sign,
        "texte": text,
        "reference": reference,
        "base": rests_on,
    }
