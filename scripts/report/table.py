"""The report as a tidy table (see scripts/report/tidy).

Sections and indicators are in words; the keys are those of the JSON, which programs read. A missing source is one row
that says so.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from lib.figures.quality import IN_WORDS
from scripts.registry import SOURCES
from scripts.report.cards import LABELS
from scripts.report.french import street, zone
from scripts.report.key_figures import Metrics
from scripts.report.road_map import IMPACTS, LEVELS
from scripts.report.tidy import Figure, Row, Shown, csv_cell, each, tidy_csv

# The earlier days that a figure stands beside: their key, their name, what a change and a difference are called.
EARLIER = (
    (
        "semaine_precedente",
        "semaine précédente",
        "évolution depuis la semaine précédente",
        "écart à la semaine précédente",
    ),
    ("mediane", "habitude", "écart à l'habitude", "écart à l'habitude, en points"),
    ("annee_precedente", "52 semaines avant", "évolution depuis 52 semaines", "écart à 52 semaines avant"),
)
SENSORS = {
    "attendus": "capteurs attendus",
    "mesures": "capteurs qui ont mesuré",
    "ecartes": "capteurs laissés de côté",
    "base": "capteurs attendus d'après",
}
WHEN: tuple[Figure, ...] = (("debut", "début", None), ("fin", "fin", None))
LASTED = (*WHEN, ("duree_heures", "durée", "h"))
MOVED = {"comptages": "Rues", "bikes": "Compteurs vélo"}
FAULTY: tuple[tuple[str, str, str, str, Shown], ...] = (
    ("comptages", "Tronçons", "identifiant_arc", "libelle", street),
    ("bikes", "Compteurs vélo", "id_compteur", "nom_compteur", csv_cell),
)
WORKS: tuple[Figure, ...] = (
    ("arrondissement", "arrondissement", None),
    ("impact", "impact", None),
    ("niveau", "niveau", None),
    ("date_debut", "début", None),
    ("date_fin", "fin", None),
)
WEATHER: tuple[Figure, ...] = (
    ("temp_moyenne", "température moyenne", "°C"),
    ("temp_min", "température minimale", "°C"),
    ("temp_max", "température maximale", "°C"),
    ("precip_totale", "pluie", "mm"),
    ("vent_moyen", "vent moyen", "km/h"),
    ("vent_max", "vent maximal", "km/h"),
    ("conditions", "temps", None),
)


def report_csv(report: dict[str, Any], metrics: Mapping[str, Metrics] = MappingProxyType({})) -> bytes:
    """Write the whole table as bytes. metrics: by source, for the lists that the report only counts."""
    return tidy_csv(_rows(report, metrics))


def _rows(report: dict[str, Any], metrics: Mapping[str, Metrics]) -> Iterator[Row]:
    """Iterate over every row, in the order of the report."""
    yield ("Résumé", None, None, report["resume"]["phrase"], "statut", report["resume"]["statut"], None)
    yield from _context(report["contexte"])
    yield from _sources(report["sources"], metrics)
    for rank, one in enumerate(report.get("constats", ()), start=1):
        named = ("Points à voir", rank, f"{one['source']} {one['code']}", one["message"])
        yield (*named, "gravité", one["severite"], None)
    for key, figure in report["chiffres_cles"].items():
        yield from _key_figure(("Chiffres du jour", None, key, LABELS.get(key)), figure)
    yield from _hours(report["profils_horaires"])
    yield from _tops(report["tops"])
    yield from _unusual(report)
    yield from _alerts(report["alertes"])
    yield from _sensors(report)
    yield from _works(report["chantiers"], metrics)
    yield from _disruptions(report["perturbations"])
    yield from _weather(report["meteo"])


def _context(context: dict[str, Any]) -> Iterator[Row]:
    school = context["vacances_scolaires"] or ("non" if context["vacances_scolaires_connues"] else "inconnu")
    named = ("Contexte", None, None, None)
    yield (*named, "jour de la semaine", context["jour_semaine"], None)
    yield (*named, "jour férié", context["jour_ferie"] or "non", None)
    yield (*named, "vacances scolaires", school, f"zone {context['zone_scolaire']}")
    yield (*named, "heures dans la journée", context["heures_du_jour"], "h")


def _sources(states: dict[str, Any], metrics: Mapping[str, Metrics]) -> Iterator[Row]:
    for source, state in states.items():
        named = (None, source, SOURCES[source].french)
        yield ("Sources", *named, "statut", state["statut"], None)
        if state["couverture"] is not None:
            yield ("Sources", *named, "couverture", state["couverture"], "0..1")
            yield ("Sources", *named, "lignes rejetées", state["rejets"], "lignes")
        for name, number in (state.get("capteurs") or {}).items():
            yield ("Sources", *named, SENSORS[name], number, None if name == "base" else "capteurs")
        if state.get("heures_vues") is not None:
            missing = ", ".join(map(str, state["heures_manquantes"]))
            yield ("Sources", *named, "heures vues", state["heures_vues"], "h")
            yield ("Sources", *named, "heures sans mesure", missing or "aucune", None)
        for reason, count in metrics[source]["qualite"]["rejets"].items() if source in metrics else ():
            yield ("Lignes rejetées", *named, IN_WORDS.get(reason, reason), count, "lignes")


def _key_figure(named: Row, figure: dict[str, Any]) -> Iterator[Row]:
    """Write a figure beside each earlier day; then of one of sensors on how many of them each change rests."""
    unit = figure["unite"]
    yield (*named, "ce jour", figure["valeur"], unit)
    for key, words, change, _ in EARLIER:
        median = key == "mediane"
        value = figure["mediane_4_semaines" if median else key]
        yield (*named, "habitude (médiane de 4 semaines)" if median else words, value, unit)
        yield (*named, change, figure[f"evolution_{key}_pct"], "%")
    yield (*named, "comparé à", figure["comparaison"], "")
    for key, words, _, difference in EARLIER:
        if base := figure[f"{key}_base"]:
            yield (*named, f"{words} : capteurs constants", base["capteurs"], "capteurs")
            yield (*named, f"{words} : capteurs qui ont mesuré", base["sur"], "capteurs")
            yield (*named, f"{words} : part du jour", base["part_du_jour"], "0..1")
            yield (*named, f"{words} : part du passé", base["part_du_passe"], "0..1")
            yield (*named, f"{words} : marge", base["marge"], "points")
            if base["pourquoi"]:
                yield (*named, f"{words} : pourquoi rien", base["pourquoi"], None)
        if (points := figure.get(f"evolution_{key}_points")) is not None:
            yield (*named, difference, points, "points")
    for key, words, *_ in EARLIER:
        if particular := figure.get(f"{key}_particularite"):
            yield (*named, f"{words} : particularité", particular, None)
    if figure["mediane_jours"]:
        yield (*named, "habitude : jours", ", ".join(map(csv_cell, figure["mediane_jours"])), None)


def _hours(profiles: dict[str, Any]) -> Iterator[Row]:
    """Write the 24 hours of the day and of the usual one; the rank is the hour that begins."""
    for name, profile in profiles.items():
        for line, words in (("jour", "ce jour"), ("habituel", "habitude")) if profile else ():
            for hour, value in enumerate(profile[line]):
                both = " (les deux)" if hour == profile["heure_double"] else ""
                yield ("Heure par heure", hour, name, f"{hour:02d} h{both}", words, value, profile["unite"])


def _tops(tops: dict[str, Any]) -> Iterator[Row]:
    peak = ("heure_pic", "heure de pointe", "h")
    roads = (("debit_journalier_total", "débit du jour", "véhicules × arcs"), peak)
    rates = (
        ("part_heures_saturees_pct", "part des heures saturées", "%"),
        ("taux_occupation_moyen", "taux d'occupation moyen", "%"),
    )
    bikes = (("total_jour", "passages du jour", "passages"), peak)
    lines = (("heures_perturbees", "heures perturbées", "h"), ("nombre_perturbations", "nombre de perturbations", ""))
    yield from each("Tronçons les plus chargés", tops["troncons"], "identifiant_arc", "libelle", roads, shown=street)
    yield from each("Zones congestionnées", tops["zones_congestionnees"], "zone", "zone", rates, shown=zone)
    yield from each("Compteurs vélo", tops["compteurs_velo"], "id_compteur", "nom_compteur", bikes)
    yield from each("Lignes les plus perturbées", tops["lignes_impactees"], "id_ligne", "ligne", lines)


def _unusual(report: dict[str, Any]) -> Iterator[Row]:
    unusual = report["hors_ordinaire"] or {"lignes": (), "autres": ()}
    for rank, one in enumerate([*unusual["lignes"], *unusual["autres"]], start=1):
        named = ("Hors de l'ordinaire", rank, one["source"], one["quoi"])
        yield (*named, "ce jour", one["valeur"], one["unite"])
        yield (*named, "habitude", one["usuel"], one["unite"])
        yield (*named, "écart à l'habitude", one["ecart_pct"], "%")
        yield (*named, "début", one["debut"], "h")
        yield (*named, "fin", one["fin"], "h")
    for source, sides in report["evolutions"].items():
        unit = SOURCES[source].profiles[0].unit
        values = (
            ("valeur", "ce jour", unit),
            ("usuel", "habitude", unit),
            ("ecart", "écart", unit),
            ("ecart_pct", "écart à l'habitude", "%"),
        )
        for side, moved in sides.items():
            yield from each(f"{MOVED[source]} en {side}", moved, None, "libelle", values)


def _alerts(alerts: dict[str, Any]) -> Iterator[Row]:
    roads = (*LASTED, ("taux_occupation_max", "taux d'occupation maximal", "%"), ("severite", "gravité", None))
    yield from each("Alertes de congestion", alerts["congestion"], "identifiant_arc", "libelle", roads, shown=street)
    yield from each("Interruptions de ligne", alerts["transports"], "ligne", "titre", LASTED)


def _sensors(report: dict[str, Any]) -> Iterator[Row]:
    rule = (("regle", "règle", None), ("aurait_ajoute", "aurait ajouté", None))
    for source, words, name, label, shown in FAULTY:
        for one in report["capteurs_defaillants"][source] or ():
            named = (f"{words} en défaut", None, one[name], shown(one[label]))
            yield (*named, one["motif"], one["heures_consecutives"], "h")
        aside = report.get("capteurs_ecartes", {}).get(source)
        yield from each(f"{words} laissés de côté", aside, name, label, rule, ranked=False, shown=shown)


def _works(works: dict[str, Any] | None, metrics: Mapping[str, Metrics]) -> Iterator[Row]:
    if works is None:
        return
    yield ("Chantiers", None, None, None, "chantiers actifs", works["nombre_chantiers_actifs"], "chantiers")
    yield ("Chantiers", None, None, None, "surface totale", works["surface_totale_m2"], "m²")
    for key in ("impact", "niveau"):
        for name, count in works[f"par_{key}"].items():
            yield ("Chantiers", None, None, IMPACTS.get(name, name), f"chantiers par {key}", count, "chantiers")
    active = [("nombre_chantiers", "chantiers actifs", "chantiers")]
    yield from each("Chantiers", works["par_arrondissement"], "arrondissement", None, active, ranked=False)
    yield from each("Zones critiques", works["zones_critiques"], "arrondissement", None, active)
    listed = (
        one | {"impact": IMPACTS.get(one["impact"], one["impact"]), "niveau": LEVELS.get(one["niveau"])}
        for one in metrics.get("chantiers", {}).get("metrics", ())
    )
    yield from each("Liste des chantiers", listed, "identifiant", "voies", WORKS, ranked=False, shown=street)


def _disruptions(found: dict[str, Any] | None) -> Iterator[Row]:
    if found is None:
        return
    for key, words in (("severite", "gravité"), ("cause", "cause"), ("mode", "mode")):
        for name, count in found[f"par_{key}"].items():
            yield ("Perturbations", None, name, None, f"perturbations par {words}", count, "perturbations")
    for mode, share in found["reliability_par_mode"].items():
        yield ("Perturbations", None, mode, None, "fiabilité", share, "% des heures de service")
    for mode, count in found["lignes_perturbees"].items():
        yield ("Perturbations", None, mode, None, "lignes perturbées", count, "lignes")
    yield from each("Longue durée", found["longue_duree"], "id", "titre", WHEN)
    hours = (("heures_perturbees", "heures perturbées", "h"), ("heures_bloquees", "heures interrompues", "h"))
    yield from each("Lignes perturbées", found["par_ligne"], "id_ligne", "ligne", hours, ranked=False)


def _weather(weather: dict[str, Any] | None) -> Iterator[Row]:
    if weather is not None:
        yield from each("Météo", [weather["metrics"]], None, None, WEATHER, ranked=False)
        yield ("Météo", None, None, None, "gêne pour la mobilité", weather["impact_mobilite"], "0..100 (modèle)")
