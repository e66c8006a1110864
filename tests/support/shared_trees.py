"""Raw trees and results that many tests read and none changes: made once for all processes of a run of the tests."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import make_demo_data

SMALLEST = ("--arcs", "24", "--counters", "12", "-q")


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder `name` of this run, which the first test that asks has `make` fill; the others wait for it."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # that of a worker lies in the one of the run
    folder, whole = base / name, base / f"{name}.whole"
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            whole.touch()
    return folder


def demo_tree(factory: pytest.TempPathFactory, days: int, end: str = "2025-11-04", *more: str) -> Path:
    """The smallest invented raw tree of so many days; to be copied by tests that change it."""

    def make(folder: Path) -> None:
        words = ["--days", str(days), "--end", end, *SMALLEST, *more, "--output", str(folder / "raw")]
        assert make_demo_data.main(words) == 0

    return made_once(factory, "-".join(["demo", str(days), end, *more]), make) / "raw"
