"""One day, and 31, of road counts out of a file as large as the real one, beside the other tools, in the same run.

Makes its file with scripts/make_demo_data.py, below data/bench/ (395 days of 3 000 arcs, as the real export: 28 million
rows, 8.8 GB). Every measure is a process of its own, from its start to its end, in turns, the file in the page cache;
all that count must agree. Memory is the resident one of a process and its children together, looked at 20 times a
second; of a tool that the kernel stops for want of memory, the table says so.

    .venv-bench/bin/python bench/road_counts.py --runs 3
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.run import cli
from scripts.demo.road_quirks import ARC_IDS

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data" / "bench"
DAY = date(2025, 11, 4)
MANY = 31  # days
ARCS = 3_000
EXPORT = Path("batch") / "comptages-routiers-permanents.csv"
READERS = ("pandas", "polars", "duckdb", "pyarrow")
WRITERS = ("polars", "duckdb")
MEMORY_EVERY = 0.05  # seconds
PARQUET = DATA / "out" / "parquet"
ONE_PASS = """
import sys
from datetime import date, timedelta
from pathlib import Path
from lib.raw.source_files import RawFile
from scripts.sources.comptages.scan import one_pass
days = [date(2025, 11, 4) - timedelta(days=n) for n in range(int(sys.argv[2]))]
with one_pass([RawFile("", 0.0, Path(sys.argv[1]))], days):
    pass
"""


@dataclass
class Measures:
    """Of one command: wall times (s), the most memory (MB), and what it printed."""

    seconds: list[float] = field(default_factory=list)
    memory: float = 0.0
    printed: str = ""
    stopped: bool = False  # by the kernel, which had no memory left

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=395, help="days in the file, 22.4 MB each (default: 395)")
    parser.add_argument("--runs", type=int, default=3, help="measures of each (default: 3)")
    parser.add_argument("--part", action="append", choices=list(PARTS), help="this table only (repeatable)")
    parser.add_argument("--keep", action="store_true", help="keep the file for the next run")
    arguments = parser.parse_args()
    tree = DATA / f"{arguments.days}-days"
    make_file(tree, arguments.days)
    size = (tree / EXPORT).stat().st_size
    cli.emit(f"One file of {arguments.days * ARCS * 24 / 1e6:.1f} million rows, {size / 1e9:.2f} GB.\n")
    try:
        for part in arguments.part or PARTS:
            warm(tree / EXPORT)
            PARTS[part](tree, arguments.runs)
    finally:
        shutil.rmtree(DATA if not arguments.keep else DATA / "out", ignore_errors=True)
    return 0


def make_file(tree: Path, days: int) -> None:
    command = [sys.executable, "scripts/make_demo_data.py", "--arcs", str(ARCS), "--days", str(days), "-q"]
    for source in ("comptages", "referentiel", "arrondissements"):
        command += ["--source", source]
    subprocess.run([*command, "--output", str(tree)], cwd=ROOT, check=True)


def one_day(tree: Path, runs: int) -> None:
    """The day's figures from each tool, against grep; ours is the whole command, to the files written."""
    export = str(tree / EXPORT)
    commands = {
        "process_comptages.py (the whole command)": ours(tree, "--date", str(DAY)),
        "grep -c -F": ["grep", "-c", "-F", str(DAY), export],
        **{tool: reader(tool, export, DAY) for tool in READERS},
    }
    measures = in_turns(commands, runs)
    figures = {name: json.loads(measures[name].printed) for name in READERS}
    figures["ours"] = our_figures(tree)
    if len({(count, round(total, 6)) for count, total in figures.values()}) != 1:
        raise SystemExit(f"the tools do not agree: {figures}")
    count, total = figures["ours"]
    cli.emit(f"One day ({DAY}). All agree: {count} arc-hours, {total:.0f} vehicles (arcs with broken lines apart).\n")
    table(measures, "grep -c -F")


def many_days(tree: Path, runs: int) -> None:
    """31 days, then all: one pass that puts each day's lines at hand, against writing the same days as Parquet."""
    export, every = str(tree / EXPORT), int(tree.name.split("-")[0])
    for days in sorted({min(MANY, every), every}):
        commands = {"one_pass (each day at hand)": [sys.executable, "-c", ONE_PASS, export, str(days)]}
        commands |= {f"{tool} to Parquet": [*reader(tool, export, DAY, days), str(PARQUET)] for tool in WRITERS}
        cli.emit(f"{days} days, read once:\n")
        table(in_turns(commands, runs if days <= MANY else 1), "one_pass (each day at hand)")


def every_figure(tree: Path, _: int) -> None:
    """The whole command for every day of the file, to the files written."""
    days = int(tree.name.split("-")[0])
    command = ours(tree, "--from", str(DAY - timedelta(days=days - 1)), "--to", str(DAY))
    cli.emit(f"The whole command for {days} days, figures written:\n")
    name = "process_comptages.py --from --to"
    table(in_turns({name: command}, 1), name)


