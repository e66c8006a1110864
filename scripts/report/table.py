"""The report as a tidy table: one figure a row, for a French spreadsheet.

Columns section;rang;identifiant;libelle;indicateur;valeur;unite, UTF-8 with BOM, decimal comma. A missing figure is an
empty cell; a missing source is one row that says so.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from lib.figures.quality import spreadsheet_cell

CSV_COLUMNS = ("section", "rang", "identifiant", "libelle", "indicateur", "valeur", "unite")

Row = tuple[Any, ...]

EVOLUTIONS = (
    ("valeur", None),
    ("semaine_precedente", None),
    ("evolution_semaine_precedente_pct", "%"),
    ("mediane_4_semaines", None),
    ("evolution_mediane_pct", "%"),
    ("annee_precedente", None),
    ("evolution_annee_precedente_pct", "%"),
    ("comparaison", ""),
)
BASES = ("semaine_precedente", "mediane", "annee_precedente")
# For each ranking: where it stands, the identifier, the label, and the indicators with their units.
TOPS = (
    ("troncons", "identifiant_arc", "libelle", (("debit_journalier_total", "véhicules × arcs"), ("heure_pic", "h"))),
    ("zones_congestionnees", "zone", "zone", (("part_heures_saturees_pct", "%"), ("taux_occupation_moyen", "%"))),
    ("compteurs_velo", "id_compteur", "nom_compteur", (("total_jour", "passages"), ("heure_pic", "h"))),
    ("lignes_impactees", "id_ligne", "ligne", (("heures_perturbees", "h"), ("nombre_perturbations", ""))),
)


def report_csv(report: dict[str, Any]) -> bytes:
    """Write the whole table as bytes."""
    return tidy_csv(rows(report))


def tidy_csv(table: Iterable[Row]) -> bytes:
    """Write rows of CSV_COLUMNS below their header."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for row in table:
        writer.writerow([csv_cell(value) for value in row])
    return text.getvalue().encode("utf-8-sig")


def rows(report: dict[str, Any]) -> Iterator[Row]:
    """Iterate over every row, in the order of the report."""
    yield ("resume", None, None, report["resume"]["phrase"], "statut", report["resume"]["statut"], None)
    yield from _context(report["contexte"])
    for source, state in report["sources"].items():
        yield ("sources", None, source, None, "statut", state["statut"], None)
        if state["couverture"] is not None:
            yield ("sources", None, source, None, "couverture", state["couverture"], "0..1")
            yield ("sources", None, source, None, "rejets", state["rejets"], "lignes")
        for name, number in (state.get("capteurs") or {}).items():
            yield ("sources", None, source, None, f"capteurs_{name}", number, None if name == "base" else "capteurs")
        if state.get("heures_vues") is not None:
            missing = ", ".join(map(str, state["heures_manquantes"]))
            yield ("sources", None, source, None, "heures_vues", state["heures_vues"], "h")
            yield ("sources", None, source, None, "heures_manquantes", missing or "aucune", None)
    for rank, one in enumerate(report.get("constats", ()), start=1):
        named = f"{one['source']} {one['code']}"
        yield ("constats", rank, named, one["message"], "severite", one["severite"], None)
    for key, figure in report["chiffres_cles"].items():
        for indicator, unit in EVOLUTIONS:
            unit = figure["unite"] if unit is None else unit
            yield ("chiffres_cles", None, key, None, indicator, figure[indicator], unit)
        yield from _rests_on(key, figure)
    for section, identifier, label, indicators in TOPS:
        for row in report["tops"][section] or ():
            for indicator, unit in indicators:
                yield (section, row["rang"], row[identifier], row[label], indicator, row[indicator], unit)
    yield from _unusual(report)
    yield from _alerts(report)
    yield from _sensors(report)
    yield from _works(report)
    yield from _disruptions(report)
    yield from _weather(report)


def _rests_on(key: str, figure: dict[str, Any]) -> Iterator[Row]:
    """Say of each change of a figure of sensors on how many of them it rests, and of each particular earlier day."""
    for name in BASES:
        if base := figure[f"{name}_base"]:
            yield (
                "chiffres_cles",
                None,
                key,
                base["pourquoi"],
                f"{name}_capteurs_constants",
                base["capteurs"],
                "capteurs",
            )
            yield ("chiffres_cles", None, key, None, f"{name}_capteurs_mesures", base["sur"], "capteurs")
            yield ("chiffres_cles", None, key, None, f"{name}_part_du_jour", base["part_du_jour"], "0..1")
            yield ("chiffres_cles", None, key, None, f"{name}_part_du_passe", base["part_du_passe"], "0..1")
            yield ("chiffres_cles", None, key, None, f"{name}_marge", base["marge"], "points")
        if (points := figure.get(f"evolution_{name}_points")) is not None:
            yield ("chiffres_cles", None, key, None, f"evolution_{name}_points", points, "points")
    for name in ("semaine_precedente", "annee_precedente"):
        if named := figure[f"{name}_particularite"]:
            yield ("chiffres_cles", None, key, named, f"{name}_particularite", named, None)


