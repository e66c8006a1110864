"""The report as a tidy table: one figure a row, for a French spreadsheet.

Columns section;rang;identifiant;libelle;indicateur;valeur;unite, UTF-8 with BOM, decimal comma, days as 04/11/2025 and
moments as 04/11/2025 08:30. Sections and indicators are in words (see table_words). A missing figure is an empty cell;
a missing source is one row that says so.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from lib.figures.quality import spreadsheet_cell
from lib.figures.reject_reasons import IN_WORDS
from scripts.registry import SOURCES
from scripts.report.cards import LABELS
from scripts.report.french import street, zone
from scripts.report.key_figures import Metrics
from scripts.report.road_map import IMPACTS, LEVELS
from scripts.report.table_words import BASES, indicator, section

CSV_COLUMNS = ("section", "rang", "identifiant", "libelle", "indicateur", "valeur", "unite")

SHOWN = {"troncons": street, "zones_congestionnees": zone}  # how the label of a ranking is written

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
# For each ranking: where it stands, the identifier, the label, and the indicators with their units.
TOPS = (
    ("troncons", "identifiant_arc", "libelle", (("debit_journalier_total", "véhicules × arcs"), ("heure_pic", "h"))),
    ("zones_congestionnees", "zone", "zone", (("part_heures_saturees_pct", "%"), ("taux_occupation_moyen", "%"))),
    ("compteurs_velo", "id_compteur", "nom_compteur", (("total_jour", "passages"), ("heure_pic", "h"))),
    ("lignes_impactees", "id_ligne", "ligne", (("heures_perturbees", "h"), ("nombre_perturbations", ""))),
)


def report_csv(report: dict[str, Any], metrics: Mapping[str, Metrics] = MappingProxyType({})) -> bytes:
    """Write the whole table as bytes. metrics: by source, for the lists that the report only counts."""
    return tidy_csv(rows(report, metrics))


def tidy_csv(table: Iterable[Row]) -> bytes:
    """Write rows of CSV_COLUMNS below their header, their section and indicator in words."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for key, *cells, name, value, unit in table:
        writer.writerow([csv_cell(one) for one in (section(key), *cells, indicator(name), value, unit)])
    return text.getvalue().encode("utf-8-sig")


def rows(report: dict[str, Any], metrics: Mapping[str, Metrics]) -> Iterator[Row]:
    """Iterate over every row, in the order of the report; section and indicator as keys."""
    yield ("resume", None, None, report["resume"]["phrase"], "statut", report["resume"]["statut"], None)
    yield from _context(report["contexte"])
    yield from _sources(report["sources"], metrics)
    for rank, one in enumerate(report.get("constats", ()), start=1):
        yield ("constats", rank, f"{one['source']} {one['code']}", one["message"], "severite", one["severite"], None)
    for key, figure in report["chiffres_cles"].items():
        for name, unit in EVOLUTIONS:
            unit = figure["unite"] if unit is None else unit
            yield ("chiffres_cles", None, key, LABELS.get(key), name, figure[name], unit)
        yield from _rests_on(key, figure)
    yield from _hours(report["profils_horaires"])
    for ranking, identifier, label, names in TOPS:
        for row in report["tops"][ranking] or ():
            shown = SHOWN.get(ranking, str)(row[label] or "") or None
            for name, unit in names:
                yield (ranking, row["rang"], row[identifier], shown, name, row[name], unit)
    yield from _unusual(report)
    yield from _alerts(report)
    yield from _sensors(report)
    yield from _works(report, metrics)
    yield from _disruptions(report)
    yield from _weather(report)


def _sources(states: dict[str, Any], metrics: Mapping[str, Metrics]) -> Iterator[Row]:
    for source, state in states.items():
        named = ("sources", None, source, SOURCES[source].french)
        yield (*named, "statut", state["statut"], None)
        if state["couverture"] is not None:
            yield (*named, "couverture", state["couverture"], "0..1")
            yield (*named, "rejets", state["rejets"], "lignes")
        for name, number in (state.get("capteurs") or {}).items():
            yield (*named, f"capteurs_{name}", number, None if name == "base" else "capteurs")
        if state.get("heures_vues") is not None:
            missing = ", ".join(map(str, state["heures_manquantes"]))
            yield (*named, "heures_vues", state["heures_vues"], "h")
            yield (*named, "heures_manquantes", missing or "aucune", None)
        for reason, count in metrics[source]["qualite"]["rejets"].items() if source in metrics else ():
            words = IN_WORDS.get(reason, reason)
            yield ("rejets", None, source, SOURCES[source].french, words, count, "lignes")


