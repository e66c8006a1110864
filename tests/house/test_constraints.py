"""constraints.txt holds the version of every package that an install brings, on each Python from 3.11 on."""

import re
from collections.abc import Iterator
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

REQUIREMENTS = sorted(path.name for path in ROOT.glob("requirements*.txt"))
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


def written(name: str) -> list[Requirement]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and line[0] not in "#-"]


def pulled_in(asked: Requirement) -> Iterator[str]:
    """Names of the installed distributions that a requirement brings, itself first; none where it is not installed."""
    waiting, seen = [asked], set()
    while waiting:
        one = waiting.pop()
        name, extras = canonicalize_name(one.name), ("", *sorted(one.extras))
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        yield name
        found = map(Requirement, needs)
        waiting += [
            need for need in found if not need.marker or any(need.marker.evaluate({"extra": e}) for e in extras)
        ]


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_what_is_asked_for_is_pinned_once_with_the_same_version(name: str) -> None:
    pins = {canonicalize_name(one.name): one.specifier for one in written("constraints.txt") if not one.marker}
    asked = {canonicalize_name(one.name): one.specifier for one in written(name)}
    assert asked
    assert {package: pins.get(package) for package in asked} == asked, "run `make constraints`"


@pytest.mark.parametrize("python", PYTHONS)
def test_every_python_has_one_version_of_each(python: str) -> None:
    there = {"python_version": python, "python_full_version": f"{python}.1", "sys_platform": "linux"}
    names = [one.name for one in written("constraints.txt") if not one.marker or one.marker.evaluate(there)]
    assert len(names) > 100
    assert len(names) == len(set(names))


def test_all_that_the_installed_requirements_pull_in_is_pinned_and_is_that_version() -> None:
    pins = {one.name: one.specifier for one in written("constraints.txt") if not one.marker or one.marker.evaluate()}
    found = {name for file in REQUIREMENTS for asked in written(file) for name in pulled_in(asked)}
    assert {"botocore", "tornado", "flask"} <= found, "brought by boto3, distributed and moto[server]"
    assert found - set(pins) == set(), "run `make constraints`"
    assert {name for name in found if not pins[name].contains(metadata.version(name))} == set(), "run `make venv-dev`"


def test_every_install_follows_it() -> None:
    based = {
        name: re.findall(r"^-[rc] (\S+)", (ROOT / name).read_text(encoding="utf-8"), re.M) for name in REQUIREMENTS
    }
    assert based.pop("requirements.txt") == ["constraints.txt"]
    assert all({"requirements.txt", "requirements-dev.txt"} & set(below) for below in based.values())
    installs = [
        line
        for path in (ROOT / "Makefile", *(ROOT / ".ci").iterdir())
        for line in path.read_text(encoding="utf-8").splitlines()
        if "pip install" in line
    ]
    assert installs
    assert [line for line in installs if "-r $(1)" not in line and not re.search(r"\buv==[\d.]+$", line)] == []
