"""A month as a tidy table: one figure a row, in the columns of the daily report's CSV, for a French spreadsheet."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from scripts.registry import SOURCES
from scripts.report.cards import LABELS
from scripts.report.table import Row, tidy_csv

UNITS = {figure.name: figure.unit for source in SOURCES.values() for figure in source.key_figures}
# Of a figure of the month: which of its values, and the unit where it is not the figure's own.
FIGURES = (
    ("moyenne_par_jour", None),
    ("somme_des_jours_retenus", None),
    ("jours_retenus", "jours"),
    ("moyenne_mois_precedent", None),
    ("jours_retenus_mois_precedent", "jours"),
    ("evolution_pct", "%"),
    ("ecart", None),
    ("pourquoi", ""),
)


def month_csv(figures: dict[str, Any]) -> bytes:
    """Write the whole table as bytes."""
    return tidy_csv(_rows(figures))


def _rows(figures: dict[str, Any]) -> Iterator[Row]:
    yield ("mois", None, figures["mois"], None, "jours", figures["contexte"]["jours"], "jours")
    yield ("mois", None, figures["mois"], None, "mois_precedent", figures["mois_precedent"], None)
    for key, figure in figures["chiffres"].items():
        for name, unit in FIGURES:
            yield ("chiffres", None, key, LABELS.get(key), name, figure[name], UNITS[key] if unit is None else unit)
        for name in ("minimum", "maximum"):
            if one := figure[name]:
                yield ("chiffres", None, key, _day(one["date"]), name, one["valeur"], UNITS[key])
        if base := figure["base"]:
            yield ("chiffres", None, key, LABELS.get(key), "capteurs_constants", base["capteurs"], "capteurs")
            yield ("chiffres", None, key, LABELS.get(key), "capteurs_mesures", base["sur"], "capteurs")
            yield ("chiffres", None, key, LABELS.get(key), "marge", base["marge"], "points")
            yield ("chiffres", None, key, LABELS.get(key), "part_du_mois", base["part_du_mois"], "0..1")
            yield (
                "chiffres",
                None,
                key,
                LABELS.get(key),
                "part_du_mois_precedent",
                base["part_du_mois_precedent"],
                "0..1",
            )
    for one in figures["jours"]:
        yield from _of_day(one)
    for key, sides in figures["jours_marquants"].items():
        for side, days in sides.items():
            for rank, one in enumerate(days, start=1):
                yield (f"{side}_jours", rank, key, _day(one["date"]), "valeur", one["valeur"], UNITS[key])
                yield (f"{side}_jours", rank, key, _day(one["date"]), "niveau", one["niveau"], "100 = jour moyen")
    for name, profile in figures["profils_jours_ouvres"].items():
        for which in ("mois", "mois_precedent"):
            for hour, value in enumerate(profile[which]):
                yield ("profil_jours_ouvres", hour, name, which, "heure", value, profile["unite"])
    for rank, one in enumerate(figures["hors_ordinaire"], start=1):
        for name, unit in (("valeur", one["unite"]), ("usuel", one["unite"]), ("ecart_pct", "%")):
            yield ("hors_ordinaire", rank, _day(one["date"]), one["quoi"], name, one[name], unit)
    for source, sides in figures["rues"].items():
        for side in ("hausse", "baisse"):
            for one in sides[side]:
                named = (f"en_{side}_{source}", one["rang"], None, one["libelle"])
                yield (*named, "moyenne_par_jour", one["valeur"], None)
                yield (*named, "mois_precedent", one["mois_precedent"], None)
                yield (*named, "evolution_pct", one["evolution_pct"], "%")
    for rank, one in enumerate(figures["lignes"]["premieres"], start=1):
        for name, unit in (("heures_perturbees", "h"), ("part_du_service_pct", "%"), ("part_mois_precedent_pct", "%")):
            yield ("lignes", rank, None, one["ligne"], name, one[name], unit)
    for one in figures["laisse_de_cote"]:
        source = one["source"]
        yield ("laisse_de_cote", None, source, None, "jours_manquants", len(one["jours_manquants"]), "jours")
        for day, share in one["jours_trop_partiels"].items():
            yield ("laisse_de_cote", None, source, _day(day), "jour_trop_partiel", share, "0..1")
        yield ("laisse_de_cote", None, source, None, "capteurs_ecartes", one["capteurs_ecartes"], "capteurs")


def _of_day(one: dict[str, Any]) -> Iterator[Row]:
    day = _day(one["date"])
    yield ("jours", None, day, one["particularite"], "statut", one["statut"], None)
    for source, state in one["sources"].items():
        yield ("jours", None, day, source, "statut", state, None)
    for key, value in one["valeurs"].items():
        yield ("jours", None, day, None, key, value, UNITS[key])
    for key, level in one["niveaux"].items():
        yield ("jours", None, day, key, "niveau", level, "100 = jour moyen")


def _day(text: str) -> str:
    """Write a day as a French spreadsheet reads it."""
    return date.fromisoformat(text).strftime("%d/%m/%Y")
