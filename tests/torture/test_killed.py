"""kill -9 at random moments: files whole or as they were, the next run completes, no lock is left behind."""

import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts import make_demo_data
from tests.conftest import ROOT
from tests.torture.results import documents

SHORT = 3  # kills of each command with the other tests
KILLS_SHARE = 20  # one kill for so many trials of --torture
LIMIT = 60.0  # seconds; no command of this tree takes as long

DAY = "2025-11-04"
COMMANDS = {
    "comptages": ["scripts/process_comptages.py", "--date", DAY],
    "rapport": ["scripts/generate_report.py", "--date", DAY],
    "période": ["scripts/backfill.py", "--from", "2025-11-03", "--to", DAY],
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("killed") / "raw"
    assert make_demo_data.main(["--days", "2", "--arcs", "24", "--counters", "12", "-q", "--output", str(root)]) == 0
    return root


@pytest.fixture(scope="module")
def environment(tree: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "DATA_DIR": str(tree), "CITYFLOW_STORE": "local_files", "OUTPUT_DIR": str(tree.parent / "output")}


@pytest.fixture(scope="module")
def expected(environment: dict[str, str]) -> dict[str, object]:
    """Every figure of an undisturbed run; it also leaves the previous good files that kills must not hurt."""
    assert run("période", environment) == 0
    return documents(Path(environment["OUTPUT_DIR"]))


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_anywhere(
    name: str, environment: dict[str, str], expected: dict[str, object], request: pytest.FixtureRequest
) -> None:
    asked = int(request.config.getoption("--torture")) / KILLS_SHARE
    kills = max(math.ceil(asked / len(COMMANDS)), SHORT)
    output = Path(environment["OUTPUT_DIR"])
    began = time.monotonic()
    assert run(name, environment) == 0
    whole = time.monotonic() - began
    chance = random.Random(name)
    for number in range(kills):
        moment = chance.uniform(0.0, 1.1 * whole)
        killed_after(moment, name, environment)
        assert documents(output) == expected, f"{name}, kill {number} after {moment:.3f} s"
    assert run(name, environment) == 0, "a lock was left"
    assert documents(output) == expected


def command(name: str) -> list[str]:
    script, *options = COMMANDS[name]
    return [sys.executable, str(ROOT / script), *options, "-q"]


def run(name: str, environment: dict[str, str]) -> int:
    return subprocess.run(command(name), env=environment, stdout=subprocess.DEVNULL, timeout=LIMIT).returncode


def killed_after(moment: float, name: str, environment: dict[str, str]) -> None:
    process = subprocess.Popen(
        command(name), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(LIMIT)
