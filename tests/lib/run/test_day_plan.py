"""What is missing or stale in a range of days, as the Makefile would say it of each day."""

import os
from collections.abc import Collection
from datetime import date, timedelta

import pytest

from lib.common.paris_time import days_between
from lib.common.settings import ROOT
from lib.raw.source import Source
from lib.run import day_plan
from lib.run.day_plan import CODE, FORMS, HISTORY, INCOMPLETE, INPUTS, REMADE, UNTRIED, gaps, in_words, plan_range
from lib.run.dependencies import REPORT
from lib.run.input_lists import note_inputs
from scripts.backfill import main
from scripts.registry import BIKES, CHANTIERS, SOURCES
from tests.conftest import RawTree, bike
from tests.scripts.test_backfill import Run

LAST = date(2025, 11, 4)


@pytest.fixture
def made(raw: RawTree, run: Run) -> RawTree:
    """Bikes of two Tuesdays, made."""
    rows = [bike("A", f"{day}T12:00:00+00:00", 10) for day in ("2025-10-28", "2025-11-04")]
    raw.pull("bikes", "2025-11-05", "a.json", rows)
    for day in ("2025-10-28", "2025-11-04"):
        assert run(main, "--from", day, "--to", day, "--source", "bikes").code == 0
    return raw


def reasons(
    raw: RawTree, first: date = LAST - timedelta(weeks=1), every: Collection[Source] = tuple(SOURCES.values())
) -> dict[tuple[str, str], str]:
    """Why each step of the two Tuesdays is to be done."""
    plan = plan_range(raw.settings(), list(days_between(first, LAST)), [BIKES], False, every)
    return {(str(step.day)[5:], step.source): step.reason for step in plan.steps if step.day.weekday() == 1}


def touch(path: os.PathLike[str], later: float) -> None:
    status = os.stat(path)
    os.utime(path, (status.st_atime, status.st_mtime + later))


def test_only_the_report_is_made_again_while_a_source_is_missing(made: RawTree) -> None:
    assert reasons(made) == {
        ("10-28", "bikes"): "", ("10-28", REPORT): INCOMPLETE, ("11-04", "bikes"): "", ("11-04", REPORT): INCOMPLETE,
    }  # fmt: skip


def test_a_new_pull_makes_every_day_stale_and_nothing_is_written_to_say_so(made: RawTree) -> None:
    made.pull("bikes", "2025-11-06", "b.json", [bike("A", "2025-11-05T12:00:00+00:00", 10)])
    listed = (made.output / ".inputs" / "bikes.txt").read_bytes()
    assert {reason for (_, source), reason in reasons(made).items() if source == "bikes"} == {INPUTS}
    assert (made.output / ".inputs" / "bikes.txt").read_bytes() == listed


def test_arrondissements_are_an_input_of_bikes(made: RawTree) -> None:
    made.batch("arrondissements.geojson", '{"features": []}')
    assert reasons(made)["11-04", "bikes"] == INPUTS


def test_bikes_are_made_again_after_the_day_they_are_compared_with(made: RawTree) -> None:
    (made.output / "metrics" / "bikes_metrics_2025-10-28.json").unlink()
    assert reasons(made)["11-04", "bikes"] == UNTRIED  # made again too, should that day still have data
    touch(made.output / "metrics" / "bikes_metrics_2025-11-04.json", -1000)
    assert reasons(made)["11-04", "bikes"] == INPUTS


def test_a_newer_earlier_day_outside_the_range_counts_too(made: RawTree) -> None:
    touch(made.output / "metrics" / "bikes_metrics_2025-10-28.json", 1000)
    assert reasons(made, LAST) == {("11-04", "bikes"): HISTORY, ("11-04", REPORT): INCOMPLETE}


def test_newer_code_makes_everything_stale(made: RawTree, monkeypatch: pytest.MonkeyPatch) -> None:
    touched = os.stat(ROOT / "lib" / "run" / "cli.py").st_mtime_ns
    for path in (made.output / "metrics").iterdir():
        os.utime(path, ns=(touched - 1, touched - 1))
    os.utime(made.output / ".inputs" / "bikes.txt", (0, 0))
    os.utime(made.output / ".inputs" / "arrondissements.txt", (0, 0))
    assert reasons(made)["11-04", "bikes"] == CODE


def test_a_report_older_than_its_figures_is_made_again(made: RawTree) -> None:
    for source in SOURCES:
        (made.output / "metrics" / f"{source}_metrics_2025-11-04.json").touch()
    assert reasons(made, LAST)["11-04", REPORT] == REMADE


@pytest.mark.parametrize("suffix", [".html", ".csv"])
def test_a_page_or_table_that_is_missing_or_older_than_the_report_is_made_again(
    made: RawTree, run: Run, suffix: str
) -> None:
    assert reasons(made, LAST, [BIKES])["11-04", REPORT] == ""
    form = made.output / "reports" / f"daily_report_2025-11-04{suffix}"
    for spoil in (form.unlink, lambda: touch(form, -1000)):
        spoil()
        assert reasons(made, LAST, [BIKES])["11-04", REPORT] == FORMS
        assert run(main, "--from", "2025-11-04", "--to", "2025-11-04", "--source", "bikes").code == 0
        assert reasons(made, LAST, [BIKES])["11-04", REPORT] == ""


def test_newer_templates_make_the_report_alone_stale(made: RawTree, monkeypatch: pytest.MonkeyPatch) -> None:
    real = day_plan._time
    monkeypatch.setattr(day_plan, "_time", lambda path: float("inf") if path.suffix == ".j2" else real(path))
    assert reasons(made, LAST, [BIKES]) == {("11-04", "bikes"): "", ("11-04", REPORT): CODE}


def test_days_without_a_pull_are_gaps(made: RawTree) -> None:
    days = list(days_between(date(2025, 11, 3), date(2025, 11, 6)))
    note_inputs(made.settings(), CHANTIERS.read + BIKES.read)
    plan = plan_range(made.settings(), days, [BIKES, CHANTIERS], False, [BIKES, CHANTIERS])
    assert gaps(made.settings(), plan) == {"bikes": [days[0], days[1], days[3]], "chantiers": days}


def test_runs_of_days_are_said_short() -> None:
    days = [date(2025, 10, number) for number in (7, 8, 9, 12)]
    assert in_words(days) == "2025-10-07 à 2025-10-09, 2025-10-12"


def test_figures_that_a_database_refused_are_tried_again_whatever_was_kept_before(made: RawTree) -> None:
    note = made.output / ".kept" / "bikes_2025-11-04.json"
    note.parent.mkdir()
    note.write_text('{"raison": "d\'avant"}')
    assert reasons(made, LAST)["11-04", "bikes"] == ""
    os.utime(made.output / "metrics" / "bikes_metrics_2025-11-04.json", (0, 0))  # see lib/run/both.save_in_both
    assert reasons(made, LAST)["11-04", "bikes"] != ""
