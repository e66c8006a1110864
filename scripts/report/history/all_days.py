"""The history as one HTML page: a calendar of the days in the store, each in miniature, with a link to its report.

A pure function of the days it is given; the same policy, colours and words as the daily page (see scripts/report/page).
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from markupsafe import Markup

from lib.common.paris_time import days_between
from lib.figures.calendar_days import MONTHS, WEEKDAYS, long_date
from scripts.report.cards import LABELS
from scripts.report.french import number, percent, quantity
from scripts.report.history.strips import strips
from scripts.report.key_figures import usable
from scripts.report.page import is_synthetic
from scripts.report.rendering import drawing, render
from scripts.report.svg_charts import Values, strokes
from scripts.report.tidy import tidy_csv
from scripts.report.ways import Way

# The curves of a day in the calendar: colour, where they stand in the report.
CURVES = (("routes", "trafic_routier"), ("velos", "velo"))
EMPTY = [None] * 24
SPARK_STEP, SPARK_HEIGHT = 4, 24  # units an hour, and units high
MONTHS_OPEN = 3  # the newest; older ones are folded, and their days are heat cells alone
HEAT = "debit_routier"  # the key figure that colours a day where there is no room for its curve
HEATS = 5  # classes of days, the same number in each
# The columns of historique.csv: a key figure of the report and its unit.
CSV_FIGURES = (
    ("debit_routier", "véhicules × arcs"), ("taux_occupation_routier", "%"), ("temps_perdu", "min"),
    ("passages_velo", "passages"), ("fiabilite_transports", "%"), ("perturbations", ""), ("chantiers_actifs", ""),
    ("precipitations", "mm"), ("temperature_moyenne", "°C"),
)  # fmt: skip


class HistoryDay(NamedTuple):
    """A day in the store: its report (None where it was never made) and whether its page lies beside the calendar."""

    day: date
    report: dict[str, Any] | None
    page: str | None  # file name


def history_page(days: Sequence[HistoryDay], bilans: Mapping[date, Way] = MappingProxyType({})) -> bytes:
    """Render the page of these days, oldest first, as UTF-8; `bilans`: the page of each month (its first day)."""
    reports = [one.report for one in days if one.report]
    ceilings = {name: _highest(reports, name) for _, name in CURVES}
    first, last = days[0].day, days[-1].day
    span = list(days_between(first, last))
    by_day = {one.day: one for one in days}
    heats = _heats(days)
    months = sorted({day.replace(day=1) for day in span}, reverse=True)
    return render(
        "history.html.j2",
        titre=f"Mobilité à Paris, du {long_date(first)} au {long_date(last)}",
        premier=long_date(first),
        dernier=long_date(last),
        synthetique=any(is_synthetic(report) for report in reports),
        nombre=len(days),
        absents=len(span) - len(days),
        semaine=WEEKDAYS,
        bandes=strips(
            span,
            lambda day, key: _figure(by_day.get(day), key),
            "Trafic routier, vélo, part perturbée des transports et pluie de chaque jour.",
        ),
        mois=[
            _month(month, span, by_day, heats, ceilings if at < MONTHS_OPEN else {}) | {"bilan": bilans.get(month)}
            for at, month in enumerate(months)
        ],
        ouverts=MONTHS_OPEN,
        chaleurs=HEATS,
        lignes=[_row(one) for one in reversed(days)],
    )


def _heats(days: Sequence[HistoryDay]) -> dict[date, int]:
    """Class the days by HEAT from 0 (lowest) to HEATS - 1; those without it are in none."""
    values = {one.day: value for one in days if (value := _figure(one, HEAT)) is not None}
    order = sorted(values.values())
    return {day: HEATS * bisect_left(order, value) // len(order) for day, value in values.items()}


def _highest(reports: Sequence[dict[str, Any]], name: str) -> float:
    values = [value for report in reports for value in _profile(report, name) if value is not None]
    return max(values, default=1.0)


def _profile(report: dict[str, Any], name: str) -> list[float | None]:
    """Return the 24 hours of a report; a report made before profiles were kept has none."""
    profile = report.get("profils_horaires", {}).get(name)
    return profile["jour"] if profile else list(EMPTY)


def _figure(one: HistoryDay | None, key: str) -> float | None:
    """Return a figure of a day; None of a day too partial to stand beside others."""
    figure = one.report["chiffres_cles"][key] if one and one.report else {"valeur": None}
    return usable(figure) if "couverture" in figure else figure["valeur"]


def _month(
    month: date,
    span: list[date],
    by_day: dict[date, HistoryDay],
    heats: dict[date, int],
    ceilings: dict[str, float],
) -> dict[str, Any]:
    """Build nom and semaines: the weeks that meet the span, seven cells from Monday, None outside the month.

    Days have their curves where there are `ceilings` to draw them below.
    """
    mondays = sorted({day - timedelta(days=day.weekday()) for day in span if day.replace(day=1) == month})
    weeks = [
        [
            _cell(day, by_day.get(day), heats.get(day), ceilings) if day.replace(day=1) == month else None
            for day in days_between(monday, monday + timedelta(days=6))
        ]
        for monday in mondays
    ]
    return {"nom": f"{MONTHS[month.month - 1].capitalize()} {month.year}", "semaines": weeks}


def _cell(day: date, one: HistoryDay | None, heat: int | None, ceilings: dict[str, float]) -> dict[str, Any]:
    if one is None:
        return {"jour": day.day, "dans_le_magasin": False}
    curves = (
        [(kind, _profile(one.report, name), ceilings[name]) for kind, name in CURVES] if one.report and ceilings else []
    )
    return {
        "jour": day.day,
        "dans_le_magasin": True,
        "page": one.page,
        "chaleur": heat,
        "dessin": spark(curves) if ceilings else "",
        "statut": _state(one),
        "mots": _words(one),
    }


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


def _state(one: HistoryDay) -> str:
    if one.report is None:
        return "manquant"
    return "complet" if one.report["resume"]["statut"] == "complète" else "partiel"


def _words(one: HistoryDay) -> str:
    """Say what is not as it should be; nothing of a complete day, so that a year stays a small page."""
    if one.report is None:
        return "aucun rapport"
    return "" if _state(one) == "complet" else str(one.report["resume"]["statut"])


def _row(one: HistoryDay) -> dict[str, Any]:
    return {
        "date": long_date(one.day),
        "page": one.page,
        "statut": _state(one),
        "routes": number(_figure(one, "debit_routier"), 0),
        "velos": number(_figure(one, "passages_velo"), 0),
        "fiabilite": percent(_figure(one, "fiabilite_transports"), fixed=True),
        "pluie": quantity(_figure(one, "precipitations"), "mm", fixed=True),
        "temperature": quantity(_figure(one, "temperature_moyenne"), "°C", fixed=True),
    }


def history_csv(days: Sequence[HistoryDay]) -> bytes:
    """Write one row a day, oldest first, for a French spreadsheet; a missing figure is an empty cell."""
    header = [
        "date",
        "jour",
        "état",
        *(f"{LABELS[key]} ({unit})" if unit else LABELS[key] for key, unit in CSV_FIGURES),
    ]
    figures = [one.report["chiffres_cles"] if one.report else {} for one in days]
    rows = (
        (
            f"{one.day}",
            WEEKDAYS[one.day.weekday()],
            _state(one),
            *(of.get(key, {}).get("valeur") for key, _ in CSV_FIGURES),
        )
        for one, of in zip(days, figures, strict=True)
    )
    return tidy_csv(rows, header)
