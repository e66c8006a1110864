"""What make is told: words without spaces, and lists of raw files that are rewritten only when no longer true."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.make_facts import facts, inputs_path, main
from lib.paris_time import parse_day
from lib.settings import load_settings
from tests.conftest import Ran, RawTree

Run = Callable[..., Ran]
DAY = "2025-11-04"


def stamp(raw: RawTree, source: str) -> tuple[int, str]:
    path = inputs_path(raw.output, source)
    return path.stat().st_mtime_ns, path.read_text(encoding="utf-8")


def test_a_list_changes_with_its_files_and_only_then(raw: RawTree, run: Run, tmp_path: Path) -> None:
    first = raw.pull("bikes", DAY, "a.json", [])
    assert run(main, "--date", DAY).code == 0
    before = {source: stamp(raw, source) for source in ("bikes", "weather", "arrondissements")}
    assert run(main, "--date", DAY).code == 0
    assert {source: stamp(raw, source) for source in before} == before

    second = raw.pull("bikes", "2025-11-05", "b.json", [])
    shutil.copy2(first, tmp_path / "older")
    os.utime(tmp_path / "older", (1_000_000_000, 1_000_000_000))
    seen = [before["bikes"]]
    for change in (lambda: None, lambda: shutil.copy2(tmp_path / "older", first), second.unlink):
        change()
        assert run(main, "--date", DAY).code == 0
        seen.append(stamp(raw, "bikes"))
    assert len({content for _, content in seen}) == 4
    assert stamp(raw, "weather") == before["weather"]


def test_another_store_makes_every_list_another(raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(main, "--date", DAY).code == 0
    before = stamp(raw, "bikes")
    monkeypatch.setenv("CITYFLOW_STORE", "mongodb")
    assert run(main, "--date", DAY).code == 0
    assert stamp(raw, "bikes")[1] != before[1]


def test_a_file_that_can_be_read_again_makes_figures_stale(raw: RawTree, run: Run, tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    target = tmp_path / "volume" / "a.json"
    target.write_text("[]")
    raw.pull("bikes", DAY, "b.json", []).with_name("a.json").symlink_to(target)
    seen = []
    for change in (lambda: None, lambda: target.rename(tmp_path / "away"), lambda: (tmp_path / "away").rename(target)):
        change()
        assert run(main, "--date", DAY).code == 0
        seen.append(stamp(raw, "bikes")[1])
    assert seen[0] == seen[2] != seen[1]
    assert "hour=06/a.json illisible\n" in seen[1]


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30))
def test_every_fact_is_one_word_that_make_takes_literally(name: str) -> None:
    settings = load_settings({"OUTPUT_DIR": f"out/{name}"}, environment={})
    words = facts(settings, parse_day(DAY))
    assert [word for word in words if set(word.split("=", 1)[1]) & set(" $#:;=%&|'\"`\\")] == []
    assert words[1:] == ["FORMS:=stale", "PAST+=2025-10-28", "PAST+=2025-10-21", "PAST+=2025-10-14", "PAST+=2025-10-07"]


def test_what_make_cannot_go_on_with_is_one_line(raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = run(main, "--date", "2025-02-30")
    assert (ran.code, ran.out) == (2, "")
    assert "n'existe pas dans le calendrier" in ran.err
    (raw.output / ".inputs").write_text("a file where the folder should be", encoding="utf-8")
    ran = run(main, "--date", DAY)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("erreur : impossible d'écrire")
    monkeypatch.setenv("CITYFLOW_STORE", "oracle")
    assert run(main, "--date", DAY).code == 3
