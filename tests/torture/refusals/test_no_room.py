"""Files that may not grow (ulimit -f): the old file stays whole. More in test_full_disk.py and test_no_rights.py."""

import pytest

from scripts import process_comptages
from tests.conftest import ROOT, RawTree
from tests.support.confined import run_limited
from tests.support.shared_trees import demo_tree

DAY = "2025-11-04"
# Bytes that a file may have: a disk that fills at different moments.
SIZES = [0, 4_000, *(pytest.param(size, marks=pytest.mark.long) for size in (1, 100, 20_000))]


@pytest.fixture
def demo(raw: RawTree, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> RawTree:
    monkeypatch.setenv("DATA_DIR", str(demo_tree(tmp_path_factory, 1)))
    assert process_comptages.main(["--date", DAY, "-q"]) == 0
    return raw


@pytest.mark.parametrize("size", SIZES)
def test_a_full_disk_leaves_the_old_file(demo: RawTree, size: int) -> None:
    path = demo.output / "metrics" / f"comptages_metrics_{DAY}.json"
    before = path.read_bytes()
    assert len(before) > 20_000
    ran = run_limited(size, ROOT / "scripts" / "process_comptages.py", "--date", DAY)
    assert ran.code == 1 and "Traceback" not in ran.err
    assert "impossible d'écrire" in ran.err and "Vérifier les droits et la place disponible" in ran.err
    assert path.read_bytes() == before
    assert [one for one in path.parent.iterdir() if one != path] == []
