"""A month as a tidy table: one figure a row, in the columns of the daily report's CSV, for a French spreadsheet."""

from collections.abc import Iterator
from typing import Any

from scripts.report.cards import LABELS
from scripts.report.key_figures import FIGURES
from scripts.report.table import MOVED
from scripts.report.tidy import Row, each, tidy_csv

UNITS = {figure.name: figure.unit for _, figure in FIGURES}
LEVEL = ("niveau", "niveau", "100 = jour moyen")


def month_csv(figures: dict[str, Any]) -> bytes:
    """Write the whole table as bytes."""
    return tidy_csv(_rows(figures))


def _rows(figures: dict[str, Any]) -> Iterator[Row]:
    yield ("Mois", None, figures["mois"], None, "jours", figures["contexte"]["jours"], "jours")
    yield ("Mois", None, figures["mois"], None, "mois précédent", figures["mois_precedent"], None)
    for key, figure in figures["chiffres"].items():
        yield from _figure(key, figure)
    for one in figures["jours"]:
        yield from _day(one)
    for key, sides in figures["jours_marquants"].items():
        for side, days in sides.items():
            rows = [{"cle": key, **one} for one in days]
            value = ("valeur", "ce jour", UNITS[key])
            yield from each(f"{side.capitalize()} jours", rows, "cle", "date", [value, LEVEL])
    for name, profile in figures["profils_jours_ouvres"].items():
        for which in ("mois", "mois_precedent"):
            for hour, value in enumerate(profile[which]):
                yield ("Heures des jours ouvrés", hour, name, which, "heure", value, profile["unite"])
    for rank, one in enumerate(figures["hors_ordinaire"] or (), start=1):
        named = ("Hors de l'ordinaire", rank, one["date"], one["quoi"])
        yield (*named, "ce jour", one["valeur"], one["unite"])
        yield (*named, "habitude", one["usuel"], one["unite"])
        yield (*named, "écart à l'habitude", one["ecart_pct"], "%")
    moved = (
        ("valeur", "moyenne par jour", None),
        ("mois_precedent", "mois précédent", None),
        ("evolution_pct", "évolution", "%"),
    )
    for source, sides in figures["rues"].items():
        for side in ("hausse", "baisse"):
            yield from each(f"{MOVED[source]} en {side}", sides[side], None, "libelle", moved)
    lines = (
        ("heures_perturbees", "heures perturbées", "h"),
        ("part_du_service_pct", "part du service", "%"),
        ("part_mois_precedent_pct", "part du service, mois précédent", "%"),
    )
    yield from each("Lignes perturbées", figures["lignes"]["premieres"], None, "ligne", lines)
    for one in figures["laisse_de_cote"]:
        left = ("Laissé de côté", None, one["source"])
        yield (*left, None, "jours manquants", len(one["jours_manquants"]), "jours")
        for day, share in one["jours_trop_partiels"].items():
            yield (*left, day, "jour trop partiel", share, "0..1")
        yield (*left, None, "capteurs laissés de côté", one["capteurs_ecartes"], "capteurs")


def _figure(key: str, figure: dict[str, Any]) -> Iterator[Row]:
    """Write what is known of a figure of the month, its extreme days, and on which sensors its change rests."""
    named, unit, label = ("Chiffres du mois", None, key), UNITS[key], LABELS.get(key)
    values = (
        ("moyenne_par_jour", "moyenne par jour", unit),
        ("somme_des_jours_retenus", "somme des jours retenus", unit),
        ("jours_retenus", "jours retenus", "jours"),
        ("moyenne_mois_precedent", "moyenne du mois précédent", unit),
        ("jours_retenus_mois_precedent", "jours retenus du mois précédent", "jours"),
        ("evolution_pct", "évolution", "%"),
        ("ecart", "écart", unit),
        ("pourquoi", "pourquoi", None),
    )
    rests_on = (
        ("capteurs", "capteurs constants", "capteurs"),
        ("sur", "capteurs qui ont mesuré", "capteurs"),
        ("marge", "marge", "points"),
        ("part_du_mois", "part du mois", "0..1"),
        ("part_du_mois_precedent", "part du mois précédent", "0..1"),
    )
    yield from ((*named, label, words, figure[name], unit) for name, words, unit in values)
    for name in ("minimum", "maximum"):
        if one := figure[name]:
            yield (*named, one["date"], name, one["valeur"], unit)
    if base := figure["base"]:
        yield from ((*named, label, words, base[name], unit) for name, words, unit in rests_on)


def _day(one: dict[str, Any]) -> Iterator[Row]:
    named = ("Jours", None, one["date"])
    yield (*named, one["particularite"], "statut", one["statut"], None)
    for source, state in one["sources"].items():
        yield (*named, source, "statut", state, None)
    for key, value in one["valeurs"].items():
        yield (*named, None, LABELS.get(key, key), value, UNITS[key])
    for key, level in one["niveaux"].items():
        yield (*named, key, "niveau", level, "100 = jour moyen")
