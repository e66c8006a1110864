"""The copy of a read export: the same as reading it, made again whenever the export or the copy is another one."""

import os
from pathlib import Path

import pandas as pd
import pytest

from lib.common.errors import InputError
from lib.raw.source_files import source_files
from scripts.registry import REFERENTIEL
from scripts.sources.referentiel import reference
from scripts.sources.referentiel.reference import Reference, read_reference
from tests.conftest import RawTree
from tests.scripts.sources.referentiel.test_records import FIRST, LABELS, NAME, SECOND, row

ROWS = [row("8", FIRST, "PE_é"), row("7", FIRST, ""), row("7", SECOND), row("8", FIRST), row("*", FIRST), row("9", "{")]


def read(raw: RawTree) -> Reference:
    """As another run reads the export: without what this process has at hand."""
    reference._of_state.cache_clear()
    raw.output.mkdir(exist_ok=True)
    return read_reference(raw.settings(), source_files(raw.settings(), REFERENTIEL)[-1])


def copies(raw: RawTree) -> list[Path]:
    return sorted((raw.output / ".reference").glob("*"))


def test_a_copy_says_what_the_export_says(raw: RawTree, monkeypatch: pytest.MonkeyPatch) -> None:
    path = raw.batch(NAME, "\n".join([LABELS, *ROWS, ""]))
    first = read(raw)
    assert first.arcs["identifiant_arc"].tolist() == ["8", "7"]
    assert first.arcs["libelle"].tolist() == ["PE_é", "Rue_A"]
    assert dict(first.quality.rejets) == {"identifiant_absent": 1, "geometrie_absente": 1}
    assert [one.code for one in first.quality.avertissements] == ["formes_illisibles"]
    (copy,) = copies(raw)
    os.utime(path, (1, 1))  # fetched again, the same
    monkeypatch.setattr(reference, "read_road_parts", None)
    again = read(raw)
    pd.testing.assert_frame_equal(again.arcs, first.arcs, check_exact=True)
    again.quality.answers = first.quality.answers  # the time of the file is in them
    assert again.quality == first.quality
    assert copies(raw) == [copy]


def test_another_export_or_a_damaged_copy_is_read_again(raw: RawTree) -> None:
    spoilt = (bytes, bytes, lambda content: content[:-40], lambda content: b"\0" * len(content))
    for number, spoil in enumerate(spoilt):
        raw.batch(NAME, "\n".join([LABELS, *ROWS[number:], ""]))
        expected = read(raw)
        copy = max(copies(raw), key=lambda path: path.stat().st_mtime_ns)
        content = copy.read_bytes()
        assert len(copies(raw)) == min(number + 1, 3), "the last ones are kept"
        copy.write_bytes(spoil(content))
        pd.testing.assert_frame_equal(read(raw).arcs, expected.arcs, check_exact=True)
        assert copy.read_bytes() == content
    copy.unlink()
    copy.mkdir()
    assert len(read(raw).arcs) == 1, "where none can be written, it is done without"


def test_an_export_that_breaks_off_or_has_no_arc_has_no_copy(raw: RawTree) -> None:
    raw.batch(NAME, "\n".join([LABELS, *ROWS, "10;Rue_B;11"]))
    for _ in range(2):
        (answer,) = read(raw).quality.answers.known
        assert answer.broken == "dernière ligne coupée"
    raw.batch(NAME, "\n".join([LABELS, row("9", "{")]))
    with pytest.raises(InputError, match=r"aucun arc utilisable : \{'geometrie_absente': 1\}"):
        read(raw)
    assert copies(raw) == []
