"""The day hour by hour: each chart, its words for a screen reader, and its table."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from lib.figures.key_figures import HourlyProfile, at
from lib.figures.past_days import change
from scripts.registry import SOURCES, on_the_page
from scripts.report.french import counted, hour, hours, joined, number, percent, quantity
from scripts.report.key_figures import Metrics
from scripts.report.svg_charts import extreme, hour_chart, weather_chart

Hours = Sequence[float | None] | npt.NDArray[np.float64]

HOUR_FLOOR = 0.2  # of the usual hour, from which an hour is part of « de 10 h à 16 h »


def hour_views(report: dict[str, Any], metrics: dict[str, Metrics]) -> list[dict[str, Any]]:
    """Build one view per profile: titre, genre, dessin (None for a missing source), unite, jour, usuel, lignes."""
    weekday = report["contexte"]["jour_semaine"]
    return [
        _view(report["profils_horaires"][drawn.name], drawn, weekday, metrics[source.name])
        if report["profils_horaires"][drawn.name]
        else {"titre": drawn.title, "genre": drawn.kind, "dessin": None}
        for source in on_the_page(SOURCES)
        for drawn in source.profiles
    ]


def _view(profile: dict[str, Any], drawn: HourlyProfile, weekday: str, metrics: Metrics) -> dict[str, Any]:
    kind, title = drawn.kind, drawn.title
    measured = [one[drawn.sensors] for one in at(metrics, drawn.where)]
    day, usual = profile["jour"], profile["habituel"]
    double = profile["heure_double"]
    chart = hour_chart(kind, _halved(day, double), _halved(usual, double), _words(title, profile, weekday))
    return {
        "titre": title,
        "genre": kind,
        "unite": profile["unite"],
        "jour": f"ce {weekday}",
        "usuel": f"médiane de {counted(profile['jours_compares'], weekday)}" if profile["jours_compares"] else None,
        "ecart": _gap(day, usual),
        "manquantes": joined([hours(*run) for run in _runs([value is None for value in day])]),
        "dessin": chart,
        "heure_double": double,
        "lignes": list(zip(day, usual, map(change, day, usual), measured, strict=True)),
    }


def _runs(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """List the runs of hours that are marked, each as its first hour and the end of its last."""
    runs = [list(run) for is_set, run in groupby(range(len(flags)), key=flags.__getitem__) if is_set]
    return [(run[0], run[-1] + 1) for run in runs]


def _halved(line: list[float | None], double: int | None) -> list[float | None]:
    """Show an hour that the clock shows twice as the mean of both: the axis is of one hour."""
    return [value / 2 if value is not None and place == double else value for place, value in enumerate(line)]


def _gap(day: list[float | None], usual: list[float | None]) -> str:
    """Say in words where the day is farthest from the usual one: « −31 % de 10 h à 16 h »; nothing where it is not."""
    start, end = longest_gap(day, usual)
    if start is None or end is None:
        return ""
    sums = [sum(value or 0.0 for value in line[start:end]) for line in (day, usual)]
    return f"{percent(change(*sums), 0, True)} {hours(start, end)}"


def longest_gap(day: Hours, usual: Hours) -> tuple[int | None, int | None]:
    """Find the run of hours in a row (first, last + 1) that are together farthest from the usual ones, on one side."""
    gap = np.asarray(day, dtype=float) - np.asarray(usual, dtype=float)
    gap *= np.sign(np.nansum(gap))
    part = np.isfinite(gap) & (gap > 0) & (gap >= HOUR_FLOOR * np.asarray(usual, dtype=float))
    return max(_runs(part.tolist()), key=lambda run: gap[slice(*run)].sum(), default=(None, None))


def _words(title: str, profile: dict[str, Any], weekday: str) -> str:
    high, low, usual = (
        extreme(profile[line], pick) for line, pick in (("jour", max), ("jour", min), ("habituel", max))
    )
    if not high or not low:
        return f"{title} heure par heure : aucune heure mesurée."
    text = (
        f"{title} heure par heure, en {profile['unite']} : le plus à {hour(high[1])} ({number(high[0], 0)}), "
        f"le moins à {hour(low[1])} ({number(low[0], 0)})"
    )
    if usual:
        text += f" ; le {weekday} habituel a son plus haut à {hour(usual[1])} ({number(usual[0], 0)})"
    return f"{text}. Le tableau suit."


def weather_drawing(metrics: Metrics) -> Markup | str:
    """Draw the hours of the weather; nothing of a day of which only the day's values are known."""
    by_hour, day = metrics["heures"], metrics["metrics"]
    words = (
        f"Température et pluie heure par heure : de {quantity(day['temp_min'], '°C')} à "
        f"{quantity(day['temp_max'], '°C')}, {quantity(day['precip_totale'], 'mm')} de pluie. Le tableau suit."
    )
    known = any(one["temp"] is not None or one["precip"] is not None for one in by_hour)
    return weather_chart(by_hour, words) if known else ""
