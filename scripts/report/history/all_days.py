"""The history as one HTML page: a calendar of the days in the store, each in miniature, with a link to its report.

A pure function of the days it is given; the same policy, colours and words as the daily page (see scripts/report/page).
"""

from bisect import bisect_left
from calendar import Calendar
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, NamedTuple

from markupsafe import Markup

from lib.common.paris_time import days_between, month_after, month_before
from lib.figures.calendar_days import WEEKDAYS, long_date
from scripts.report.cards import CARD, Card
from scripts.report.french import month_name
from scripts.report.history.strips import strips
from scripts.report.key_figures import usable
from scripts.report.page import is_synthetic
from scripts.report.rendering import drawing, render
from scripts.report.svg_charts import Values, strokes
from scripts.report.tidy import tidy_csv
from scripts.report.ways import Way

# The curves of a day in the calendar: colour, where they stand in the report.
CURVES = (("routes", "trafic_routier"), ("velos", "velo"))
SPARK_STEP, SPARK_HEIGHT = 4, 24  # units an hour, and units high
MONTHS_OPEN = 3  # the newest; older ones are folded, and their days are heat cells alone
HEAT = "debit_routier"  # the key figure that colours a day where there is no room for its curve
HEATS = 5  # classes of days, the same number in each
SHOWN = ("debit_routier", "passages_velo", "fiabilite_transports", "precipitations", "temperature_moyenne")
CSV_FIGURES = (
    "debit_routier", "taux_occupation_routier", "temps_perdu", "passages_velo", "fiabilite_transports",
    "perturbations", "chantiers_actifs", "precipitations", "temperature_moyenne",
)  # fmt: skip


class HistoryDay(NamedTuple):
    """A day in the store: its report (None where it was never made) and whether its page lies beside the calendar."""

    day: date
    report: dict[str, Any] | None
    page: str | None  # file name

    @property
    def state(self) -> str:
        if self.report is None:
            return "manquant"
        return "complet" if self.report["resume"]["statut"] == "complète" else "partiel"

    def figure(self, key: str) -> float | None:
        """Return a figure; None of a day too partial to stand beside others."""
        figure = self.report["chiffres_cles"][key] if self.report else {"valeur": None}
        return usable(figure) if "couverture" in figure else figure["valeur"]

    def profile(self, name: str) -> list[float | None]:
        """Return 24 hours; a report made before profiles were kept has none."""
        profile = self.report.get("profils_horaires", {}).get(name) if self.report else None
        return profile["jour"] if profile else [None] * 24


def history_page(days: Sequence[HistoryDay], bilans: Mapping[date, Way] = MappingProxyType({})) -> bytes:
    """Render the page of these days, oldest first, as UTF-8; `bilans`: the page of each month (its first day)."""
    first, last = days[0].day, days[-1].day
    span = list(days_between(first, last))
    by_day = {one.day: one for one in days}
    months = sorted({one.day.replace(day=1) for one in days}, reverse=True)
    opened = {one.day: one for one in days if one.day.replace(day=1) in months[:MONTHS_OPEN]}
    ceilings = {
        name: max((value or 0.0 for one in days for value in one.profile(name)), default=0.0) for _, name in CURVES
    }
    return render(
        "history.html.j2",
        titre=f"Mobilité à Paris, du {long_date(first)} au {long_date(last)}",
        premier=long_date(first),
        dernier=long_date(last),
        synthetique=any(is_synthetic(one.report) for one in days if one.report),
        nombre=len(days),
        absents=len(span) - len(days),
        semaine=WEEKDAYS,
        bandes=strips(
            span,
            lambda day, key: by_day[day].figure(key) if day in by_day else None,
            "Trafic routier, vélo, part perturbée des transports et pluie de chaque jour.",
        ),
        mois=[
            {
                "nom": month_name(month).capitalize(),
                "sans_jour": _between(older, month),
                "numero": month.month,
                "bilan": bilans.get(month),
                "semaines": [
                    week
                    for week in Calendar().monthdatescalendar(month.year, month.month)
                    if any(day in span and day.month == month.month for day in week)
                ],
            }
            for month, older in zip_longest(months, months[1:])
        ],
        ouverts=MONTHS_OPEN,
        chaleurs=HEATS,
        par_jour=by_day,
        chaleur=_heats(days),
        dessins={
            day: spark([(kind, one.profile(name), ceilings[name]) for kind, name in CURVES])
            for day, one in opened.items()
        },
        etats={one.state for one in days},
        jours=[
            {"jour": one.day, "page": one.page, "statut": one.state, "valeurs": {key: one.figure(key) for key in SHOWN}}
            for one in reversed(days)
        ],
    )


def _between(older: date | None, month: date) -> str:
    """Name the months between two, of which there is no day: « décembre 2025 à mars 2026 »."""
    if older is None or month_after(older) == month:
        return ""
    return " à ".join(dict.fromkeys((month_name(month_after(older)), month_name(month_before(month)))))


def _heats(days: Sequence[HistoryDay]) -> dict[date, int]:
    """Class the days by HEAT from 0 (lowest) to HEATS - 1; those without it are in none."""
    values = {one.day: value for one in days if (value := one.figure(HEAT)) is not None}
    order = sorted(values.values())
    return {day: HEATS * bisect_left(order, value) // len(order) for day, value in values.items()}


def spark(profiles: Sequence[tuple[str, Values, float]]) -> Markup:
    """Draw a day in miniature: a line for each (kind, 24 values, ceiling); those of one ceiling can be compared."""
    high = SPARK_HEIGHT - 2
    lines = [
        (
            kind,
            strokes(
                [
                    None if value is None else (SPARK_STEP * at, round(high + 1 - high * value / (top or 1.0)))
                    for at, value in enumerate(values)
                ]
            ),
        )
        for kind, values, top in profiles
    ]
    return drawing("mini", largeur=SPARK_STEP * 23, hauteur=SPARK_HEIGHT, traits=[one for one in lines if one[1]])


def history_csv(days: Sequence[HistoryDay]) -> bytes:
    """Write one row a day, oldest first, in the units of the page; a missing figure is an empty cell."""
    cards = [CARD[key] for key in CSV_FIGURES]
    figures = [one.report["chiffres_cles"] if one.report else {} for one in days]
    return tidy_csv(
        (
            (f"{one.day}", WEEKDAYS[one.day.weekday()], one.state, *(_in_unit(card, known) for card in cards))
            for one, known in zip(days, figures, strict=True)
        ),
        ["date", "jour", "état", *(f"{card.label} ({card.unit or card.what})" for card in cards)],
    )


def _in_unit(card: Card, figures: dict[str, Any]) -> float | None:
    value = figures.get(card.key, {}).get("valeur")
    return value if value is None or card.divisor == 1 else round(value / card.divisor, 1)
