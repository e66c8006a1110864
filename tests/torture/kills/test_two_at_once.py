"""Two runs of one day, two of different days, and a reader that looks while a thousand rewrites happen."""

import json
import os
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path

import pytest

from lib.local_file_service import LocalFileService
from scripts import process_comptages
from tests.conftest import ROOT, RawTree
from tests.script_server import Popen
from tests.support.patience import deadline
from tests.support.shared_trees import demo_tree

DAYS = ("2025-11-03", "2025-11-04")


@pytest.fixture
def demo(raw: RawTree, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> RawTree:
    monkeypatch.setenv("DATA_DIR", str(demo_tree(tmp_path_factory, 2)))
    return raw


def started(script: str, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "scripts" / script), *options]
    return Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_runs_of_one_day_give_one_result_and_one_refusal_or_two_in_turn(demo: RawTree) -> None:
    runs = [started("process_comptages.py", "--date", DAYS[1]) for _ in range(2)]
    ended = [process.communicate(timeout=deadline()) for process in runs]
    codes = sorted(process.returncode for process in runs)
    assert codes[0] == 0 and codes[1] in (0, 75), ended
    assert demo.metrics("comptages", DAYS[1])["qualite"]["lignes_retenues"] > 0
    if codes[1]:
        assert "un autre traitement du 2025-11-04 est en cours" in "".join(err for _, err in ended)


@pytest.mark.parametrize("jobs", ["1", pytest.param("2", marks=pytest.mark.long)])
def test_of_two_backfills_of_one_day_one_is_refused_whole(demo: RawTree, jobs: str) -> None:
    words = ("--from", DAYS[0], "--to", DAYS[1], "--force", "--jobs", jobs)
    runs = [started("backfill.py", *words) for _ in range(2)]
    ended = [(*process.communicate(timeout=deadline()), process.returncode) for process in runs]
    assert sorted(code for _, _, code in ended) in ([0, 75], [0, 0]), ended
    for _, err, code in ended:
        if code:
            assert f"un autre traitement du {DAYS[1]} est en cours" in err
            assert f"{DAYS[1]} bikes" not in err, "whole, not step by step"
    assert all(one["statut"] != "absent" for day in DAYS for one in demo.report(day)["sources"].values())


def test_two_runs_of_different_days_are_both_right(demo: RawTree) -> None:
    runs = [started("process_comptages.py", "--date", day) for day in DAYS]
    for process in runs:
        _, err = process.communicate(timeout=deadline())
        assert process.returncode == 0, err
    together = [demo.metrics("comptages", day)["global_metrics"] for day in DAYS]
    for day in DAYS:
        assert process_comptages.main(["--date", day, "-q"]) == 0
    assert [demo.metrics("comptages", day)["global_metrics"] for day in DAYS] == together


def test_a_reader_never_sees_half_a_file(raw: RawTree, request: pytest.FixtureRequest) -> None:
    rewrites = 1000 if int(request.config.getoption("--torture")) else 150
    store, day = LocalFileService(raw.output), date(2025, 11, 4)
    path = store.metrics_path("bikes", day)
    store.save_metrics({"nombre": 0, "corps": []}, "bikes", day)
    stop, seen, faults = threading.Event(), set[int](), list[str]()

    def read() -> None:
        while not stop.is_set():
            try:
                metrics = json.loads(path.read_bytes())["metrics"]
                assert len(metrics["corps"]) == metrics["nombre"] * 10
                seen.add(metrics["nombre"])
            except (OSError, ValueError, KeyError, AssertionError) as error:
                faults.append(repr(error))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(rewrites):
        store.save_metrics({"nombre": number % 100, "corps": ["x" * 50] * (number % 100 * 10)}, "bikes", day)
    stop.set()
    reader.join()
    assert not faults and len(seen) > 5
    assert sorted(os.listdir(Path(path).parent)) == [path.name]
