"""A range of days: all of them, oldest first, and what fails named at the end."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta
from pathlib import Path

import pytest

from lib.common.errors import ExitCode
from lib.common.settings import ROOT
from lib.files.locks import day_lock
from lib.files.scratch_folder import PREFIX
from scripts import generate_report, process_bikes, process_comptages
from scripts.backfill import main
from scripts.registry import SOURCES
from scripts.sources.comptages.worker import ALONE
from tests.conftest import Ran, RawTree, bike, count_row
from tests.support.cases import shortened
from tests.support.checkout import copy_checkout
from tests.support.patience import child, deadline, wait_until
from tests.support.shared_trees import demo_tree

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
    # the source, and the report that has nothing to tell
    assert ran.out.splitlines()[-1] == f"2 jours : 2 calculs faits, 2 échecs -> {weeks.output}"
    assert weeks.report("2025-11-04")["sources"]["bikes"]["statut"] == "complet"


def test_json_counts_days_and_names_failures(weeks: RawTree, run: Run) -> None:
    told = json.loads(run(main, "--from", "2025-11-04", "--to", "2025-11-04", "--json").out)
    assert told["jours"] == 1
    assert told["sources"] == list(SOURCES)
    assert {text.split()[1] for text in told["echecs"]} == {*SOURCES} - {"bikes"}


def test_a_range_that_ends_before_it_starts_is_wrong_usage(weeks: RawTree, run: Run) -> None:
    ran = run(main, "--from", "2025-11-04", "--to", "2025-11-03")
    assert (ran.code, ran.out) == (2, "")
    assert "--from 2025-11-04 est après --to 2025-11-03" in ran.err
    assert not (weeks.output / "metrics").exists()


def test_a_day_that_another_run_works_on_is_named(weeks: RawTree, run: Run) -> None:
    with day_lock(weeks.output, date(2025, 11, 4), "bikes", None):
        ran = run(main, "--from", "2025-11-04", "--to", "2025-11-04", "--source", "bikes")
    assert ran.code == ExitCode.LOCKED
    assert "un autre traitement du 2025-11-04 est en cours" in ran.err


def test_the_same_range_again_gives_the_same_figures(weeks: RawTree, run: Run) -> None:
    words = ("--from", "2025-11-04", "--to", "2025-11-04", "--source", "bikes", "--force")
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


@pytest.fixture
def both(weeks: RawTree) -> RawTree:
    """Besides bikes, road counts of three days in two files, with a row that nothing can be made of."""
    rows = [
        count_row(arc, f"2025-11-{day:02}T{hour:02}:00:00+01:00", 100 * day + hour, 10.5)
        for day in (2, 3, 4)
        for arc in ("1", "2")
        for hour in range(1, 24)
    ]
    weeks.counts([*rows, "abîmée;2025-11-03T10:00:00+01:00"])
    weeks.counts([count_row("1", "2025-11-04T10:00:00+01:00", 7, 1)], "comptages-routiers-permanents-2.csv")
    return weeks


BOTH = ("--to", "2025-11-04", "--source", "bikes", "--source", "comptages")
RANGE = ("--from", "2025-10-07", *BOTH)
WEEK = ("--from", "2025-10-28", *BOTH)  # with results of four days


def results(raw: RawTree) -> dict[str, str]:
    """Every result file without the line that says when it was made."""
    return {
        str(path.relative_to(raw.output)): "\n".join(
            line for line in path.read_text("utf-8").splitlines() if not line.startswith('  "timestamp"')
        )
        for folder in ("metrics", "reports", "rejects")
        for path in sorted((raw.output / folder).glob("*"))
    }


@pytest.mark.parametrize("jobs", shortened(["1", "3"], ["3"]))
def test_processes_store_what_the_scripts_do_one_by_one(
    both: RawTree, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: str
) -> None:
    assert run(main, *RANGE, "--jobs", jobs).code == 1, "some days have no data"
    seen = results(both)
    monkeypatch.setenv("OUTPUT_DIR", str(tmp_path / "one-by-one"))
    for offset in sorted({*range(0, 29, 7), 1, 26, 27}):  # nothing is known of the other days, as of the second one
        day = str(date(2025, 10, 7) + timedelta(days=offset))
        for script in (process_bikes, process_comptages, generate_report):
            run(script.main, "--date", day, "-q")
    alone = results(RawTree(both.root, tmp_path / "one-by-one"))
    assert len(alone) == 5 + 3 + 3 * 7 + 1
    assert seen == alone
    assert both.metrics("bikes", "2025-11-04")["frequentation_index"] == 208.3  # 50 beside 10, 20, 30 and 40


def test_a_second_run_does_nothing_and_a_lost_file_alone_is_made_again(both: RawTree, run: Run) -> None:
    words = ("--from", "2025-11-02", "--to", "2025-11-04", "--source", "comptages")
    assert run(main, *words).code == 0
    figures = both.output / "metrics" / "comptages_metrics_2025-11-03.json"
    before = {path: path.stat().st_mtime_ns for path in figures.parent.iterdir()}
    assert "comptages    à jour" in run(main, *words).out
    figures.unlink()
    ran = run(main, *words)
    assert "comptages    1 à faire (absent) : 2025-11-03\n" in ran.out
    after = {path: path.stat().st_mtime_ns for path in figures.parent.iterdir()}
    assert {path for path in after if after[path] != before[path]} == {figures}


def test_a_dry_run_tells_the_plan_and_writes_nothing(both: RawTree, run: Run) -> None:
    ran = run(main, *RANGE, "--dry-run")
    assert ran.code == 0
    assert ran.out.splitlines()[0] == "Plan du 2025-10-07 au 2025-11-04 : 29 jours, 87 calculs à faire."
    assert "  bikes        29 à faire (absent) : 2025-10-07 à 2025-11-04" in ran.out
    assert "  bikes : aucun fichier de 2025-10-07 à 2025-11-04" in ran.out
    told = json.loads(run(main, *RANGE, "--dry-run", "--json").out)
    assert told["a_faire"]["comptages"]["absent"][0] == "2025-10-07"
    assert not any(path for path in both.output.rglob("*") if path.is_file())


def test_no_day_with_any_input_is_exit_code_4(raw: RawTree, run: Run) -> None:
    ran = run(main, "--from", "2025-11-03", "--to", "2025-11-04")
    assert ran.code == ExitCode.NO_INPUT
    assert not (raw.output / "metrics").exists()


def test_a_day_that_no_source_tells_of_is_said_once_and_nothing_is_written(
    raw: RawTree, run: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """After the last pull works and disruptions that were announced long before are no day of their own."""
    shutil.copytree(demo_tree(tmp_path_factory, 2), raw.root, dirs_exist_ok=True)
    ran = run(main, "--from", "2025-11-04", "--to", "2025-11-12", "--jobs", "1")
    assert ran.code == 1
    assert "2025-11-06 à 2025-11-12 : aucune source n'a de données, rien n'est écrit." in ran.err
    assert not [line for line in ran.err.splitlines() if "erreur" in line and "2025-11-07" in line]
    assert ", 7 jours sans données -> " in ran.out
    days = {path.stem[-10:] for path in (*raw.output.glob("metrics/*"), *raw.output.glob("reports/*"))}
    assert days == {"2025-11-04", "2025-11-05"}  # the second has a pull of its own
    raw.counts([count_row("1", "2025-11-12T09:00:00+01:00", 5)], "comptages-routiers-permanents-2.csv")
    assert run(main, "--from", "2025-11-11", "--to", "2025-11-12", "--jobs", "1").code == 1
    assert (raw.output / "reports" / "daily_report_2025-11-12.json").is_file()
    assert not list(raw.output.glob("metrics/*2025-11-11*"))
    assert run(main, "--from", "2025-11-20", "--to", "2025-11-21", "--jobs", "1").code == 4


@pytest.mark.parametrize("jobs", ["0", "-1", "deux", "1.5"])
def test_a_number_of_processes_that_is_none_is_wrong_usage(raw: RawTree, run: Run, jobs: str) -> None:
    ran = run(main, "--from", "2025-11-03", "--to", "2025-11-04", f"--jobs={jobs}")
    assert ran.code == ExitCode.USAGE
    assert f"« {jobs} » n'est pas un nombre de processus" in ran.err


def started(*words: str) -> "AbstractContextManager[subprocess.Popen[str]]":
    command = [sys.executable, str(ROOT / "scripts" / "backfill.py"), *words]
    return child(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_ctrl_c_leaves_whole_files_and_no_process(both: RawTree) -> None:
    with started(*WEEK, "--jobs", "2") as process:
        wait_until(lambda: list((both.output / "metrics").glob("*.json")), process)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=deadline())
        assert process.returncode == ExitCode.INTERRUPTED
        assert "Traceback" not in err
        assert all(json.loads(text) for name, text in results(both).items() if name.endswith(".json"))
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)


@pytest.mark.parametrize("which", [0, -1])  # the one that makes the reports, and one that computes
def test_a_process_that_dies_ends_the_run_and_the_next_one_does_the_rest(both: RawTree, run: Run, which: int) -> None:
    with started(*WEEK, "--jobs", "2") as process:
        wait_until(lambda: len(children(process.pid)) == 3, process)
        os.kill(children(process.pid)[which], signal.SIGKILL)
        _, err = process.communicate(timeout=deadline())
    assert process.returncode == 1
    assert "un processus de calcul s'est arrêté" in err
    assert run(main, *WEEK).code == 1, "some days have no data"
    assert len(results(both)) == 2 + 3 + 3 * 4 + 1


def test_a_run_killed_alone_leaves_no_process_and_no_temporary_folder(
    both: RawTree, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    with (both.root / "batch" / "comptages-routiers-permanents.csv").open("ab") as stream:
        stream.write(b"\n" * ALONE)  # large enough for its lines to be kept in a temporary folder
    with started(*WEEK, "--jobs", "2") as process:
        wait_until(lambda: len(children(process.pid)) == 3 and any(temporary.iterdir()), process)
        wait_until(lambda: list((both.output / "metrics").glob("*.json")), process)
        process.kill()
        process.communicate(timeout=deadline())
        wait_until(lambda: not alive(process.pid))
    assert any(temporary.iterdir()), "killed: it could not clear what it had there"
    assert run(main, *WEEK).code == 1, "some days have no data"
    assert not any(temporary.iterdir())


def test_a_run_with_nothing_to_do_clears_what_a_killed_one_kept(
    both: RawTree, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run killed after its last road counts were stored: the next one reads none."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    words = ("--from", "2025-11-02", "--to", "2025-11-04", "--source", "comptages")
    assert run(main, *words).code == 0
    (tmp_path / f"{PREFIX}a1b2c3d4" / "0").mkdir(parents=True)
    ran = run(main, *words)
    assert ran.code == 0 and "comptages    à jour" in ran.out
    assert not list(tmp_path.glob(f"{PREFIX}*"))


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
