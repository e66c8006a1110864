"""A link in the place of each file that a command writes: what it leads to is never touched.

Folders may be links on purpose (OUTPUT_DIR on another volume); files are written here or nowhere.
"""

import os
import shutil
from pathlib import Path

import pytest

from lib.common.errors import StoreError
from lib.files.atomic_file import part_writer
from scripts import backfill, fetch_raw, generate_history, generate_report, process_comptages
from tests.conftest import RawTree
from tests.support.cases import each_once
from tests.support.checkout import copy_checkout
from tests.support.confined import Main, run_confined
from tests.support.portal_server import Portal
from tests.support.shared_trees import demo_tree

DAY = "2025-11-04"
COMMANDS: dict[str, tuple[Main, list[str]]] = {
    "comptages": (process_comptages.main, ["--date", DAY]),
    "rapport": (generate_report.main, ["--date", DAY]),
    "historique": (generate_history.main, []),
    "période": (backfill.main, ["--from", DAY, "--to", DAY, "--force", "--jobs", "1"]),
}
MINE = b"not to be touched"


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small raw tree and all its results, in the folders that `raw` names; copied for each test."""
    root = tmp_path_factory.mktemp("links")
    shutil.copytree(demo_tree(tmp_path_factory, 1), root / "raw")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("DATA_DIR", "raw"), ("OUTPUT_DIR", "output")):
            patch.setenv(name, str(root / value))
        patch.setenv("CITYFLOW_STORE", "local_files")
        for name in ("période", "historique"):
            assert run_confined(COMMANDS[name][0], *COMMANDS[name][1]).code == 0
    return root


@pytest.fixture
def results(raw: RawTree, processed: Path) -> RawTree:
    shutil.copytree(processed / "raw", raw.root, dirs_exist_ok=True)
    shutil.copytree(processed / "output", raw.output)
    return raw


def plant(path: Path, target: Path) -> None:
    path.unlink()
    path.symlink_to(target)


@pytest.mark.parametrize(("name", "target"), each_once(COMMANDS, ["mine", "absent"]))
def test_results_take_the_place_of_links(name: str, target: str, results: RawTree, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_bytes(MINE)
    read = set() if name in ("comptages", "période") else set(results.output.glob("metrics/*"))
    read |= set(results.output.glob("reports/*.json")) if name == "historique" else set()
    paths = [path for path in results.output.rglob("*") if path.is_file() and path.suffix != ".lock"]
    for path in set(paths) - read - {results.output / "LISEZMOI.txt"}:
        plant(path, outside / target)
    main, words = COMMANDS[name]
    ran = run_confined(main, *words)
    assert ran.code == 0, ran.err
    assert os.listdir(outside) == ["mine"] and (outside / "mine").read_bytes() == MINE


@pytest.mark.parametrize(
    ("lock", "target"),
    each_once([f"{DAY}.lock", f"{DAY}.comptages.lock", f"{DAY}.runs.lock"], ["mine", "absent"]),
)
def test_a_lock_that_is_a_link_is_refused_or_done_without(
    lock: str, target: str, results: RawTree, tmp_path: Path
) -> None:
    (tmp_path / "mine").write_bytes(MINE)
    plant(results.output / ".locks" / lock, tmp_path / target)
    ran = run_confined(process_comptages.main, "--date", DAY)
    assert ran.code == (0 if "runs" in lock else 1), ran.err  # a manifest is worth no figure
    assert f"{lock} est un lien : rien n'y est écrit. L'enlever" in ran.err
    assert (tmp_path / "mine").read_bytes() == MINE and not (tmp_path / "absent").exists()


@pytest.mark.parametrize("target", ["mine", "absent"])
def test_a_partial_file_that_is_a_link_is_refused(target: str, tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(MINE)
    (tmp_path / ".a.csv.part").symlink_to(tmp_path / target)
    with pytest.raises(StoreError, match=r"\.a\.csv\.part est un lien"), part_writer(tmp_path / "a.csv") as stream:
        stream.write(b"downloaded")
    assert (tmp_path / "mine").read_bytes() == MINE and not (tmp_path / "absent").exists()


@pytest.mark.parametrize("target", ["mine", "absent"])
def test_what_is_fetched_takes_the_place_of_a_link(target: str, raw: RawTree, portal: Portal, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(MINE)
    path = raw.batch(f"comptages-routiers-permanents-{portal.day}.csv", "x")
    plant(path, tmp_path / target)
    ran = run_confined(fetch_raw.main, "--date", str(portal.day), "--source", "comptages", "--force")
    assert ran.code == 0, ran.err
    assert mine.read_bytes() == MINE and not (tmp_path / "absent").exists()
    assert path.is_file() and not path.is_symlink()


@pytest.mark.parametrize("target", ["mine", "absent"])
def test_a_log_is_never_written_through_a_link(target: str, tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "checkout", tmp_path / "raw")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_bytes(MINE)
    # A clock that stands still, so that the name of the log is known.
    stub = tmp_path / "bin" / "date"
    stub.parent.mkdir()
    stub.write_text("#!/bin/sh\necho 20251104_063000\n")
    stub.chmod(0o755)
    (checkout.root / "logs").mkdir()
    (checkout.root / "logs" / "processing_20251104_063000.log").symlink_to(outside / target)
    path = f"{stub.parent}{os.pathsep}{checkout.environment['PATH']}"
    ran = checkout.run("bash", "run_processing.sh", "2025-02-30", PATH=path)
    assert ran.code == 2 and "invalide" in ran.out, ran.err
    assert "Journal : " in (checkout.root / "logs" / "processing_20251104_063000_2.log").read_text("utf-8")
    assert os.listdir(outside) == ["mine"] and (outside / "mine").read_bytes() == MINE
