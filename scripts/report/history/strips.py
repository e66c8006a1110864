"""Figures day by day as bars, one strip a figure, all above one another so that a day stands at one place in each.

The pointer finds the values of a day anywhere above or below its bars; a table on the page has them too.
"""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

from markupsafe import Markup

from lib.figures.calendar_days import WEEKDAYS
from scripts.report.french import number, percent, quantity
from scripts.report.rendering import drawing


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


STRIPS = (
    Strip("routes", "debit_routier", "Trafic routier, en véhicules × arcs", "trafic", partial(number, decimals=0)),
    Strip("velos", "passages_velo", "Vélo, en passages", "vélo", partial(number, decimals=0)),
    # One bad day is seen among good ones.
    Strip("fiabilite", "fiabilite_transports", "Part perturbée du métro, du RER et du tram", "perturbé", percent, True),
    Strip("pluie", "precipitations", "Pluie", "pluie", partial(quantity, unit="mm")),
)

MONTH_NAMES = ("janv.", "févr.", "mars", "avril", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")
SATURDAY = 5  # of date.weekday()
WIDTH, ROOM, BARS, FOOT = 960, 96, 54, 26  # units: a strip takes ROOM, of which BARS for its bars
GAP, WIDEST = 0.2, 36  # of a day's room, left empty between two bars; units of a bar at the most
MONTH_ROOM, DAY_ROOM = 46, 60  # units that the name of a month takes, and the date of a day


def strips(days: Sequence[date], value_of: Callable[[date, str], float | None], words: str) -> Markup:
    """Draw STRIPS: a bar a day from zero, weekends lighter, a tick below the line where there is no value."""
    values = [[_shown(one, value_of(day, one.key)) for day in days] for one in STRIPS]
    room = WIDTH / max(len(days), 1)
    middles = [(at + 0.5) * room for at in range(len(days))]
    names = _dates(days, room)
    height = len(STRIPS) * ROOM + FOOT
    return drawing(
        "bandes",
        largeur=WIDTH,
        hauteur=height,
        pied=height - FOOT,
        mots=words,
        place=room,
        epaisseur=min(room * (1 - GAP), WIDEST),
        lignes=[at * room for at in names if at],
        dates=[(at * room, name) for at, name in names.items() if name],
        bandes=[_strip(*one, days, middles, rank * ROOM) for rank, one in enumerate(zip(STRIPS, values, strict=True))],
        jours=[
            (x, _told(day, [one[at] for one in values])) for at, (x, day) in enumerate(zip(middles, days, strict=True))
        ],
    )


def _shown(one: Strip, value: float | None) -> float | None:
    return 100 - value if one.lost and value is not None else value


def _told(day: date, values: Sequence[float | None]) -> str:
    named = f"{WEEKDAYS[day.weekday()][:3]}. {day.day} {MONTH_NAMES[day.month - 1]} {day.year}"
    return "\n".join([named, *(f"{one.short} {one.written(value)}" for one, value in zip(STRIPS, values, strict=True))])


def _strip(
    one: Strip, values: Sequence[float | None], days: Sequence[date], middles: Sequence[float], above: int
) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    top, base = max(known, default=0.0) or 1.0, above + ROOM - 8
    bars = {"": "", " fin-de-semaine": ""}
    for x, value, day in zip(middles, values, days, strict=True):
        if value:
            bars[" fin-de-semaine" if day.weekday() >= SATURDAY else ""] += f"M{x:.1f} {base}v{-BARS * value / top:.1f}"
    ends = [one.written(value) for value in dict.fromkeys((min(known), max(known)))] if known else ["aucune valeur"]
    return {
        "genre": one.kind,
        "titre": one.title,
        "etendue": f"de {' à '.join(ends)}" if len(ends) > 1 else ends[0],
        "haut": above,
        "base": base,
        "barres": [(css, Markup(data)) for css, data in bars.items()],
        "lacunes": Markup(
            "".join(f"M{x:.1f} {base}v6" for x, value in zip(middles, values, strict=True) if value is None)
        ),
    }


def _dates(days: Sequence[date], room: float) -> dict[int, str]:
    """Name the first of each month, or within few days each Monday, at its place; nothing where it has no room."""
    if room * 7 >= DAY_ROOM:
        first = days[0].weekday() if days else 0
        return {
            at: f"{WEEKDAYS[day.weekday()][:3]}. {day.day}"
            for at, day in enumerate(days)
            if day.weekday() == 0 or (at == 0 and first < SATURDAY - 1)
        }
    places = [at for at, day in enumerate(days) if day.day == 1 or at == 0]
    return {
        at: MONTH_NAMES[days[at].month - 1] if (end - at) * room >= MONTH_ROOM else ""
        for at, end in pairwise([*places, len(days)])
    }
