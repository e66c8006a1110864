"""The figures of the report that stand beside the past: key figures and the hours of the day."""

from datetime import date
from functools import partial
from typing import Any

from lib.figures.key_figures import HourlyProfile, at
from lib.figures.past_days import evolution, usual_hours
from scripts.registry import SOURCES, on_the_page

Metrics = dict[str, Any]


def measured(metrics: dict[str, Metrics]) -> dict[str, Metrics]:
    """Select the sources that measured anything that day; nothing of the others is zero, all of it is missing."""
    return {source: one for source, one in metrics.items() if one["qualite"]["statut"] != "absent"}


def key_figures(metrics: dict[str, Metrics], past: dict[str, dict[date, Metrics]], day: date) -> dict[str, Any]:
    """Build each key figure with its evolution; a figure of a missing source has the value None."""
    every = sorted(
        ((source.name, figure) for source in SOURCES.values() for figure in source.key_figures),
        key=lambda pair: pair[1].rank,
    )
    return {
        figure.name: {
            "source": source,
            "unite": figure.unit,
            **evolution(metrics.get(source), day, past.get(source, {}), partial(at, where=figure.where)),
        }
        for source, figure in every
    }


def hourly_profiles(metrics: dict[str, Metrics], past: dict[str, dict[date, Metrics]]) -> dict[str, Any]:
    """Put the 24 hours of the day beside those of the usual day (median of past same weekdays); None when missing."""
    return {
        profile.name: _beside_usual(profile, metrics[source.name], list(past.get(source.name, {}).values()))
        if source.name in metrics
        else None
        for source in on_the_page(SOURCES)
        for profile in source.profiles
    }


def _beside_usual(profile: HourlyProfile, metrics: Metrics, past: list[Metrics]) -> dict[str, Any]:
    def values(day: Metrics) -> list[float | None]:
        return [one[profile.value] for one in at(day, profile.where)]

    return {
        "unite": profile.unit,
        "jour": values(metrics),
        "habituel": usual_hours(map(values, past)),
        "jours_compares": len(past),
    }
