"""Invented and real figures: one folder never holds both, whichever comes first."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import upload_to_aws
from scripts import backfill, generate_report, process_weather
from tests import script_server
from tests.conftest import ROOT, Ran, RawTree
from tests.support.checkout import DAY
from tests.support.patience import deadline
from tests.support.shared_trees import demo_tree

Run = Callable[..., Ran]


@pytest.fixture
def demo(raw: RawTree, tmp_path_factory: pytest.TempPathFactory) -> RawTree:
    """The raw tree is an invented one, without road counts and the like, which take longer."""
    without = shutil.ignore_patterns("batch")
    shutil.copytree(demo_tree(tmp_path_factory, 8), raw.root, ignore=without, dirs_exist_ok=True)
    return raw


def become_real(raw: RawTree) -> None:
    (raw.root / "LISEZMOI.txt").unlink()


def weather(raw: RawTree) -> Path:
    return raw.output / "metrics" / f"weather_metrics_{DAY}.json"


def test_the_demonstration_marks_its_folder_and_goes_on_there(demo: RawTree, run: Run) -> None:
    for _ in range(2):
        assert run(process_weather.main, "--date", DAY).code == 0
    assert "inventées" in (demo.output / "LISEZMOI.txt").read_text(encoding="utf-8")
    codes = [warning["code"] for warning in demo.metrics("weather", DAY)["qualite"]["avertissements"]]
    assert "donnees_synthetiques" in codes


def test_the_demonstration_writes_into_no_folder_of_real_results(demo: RawTree, run: Run) -> None:
    become_real(demo)
    assert run(process_weather.main, "--date", "2025-11-03").code == 0
    (demo.root / "LISEZMOI.txt").touch()
    before = sorted(demo.output.rglob("*"))
    for words in ([process_weather.main, "--date", DAY], [backfill.main, "--from", "2025-11-01", "--to", DAY]):
        ran = run(*words)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.count("contient des résultats de données réelles") == 1
        assert "make demo OUTPUT_DIR=/tmp/demo" in ran.err
    assert [path for path in sorted(demo.output.rglob("*")) if ".locks" not in path.parts] == [
        path for path in before if ".locks" not in path.parts
    ]


def test_the_first_real_run_moves_the_demonstration_aside(demo: RawTree, run: Run) -> None:
    assert run(process_weather.main, "--date", DAY).code == 0
    assert run(generate_report.main, "--date", DAY).code == 1
    invented = weather(demo).read_bytes()
    become_real(demo)
    ran = run(process_weather.main, "--date", "2025-11-03")
    assert ran.code == 0
    (aside,) = demo.output.glob("demo-*")
    assert str(aside) in ran.err
    assert (aside / "metrics" / weather(demo).name).read_bytes() == invented
    assert (aside / "reports" / f"daily_report_{DAY}.csv").is_file()
    assert [path.name for path in (demo.output / "metrics").iterdir()] == ["weather_metrics_2025-11-03.json"]
    assert not (demo.output / "LISEZMOI.txt").exists()
    assert not (demo.output / "reports").exists()


def test_a_run_without_any_raw_file_moves_nothing(demo: RawTree, run: Run) -> None:
    assert run(process_weather.main, "--date", DAY).code == 0
    shutil.rmtree(demo.root)
    assert run(process_weather.main, "--date", "2025-11-03").code == 4
    assert weather(demo).is_file()


def test_no_real_report_is_made_of_invented_figures(demo: RawTree, run: Run) -> None:
    assert run(process_weather.main, "--date", DAY).code == 0
    become_real(demo)
    ran = run(generate_report.main, "--date", DAY)
    assert (ran.code, ran.out) == (4, "")
    assert "ne contient que les résultats inventés" in ran.err


def test_invented_figures_are_not_published(demo: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(process_weather.main, "--date", DAY).code == 0
    for options in ((), ("--dry-run",)):  # before anything is asked for that the demonstration does not need
        monkeypatch.delenv("S3_REPORTS_BUCKET", raising=False)
        ran = run(upload_to_aws.main, *options)
        assert (ran.code, ran.out) == (1, "")
        assert "résultats inventés de make demo : ils ne sont pas publiés" in ran.err


def test_six_real_sources_at_once_move_it_once(demo: RawTree, run: Run) -> None:
    for source in ("weather", "bikes", "traffic"):
        (demo.output / "metrics").mkdir(parents=True, exist_ok=True)
        (demo.output / "metrics" / f"{source}_metrics_2025-10-01.json").write_text("{}", encoding="utf-8")
    shutil.copy(demo.root / "LISEZMOI.txt", demo.output)
    become_real(demo)
    commands = [
        [sys.executable, str(ROOT / "scripts" / f"process_{source}.py"), "--date", DAY]
        for source in ("weather", "bikes", "traffic")
    ]
    runs = [script_server.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for command in commands]
    assert [one.wait(deadline()) for one in runs] == [0, 0, 0]
    (aside,) = demo.output.glob("demo-*")
    assert len(list((aside / "metrics").iterdir())) == 3
    assert sorted(path.name for path in (demo.output / "metrics").iterdir()) == [
        f"{source}_metrics_{DAY}.json" for source in ("bikes", "traffic", "weather")
    ]
