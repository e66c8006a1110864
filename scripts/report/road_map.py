"""What the map of the day shows, out of the stored metrics, and the same as a table for who cannot see it."""

from collections import Counter
from typing import Any

import numpy as np

from scripts.report.french import arrondissement, counted, number, short_date, span, street
from scripts.report.key_figures import Metrics
from scripts.report.svg_map import STATES, MapArc, MapMark, city_map, in_frame
from scripts.sources.comptages.congestion import STATE_BOUNDS, UNKNOWN

VERY_DISRUPTIVE = 2
MOMENTS = (8, 13, 18)  # hours that the map can show besides the worst state of the day
NUMBERED = 120  # works; where there are more, their numbers would hide the streets
LEVELS = {1: "perturbant", VERY_DISRUPTIVE: "très perturbant"}
IMPACTS = {
    "BARRAGE_TOTAL": "barrage total",
    "IMPASSE": "mise en impasse",
    "RESTREINTE": "circulation restreinte",
    "SENS_UNIQUE": "mise en sens unique",
    "AUTRE": "autre",
    "NON_RENSEIGNE": "non renseigné",
}


def map_view(metrics: dict[str, Metrics]) -> dict[str, Any] | None:
    """Build dessin, legende [{classe, etat, nombre, heures}], heures, reperes (its marks), arrondissements.

    hors_cadre: arcs, and sans_place: works and alerts, that are not drawn. None with nothing to draw.

    Without road counts the arcs of the road reference are drawn as unknown; without road reference, or with
    one stored before lines were kept, arcs are points.
    """
    arcs, places = _arcs(metrics), metrics.get("referentiel", {}).get("contours", [])
    works, alerts = _works(metrics), _alerts(metrics)
    inside = [_numbered([one for one in group if in_frame(one.point)]) for group in (works, alerts)]
    if len(inside[0]) > NUMBERED:
        inside[0] = [one._replace(number="") for one in inside[0]]
    marks = inside[0] + inside[1]
    if not arcs and not marks:
        return None
    states = Counter(arc.state for arc in arcs)
    moments = [Counter(arc.moments[place] for arc in arcs) for place in range(len(arcs[0].moments) if arcs else 0)]
    return {
        "dessin": city_map(arcs, places, marks, _words(metrics, states, len(works), len(alerts))),
        "legende": [
            {"classe": STATES[state], "etat": state, "nombre": states[state], "heures": [one[state] for one in moments]}
            for state in reversed(STATES)
        ],
        "heures": MOMENTS[: len(moments)],
        "contours": bool(places),
        "reperes": {"alertes": inside[1], "chantiers": inside[0]},
        "comptes": Counter(mark.shape for mark in marks),
        "comptages": "comptages" in metrics,
        "traces": any(arc.trace for arc in arcs),
        "hors_cadre": sum(1 for arc in arcs if arc.point and not in_frame(arc.point)),
        "sans_place": [one for one in _without_place(metrics, inside) if one[0]],
        "arrondissements": by_place(metrics),
    }


def _arcs(metrics: dict[str, Metrics]) -> list[MapArc]:
    mapping = metrics.get("referentiel", {}).get("mapping", [])
    if "comptages" not in metrics:
        return [MapArc(UNKNOWN, None, arc.get("trace"), arc["geo_point_2d"], arc["arrondissement"]) for arc in mapping]
    traces = {arc["identifiant_arc"]: arc.get("trace") for arc in mapping}
    roads = metrics["comptages"]["metrics"]
    return [
        MapArc(
            shown_state(arc),
            arc["debit_journalier_total"],
            traces.get(arc["identifiant_arc"]),
            arc["geo_point_2d"],
            arc["arrondissement"],
            moments,
        )
        for arc, moments in zip(roads, _moments(roads), strict=True)
    ]


def _moments(roads: list[Metrics]) -> list[tuple[str, ...]]:
    """Name the state of each arc at each of the MOMENTS, by its occupancy; none where a version stored no hours."""
    if not all("taux_horaires" in arc for arc in roads):
        return [() for _ in roads]
    rates = np.array([[arc["taux_horaires"][hour] for hour in MOMENTS] for arc in roads], dtype=float)
    codes = np.where(np.isnan(rates), 0, np.searchsorted(STATE_BOUNDS, rates, side="right") + 1).reshape(len(roads), -1)
    names = list(STATES)
    return [tuple(names[code] for code in row) for row in codes.tolist()]


