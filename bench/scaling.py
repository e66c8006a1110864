"""A month of road counts out of exports of several sizes: one machine, then clusters of one and two workers.

Sizes are made of one invented export of 29 days (as many arcs as Paris), then the same rows in other years, which
have to be read and are not wanted. Each run is a whole `scripts/backfill.py --source comptages --force`; the memory is
the highest that each worker process ever had (VmHWM). All runs must write the same figures. Prints a Markdown table.

    python bench/scaling.py --raw data/bench/raw --sizes 1 3 6
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXPORT = "comptages-routiers-permanents.csv"
RANGE = ("--from", "2025-10-07", "--to", "2025-11-04", "--source", "comptages", "--force", "-q")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--raw", type=Path, required=True, help="a raw tree of make_demo_data.py --days 29 --arcs 3500")
    parser.add_argument("--sizes", type=float, nargs="+", default=[1.0, 3.0, 6.0], help="GB (default: 1 3 6)")
    arguments = parser.parse_args()
    print("| export | where | seconds | MB/s | peak memory of a worker |\n|---|---|---|---|---|", flush=True)
    seen = set()
    with tempfile.TemporaryDirectory() as folder:
        for size in arguments.sizes:
            raw = grown(arguments.raw, Path(folder) / "raw", size)
            length = (raw / "batch" / EXPORT).stat().st_size
            for name, address_of in (("one process", 0), ("two processes", -2), ("1 worker", 1), ("2 workers", 2)):
                seconds, peak, digest = measured(raw, Path(folder), address_of)
                seen.add(digest)
                memory = " + ".join(f"{one / 1024:.0f} MB" for one in peak) or "—"
                print(
                    f"| {length / 1e9:.1f} GB | {name} | {seconds:.1f} | {length / 1e6 / seconds:.0f} | {memory} |",
                    flush=True,
                )
    print(f"\nFigures: {'identical in all runs' if len(seen) == 1 else 'DIFFERENT'}.")
    return int(len(seen) != 1)


def grown(source: Path, raw: Path, size: float) -> Path:
    """The raw tree with its road counts brought to `size` GB by rows of earlier years."""
    (raw / "batch").mkdir(parents=True, exist_ok=True)
    for path in (source / "batch").iterdir():
        if path.name != EXPORT and not (raw / "batch" / path.name).exists():
            os.symlink(path.resolve(), raw / "batch" / path.name)
    header, _, rows = (source / "batch" / EXPORT).read_bytes().partition(b"\n")
    with (raw / "batch" / EXPORT).open("wb") as export:
        export.write(header + b"\n" + rows)
        year = 2024
        while export.tell() < size * 1e9:
            old = rows.replace(b"2025-1", b"%d-1" % year)
            export.write(old[: old.rfind(b"\n", 0, int(size * 1e9) - export.tell() + 2000) + 1])
            year -= 1
    return raw


def measured(raw: Path, folder: Path, workers: int) -> tuple[float, list[int], str]:
    """Seconds, peak kB of each worker, digest of the figures. `workers` <= 0: processes of this machine."""
    with tempfile.TemporaryDirectory(dir=folder) as output, cluster(workers, folder) as (address, pids):
        words = ["--scheduler", address] if address else ["--jobs", str(-workers or 1)]
        environment = {**os.environ, "DATA_DIR": str(raw), "OUTPUT_DIR": output, "CITYFLOW_STORE": "local_files"}
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, str(ROOT / "scripts" / "backfill.py"), *RANGE, *words], env=environment, check=False
        )
        seconds = time.perf_counter() - start
        digest = hashlib.sha256()
        for path in sorted(Path(output).glob("metrics/*.json")):
            digest.update(json.dumps(json.loads(path.read_bytes())["metrics"]).encode())
        return seconds, [peak(pid) for pid in pids], digest.hexdigest()


def peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


@contextmanager
def cluster(workers: int, folder: Path) -> Iterator[tuple[str, list[int]]]:
    if workers <= 0:
        yield "", []
        return
    dask, file = str(Path(sys.executable).parent / "dask"), folder / "scheduler.json"
    file.unlink(missing_ok=True)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    words = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    started = [subprocess.Popen([dask, "scheduler", *words], **quiet)]
    try:
        while not (file.is_file() and file.read_text()):
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder)]
        started += [subprocess.Popen([dask, "worker", address, *options], **quiet) for _ in range(workers)]
        time.sleep(4)
        yield address, [worker.pid for worker in started[1:]]
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
