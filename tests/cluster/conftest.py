"""Real clusters on this machine: `dask scheduler` and `dask worker` processes that know nothing of this checkout."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import ROOT, Ran, RawTree
from tests.support.aws_server import environment
from tests.support.patience import child, deadline, wait_until

RANGE = ("--from", "2025-11-02", "--to", "2025-11-04")


@dataclass
class Cluster:
    """Processes and the address of their scheduler."""

    folder: Path
    moto_url: str
    running: ExitStack
    processes: list["subprocess.Popen[str]"] = field(default_factory=list)

    def start(self, *words: str, **more: str) -> "subprocess.Popen[str]":
        keys = environment(self.moto_url)
        credentials = {name: keys[name] for name in keys if name.startswith("AWS_") and "ENDPOINT" not in name}
        with (self.folder / f"{len(self.processes)}.log").open("wb") as log:
            process = child(
                [str(Path(sys.executable).parent / "dask"), *words],
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **credentials, **more},
                stdout=log,
                stderr=log,
            )
            self.processes.append(self.running.enter_context(process))
        return self.processes[-1]

    @property
    def address(self) -> str:
        """Known once the scheduler listens."""
        file = self.folder / "scheduler.json"
        wait_until(lambda: file.is_file() and file.read_text(), self.processes[0])
        return str(json.loads(file.read_text())["address"])

    def worker(self, **more: str) -> "subprocess.Popen[str]":
        words = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(self.folder))
        return self.start("worker", self.address, *words, **more)

    def has_code(self) -> bool:
        """Whether a run has shipped its code."""
        return any(self.folder.rglob("cityflow-*/lib"))

    def is_at_work(self) -> bool:
        """Whether a task has imported that code."""
        return any(self.folder.rglob("cityflow-*/scripts/__pycache__"))

    def workers_are_there(self) -> bool:
        """Whether every worker has told the scheduler."""
        logs = [self.folder / f"{number}.log" for number in range(1, len(self.processes))]
        return all("Registered to" in log.read_text() for log in logs)


@contextmanager
def new_cluster(folder: Path, moto_url: str) -> Iterator[Cluster]:
    """A scheduler, and the workers that the block starts; none of them outlives it."""
    folder.mkdir()
    words = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", "scheduler.json")
    with ExitStack() as running:
        cluster = Cluster(folder, moto_url, running)
        cluster.start("scheduler", *words)
        yield cluster


@pytest.fixture
def cluster(tmp_path: Path, moto_url: str) -> Iterator[Cluster]:
    """A scheduler without workers, for a test to break."""
    with new_cluster(tmp_path / "cluster", moto_url) as made:
        yield made


@pytest.fixture(scope="package")
def two_workers(tmp_path_factory: pytest.TempPathFactory, moto_url: str) -> Iterator[Cluster]:
    """A scheduler and two workers, for all tests that leave them whole."""
    with new_cluster(tmp_path_factory.mktemp("cluster") / "two", moto_url) as made:
        made.worker()
        made.worker()
        wait_until(made.workers_are_there, *made.processes)
        yield made


def backfill(raw: RawTree, address: str, *words: str, **more: str) -> "AbstractContextManager[subprocess.Popen[str]]":
    """make backfill of RANGE on a cluster, for a block."""
    return child(
        [sys.executable, str(ROOT / "scripts" / "backfill.py"), *RANGE, "--scheduler", address, *words],
        env={**os.environ, "DATA_DIR": str(raw.root), "OUTPUT_DIR": str(raw.output), "PYTHONPATH": "", **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def ended(process: "subprocess.Popen[str]") -> Ran:
    out, err = process.communicate(timeout=deadline())
    return Ran(process.returncode, out, err)


def backfilled(raw: RawTree, address: str, *words: str, **more: str) -> Ran:
    with backfill(raw, address, *words, **more) as process:
        return ended(process)
