"""The figures of the report that stand beside the past: key figures and the hours of the day."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from lib.common.paris_time import WEEKS_COMPARED, recent_days, same_weekdays_before
from lib.figures.key_figures import HourlyProfile, KeyFigure, at
from lib.figures.past_days import USABLE_FROM, Past, evolution, usual_hours
from lib.figures.sensor_days import hours_of, pair_of_hours
from lib.raw.source import Source
from scripts.registry import SOURCES, on_the_page

SECOND_TIME = 24  # column of the second 02 h of the autumn change day (see paris_time.clock_hours)

Metrics = dict[str, Any]
# The key figures of all sources, in the order in which they are named.
FIGURES: list[tuple[Source, KeyFigure]] = sorted(
    ((source, figure) for source in SOURCES.values() for figure in source.key_figures), key=lambda pair: pair[1].rank
)


def measured(metrics: dict[str, Metrics]) -> dict[str, Metrics]:
    """Choose the sources that measured anything that day; nothing of the others is zero, all of it is missing."""
    return {source: one for source, one in metrics.items() if one["qualite"]["statut"] != "absent"}


def key_figures(
    metrics: dict[str, Metrics], past: dict[str, Past], day: date, recent: Mapping[date, dict[str, Any]]
) -> dict[str, Any]:
    """Put each key figure beside its past; a figure of a missing source has the value None.

    recent: the key figures of the reports of recent days.
    """
    found = {
        figure.name: _beside_past(source, figure, metrics.get(source.name), past, day) for source, figure in FIGURES
    }
    for name, figure in found.items():
        earlier = [recent.get(when, {}).get(name, {}) for when in reversed(recent_days(day))]
        figure["jours_recents"] = [usable(one) for one in (*earlier, figure)]
    return found


def usable(figure: dict[str, Any]) -> float | None:
    """Read the value of a figure; None of a day too partial to stand beside others."""
    return figure.get("valeur") if (figure.get("couverture") or 0.0) >= USABLE_FROM else None


def _beside_past(
    source: Source, figure: KeyFigure, metrics: Metrics | None, past: dict[str, Past], day: date
) -> dict[str, Any]:
    account = metrics["qualite"] if metrics else {}
    return {
        "source": source.name,
        "unite": figure.unit,
        "couverture": account.get("couverture"),
        "capteurs": account.get("capteurs") if figure.hours else None,
        **evolution(metrics, day, past.get(source.name, {}), figure, source.sensors),
    }


def hourly_profiles(metrics: dict[str, Metrics], past: dict[str, Past], day: date) -> dict[str, Any]:
    """Put the 24 hours of the day beside those of the usual day; None when missing."""
    return {
        profile.name: _beside_usual(source, profile, metrics[source.name], past.get(source.name, {}), day)
        if source.name in metrics
        else None
        for source in on_the_page(SOURCES)
        for profile in source.profiles
    }


def _beside_usual(source: Source, profile: HourlyProfile, metrics: Metrics, past: Past, day: date) -> dict[str, Any]:
    """Find the usual hours of the day's own sensors; an hour that most of them lack is a gap on both sides."""
    missing = metrics["qualite"].get("heures_manquantes", [])
    shown = [None if one["heure"] in missing else one[profile.value] for one in at(metrics, profile.where)]

    weeks = [when for when in same_weekdays_before(day, WEEKS_COMPARED) if when in past]
    usual: list[float | None] = [None] * len(shown)
    today, compared = None, 0
    if columns := source.sensors:
        today = hours_of(metrics, columns, columns.hours, day)
        pairs = [pair_of_hours(columns, columns.hours, metrics, day, past[when], when) for when in weeks]
        kept = [one for one in pairs if one is not None]
        compared = len(kept)
        usual = usual if today is None else usual_hours(shown, kept)
    return {
        "unite": profile.unit,
        "jour": shown,
        "habituel": usual,
        "jours_compares": compared,
        "heure_double": 2 if today is not None and SECOND_TIME in today else None,  # its value is that of both hours
    }
