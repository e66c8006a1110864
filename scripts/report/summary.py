"""The day in one sentence that a person can quote, and whether it is complete."""

from typing import Any

from lib.figures.past_days import USABLE_FROM
from scripts.report.french import counted, joined, number, percent, share_percent

STABLE_BELOW, MARKED_FROM = 2.0, 10.0  # % of change: « stable » below the first, « nette » from the second on

Figure = dict[str, Any]


def summary(sources: dict[str, Any], figures: dict[str, Figure], context: dict[str, Any]) -> dict[str, Any]:
    """Build phrase, statut (complète | partielle), and the sources that are missing or partial."""
    missing = [source for source, state in sources.items() if state["statut"] == "manquant"]
    partial = [source for source, state in sources.items() if state["statut"] == "partiel"]
    return {
        "phrase": f"{context['date_longue'].capitalize()} : {sentence(figures, context['jour_semaine'])}.",
        "statut": "partielle" if missing or partial else "complète",
        "sources_manquantes": missing,
        "sources_partielles": partial,
    }


def sentence(figures: dict[str, Figure], weekday: str) -> str:
    """Write what was compared, with one « par rapport à », then figures alone, then what is too partial or missing.

    Nothing is said of the city by a source covered to less than USABLE_FROM.
    """
    every = [("trafic routier", figures["debit_routier"]), ("vélo", figures["passages_velo"])]
    thin = {name: covered for name, one in every if (covered := _too_thin(one)) is not None}
    counts = [(name, one) for name, one in every if name not in thin]
    compared = [(name, one) for name, one in counts if one["evolution_mediane_pct"] is not None]
    alone = [(name, one) for name, one in counts if (name, one) not in compared and one["valeur"] is not None]
    clauses = []
    if compared:
        changes = joined([f"{name} {in_words(one['evolution_mediane_pct'])}" for name, one in compared])
        clauses.append(f"{changes} par rapport {_reference([one for _, one in compared], weekday)}")
    clauses += [f"{name} {number(one['valeur'], 0)} {one['unite']} ({one['comparaison']})" for name, one in alone]
    reliable = figures["fiabilite_transports"]["valeur"]
    if (covered := _too_thin(figures["fiabilite_transports"])) is not None:
        thin["transports"] = covered
    elif reliable is not None:
        clauses.append(f"métro, RER et tram fiables à {percent(reliable)}")
    clauses += [
        f"{name} : vu à {share_percent(covered)} seulement, trop peu pour conclure" for name, covered in thin.items()
    ]
    missing = [name for name, one in counts if one["valeur"] is None] + ["transports"] * (reliable is None)
    if missing:
        clauses.append(f"données manquantes ({joined(missing)})")
    return " ; ".join(clauses)


def _too_thin(figure: Figure) -> float | None:
    """Read the coverage of a figure's source where it is too low for a sentence; None for one that says enough."""
    covered = figure.get("couverture")
    return covered if figure["valeur"] is not None and covered is not None and covered < USABLE_FROM else None


def in_words(change: float) -> str:
    """Write « en nette baisse (−34 %) », « stable (+0,8 %) »."""
    if abs(change) < STABLE_BELOW:
        return f"stable ({percent(change, sign=True)})"
    strength = "nette " if abs(change) >= MARKED_FROM else ""
    return f"en {strength}{'hausse' if change > 0 else 'baisse'} ({percent(change, sign=True)})"


def _reference(figures: list[Figure], weekday: str) -> str:
    """Write « aux 4 mardis précédents », without the number where the two figures have not as many."""
    numbers = {one["jours_compares"] for one in figures}
    if numbers == {1}:
        last_week = all(one["semaine_precedente"] is not None for one in figures)
        return f"{'au' if last_week else 'à un'} {weekday} précédent"
    known = f"{counted(numbers.pop(), weekday)}" if len(numbers) == 1 else f"{weekday}s"
    return f"aux {known} précédents"
