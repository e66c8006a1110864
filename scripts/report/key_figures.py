"""The figures of the report that stand beside the past: key figures and the hours of the day."""

from collections.abc import Callable
from datetime import date
from typing import Any

from lib.figures.past_days import evolution, usual_hours

Metrics = dict[str, Any]

# Figures compared with the past: key, source, where it stands in that source's metrics, unit.
KEY_FIGURES: tuple[tuple[str, str, Callable[[Metrics], float | None], str], ...] = (
    ("debit_routier", "comptages", lambda m: m["global_metrics"]["debit_journalier_total"], "véhicules x arcs"),
    ("taux_occupation_routier", "comptages", lambda m: m["global_metrics"]["taux_occupation_moyen"], "%"),
    ("temps_perdu", "comptages", lambda m: m["global_metrics"]["temps_perdu_total_minutes"], "minutes (modèle)"),
    ("passages_velo", "bikes", lambda m: m["total_jour"], "passages"),
    ("perturbations", "traffic", lambda m: m["nombre_perturbations"], "perturbations"),
    ("fiabilite_transports", "traffic", lambda m: m["reliability_index"], "% des lignes-heures"),
    ("chantiers_actifs", "chantiers", lambda m: m["nombre_chantiers_actifs"], "chantiers"),
    ("temperature_moyenne", "weather", lambda m: m["metrics"]["temp_moyenne"], "°C"),
    ("precipitations", "weather", lambda m: m["metrics"]["precip_totale"], "mm"),
)


# Hour by hour: name, source, where the profile stands in that source's metrics, the key of its value, unit.
PROFILES: tuple[tuple[str, str, Callable[[Metrics], list[Metrics]], str, str], ...] = (
    ("trafic_routier", "comptages", lambda m: m["global_metrics"]["profil_horaire"], "debit_total", "véhicules x arcs"),
    ("velo", "bikes", lambda m: m["profil_horaire"], "total", "passages"),
)


def measured(metrics: dict[str, Metrics]) -> dict[str, Metrics]:
    """The sources that measured anything that day; nothing of the others is zero, all of it is missing."""
    return {source: one for source, one in metrics.items() if one["qualite"]["statut"] != "absent"}


def key_figures(metrics: dict[str, Metrics], past: dict[str, dict[date, Metrics]], day: date) -> dict[str, Any]:
    """Each key figure with its evolution; a figure of a missing source has the value None."""
    return {
        key: {
            "source": source,
            "unite": unit,
            **evolution(metrics.get(source), day, past.get(source, {}), figure),
        }
        for key, source, figure, unit in KEY_FIGURES
    }


def hourly_profiles(metrics: dict[str, Metrics], past: dict[str, dict[date, Metrics]]) -> dict[str, Any]:
    """The 24 hours of the day beside those of the usual day (median of the past same weekdays); None when missing."""
    return {
        name: {
            "unite": unit,
            "jour": [one[value] for one in profile(metrics[source])],
            "habituel": usual_hours([one[value] for one in profile(old)] for old in past.get(source, {}).values()),
            "jours_compares": len(past.get(source, {})),
        }
        if source in metrics
        else None
        for name, source, profile, value, unit in PROFILES
    }
