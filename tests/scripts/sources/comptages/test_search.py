"""Searches by real processes: the same rows as one process finds, or an error, and no process left."""

import os
import resource
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from lib.common.errors import InputError, SearchError
from lib.raw.source_files import RawFile
from scripts.sources.comptages.export import open_export
from scripts.sources.comptages.search import Search, collect, start, stop
from scripts.sources.comptages.worker import Job, answer
from tests.conftest import ARCS_HEADER, ROOT, count_row
from tests.support.patience import deadline

DAY = date(2025, 11, 4)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    labels = [f"2025-11-{day:02}T{hour:02}:00:00+01:00" for day in (3, 4, 5) for hour in range(24)]
    rows = [count_row(str(arc), label, arc + 1) for arc in range(40) for label in labels]
    path = tmp_path_factory.mktemp("search") / "comptages-routiers-permanents.csv"
    path.write_text("\ufeff" + "\r\n".join([ARCS_HEADER, *rows]) + "\r\n", encoding="utf-8")
    return path


def job(path: Path, block: int = 20_000, buffer: int = 4096) -> Job:
    return Job(open_export(RawFile("", 0.0, path)), (DAY,), block=block, buffer=buffer)


def ended(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def pids(search: Search) -> list[int]:
    return [worker.pid for worker in search.workers]


def test_processes_find_what_one_finds(path: Path) -> None:
    search = start(job(path))
    workers = pids(search)
    together = {number: rows for part in collect(search) for number, rows in part.items()}
    assert together == answer(job(path), job(path).blocks())
    assert sum(len(rows.rows) for rows in together.values()) == 40 * 24
    assert workers
    assert ended(workers)


def test_a_path_may_be_relative(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    assert sum(len(rows.rows) for part in collect(start(job(Path(path.name)))) for rows in part.values()) == 40 * 24


def test_a_long_search_is_said(path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("scripts.sources.comptages.search.SAID_EVERY", 0.0)
    with caplog.at_level("INFO", "scripts.sources.comptages.search"):
        collect(start(job(path)))
    assert f"recherche dans {path} : en cours depuis 0 min" in caplog.text


def test_a_killed_worker_is_an_error_and_none_is_left(path: Path) -> None:
    search = start(job(path))
    workers = pids(search)
    os.kill(workers[-1], signal.SIGKILL)
    with pytest.raises(SearchError, match="SIGKILL"):
        collect(search)
    assert ended(workers)


def test_a_search_nobody_wants_any_more_is_stopped(path: Path) -> None:
    search = start(job(path))
    workers = pids(search)
    stop(search)
    assert ended(workers)


def test_a_file_that_shrinks_is_an_error(path: Path, tmp_path: Path) -> None:
    shrinking = tmp_path / path.name
    shrinking.write_bytes(path.read_bytes())
    order = job(shrinking)
    os.truncate(shrinking, 100_000)
    with pytest.raises(InputError, match="illisible"):
        collect(start(order))


def test_memory_refused_is_an_error(path: Path) -> None:
    program = f"""
import resource
from tests.scripts.sources.comptages.test_search import *
order = job(Path({str(path)!r}), buffer=1 << 30)
resource.setrlimit(resource.RLIMIT_AS, (8_000_000, 8_000_000))
try:
    collect(start(order))
except SearchError as error:
    raise SystemExit(f"SearchError {{error}}")
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=deadline())
    assert ran.returncode == 1
    assert "SearchError" in ran.stderr
    assert "aucun chiffre" in ran.stderr


def test_an_answer_that_the_disk_refuses_is_an_error(path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(SearchError):
            collect(start(job(path)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
