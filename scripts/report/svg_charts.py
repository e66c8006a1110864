"""Lines of values as path data, and where the lines and words of two charts of a day's 24 hours stand.

An hour without a value is a gap in the line, never a zero. The drawings themselves are in templates/drawings.svg.j2,
colours and dashes in the page's stylesheet.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from markupsafe import Markup

from scripts.report.french import hour, number, quantity
from scripts.report.rendering import drawing

Values = Sequence[float | None]

WIDTH, HEIGHT, TOP = 640, 250, 30  # units; about one CSS pixel each on a wide screen
BASE = HEIGHT - 26
HOURS = 24
HATCH = 12  # units between two slanted lines
FRAME = {
    "largeur": WIDTH,
    "hauteur": HEIGHT,
    "base": BASE,
    "heures": [(at, at * WIDTH // HOURS) for at in (0, 6, 12, 18, 24)],
}
COMPACT_FROM = 1_000_000  # from here on an axis label is in millions
RAIN_ROOM, LEAST_FULL = 80, 2.0  # units of the highest bar of rain, and the least mm an hour that takes all of them


def hour_chart(kind: str, values: Values, usual: Values, words: str) -> Markup:
    """Draw the day's line, the usual day dashed behind it, what lies between them shaded, and name the day's peak.

    Hours without a value are hatched. `kind` names the colour in the stylesheet; `words` say what the chart shows to
    who cannot see it.
    """
    top = max([value for value in (*values, *usual) if value is not None], default=0.0) or 1.0
    ticks = axis_ticks(top)
    ceiling = max(top, ticks[-1])
    day, before = ([None if one is None else _y(one, ceiling) for one in line] for line in (values, usual))
    high = extreme(values, max)
    return drawing(
        "heures",
        genre=kind,
        mots=words,
        cadre=FRAME,
        graduations=[(_y(tick, ceiling), _short(tick)) for tick in (0.0, *ticks)],
        lacunes=_hatched(values),
        ecart=_between(day, before),
        habituel=_line(before),
        jour=_line(day),
        pic=_label(high[1], _y(high[0], ceiling) - 11, f"{hour(high[1])} : {number(high[0], 0)}")
        if high and high[0]
        else None,
    )


def weather_chart(hours: Sequence[dict[str, Any]], words: str) -> Markup:
    """Draw temperature as a line above rain as bars; `hours` are rows of heure, temp (°C) and precip (mm)."""
    by_hour = {one["heure"]: one for one in hours}
    temps, rains = ([by_hour.get(at, {}).get(key) for at in range(HOURS)] for key in ("temp", "precip"))
    wettest, cold, warm = extreme(rains, max), extreme(temps, min), extreme(temps, max)
    full = max(wettest[0], LEAST_FULL) if wettest else LEAST_FULL
    low, stretch = (cold[0], max(warm[0] - cold[0], 4.0)) if cold and warm else (0.0, 1.0)  # a flat day stays flat
    heights = [None if temp is None else 110 - 75 * (temp - low) / stretch for temp in temps]
    notes = []
    if wettest and wettest[0]:
        y = BASE - RAIN_ROOM * wettest[0] / full - 6
        notes.append({"genre": "pluie", **_label(wettest[1], y, quantity(wettest[0], "mm"))})
    for one, below in ((cold, 20), (warm, -10)):
        if one:
            y = 110 - 75 * (one[0] - low) / stretch + below
            notes.append({"genre": "temperature", **_label(one[1], y, quantity(one[0], "°C"))})
    return drawing(
        "meteo",
        mots=words,
        cadre=FRAME,
        lacunes=_hatched(temps),
        pluies=[(_x(at), RAIN_ROOM * rain / full) for at, rain in enumerate(rains) if rain],
        temperatures=_line(heights),
        notes=notes,
    )


def axis_ticks(top: float) -> list[float]:
    """Choose two to four round values above zero, the last one at most `top` (1, 2 or 5 times a power of ten)."""
    power = 10.0 ** (len(str(int(top))) - 1) if top >= 1 else 0.1
    step = next(factor * power for factor in (0.2, 0.5, 1, 2, 5) if top / (factor * power) < 5)
    return [step * count for count in range(1, int(top / step) + 1)]


def strokes(points: Sequence[tuple[float, float] | None]) -> Markup:
    """Build path data: a stroke for each run of known points, a dot for a point alone."""
    data, drawn = [], False
    for point, following in zip(points, [*points[1:], None], strict=True):
        if point is not None:
            dot = "h.1" if not drawn and following is None else ""
            data.append(f"{'L' if drawn else 'M'}{round(point[0], 1):g} {round(point[1], 1):g}{dot}")
        drawn = point is not None
    return Markup("".join(data))


def _short(value: float) -> str:
    if value >= COMPACT_FROM:
        return quantity(value / 1e6, "million" if value < 2e6 else "millions")
    return number(value)


def _x(at: int) -> float:
    """Place the middle of an hour."""
    return (at + 0.5) * WIDTH / HOURS


def _y(value: float, ceiling: float) -> float:
    return BASE - (BASE - TOP) * value / ceiling


def _line(heights: Values) -> Markup:
    return strokes([None if y is None else (_x(at), y) for at, y in enumerate(heights)])


def _hatched(values: Values) -> Markup:
    """Build slanted lines over the column of each hour without a value."""
    width = WIDTH / HOURS
    lines = int((BASE - TOP - width) // HATCH)
    column = f"l{width:.1f} {-width:.1f}" + f"m{-width:.1f} {width - HATCH:.1f}l{width:.1f} {-width:.1f}" * lines
    return Markup("".join(f"M{at * width:.1f} {BASE}{column}" for at, value in enumerate(values) if value is None))


def _between(heights: Values, usual: Values) -> Markup:
    """Build the surfaces between two lines, one for each run of hours that both know."""
    data, there, back = [], list[tuple[float, float] | None](), list[tuple[float, float] | None]()
    for at, (one, other) in enumerate([*zip(heights, usual, strict=True), (None, None)]):
        if one is not None and other is not None:
            there.append((_x(at), one))
            back.insert(0, (_x(at), other))
        elif there:
            data.append(f"{strokes([*there, *back])}Z")
            there, back = [], []
    return Markup("".join(data))


def extreme(values: Values, pick: Any) -> tuple[float, int] | None:
    """Find the lowest or highest value and its first hour."""
    known = ((value, at) for at, value in enumerate(values) if value is not None)
    return pick(known, key=itemgetter(0), default=None)


def _label(at: int, y: float, words: str) -> dict[str, Any]:
    return {"x": _x(at), "y": y, "cote": "start" if at < 4 else "end" if at > 19 else "middle", "mots": words}
