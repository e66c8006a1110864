"""What every command has in common: French usage, exit codes, stdout for results and stderr for the rest."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from lib.common.errors import ExitCode
from lib.run import cli
from lib.run.side_by_side import side_by_side
from scripts import backfill, day, generate_report, process_bikes, process_comptages, process_weather
from tests import script_server
from tests.conftest import ROOT, Ran, RawTree, bike
from tests.support.patience import deadline

Run = Callable[..., Ran]
DAY = "2025-11-04"


@pytest.fixture
def bikes(raw: RawTree) -> RawTree:
    """A day of one counter, with a warning (no polygons) and a rejected row."""
    rows = [bike("A-1", f"{DAY}T{hour:02}:00:00+01:00", 10) for hour in range(24)]
    raw.pull("bikes", DAY, "a.json", [*rows, bike("A-1", f"{DAY}T08:30:00+01:00", 5)])
    return raw


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--date"], "--date attend une valeur"),
        (["--date", "04/11/2025"], "--date : date « 04/11/2025 » invalide : écrire AAAA-MM-JJ"),
        (["--date", "2025-02-30"], "ce jour n'existe pas, écrire par exemple"),
        (["--date", "0001-01-01"], "l'année doit être entre 1970 et 2100"),
        (
            ["--store", "oracle"],
            "--store : 'oracle' n'est pas un choix possible ('local_files', 'mongodb', 'dynamodb')",
        ),
        (["-q", "-v"], "-v/--verbose ne va pas avec"),
        (["--jour", DAY], f"arguments inconnus : --jour {DAY}"),
        (["--dat", DAY], "arguments inconnus : --dat"),
        (["--json=oui"], "--json n'attend pas de valeur (reçu 'oui')"),
    ],
)
def test_wrong_words_are_said_in_french(raw: RawTree, run: Run, words: list[str], message: str) -> None:
    ran = run(process_weather.main, *words)
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    assert ran.err.startswith("usage : ")
    assert message in ran.err
    assert not [word for word in ("expected", "invalid ", "argument ", "error", "usage:") if word in ran.err]


def test_a_number_that_is_none_is_said_in_french(run: Run) -> None:
    ran = run(day.main, "--jobs", "deux")
    assert ran.code == ExitCode.USAGE and "--jobs : « deux » n'est pas un nombre d'étapes" in ran.err


@pytest.mark.parametrize("address", ["nulle:part", "10.0.0.4", "tcp://hote"])
def test_an_address_that_is_none_is_refused_at_once(bikes: RawTree, run: Run, address: str) -> None:
    ran = run(backfill.main, "--from", DAY, "--to", DAY, "--source", "bikes", "--scheduler", address)
    assert ran.code == ExitCode.CONFIG and f"{address} n'est pas l'adresse d'un ordonnanceur Dask" in ran.err


def test_a_folder_in_place_of_a_file_is_no_file(raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPTAGES_CSV", str(raw.root))
    assert f"{raw.root} n'est pas un fichier. Corriger COMPTAGES_CSV" in run(process_comptages.main, "--date", DAY).err


def test_missing_words_are_said_in_french(raw: RawTree, run: Run) -> None:
    ran = run(backfill.main, "--from", DAY)
    assert ran.code == ExitCode.USAGE
    assert "arguments obligatoires : --to" in ran.err


@pytest.mark.parametrize("main", [process_weather.main, generate_report.main, backfill.main])
def test_help_is_french_and_shows_an_example(run: Run, main: Callable[[list[str]], int]) -> None:
    ran = run(main, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("usage : ")
    assert "Exemple : python scripts/" in ran.out
    assert not [word for word in ("show this help", "optional", "positional", "usage:") if word in ran.out]


def test_results_on_stdout_and_the_rest_on_stderr(bikes: RawTree, run: Run) -> None:
    ran = run(process_bikes.main, "--date", DAY)
    path = bikes.output / "metrics" / f"bikes_metrics_{DAY}.json"
    assert ran.out == f"bikes {DAY} : complet, 24 lignes retenues -> {path}\n"
    assert "1 ligne rejetée (heure qui n'est pas ronde : 1)" in ran.err


def test_json_is_one_object_whatever_is_logged(bikes: RawTree, run: Run) -> None:
    ran = run(process_bikes.main, "--date", DAY, "--json", "-v")
    told = json.loads(ran.out)
    assert (told["type"], told["date"], told["qualite"]["rejets"]) == ("bikes", DAY, {"heure_non_ronde": 1})
    assert Path(told["fichier"]).is_file()
    failed = run(process_weather.main, "--date", DAY, "--json")
    assert (failed.code, failed.out) == (ExitCode.NO_INPUT, "")


def test_quiet_says_errors_alone(bikes: RawTree, run: Run) -> None:
    assert run(process_bikes.main, "--date", DAY, "-q") == Ran(0, "", "")
    assert json.loads(run(process_bikes.main, "--date", DAY, "-q", "--json").out)["date"] == DAY
    ran = run(process_weather.main, "--date", DAY, "-q")
    assert ran.code == ExitCode.NO_INPUT
    assert "aucun fichier brut pour « weather »" in ran.err


def test_an_unexpected_fault_is_one_line_and_exit_1(bikes: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_bikes, "read_raw", lambda *_: {}["a fault of the code"])
    ran = run(process_bikes.main, "--date", DAY)
    assert (ran.code, ran.out) == (ExitCode.FAILED, "")
    assert "erreur inattendue (KeyError" in ran.err
    assert ran.err.count("\n") == 1
    assert "Traceback" in run(process_bikes.main, "--date", DAY, "-v").err


def test_a_reader_that_goes_away_is_no_fault_of_ours(bikes: RawTree) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "scripts.process_bikes", "--date", DAY, "--json", "-q"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    ran = script_server.run(command, cwd=ROOT, env=environment, stdout=writer)
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (ExitCode.FAILED, "")


def test_ctrl_c_is_130_and_one_line() -> None:
    script = (
        "import argparse, sys, time; from lib.run import cli\n"
        "def work():\n    sys.stdout.write('ready\\n'); sys.stdout.flush(); time.sleep(3600); return 0\n"
        "sys.exit(cli.guarded(work, argparse.Namespace(verbose=False, quiet=False)))"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    running.stdout.readline()
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=deadline())
    assert running.returncode == ExitCode.INTERRUPTED
    assert err.endswith("erreur : interrompu ; les fichiers déjà écrits sont entiers.\n")


def test_french_goes_through_a_terminal_that_knows_ascii_alone(bikes: RawTree) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "scripts.process_bikes", "--date", DAY]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout.startswith(f"bikes {DAY} : complet")) == (0, True)
    assert r"rejet\xe9e" in ran.stderr
    script = "from lib.run import cli; import argparse, sys\n"
    script += "sys.exit(cli.guarded(lambda: cli.emit_json('\\u202fé') or 0, argparse.Namespace(verbose=0, quiet=0)))"
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_warning_of_every_day_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        for _ in range(3):
            logging.getLogger("cityflow").warning("un relevé illisible")
            logging.getLogger("cityflow").error("un échec")
        return 0

    parser = cli.Parser("essai")
    assert cli.guarded(work, parser.parse_args([])) == 0
    said = capsys.readouterr().err
    assert (said.count("un relevé illisible"), said.count("un échec")) == (1, 3)


def test_a_warning_of_several_steps_is_said_once_by_their_command(capfd: pytest.CaptureFixture[str]) -> None:
    """Each time that a command is run: its steps are forked off it."""
    parser = cli.Parser("essai")

    def step() -> int:
        logging.getLogger("cityflow").warning("données inventées")
        return 0

    def steps() -> int:
        one = partial(cli.guarded, step, parser.parse_args([]))
        return sum(side_by_side({"bikes": one, "weather": one, "traffic": one}, 1).values())

    for _ in range(2):
        assert cli.guarded(steps, parser.parse_args([])) == 0
        assert capfd.readouterr().err.count("données inventées") == 1


def test_ctrl_c_is_said_once_by_the_command(capfd: pytest.CaptureFixture[str]) -> None:
    parser = cli.Parser("essai")

    def interrupted() -> int:
        raise KeyboardInterrupt

    def steps() -> int:
        one = partial(cli.guarded, interrupted, parser.parse_args([]))
        assert set(side_by_side({"bikes": one, "weather": one}, 2).values()) == {130}
        return interrupted()

    assert cli.guarded(steps, parser.parse_args([])) == 130
    assert capfd.readouterr().err.count("interrompu") == 1


def test_results_that_fall_back_are_named_first_and_on_the_last_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("OUTPUT_DIR", str(tmp_path / "file" / "x"))

    def work() -> int:
        cli.chosen_settings({})
        logging.getLogger("cityflow").warning("autre chose")
        return 0

    parser = cli.Parser("essai")
    assert cli.guarded(work, parser.parse_args([])) == 0
    first, _, last = capsys.readouterr().err.splitlines()
    assert "OUTPUT_DIR : repli" in first and "rappel : OUTPUT_DIR : repli" in last
