"""Partial files: what a failure leaves, what goes on with it, and who may write it."""

import os
from pathlib import Path

import pytest

from lib.common.errors import LockHeldError, StoreError
from lib.files.atomic_file import part_writer
from scripts.fetch.resume import discard


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_partial_file_goes_on_and_becomes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.csv"
    with pytest.raises(ValueError), part_writer(path) as stream:
        stream.write(b"first ")
        raise ValueError
    assert names(path.parent) == [".a.csv.part"]
    with part_writer(path) as stream:
        assert os.fstat(stream.fileno()).st_size == 6
        stream.write(b"second")
    assert names(path.parent) == ["a.csv"] and path.read_bytes() == b"first second"


def test_an_empty_partial_file_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("before")
    with pytest.raises(ValueError), part_writer(path) as stream:
        stream.write(b"wrong")
        stream.truncate(0)
        raise ValueError
    assert names(tmp_path) == ["a.csv"] and path.read_text() == "before"


def test_a_partial_file_has_one_writer(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with part_writer(path) as stream:
        stream.write(b"mine")
        with pytest.raises(LockHeldError, match=r"a\.csv"), part_writer(path):
            pass
    assert path.read_bytes() == b"mine"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="impossible d'écrire"), part_writer(tmp_path / "file" / "a.csv"):
        pass


def test_a_discarded_partial_file_is_gone_with_what_was_on_its_way(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(ValueError), part_writer(path) as stream:
        stream.write(b"still in memory")
        discard(stream)
        raise ValueError
    assert names(tmp_path) == []
