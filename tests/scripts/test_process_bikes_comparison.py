"""A day of bikes is compared with earlier ones over the counters measured all day long in both, or not at all."""

from collections.abc import Callable
from typing import Any

from scripts.process_bikes import main
from tests.conftest import Ran, RawTree, bike

Run = Callable[..., Ran]

DAY, WEEK_BEFORE = "2025-11-18", "2025-11-11"  # winter time: both have 24 hours


def rows(day: str, counter: str, count: int, first: int = 0, last: int = 23) -> list[dict[str, Any]]:
    return [bike(counter, f"{day}T{hour:02}:00:00+01:00", count) for hour in range(first, last + 1)]


def made(raw: RawTree, run: Run, day: str, *counters: list[dict[str, Any]]) -> Any:
    raw.pull("bikes", day, f"{day}.json", [row for one in counters for row in one])
    assert run(main, "--date", day).code == 0
    return raw.metrics("bikes", day)


def test_half_a_day_is_not_compared_with_whole_ones(raw: RawTree, run: Run) -> None:
    made(raw, run, WEEK_BEFORE, rows(WEEK_BEFORE, "A", 10), rows(WEEK_BEFORE, "B", 10))
    metrics = made(raw, run, DAY, rows(DAY, "A", 10, last=11), rows(DAY, "B", 10, last=11))
    assert metrics["total_jour"] == 240
    assert (metrics["frequentation_index"], metrics["compteurs_compares"]) == (None, 0)


def test_counters_that_are_new_or_gone_do_not_move_the_index(raw: RawTree, run: Run) -> None:
    made(raw, run, WEEK_BEFORE, rows(WEEK_BEFORE, "A", 10), rows(WEEK_BEFORE, "B", 10), rows(WEEK_BEFORE, "GONE", 90))
    metrics = made(raw, run, DAY, rows(DAY, "A", 11), rows(DAY, "B", 13), rows(DAY, "NEW", 200))
    assert (metrics["frequentation_index"], metrics["compteurs_compares"]) == (120.0, 2)


def test_a_counter_measured_for_part_of_the_day_is_left_out(raw: RawTree, run: Run) -> None:
    week_before = [rows(WEEK_BEFORE, one, 10) for one in "ABCDE"]
    made(raw, run, WEEK_BEFORE, *week_before)
    metrics = made(raw, run, DAY, *(rows(DAY, one, 12) for one in "ABCD"), rows(DAY, "E", 12, first=5))
    assert (metrics["frequentation_index"], metrics["compteurs_compares"]) == (120.0, 4)


def test_a_few_counters_do_not_speak_for_all(raw: RawTree, run: Run) -> None:
    made(raw, run, WEEK_BEFORE, rows(WEEK_BEFORE, "A", 10))
    metrics = made(raw, run, DAY, rows(DAY, "A", 20), *(rows(DAY, one, 10) for one in "BCD"))
    assert (metrics["frequentation_index"], metrics["compteurs_compares"]) == (None, 1)


def test_a_counter_heard_for_an_hour_is_not_unusually_quiet(raw: RawTree, run: Run) -> None:
    made(raw, run, WEEK_BEFORE, rows(WEEK_BEFORE, "A", 10), rows(WEEK_BEFORE, "B", 10))
    metrics = made(raw, run, DAY, rows(DAY, "A", 10), rows(DAY, "B", 10, last=1))
    assert [one["type"] for one in metrics["anomalies"] if one["id_compteur"] == "B"] == ["silencieux"]


def test_the_hour_that_spring_skips_is_not_missing(raw: RawTree, run: Run) -> None:
    spring, before = "2025-03-30", "2025-03-23"
    made(raw, run, before, rows(before, "A", 10))
    hours = [bike("A", f"2025-03-{29 + (hour >= 1)}T{(hour + 23) % 24:02}:00:00+00:00", 10) for hour in range(23)]
    metrics = made(raw, run, spring, hours)
    assert metrics["metrics"][0]["heures_valides"] == 23
    assert metrics["compteurs_compares"] == 1 and metrics["frequentation_index"] == 95.8
