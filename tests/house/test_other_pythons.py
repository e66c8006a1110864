"""Scripts started with a Python that is not the project's own."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.patience import deadline

SCRIPTS = [one for one in (*ROOT.glob("scripts/*.py"), *ROOT.glob("*.py")) if one.stem not in ("registry", "__init__")]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python without one package."""
    folder = tmp_path_factory.mktemp("bare") / "env"
    venv.create(folder, symlinks=True, with_pip=False)
    return folder / "bin" / "python"


@pytest.mark.parametrize(
    "script", [one for one in SCRIPTS if one.stem not in ("registry", "__init__")], ids=lambda one: one.stem
)
def test_a_python_without_the_packages_is_one_line_with_the_command_to_type(bare: Path, script: Path) -> None:
    ran = subprocess.run(
        [bare, script, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=deadline(), check=False
    )
    if ran.returncode == 0:
        assert "usage :" in ran.stdout  # doctor, which needs none, and what imports its packages when it works
        return
    assert (ran.returncode, ran.stdout, len(ran.stderr.splitlines())) == (3, "", 1)
    assert "manque à" in ran.stderr
    assert f".venv/bin/python {script.relative_to(ROOT)}" in ran.stderr


def test_another_fault_keeps_its_trace() -> None:
    code = "import lib; raise ValueError('une faute')"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=deadline(), check=False
    )
    assert ran.returncode == 1 and "Traceback" in ran.stderr and "une faute" in ran.stderr
