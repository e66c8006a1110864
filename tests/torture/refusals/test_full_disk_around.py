"""A full disk elsewhere than under the results: raw tree, temporary files, logs, standard output; and all of make."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

import upload_to_aws
from scripts import backfill, fetch_raw, process_comptages
from scripts.sources.comptages import scan
from scripts.sources.comptages.worker import Job
from tests.conftest import ROOT, Ran, RawTree
from tests.support.aws_server import AwsServer
from tests.support.cases import shortened
from tests.support.checkout import DAY, Checkout, copy_checkout
from tests.support.confined import Main, run_confined
from tests.support.patience import deadline
from tests.support.portal_server import Portal
from tests.support.published import Output, published
from tests.support.shared_trees import demo_tree
from tests.support.small_disk import SmallDisk
from tests.support.small_disk import disk as disk

Levels = list[dict[str, int]]
SHORT: Levels = [{"pages": 0}, {"pages": 2}, {"files": 0}]


@pytest.fixture
def levels(request: pytest.FixtureRequest) -> Levels:
    """How little may be left."""
    long = [*({"pages": left} for left in range(60)), *({"files": left} for left in range(20))]
    return long if int(request.config.getoption("--torture")) else SHORT


def check(ran: Ran, note: str) -> None:
    assert ran.code in (0, 1) and "Traceback" not in ran.err and "erreur inattendue" not in ran.err, note
    assert ran.code == 0 or "plus de place sur le disque" in ran.err, note


@pytest.fixture
def raw_on_disk(disk: SmallDisk, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("DATA_DIR", str(disk.path / "raw"))
    yield disk.seen / "raw"
    shutil.rmtree(disk.seen / "raw", ignore_errors=True)


def test_a_fetch_without_room_replaces_nothing_and_goes_on_later(
    raw_on_disk: Path, disk: SmallDisk, portal: Portal, levels: Levels
) -> None:
    words = ["--date", str(portal.day), "--force"]
    assert run_confined(fetch_raw.main, *words, confine=disk.enter).code == 0
    exports = {path: path.read_bytes() for path in (raw_on_disk / "batch").iterdir()}
    for left in levels:
        with disk.nearly_full(**left):
            ran = run_confined(fetch_raw.main, *words, confine=disk.enter)
        check(ran, f"{left}: {ran}")
        assert ran.code == 0 or f"impossible d'écrire {disk.path}/raw" in ran.err, ran
        assert {path: path.read_bytes() for path in exports} == exports, ran
        kept = [path.name for path in raw_on_disk.rglob(".*")]
        assert all(".csv.part" in name or ".geojson.part" in name for name in kept), (left, kept)  # to go on from
        assert all(path.stat().st_size for path in raw_on_disk.rglob(".*.part")), (left, kept)
    assert run_confined(fetch_raw.main, *words, confine=disk.enter).code == 0
    assert not list(raw_on_disk.rglob(".*")) and {path: path.read_bytes() for path in exports} == exports


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_tree(tmp_path_factory, 8)


@pytest.fixture
def temporary(disk: SmallDisk, raw: RawTree, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TMPDIR on the small disk, and exports cut into so many blocks that several processes search them."""
    monkeypatch.setenv("DATA_DIR", str(tree))
    monkeypatch.setenv("TMPDIR", str(disk.path))
    monkeypatch.setattr(tempfile, "tempdir", str(disk.path))  # where Python would take another one that has room
    monkeypatch.setattr(scan, "Job", partial(Job, block=1 << 15, alone=0))


TWO_DAYS = ["--from", "2025-11-03", "--to", DAY]
SEARCHES: dict[str, tuple[Main, list[str]]] = {
    "one day": (process_comptages.main, ["--date", DAY]),
    "two days": (process_comptages.main, TWO_DAYS),
    "backfill": (backfill.main, [*TWO_DAYS, "--force", "--source", "comptages", "--source", "weather"]),
}


@pytest.mark.parametrize("name", shortened(SEARCHES, {"one day", "backfill"}))
def test_temporary_files_without_room(
    name: str, temporary: None, raw: RawTree, disk: SmallDisk, levels: Levels
) -> None:
    main, words = SEARCHES[name]
    run = partial(run_confined, main, *words, confine=disk.enter)
    assert run().code == 0
    whole, before, refusals = raw.metrics("comptages", DAY), sorted(os.listdir(disk.seen)), 0
    for left in levels if name != "backfill" else levels[1:]:
        with disk.nearly_full(**left):
            ran = run()
        note = f"{left}: {ran}"
        check(ran, note)
        if ran.code:
            refusals += 1
            assert f"place dans {disk.path}" in ran.err and "TMPDIR" in ran.err, note
            assert "comptages-routiers-permanents.csv" in ran.err, note
        assert raw.metrics("comptages", DAY) == whole, note
        assert sorted(os.listdir(disk.seen)) == before, note
        assert "weather :" not in ran.err, "the other source does not pay for it"
    assert refusals, "no level was small enough"


