"""Thousands of spoilt raw files: no traceback, no sound row lost, every loss counted, nothing outside OUTPUT_DIR.

The short form runs with the other tests; `make torture` runs at least ten thousand trials (--torture N).
"""

import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Ran, RawTree
from tests.torture.inputs.forms import DAY, FORMS, Form
from tests.torture.inputs.mutations import mutated

SHORT = 2  # trials of each form with the other tests
PAST, NOW = 1_762_300_000, 1_762_400_000  # mtimes: the victim of a batch export is the older file

Run = Callable[..., Ran]


@pytest.fixture
def trials(request: pytest.FixtureRequest) -> int:
    asked = int(request.config.getoption("--torture"))
    return max(-(-asked // len(FORMS)), SHORT)  # rounded up


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_spoilt_file_costs_no_more_than_itself(form: Form, raw: RawTree, run: Run, trials: int) -> None:
    for path, content in form.companions.items():
        write(raw.root / path, content, NOW)
    for number in range(trials):
        chance = random.Random(f"{form.name}/{number}")
        what, spoilt = mutated(form.content, chance)
        write(raw.root / form.victim, spoilt, PAST)
        before = listing(raw.root.parent, raw.output)
        ran = run(form.main, "--date", DAY)
        note = f"{form.name} trial {number} ({what}): {spoilt[:300]!r}\n{ran.err[-600:]}"
        assert "Traceback" not in ran.err and "erreur inattendue" not in ran.err, note
        assert listing(raw.root.parent, raw.output) == before, note
        check(form, ran, raw, note)


def check(form: Form, ran: Ran, raw: RawTree, note: str) -> None:
    if form.survives is None:
        assert ran.code in (0, 1, 4), note
        if ran.code:
            assert Path(form.victim).name in ran.err or "aucun" in ran.err, note
            return
    assert ran.code == 0, note
    metrics = raw.metrics(form.data_type, DAY)
    assert form.survives is None or form.survives(metrics), note
    account = metrics["qualite"]
    rejected = sum(account["rejets"].values())
    assert account["lignes_lues"] == account["lignes_retenues"] + account["doublons"] + rejected, note
    assert (raw.output / "rejects" / f"{form.data_type}_{DAY}.csv").exists() == bool(rejected), note


def write(path: Path, content: bytes, modified: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (modified, modified))


def listing(folder: Path, output: Path) -> list[tuple[str, int]]:
    """Every file but the results, with its size."""
    return sorted((str(path), path.stat().st_size) for path in files(folder) if output not in path.parents)


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def test_the_generator_of_mutations_is_deterministic() -> None:
    first, again = (mutated(FORMS[0].content, random.Random("x")) for _ in range(2))
    assert first == again and json.loads(FORMS[0].content)
