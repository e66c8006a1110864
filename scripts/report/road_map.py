"""What the map of the day shows, out of the stored metrics, and the same as a table for who cannot see it."""

from collections import Counter
from itertools import compress
from operator import itemgetter
from typing import Any

import numpy as np

from scripts.report.french import arrondissement, counted, number, short_date, span, street
from scripts.report.key_figures import Metrics
from scripts.report.svg_map import ORDER, STATES, Codes, MapArcs, MapMark, city_map, degrees, in_frame
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
    works = metrics.get("chantiers", {}).get("metrics", [])
    alerts = metrics.get("comptages", {}).get("alertes_congestion", [])
    placed = _works(works), _alerts(alerts, metrics)
    inside = [_numbered([*compress(group, in_frame(degrees(one.point for one in group)))]) for group in placed]
    if len(inside[0]) > NUMBERED:
        inside[0] = [one._replace(number="") for one in inside[0]]
    marks = inside[0] + inside[1]
    if not len(arcs.states) and not marks:
        return None
    states, moments = _counted(arcs.states), [_counted(states) for states in arcs.moments.T]
    return {
        "dessin": city_map(arcs, places, marks, _words(metrics, states, *map(len, placed))),
        "legende": [
            {"classe": STATES[state], "etat": state, "nombre": states[state], "heures": [one[state] for one in moments]}
            for state in reversed(STATES)
        ],
        "heures": MOMENTS[: len(moments)],
        "contours": bool(places),
        "reperes": {"alertes": inside[1], "chantiers": inside[0]},
        "comptes": Counter(mark.shape for mark in marks),
        "comptages": "comptages" in metrics,
        "traces": any(arcs.traces),
        "hors_cadre": int((np.isfinite(arcs.points[:, 0]) & ~in_frame(arcs.points)).sum()),
        "sans_place": [
            (len(rows) - len(drawn), word)
            for rows, drawn, word in zip((works, alerts), inside, ("chantier", "alerte"), strict=True)
            if len(rows) > len(drawn)
        ],
        "arrondissements": by_place(metrics, arcs),
    }


def _arcs(metrics: dict[str, Metrics]) -> MapArcs:
    mapping = metrics.get("referentiel", {}).get("mapping", [])
    traces = {arc["identifiant_arc"]: arc.get("trace") for arc in mapping}
    roads = metrics["comptages"]["metrics"] if "comptages" in metrics else None
    arcs = mapping if roads is None else roads
    return MapArcs(
        np.array([ORDER[UNKNOWN if roads is None else shown_state(arc)] for arc in arcs], dtype=np.int64),
        np.array([arc.get("debit_journalier_total") for arc in arcs], dtype=float),
        [traces.get(arc["identifiant_arc"]) for arc in arcs],
        degrees(arc["geo_point_2d"] for arc in arcs),
        np.array([arc["arrondissement"] or 0 for arc in arcs], dtype=np.int64),
        _moments(arcs),
    )


def _moments(arcs: list[Metrics]) -> Codes:
    """Find the state of each arc at each of the MOMENTS, by its occupancy; none where a version stored no hours."""
    if not arcs or not all("taux_horaires" in arc for arc in arcs):
        return np.empty((len(arcs), 0), dtype=np.int64)
    rates = np.array([itemgetter(*MOMENTS)(arc["taux_horaires"]) for arc in arcs], dtype=float)
    return np.where(np.isnan(rates), ORDER[UNKNOWN], np.searchsorted(STATE_BOUNDS, rates, side="right") + 1)


def _counted(states: Codes) -> dict[str, int]:
    """Count the arcs of each state."""
    return dict(zip(STATES, np.bincount(states, minlength=len(STATES)).tolist(), strict=True))


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


def _works(works: list[Metrics]) -> list[MapMark]:
    return [
        MapMark(
            "chantier-fort" if work["niveau"] == VERY_DISRUPTIVE else "chantier",
            work["geo_point_2d"],
            f"Chantier : {street(work['voies'] or work['identifiant'])}, "
            f"{IMPACTS.get(work['impact'], work['impact'])}, jusqu'au {short_date(work['date_fin'])}",
        )
        for work in works
        if work["geo_point_2d"]
    ]


def _alerts(alerts: list[Metrics], metrics: dict[str, Metrics]) -> list[MapMark]:
    named, arcs = {alert["identifiant_arc"] for alert in alerts}, metrics["comptages"]["metrics"] if alerts else ()
    points = {arc["identifiant_arc"]: arc["geo_point_2d"] for arc in arcs if arc["identifiant_arc"] in named}
    return [
        MapMark(
            "alerte",
            points[alert["identifiant_arc"]],
            f"Alerte {alert['severite']} : {street(alert['libelle'])}, {span(alert['debut'], alert['fin'])}",
        )
        for alert in alerts
        if points.get(alert["identifiant_arc"])
    ]


def _words(metrics: dict[str, Metrics], states: dict[str, int], works: int, alerts: int) -> str:
    parts = [f"{state.lower()} {number(states[state])}" for state in reversed(STATES) if states[state]]
    known = (
        counted(works, "chantier") if "chantiers" in metrics else "chantiers inconnus",
        f"{counted(alerts, 'alerte')} de congestion" if "comptages" in metrics else "alertes inconnues",
    )
    return f"Carte de Paris. Tronçons par état de pointe : {', '.join(parts) or 'aucun'}. {', '.join(known)}."


def by_place(metrics: dict[str, Metrics], drawn: MapArcs) -> list[dict[str, Any]]:
    """Build a row per arrondissement: nom, etats {state: arcs}, chantiers, alertes; None for a missing source."""
    roads, works = metrics.get("comptages"), metrics.get("chantiers")
    arcs = {int(place) or None: _counted(drawn.states[drawn.places == place]) for place in np.unique(drawn.places)}
    alerts = Counter(alert["arrondissement"] for alert in (roads or {}).get("alertes_congestion", []))
    sites = Counter(work["arrondissement"] for work in (works or {}).get("metrics", []))
    places = set(arcs if roads else ()) | set(alerts) | set(sites)
    return [
        {
            "nom": arrondissement(place),
            "etats": arcs.get(place, dict.fromkeys(STATES, 0)) if roads else None,
            "alertes": alerts[place] if roads else None,
            "chantiers": sites[place] if works else None,
        }
        for place in sorted(places, key=lambda place: (place is None, place or 0))
    ]
