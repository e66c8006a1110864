"""Small charts of a day's 24 hours as SVG: a line with the usual day behind it, and the weather.

An hour without a value is a gap in the line, never a zero. Colours and dashes come from the page's stylesheet.
"""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from scripts.report.french import hour, number, quantity

Values = Sequence[float | None]

WIDTH, HEIGHT, TOP, BOTTOM = 640, 250, 30, 26  # units; about one CSS pixel each on a wide screen
HOURS = 24
HATCH = 12  # units between two slanted lines
TICK_HOURS = (0, 6, 12, 18, 24)
COMPACT_FROM = 1_000_000  # from here on an axis label is in millions


def hour_chart(kind: str, values: Values, usual: Values, words: str) -> Markup:
    """Draw the day's line, the usual day dashed behind it, what lies between them shaded, and name the day's peak.

    Hours without a value are hatched.

    `kind` names the colour in the stylesheet; `words` say what the chart shows to who cannot see it.
    """
    top = max([value for value in (*values, *usual) if value is not None], default=0.0) or 1.0
    ticks = axis_ticks(top)
    ceiling = max(top, ticks[-1])
    parts = [
        _axis(ticks, ceiling),
        _hatched(values),
        Markup('<path class="ecart {}" d="{}"/>').format(kind, _between(values, usual, ceiling)),
        Markup('<path class="habituel" d="{}"/>').format(_line(usual, ceiling)),
        Markup('<path class="trait {}" d="{}"/>').format(kind, _line(values, ceiling)),
        _peak(kind, values, ceiling),
    ]
    return _drawing("graphique", HEIGHT, words, parts)


def weather_chart(hours: Sequence[dict[str, Any]], words: str) -> Markup:
    """Draw temperature as a line above rain as bars; `hours` are rows of heure, temp (°C) and precip (mm)."""
    temps: list[float | None] = [None] * HOURS
    rains: list[float | None] = [None] * HOURS
    for one in hours:
        temps[one["heure"]], rains[one["heure"]] = one["temp"], one["precip"]
    wettest = max([rain for rain in rains if rain is not None], default=0.0)
    full = max(wettest, 2.0)  # mm in an hour; less than that never fills the panel
    bars = Markup("").join(
        Markup('<rect class="pluie" x="{:.1f}" y="{:.1f}" width="18" height="{:.1f}"/>').format(
            _x(at) - 9, HEIGHT - BOTTOM - 80 * rain / full, 80 * rain / full
        )
        for at, rain in enumerate(rains)
        if rain
    )
    parts = [_axis([], full), _hatched(temps), bars, _rain_label(rains, full), *_temperatures(temps)]
    return _drawing("graphique meteo", HEIGHT, words, parts)


def axis_ticks(top: float) -> list[float]:
    """Choose two to four round values above zero, the last one at most `top` (1, 2 or 5 times a power of ten)."""
    power = 10.0 ** (len(str(int(top))) - 1) if top >= 1 else 0.1
    step = next(factor * power for factor in (0.2, 0.5, 1, 2, 5) if top / (factor * power) < 5)
    return [step * count for count in range(1, int(top / step) + 1)]


def _drawing(css: str, height: int, words: str, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        css, WIDTH, height, words, Markup("").join(parts)
    )


def _axis(ticks: Sequence[float], ceiling: float) -> Markup:
    base = HEIGHT - BOTTOM
    lines = [
        Markup('<path class="grille" d="M0 {0:.1f}H{1}"/><text class="axe" x="0" y="{2:.1f}">{3}</text>').format(
            _y(tick, ceiling), WIDTH, _y(tick, ceiling) - 4, _short(tick)
        )
        for tick in (0.0, *ticks)
        if ticks
    ]
    hours = [
        Markup('<text class="axe" x="{}" y="{}" text-anchor="{}">{}</text>').format(
            at * WIDTH // HOURS, HEIGHT - 6, "start" if at == 0 else "end" if at == HOURS else "middle", hour(at)
        )
        for at in TICK_HOURS
    ]
    marks = "".join(f"M{at * WIDTH // HOURS} {base}v5" for at in TICK_HOURS)
    return Markup('{}<path class="base" d="M0 {}H{}{}"/>{}').format(
        Markup("").join(lines), base, WIDTH, marks, Markup("").join(hours)
    )


