"""kill -9 at a random moment of a command, and what must be true of its results afterwards."""

import json
import math
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from lib.files.locks import held_locks
from tests import script_server
from tests.support.patience import deadline, wait_until
from tests.torture import results
from tests.torture.results import Documents

BEYOND = 1.1  # kills fall between the start and so many times an undisturbed run
AGAIN = 0.4  # how often the next run is left undisturbed; kills in a row meet what earlier ones left


def kills_of(request: pytest.FixtureRequest, short: int, long: int) -> int:
    """`short` with the other tests, `long` at --torture 10000."""
    return max(short, math.ceil(int(request.config.getoption("--torture")) * long / 10_000))


@dataclass(frozen=True)
class Command:
    """A command line and the environment and folder it runs in."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: Path = Path("/")

    def having(self, *words: str, **changed: str) -> "Command":
        return replace(self, argv=(*self.argv, *words), environment={**self.environment, **changed})

    def start(self) -> "subprocess.Popen[str]":
        """In a session of its own: its process group is the command and all its children."""
        return script_server.Popen(
            self.argv,
            env=self.environment,
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def run(self) -> "subprocess.CompletedProcess[str]":
        return script_server.run(
            self.argv,
            env=self.environment,
            cwd=self.cwd,
            timeout=deadline(),
        )

    def completes(self) -> float:
        """Run it undisturbed: it must end with 0. Returns its seconds."""
        began = time.monotonic()
        ran = self.run()
        assert ran.returncode == 0, ran.stderr
        return time.monotonic() - began

    def killed_after(self, moment: float, alone: bool = False) -> "subprocess.Popen[str]":
        """Kill it, or with `alone` none of its children, when it has run so long; it may have ended before."""
        process = self.start()
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            (os.kill if alone else os.killpg)(process.pid, signal.SIGKILL)
            process.wait(deadline())
        if not alone:
            wait_for_the_end(process)
        return process


def wait_for_the_end(process: "subprocess.Popen[str]") -> None:
    """Until no process of the group is left."""
    wait_until(lambda: not group_lives(process))


def group_lives(process: "subprocess.Popen[str]") -> bool:
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def moments(chance: Random, whole: float, kills: int) -> Iterator[tuple[float, bool, str]]:
    """For each kill: when, whether an undisturbed run follows (after the last one it does), and words to name it."""
    for number in range(kills):
        moment = chance.uniform(0.0, BEYOND * whole)
        yield (
            moment,
            chance.random() < AGAIN or number == kills - 1,
            f"kill {number} after {moment:.3f} of {whole:.3f} s",
        )


def documents(output: Path) -> Documents:
    """As results.documents, and the lists of the inputs; the times at which losses were seen differ from run to run."""
    found = results.documents(output, ".inputs")
    return {name: content for name, content in found.items() if not name.endswith(".lost")}


def assert_old_or_new(before: Documents, after: Documents, *new: Documents, told: str) -> None:
    """Each file is what it was or what an undisturbed run gives: absent where it was, or where that run has none."""
    for name in before.keys() | after.keys() | {name for one in new for name in one}:
        allowed = [one.get(name) for one in (before, *new)]
        assert after.get(name) in allowed, f"{told}: {name} is neither the old nor the new one"


def assert_manifests_are_whole(output: Path) -> None:
    for path in (output / "runs").glob("*/[!.]*"):
        assert json.loads(path.read_bytes())["etapes"], path


def hidden_files(folder: Path) -> set[str]:
    """What a killed run may leave: temporary and partial files, which all have a hidden name."""
    return {str(path.relative_to(folder)) for path in folder.rglob(".*") if path.is_file()}


def assert_nothing_is_left(output: Path, temporary: Path, but: str = "\0") -> None:
    """No lock held, no temporary file nor folder; `but` begins the names of files that may still be there."""
    assert held_locks(output) == []
    assert {name for name in hidden_files(output) if not name.startswith(but)} == set()
    assert list(temporary.iterdir()) == []