def _rests_on(key: str, figure: dict[str, Any]) -> Iterator[Row]:
    """Say of each change of a figure of sensors on how many of them it rests, and of each particular earlier day."""
    named = ("chiffres_cles", None, key, LABELS.get(key))
    for name, words in BASES.items():
        if base := figure[f"{name}_base"]:
            yield (*named, f"{words} : capteurs constants", base["capteurs"], "capteurs")
            yield (*named, f"{words} : capteurs qui ont mesuré", base["sur"], "capteurs")
            yield (*named, f"{words} : part du jour", base["part_du_jour"], "0..1")
            yield (*named, f"{words} : part du passé", base["part_du_passe"], "0..1")
            yield (*named, f"{words} : marge", base["marge"], "points")
            if base["pourquoi"]:
                yield (*named, f"{words} : pourquoi rien", base["pourquoi"], None)
        if (points := figure.get(f"evolution_{name}_points")) is not None:
            yield (*named, f"evolution_{name}_points", points, "points")
    for name in ("semaine_precedente", "annee_precedente"):
        if particular := figure[f"{name}_particularite"]:
            yield (*named, f"{BASES[name]} : particularité", particular, None)
    if figure["mediane_jours"]:
        yield (*named, "habitude : jours", ", ".join(moment(one) for one in figure["mediane_jours"]), None)


def _hours(profiles: dict[str, Any]) -> Iterator[Row]:
    """Write the 24 hours of the day and of the usual one; the rank is the hour that begins."""
    for name, profile in profiles.items():
        for line in ("jour", "habituel") if profile else ():
            for hour, value in enumerate(profile[line]):
                both = " (les deux)" if hour == profile["heure_double"] else ""
                named = ("profils_horaires", hour, name, f"{hour:02d} h{both}")
                yield (*named, line, value, profile["unite"])


def _unusual(report: dict[str, Any]) -> Iterator[Row]:
    for rank, one in enumerate((report["hors_ordinaire"] or {"lignes": ()})["lignes"], start=1):
        for name, unit in (("valeur", one["unite"]), ("usuel", one["unite"]), ("ecart_pct", "%")):
            yield ("hors_ordinaire", rank, one["source"], one["quoi"], name, one[name], unit)
        for name in ("debut", "fin"):
            yield ("hors_ordinaire", rank, one["source"], one["quoi"], name, one[name], "h")
    for source, sides in report["evolutions"].items():
        for side, moved in sides.items():
            for one in moved:
                for name in ("valeur", "usuel", "ecart", "ecart_pct"):
                    unit = "%" if name == "ecart_pct" else SOURCES[source].profiles[0].unit
                    yield (f"en_{side}_{source}", one["rang"], None, one["libelle"], name, one[name], unit)


def _context(context: dict[str, Any]) -> Iterator[Row]:
    school = context["vacances_scolaires"] or ("non" if context["vacances_scolaires_connues"] else "inconnu")
    yield ("contexte", None, None, None, "jour_semaine", context["jour_semaine"], None)
    yield ("contexte", None, None, None, "jour_ferie", context["jour_ferie"] or "non", None)
    yield ("contexte", None, None, None, "vacances_scolaires", school, f"zone {context['zone_scolaire']}")
    yield ("contexte", None, None, None, "heures_du_jour", context["heures_du_jour"], "h")


def _alerts(report: dict[str, Any]) -> Iterator[Row]:
    for rank, alert in enumerate(report["alertes"]["congestion"] or (), start=1):
        named = ("alertes_congestion", rank, alert["identifiant_arc"], street(alert["libelle"]))
        yield from _when(named, alert)
        yield (*named, "duree_heures", alert["duree_heures"], "h")
        yield (*named, "taux_occupation_max", alert["taux_occupation_max"], "%")
        yield (*named, "severite", alert["severite"], None)
    for rank, alert in enumerate(report["alertes"]["transports"] or (), start=1):
        named = ("interruptions", rank, alert["ligne"], alert["titre"])
        yield from _when(named, alert)
        yield (*named, "duree_heures", alert["duree_heures"], "h")


def _when(named: Row, one: dict[str, Any]) -> Iterator[Row]:
    for name in ("debut", "fin"):
        yield (*named, name, one[name] and moment(one[name]), None)