def _short(value: float) -> str:
    if value >= COMPACT_FROM:
        return quantity(value / 1e6, "million" if value < 2e6 else "millions")
    return number(value)


def _x(at: int) -> float:
    """Place the middle of an hour."""
    return (at + 0.5) * WIDTH / HOURS


def _y(value: float, ceiling: float) -> float:
    base = HEIGHT - BOTTOM
    return base - (base - TOP) * value / ceiling


def _line(values: Values, ceiling: float) -> str:
    return strokes([None if value is None else (_x(at), _y(value, ceiling)) for at, value in enumerate(values)])


def strokes(points: Sequence[tuple[float, float] | None]) -> str:
    """Build path data: a stroke for each run of known points, a dot for a point alone."""
    data, drawing = [], False
    for at, point in enumerate(points):
        if point is None:
            drawing = False
            continue
        alone = not drawing and (at + 1 == len(points) or points[at + 1] is None)
        data.append(f"{'L' if drawing else 'M'}{point[0]:.1f} {point[1]:.1f}" + ("h.1" if alone else ""))
        drawing = True
    return "".join(data)


def _hatched(values: Values) -> Markup:
    """Draw slanted lines over the column of each hour without a value."""
    width, base = WIDTH / HOURS, HEIGHT - BOTTOM
    lines = int((base - TOP - width) // HATCH)
    column = f"l{width:.1f} {-width:.1f}" + f"m{-width:.1f} {width - HATCH:.1f}l{width:.1f} {-width:.1f}" * lines
    data = "".join(f"M{at * width:.1f} {base}{column}" for at, value in enumerate(values) if value is None)
    return Markup('<path class="hachures" d="{}"/>').format(data) if data else Markup("")


def _between(values: Values, usual: Values, ceiling: float) -> str:
    """Build the path data of the surfaces between two lines, one for each run of hours that both know."""
    data, there, back = [], list[str](), list[str]()
    for at, (value, before) in enumerate([*zip(values, usual, strict=True), (None, None)]):
        if value is not None and before is not None:
            there.append(f"{_x(at):.1f} {_y(value, ceiling):.1f}")
            back.insert(0, f"{_x(at):.1f} {_y(before, ceiling):.1f}")
        elif there:
            data.append(f"M{'L'.join([*there, *back])}Z")
            there, back = [], []
    return "".join(data)


def _peak(kind: str, values: Values, ceiling: float) -> Markup:
    known = [(value, -at) for at, value in enumerate(values) if value is not None]
    if not known or not max(known)[0]:
        return Markup("")
    value, at = max(known)[0], -max(known)[1]
    x, y = _x(at), _y(value, ceiling)
    return Markup(
        '<circle class="point {}" cx="{:.1f}" cy="{:.1f}" r="5"/><text class="pic" x="{:.1f}" y="{:.1f}" '
        'text-anchor="{}">{} : {}</text>'
    ).format(kind, x, y, x, y - 11, _anchor(at), hour(at), number(value, 0))


def _rain_label(rains: Values, full: float) -> Markup:
    known = [(rain, -at) for at, rain in enumerate(rains) if rain]
    if not known:
        return Markup("")
    rain, at = max(known)[0], -max(known)[1]
    return Markup('<text class="note pluie" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        _x(at), HEIGHT - BOTTOM - 80 * rain / full - 6, _anchor(at), quantity(rain, "mm")
    )


def _temperatures(temps: Values) -> list[Markup]:
    known = [(temp, at) for at, temp in enumerate(temps) if temp is not None]
    if not known:
        return []
    low, high = min(known)[0], max(known)[0]
    stretch = max(high - low, 4.0)  # °C; a flat day stays flat

    def y(temp: float) -> float:
        return 110 - 75 * (temp - low) / stretch

    points = [None if temp is None else (_x(at), y(temp)) for at, temp in enumerate(temps)]
    labels = [
        Markup('<text class="note temperature" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
            _x(at), y(temp) + below, _anchor(at), quantity(temp, "°C")
        )
        for (temp, at), below in ((min(known), 20), (max(known), -10))
    ]
    return [Markup('<path class="trait temperature" d="{}"/>').format(strokes(points)), *labels]


def _anchor(at: int) -> str:
    return "start" if at < 4 else "end" if at > 19 else "middle"
