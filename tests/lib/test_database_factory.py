"""Which store a machine uses, and what is said when a store's package is not installed."""

import sys
from pathlib import Path

import pytest

from lib.common.settings import LAPTOP_MARKER, ROOT, load_settings
from lib.database_factory import get_database_type
from tests import script_server
from tests.conftest import RawTree

# A Python where the package cannot be imported, as on a machine where it was never installed.
WITHOUT = """
import sys
sys.modules[{package!r}] = None
from scripts import process_weather
sys.exit(process_weather.main(["--date", "2025-11-04", "--store", {kind!r}]))
"""


@pytest.mark.parametrize(("kind", "package"), [("mongodb", "pymongo"), ("dynamodb", "boto3")])
def test_a_missing_package_is_named_with_the_command_that_installs_it(raw: RawTree, kind: str, package: str) -> None:
    script = WITHOUT.format(package=package, kind=kind)
    done = script_server.run([sys.executable, "-c", script], cwd=ROOT)
    assert done.returncode == 3
    assert f"CITYFLOW_STORE={kind} demande le paquet {package}" in done.stderr
    assert "make venv" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("package", ["pymongo", "boto3"])
def test_files_need_no_database_package(raw: RawTree, package: str) -> None:
    script = WITHOUT.format(package=package, kind="local_files")
    done = script_server.run([sys.executable, "-c", script], cwd=ROOT)
    assert done.returncode == 4, done.stderr  # there is no raw file: the store was not the trouble


def test_mongodb_on_a_laptop_and_files_elsewhere(tmp_path: Path) -> None:
    assert get_database_type(load_settings(environment={}, root=tmp_path)) == "local_files"
    (tmp_path / LAPTOP_MARKER).mkdir()
    assert get_database_type(load_settings(environment={}, root=tmp_path)) == "mongodb"
    assert get_database_type(load_settings(environment={"CITYFLOW_STORE": "dynamodb"}, root=tmp_path)) == "dynamodb"
