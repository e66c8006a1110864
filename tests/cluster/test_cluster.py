"""A range of days on a real Dask cluster: the same files as on one machine, and what is said when it breaks."""

import json
import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from distributed.comm.core import CommClosedError

from lib.common.errors import ExitCode
from scripts.backfill import main
from scripts.cluster import client
from scripts.cluster.code import ShippedCode
from scripts.registry import SOURCES
from tests.cluster.conftest import RANGE, Cluster, backfill, backfilled, ended
from tests.conftest import Ran, RawTree, count_row
from tests.scripts.test_backfill import results
from tests.support.aws_server import REGION, AwsServer, environment
from tests.support.patience import wait_until
from tests.support.shared_trees import demo_tree

Run = Callable[..., Ran]


@pytest.fixture(scope="package")
def demo_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Invented days with every defect there is, gzipped and unusable road counts as well."""
    root = Path(shutil.copytree(demo_tree(tmp_path_factory, 8), tmp_path_factory.mktemp("demo") / "raw"))
    (root / "batch" / "comptages-routiers-permanents-vide.csv").write_text("<html>erreur</html>", encoding="utf-8")
    return root


@pytest.fixture(scope="package")
def alone(demo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> RawTree:
    """What one machine writes of them."""
    tree = RawTree(demo_root, tmp_path_factory.mktemp("expected") / "output")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"DATA_DIR": tree.root, "OUTPUT_DIR": tree.output, "CITYFLOW_STORE": "local_files"}.items():
            patch.setenv(name, str(value))
        assert main([*RANGE, "--jobs", "1", "-q"]) == 0
    return tree


@pytest.fixture(scope="package")
def expected(alone: RawTree) -> dict[str, str]:
    return results(alone)


@pytest.fixture
def demo(raw: RawTree, alone: RawTree, monkeypatch: pytest.MonkeyPatch) -> RawTree:
    monkeypatch.setenv("DATA_DIR", str(alone.root))
    return RawTree(alone.root, raw.output)


LAST = ("--from", "2025-11-03")


@pytest.fixture
def but_the_last_days(demo: RawTree, alone: RawTree) -> RawTree:
    """The results of one machine without those of the days from LAST on."""
    shutil.copytree(alone.output, demo.output, ignore=shutil.ignore_patterns("*2025-11-0[34]*"))
    return demo


def test_a_cluster_writes_what_one_machine_does(
    demo: RawTree, two_workers: Cluster, expected: dict[str, str], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = backfilled(demo, two_workers.address)
    assert (ran.code, results(demo)) == (0, expected), ran.err
    assert f"3 jours : {3 * (len(SOURCES) + 1)} calculs faits, 0 échec" in ran.out
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", two_workers.address)
    again = run(main, *RANGE)
    assert (again.code, "3 jours : 0 calcul fait" in again.out) == (0, True)


def test_workers_read_s3_themselves(
    but_the_last_days: RawTree, two_workers: Cluster, empty_aws: AwsServer, expected: dict[str, str]
) -> None:
    demo, s3 = but_the_last_days, empty_aws.clients.s3
    s3.create_bucket(Bucket="bruts", CreateBucketConfiguration={"LocationConstraint": REGION})
    paths = sorted(filter(Path.is_file, demo.root.rglob("*")), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for seconds, path in enumerate(paths):  # the newest export is believed
        empty_aws.put_earlier("bruts", f"paris/raw/{path.relative_to(demo.root)}", path.read_bytes(), seconds)
    there = {**environment(empty_aws.url), "DATA_DIR": "s3://bruts/paris/raw"}
    ran = backfilled(demo, two_workers.address, *LAST, **there)
    assert ran.code == 0, ran.err
    found = {name: text.replace("s3://bruts/paris/raw", str(demo.root)) for name, text in results(demo).items()}
    assert found == expected


def test_a_worker_killed_in_the_middle_changes_nothing(
    but_the_last_days: RawTree, cluster: Cluster, expected: dict[str, str]
) -> None:
    workers = [cluster.worker(), cluster.worker()]
    wait_until(cluster.workers_are_there, *cluster.processes)
    with backfill(but_the_last_days, cluster.address, *LAST) as running:
        wait_until(cluster.is_at_work, running, *cluster.processes)
        workers[0].kill()
        ran = ended(running)
    assert (ran.code, results(but_the_last_days)) == (0, expected), ran.err


def test_a_scheduler_that_goes_leaves_whole_files_and_the_rest_is_done_later(
    demo: RawTree, cluster: Cluster, expected: dict[str, str], run: Run
) -> None:
    cluster.worker()
    with backfill(demo, cluster.address) as running:
        wait_until(lambda: list((demo.output / "metrics").glob("*.json")), running, *cluster.processes)
        os.kill(cluster.processes[0].pid, signal.SIGKILL)
        ran = ended(running)
    assert ran.code == 1
    assert "a disparu en cours de route : ce qui est enregistré est entier" in ran.err.splitlines()[-1]
    assert "Traceback" not in ran.err, ran.err
    stored = results(demo)
    assert 0 < len(stored) < len(expected)
    assert {name: expected[name] for name in stored if "reports" not in name} == {
        name: text for name, text in stored.items() if "reports" not in name
    }
    assert run(main, *RANGE, "--jobs", "1").code == 0
    assert results(demo) == expected


def test_no_worker_and_one_with_other_packages_are_refused_before_any_work(
    demo: RawTree, cluster: Cluster, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--from", "2025-11-04", "--to", "2025-11-04", "--scheduler", cluster.address)
    with monkeypatch.context() as patch:
        patch.setattr("scripts.cluster.client.TIMEOUT", 1)
        ran = run(main, *words)
    assert ran.code == 1
    assert f"n'a aucun worker. En démarrer : dask worker {cluster.address}" in ran.err

    other = tmp_path / "other"
    (other / "shapely").mkdir(parents=True)
    (other / "shapely" / "__init__.py").write_text("__version__ = '1.8.5'\n")
    (other / "shapely-1.8.5.dist-info").mkdir()
    (other / "shapely-1.8.5.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: shapely\nVersion: 1.8.5\n"
    )
    cluster.worker(PYTHONPATH=str(other))
    wait_until(cluster.workers_are_there, *cluster.processes)
    ran = run(main, *words)
    assert ran.code == ExitCode.CONFIG
    assert "ne donnerait pas les mêmes chiffres : shapely 1.8.5 au lieu de" in ran.err
    assert not (demo.output / "metrics").exists()
    assert not cluster.has_code()


def test_nobody_at_the_address_is_said_in_time(demo: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.cluster.client.TIMEOUT", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    ran = run(main, "--from", "2025-11-04", "--to", "2025-11-04", "--scheduler", address)
    assert ran.code == 1
    assert f"l'ordonnanceur Dask {address} ne répond pas en 1 s" in ran.err


@dataclass
class Losing:
    """A client whose scheduler has not yet seen that workers went, for so many tries."""

    tries: int
    status: str = "running"
    told: int = 0

    def register_plugin(self, plugin: ShippedCode) -> None:
        self.told += 1
        if self.told <= self.tries:
            raise CommClosedError("in register_worker_plugin: Stream is closed")


def test_the_code_is_sent_again_until_the_scheduler_has_seen_that_a_worker_went(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "LOST_LOOK", 0.001)
    losing = Losing(tries=5)
    client._ship_code(losing)
    assert losing.told == 6
    for gone, most in ((Losing(tries=9, status="closed"), 10), (Losing(tries=9), 0)):
        monkeypatch.setattr(client, "TIMEOUT", most)
        with pytest.raises(CommClosedError):
            client._ship_code(gone)
        assert gone.told == 1


def test_workers_that_all_went_are_waited_for_a_while_and_this_is_said(
    demo: RawTree, cluster: Cluster, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in {"LOOK": 0.2, "WORKERS_MISSED": 1.5, "SAID_EVERY": 0.5}.items():
        monkeypatch.setattr(f"scripts.cluster.client.{name}", seconds)
    worker = cluster.worker()
    wait_until(cluster.workers_are_there, *cluster.processes)

    def kill_at_work() -> None:
        wait_until(cluster.has_code, worker)
        os.killpg(worker.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_at_work)
    killer.start()
    ran = run(main, "--from", "2025-11-04", "--to", "2025-11-04", "--scheduler", cluster.address)
    killer.join()
    assert ran.code == 1
    assert ": 0 worker." in ran.err and "attente des calculs du cluster" in ran.err
    assert f"n'a plus aucun worker. En démarrer : dask worker {cluster.address}" in ran.err.splitlines()[-1]


def test_days_without_data_are_named_as_on_one_machine(raw: RawTree, two_workers: Cluster) -> None:
    raw.counts([count_row("1", f"2025-11-04T{hour:02}:00:00+01:00", 100, 10) for hour in range(1, 24)])
    ran = backfilled(raw, two_workers.address, "--source", "comptages", "--json")
    assert ran.code == 1
    failures = json.loads(ran.out)["echecs"]
    assert failures[0] == "2025-11-02 comptages : aucune donnée « comptages » pour le 2025-11-02. Voir DATA_DIR."
    assert len(failures) == 4, "two days without figures, and their reports"
    assert raw.metrics("comptages", "2025-11-04")["global_metrics"]["debit_journalier_total"] == 2300.0
