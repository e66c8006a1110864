"""The key figures as the page shows them: a number read at a glance, and how far it is from the usual day."""

from dataclasses import dataclass
from typing import Any

from lib.common.paris_time import WEEKS_COMPARED
from lib.common.text import agreed
from scripts.registry import SOURCES
from scripts.report.french import MISSING, NARROW, counted, number, quantity
from scripts.report.rendering import drawing
from scripts.report.svg_charts import strokes

MILLION = 1_000_000
RECENT_LEAST = 3  # known values, below which a line shows nothing
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
    one: str = ""  # what one of them is called, where that is not `what`

    def shown(self, value: float) -> tuple[str, str]:
        """Write the number, and what it counts or measures."""
        if self.unit:
            return quantity(value, self.unit), self.what
        if self.in_millions and value >= MILLION:
            return number(value / MILLION), f"{agreed(value / MILLION, 'million')} de {self.what}"
        shown = round(value / self.divisor)
        return number(shown, 0), agreed(shown, self.one or self.what, self.what)

    def view(
        self, value: float | None, gap: float | None = None, margin: float | None = None, **more: Any
    ) -> dict[str, Any]:
        """Build what a page shows: label, valeur, unite, ecart {signe, texte, marge}, on what it rests.

        gap: since the days it stands beside. more: unite of a missing value, capteurs, pourquoi, dessin, etendue.
        """
        shown, unit = (MISSING, "") if value is None else self.shown(value)
        nothing = dict.fromkeys(("capteurs", "pourquoi", "dessin", "etendue"), "")
        known = {"cle": self.key, "label": self.label, "valeur": shown, "unite": unit, "ecart": self._gap(gap, margin)}
        return known | nothing | more

    def _gap(self, gap: float | None, margin: float | None) -> dict[str, str] | None:
        if gap is None:
            return None
        unit = "%" if self.gap_unit is None else self.gap_unit
        return {
            "signe": "=" if abs(gap) < SAME else "▲" if gap > 0 else "▼",
            "texte": quantity(gap, unit, sign=True).removesuffix(NARROW),
            "marge": "" if margin is None else f"± {quantity(margin, unit)}",
        }

    def between(self, low: float, high: float) -> str:
        """Write « de 1,5 à 2,1 millions »."""
        if self.in_millions and high >= MILLION:
            return f"de {number(low / MILLION)} à {quantity(high / MILLION, agreed(high / MILLION, 'million'))}"
        return f"de {number(low) if self.unit else self.shown(low)[0]} à {self.shown(high)[0]}"


CARDS = (
    Card("debit_routier", "Trafic routier", "véhicules × arcs", in_millions=True),
    Card("passages_velo", "Vélo", "passages aux compteurs", one="passage aux compteurs"),
    Card("fiabilite_transports", "Métro, RER et tram", "des heures de service sans perturbation", "%", "pt"),
    Card("precipitations", "Pluie", "dans la journée", "mm", "mm"),
    Card("taux_occupation_routier", "Occupation des voies", "du temps, en moyenne", "%", "pt"),
    Card("temps_perdu", "Temps perdu (modèle)", "heures de véhicule", one="heure de véhicule", divisor=60),
    Card("perturbations", "Perturbations", "en vigueur", gap_unit=""),
    Card("chantiers_actifs", "Chantiers", "actifs", one="actif", gap_unit=""),
    Card("temperature_moyenne", "Température", "en moyenne", "°C", "°C"),
)
CARD = {card.key: card for card in CARDS}
LABELS = {key: card.label for key, card in CARD.items()}


def cards(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Build the view of each figure of a day."""
    return [_view(card, figures[card.key]) for card in cards_of(figures)]


def cards_of(figures: dict[str, Any]) -> list[Card]:
    """List the cards; a key figure of the registry that has none of its own above is shown plainly, under its name."""
    plain = (
        Card(key, key.replace("_", " ").capitalize(), figure["unite"])
        for key, figure in figures.items()
        if key not in CARD
    )
    return [*CARDS, *plain]


def _view(card: Card, figure: dict[str, Any]) -> dict[str, Any]:
    value, base = figure["valeur"], figure.get("mediane_base")
    if value is None:
        return card.view(None, unite="donnée manquante")
    if card.gap_unit is None:
        gap = figure["evolution_mediane_pct"]
    elif base:  # on the same sensors
        gap = figure.get("evolution_mediane_points")
    else:
        past = figure.get("mediane_4_semaines")
        gap = None if past is None else value - past
    why = "" if figure["jours_compares"] else figure["comparaison"]
    margin = base["marge"] if base else None
    return card.view(
        value, gap, margin, capteurs=_sensors(figure), pourquoi=why, **_recent(card, figure["jours_recents"])
    )


def _sensors(figure: dict[str, Any]) -> str:
    """Say on how many constant sensors a change rests, else of how many a total is; nothing without sensors."""
    known, base = figure.get("capteurs"), figure.get("mediane_base")
    if base and figure["jours_compares"]:
        return rests_on(figure["source"], base)
    noun = noun_of(figure["source"]) if known else ""
    return f"{counted(known['mesures'], noun)} sur {number(known['attendus'])} attendus" if known else ""


def rests_on(source: str, base: dict[str, Any]) -> str:
    """Write « à 160 tronçons constants sur 170 »."""
    noun = noun_of(source)
    return f"à {counted(base['capteurs'], f'{noun} constant', f'{noun}s constants')} sur {number(base['sur'])}"


def noun_of(source: str) -> str:
    """Name one sensor of a source."""
    columns = SOURCES[source].sensors
    return columns.noun if columns else "capteur"


def _recent(card: Card, values: list[float | None]) -> dict[str, Any]:
    """Draw the last days between their own least and most, those compared as dots, and say these in words.

    Nothing of too few days. It is decorative: words stand beside it.
    """
    known = [value for value in values if value is not None]
    if len(known) < RECENT_LEAST:
        return {}
    low, high, last = min(known), max(known), len(values) - 1
    points = [
        None if value is None else (at * 10.0, 40 - 36 * (value - low) / (high - low) if high > low else 22.0)
        for at, value in enumerate(values)
    ]
    compared = "".join(strokes([points[last - 7 * week]]) for week in range(WEEKS_COMPARED, 0, -1))
    line = {"trait": strokes(points), "points": compared, "jour": strokes(points[-1:])}
    return {
        "dessin": drawing("recents", largeur=10 * last, **line),
        "etendue": f"{last} jours : {card.between(low, high)}",
    }
