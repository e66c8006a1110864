"""Days and hours as the smallest of drawings: one spark a day, one row of blocks."""

from collections.abc import Sequence

from markupsafe import Markup

from scripts.report.svg_charts import Values, strokes

SPARK_STEP, SPARK_HEIGHT = 4, 24  # units an hour, and units high
MONTH_NAMES = ("janv.", "févr.", "mars", "avril", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")
SATURDAY = 5  # of date.weekday()
BLOCKS = "▁▂▃▄▅▆▇█"
RECENT_LEAST = 3  # known values, below which a line shows nothing


def spark(profiles: Sequence[tuple[str, Values, float]]) -> Markup:
    """Draw a day in miniature: a line for each (kind, 24 values, ceiling). It is decorative: words stand beside it.

    Days drawn with the same ceilings can be compared.
    """
    lines = [
        Markup('<path class="{}" d="{}"/>').format(kind, _steps(values, top or 1.0))
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


def _steps(values: Values, ceiling: float) -> str:
    """Build path data in whole units, each point from the one before: as few bytes as can be."""
    data, last = "", None
    for hour, value in enumerate(values):
        if value is None:
            last = None
            continue
        x, y = SPARK_STEP * hour, round(SPARK_HEIGHT - 1 - (SPARK_HEIGHT - 2) * value / ceiling)
        data += f"M{x} {y}h.1" if last is None else f"l{x - last[0]} {y - last[1]}".replace(" -", "-")
        last = x, y
    return data


def blocks(values: Sequence[float]) -> str:
    """Write the hours of a day as a row of blocks, from its own zero to its own peak; a dot where nothing is known."""
    known = [value for value in values if value == value]
    top = max(known, default=0.0) or 1.0
    return "".join(BLOCKS[round(value / top * (len(BLOCKS) - 1))] if value == value else "·" for value in values)
