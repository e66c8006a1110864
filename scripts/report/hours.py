"""The day hour by hour: each chart, its words for a screen reader, and its table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lib.figures.past_days import change
from scripts.report.french import counted, hour, number, quantity
from scripts.report.svg_charts import hour_chart, weather_chart

Metrics = dict[str, Any]


@dataclass(frozen=True)
class Chart:
    """How one profile of the report is drawn; `measured`: how many sensors of its source measured each hour."""

    profile: str
    kind: str  # its colour in the stylesheet
    title: str
    source: str
    measured: Callable[[Metrics], list[int]]


def _measured_arcs(comptages: Metrics) -> list[int]:
    return [one["troncons_mesures"] for one in comptages["global_metrics"]["profil_horaire"]]


def _measured_counters(bikes: Metrics) -> list[int]:
    return [one["compteurs_mesures"] for one in bikes["profil_horaire"]]


CHARTS = (
    Chart("trafic_routier", "routes", "Trafic routier", "comptages", _measured_arcs),
    Chart("velo", "velos", "Vélo", "bikes", _measured_counters),
)


def hour_views(report: dict[str, Any], metrics: dict[str, Metrics]) -> list[dict[str, Any]]:
    """Build one view per profile: titre, genre, dessin (None for a missing source), unite, jour, usuel, lignes."""
    weekday = report["contexte"]["jour_semaine"]
    return [
        _view(chart, report["profils_horaires"][chart.profile], weekday, chart.measured(metrics[chart.source]))
        if report["profils_horaires"][chart.profile]
        else {"titre": chart.title, "genre": chart.kind, "dessin": None}
        for chart in CHARTS
    ]


def _view(chart: Chart, profile: dict[str, Any], weekday: str, measured: list[int]) -> dict[str, Any]:
    day, usual = profile["jour"], profile["habituel"]
    return {
        "titre": chart.title,
        "genre": chart.kind,
        "unite": profile["unite"].replace(" x ", " × "),
        "jour": f"ce {weekday}",
        "usuel": f"médiane de {counted(profile['jours_compares'], weekday)}" if profile["jours_compares"] else None,
        "dessin": hour_chart(chart.kind, day, usual, _words(chart.title, profile, weekday)),
        "lignes": [
            {
                "heure": hour(at),
                "jour": number(day[at], 0),
                "usuel": number(usual[at], 0),
                "ecart": change(day[at], usual[at]),
                "mesures": number(measured[at]),
            }
            for at in range(len(day))
        ],
    }


def _words(title: str, profile: dict[str, Any], weekday: str) -> str:
    known = [(value, at) for at, value in enumerate(profile["jour"]) if value is not None]
    if not known:
        return f"{title} heure par heure : aucune heure mesurée."
    (high, peak), (low, trough) = max(known), min(known)
    text = (
        f"{title} heure par heure, en {profile['unite']} : le plus à {hour(peak)} ({number(high, 0)}), "
        f"le moins à {hour(trough)} ({number(low, 0)})"
    )
    usual = [(value, at) for at, value in enumerate(profile["habituel"]) if value is not None]
    if usual:
        text += f" ; le {weekday} habituel a son plus haut à {hour(max(usual)[1])} ({number(max(usual)[0], 0)})"
    return f"{text}. Le tableau suit."


def weather_view(metrics: Metrics) -> dict[str, Any]:
    """Build dessin (None without hours) and lignes, for the table."""
    hours = metrics["heures"]
    day = metrics["metrics"]
    words = (
        f"Température et pluie heure par heure : de {quantity(day['temp_min'], '°C')} à "
        f"{quantity(day['temp_max'], '°C')}, {quantity(day['precip_totale'], 'mm')} de pluie. Le tableau suit."
    )
    known = any(one["temp"] is not None or one["precip"] is not None for one in hours)
    return {
        "dessin": weather_chart(hours, words) if known else None,
        "lignes": [
            {
                "heure": hour(one["heure"]),
                "temp": quantity(one["temp"], "°C"),
                "precip": quantity(one["precip"], "mm"),
                "vent": quantity(one["vent"], "km/h"),
            }
            for one in hours
        ],
    }
