"""Searches by real processes: the same rows as one process finds, or an error, and no process left."""

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date
from multiprocessing import connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

import pytest

from lib.common.errors import InputError, SearchError
from lib.raw.source_files import RawFile
from scripts.sources.comptages.day_files import kept_batches
from scripts.sources.comptages.export import open_export
from scripts.sources.comptages.search import search
from scripts.sources.comptages.worker import Job
from tests.conftest import ARCS_HEADER, ROOT, count_row
from tests.scripts.sources.comptages.kept_lines import lines_of
from tests.support.patience import deadline

DAY = date(2025, 11, 4)
CANDIDATES = 40 * 27  # lines of 40 arcs: the day's 24 hours, and those that UTC or an hour's end may put there


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    labels = [f"2025-11-{day:02}T{hour:02}:00:00+01:00" for day in (3, 4, 5) for hour in range(24)]
    rows = [count_row(str(arc), label, arc + 1) for arc in range(40) for label in labels]
    path = tmp_path_factory.mktemp("search") / "comptages-routiers-permanents.csv"
    path.write_text("\ufeff" + "\r\n".join([ARCS_HEADER, *rows]) + "\r\n", encoding="utf-8")
    return path


def job(path: Path, folder: Path | None = None, block: int = 20_000) -> Job:
    return Job(open_export(RawFile("", 0.0, path)), (DAY,), folder, block=block, buffer=4096, alone=0)


def lines(job: Job) -> list[tuple[int, bytes]]:
    """The lines that processes find."""
    assert job.folder and not job.is_small
    search(job)
    return lines_of(kept_batches(sorted(job.folder.iterdir())))


Meanwhile = Callable[[Callable[[], object]], list[ForkProcess]]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Have something done each time a search waits for its processes; these are listed."""
    processes: list[ForkProcess] = []

    def begin(do: Callable[[], object]) -> list[ForkProcess]:
        def wait(*arguments: Any) -> Any:
            processes[:] = processes or multiprocessing.active_children()
            do()
            return connection.wait(*arguments)

        monkeypatch.setattr("scripts.sources.comptages.search.wait", wait)
        return processes

    return begin


def all_ended(processes: list[ForkProcess]) -> bool:
    return bool(processes) and not any(Path(f"/proc/{one.pid}").exists() for one in processes)


def test_processes_find_what_one_finds(path: Path, tmp_path: Path, meanwhile: Meanwhile) -> None:
    processes = meanwhile(lambda: None)
    (alone,) = search(replace(job(path), alone=10**9))
    assert not processes
    assert lines(job(path, tmp_path)) == lines_of(alone.batches(DAY))
    assert len(lines_of(alone.batches(DAY))) == CANDIDATES
    assert all_ended(processes)


def test_a_process_that_may_have_no_children_searches_alone(
    path: Path, tmp_path: Path, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = meanwhile(lambda: None)
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)  # as dask makes its workers
    assert len(lines(job(path, tmp_path))) == CANDIDATES
    assert not processes


def test_a_path_may_be_relative(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    assert len(lines(job(Path(path.name), tmp_path))) == CANDIDATES


def test_a_long_search_is_said(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("scripts.sources.comptages.search.SAID_EVERY", 0.0)
    with caplog.at_level("INFO", "scripts.sources.comptages.search"):
        search(job(path, tmp_path))
    assert f"recherche dans {path} : en cours depuis 0 min" in caplog.text


def test_a_killed_worker_is_an_error_and_none_is_left(
    path: Path, tmp_path: Path, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        with suppress(FileExistsError):
            (tmp_path / "killed").touch(exist_ok=False)
            signal.raise_signal(signal.SIGKILL)
        signal.pause()  # the others would never end

    monkeypatch.setattr("scripts.sources.comptages.search.work", killed)
    processes = meanwhile(lambda: None)
    with pytest.raises(SearchError, match="SIGKILL"):
        search(job(path, tmp_path))
    assert all_ended(processes)


def test_a_search_nobody_wants_any_more_leaves_no_process(path: Path, tmp_path: Path, meanwhile: Meanwhile) -> None:
    processes = meanwhile(lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        search(job(path, tmp_path))
    assert all_ended(processes)


def test_a_file_that_shrinks_is_an_error(path: Path, tmp_path: Path) -> None:
    shrinking = tmp_path / path.name
    shrinking.write_bytes(path.read_bytes())
    order = job(shrinking, tmp_path)
    os.truncate(shrinking, 100_000)
    with pytest.raises(InputError, match="illisible"):
        search(order)


def test_more_lines_of_a_day_than_a_day_has_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.sources.comptages.day_files.DAY_ROWS_BYTES", 10_000)
    with pytest.raises(InputError, match="pour un seul jour"):
        search(replace(job(path), alone=10**9))


def test_memory_refused_is_an_error(path: Path) -> None:
    program = f"""
import resource
from tests.scripts.sources.comptages.test_search import *
order = replace(job(Path({str(path)!r}), Path("/")), buffer=1 << 28)
resource.setrlimit(resource.RLIMIT_AS, (8_000_000, 8_000_000))
try:
    search(order)
except SearchError as error:
    raise SystemExit(f"SearchError {{error}}")
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=deadline())
    assert ran.returncode == 1
    assert "SearchError" in ran.stderr
    assert "aucun chiffre" in ran.stderr


def test_lines_that_the_disk_refuses_are_an_error(path: Path, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(SearchError):
            search(job(path, tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