def linearity(tree: Path, runs: int) -> None:
    """The whole command for one day on the first sixth, the first half, and all of the file."""
    cuts = {}
    for share in (6, 2):
        cut = DATA / "out" / f"cut-{share}"
        shutil.copytree(tree, cut, ignore=shutil.ignore_patterns("comptages*"))
        cut_export(tree / EXPORT, cut / EXPORT, (tree / EXPORT).stat().st_size // share)
        cuts[f"{(cut / EXPORT).stat().st_size / 1e9:.2f} GB"] = ours(cut, "--date", str(DAY))
    cuts[f"{(tree / EXPORT).stat().st_size / 1e9:.2f} GB"] = ours(tree, "--date", str(DAY))
    cli.emit("The whole command for one day, by size of the file:\n")
    table(in_turns(cuts, runs), next(iter(cuts)))


def cut_export(source: Path, target: Path, size: int) -> None:
    with source.open("rb") as whole, target.open("wb") as part:
        while part.tell() < size:
            part.write(whole.read(min(1 << 24, size - part.tell())))
        part.write(whole.readline())


PARTS = {"one-day": one_day, "many-days": many_days, "every-figure": every_figure, "linearity": linearity}


def warm(path: Path) -> None:
    """Bring a file into the page cache, or whoever comes first measures the disk."""
    with path.open("rb", buffering=0) as stream:
        while stream.read(1 << 24):
            pass


def ours(tree: Path, *words: str) -> list[str]:
    settings = [f"DATA_DIR={tree}", f"OUTPUT_DIR={DATA / 'out' / 'output'}", "CITYFLOW_STORE=local_files"]
    return ["env", *settings, sys.executable, "scripts/process_comptages.py", *words, "-q"]


def reader(tool: str, export: str, last: date, days: int = 1) -> list[str]:
    first = last - timedelta(days=days - 1)
    return [sys.executable, "bench/road_readers.py", tool, export, str(first), str(last)]


def our_figures(tree: Path) -> tuple[int, float]:
    path = DATA / "out" / "output" / "metrics" / f"comptages_metrics_{DAY}.json"
    arcs = json.loads(path.read_text(encoding="utf-8"))["metrics"]["metrics"]
    known = [arc for arc in arcs if int(arc["identifiant_arc"]) not in ARC_IDS and arc["heures_valides"]]
    return sum(arc["heures_valides"] for arc in known), sum(arc["debit_journalier_total"] for arc in known)


def in_turns(commands: dict[str, list[str]], runs: int) -> dict[str, Measures]:
    """Measure the commands one after the other, `runs` times round."""
    measures = {name: Measures() for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            shutil.rmtree(PARQUET, ignore_errors=True)
            measure(command, measures[name])
            sys.stderr.write(f"{name}: {measures[name].seconds[-1]:.2f} s\n")
    return measures


def measure(command: list[str], into: Measures) -> None:
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    Path(f"/proc/{process.pid}/oom_score_adj").write_text("1000")  # it, before anything else of this machine
    watch = threading.Thread(target=watch_memory, args=(process, into))
    watch.start()
    into.printed, _ = process.communicate()
    into.seconds.append(time.perf_counter() - started)
    watch.join()
    into.stopped |= process.returncode == -signal.SIGKILL
    if process.returncode and not into.stopped:
        raise SystemExit(f"{' '.join(command)} failed: {process.returncode}")


def watch_memory(process: subprocess.Popen[str], into: Measures) -> None:
    while process.poll() is None:
        into.memory = max(into.memory, sum(memory_of(process.pid)) / 1000)
        time.sleep(MEMORY_EVERY)


def memory_of(session: int) -> Iterator[int]:
    """Resident memory (kB) of each process of a session, mapped files included."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[3]) == session:
                pages = int((stat.parent / "statm").read_text().split()[1])
                yield pages * os.sysconf("SC_PAGE_SIZE") // 1000
        except (OSError, ValueError, IndexError):
            continue  # it has just ended


def table(measures: dict[str, Measures], reference: str) -> None:
    cli.emit(f"| | median | runs | ratio to {reference} | peak memory |\n|---|---|---|---|---|")
    for name, one in measures.items():
        ratio = one.median / measures[reference].median
        runs = ", ".join(f"{seconds:.2f}" for seconds in one.seconds)
        if one.stopped:
            cli.emit(f"| {name} | stopped by the kernel: no memory left | {runs} | | {one.memory:.0f} MB |")
            continue
        cli.emit(f"| {name} | {one.median:.2f} s | {runs} | {ratio:.2f} | {one.memory:.0f} MB |")
    cli.emit("")


if __name__ == "__main__":
    sys.exit(main())
