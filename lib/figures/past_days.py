"""What the store remembers of the same weekday, to compare a day with."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from lib.common.paris_time import WEEKS_COMPARED, YEAR_BEFORE, same_weekdays_before
from lib.figures.calendar_days import particularity
from lib.figures.key_figures import KeyFigure, Sensors, Watched, at
from lib.figures.numbers import rounded
from lib.figures.sensor_days import LEAST_SHARED, Shared, beside

Metrics = dict[str, Any]
Past = dict[date, Metrics]  # metrics of one source on earlier same weekdays, most recent first

USABLE_FROM = 0.8  # coverage below which the totals of a day stand beside no other, and no sentence is about the city


def coverage(metrics: Metrics) -> float:
    """Read the coverage (0..1) of a day's account; 0 without one."""
    return metrics.get("qualite", {}).get("couverture") or 0.0


def comparable(metrics: Metrics) -> bool:
    """Tell whether a day's totals may stand beside those of another; not without an account of their coverage."""
    return coverage(metrics) >= USABLE_FROM


@dataclass(frozen=True)
class Reference:
    """One earlier day beside the day: its figure, the change since (%), what that rests on, why there is none."""

    value: float | None
    percent: float | None
    shared: Shared | None = None
    why: str | None = None

    @property
    def base(self) -> dict[str, Any] | None:
        """Say for the report on which sensors the change rests; None for a figure that is not one of sensors."""
        if self.shared is None:
            return None
        return {
            "capteurs": self.shared.sensors,
            "sur": self.shared.measured,
            "part_du_jour": rounded(self.shared.day_share, 4),
            "part_du_passe": rounded(self.shared.past_share, 4),
            "journees_entieres": self.shared.whole_days,
            "pourquoi": self.why,
        }


def evolution(
    today: Metrics | None, day: date, past: Past, figure: KeyFigure | Watched, sensors: Sensors | None = None
) -> dict[str, Any]:
    """Compare a figure with the same weekday last week, with the usual one (the last four) and with the year before.

    With `figure.hours` on the same sensors and hours, else as totals. None where there is nothing to compare;
    `comparaison` and `pourquoi` say why.
    """
    value = at(today, figure.where) if today else None
    found = {when: _reference(today, day, one, when, figure, sensors) for when, one in past.items()}
    nothing = Reference(None, None)

    def named(one: Reference, when: date) -> str | None:
        return None if one is nothing else particularity(when)

    weeks = {when: found[when] for when in same_weekdays_before(day, WEEKS_COMPARED) if when in found}
    last, year = found.get(same_weekdays_before(day, 1)[0], nothing), found.get(day - YEAR_BEFORE, nothing)
    used = {when: one for when, one in weeks.items() if one.percent is not None}
    known = [one.value for one in (used or weeks).values() if one.value is not None]
    median = statistics.median(known) if known else None
    by_sensors = sensors is not None and bool(figure.hours)
    percents = [one.percent for one in used.values() if one.percent is not None]
    usual = rounded(statistics.median(percents), 1) if percents else None
    fewest = min(used.values(), key=_common, default=next(iter(weeks.values()), nothing))
    return {
        "valeur": value,
        "semaine_precedente": last.value,
        "evolution_semaine_precedente_pct": rounded(last.percent, 1),
        "semaine_precedente_base": last.base,
        "semaine_precedente_particularite": named(last, same_weekdays_before(day, 1)[0]),
        "mediane_4_semaines": median,
        "evolution_mediane_pct": usual if by_sensors else change(value, median) if used else None,
        "mediane_base": fewest.base,
        "mediane_jours": [when.isoformat() for when in sorted(used)],
        "mediane_particularites": [f"{when} : {name}" for when, one in used.items() if (name := named(one, when))],
        "annee_precedente": year.value,
        "evolution_annee_precedente_pct": rounded(year.percent, 1),
        "annee_precedente_base": year.base,
        "annee_precedente_particularite": named(year, day - YEAR_BEFORE),
        "jours_compares": len(used),
        "comparaison": _comparison(value, weeks.values(), used.values()),
    }


def _reference(
    today: Metrics | None, day: date, past: Metrics, when: date, figure: KeyFigure | Watched, sensors: Sensors | None
) -> Reference:
    reference = at(past, figure.where)
    value = at(today, figure.where) if today else None
    if today is None or value is None or reference is None:
        return Reference(reference, None)
    if sensors is None or not figure.hours:
        if not (comparable(today) and comparable(past)):
            return Reference(reference if comparable(past) else None, None, why="jour trop partiel")
        percent = change(value, reference)
        return Reference(reference, percent, why=None if percent is not None else "rien à comparer")
    found = beside(figure, sensors, today, day, past, when)
    if coverage(today) < LEAST_SHARED:
        return Reference(reference, None, found, "jour trop partiel")
    if not found.enough:
        return Reference(reference, None, found, "moins de la moitié des mesures en commun")
    percent = None if found.ratio is None else 100 * (found.ratio - 1)
    return Reference(reference, percent, found, None if percent is not None else "rien à comparer")


def _common(reference: Reference) -> int:
    return reference.shared.sensors if reference.shared else 0


def _comparison(value: float | None, weeks: Iterable[Reference], used: Iterable[Reference]) -> str:
    whole = [one.shared is not None and one.shared.whole_days for one in used]
    if value is None:
        return "donnée manquante"
    if whole:
        text = f"{len(whole)} semaine{'s' if len(whole) > 1 else ''}"
        old = sum(whole)
        return f"{text}, dont {old} sur des totaux de jours entiers (version antérieure)" if old else text
    return next((one.why for one in weeks if one.why), "sans historique")


def change(value: float | None, reference: float | None) -> float | None:
    """Compute the change in percent from `reference`; None when either is missing or `reference` is not above zero."""
    if value is None or reference is None or reference <= 0:
        return None
    return rounded(100 * (value - reference) / reference, 1)
