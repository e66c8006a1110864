"""What every script writes for two invented days, byte for byte, against the files kept in tests/golden/.

When a change of figures is meant, write them again, read the difference, and commit it with the change:

    python -m pytest tests/test_golden_day.py --regenerate && git diff tests/golden
"""

import difflib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import (
    generate_report,
    make_demo_data,
)
from tests.conftest import Ran, RawTree, mains

GOLDEN = Path(__file__).parent / "golden"
TREE = ("--end", "2025-11-04", "--days", "10", "--arcs", "24", "--counters", "12", "--seed", "20251104", "-q")
HISTORY = "2025-10-28"  # a week before the ordinary day: the report compares with it
DAYS = ("2025-10-26", "2025-11-04")  # the autumn clock change, and an ordinary Tuesday
SHOWN = 40  # lines of a difference

_TIMESTAMP = re.compile(r'^  "timestamp": "[^"]*",$', re.MULTILINE)

Run = Callable[..., Ran]


@pytest.fixture
def written(raw: RawTree, run: Run) -> dict[str, str]:
    """The text of each golden file as the scripts write it today, its time stamp left out."""
    assert run(make_demo_data.main, *TREE, "--output", str(raw.root)).code == 0
    for day in sorted([HISTORY, *DAYS]):
        for main in (*mains().values(), generate_report.main):
            ran = run(main, "--date", day)
            assert ran.code == 0, f"{main.__module__} {day} : {ran.err}"
    names = [f"metrics/{source}_metrics_{day}.json" for day in DAYS for source in mains()]
    names += [f"reports/daily_report_{day}{suffix}" for day in DAYS for suffix in (".json", ".csv")]
    texts = {Path(name).name: (raw.output / name).read_bytes().decode() for name in names}
    return {name: _TIMESTAMP.sub('  "timestamp": "",', text) for name, text in texts.items()}


def test_the_figures_of_two_days_are_those_of_the_golden_files(
    written: dict[str, str], pytestconfig: pytest.Config
) -> None:
    if pytestconfig.getoption("--regenerate"):
        write_golden(written)
    kept = {path.name: path.read_bytes().decode() for path in GOLDEN.iterdir()}
    assert sorted(kept) == sorted(written)
    changed = {name: difference(name, kept[name], text) for name, text in written.items() if text != kept[name]}
    assert not changed, "\n".join(changed.values())


def write_golden(texts: dict[str, str]) -> None:
    GOLDEN.mkdir(exist_ok=True)
    for path in GOLDEN.iterdir():
        path.unlink()
    for name, text in texts.items():
        (GOLDEN / name).write_bytes(text.encode())


def difference(name: str, kept: str, text: str) -> str:
    lines = list(difflib.unified_diff(kept.splitlines(), text.splitlines(), f"golden/{name}", name, lineterm="", n=1))
    rest = [f"… {len(lines) - SHOWN} lines more"] if len(lines) > SHOWN else []
    return "\n".join([*lines[:SHOWN], *rest])