def _sensors(report: dict[str, Any]) -> Iterator[Row]:
    for source, identifier, label in (
        ("comptages", "identifiant_arc", "libelle"),
        ("bikes", "id_compteur", "nom_compteur"),
    ):
        for sensor in report["capteurs_defaillants"][source] or ():
            named = (f"capteurs_{source}", None, sensor[identifier], _sensor_name(source, sensor[label]))
            yield (*named, sensor["motif"], sensor["heures_consecutives"], "h")
        for one in report.get("capteurs_ecartes", {}).get(source) or ():
            named = (f"ecartes_{source}", None, one[identifier], _sensor_name(source, one[label]))
            yield (*named, "regle", one["regle"], None)
            yield (*named, "aurait_ajoute", one["aurait_ajoute"], None)


def _sensor_name(source: str, label: str | None) -> str | None:
    return street(label) if label and source == "comptages" else label


def _works(report: dict[str, Any], metrics: Mapping[str, Metrics]) -> Iterator[Row]:
    works = report["chantiers"]
    if works is None:
        return
    yield ("chantiers", None, None, None, "nombre_chantiers_actifs", works["nombre_chantiers_actifs"], "chantiers")
    yield ("chantiers", None, None, None, "surface_totale_m2", works["surface_totale_m2"], "m²")
    for key in ("par_impact", "par_niveau"):
        for name, count in works[key].items():
            yield ("chantiers", None, None, IMPACTS.get(name, name), key, count, "chantiers")
    for one in works["par_arrondissement"]:
        place, count = one["arrondissement"], one["nombre_chantiers"]
        yield ("chantiers", None, place, None, "nombre_chantiers_actifs", count, "chantiers")
    for rank, one in enumerate(works["zones_critiques"], start=1):
        place, count = one["arrondissement"], one["nombre_chantiers"]
        yield ("zones_critiques", rank, place, None, "nombre_chantiers_actifs", count, "chantiers")
    for work in metrics.get("chantiers", {}).get("metrics", ()):
        named = ("liste_chantiers", None, work["identifiant"], work["voies"] and street(work["voies"]))
        yield (*named, "arrondissement", work["arrondissement"], None)
        yield (*named, "impact", IMPACTS.get(work["impact"], work["impact"]), None)
        yield (*named, "niveau", LEVELS.get(work["niveau"]), None)
        yield from _when(named, {"debut": work["date_debut"], "fin": work["date_fin"]})


def _disruptions(report: dict[str, Any]) -> Iterator[Row]:
    if report["perturbations"] is None:
        return
    for key in ("severite", "cause", "mode"):
        for name, count in report["perturbations"][f"par_{key}"].items():
            yield ("perturbations", None, name, None, f"par_{key}", count, "perturbations")
    for mode, share in report["perturbations"]["reliability_par_mode"].items():
        yield ("perturbations", None, mode, None, "reliability_par_mode", share, "% des heures de service")
    for mode, count in report["perturbations"]["lignes_perturbees"].items():
        yield ("perturbations", None, mode, None, "lignes_perturbees", count, "lignes")
    for rank, one in enumerate(report["perturbations"]["longue_duree"], start=1):
        yield from _when(("longue_duree", rank, one["id"], one["titre"]), one)
    for line in report["perturbations"]["par_ligne"]:
        for name in ("heures_perturbees", "heures_bloquees"):
            yield ("lignes", None, line["id_ligne"], line["ligne"], name, line[name], "h")


def _weather(report: dict[str, Any]) -> Iterator[Row]:
    if report["meteo"] is None:
        return
    units = {"temp": "°C", "precip": "mm", "vent": "km/h"}
    for name, value in report["meteo"]["metrics"].items():
        yield ("meteo", None, None, None, name, value, units.get(name.split("_")[0]))
    yield ("meteo", None, None, None, "impact_mobilite", report["meteo"]["impact_mobilite"], "0..100 (modèle)")


def moment(text: str) -> str:
    """Write 2025-11-04 or 2025-11-04T08:30 as a French Excel reads them: 04/11/2025, 04/11/2025 08:30."""
    return f"{datetime.fromisoformat(text):{'%d/%m/%Y %H:%M' if 'T' in text else '%d/%m/%Y'}}"


def csv_cell(value: Any) -> str:
    """Write one value with a decimal comma; what a spreadsheet would run as a formula is text."""
    if isinstance(value, float):
        return repr(int(value) if value.is_integer() else value).replace(".", ",")
    return spreadsheet_cell(value)
