"""What the figures of a source, and the report, are made from. Make, backfill and status all ask it here.

The code files are those that a script imports, directly or not, read off their text without running them.
"""

import contextlib
import hashlib
import os
import re
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
_COMMENT = re.compile(r"#[^\n]*")
_TYPES_ONLY = re.compile(r"^([ \t]*)if TYPE_CHECKING:[^\n]*\n(?:\1[ \t]+[^\n]*\n|[ \t]*\n)*", re.MULTILINE)
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]*(\((?:[^)#]|#[^\n]*)*\)|(?:[^\n#;\\]|\\\n)+)"
    r"|import[ \t]+((?:[^\n#;\\]|\\\n)+))",
    re.MULTILINE,
)
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


@lru_cache(maxsize=1)
def code_state() -> str:
    """Return a digest of the sizes and times of all code, whatever imports it: for what it costs little to redo.

    Of all files, not of the newest: a copied tree brings files that are older than those it leaves as they were.
    """
    files = (path for paths in _modules().values() for path in paths)
    states = ((path, path.stat()) for path in (ROOT / "requirements.txt", *files))
    text = "\n".join(f"{path.relative_to(ROOT)} {one.st_size} {one.st_mtime_ns}" for path, one in states)
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1000)
def _used_by(path: Path) -> tuple[Path, ...]:
    """Find the files that one module imports, and the templates beside it if it fills any."""
    if path.suffix != ".py":
        return ()
    names = tuple(imported_names(path.read_text("utf-8"), path))
    templates = (path.parent / "templates").glob("*") if "jinja2" in names else ()
    return (*dict.fromkeys(file for name in names for file in _module_files(name)), *templates)


def imported_names(text: str, path: Path) -> Iterator[str]:
    """Yield the dotted names that a module imports when it runs, without those for the type checker.

    Read off its lines: ast takes twenty times as long, which every command would wait for. A line of a docstring that
    reads as an import only adds a file.
    """
    for module, names, plain in _IMPORT.findall(_TYPES_ONLY.sub("", text)):
        if plain:
            yield from _each(plain)
            continue
        level = len(module) - len(module.lstrip("."))
        if level:
            package = path.relative_to(ROOT).parts[:-level]
            module = ".".join([*package, *filter(None, [module[level:]])])
        yield module
        yield from (f"{module}.{name}" for name in _each(names))  # a module of the package, or a name in it


def _each(names: str) -> Iterator[str]:
    for name in _COMMENT.sub("", names).strip("() \t\n").replace("\\\n", " ").split(","):
        yield from name.split()[:1]  # without « as … »


def _module_files(name: str) -> Iterator[Path]:
    """Yield the files that importing a dotted name runs: the module, and the __init__ of each package above it."""
    known, parts = _modules(), name.split(".")
    if parts[0] in PACKAGES:
        yield from (path for length in range(1, len(parts) + 1) for path in known.get(".".join(parts[:length]), ()))


@lru_cache(maxsize=1)
def _modules() -> dict[str, tuple[Path, ...]]:
    """Find the file, or the two of a package and a module of one name, of every dotted name of PACKAGES."""
    found: dict[str, tuple[Path, ...]] = {}
    for package in PACKAGES:
        for folder, _, names in os.walk(ROOT / package):
            dotted = os.path.relpath(folder, ROOT).replace(os.sep, ".")
            for name in sorted(names):  # __init__ first
                if name.endswith(".py"):
                    module = dotted if name == "__init__.py" else f"{dotted}.{name[:-3]}"
                    found[module] = (*found.get(module, ()), Path(folder, name))
    return found