def shown_state(arc: Metrics) -> str:
    """Name the state that the map shows of an arc: the worst held at the peak, and « Bloqué » for one with an alert.

    Only the dominant one is known of figures of an older version.
    """
    worst = list(STATES)[-1]
    return worst if arc["congestion_alerte"] else str(arc.get("etat_trafic_pointe", arc["etat_trafic_dominant"]))


def _numbered(marks: list[MapMark]) -> list[MapMark]:
    """Give marks their number from west to east, so that neighbours on the map are neighbours in the list."""
    ordered = sorted(marks, key=lambda mark: (mark.point["lon"], mark.point["lat"]))
    return [mark._replace(number=str(place)) for place, mark in enumerate(ordered, start=1)]


def _works(metrics: dict[str, Metrics]) -> list[MapMark]:
    return [
        MapMark(
            "chantier-fort" if work["niveau"] == VERY_DISRUPTIVE else "chantier",
            work["geo_point_2d"],
            f"Chantier : {street(work['voies'] or work['identifiant'])}, "
            f"{IMPACTS.get(work['impact'], work['impact'])}, jusqu'au {short_date(work['date_fin'])}",
        )
        for work in metrics.get("chantiers", {}).get("metrics", [])
        if work["geo_point_2d"]
    ]


def _alerts(metrics: dict[str, Metrics]) -> list[MapMark]:
    roads = metrics.get("comptages", {"metrics": [], "alertes_congestion": []})
    points = {arc["identifiant_arc"]: arc["geo_point_2d"] for arc in roads["metrics"] if arc["geo_point_2d"]}
    return [
        MapMark(
            "alerte",
            points[alert["identifiant_arc"]],
            f"Alerte {alert['severite']} : {street(alert['libelle'])}, {span(alert['debut'], alert['fin'])}",
        )
        for alert in roads["alertes_congestion"]
        if alert["identifiant_arc"] in points
    ]


def _without_place(metrics: dict[str, Metrics], inside: list[list[MapMark]]) -> list[tuple[int, str]]:
    """Count the works and the alerts that are not drawn, so that the map accounts for those that the page counts."""
    every = (
        metrics.get("chantiers", {}).get("metrics", ()),
        metrics.get("comptages", {}).get("alertes_congestion", ()),
    )
    return [
        (len(rows) - len(marks), word) for rows, marks, word in zip(every, inside, ("chantier", "alerte"), strict=True)
    ]


def _words(metrics: dict[str, Metrics], states: Counter[str], works: int, alerts: int) -> str:
    parts = [f"{state.lower()} {number(states[state])}" for state in reversed(STATES) if states[state]]
    known = (
        counted(works, "chantier") if "chantiers" in metrics else "chantiers inconnus",
        f"{counted(alerts, 'alerte')} de congestion" if "comptages" in metrics else "alertes inconnues",
    )
    return f"Carte de Paris. Tronçons par état de pointe : {', '.join(parts) or 'aucun'}. {', '.join(known)}."


def by_place(metrics: dict[str, Metrics]) -> list[dict[str, Any]]:
    """Build a row per arrondissement: nom, etats {state: arcs}, chantiers, alertes; None for a missing source."""
    roads, works = metrics.get("comptages"), metrics.get("chantiers")
    arcs = Counter((arc["arrondissement"], shown_state(arc)) for arc in (roads or {}).get("metrics", []))
    alerts = Counter(alert["arrondissement"] for alert in (roads or {}).get("alertes_congestion", []))
    sites = Counter(work["arrondissement"] for work in (works or {}).get("metrics", []))
    places = {place for place, _ in arcs} | set(alerts) | set(sites)
    return [
        {
            "nom": arrondissement(place),
            "etats": {state: arcs[place, state] for state in reversed(STATES)} if roads else None,
            "alertes": alerts[place] if roads else None,
            "chantiers": sites[place] if works else None,
        }
        for place in sorted(places, key=lambda place: (place is None, place or 0))
    ]
