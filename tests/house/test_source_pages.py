"""The pages of docs/sources say what the code computes: every figure is named, every constant has the code's value."""

import importlib
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lib.common.errors import ExitCode
from scripts.registry import RAW, SOURCES
from tests.conftest import ROOT, Ran, RawTree

PAGES = ROOT / "docs" / "sources"
NOT_NAMED = {"lon", "lat"}  # of a point
CODED = (
    "par_cause",
    "par_impact",
    "par_niveau",
    "par_statut",
    "par_severite",
    "par_mode",
    "reliability_par_mode",
    "lignes_perturbees",
)


def figures(value: Any) -> Iterator[str]:
    """The names of a metrics object, those that are values of the data aside."""
    if isinstance(value, list):
        for item in value[:1]:
            yield from figures(item)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            if name not in CODED:
                yield from figures(inner)


def test_every_source_that_is_fetched_has_a_page_and_a_line_in_the_index() -> None:
    index = (PAGES / "README.md").read_text("utf-8")
    for source in RAW:
        page = (PAGES / f"{source}.md").read_text("utf-8")
        assert f"({source}.md)" in index
        for word in ("**Origin**", "**Licence**", "**Delay**", "**How it arrives**", "## Traps", "## Checks"):
            assert word in page, f"{source}: {word}"


@pytest.mark.parametrize("source", SOURCES)
def test_every_stored_figure_is_named(
    source: str, raw: RawTree, run: Callable[..., Ran], demo_tree: tuple[Path, date], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(demo_tree[0]))
    day = demo_tree[1].isoformat()
    script = importlib.import_module(f"scripts.process_{source}")
    assert run(script.main, "--date", day).code == ExitCode.DONE
    metrics = raw.metrics(source, day)
    metrics.pop("qualite")
    page = (PAGES / f"{source}.md").read_text("utf-8")
    missing = {name for name in figures(metrics) if not re.search(rf"\b{re.escape(name)}\b", page)} - NOT_NAMED
    assert not missing


def constants() -> list[tuple[str, str, tuple[float, ...]]]:
    """(page, name, values) of every `NAME` = value."""
    found = []
    for path in sorted(PAGES.glob("*.md")):
        for name, text in re.findall(r"`([A-Z_]+)` = (-?[0-9.]+(?:, [0-9.]+)*)", path.read_text("utf-8")):
            found.append((path.stem, name, tuple(float(one.rstrip(".")) for one in text.split(", "))))
    return found


@pytest.mark.parametrize(("page", "name", "values"), constants())
def test_a_constant_is_that_of_the_code(page: str, name: str, values: tuple[float, ...]) -> None:
    code = re.search(r"^Code: (.*)$", (PAGES / f"{page}.md").read_text("utf-8"), re.M)
    assert code
    modules = [importlib.import_module(one.removesuffix(".py").replace("/", ".")) for one in code[1].split(", ")]
    (owner, *_) = [module for module in modules if hasattr(module, name)]
    value = getattr(owner, name)
    assert values == (tuple(map(float, value)) if isinstance(value, tuple) else (float(value),))
