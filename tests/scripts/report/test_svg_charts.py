"""The charts: gaps stay gaps, the peak is named, axes have round values."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from scripts.report.history.all_days import spark
from scripts.report.page import blocks
from scripts.report.svg_charts import HEIGHT, WIDTH, axis_ticks, hour_chart, weather_chart

NONE = [None] * 24


def by_class(drawing: str, css: str) -> list[ET.Element]:
    return [node for node in ET.fromstring(drawing).iter() if node.get("class") == css]


@pytest.mark.parametrize(
    ("top", "ticks"),
    [(1_228_590, [500_000, 1_000_000]), (6146, [2000, 4000, 6000]), (10, [5, 10]), (3, [1, 2, 3]), (1, [0.5, 1])],
)
def test_axis_values_are_round(top: float, ticks: list[float]) -> None:
    assert axis_ticks(top) == pytest.approx(ticks)


@pytest.mark.parametrize("top", [0.2, 0.31, 1.7, 4.4, 49, 51, 999, 1001, 7_654_321])
def test_there_are_two_to_four_of_them_below_the_top(top: float) -> None:
    ticks = axis_ticks(top)
    assert 2 <= len(ticks) <= 4
    assert ticks[-1] <= top


def test_an_unmeasured_hour_is_a_gap_and_never_the_floor() -> None:
    values = [100.0] * 24
    values[10] = values[11] = None
    values[12:15] = [None, 50.0, None]
    drawing = hour_chart("velos", values, NONE, "mots")
    (line,) = by_class(drawing, "trait velos")
    strokes = re.findall(r"M[^M]+", line.get("d", ""))
    assert len(strokes) == 3
    assert strokes[1].endswith("h.1")  # an hour alone is a dot
    heights = {float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", line.get("d", ""))}
    assert max(heights) < HEIGHT - 60
    (gap,) = by_class(hour_chart("velos", values, [80.0] * 24, "mots"), "ecart velos")
    assert gap.get("d", "").count("Z") == 3


def test_the_gap_to_the_usual_day_is_shaded_where_both_are_known() -> None:
    (gap,) = by_class(hour_chart("routes", [10.0] * 24, [5.0] * 12 + [None] * 12, "mots"), "ecart routes")
    corners = re.findall(r"[ML]([\d.]+) ([\d.]+)", gap.get("d", ""))
    assert len(corners) == 24 and {y for _, y in corners[:12]} != {y for _, y in corners[12:]}
    (nothing,) = by_class(hour_chart("routes", [10.0] * 24, NONE, "mots"), "ecart routes")
    assert nothing.get("d") == ""


def test_the_axis_begins_with_zero() -> None:
    labels = [one.text for one in by_class(hour_chart("routes", [10.0] * 24, NONE, "mots"), "axe")]
    assert labels[:3] == ["0", "5", "10"]


def test_the_peak_is_named_by_its_first_hour() -> None:
    values = [float(at % 12) for at in range(24)]
    (label,) = by_class(hour_chart("routes", values, NONE, "mots"), "pic")
    assert label.text == "11\u202fh : 11"


def test_the_usual_day_may_be_higher_than_the_day() -> None:
    (line,) = by_class(hour_chart("routes", [1.0] * 24, [10.0] * 24, "mots"), "habituel")
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", line.get("d", ""))]
    assert min(heights) >= 0


@pytest.mark.parametrize("values", [NONE, [0.0] * 24])
def test_a_day_without_any_count_has_no_peak(values: list[float | None]) -> None:
    assert by_class(hour_chart("routes", values, NONE, "mots"), "pic") == []


def test_everything_is_inside_the_drawing() -> None:
    drawing = hour_chart("routes", [float(at) for at in range(24)], [30.0] * 24, "mots")
    for path in ET.fromstring(drawing).iter("path"):
        for x, y in re.findall(r"[ML]([\d.-]+) ([\d.-]+)", path.get("d", "")):
            assert 0 <= float(x) <= WIDTH
            assert 0 <= float(y) <= HEIGHT


def test_weather_has_a_bar_for_each_rainy_hour_and_names_its_extremes() -> None:
    hours = [{"heure": at, "temp": 10.0 + at % 12, "precip": 1.5 if at in (3, 4) else 0.0} for at in range(24)]
    hours[7] |= {"temp": None, "precip": None}
    drawing = weather_chart(hours, "mots")
    assert len(by_class(drawing, "pluie")) == 2
    assert [one.text for one in by_class(drawing, "note temperature")] == ["10\u202f°C", "21\u202f°C"]
    assert by_class(drawing, "note pluie")[0].text == "1,5\u202fmm"
    (line,) = by_class(drawing, "trait temperature")
    assert line.get("d", "").count("M") == 2


def test_weather_without_an_hour_is_an_empty_axis() -> None:
    drawing = weather_chart([{"heure": at, "temp": None, "precip": None} for at in range(24)], "mots")
    assert by_class(drawing, "trait temperature") == by_class(drawing, "pluie") == []


def test_words_are_escaped() -> None:
    assert ET.fromstring(hour_chart("routes", NONE, NONE, '"><script>')).get("aria-label") == '"><script>'


def test_a_spark_has_gaps() -> None:
    values = [0.0, 10.0, None, 10.0, *[None] * 20]
    assert 'd="M0 23L4 1M12 1h.1"' in spark([("routes", values, 10.0)])


def test_blocks_are_a_row_of_hours_to_the_peak() -> None:
    days = [[0.0, 50.0, 100.0, np.nan], [0.0] * 4, [np.nan] * 4, [1.0, np.nan, 1.0, 0.5]]
    assert blocks(np.array(days)) == ["▁▅█·", "▁▁▁▁", "····", "█·█▅"]


def test_sparks_of_one_ceiling_can_be_compared() -> None:
    half, full = (spark([("routes", [value] * 24, 10.0)]) for value in (5.0, 10.0))
    assert [re.findall(r'd="M0 (\d+)', drawing)[0] for drawing in (half, full)] == ["12", "1"]
    assert "path" not in spark([("routes", NONE, 10.0)])


def test_hours_without_a_value_are_hatched_over_their_own_column() -> None:
    values = [10.0] * 10 + [None] * 2 + [10.0] * 12
    (hatches,) = by_class(hour_chart("velos", values, [9.0] * 24, "mots"), "hachures")
    starts = [float(x) for x in re.findall(r"M([\d.]+) ", hatches.get("d", ""))]
    assert starts == pytest.approx([10 * WIDTH / 24, 11 * WIDTH / 24], abs=0.1)
    assert not by_class(hour_chart("velos", [10.0] * 24, NONE, "mots"), "hachures")
