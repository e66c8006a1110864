"""What README tells people to type exists: targets, words, scripts, options, settings and files."""

import re
import shlex
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from lib.common.settings import env_example
from scripts.registry import SOURCES
from tests.conftest import ROOT, Ran

README = (ROOT / "README.md").read_text(encoding="utf-8")
TYPED = [line.split("#")[0].strip() for line in README.splitlines() if line.startswith("    ")]
INLINE = re.findall(r"`([^`\n]+)`", README)
COMMANDS = sorted({command for command in [*TYPED, *INLINE] if command})
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(SOURCES)", " ".join(SOURCES))
TARGETS = {
    word for rule in re.findall(r"^([a-z][a-z -]*):(?!=)", MAKEFILE, flags=re.MULTILINE) for word in rule.split()
}


def scripts_in(text: str) -> set[str]:
    """Every Python or shell file that a command of the text runs."""
    return set(re.findall(r"\w[\w/]*\.(?:py|sh)\b", text))


def test_there_are_commands_to_check() -> None:
    assert {"make demo", "make test"} <= set(COMMANDS)
    assert len(COMMANDS) > 20


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make ")])
def test_every_make_command_has_its_target_and_words(command: str) -> None:
    target, *words = shlex.split(command)[1:]
    assert target in TARGETS, command
    for word in words:
        name, sign, _ = word.partition("=")
        assert sign, command
        assert name in MAKEFILE or f"#{name}=" in env_example(), command


@pytest.mark.parametrize("name", sorted({name for command in COMMANDS for name in scripts_in(command)}))
def test_every_script_exists(name: str) -> None:
    assert (ROOT / name).is_file() or (ROOT / "scripts" / name).is_file()


@pytest.mark.parametrize("command", [command for command in COMMANDS if "python scripts/" in command])
def test_every_option_is_one_of_the_script(command: str, run: Callable[..., Ran]) -> None:
    script, *words = command.split("python ")[1].split()
    shown = run(import_module(script.removesuffix(".py").replace("/", ".")).main, "--help")
    for word in words:
        if word.startswith("-"):
            assert re.search(rf"(?<![\w-]){word}(?![\w-])", shown.out), command


def test_every_setting_named_exists() -> None:
    named = {word for text in INLINE for word in re.findall(r"^[A-Z][A-Z0-9]+_[A-Z0-9_]+", text)}
    assert {name for name in named if f"#{name}=" not in env_example()} == set()


def test_every_linked_page_exists() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)", README) if "://" not in link]
    assert [link for link in links if not Path(ROOT, link).exists()] == []


def test_every_script_that_make_runs_exists() -> None:
    run = {name for name in scripts_in(MAKEFILE) if "process_$(" not in name}
    assert {name for name in run if not (ROOT / name).is_file()} == set()