def test_an_output_that_nobody_can_take_is_one_line(raw: RawTree, tree: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    command = [sys.executable, str(ROOT / "scripts" / "process_weather.py"), "--date", DAY]
    with open("/dev/full", "wb") as full:
        environment = {**os.environ, "DATA_DIR": str(tree)}
        ran = subprocess.run(
            command, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, timeout=deadline()
        )
    assert ran.returncode == 1 and "sortie : plus de place sur le disque" in ran.stderr, ran.stderr
    assert "Exception ignored" not in ran.stderr and "inattendue" not in ran.stderr
    assert raw.metrics("weather", DAY)["qualite"]["lignes_retenues"]


@pytest.mark.parametrize("left", [{"pages": 0}, {"files": 0}], ids=["pages", "files"])
def test_an_upload_without_room_publishes_and_says_that_it_is_not_noted(
    left: dict[str, int], aws: AwsServer, disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTPUT_DIR", str(disk.path / "published"))
    output = Output(disk.seen / "published")
    output.metrics()
    before = output.bytes()
    with disk.nearly_full(**left):
        ran = run_confined(upload_to_aws.main, confine=disk.enter)
    assert ran.code == 0 and "compte rendu du traitement n'est pas écrit" in ran.err, ran
    assert "plus de place sur le disque" in ran.err and "erreur inattendue" not in ran.err
    assert list(published(aws)) == [f"bikes/{DAY}"] and output.bytes() == before
    shutil.rmtree(disk.seen / "published")


@pytest.fixture(scope="module")
def checkout(tree: Path, tmp_path_factory: pytest.TempPathFactory, disk: SmallDisk) -> Checkout:
    """A checkout whose results and logs go to the small disk."""
    found = copy_checkout(tmp_path_factory.mktemp("make") / "checkout", tree, served=False)
    found.environment["OUTPUT_DIR"] = str(disk.path / "output")
    (disk.seen / "logs").mkdir()
    (found.root / "logs").symlink_to(disk.path / "logs")
    return found


def test_make_and_run_processing_without_room(checkout: Checkout, disk: SmallDisk, levels: Levels) -> None:
    refused = checkout.make("weather", f"DATE={DAY}", confine=disk.enter)
    assert refused.code == 0, refused.err
    results = disk.seen / "output" / "metrics"
    before = {path: path.read_bytes() for path in results.iterdir()}
    with disk.nearly_full(pages=0):
        ran = checkout.make("weather", f"DATE={DAY}", "FORCE=1", confine=disk.enter)
        assert ran.code == 1 and "plus de place sur le disque" in ran.err and "Traceback" not in ran.err, ran
        logged = checkout.run("bash", "run_processing.sh", "2025-02-30", confine=disk.enter)
    assert {path: path.read_bytes() for path in results.iterdir()} == before
    assert logged.code == 2 and "invalide" in logged.out
    assert f"le journal {checkout.root}/logs/processing_" in logged.err and "est incomplet" in logged.err
    with disk.nearly_full(files=0):
        ran = checkout.run("bash", "run_processing.sh", DAY, confine=disk.enter)
    assert ran.code == 1 and ran.err.startswith("❌ impossible d'écrire dans"), ran
    assert checkout.make("weather", f"DATE={DAY}", "FORCE=1", confine=disk.enter).code == 0
    if len(levels) > len(SHORT):
        whole_day_without_room(checkout, disk, levels)
    assert not list((disk.seen / "output").rglob(".*.tmp")) and not list((disk.seen / "logs").glob(".*"))


def whole_day_without_room(checkout: Checkout, disk: SmallDisk, levels: Levels) -> None:
    for left in levels[::5]:
        with disk.nearly_full(**left):
            ran = checkout.run("bash", "run_processing.sh", DAY, confine=disk.enter, FORCE="1")
        assert ran.code in (0, 1, 2) and "Traceback" not in ran.out + ran.err, f"{left}: {ran}"
        assert ran.code == 0 or "plus de place sur le disque" in ran.out or "place libre" in ran.err, f"{left}: {ran}"
    ran = checkout.run("bash", "run_processing.sh", DAY, confine=disk.enter)
    assert ran.code == 0 and "Journal : " in ran.out, ran
