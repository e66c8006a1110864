"""What the figures of a source, and the report, are made from. Make, backfill and status all ask it here.

The code files are those that a script imports, directly or not, read off their text without running them.
"""

import ast
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lib.common.errors import InputError
from lib.common.settings import ROOT, Settings
from lib.raw.source import Source
from lib.raw.source_files import source_files

REPORT = "report"
PACKAGES = ("lib", "scripts")
# The factory hands out the store that carries a document; no figure comes from it, nor from what it alone imports.
CARRIERS = frozenset({ROOT / "lib" / "database_factory.py"})


@dataclass(frozen=True)
class Dependencies:
    """The script that computes a step, and the sources whose raw files it reads (none for the report)."""

    script: Path
    raw: tuple[Source, ...]

    def raw_paths(self, settings: Settings) -> list[Path]:
        """List every raw file that the figures may come from; leave out a missing one that a setting names."""
        paths: list[Path] = []
        for source in self.raw:
            with contextlib.suppress(InputError):
                paths += [raw.path for raw in source_files(settings, source)]
        return paths

    @property
    def code(self) -> set[Path]:
        """Find the code files that decide on the figures: what the script imports, templates, requirements.txt."""
        return code_files(self.script)


def dependencies(source: Source | None) -> Dependencies:
    """Return those of a source; for None those of the report, which reads metrics alone."""
    if source is None:
        return Dependencies(ROOT / "scripts" / "generate_report.py", ())
    return Dependencies(ROOT / "scripts" / f"process_{source.name}.py", source.read)


def code_files(script: Path) -> set[Path]:
    """Find the files a script runs: itself, all it imports of lib/ and scripts/, their templates, requirements.txt."""
    found: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path not in found and path not in CARRIERS:
            found.add(path)
            waiting += _used_by(path)
    return found | {ROOT / "requirements.txt"}


@lru_cache(maxsize=1000)
def _used_by(path: Path) -> tuple[Path, ...]:
    """Find the files that one module imports, and the templates beside it if it fills any."""
    if path.suffix != ".py":
        return ()
    names = tuple(_names(ast.parse(path.read_bytes()), path))
    templates = (path.parent / "templates").glob("*") if "jinja2" in names else ()
    return (*dict.fromkeys(file for name in names for file in _module_files(name)), *templates)


def _names(node: ast.AST, path: Path) -> Iterator[str]:
    """Yield the dotted names that the code below `node` imports when it runs, without those for the type checker."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            module = child.module or ""
            if child.level:
                package = path.relative_to(ROOT).parts[: -child.level]
                module = ".".join([*package, *filter(None, [module])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in child.names)  # a module of the package, or a name in it
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            yield from (name for other in child.orelse for name in _names(other, path))
        else:
            yield from _names(child, path)


def _module_files(name: str) -> Iterator[Path]:
    """Yield the files that importing a dotted name runs: the module, and the __init__ of each package above it."""
    parts = name.split(".")
    if parts[0] not in PACKAGES:
        return
    for length in range(1, len(parts) + 1):
        place = ROOT.joinpath(*parts[:length])
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if path.is_file():
                yield path
