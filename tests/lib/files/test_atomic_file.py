"""Whole or not at all: whatever stops a write, the file before it is intact and nothing is left beside it."""

import fcntl
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.common.errors import StoreError
from lib.files.atomic_file import atomic_writer, write_atomically, write_together
from tests.conftest import ROOT
from tests.support.confined import bits_count as bits_count
from tests.support.confined import mode, run_confined

Patch = pytest.MonkeyPatch


def alone(path: Path, content: bytes) -> bool:
    """The file holds that, and no other is in its folder, hidden ones included."""
    return path.read_bytes() == content and [one.name for one in path.parent.iterdir()] == [path.name]


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_the_content_replaces_the_one_before(tmp_path_factory: pytest.TempPathFactory, old: bytes, new: bytes) -> None:
    path = tmp_path_factory.mktemp("atomic") / "a" / "b.json"
    write_atomically(path, old)
    write_atomically(path, new)
    assert alone(path, new)


def test_a_failure_in_the_block_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, b"old")
    for stop in (ValueError, KeyboardInterrupt):
        with pytest.raises(stop), atomic_writer(path) as stream:
            stream.write(b"half")
            stream.flush()
            assert path.read_bytes() == b"old"
            raise stop
        assert alone(path, b"old")


def test_a_folder_that_is_a_file_is_a_store_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "folder").write_bytes(b"")
    with pytest.raises(StoreError, match=r"impossible d'écrire .*/folder/a\.json.*Vérifier les droits"):
        write_atomically(tmp_path / "folder" / "a.json", b"new")


def test_a_target_that_is_a_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.json" / "kept").mkdir(parents=True)
    with pytest.raises(StoreError):
        write_atomically(tmp_path / "a.json", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(("bits", "written"), [(0o500, b"old"), (0o300, b"new")], ids=["read only", "not to be listed"])
def test_a_folder_without_all_rights(tmp_path: Path, bits_count: None, bits: int, written: bytes) -> None:
    path = tmp_path / "folder" / "a.json"
    write_atomically(path, b"old")

    def write(_: list[str]) -> int:
        write_atomically(path, b"new")
        return 0

    with mode(path.parent, bits):
        ran = run_confined(write)
    assert ("StoreError: impossible d'écrire" in ran.err) == (written == b"old")
    assert (ran.code == 0) == (written == b"new")
    assert alone(path, written)


def test_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, b"old")
    script = "import sys; from lib.files.atomic_file import write_atomically\n"
    script += "from pathlib import Path; write_atomically(Path(sys.argv[1]), b'x' * 100_000)"

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    # -B: Python takes half a compiled file for a whole one, and so would the tests after this one
    ran = subprocess.run(
        [sys.executable, "-B", "-c", script, str(path)], cwd=ROOT, preexec_fn=limit, capture_output=True, text=True
    )
    assert ran.returncode == 1
    assert "StoreError: impossible d'écrire" in ran.stderr
    assert alone(path, b"old")


def test_readers_see_one_content_or_the_other(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    contents = [bytes([letter]) * 200_000 for letter in b"ab"]
    write_atomically(path, contents[0])

    def write(content: bytes) -> None:
        for _ in range(20):
            write_atomically(path, content)

    writers = [threading.Thread(target=write, args=(content,)) for content in contents]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert path.read_bytes() in contents
    assert alone(path, path.read_bytes())


def test_what_killed_runs_left_in_the_folder_is_cleared_by_the_next_write(tmp_path: Path) -> None:
    path = tmp_path / "bikes [1].json"
    foreign = tmp_path / ".notes.tmp"
    for leftover in (f".{path.name}.0a1b2c3d.tmp", ".another.json.0a1b2c3d.tmp", foreign.name):
        (tmp_path / leftover).write_bytes(b"half")
    write_atomically(path, b"whole")
    assert {one.name for one in tmp_path.iterdir()} == {path.name, foreign.name}


def test_what_another_run_is_writing_is_no_leftover(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    with atomic_writer(first) as stream:
        stream.write(b"slow")
        write_atomically(second, b"quick")
        write_atomically(first, b"quick")
    assert (first.read_bytes(), second.read_bytes()) == (b"slow", b"quick")
    assert {one.name for one in tmp_path.iterdir()} == {"a.json", "b.json"}


def test_a_new_temporary_file_taken_for_a_leftover_is_made_again(tmp_path: Path, monkeypatch: Patch) -> None:
    """Between its creation and its lock, another process may remove it."""
    path, flock = tmp_path / "a.json", fcntl.flock
    taken: list[Path] = []

    def removed_meanwhile(stream: BinaryIO, kind: int) -> None:
        if not taken:
            taken.append(Path(stream.name))
            taken[0].unlink()
        flock(stream, kind)

    monkeypatch.setattr("lib.files.atomic_file.fcntl.flock", removed_meanwhile)
    write_atomically(path, b"whole")
    assert taken and alone(path, b"whole")


def test_files_that_belong_together_are_replaced_together_or_not_at_all(tmp_path: Path) -> None:
    first, second = tmp_path / "a.html", tmp_path / "b" / "b.csv"
    write_together({first: b"old", second: b"old"})
    second.unlink()
    second.parent.rmdir()
    second.parent.write_bytes(b"a file where the folder should be")
    with pytest.raises(StoreError, match=r"b\.csv"):
        write_together({first: b"new", second: b"new"})
    assert first.read_bytes() == b"old"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.html", "b"]


@pytest.mark.parametrize("lasting", [True, False])
def test_only_what_is_lasting_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lasting: bool
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr("os.fsync", flushed.append)
    write_atomically(tmp_path / "a", b"whole", lasting)
    assert (tmp_path / "a").read_bytes() == b"whole"
    assert bool(flushed) is lasting
