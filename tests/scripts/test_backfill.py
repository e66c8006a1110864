"""A range of days: all of them, oldest first, and what fails named at the end."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from lib.run_lock import day_lock
from scripts.backfill import main
from tests.checkout import copy_checkout
from tests.conftest import Ran, RawTree, bike

Run = Callable[..., Ran]


@pytest.fixture
def weeks(raw: RawTree) -> RawTree:
    """Two counters on five Tuesdays up to 2025-11-04, ten passages more each week; nothing on the days between."""
    rows = []
    for week in range(5):
        day = date(2025, 11, 4) - timedelta(weeks=week)
        offset = "+01:00" if day >= date(2025, 10, 26) else "+02:00"
        rows += [
            bike(counter, f"{day}T{hour:02}:00:00{offset}", 10 * (5 - week))
            for counter in ("A", "B")
            for hour in range(24)
        ]
    raw.pull("bikes", "2025-11-05", "a.json", rows)
    return raw


def test_both_ends_are_included_and_days_come_oldest_first(weeks: RawTree, run: Run) -> None:
    ran = run(main, "--from", "2025-10-28", "--to", "2025-11-04", "--source", "bikes")
    assert ran.code == 1, "six days between have no data"
    assert [path.name for path in sorted((weeks.output / "metrics").iterdir())] == [
        "bikes_metrics_2025-10-28.json",
        "bikes_metrics_2025-11-04.json",
    ]
    assert weeks.metrics("bikes", "2025-11-04")["frequentation_index"] == 125.0  # against the day made just before
    figure = weeks.report("2025-11-04")["chiffres_cles"]["passages_velo"]
    assert (figure["semaine_precedente"], figure["evolution_semaine_precedente_pct"]) == (1920, 25.0)


def test_a_day_that_fails_stops_no_other_and_is_named(weeks: RawTree, run: Run) -> None:
    ran = run(main, "--from", "2025-11-03", "--to", "2025-11-04", "--source", "bikes")
    assert ran.code == 1
    assert "2025-11-03 bikes : aucune donnée « bikes » pour le 2025-11-03. Jours présents (5)" in ran.err
    assert ran.out == f"2 jours, 2 échecs -> {weeks.output}\n"  # the source, and the report that has nothing to tell
    assert weeks.report("2025-11-04")["sources"]["bikes"]["statut"] == "complet"


def test_json_counts_days_and_names_failures(weeks: RawTree, run: Run) -> None:
    told = json.loads(run(main, "--from", "2025-11-04", "--to", "2025-11-04", "--json").out)
    assert told["jours"] == 1
    assert len(told["sources"]) == 6
    assert sorted(text.split()[1] for text in told["echecs"]) == [
        "chantiers", "comptages", "referentiel", "traffic", "weather",
    ]  # fmt: skip


def test_a_range_that_ends_before_it_starts_is_wrong_usage(weeks: RawTree, run: Run) -> None:
    ran = run(main, "--from", "2025-11-04", "--to", "2025-11-03")
    assert (ran.code, ran.out) == (2, "")
    assert "--from 2025-11-04 est après --to 2025-11-03" in ran.err
    assert not (weeks.output / "metrics").exists()


def test_a_day_that_another_run_works_on_is_named(weeks: RawTree, run: Run) -> None:
    with day_lock(weeks.output, date(2025, 11, 4), "bikes", None):
        ran = run(main, "--from", "2025-11-04", "--to", "2025-11-04", "--source", "bikes")
    assert ran.code == 1
    assert "un autre traitement du 2025-11-04 est en cours" in ran.err


def test_the_same_range_again_gives_the_same_figures(weeks: RawTree, run: Run) -> None:
    words = ("--from", "2025-11-04", "--to", "2025-11-04", "--source", "bikes")
    seen = []
    for _ in range(2):
        assert run(main, *words).code == 0
        seen.append((weeks.metrics("bikes", "2025-11-04"), weeks.report("2025-11-04")))
    assert seen[0] == seen[1]


def test_an_output_dir_that_cannot_be_made_is_said(weeks: RawTree, tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "checkout", weeks.root)
    words = ["--from", "2025-11-04", "--to", "2025-11-04", "--source", "bikes"]
    ran = checkout.run(".venv/bin/python", "scripts/backfill.py", *words, OUTPUT_DIR="/dev/null/output")
    assert ran.code == 0
    assert "OUTPUT_DIR : repli" in ran.err
    assert (checkout.root / "output" / "metrics" / "bikes_metrics_2025-11-04.json").is_file()
