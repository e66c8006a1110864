"""One run at a time for a day: refused at once, or waited for; never left behind by a run that died.

The days of a range are held from its start: refused whole, released one by one, and not kept by forked processes.
"""

import fcntl
import logging
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from lib.common.errors import LockHeldError, StoreError
from lib.files import locks
from lib.files.atomic_file import write_atomically
from lib.files.locks import day_lock, days_locked, open_lock_file
from scripts import day, process_bikes, process_weather
from tests.conftest import ROOT, Ran, RawTree, bike
from tests.scripts.test_backfill import children
from tests.support.confined import with_plain_rights
from tests.support.patience import child, deadline, first_line, wait_until

Run = Callable[..., Ran]
DAY = "2025-11-04"
TODAY = date.fromisoformat(DAY)
DAYS = [date(2025, 11, 3), date(2025, 11, 4)]
HOLD = """
import sys
from datetime import date
from lib.common.settings import load_settings
from lib.files.locks import whole_day
with whole_day(load_settings().output_dir, date.fromisoformat(sys.argv[1]), wait=False):
    print("started", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def whole_day(raw: RawTree) -> Iterator[subprocess.Popen[str]]:
    """A `make process` of DAY at work: it holds the day until its standard input is closed."""
    with child([sys.executable, "-c", HOLD, DAY], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert first_line(holder.stdout) == "started\n"
        yield holder


def test_a_second_run_of_the_day_is_refused_at_once(raw: RawTree, run: Run, whole_day: subprocess.Popen[str]) -> None:
    for ran in (run(process_weather.main, "--date", DAY), run(day.main, "--date", DAY)):
        assert (ran.code, ran.out) == (75, "")
        assert f"un autre traitement du {DAY} est en cours" in ran.err
        assert "--wait" in ran.err
    assert whole_day.poll() is None, "the other run still holds its day"
    assert run(process_weather.main, "--date", "2025-11-03").code == 4, "another day is free"


def test_wait_goes_on_when_the_other_run_ends(raw: RawTree, whole_day: subprocess.Popen[str]) -> None:
    raw.pull("bikes", DAY, "a.json", [bike("A-1", f"{DAY}T08:00:00+00:00", 1)])
    command = [sys.executable, "-m", "scripts.process_bikes", "--date", DAY, "--wait"]
    with child(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as waiting:
        said = first_line(waiting.stderr)
        assert "attente de sa fin" in said and not (raw.output / "metrics").exists()
        whole_day.communicate()
        out, err = waiting.communicate(timeout=deadline())
    assert waiting.returncode == 0, err
    assert out.startswith(f"bikes {DAY}")


def test_a_wait_says_for_whom_and_that_it_has_no_limit(
    raw: RawTree, run: Run, whole_day: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.files.locks.REMINDER_INTERVAL", 0.1)
    words = list[str]()

    def until_the_third(record: logging.LogRecord) -> bool:
        words.append(record.getMessage())
        if len(words) == 3:
            whole_day.communicate()
        return True

    monkeypatch.setattr(logging.getLogger("lib.files.locks"), "filters", [until_the_third])
    ran = run(process_weather.main, "--date", DAY, "--wait")
    said = [line for line in ran.err.splitlines() if "attente de sa fin" in line]
    assert len(words) >= 3
    assert len(said) == 2, "that of the same minute is said once"
    assert "processus " in said[0] and "sans limite de durée" in said[0] and "depuis 0 min" in said[1]
    assert ran.code == 4, "its turn came"


def test_a_lock_that_is_briefly_held_is_not_waited_for_without_end(
    raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.files.locks.BRIEF_TIMEOUT", 0.2)
    raw.pull("bikes", DAY, "a.json", [bike("A-1", f"{DAY}T08:00:00+00:00", 1)])
    (raw.output / ".locks").mkdir(parents=True)
    with (raw.output / ".locks" / f"{DAY}.runs.lock").open("wb") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        ran = run(process_bikes.main, "--date", DAY)
    assert ran.code == 0, "a manifest is a record and changes nothing else"
    assert "est tenu par un autre traitement" in ran.err


def test_a_killed_run_leaves_nothing_behind(raw: RawTree, run: Run, whole_day: subprocess.Popen[str]) -> None:
    os.kill(whole_day.pid, signal.SIGKILL)
    whole_day.wait()
    assert run(process_weather.main, "--date", DAY).code == 4  # no longer 75


def test_sources_of_one_day_run_side_by_side_but_not_twice_the_same(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", DAY, "a.json", [bike("A-1", f"{DAY}T08:00:00+00:00", 1)])
    with day_lock(raw.output, TODAY, "weather", None):
        assert run(process_bikes.main, "--date", DAY).code == 0
        assert run(process_weather.main, "--date", DAY).code == 75
        assert run(day.main, "--date", DAY).code == 75, "the whole day is not free"
    assert run(process_weather.main, "--date", DAY).code == 4


def test_what_make_process_starts_knows_the_lock_as_its_own(raw: RawTree, run: Run) -> None:
    raw.pull("bikes", DAY, "a.json", [bike("A-1", f"{DAY}T08:00:00+00:00", 1)])
    with locks.whole_day(raw.output, TODAY, wait=False):
        assert [run(process_bikes.main, "--date", one).code for one in (DAY, "2025-11-05")] == [0, 4]
    (manifest,) = (raw.output / "runs" / DAY).glob("*.json")
    assert manifest.stem not in os.environ.values(), "the run has ended with the lock"


def test_a_number_that_is_no_lock_of_ours_opens_nothing(raw: RawTree, whole_day: subprocess.Popen[str]) -> None:
    with open(os.devnull) as other:
        for descriptor in (other.fileno(), 987_654):
            with pytest.raises(LockHeldError), day_lock(raw.output, TODAY, "weather", descriptor):
                raise AssertionError("the day belongs to another run")


def test_ctrl_c_while_waiting_is_one_line(raw: RawTree, whole_day: subprocess.Popen[str]) -> None:
    command = [sys.executable, "-m", "scripts.day", "--date", DAY, "--wait"]
    with child(command, cwd=ROOT, stderr=subprocess.PIPE) as waiting:
        said = first_line(waiting.stderr)
        waiting.send_signal(signal.SIGINT)
        _, err = waiting.communicate(timeout=deadline())
    assert (waiting.returncode, err.count("\n"), "interrompu" in err) == (130, 1, True)
    assert "attente de sa fin" in said


def test_a_lock_that_cannot_be_opened_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / ".locks").touch()
    with pytest.raises(StoreError, match="impossible d'ouvrir le verrou"), day_lock(tmp_path, TODAY, "weather", None):
        raise AssertionError("there is no lock")


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


def test_a_forked_process_keeps_no_day_from_being_released(tmp_path: Path) -> None:
    with days_locked(tmp_path, DAYS[:1]) as locks:
        forked = os.fork()
        if not forked:
            locks.close_in_child()
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
        wait_until(lambda: len(children(process.pid)) == 3, process)
        workers = children(process.pid)
        process.kill()
        process.wait()
        wait_until(lambda: not any(Path(f"/proc/{one}").exists() for one in workers))


def test_a_lock_that_can_be_read_can_be_taken(tmp_path: Path) -> None:
    with day_lock(tmp_path, TODAY, "bikes", None):
        pass
    for path in (tmp_path / ".locks").iterdir():
        path.chmod(0o444)

    def taken() -> int:
        with_plain_rights()
        with day_lock(tmp_path, TODAY, "bikes", None):
            return 0

    assert in_a_child(taken) == 0


def test_a_file_of_another_user_names_the_owner_and_the_command(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    folder = tmp_path / "metrics"
    folder.mkdir()
    folder.chmod(0o555)
    os.chown(folder, 65534, -1)

    def refused() -> int:
        with_plain_rights()
        try:
            write_atomically(folder / "x.json", b"{}")
        except StoreError as error:
            return 0 if f"{folder} est à nobody : sudo chown -R root {folder}" in str(error) else 2
        return 1

    assert in_a_child(refused) == 0


def test_a_lock_that_may_not_be_made_names_the_owner_of_its_folder(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(tmp_path, 65534, -1)
    tmp_path.chmod(0o555)

    def refused() -> int:
        with_plain_rights()
        try:
            open_lock_file(tmp_path / "2025-11-04.lock")
        except StoreError as error:
            return 0 if "accès refusé" in str(error) and f"{tmp_path} est à nobody" in str(error) else 2
        return 1

    assert in_a_child(refused) == 0


def in_a_child(work: Callable[[], int]) -> int:
    """The exit code of a forked process that does this."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            code = work()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
