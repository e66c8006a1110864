"""kill -9 at random moments of one source, the report and a range of days.

Files are whole, each the old or the new one; the next run completes; no lock, file or folder is left behind.
"""

import random
import shutil
from pathlib import Path

import pytest

from tests.torture.conftest import DAYS, Version, script
from tests.torture.kills.kills import (
    Command,
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
ALONE = 0.3  # how often its children are not killed with it: they must end by themselves
COMMANDS = {  # command line, parts of the names of the files that it writes, kills in the long form
    # Without --force the version of the raw files that gives more rows would stay.
    "comptages": (
        ["process_comptages.py", "--date", DAY, "--force"],
        [f"comptages_metrics_{DAY}", f"comptages_{DAY}"],
        100,
    ),
    "rapport": (["generate_report.py", "--date", DAY], [f"daily_report_{DAY}"], 100),
    "période": (["backfill.py", "--from", DAYS[0], "--to", DAY, "--force"], ["/"], 70),
}


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


@pytest.fixture
def output(versions: list[Version], tmp_path: Path) -> Path:
    """The previous good files, which kills must not hurt: those of the first version."""
    shutil.copytree(versions[0].output, tmp_path / "output")
    return tmp_path / "output"


@pytest.mark.parametrize(
    "name", ["comptages", *(pytest.param(one, marks=pytest.mark.long) for one in ("période", "rapport"))]
)
def test_killed_anywhere(
    name: str, versions: list[Version], output: Path, temporary: Path, request: pytest.FixtureRequest
) -> None:
    argv, parts, long = COMMANDS[name]
    killed = script(*argv, OUTPUT_DIR=str(output), TMPDIR=str(temporary))
    whole = of_version(killed, versions[1], output, name).completes()
    chance = random.Random(name)
    for moment, undisturbed, told in moments(chance, whole, kills_of(request, SHORT, long)):
        version = chance.choice(versions)
        command = of_version(killed, version, output, name)
        before, new = documents(output), version.of(*parts)
        wait_for_the_end(command.killed_after(moment, alone=chance.random() < ALONE))
        assert_old_or_new(before, documents(output), new, told=f"{name}, {told}")
        assert_manifests_are_whole(output)
        if undisturbed:
            command.completes()
            assert documents(output) == before | new, f"{name}, {told}"
            assert_nothing_is_left(output, temporary, but="runs/")
    if hidden_files(output):  # of a manifest, which a run that has something to do clears
        of_version(killed, versions[0], output, name, "--force").completes()
    assert_nothing_is_left(output, temporary)


def of_version(command: Command, version: Version, output: Path, name: str, *words: str) -> Command:
    """The command on the raw files of a version; for the report, on metrics of that version, which it reads."""
    if name == "rapport":
        shutil.copytree(version.output / "metrics", output / "metrics", dirs_exist_ok=True)
    if name == "comptages":
        version.day_before(output)
    forced = words if name == "période" else ()
    return command.having(*forced, DATA_DIR=str(version.raw))
