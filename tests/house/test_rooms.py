"""The house keeps its two rules as it grows: import-linter's contracts say the floors, this says who lives there."""

import ast
import tomllib
from functools import cache
from pathlib import Path

from scripts.registry import SOURCES
from tests.conftest import ROOT

MOST_MODULES = 15  # of one folder; beyond it a reader looks for a module instead of seeing it
ONE_EACH = {f"{before}process_{source}" for source in SOURCES for before in ("", "test_")}  # seen as one: same shape
COMMANDS = [*(ROOT / "scripts").glob("*.py"), ROOT / "setup_dynamodb_tables.py", ROOT / "upload_to_aws.py"]


def modules(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.py") if path.name != "__init__.py"]


@cache
def imported(path: Path) -> set[Path]:
    """The files of lib/ and scripts/ that a file names in an import, wherever it stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        found |= {ROOT.joinpath(*name.split(".")).with_suffix(".py") for name in names}
    return {one for one in found if one.is_file()}


def reached(command: Path) -> set[Path]:
    found, waiting = set(), [command]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += imported(path)
    return found


def test_no_folder_holds_more_modules_than_one_sees_at_once() -> None:
    folders = {path.parent for top in ("lib", "scripts", "tests") for path in (ROOT / top).rglob("*.py")}
    crowded = {
        str(folder.relative_to(ROOT)): len({"" if path.stem in ONE_EACH else path.stem for path in modules(folder)})
        for folder in folders
    }
    assert {folder: number for folder, number in crowded.items() if number > MOST_MODULES} == {}


def test_no_room_of_lib_serves_one_command_alone() -> None:
    by_command = {
        command.stem: reached(command) for command in COMMANDS if command.stem not in ("__init__", "registry")
    }
    for room in [path for path in (ROOT / "lib").iterdir() if (path / "__init__.py").is_file()]:
        users = {command for command, files in by_command.items() if any(room in path.parents for path in files)}
        assert len(users) > 1, f"lib/{room.name} serves {users}: it belongs beside that command"


def test_every_room_and_adapter_of_lib_has_its_floor() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = {name for layer in contracts[0]["layers"] for name in layer.split(" | ")}
    hall = {f"lib.{path.stem}" for path in modules(ROOT / "lib")}
    rooms = {f"lib.{path.name}" for path in (ROOT / "lib").iterdir() if (path / "__init__.py").is_file()}
    assert layers == hall | rooms


def test_every_room_of_commands_is_a_stranger_to_the_others() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    rooms = [path for path in (ROOT / "scripts").iterdir() if (path / "__init__.py").is_file()]
    assert {f"scripts.{path.name}" for path in rooms} - {"scripts.sources"} == set(contracts[3]["modules"])
