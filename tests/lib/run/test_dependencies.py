"""The quick reading of imports finds what Python's own parser finds."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.common.settings import ROOT
from lib.run import dependencies
from lib.run.dependencies import PACKAGES, imported_names

ODD = """
from lib.common import (  # a bracket ) in a comment
    errors,
    text as words,
)
if TYPE_CHECKING:
    from lib.aws import names

    import lib.aws.bodies
else:
    import lib.files.locks as locks, lib.raw
from . import kinds
from ..contents import \\
    read_blocks
def late():
    if True:
        from lib.figures.numbers import plain; x = 1
    return locks  # import lib.aws
"""
PATH = ROOT / "lib" / "raw" / "forms" / "odd.py"


def parsed(node: ast.AST, path: Path) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            package = path.relative_to(ROOT).parts[: -child.level] if child.level else ()
            module = ".".join([*package, *filter(None, [child.module])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in child.names)
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            yield from parsed(ast.Module(child.orelse, []), path)
        else:
            yield from parsed(child, path)


def test_in_every_module_that_a_figure_may_depend_on() -> None:
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert len(modules) > 100
    for path in modules:
        text = path.read_text("utf-8")
        assert set(imported_names(text, path)) == set(parsed(ast.parse(text), path)), path


def test_in_every_way_to_write_an_import() -> None:
    found = set(imported_names(ODD, PATH))
    assert found == set(parsed(ast.parse(ODD), PATH))
    assert {"lib.common.errors", "lib.common.text", "lib.raw.forms.kinds", "lib.raw.contents.read_blocks"} <= found
    assert not {name for name in found if name.startswith("lib.aws")}


def test_the_state_of_the_code_is_that_of_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "ROOT", tmp_path)
    files = [tmp_path / "requirements.txt", tmp_path / "lib" / "old.py", tmp_path / "scripts" / "new.py"]
    for number, path in enumerate(files, start=1):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (number, number))

    def state() -> str:
        find, modules = dependencies.code_state.__wrapped__, dependencies._modules
        modules.cache_clear()
        try:
            return str(find())
        finally:
            modules.cache_clear()

    known = [state()]
    for path in files:
        os.utime(path, (2.5, 2.5))  # older than the newest
        known.append(state())
    (tmp_path / "lib" / "old.py").write_bytes(b"xy")
    os.utime(tmp_path / "lib" / "old.py", (2.5, 2.5))
    known.append(state())
    assert len(set(known)) == 5
    assert state() == known[-1]
