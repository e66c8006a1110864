"""Figures day by day as bars, one strip a figure, all above one another so that a day stands at one place in each.

The pointer finds the values of a day anywhere above or below its bars; a table on the page has them too.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

from markupsafe import Markup

from lib.figures.calendar_days import WEEKDAYS
from scripts.report.french import number, percent, quantity
from scripts.report.svg_calendar import MONTH_NAMES, SATURDAY


class Strip(NamedTuple):
    """A key figure: its colour, its title, its name under the pointer, and how a value is written.

    `lost` draws what it lacks of 100 %.
    """

    kind: str
    key: str
    title: str
    short: str
    written: Callable[[float | None], str]
    lost: bool = False


def _count(value: float | None) -> str:
    return number(value, 0)


def _rain(value: float | None) -> str:
    return quantity(value, "mm")


STRIPS = (
    Strip("routes", "debit_routier", "Trafic routier, en véhicules × arcs", "trafic", _count),
    Strip("velos", "passages_velo", "Vélo, en passages", "vélo", _count),
    # One bad day is seen among good ones.
    Strip(
        "fiabilite",
        "fiabilite_transports",
        "Part perturbée du métro, du RER et du tram",
        "perturbé",
        percent,
        lost=True,
    ),
    Strip("pluie", "precipitations", "Pluie", "pluie", _rain),
)

WIDTH, ROOM, BARS, FOOT = 960, 96, 54, 26  # units: a strip takes ROOM, of which BARS for its bars
GAP, WIDEST = 0.2, 36  # of a day's room, left empty between two bars; units of a bar at the most
MONTH_ROOM, DAY_ROOM = 46, 60  # units that the name of a month takes, and the date of a day


def strips(days: Sequence[date], value_of: Callable[[date, str], float | None], words: str) -> Markup:
    """Draw STRIPS: a bar a day from zero, weekends lighter, a tick below the line where there is no value."""
    values = [[_shown(one, value_of(day, one.key)) for day in days] for one in STRIPS]
    room = WIDTH / max(len(days), 1)
    drawn = [
        _strip(one, known, days, rank * ROOM, room)
        for rank, (one, known) in enumerate(zip(STRIPS, values, strict=True))
    ]
    height = len(STRIPS) * ROOM + FOOT
    return Markup(
        '<svg class="bandes" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}'
        '<g class="vise" stroke-width="{:.2f}">{}</g></svg>'
    ).format(
        WIDTH,
        height,
        words,
        _dates(days, room, height),
        Markup("").join(drawn),
        room,
        Markup("").join(
            Markup('<path d="M{:.1f} 0V{}"><title>{}</title></path>').format(
                (at + 0.5) * room, height - FOOT, _told(day, [known[at] for known in values])
            )
            for at, day in enumerate(days)
        ),
    )


def _shown(one: Strip, value: float | None) -> float | None:
    return 100 - value if one.lost and value is not None else value


def _told(day: date, values: Sequence[float | None]) -> str:
    named = f"{WEEKDAYS[day.weekday()][:3]}. {day.day} {MONTH_NAMES[day.month - 1]} {day.year}"
    return "\n".join([named, *(f"{one.short} {one.written(value)}" for one, value in zip(STRIPS, values, strict=True))])


def _strip(one: Strip, values: Sequence[float | None], days: Sequence[date], above: int, room: float) -> Markup:
    known = [value for value in values if value is not None]
    top, base = max(known, default=0.0) or 1.0, above + ROOM - 8
    bars = {"": "", " fin-de-semaine": ""}
    for at, (value, day) in enumerate(zip(values, days, strict=True)):
        if value:
            weekend = " fin-de-semaine" if day.weekday() >= SATURDAY else ""
            bars[weekend] += f"M{(at + 0.5) * room:.1f} {base}v{-BARS * value / top:.1f}"
    gaps = "".join(f"M{(at + 0.5) * room:.1f} {base}v6" for at, value in enumerate(values) if value is None)
    ends = [one.written(value) for value in dict.fromkeys((min(known), max(known)))] if known else ["aucune valeur"]
    return Markup(
        '<text x="0" y="{}"><tspan class="titre">{}</tspan> ({})</text><g class="{}" stroke-width="{:.1f}">{}</g>'
        '<path class="base" d="M0 {}H{}{}"/>'
    ).format(
        above + 24,
        one.title,
        f"de {' à '.join(ends)}" if len(ends) > 1 else ends[0],
        one.kind,
        min(room * (1 - GAP), WIDEST),
        Markup("").join(
            Markup('<path class="jours{}" d="{}"/>').format(css, data) for css, data in bars.items() if data
        ),
        base,
        WIDTH,
        gaps,
    )


def _dates(days: Sequence[date], room: float, height: int) -> Markup:
    """Mark the first of each month with a line and its name, or within few days the dates that find room."""
    if room * 7 >= DAY_ROOM:
        places = [
            at for at, day in enumerate(days) if day.weekday() == 0 or (at == 0 and days[0].weekday() < SATURDAY - 1)
        ]
        names = {at: f"{WEEKDAYS[days[at].weekday()][:3]}. {days[at].day}" for at in places}
    else:
        places = [at for at, day in enumerate(days) if day.day == 1 or at == 0]
        ends = [*places[1:], len(days)]
        names = {
            at: MONTH_NAMES[days[at].month - 1]
            for at, end in zip(places, ends, strict=True)
            if (end - at) * room >= MONTH_ROOM
        }
    return Markup('<path class="grille" d="{}"/>{}').format(
        "".join(f"M{at * room:.1f} 30V{height - FOOT}" for at in places if at),
        Markup("").join(
            Markup('<text x="{:.1f}" y="{}">{}</text>').format(at * room + 1, height - 5, name)
            for at, name in names.items()
        ),
    )
