"""kill -9 at random moments of `make process`: of all its processes, or of make alone, whose children live on.

Whatever is killed, each file is whole, the old or the new one. The lock of the day lives as long as any process of the
run: while children of a killed make go on, another run is refused (75) or, when they had not begun, does the day; they
end by themselves, and the next run completes.
"""

import random
import shutil
from pathlib import Path

import pytest

from tests.support.checkout import copy_checkout
from tests.torture.conftest import DAYS, Version
from tests.torture.kills.kills import (
    Command,
    Documents,
    assert_manifests_are_whole,
    assert_nothing_is_left,
    assert_old_or_new,
    documents,
    hidden_files,
    kills_of,
    moments,
    wait_for_the_end,
)

DAY = DAYS[-1]
SHORT = 1
GUESS = 2.0  # s
WAYS = {"all": (False, 50), "make-alone": (True, 20)}  # whether the children live on, kills in the long form
REFUSED = f"un autre traitement du {DAY} est en cours"


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("output")


@pytest.fixture(scope="module")
def process(output: Path, versions: list[Version], tmp_path_factory: pytest.TempPathFactory) -> Command:
    """make process in a copy of the checkout; what it needs to know of the raw files comes with each run."""
    root, temporary = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("tmp")
    checkout = copy_checkout(root, versions[0].raw, served=False)
    environment = {**checkout.environment, "OUTPUT_DIR": str(output), "TMPDIR": str(temporary)}
    return Command(("make", "-j2", "process", f"DATE={DAY}"), environment, root)


@pytest.fixture(scope="module")
def whole(process: Command, versions: list[Version], output: Path, request: pytest.FixtureRequest) -> float:
    """The seconds of an undisturbed run; in the short form a guess, and the first good files those of backfill."""
    if not int(request.config.getoption("--torture")):
        shutil.copytree(versions[0].output, output, dirs_exist_ok=True, ignore=shutil.ignore_patterns(f"*{DAYS[0]}*"))
        return GUESS
    versions[0].day_before(output)
    seconds = process.having(DATA_DIR=str(versions[0].raw)).completes()
    assert results_of_the_day(output) == expected(versions[0])
    return seconds


@pytest.mark.parametrize("way", ["all", pytest.param("make-alone", marks=pytest.mark.long)])
def test_make_process_killed_anywhere(
    way: str, process: Command, whole: float, versions: list[Version], output: Path, request: pytest.FixtureRequest
) -> None:
    alone, long = WAYS[way]
    chance, temporary = random.Random(way), Path(process.environment["TMPDIR"])
    for moment, undisturbed, told in moments(chance, whole, kills_of(request, SHORT, long)):
        version = chance.choice(versions)
        # Without FORCE the version that rests on more rows would stay.
        command = process.having("FORCE=1", DATA_DIR=str(version.raw))
        version.day_before(output)
        before = results_of_the_day(output)
        killed = command.killed_after(moment, alone)
        assert_old_or_new(before, results_of_the_day(output), expected(version), told=told)
        if alone:
            another_run(command)
            wait_for_the_end(killed)
            assert_old_or_new(before, results_of_the_day(output), expected(version), told=told)
        assert_manifests_are_whole(output)
        if undisturbed:
            command.completes()
            assert results_of_the_day(output) == expected(version), told
            assert_nothing_is_left(output, temporary, but="runs/")
    if hidden_files(output):  # of a manifest, which a run that has something to do clears
        process.having("FORCE=1", DATA_DIR=str(versions[0].raw)).completes()
    assert_nothing_is_left(output, temporary)


def another_run(command: Command) -> None:
    ran = command.run()
    assert ran.returncode == 0 or REFUSED in ran.stderr, ran.stderr


def results_of_the_day(output: Path) -> Documents:
    return {name: content for name, content in documents(output).items() if DAYS[0] not in name}


def expected(version: Version) -> Documents:
    return version.of(DAY, ".inputs/")
