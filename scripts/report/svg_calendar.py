"""Many days side by side as small SVG drawings: one spark a day, one bar a day."""

from collections.abc import Sequence
from datetime import date

from markupsafe import Markup

from scripts.report.svg_charts import Values, strokes

SPARK_STEP, SPARK_HEIGHT = 4, 24  # units an hour, and units high
STRIP_WIDTH, STRIP_HEIGHT, STRIP_FOOT = 640, 100, 18
MONTH_ROOM = 42  # units that the name of a month takes
MONTH_NAMES = ("janv.", "févr.", "mars", "avril", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")
SATURDAY = 5  # of date.weekday()
BLOCKS = "▁▂▃▄▅▆▇█"
RECENT_LEAST = 3  # known values, below which a line shows nothing
GAP = 0.2  # of a day's room, left empty between two bars


def spark(profiles: Sequence[tuple[str, Values, float]], hours: int = 1) -> Markup:
    """Draw a day in miniature: a line for each (kind, 24 values, ceiling). It is decorative: words stand beside it.

    Days drawn with the same ceilings can be compared. `hours`: a point for the mean of so many.
    """
    lines = [
        Markup('<path class="{}" d="{}"/>').format(kind, _steps(values, top or 1.0, hours))
        for kind, values, top in profiles
        if any(value is not None for value in values)
    ]
    return Markup(
        '<svg class="mini" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
    ).format(SPARK_STEP * 23, SPARK_HEIGHT, Markup("").join(lines))


def recent_line(values: Values, compared: Sequence[int]) -> Markup:
    """Draw the last days as a line between its own least and most, a dot on those compared, a larger one on the last.

    compared: places in `values`. Nothing with fewer than three known values: it is decorative, words stand beside it.
    """
    known = [value for value in values if value is not None]
    if len(known) < RECENT_LEAST:
        return Markup("")
    low, high = min(known), max(known)
    points = [
        None if value is None else (at * 10.0, 40 - 36 * (value - low) / (high - low) if high > low else 22.0)
        for at, value in enumerate(values)
    ]
    dots = [strokes([points[at]]) for at in compared]
    return Markup(
        '<svg class="recents" viewBox="0 0 {} 44" preserveAspectRatio="none" aria-hidden="true"><path d="{}"/>'
        '<path class="points" d="{}"/><path class="points ce-jour" d="{}"/></svg>'
    ).format(10 * (len(values) - 1), strokes(points), "".join(dots), strokes(points[-1:]))


def _steps(values: Values, ceiling: float, hours: int) -> str:
    """Build path data in whole units, each point from the one before: as few bytes as can be."""
    data, last = "", None
    for start in range(0, len(values), hours):
        known = [value for value in values[start : start + hours] if value is not None]
        if not known:
            last = None
            continue
        x = round(SPARK_STEP * (start + (hours - 1) / 2))
        y = round(SPARK_HEIGHT - 1 - (SPARK_HEIGHT - 2) * sum(known) / len(known) / ceiling)
        data += f"M{x} {y}h.1" if last is None else f"l{x - last[0]} {y - last[1]}".replace(" -", "-")
        last = x, y
    return data


def blocks(values: Sequence[float]) -> str:
    """Write the hours of a day as a row of blocks, from its own zero to its own peak; a dot where nothing is known."""
    known = [value for value in values if value == value]
    top = max(known, default=0.0) or 1.0
    return "".join(BLOCKS[round(value / top * (len(BLOCKS) - 1))] if value == value else "·" for value in values)


def strip(kind: str, values: Values, days: Sequence[date], words: str) -> Markup:
    """Draw one bar a day in the order given, from zero, weekends lighter, and name the months.

    A missing value is an empty place with a tick below.
    """
    top = max([value for value in values if value is not None], default=0.0) or 1.0
    room, base = STRIP_WIDTH / max(len(values), 1), STRIP_HEIGHT - STRIP_FOOT
    bars = {"": "", " fin-de-semaine": ""}
    for at, (value, day) in enumerate(zip(values, days, strict=True)):
        if value:
            weekend = " fin-de-semaine" if day.weekday() >= SATURDAY else ""
            bars[weekend] += f"M{(at + 0.5) * room:.1f} {base}v{-base * value / top:.1f}"
    gaps = "".join(f"M{(at + 0.4) * room:.1f} {base}v5" for at, value in enumerate(values) if value is None)
    firsts = [at for at, day in enumerate(days) if day.day == 1 or at == 0]
    shown = [
        at
        for at, following in zip(firsts, [*firsts[1:], len(days)], strict=True)
        if (following - at) * room >= MONTH_ROOM
    ]
    months = Markup("").join(
        Markup('<text x="{:.1f}" y="{}">{}</text>').format(at * room, STRIP_HEIGHT - 2, MONTH_NAMES[days[at].month - 1])
        for at in shown
    )
    return Markup(
        '<svg class="bande" viewBox="0 0 {} {}" role="img" aria-label="{}"><g class="{}" stroke-width="{:.1f}">{}</g>'
        '<path class="base" d="M0 {}H{}{}"/>{}</svg>'
    ).format(
        STRIP_WIDTH,
        STRIP_HEIGHT,
        words,
        kind,
        room * (1 - GAP),
        Markup("").join(
            Markup('<path class="jours{}" d="{}"/>').format(css, data) for css, data in bars.items() if data
        ),
        base,
        STRIP_WIDTH,
        gaps,
        months,
    )
