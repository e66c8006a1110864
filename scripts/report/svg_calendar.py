"""Many days side by side as small SVG drawings: one spark a day, one bar a day."""

from collections.abc import Sequence

from markupsafe import Markup

from scripts.report.svg_charts import Values, strokes

SPARK_WIDTH, SPARK_HEIGHT = 100, 32
STRIP_WIDTH, STRIP_HEIGHT = 640, 90
BLOCKS = "▁▂▃▄▅▆▇█"
GAP = 0.2  # of a day's room, left empty between two bars


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


def blocks(values: Sequence[float]) -> str:
    """Write the hours of a day as a row of blocks, from its own zero to its own peak; a dot where nothing is known."""
    known = [value for value in values if value == value]
    top = max(known, default=0.0) or 1.0
    return "".join(BLOCKS[round(value / top * (len(BLOCKS) - 1))] if value == value else "·" for value in values)


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
