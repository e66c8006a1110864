"""Temporary folders of killed runs go with the next run; those in use stay."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lib.scratch_folder import YOUNGEST, scratch_folder
from tests.conftest import ROOT

HOLD = """
from lib.scratch_folder import scratch_folder
with scratch_folder() as folder:
    (folder / "lines").write_bytes(b"x" * 1000)
    print(folder, flush=True)
    input()
"""


def holder(tmp_path: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process in the middle of its work, and its folder, as old as a long run's."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    folder = Path(process.stdout.readline().strip())
    aged(folder)
    return process, folder


def aged(folder: Path) -> None:
    long_ago = time.time() - 2 * YOUNGEST
    os.utime(folder, (long_ago, long_ago))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_what_a_killed_run_left_is_cleared_by_the_next(temporary: Path) -> None:
    process, folder = holder(temporary)
    process.kill()
    process.wait()
    assert (folder / "lines").exists()
    with scratch_folder() as own:
        assert list(temporary.iterdir()) == [own]
    assert list(temporary.iterdir()) == []


def test_the_folder_of_a_run_at_work_stays(temporary: Path) -> None:
    process, folder = holder(temporary)
    with scratch_folder():
        assert (folder / "lines").exists()
    process.communicate("\n")
    assert process.returncode == 0 and not folder.exists()


def test_a_young_folder_and_a_link_stay(temporary: Path) -> None:
    young, elsewhere, link = temporary / "cityflow-young", temporary / "elsewhere", temporary / "cityflow-link"
    young.mkdir()
    elsewhere.mkdir()
    link.symlink_to(elsewhere)
    aged(elsewhere)
    with scratch_folder():
        pass
    assert young.exists() and link.is_symlink() and elsewhere.exists()
