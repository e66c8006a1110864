"""What the store remembers of the same weekday, to compare a day with."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

from lib.common.paris_time import same_weekdays_before
from lib.figures.numbers import rounded

Past = dict[date, dict[str, Any]]  # metrics of one source in earlier weeks, most recent first

USABLE_FROM = 0.8  # coverage below which a past day is too partial to compare with


def comparable(metrics: dict[str, Any]) -> bool:
    """Tell whether a day's totals may stand beside those of another; not without an account of their coverage."""
    return (metrics.get("qualite", {}).get("couverture") or 0.0) >= USABLE_FROM


def evolution(
    today: dict[str, Any] | None,
    day: date,
    past: Past,
    figure: Callable[[dict[str, Any]], float | None],
) -> dict[str, Any]:
    """Compare a figure with the same weekday last week and with the median of the last four, in percent.

    None where there is nothing to compare; `comparaison` says why: no history, or a day too partial for its totals.
    """
    value = figure(today) if today else None
    if today and not comparable(today):
        past = {}
    known = {when: number for when, metrics in past.items() if (number := figure(metrics)) is not None}
    last_week = known.get(same_weekdays_before(day, 1)[0])
    median = statistics.median(known.values()) if known else None
    return {
        "valeur": value,
        "semaine_precedente": last_week,
        "evolution_semaine_precedente_pct": change(value, last_week),
        "mediane_4_semaines": median,
        "evolution_mediane_pct": change(value, median),
        "jours_compares": len(known),
        "comparaison": _comparison(today, value, len(known)),
    }


def _comparison(today: dict[str, Any] | None, value: float | None, days: int) -> str:
    if today is None or value is None:
        return "donnée manquante"
    if not comparable(today):
        return "jour trop partiel"
    return f"{days} semaine{'s' if days > 1 else ''}" if days else "sans historique"


def usual_hours(profiles: Iterable[Sequence[float | None]]) -> list[float | None]:
    """Compute for each of the 24 hours the median of the past days that measured it; None where none did."""
    known = [[value for value in hour if value is not None] for hour in zip(*profiles, strict=True)]
    return [statistics.median(values) if values else None for values in known] or [None] * 24


def change(value: float | None, reference: float | None) -> float | None:
    """Compute the change in percent from `reference`; None when either is missing or `reference` is not above zero."""
    if value is None or reference is None or reference <= 0:
        return None
    return rounded(100 * (value - reference) / reference, 1)
