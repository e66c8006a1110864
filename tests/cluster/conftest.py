"""Real clusters on this machine: `dask scheduler` and `dask worker` processes that know nothing of this checkout."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.aws_server import environment
from tests.conftest import ROOT, Ran, RawTree

PATIENCE = 60  # s


@dataclass
class Cluster:
    """Processes and the address of their scheduler."""

    folder: Path
    moto_url: str
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start(self, *words: str, **more: str) -> "subprocess.Popen[bytes]":
        keys = environment(self.moto_url)
        credentials = {name: keys[name] for name in keys if name.startswith("AWS_") and "ENDPOINT" not in name}
        with (self.folder / f"{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(Path(sys.executable).parent / "dask"), *words],
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **credentials, **more},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    @property
    def address(self) -> str:
        """Known once the scheduler listens."""
        file = self.folder / "scheduler.json"
        wait_until(lambda: file.is_file() and file.read_text())
        return str(json.loads(file.read_text())["address"])

    def worker(self, **more: str) -> "subprocess.Popen[bytes]":
        words = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(self.folder))
        return self.start("worker", self.address, *words, **more)

    def has_code(self) -> bool:
        """Whether a run has shipped its code."""
        return any(self.folder.rglob("cityflow-*/lib"))

    def is_at_work(self) -> bool:
        """Whether a task has imported that code."""
        return any(self.folder.rglob("cityflow-*/scripts/__pycache__"))

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until(seen: Callable[[], object]) -> None:
    limit = time.monotonic() + PATIENCE
    while not seen():
        assert time.monotonic() < limit
        time.sleep(0.02)


def new_cluster(folder: Path, moto_url: str) -> Cluster:
    folder.mkdir()
    cluster = Cluster(folder, moto_url)
    words = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", "scheduler.json")
    cluster.start("scheduler", *words)
    return cluster


@pytest.fixture
def cluster(tmp_path: Path, moto_url: str) -> Iterator[Cluster]:
    """A scheduler without workers, for a test to break."""
    made = new_cluster(tmp_path / "cluster", moto_url)
    yield made
    made.stop()


@pytest.fixture(scope="package")
def two_workers(tmp_path_factory: pytest.TempPathFactory, moto_url: str) -> Iterator[Cluster]:
    """A scheduler and two workers, for all tests that leave them whole."""
    made = new_cluster(tmp_path_factory.mktemp("cluster") / "two", moto_url)
    made.worker()
    made.worker()
    yield made
    made.stop()


def command(raw: RawTree, address: str, *words: str, **more: str) -> "subprocess.Popen[str]":
    """make backfill of the eight demo days on a cluster."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / "backfill.py"), "--from", "2025-10-28", "--to", "2025-11-04",
         *(("--scheduler", address) if address else ()), *words],
        env={**os.environ, "DATA_DIR": str(raw.root), "OUTPUT_DIR": str(raw.output), "PYTHONPATH": "", **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def ended(process: "subprocess.Popen[str]") -> Ran:
    out, err = process.communicate(timeout=PATIENCE)
    return Ran(process.returncode, out, err)
