"""Lists of raw files that are rewritten only when no longer true, and what they remember of files that went."""

import os
import shutil
from pathlib import Path

import pytest

from lib.raw.source import Source
from lib.run.input_lists import UNKNOWN, inputs_changed, list_path, lost_files, note_inputs
from scripts.registry import RAW
from tests.conftest import RawTree

DAY = "2025-11-04"
BIKES, WEATHER = RAW["bikes"], RAW["weather"]
SOURCES = (BIKES, WEATHER, RAW["arrondissements"])


def stamp(raw: RawTree, source: Source) -> tuple[int, str]:
    path = list_path(raw.output, source)
    return path.stat().st_mtime_ns, path.read_text(encoding="utf-8")


def test_a_list_changes_with_its_files_and_only_then(raw: RawTree, tmp_path: Path) -> None:
    first = raw.pull("bikes", DAY, "a.json", [])
    note_inputs(raw.settings(), SOURCES)
    before = {source: stamp(raw, source) for source in SOURCES}
    note_inputs(raw.settings(), SOURCES)
    assert {source: stamp(raw, source) for source in before} == before

    second = raw.pull("bikes", "2025-11-05", "b.json", [])
    shutil.copy2(first, tmp_path / "older")
    os.utime(tmp_path / "older", (1_000_000_000, 1_000_000_000))
    seen = [before[BIKES]]
    for change in (lambda: None, lambda: shutil.copy2(tmp_path / "older", first), second.unlink):
        change()
        note_inputs(raw.settings(), SOURCES)
        seen.append(stamp(raw, BIKES))
    assert len({content for _, content in seen}) == 4
    assert stamp(raw, WEATHER) == before[WEATHER]


def test_another_store_makes_every_list_another(raw: RawTree, monkeypatch: pytest.MonkeyPatch) -> None:
    note_inputs(raw.settings(), SOURCES)
    before = stamp(raw, BIKES)
    monkeypatch.setenv("CITYFLOW_STORE", "mongodb")
    note_inputs(raw.settings(), SOURCES)
    assert stamp(raw, BIKES)[1] != before[1]


def test_a_file_that_can_be_read_again_makes_figures_stale(raw: RawTree, tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    target = tmp_path / "volume" / "a.json"
    target.write_text("[]")
    raw.pull("bikes", DAY, "b.json", []).with_name("a.json").symlink_to(target)
    seen = []
    for change in (lambda: None, lambda: target.rename(tmp_path / "away"), lambda: (tmp_path / "away").rename(target)):
        change()
        note_inputs(raw.settings(), SOURCES)
        seen.append(stamp(raw, BIKES)[1])
    assert seen[0] == seen[2] != seen[1]
    assert "hour=06/a.json illisible\n" in seen[1]


def test_a_list_that_is_no_longer_true_is_newer_than_any_figure(raw: RawTree) -> None:
    raw.pull("bikes", DAY, "a.json", [])
    assert inputs_changed(raw.settings(), BIKES) == float("inf")
    note_inputs(raw.settings(), [BIKES])
    assert inputs_changed(raw.settings(), BIKES) == stamp(raw, BIKES)[0]


def test_files_that_went_or_changed_are_remembered_and_new_ones_are_not(raw: RawTree) -> None:
    paths = [raw.pull("bikes", DAY, f"{name}.json", []) for name in "abc"]
    note_inputs(raw.settings(), [BIKES])
    assert set(lost_files(raw.output, BIKES)) == {UNKNOWN}, "what lay there before the first list is not known"
    raw.pull("bikes", DAY, "d.json", [])
    note_inputs(raw.settings(), [BIKES])
    assert set(lost_files(raw.output, BIKES)) == {UNKNOWN}
    paths[0].unlink()
    paths[1].write_text("[1]")
    note_inputs(raw.settings(), [BIKES])
    paths[2].unlink()
    note_inputs(raw.settings(), [BIKES])
    assert set(lost_files(raw.output, BIKES)) == {UNKNOWN, *map(str, paths)}
    assert lost_files(raw.output, WEATHER) == {}


@pytest.mark.parametrize("mark", ["\u2028", "\x85", "\x0b", "\x1c", " "])
def test_a_lost_file_may_have_any_name(raw: RawTree, mark: str) -> None:
    path = raw.pull("bikes", DAY, f"re{mark}leve.json", [])
    note_inputs(raw.settings(), [BIKES])
    path.unlink()
    note_inputs(raw.settings(), [BIKES])
    assert set(lost_files(raw.output, BIKES)) == {UNKNOWN, str(path)}
