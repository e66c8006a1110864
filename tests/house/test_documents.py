"""What the pages tell people to type, set and open exists: targets, words, scripts, options, settings, files, codes."""

import re
import shlex
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from lib.common.errors import ExitCode
from tests.conftest import ROOT, Ran
from tests.support.documents import (
    DOCS,
    KNOWN_SETTINGS,
    MAKE_WORDS,
    MAKEFILE,
    PAGES,
    dead_links,
    exit_codes,
    files_run,
    make_words,
    mentioned,
    page,
    settings_named,
)

COMMANDS = sorted({command for name in (*PAGES, *DOCS) for command in mentioned(page(name))})
OF_ONE_SOURCE = {name for name in DOCS if name.startswith("docs/sources/") and name != "docs/sources/README.md"}
WITH_HOLES = ("<", "…")  # « make <source> » is for people alone
README = page("README.md")


def test_there_are_commands_to_check() -> None:
    assert {"make demo", "make test", "./run_processing.sh 2025-11-04"} <= set(mentioned(README))
    assert len(COMMANDS) > 60


@pytest.mark.parametrize(
    "command", [one for one in COMMANDS if one.startswith("make ") and not any(hole in one for hole in WITH_HOLES)]
)
def test_every_make_command_has_its_target_and_words(command: str) -> None:
    make_words(command)


@pytest.mark.parametrize("name", sorted({name for command in COMMANDS for name in files_run(command)}))
def test_every_script_exists(name: str) -> None:
    assert (ROOT / name).is_file()


@pytest.mark.parametrize("command", [one for one in COMMANDS if re.search(r"python (?:scripts/)?\w+\.py .*-", one)])
def test_every_option_is_one_of_the_script(command: str, run: Callable[..., Ran]) -> None:
    script, *words = shlex.split(command.split("python ")[1])
    shown = run(import_module(script.removesuffix(".py").replace("/", ".")).main, "--help")
    for word in words:
        if word.startswith("-"):
            assert re.search(rf"(?<![\w-]){word}(?![\w-])", shown.out), command


@pytest.mark.parametrize("name", [*PAGES, *(name for name in DOCS if name not in OF_ONE_SOURCE)])
def test_every_setting_named_exists(name: str) -> None:
    assert settings_named(page(name)) - {*KNOWN_SETTINGS, *MAKE_WORDS} == set()


@pytest.mark.parametrize("name", [*PAGES, *DOCS, "CHANGELOG.md"])
def test_every_linked_page_exists(name: str) -> None:
    assert dead_links(name) == []


def test_every_page_of_docs_is_reached_from_the_readme() -> None:
    linked = set(re.findall(r"\]\(([^)#]+)", README))
    assert {name for name in DOCS if name.count("/") == 1} | {"docs/sources/README.md", *PAGES[1:]} <= linked


def test_every_script_that_make_runs_exists() -> None:
    run = {name for name in files_run(MAKEFILE) if "process_$(" not in name}
    assert {name for name in run if not (ROOT / name).is_file()} == set()


@pytest.mark.parametrize("name", PAGES)
def test_the_exit_codes_are_the_real_ones(name: str) -> None:
    never = {ExitCode.LOCKED} if name == "UPLOAD_AWS_GUIDE.md" else set()  # an upload takes no lock of a day
    assert exit_codes(page(name)) == [int(code) for code in ExitCode if code not in never]


def test_the_readme_is_read_in_one_sitting() -> None:
    lines = README.splitlines()
    assert len(lines) <= 130
    assert [line for line in lines if len(line) > 120] == []
    assert max(picture.stat().st_size for picture in (ROOT / "docs").glob("*.png")) < 300_000


def test_every_room_of_the_house_exists() -> None:
    tree = re.findall(r"^    ((?:scripts|lib|tests)/.*)$", README[README.index("## The house") :], re.MULTILINE)
    rooms = {room for line in tree for room in re.findall(r"[a-z/]+/", line)}
    assert {"scripts/sources/", "lib/common/", "tests/"} <= rooms
    assert {room for room in rooms if not (ROOT / room).is_dir() and not (ROOT / "tests" / room).is_dir()} == set()
    named = {Path(room).name for room in rooms}
    assert {path.parent.name for floor in ("lib", "scripts") for path in ROOT.glob(f"{floor}/*/__init__.py")} <= named
