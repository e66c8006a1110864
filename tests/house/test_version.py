"""One version: the package's, pyproject's, and what doctor and manifests print."""

import tomllib
from collections.abc import Callable

from lib import __version__
from scripts import doctor
from tests.conftest import ROOT, Ran, RawTree

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_pyproject_says_the_same() -> None:
    assert PYPROJECT["project"]["version"] == __version__


def test_doctor_says_it_first(raw: RawTree, run: Callable[..., Ran]) -> None:
    assert run(doctor.main).out.splitlines()[0] == f"CityFlow Paris {__version__}"
