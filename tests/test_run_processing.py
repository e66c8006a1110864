"""run_processing.sh as cron starts it: no environment but HOME and PATH, from another directory."""

import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from lib.files.locks import day_lock
from tests.support.checkout import DAY, Checkout, copy_checkout
from tests.support.patience import deadline
from tests.support.shared_trees import demo_tree


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose .env names the raw tree; its bikes and traffic are missing."""
    folder = tmp_path_factory.mktemp("cron")
    raw = Path(shutil.copytree(demo_tree(tmp_path_factory, 8), folder / "raw"))
    for source in ("bikes", "traffic"):
        (raw / "api" / source).rename(folder / source)
    checkout = copy_checkout(folder / "checkout", raw)
    (checkout.root / ".env").write_text(f"DATA_DIR={raw}\n", encoding="utf-8")
    del checkout.environment["DATA_DIR"]
    return checkout


def script(checkout: Checkout) -> str:
    return str(checkout.root / "run_processing.sh")


def test_cron_gets_the_figures_the_log_and_the_exit_code_of_make(checkout: Checkout, tmp_path: Path) -> None:
    ran = checkout.run("bash", script(checkout), DAY, cwd=tmp_path)
    assert ran.code == 1  # two sources are missing
    (log,) = (checkout.root / "logs").iterdir()
    assert re.fullmatch(r"processing_[0-9]{8}_[0-9]{6}\.log", log.name)
    assert log.read_text(encoding="utf-8") == ran.out
    assert "aucun fichier brut pour « bikes »" in ran.out
    assert f"Journal : {log} (code 1)" in ran.out
    listed = ran.out.split("Fichiers écrits :\n")[1].splitlines()
    output = checkout.root / "output"
    assert listed[-2] == "📁 Fichiers JSON créés dans output/"
    assert listed[-1].startswith("❌ Traitement terminé avec des erreurs (code 1)")
    assert listed[:-2] == sorted(f"  {output}/{name}" for name in checkout.written())
    assert f"  {checkout.root}/output/reports/daily_report_{DAY}.csv" in listed
    assert list(tmp_path.iterdir()) == []


def test_two_runs_in_one_second_keep_a_log_each(checkout: Checkout, tmp_path: Path) -> None:
    command = ["bash", script(checkout), "$(touch executed)"]
    options = {"cwd": tmp_path, "env": checkout.environment, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    before = set((checkout.root / "logs").glob("*"))
    for _ in range(20):  # a second may end between two starts
        runs = [subprocess.Popen(command, text=True, **options) for _ in range(4)]  # type: ignore[call-overload]
        shown = [run.communicate(timeout=deadline())[0] for run in runs]
        assert [run.returncode for run in runs] == [2] * 4
        logs = set((checkout.root / "logs").glob("*")) - before
        if any("_2.log" in log.name for log in logs):
            break
    assert any("_2.log" in log.name for log in logs)
    kept = [log.read_text(encoding="utf-8") for log in logs]
    assert all("invalide" in text and text.count("Journal :") == 1 for text in kept)
    assert set(shown) <= set(kept)
    assert "Aucun fichier écrit." in shown[0]
    assert not list(checkout.root.glob("executed"))
    assert not list(tmp_path.glob("executed"))


def test_words_that_are_none_of_its_own(checkout: Checkout) -> None:
    for words in (["--date", DAY], ["--json"], [DAY, DAY]):
        ran = checkout.run("bash", script(checkout), *words)
        assert (ran.code, ran.out) == (2, "")
        assert "usage : ./run_processing.sh [--fetch] [AAAA-MM-JJ]" in ran.err
    helped = checkout.run("bash", script(checkout), "--help")
    assert (helped.code, helped.err) == (0, "")


def test_a_day_without_any_raw_file_is_code_4(checkout: Checkout, tmp_path: Path) -> None:
    ran = checkout.run("bash", script(checkout), DAY, DATA_DIR=str(tmp_path), OUTPUT_DIR=str(tmp_path / "out"))
    assert ran.code == 4 and "(code 4)" in ran.out and "aucun fichier brut dans" in ran.out


def test_logs_that_cannot_be_written_are_said(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "checkout", tmp_path / "raw")
    (checkout.root / "logs").write_text("a file where the folder should be", encoding="utf-8")
    ran = checkout.run("bash", script(checkout), DAY, cwd=tmp_path)
    assert (ran.code, ran.out) == (1, "")
    assert (
        ran.err
        == f"❌ impossible d'écrire dans {checkout.root}/logs : vérifier les droits de ce dossier et la place libre.\n"
    )


def test_without_a_date_it_is_the_morning_and_says_how_it_ended(checkout: Checkout) -> None:
    now = {"CITYFLOW_NOW": "2025-11-05T06:30:00+01:00"}
    ran = checkout.run("bash", script(checkout), **now)
    assert ran.code == 0, ran.out
    assert "Résumé :" in ran.out and "en retard" in ran.out  # bikes and traffic: no error on the first days
    assert ran.out.splitlines()[-2:] == [
        "📁 Fichiers JSON créés dans output/",
        "✅ Traitement terminé avec succès",
    ]
    settings = {"LOG_DIR": str(checkout.root / "elsewhere"), "OUTPUT_DIR": "/proc/nowhere"}  # which falls back
    again = checkout.run("bash", script(checkout), **settings, **now)
    assert again.code == 0, again.out
    assert again.out.splitlines()[-1].startswith(
        "✅ Traitement terminé avec succès (OUTPUT_DIR : repli : /proc/nowhere"
    )
    assert len(list((checkout.root / "elsewhere").iterdir())) == 1


def test_a_run_that_is_refused_lists_no_file_of_the_other(checkout: Checkout) -> None:
    with day_lock(checkout.root / "output", date.fromisoformat(DAY), "essai", None):
        ran = checkout.run("bash", script(checkout), DAY)
    assert ran.code == 75
    assert "Fichiers écrits" not in ran.out and "Aucun fichier" not in ran.out
    assert ran.out.splitlines()[-1].startswith("❌")
