"""--store on every command: the same figures in files and database, and nothing lost when the database fails."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from lib.common.settings import ROOT, load_settings
from lib.database_factory import get_database_service
from lib.publish.infrastructure.policy import upload_policy
from scripts import (
    backfill,
    generate_report,
    process_bikes,
    process_weather,
    show_status,
)
from tests import script_server
from tests.conftest import Ran, RawTree, mains
from tests.support.aws_server import AwsServer
from tests.support.fault_proxy import FaultProxy
from tests.support.mongo_server import MongoServer
from tests.support.shared_trees import demo_tree

Run = Callable[..., Ran]

DAY = "2025-11-04"
SECRET = "mot-de-passe-JAMAIS-AFFICHE"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_tree(tmp_path_factory, 8)


@pytest.fixture
def tree(raw: RawTree, demo: Path, monkeypatch: pytest.MonkeyPatch) -> RawTree:
    """The demonstration's raw files, and an empty output folder."""
    monkeypatch.setenv("DATA_DIR", str(demo))
    return raw


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> str:
    """MONGODB_URL leads to a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("MONGODB_URL", f"mongodb://cityflow:{SECRET}@127.0.0.1:{port}/?authSource=admin")
    return f"mongodb://127.0.0.1:{port}"


@pytest.mark.parametrize(("kind", "server"), [("mongodb", "mongo"), ("dynamodb", "aws")])
def test_each_command_fills_the_database_and_the_files_alike(
    tree: RawTree, run: Run, request: pytest.FixtureRequest, kind: str, server: str
) -> None:
    request.getfixturevalue(server)
    for main in mains().values():
        ran = run(main, "--date", DAY, "--store", kind)
        assert (ran.code, ran.out.count("\n")) == (0, 1), ran.err
    assert run(generate_report.main, "--date", DAY, "--store", kind).code == 0
    with get_database_service(load_settings({"CITYFLOW_STORE": kind})) as store:
        for source in mains():
            assert json.dumps(store.load_metrics(source, date(2025, 11, 4))) == json.dumps(tree.metrics(source, DAY))
        assert json.dumps(store.load_report(date(2025, 11, 4))) == json.dumps(tree.report(DAY))


def test_history_and_report_come_from_the_database(
    tree: RawTree, run: Run, mongo: MongoServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CITYFLOW_STORE", "mongodb")
    assert run(backfill.main, "--from", "2025-10-28", "--to", "2025-10-28", "--source", "bikes").code == 0
    monkeypatch.setenv("OUTPUT_DIR", str(tmp_path / "elsewhere"))  # no files of the week before there
    ran = run(backfill.main, "--from", DAY, "--to", DAY)
    assert ran.code == 0, ran.err
    report = json.loads((tmp_path / f"elsewhere/reports/daily_report_{DAY}.json").read_text())["report"]
    assert report["chiffres_cles"]["passages_velo"]["jours_compares"] == 1
    assert {one["report_id"] for one in mongo.documents("reports")} == {
        f"daily_report_{DAY}",
        "daily_report_2025-10-28",
    }


def test_figures_changed_in_the_database_are_refused_until_their_day_is_run_again(
    tree: RawTree, run: Run, mongo: MongoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYFLOW_STORE", "mongodb")
    assert run(process_bikes.main, "--date", "2025-10-28").code == 0
    collection = mongo.client[mongo.database]["metrics"]
    collection.update_one({"metric_type": "bikes"}, {"$set": {"metrics.total_jour": 7}})
    ran = run(process_bikes.main, "--date", DAY)
    assert ran.code == 0
    assert "« metrics » de bikes_metrics_2025-10-28 a été modifié dans MongoDB, hors de CityFlow" in ran.err
    assert "make process DATE=2025-10-28 FORCE=1" in ran.err
    assert "L'historique est lu dans" in ran.err
    assert run(show_status.main, "--from", "2025-10-28", "--to", "2025-10-28").code == 1
    assert run(process_bikes.main, "--date", "2025-10-28", "--force").code == 0
    assert "modifié" not in run(process_bikes.main, "--date", DAY).err
    assert [one["metrics"]["total_jour"] for one in mongo.documents("metrics")] == [
        tree.metrics("bikes", day)["total_jour"] for day in ("2025-10-28", DAY)
    ]


def test_a_database_that_is_down_costs_one_wait_and_no_figures(
    tree: RawTree, run: Run, nobody: str, looked_for: list[str]
) -> None:
    ran = run(process_bikes.main, "--date", DAY, "--store", "mongodb")
    assert ran.code == 1
    assert len(looked_for) == 1
    assert tree.metrics("bikes", DAY)["nombre_compteurs"] == 12
    assert f"MongoDB ne répond pas à {nobody}" in ran.err
    assert "CITYFLOW_STORE=local_files" in ran.err
    assert f"bikes_metrics_{DAY}.json est écrit" in ran.err
    assert SECRET not in ran.err + ran.out


def test_a_range_waits_once_for_a_database_that_is_down(
    tree: RawTree, run: Run, nobody: str, looked_for: list[str]
) -> None:
    ran = run(backfill.main, "--from", "2025-11-02", "--to", DAY, "--source", "weather", "--store", "mongodb")
    assert ran.code == 1
    assert len(looked_for) == 1
    assert {path.name for path in (tree.output / "metrics").iterdir()} == {
        f"weather_metrics_2025-11-0{day}.json" for day in (2, 3, 4)
    }
    assert {path.name for path in (tree.output / "reports").glob("*.json")} == {
        f"daily_report_2025-11-0{day}.json" for day in (2, 3, 4)
    }
    assert "3 jours : 0 calcul fait, 6 échecs" in ran.out  # three sources and three reports, each said
    assert SECRET not in ran.err + ran.out


def test_a_day_that_nobody_has_is_still_a_day_without_data(
    tree: RawTree, run: Run, proxy: FaultProxy, aws: AwsServer
) -> None:
    """Where the role may not list the days of the table, those of the files are named."""
    proxy.policy = upload_policy(load_settings())
    assert run(process_weather.main, "--date", DAY, "--store", "dynamodb").code == 0
    ran = run(generate_report.main, "--date", "2024-01-01", "--store", "dynamodb")
    assert ran.code == 4, ran.err
    assert "dynamodb:Query" in ran.err
    assert DAY in ran.err


def test_missing_tables_are_said_after_the_files_are_written(tree: RawTree, run: Run, empty_aws: AwsServer) -> None:
    ran = run(process_weather.main, "--date", DAY, "--store", "dynamodb")
    assert ran.code == 3
    assert "table cityflow-metrics n'existe pas" in ran.err
    assert "make setup-aws" in ran.err
    assert tree.metrics("weather", DAY)["qualite"]["statut"] == "complet"


def test_make_keeps_the_file_and_does_the_day_again(
    tree: RawTree, mongo: MongoServer, nobody: str, tmp_path: Path
) -> None:
    """make deletes what a failed command made, and takes a newer file for done: neither may happen here."""
    python = tmp_path / "python"
    python.write_text(script_server.launcher(Path(sys.executable)), encoding="utf-8")
    python.chmod(0o755)
    command = ["make", f"PY={python}", "--assume-old=venv", "weather"]
    environment = {**os.environ, "DATE": DAY, "CITYFLOW_STORE": "mongodb"}

    def make(**change: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=ROOT, env=environment | change, capture_output=True, text=True, check=False)

    failed = make()
    assert failed.returncode == 1, failed.stderr
    assert tree.metrics("weather", DAY)
    done = make(MONGODB_URL=mongo.url)
    assert (done.returncode, f"weather {DAY}" in done.stdout) == (0, True), done.stderr
    assert [stored["date"] for stored in mongo.documents("metrics")] == [DAY]
    again = make(MONGODB_URL=mongo.url)
    assert (again.returncode, "rien à refaire" in again.stdout) == (0, True), again.stderr
