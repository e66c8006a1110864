"""Rights that are missing around the results: settings, raw tree, logs, temporary files, an OUTPUT_DIR to be made."""

import os
import tempfile
from functools import partial
from pathlib import Path

import pytest

from scripts import doctor, fetch_raw, process_comptages
from scripts.sources.comptages import scan
from scripts.sources.comptages.worker import Job
from tests.conftest import RawTree
from tests.support.cases import each_once, shortened
from tests.support.checkout import copy_checkout
from tests.support.confined import bits_count as bits_count
from tests.support.confined import mode, run_confined, with_plain_rights
from tests.support.portal_server import Portal
from tests.torture.refusals.test_no_rights import CLOSED, COMMANDS, DAY, NOT_TO_BE_ENTERED, READ_ONLY, run
from tests.torture.refusals.test_no_rights import processed as processed
from tests.torture.refusals.test_no_rights import results as results


@pytest.fixture
def checkout(results: RawTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that commands take for the project's root; the results are its output/."""
    root = tmp_path / "checkout"
    root.mkdir()
    results.output.rename(root / "output")
    monkeypatch.setattr("lib.common.settings.load_settings.__defaults__", (None, None, root))
    return root


@pytest.mark.parametrize("name", shortened(COMMANDS, ("weather", "history", "lock of make")))
def test_an_absolute_output_dir_that_cannot_be_made_falls_back(
    name: str, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    monkeypatch.setenv("OUTPUT_DIR", str(closed / "output"))
    with mode(closed, READ_ONLY):
        ran = run(name)
    assert ran.code == 0, ran
    if "make" not in name:  # the scripts that make starts say it
        assert f"{closed}/output ne peut pas être créé (accès refusé)" in ran.err, ran
        assert f"résultats dans {checkout}/output" in ran.err, ran
    assert list(closed.iterdir()) == []


@pytest.mark.parametrize("name", [one for one in COMMANDS if one not in ("history", "report", "status")])
def test_a_relative_output_dir_that_cannot_be_made_is_an_error(
    name: str, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "closed").mkdir()
    monkeypatch.setenv("OUTPUT_DIR", "closed/output")
    with mode(checkout / "closed", READ_ONLY):
        ran = run(name)
    assert ran.code == 1 and f"{checkout}/closed/output" in ran.err and "droits" in ran.err, ran
    assert "Traceback" not in ran.err and "erreur inattendue" not in ran.err


@pytest.mark.parametrize("name", COMMANDS)
def test_a_dotenv_without_rights(name: str, checkout: Path) -> None:
    (checkout / ".env").write_text("OUTPUT_DIR=output\n")
    with mode(checkout / ".env", CLOSED):
        ran = run(name)
    assert ran.code == 3 and f"{checkout}/.env ne peut pas être lu" in ran.err and "droits" in ran.err, ran
    assert "Traceback" not in ran.err


def test_a_raw_tree_without_rights_takes_no_file(raw: RawTree, portal: Portal, bits_count: None) -> None:
    words = ["--date", str(portal.day), "--source", "weather", "--source", "chantiers"]
    for bits in (READ_ONLY, NOT_TO_BE_ENTERED, CLOSED):
        with mode(raw.root, bits):
            ran = run_confined(fetch_raw.main, *words)
        assert ran.code == 1 and ran.err.count("impossible d'écrire") >= 2 and "droits" in ran.err, ran
        assert "erreur inattendue" not in ran.err and not list(raw.root.iterdir())
    assert run_confined(fetch_raw.main, *words).code == 0


@pytest.mark.parametrize(
    ("closed", "bits"), each_once(["", "batch", "api", "api/weather"], [NOT_TO_BE_ENTERED, CLOSED])
)
def test_a_raw_tree_that_cannot_be_read_is_said(closed: str, bits: int, results: RawTree) -> None:
    with mode(results.root / closed, bits):
        for name in ("weather", "status", "backfill"):
            ran = run(name)
            assert "Traceback" not in ran.err and "erreur inattendue" not in ran.err, f"{name}: {ran}"
            assert ran.code == int(closed != "batch" and (name != "status" or not closed)), f"{name}: {ran}"
        ran = run_confined(doctor.main)
        assert ran.code == 1 and str(results.root / closed) in ran.out and "erreur inattendue" not in ran.err, ran
    assert run("weather").code == 0


def test_no_temporary_folder_costs_the_road_counts_and_nothing_is_left(
    results: RawTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "Job", partial(Job, alone=0))
    (tmp_path / "closed").mkdir()
    before = results.metrics("comptages", DAY)

    def confine() -> None:
        with_plain_rights()
        tempfile.tempdir = str(tmp_path / "closed")  # the last place that would be tried

    with mode(tmp_path / "closed", READ_ONLY):
        ran = run_confined(process_comptages.main, "--from", DAY, "--to", DAY, confine=confine)
    assert ran.code == 1 and "erreur inattendue" not in ran.err, ran
    assert f"place dans {tmp_path}/closed (ou donner un autre dossier : TMPDIR)" in ran.err
    assert results.metrics("comptages", DAY) == before


@pytest.mark.parametrize("bits", [READ_ONLY, CLOSED], ids=["read_only", "closed"])
def test_logs_without_rights_stop_run_processing_before_it_begins(bits: int, tmp_path: Path, bits_count: None) -> None:
    checkout = copy_checkout(tmp_path / "checkout", tmp_path / "raw", served=False)
    (checkout.root / "logs").mkdir()
    with mode(checkout.root / "logs", bits):
        ran = checkout.run("bash", "run_processing.sh", DAY, confine=with_plain_rights)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"❌ impossible d'écrire dans {checkout.root}/logs") and ran.err.count("\n") == 1
    assert not (checkout.root / "output").exists() and os.listdir(checkout.root / "logs") == []
