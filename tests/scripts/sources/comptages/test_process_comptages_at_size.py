"""process_comptages as a command: many days at once, and what a user sees when a search of a large file goes wrong."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import backfill
from scripts.process_comptages import main
from scripts.sources.comptages.worker import ALONE
from tests import script_server
from tests.conftest import ROOT, Ran, RawTree, count_row
from tests.support.confined import run_limited
from tests.support.patience import child, deadline, wait_until

Run = Callable[..., Ran]
COMMAND = [sys.executable, "scripts/process_comptages.py", "--date", "2025-11-04"]


def rows_of(*days: int, arcs: int = 3) -> list[str]:
    return [
        count_row(str(arc), f"2025-11-{day:02}T{hour:02}:00:00+01:00", 100 * arc + hour, day)
        for day in days
        for hour in range(1, 24)
        for arc in range(arcs)
    ]


def figures(raw: RawTree) -> dict[str, str]:
    """The metrics files by name, but for their time stamps."""
    return {
        path.name: json.dumps({**json.loads(path.read_bytes()), "timestamp": ""}, ensure_ascii=False)
        for path in (raw.output / "metrics").glob("*.json")
    }


def large_export(raw: RawTree) -> Path:
    """So large that processes search it."""
    path = raw.counts(rows_of(4, arcs=60))
    with path.open("ab") as stream:
        stream.write(b"\n" * ALONE)
    return path


def test_many_days_are_the_days_one_by_one(raw: RawTree, run: Run) -> None:
    raw.counts([*rows_of(3, 4, 5), "broken;2025-11-04T10:00:00+01:00"])
    raw.counts(rows_of(4), "comptages-routiers-permanents-2.csv")
    for day in ("2025-11-03", "2025-11-04", "2025-11-05"):
        assert run(main, "--date", day, "-q").code == 0
    single, rejects = figures(raw), raw.rejects("comptages", "2025-11-04")
    for path in (raw.output / "metrics").iterdir():
        path.unlink()
    ran = run(main, "--from", "2025-11-03", "--to", "2025-11-05")
    assert (ran.code, figures(raw)) == (0, single)
    assert raw.rejects("comptages", "2025-11-04") == rejects
    assert "3 jours, 0 échec" in ran.out


def test_a_bad_day_does_not_stop_the_others_and_is_said_again_at_the_end(raw: RawTree, run: Run) -> None:
    raw.counts(rows_of(3, 5))
    ran = run(main, "--from", "2025-11-03", "--to", "2025-11-05")
    assert ran.code == 1
    assert sorted(figures(raw)) == ["comptages_metrics_2025-11-03.json", "comptages_metrics_2025-11-05.json"]
    assert "aucune donnée « comptages » pour le 2025-11-04" in ran.err.splitlines()[-1]
    ran = run(main, "--from", "2025-11-03", "--to", "2025-11-05", "--json")
    assert json.loads(ran.out)["jours"] == 3
    assert "2025-11-04" in json.loads(ran.out)["echecs"][0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "2025-11-04"), "--from et --to vont ensemble"),
        (("--from", "2025-11-04", "--to", "2025-11-03"), "est après"),
        (("--from", "2025-11-03", "--to", "2025-11-04", "--date", "2025-11-04"), "--date ne va pas avec"),
    ],
)
def test_wrong_ranges_are_exit_2(raw: RawTree, run: Run, words: tuple[str, ...], said: str) -> None:
    ran = run(main, *words)
    assert ran.code == 2
    assert said in ran.err


def test_backfill_gives_the_same_days(raw: RawTree, run: Run) -> None:
    raw.counts(rows_of(3, 4))
    assert run(main, "--from", "2025-11-03", "--to", "2025-11-04").code == 0
    single = figures(raw)
    assert run(backfill.main, "--from", "2025-11-03", "--to", "2025-11-04", "--source", "comptages", "-q").code == 0
    assert figures(raw) == single


def test_a_named_file_that_is_missing_is_said_of_each_day(
    raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPTAGES_CSV", str(raw.root / "absent.csv"))
    ran = run(main, "--from", "2025-11-03", "--to", "2025-11-04")
    assert ran.code == 1
    assert all(f"{day} : {raw.root}/absent.csv n'existe pas" in ran.err for day in ("2025-11-03", "2025-11-04"))


def test_a_large_file_gives_the_same_figures_from_the_command_line(raw: RawTree, run: Run) -> None:
    large_export(raw)
    done = script_server.run(COMMAND, cwd=ROOT, timeout=deadline())
    assert (done.returncode, done.stderr) == (0, done.stderr)
    large = figures(raw)
    raw.counts(rows_of(4, arcs=60))
    assert run(main, "--date", "2025-11-04").code == 0
    assert figures(raw) == large


@pytest.mark.parametrize("words", [("--date", "2025-11-04"), ("--from", "2025-11-03", "--to", "2025-11-04")])
def test_a_disk_that_refuses_is_exit_1_and_no_figures(raw: RawTree, words: tuple[str, ...]) -> None:
    large_export(raw)
    done = run_limited(8_000, ROOT / "scripts" / "process_comptages.py", *words)
    assert done.code == 1
    assert "la recherche dans" in done.err
    assert "aucun chiffre" in done.err
    assert "Traceback" not in done.err
    assert not figures(raw)


def test_ctrl_c_is_exit_130_and_leaves_no_worker(raw: RawTree) -> None:
    path = raw.counts(rows_of(4))
    with path.open("r+b") as stream:
        stream.truncate(60_000_000_000)  # sparse: seconds of zeros to search, no room on the disk
    with child(COMMAND, cwd=ROOT, stderr=subprocess.PIPE) as started:
        wait_until(lambda: list(raw.output.glob(".locks/*.comptages.lock")) and processes_of(started.pid) > 1, started)
        os.killpg(started.pid, signal.SIGINT)
        _, said = started.communicate(timeout=deadline())
    assert started.returncode == 130
    assert "interrompu" in said
    assert "Traceback" not in said
    wait_until(lambda: processes_of(started.pid) == 0)
    assert not figures(raw)


def test_progress_shows_bytes_and_speed_on_a_terminal_only(raw: RawTree) -> None:
    large_export(raw)
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    seen = script_server.run([*COMMAND, "-q"], cwd=ROOT, stderr=end, timeout=deadline())
    os.close(end)
    assert seen.returncode == 0
    assert re.search(rb"permanents\.csv: .*[0-9.]+/[0-9.]+M .*o/s", os.read(terminal, 65536))
    os.close(terminal)
    assert script_server.run([*COMMAND, "-q"], cwd=ROOT, timeout=deadline()).stderr == ""


def processes_of(session: int) -> int:
    """How many processes live in the session that a command began."""
    stats = [path.read_text() for path in Path("/proc").glob("[0-9]*/stat") if path.exists()]
    return sum(stat.rpartition(")")[2].split()[3] == str(session) for stat in stats)
