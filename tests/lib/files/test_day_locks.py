"""The days of a range held from the start: refused whole, let go of one by one, and not kept by forked processes."""

import os
import resource
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from lib.common.errors import LockHeldError
from lib.files.day_locks import days_locked, let_go
from lib.files.run_lock import day_lock
from tests.conftest import ROOT, RawTree
from tests.scripts.test_backfill import children
from tests.support.patience import child, wait_until

DAYS = [date(2025, 11, 3), date(2025, 11, 4)]


def is_free(output: Path, day: date) -> bool:
    try:
        with day_lock(output, day, "bikes", None):
            return True
    except LockHeldError:
        return False


def test_a_day_that_another_run_holds_is_refused_and_the_others_are_held(tmp_path: Path) -> None:
    with day_lock(tmp_path, DAYS[0], "bikes", None), days_locked(tmp_path, DAYS) as locks:
        assert (list(locks.refused), list(locks.descriptors)) == ([DAYS[0]], [DAYS[1]])
        assert not is_free(tmp_path, DAYS[1])
    assert is_free(tmp_path, DAYS[1])


def test_the_run_s_own_steps_know_its_lock_and_a_day_done_is_free(tmp_path: Path) -> None:
    with days_locked(tmp_path, DAYS) as locks:
        with day_lock(tmp_path, DAYS[0], "bikes", locks.descriptors[DAYS[0]]):
            pass
        locks.release(DAYS[0])
        locks.release(DAYS[0])  # once more is no harm
        assert [is_free(tmp_path, day) for day in DAYS] == [True, False]


def test_a_forked_process_keeps_no_day_from_being_let_go(tmp_path: Path) -> None:
    with days_locked(tmp_path, DAYS[:1]) as locks:
        forked = os.fork()
        if not forked:
            let_go()
            signal.pause()
        try:
            os.close(locks.descriptors.pop(DAYS[0]))  # as the kernel does when the run is killed
            wait_until(lambda: is_free(tmp_path, DAYS[0]))
        finally:
            os.kill(forked, signal.SIGKILL)
            os.waitpid(forked, 0)


def test_ten_years_of_days_are_held_at_once(tmp_path: Path) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 5000:
        pytest.skip("this machine grants fewer open files")
    days = [date(2020, 1, 1) + timedelta(days=one) for one in range(3660)]
    with days_locked(tmp_path, days) as locks:
        assert len(locks.descriptors) == 3660


def test_processes_of_a_killed_backfill_end_by_themselves(raw: RawTree) -> None:
    raw.pull("bikes", "2025-11-05", "a.json", "[]")
    words = ["--from", "2025-10-01", "--to", "2025-11-04", "--jobs", "2", "--source", "bikes", "--source", "traffic"]
    command = [sys.executable, str(ROOT / "scripts" / "backfill.py"), *words]
    with child(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: len(children(process.pid)) == 2, process)
        workers = children(process.pid)
        process.kill()
        process.wait()
        wait_until(lambda: not any(Path(f"/proc/{one}").exists() for one in workers))
