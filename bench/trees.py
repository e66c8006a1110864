"""This tree beside an earlier commit of it: the same commands on the same raw files, in turns, with the same packages.

The earlier tree is unpacked into a temporary folder; its .venv is made of links to this one's. Processor time is that
of a command and of all it started; memory is the proportional share (PSS, so that pages that forked processes share
count once) of its processes together, looked at ten times a second.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data" / "bench"
BEFORE = "291408f"
LAST = date(2025, 11, 4)
ARCS, COUNTERS = 3_000, 110  # of Paris
MEMORY_EVERY = 0.1  # s


@dataclass(frozen=True)
class Tree:
    """A tree of the project, the raw files it reads and the folder it writes into."""

    name: str
    root: Path
    raw: Path
    output: Path

    def run(self, *command: str) -> "Measure":
        """Run a command of the tree; stop the benchmark where it fails."""
        words = {
            "DATA_DIR": self.raw,
            "OUTPUT_DIR": self.output,
            "CITYFLOW_STORE": "local_files",
            "PATH": os.environ["PATH"],
        }
        environment = {name: str(value) for name, value in words.items()}
        return measure(list(command), self.root, environment)

    def make(self, *words: str) -> "Measure":
        return self.run("make", *words)


@dataclass(frozen=True)
class Measure:
    """Of one run: wall and processor time (s), the most memory (MB)."""

    wall: float
    processor: float
    memory: float


@dataclass
class Row:
    """Of one command of one tree: its runs."""

    runs: list[Measure] = field(default_factory=list)

    def median(self, what: str) -> float:
        return statistics.median(getattr(run, what) for run in self.runs)


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Build the command line that both benchmarks have."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--before", default=BEFORE, metavar="COMMIT", help=f"what to compare with (default: {BEFORE})")
    made.add_argument("--days", type=int, default=12, help="days of raw files (default: 12)")
    made.add_argument("--runs", type=int, default=3, help="measures of each (default: 3)")
    return made


@contextmanager
def both_trees(commit: str, days: int) -> Iterator[tuple[Tree, Tree]]:
    """Yield the tree of a commit and this one, which read the same invented files: those that the commit invents."""
    folder = DATA / "trees"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        earlier = unpacked(commit, folder / "earlier")
        raw = folder / "raw"
        invent(earlier, raw, days)
        yield Tree(commit, earlier, raw, folder / "out-before"), Tree("now", ROOT, raw, folder / "out-now")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def unpacked(commit: str, into: Path) -> Path:
    """Unpack a commit, with a virtual environment of the same packages."""
    into.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    subprocess.run(["tar", "-x"], cwd=into, input=archive.stdout, check=True)
    environment, ours = into / ".venv", (ROOT / ".venv").resolve()
    environment.mkdir()
    for name in ("bin", "lib"):
        (environment / name).symlink_to(ours / name)
    shutil.copy(ours / "pyvenv.cfg", environment)
    shutil.copy(into / "requirements.txt", environment)  # as installed: what make looks at
    return into


def invent(tree: Path, raw: Path, days: int, *words: str) -> None:
    """Write raw files of the size of Paris with the generator of a tree."""
    size = ["--arcs", str(ARCS), "--counters", str(COUNTERS), "--days", str(days), "--end", str(LAST)]
    command = [".venv/bin/python", "scripts/make_demo_data.py", "--output", str(raw), *size, *words, "-q"]
    subprocess.run(command, cwd=tree, check=True)


def first_of(days: int) -> str:
    return str(LAST - timedelta(days=days - 1))


def measure(command: list[str], folder: Path, environment: dict[str, str]) -> Measure:
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    seen, ended = [0.0], threading.Event()
    watch = threading.Thread(target=watch_memory, args=(process.pid, seen, ended))
    watch.start()
    said = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    ended.set()
    watch.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed ({process.returncode}):\n{said.decode()}")
    return Measure(wall, usage.ru_utime + usage.ru_stime, max(seen))


def watch_memory(session: int, seen: list[float], ended: threading.Event) -> None:
    while not ended.wait(MEMORY_EVERY):
        seen.append(sum(shares(session)) / 1000)


def shares(session: int) -> Iterator[int]:
    """Yield the proportional share of memory (kB) of each process of a session."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[3]) == session:
                lines = (stat.parent / "smaps_rollup").read_text().splitlines()
                yield next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, StopIteration, IndexError, ValueError):
            continue  # it has just ended


def in_turns(
    trees: tuple[Tree, ...], runs: int, steps: dict[str, Callable[[Tree], Measure]]
) -> dict[tuple[str, str], Row]:
    """Carry out the steps of each tree in order, `runs` times round, the trees in turns within each step."""
    rows = {(step, tree.name): Row() for step in steps for tree in trees}
    for _ in range(runs):
        for step, run in steps.items():
            for tree in trees:
                rows[step, tree.name].runs.append(run(tree))
                last = rows[step, tree.name].runs[-1]
                sys.stderr.write(f"{step}, {tree.name}: {last.wall:.2f} s, processor {last.processor:.2f} s\n")
    return rows


def print_table(rows: dict[tuple[str, str], Row], trees: tuple[Tree, Tree]) -> None:
    """Print medians, and the ratio of the later tree to the earlier one."""
    before, now = trees
    print("| | tree | wall | processor | peak memory | wall, ratio | processor, ratio |\n|---|---|---|---|---|---|---|")
    for step in dict.fromkeys(step for step, _ in rows):
        for tree in trees:
            row = rows[step, tree.name]
            ratios = [row.median(what) / rows[step, before.name].median(what) for what in ("wall", "processor")]
            shown = " | ".join(f"{ratio:.2f}" for ratio in ratios) if tree is now else "|"
            print(
                f"| {step} | {tree.name} | {row.median('wall'):.2f} s | {row.median('processor'):.2f} s "
                f"| {max(run.memory for run in row.runs):.0f} MB | {shown} |"
            )
    print(
        f"\nMedians of {len(next(iter(rows.values())).runs)} runs, in turns; load {os.getloadavg()[0]:.1f} at the end."
    )
