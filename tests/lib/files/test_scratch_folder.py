"""Large temporary folders: gone at the end, and the next run removes those of killed ones, and no other."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lib.files.scratch_folder import PREFIX, scratch_folder
from tests.conftest import ROOT

HOLD = """
from lib.files.scratch_folder import scratch_folder
with scratch_folder() as folder: print(folder, flush=True); input()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_folder_goes_with_its_block(temporary: Path) -> None:
    with scratch_folder() as folder:
        (folder / "lines").write_bytes(b"many")
        assert names(temporary) == {folder.name}
    assert not names(temporary)


def test_the_folder_of_a_killed_run_goes_that_of_a_living_one_stays(temporary: Path) -> None:
    command = [sys.executable, "-c", HOLD]
    runs = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    folders = [Path(run.stdout.readline().strip()) for run in runs if run.stdout]
    for folder in folders:
        (folder / "lines").write_bytes(b"many")
    runs[0].send_signal(signal.SIGKILL)
    runs[0].communicate()
    with scratch_folder() as folder:
        assert names(temporary) == {folders[1].name, folder.name}
        assert names(folders[1]) == {"lines"}
    runs[1].communicate("\n")
    assert (runs[1].returncode, names(temporary)) == (0, set())


@pytest.mark.parametrize("name", ["cityflow-results1", f"{PREFIX}of-somebody", f"{PREFIX}Results1"])
def test_a_folder_of_another_name_is_left_alone(temporary: Path, name: str) -> None:
    (temporary / name).mkdir()
    with scratch_folder():
        pass
    assert names(temporary) == {name}