def _unusual(report: dict[str, Any]) -> Iterator[Row]:
    for rank, one in enumerate((report["hors_ordinaire"] or {"lignes": ()})["lignes"], start=1):
        for indicator, unit in (("valeur", one["unite"]), ("usuel", one["unite"]), ("ecart_pct", "%")):
            yield ("hors_ordinaire", rank, one["source"], one["quoi"], indicator, one[indicator], unit)
        for indicator in ("debut", "fin"):
            yield ("hors_ordinaire", rank, one["source"], one["quoi"], indicator, one[indicator], "h")
    for source, sides in report["evolutions"].items():
        for side, moved in sides.items():
            for one in moved:
                for indicator in ("valeur", "usuel", "ecart", "ecart_pct"):
                    unit = "%" if indicator == "ecart_pct" else None
                    yield (f"en_{side}_{source}", one["rang"], None, one["libelle"], indicator, one[indicator], unit)


def _context(context: dict[str, Any]) -> Iterator[Row]:
    school = context["vacances_scolaires"] or ("non" if context["vacances_scolaires_connues"] else "inconnu")
    yield ("contexte", None, None, None, "jour_semaine", context["jour_semaine"], None)
    yield ("contexte", None, None, None, "jour_ferie", context["jour_ferie"] or "non", None)
    yield ("contexte", None, None, None, "vacances_scolaires", school, f"zone {context['zone_scolaire']}")
    yield ("contexte", None, None, None, "heures_du_jour", context["heures_du_jour"], "h")


def _alerts(report: dict[str, Any]) -> Iterator[Row]:
    for rank, alert in enumerate(report["alertes"]["congestion"] or (), start=1):
        arc, libelle = alert["identifiant_arc"], alert["libelle"]
        yield ("alertes_congestion", rank, arc, libelle, "debut", alert["debut"], None)
        yield ("alertes_congestion", rank, arc, libelle, "duree_heures", alert["duree_heures"], "h")
        yield ("alertes_congestion", rank, arc, libelle, "severite", alert["severite"], None)
    for rank, alert in enumerate(report["alertes"]["transports"] or (), start=1):
        yield ("alertes_transports", rank, alert["ligne"], alert["titre"], "duree_heures", alert["duree_heures"], "h")


def _sensors(report: dict[str, Any]) -> Iterator[Row]:
    for source, identifier, label in (
        ("comptages", "identifiant_arc", "libelle"),
        ("bikes", "id_compteur", "nom_compteur"),
    ):
        for sensor in report["capteurs_defaillants"][source] or ():
            hours = sensor["heures_consecutives"]
            yield (f"capteurs_{source}", None, sensor[identifier], sensor[label], sensor["motif"], hours, "h")
        for one in report.get("capteurs_ecartes", {}).get(source) or ():
            named = (f"ecartes_{source}", None, one[identifier], one[label])
            yield (*named, "regle", one["regle"], None)
            yield (*named, "aurait_ajoute", one["aurait_ajoute"], None)


def _works(report: dict[str, Any]) -> Iterator[Row]:
    works = report["chantiers"]
    if works is None:
        return
    yield ("chantiers", None, None, None, "nombre_chantiers_actifs", works["nombre_chantiers_actifs"], "chantiers")
    yield ("chantiers", None, None, None, "surface_totale_m2", works["surface_totale_m2"], "m²")
    for zone in works["par_arrondissement"]:
        place, count = zone["arrondissement"], zone["nombre_chantiers"]
        yield ("chantiers", None, place, None, "chantiers_actifs", count, "chantiers")
    for rank, zone in enumerate(works["zones_critiques"], start=1):
        place, count = zone["arrondissement"], zone["nombre_chantiers"]
        yield ("zones_critiques", rank, place, None, "chantiers_actifs", count, "chantiers")


def _disruptions(report: dict[str, Any]) -> Iterator[Row]:
    if report["perturbations"] is None:
        return
    for key in ("severite", "cause", "mode"):
        for name, count in report["perturbations"][f"par_{key}"].items():
            yield ("perturbations", None, name, None, f"par_{key}", count, "perturbations")
    for mode, share in report["perturbations"]["reliability_par_mode"].items():
        yield ("perturbations", None, mode, None, "reliability_par_mode", share, "% des lignes-heures")
    for mode, count in report["perturbations"]["lignes_perturbees"].items():
        yield ("perturbations", None, mode, None, "lignes_perturbees", count, "lignes")
    for rank, one in enumerate(report["perturbations"]["longue_duree"], start=1):
        yield ("longue_duree", rank, one["id"], one["titre"], "debut", one["debut"], None)
        yield ("longue_duree", rank, one["id"], one["titre"], "fin", one["fin"], None)


def _weather(report: dict[str, Any]) -> Iterator[Row]:
    if report["meteo"] is None:
        return
    units = {"temp": "°C", "precip": "mm", "vent": "km/h"}
    for indicator, value in report["meteo"]["metrics"].items():
        yield ("meteo", None, None, None, indicator, value, units.get(indicator.split("_")[0]))
    yield ("meteo", None, None, None, "impact_mobilite", report["meteo"]["impact_mobilite"], "0..100 (modèle)")


def csv_cell(value: Any) -> str:
    """Write one value with a decimal comma; what a spreadsheet would run as a formula is text."""
    if isinstance(value, float):
        return repr(int(value) if value.is_integer() else value).replace(".", ",")
    return spreadsheet_cell(value)
