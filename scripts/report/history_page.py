"""The history as one HTML page: a calendar of the days in the store, each in miniature, with a link to its report.

A pure function of the days it is given; the same policy, colours and words as the daily page (see scripts/report/page).
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from markupsafe import Markup

from lib.common.paris_time import days_between
from lib.figures.calendar_days import MONTHS, WEEKDAYS, long_date
from scripts.report.french import counted, number, percent, quantity
from scripts.report.page import is_synthetic, render
from scripts.report.svg_charts import Values, strokes

# The curves of a day in the calendar: colour, where they stand in the report.
CURVES = (("routes", "trafic_routier"), ("velos", "velo"))
# The strips above it: colour, key figure, title.
STRIPS = (
    ("routes", "debit_routier", "Trafic routier, en véhicules × arcs"),
    ("velos", "passages_velo", "Vélo, en passages"),
    ("fiabilite", "fiabilite_transports", "Fiabilité des transports, en %"),
    ("pluie", "precipitations", "Pluie, en mm"),
)
EMPTY = [None] * 24
SPARK_WIDTH, SPARK_HEIGHT = 100, 32
STRIP_WIDTH, STRIP_HEIGHT = 640, 90
GAP = 0.2  # of a day's room, left empty between two bars


class HistoryDay(NamedTuple):
    """A day in the store: its report (None where it was never made) and whether its page lies beside the calendar."""

    day: date
    report: dict[str, Any] | None
    page: str | None  # file name


def history_page(days: Sequence[HistoryDay]) -> bytes:
    """Render the page of these days, oldest first, as UTF-8."""
    reports = [one.report for one in days if one.report]
    ceilings = {name: _highest(reports, name) for _, name in CURVES}
    first, last = days[0].day, days[-1].day
    span = list(days_between(first, last))
    by_day = {one.day: one for one in days}
    return render(
        "history.html.j2",
        titre=f"Mobilité à Paris, du {long_date(first)} au {long_date(last)}",
        premier=long_date(first),
        dernier=long_date(last),
        synthetique=any(is_synthetic(report) for report in reports),
        nombre=len(days),
        absents=len(span) - len(days),
        semaine=WEEKDAYS,
        bandes=[_strip(*one, span=span, by_day=by_day) for one in STRIPS],
        mois=[_month(year, month, span, by_day, ceilings) for year, month in _months(span)],
        lignes=[_row(one) for one in days],
    )


def _highest(reports: Sequence[dict[str, Any]], name: str) -> float:
    values = [value for report in reports for value in _profile(report, name) if value is not None]
    return max(values, default=1.0)


def _profile(report: dict[str, Any], name: str) -> list[float | None]:
    """Return the 24 hours of a report; a report made before profiles were kept has none."""
    profile = report.get("profils_horaires", {}).get(name)
    return profile["jour"] if profile else list(EMPTY)


def _figure(one: HistoryDay | None, key: str) -> float | None:
    return one.report["chiffres_cles"][key]["valeur"] if one and one.report else None


def _strip(kind: str, key: str, title: str, span: list[date], by_day: dict[date, HistoryDay]) -> dict[str, Any]:
    values = [_figure(by_day.get(day), key) for day in span]
    known = [value for value in values if value is not None]
    value_range = f"de {number(min(known))} à {number(max(known))}" if known else "aucune valeur"
    return {"titre": title, "etendue": value_range, "dessin": strip(kind, values, f"{title} : {value_range} par jour.")}


def _months(span: list[date]) -> Iterator[tuple[int, int]]:
    for month, _ in groupby((day.year, day.month) for day in span):
        yield month


def _month(
    year: int, month: int, span: list[date], by_day: dict[date, HistoryDay], ceilings: dict[str, float]
) -> dict[str, Any]:
    """Build nom and semaines: the weeks that meet the span, seven cells from Monday, None outside the month."""
    mondays = sorted({day - timedelta(days=day.weekday()) for day in span if (day.year, day.month) == (year, month)})
    weeks = [
        [
            _cell(day, by_day.get(day), ceilings) if (day.year, day.month) == (year, month) else None
            for day in days_between(monday, monday + timedelta(days=6))
        ]
        for monday in mondays
    ]
    return {"nom": f"{MONTHS[month - 1].capitalize()} {year}", "semaines": weeks}


def _cell(day: date, one: HistoryDay | None, ceilings: dict[str, float]) -> dict[str, Any]:
    if one is None:
        return {"jour": day.day, "dans_le_magasin": False}
    report = one.report
    curves = [(kind, _profile(report, name), ceilings[name]) for kind, name in CURVES] if report else []
    return {
        "jour": day.day,
        "dans_le_magasin": True,
        "iso": day.isoformat(),
        "page": one.page,
        "dessin": spark(curves),
        "statut": _state(one),
        "mots": f"{long_date(day)} : {_words(one)}",
    }


def _state(one: HistoryDay) -> str:
    if one.report is None:
        return "manquant"
    return "complet" if one.report["resume"]["statut"] == "complète" else "partiel"


def _words(one: HistoryDay) -> str:
    if one.report is None:
        return "aucun rapport"
    return (
        f"journée {one.report['resume']['statut']}, "
        f"trafic routier {number(_figure(one, 'debit_routier'), 0)}, "
        f"{counted(bikes, 'passage') if (bikes := _figure(one, 'passages_velo')) is not None else 'vélo inconnu'}"
    )


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


def spark(profiles: Sequence[tuple[str, Values, float]]) -> Markup:
    """Draw a day in miniature: a line for each (kind, 24 values, ceiling). It is decorative: words stand beside it.

    Days drawn with the same ceilings can be compared.
    """
    lines = [
        Markup('<path class="trait {}" d="{}"/>').format(
            kind, strokes([_place(hour, value, top) for hour, value in enumerate(values)])
        )
        for kind, values, top in profiles
        if any(value is not None for value in values)
    ]
    return Markup(
        '<svg class="mini" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
    ).format(SPARK_WIDTH, SPARK_HEIGHT, Markup("").join(lines))


def _place(hour: int, value: float | None, ceiling: float) -> tuple[float, float] | None:
    if value is None:
        return None
    return 2 + hour * (SPARK_WIDTH - 4) / 23, SPARK_HEIGHT - 2 - (SPARK_HEIGHT - 4) * value / (ceiling or 1.0)


def strip(kind: str, values: Values, words: str) -> Markup:
    """Draw one bar a day in the order given, from zero; a missing value is an empty place with a tick below."""
    top = max([value for value in values if value is not None], default=0.0) or 1.0
    room = STRIP_WIDTH / max(len(values), 1)
    base = STRIP_HEIGHT - 6
    bars = [
        Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
            at * room, base * (1 - value / top), room * (1 - GAP), base * value / top
        )
        for at, value in enumerate(values)
        if value is not None
    ]
    gaps = "".join(f"M{(at + 0.4) * room:.1f} {base}v5" for at, value in enumerate(values) if value is None)
    return Markup(
        '<svg class="bande" viewBox="0 0 {} {}" role="img" aria-label="{}"><g class="{}">{}</g>'
        '<path class="base" d="M0 {}H{}{}"/></svg>'
    ).format(STRIP_WIDTH, STRIP_HEIGHT, words, kind, Markup("").join(bars), base, STRIP_WIDTH, gaps)
