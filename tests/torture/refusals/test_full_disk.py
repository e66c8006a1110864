"""A disk that is full at each write in turn: old files stay whole, the message says what to do, and room is enough.

The short form tries a few levels of each command; `make torture` tries every one, page by page and file by file.
"""

import json
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from scripts import (
    backfill,
    generate_history,
    generate_report,
)
from tests.conftest import Ran, mains
from tests.support.cases import each_once
from tests.support.confined import Main, run_confined
from tests.support.shared_trees import demo_tree
from tests.support.small_disk import SmallDisk
from tests.support.small_disk import disk as disk

Files = dict[str, Any]  # name below OUTPUT_DIR: content without its timestamp, None where there is no such file

DAY = "2025-11-04"
ONE_DAY = ["--date", DAY]
COMMANDS: dict[str, tuple[Main, list[str]]] = {
    **{source: (main, ONE_DAY) for source, main in mains().items()},
    "report": (generate_report.main, ONE_DAY),
    "history": (generate_history.main, []),
    "backfill": (backfill.main, ["--from", DAY, "--to", DAY, "--force", "--jobs", "1"]),
    "backfill on two processes": (backfill.main, ["--from", DAY, "--to", DAY, "--force", "--jobs", "2"]),
}
SOURCES = list(mains())
GROUPS = {  # files that are written together: all of them are old, or all new
    **{one: (f"metrics/{one}_metrics_{DAY}.json", f"rejects/{one}_{DAY}.csv") for one in SOURCES},
    "report": tuple(f"reports/daily_report_{DAY}{suffix}" for suffix in (".json", ".csv", ".html")),
    "history": ("reports/index.html",),
}
SHORT = {"pages": (0, 3), "files": (0,)}  # what is left, with the other tests
LONG = {"pages": range(80), "files": range(25)}


@pytest.fixture(scope="module")
def processed(disk: SmallDisk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """OUTPUT_DIR on the small disk, with all results of a day whose raw files lie elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATA_DIR", str(demo_tree(tmp_path_factory, 1)))
        patch.setenv("OUTPUT_DIR", str(disk.path / "output"))
        patch.setenv("CITYFLOW_STORE", "local_files")
        for name in ("backfill", "history"):
            assert run(name, disk).code == 0
        yield disk.seen / "output"


@pytest.fixture(scope="module")
def whole(processed: Path) -> Files:
    return results(processed)


def run(name: str, disk: SmallDisk) -> Ran:
    main, words = COMMANDS[name]
    return run_confined(main, *words, confine=disk.enter)


@pytest.fixture
def levels(kind: str, request: pytest.FixtureRequest) -> Iterator[dict[str, int]]:
    """How little may be left, from nothing on."""
    chosen = LONG if int(request.config.getoption("--torture")) else SHORT
    return ({kind: left} for left in chosen[kind])


# The sources write in one way, through the same lines: three of them with the other tests.
TRIED = [name for name in COMMANDS if name not in ("bikes", "traffic", "chantiers")]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *each_once(TRIED, ["pages", "files"]),
        *(
            pytest.param(name, kind, marks=pytest.mark.long)
            for name in COMMANDS
            if name not in TRIED
            for kind in ("pages", "files")
        ),
    ],
)
def test_a_write_that_is_refused_leaves_what_was_there(
    name: str, processed: Path, whole: Files, disk: SmallDisk, levels: Iterator[dict[str, int]]
) -> None:
    runs = processed / "runs" / DAY
    for left in levels if "backfill" not in name else islice(levels, 1, None):
        age(processed, whole, written(name))
        old, told_before = results(processed), len(list(runs.iterdir()))
        with disk.nearly_full(**left):
            ran = run(name, disk)
        note = f"{left}: {ran}"
        assert ran.code in (0, 1) and "Traceback" not in ran.err and "erreur inattendue" not in ran.err, note
        if ran.code:
            assert "plus de place sur le disque" in ran.err and str(disk.path) in ran.err and "place" in ran.err, note
        elif name != "history" and len(list(runs.iterdir())) == told_before:
            assert "compte rendu" in ran.err, note
        states = {one: state(GROUPS[one], old, whole, results(processed)) for one in written(name)}
        if len(states) == 1 or not ran.code:  # of a range of days, those that found room are new
            assert set(states.values()) == {"old" if ran.code else "new"}, (states, note)
        assert set(states.values()) <= {"old", "new"}, (states, note)
        assert not leftovers(processed), note
    assert run(name, disk).code == 0, "room is all that was missing"
    found = results(processed)
    assert not [one for one in whole if found[one] != whole[one]]


def written(name: str) -> list[str]:
    """The groups that a command writes."""
    return [*SOURCES, "report"] if "backfill" in name else [name]


def results(output: Path) -> Files:
    return {name: content(output / name) for files in GROUPS.values() for name in files}


def content(path: Path) -> Any:
    if not path.exists():
        return None
    if path.suffix != ".json":
        return path.read_bytes()
    return {key: value for key, value in json.loads(path.read_bytes()).items() if key != "timestamp"}


def age(output: Path, whole: Files, groups: list[str]) -> None:
    """Make the results that are to be written those of other data: readable, and told from the new ones."""
    for name in (name for one in groups for name in GROUPS[one]):
        known = whole[name]
        old = json.dumps({**known, "ancien": True}).encode() if name.endswith(".json") else b"ancien"
        (output / name).write_bytes(old)


def state(names: tuple[str, ...], old: Files, whole: Files, found: Files) -> str:
    for word, expected in (("old", old), ("new", whole)):
        if all(found[name] == expected[name] for name in names):
            return word
    return f"mixed: {[name for name in names if found[name] != old[name]]} changed"


def leftovers(output: Path) -> list[Path]:
    return [path for path in output.rglob(".*") if path.suffix in (".tmp", ".part")]


def test_a_first_run_without_room_leaves_nothing_behind(processed: Path, disk: SmallDisk) -> None:
    kept = processed.with_name("kept")
    processed.rename(kept)
    try:
        for files in range(12):
            with disk.nearly_full(files=files):
                ran = run("weather", disk)
            note = f"{files}: {ran}"
            assert ran.code in (0, 1) and "Traceback" not in ran.err and "erreur inattendue" not in ran.err, note
            assert ran.code == 0 or "plus de place sur le disque" in ran.err, note
            assert not leftovers(processed), note
            if ran.code == 0 and (processed / "runs").exists():
                break
        assert ran.code == 0
    finally:
        shutil.rmtree(processed)
        kept.rename(processed)
