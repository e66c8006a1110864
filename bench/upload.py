"""How long publishing 30 days takes, beside a lean loop over the same files, in the same run.

The files are those of a demonstration day with as many arcs as Paris has (its comptages are over 400 KB), copied to 30
days: 180 metrics, 30 reports. The loop is what one writes by hand: read, put_item, put_object, in as many threads as
make upload has, nothing compared, made whole or checked; once also one file after another.

The server is bench/fake_aws.py, in its own process, which only waits, 15 ms a request. Each run measures all in turn;
the table gives the least of the runs, which the machine's other work disturbs least, in seconds and in processor time
of the client. `--server moto` measures moto instead: its process takes a core to unpick each item, so that one measures
moto.

    python bench/upload.py --runs 5
    python bench/upload.py --dynamodb 0.008 --s3 0.1    # what AWS promises of small requests
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import boto3

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.aws.clients import aws_clients
from lib.common.settings import ROOT, Settings, load_settings
from lib.publish.infrastructure.steps import carry_out
from lib.publish.infrastructure.wanted import setup_steps
from lib.publish.local_documents import document_files
from lib.publish.run import Work, run_all
from upload_to_aws import JOBS

DAYS, ARCS, COUNTERS = 30, 3_300, 100
DAY = date(2025, 11, 4)
DELAY = 0.015  # s a request; AWS promises "single-digit milliseconds" of DynamoDB, "100-200 milliseconds" of S3
ITEM_LIMIT = 400_000  # bytes of JSON from which the loop puts the file in S3, and the item without its long list
LONG_LISTS = ("metrics", "mapping")
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAMESURE0000000000",
    "AWS_SECRET_ACCESS_KEY": "mesure",
    "AWS_REGION": "eu-west-3",
    "S3_REPORTS_BUCKET": "cityflow-mesure",
    "CITYFLOW_STORE": "local_files",
}


class Measure(NamedTuple):
    """Seconds of the clock, and of the client's processor."""

    clock: float
    processor: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="measures of each (default: 5)")
    parser.add_argument("--server", choices=("fake", "moto"), default="fake")
    for service in ("dynamodb", "s3"):
        parser.add_argument(f"--{service}", type=float, default=DELAY, help=f"seconds a request (default: {DELAY})")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        make_output(Path(folder), output)
        delays = {"dynamodb": arguments.dynamodb, "s3": arguments.s3}
        name, command = server_command(arguments.server, delays)
        with server(command) as url:
            report(name, output, measure(output, url, arguments.runs))
    return 0


def make_output(folder: Path, output: Path) -> None:
    """The files of one demonstration day, copied to DAYS days."""
    raw = folder / "raw"
    demo = ["scripts/make_demo_data.py", "--output", str(raw), "--end", str(DAY), "--days", "1", "-q"]
    _python(*demo, "--arcs", str(ARCS), "--counters", str(COUNTERS))
    process = ["scripts/backfill.py", "--from", str(DAY), "--to", str(DAY), "-q"]
    _python(*process, environment={"DATA_DIR": str(raw), "OUTPUT_DIR": str(output), "CITYFLOW_STORE": "local_files"})
    for path in [path for kind in ("metrics", "reports") for path in (output / kind).iterdir()]:
        for back in range(1, DAYS):
            copied = path.name.replace(str(DAY), str(DAY - timedelta(days=back)))
            content = path.read_text("utf-8").replace(str(DAY), str(DAY - timedelta(days=back)))
            (path.parent / copied).write_text(content, "utf-8")


def server_command(wanted: str, delays: dict[str, float]) -> tuple[str, list[str]]:
    if wanted == "moto":
        return "moto (un processus)", ["bench/moto_server.py"]
    words = ", ".join(f"{service} {1000 * delay:.0f} ms" for service, delay in delays.items())
    options = [text for service, delay in delays.items() for text in (f"--{service}", str(delay))]
    return f"serveur minimal ({words} par requête)", ["bench/fake_aws.py", *options]


@contextmanager
def server(command: list[str]) -> Iterator[str]:
    with subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def measure(output: Path, url: str, runs: int) -> dict[str, list[Measure]]:
    """Measure each in turn: the lean loop, the first upload, the second (nothing to do), the loop in one thread."""
    settings = load_settings(environment={**ENVIRONMENT, "AWS_ENDPOINT_URL": url, "OUTPUT_DIR": str(output)})
    os.environ.update(ENVIRONMENT)
    works: dict[str, Callable[[], None]] = {
        "threads": lambda: plain_loop(settings, JOBS),
        "first": lambda: upload(settings, "written"),
        "second": lambda: upload(settings, "same"),
        "loop": lambda: plain_loop(settings),
    }
    measures: dict[str, list[Measure]] = {name: [] for name in works}
    for _ in range(runs):
        for name, work in works.items():
            if name != "second":
                prepare(settings, url)
            measures[name].append(timed(work))
    return measures


def prepare(settings: Settings, url: str) -> None:
    """An AWS with empty tables and an empty bucket."""
    try:
        urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset", method="POST", data=b"{}"), timeout=10)
    except OSError:
        urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=10)
        return
    clients = aws_clients(settings)
    for step in setup_steps(clients, settings):
        carry_out(clients, step)


def timed(work: Callable[[], None]) -> Measure:
    begun, used = time.perf_counter(), time.process_time()
    work()
    return Measure(time.perf_counter() - begun, time.process_time() - used)


def upload(settings: Settings, expected: str) -> None:
    """What upload_to_aws.py does, its process's start apart; every document must end as expected."""
    sources = document_files(settings.output_dir, ["metrics", "reports"], None, None)
    newest = max(one.label for one in sources if one.kind == "reports")
    work = Work(settings, aws_clients(settings, JOBS, attempts=1), newest=newest)
    run = run_all(sources, work, JOBS, lambda outcome: None)
    assert run.count(expected) == len(sources) == 7 * DAYS, run.outcomes[:3]


def plain_loop(settings: Settings, threads: int = 1) -> None:
    """The same files, one after another, with nothing compared, checked or made whole."""
    options = {"region_name": settings.aws_region, "endpoint_url": settings.aws_endpoint_url}
    tables, s3 = boto3.resource("dynamodb", **options), boto3.client("s3", **options)
    metrics, reports = tables.Table(settings.dynamodb_metrics_table), tables.Table(settings.dynamodb_reports_table)
    bucket = settings.s3_reports_bucket

    def put(path: Path) -> None:
        if path.parent.name == "metrics":
            document = json.loads(path.read_text("utf-8"), parse_float=Decimal)
            if path.stat().st_size > ITEM_LIMIT:
                s3.put_object(Bucket=bucket, Key=f"metrics/{path.name}", Body=path.read_bytes())
                document["metrics"] = {key: one for key, one in document["metrics"].items() if key not in LONG_LISTS}
                document["metrics_s3"] = f"s3://{bucket}/metrics/{path.name}"
            metrics.put_item(Item=document)
            return
        s3.put_object(Bucket=bucket, Key=f"reports/{path.name}", Body=path.read_bytes())
        if path.suffix == ".json":
            reports.put_item(Item=json.loads(path.read_text("utf-8"), parse_float=Decimal))

    paths = [path for kind in ("metrics", "reports") for path in sorted((settings.output_dir / kind).iterdir())]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(put, paths))


def report(name: str, output: Path, measures: dict[str, list[Measure]]) -> None:
    files = [path for kind in ("metrics", "reports") for path in (output / kind).iterdir()]
    size = sum(path.stat().st_size for path in files) / 1e6
    least = {key: Measure(*map(min, zip(*found, strict=True))) for key, found in measures.items()}
    lines = [f"\n{name} : {len(files)} fichiers, {size:.1f} Mo, le moindre de {len(measures['loop'])} mesures\n"]
    lines += ["| | secondes | contre la boucle | processeur, s | contre la boucle |", "|---|---:|---:|---:|---:|"]
    words = {
        "threads": f"boucle put_item / put_object, {JOBS} fils",
        "first": f"make upload, {JOBS} fils",
        "second": "make upload, rien de changé",
        "loop": "la boucle, un fil",
    }
    for key, text in words.items():
        cells = [f"{one:.2f} | {one / lean:.2f} x" for one, lean in zip(least[key], least["threads"], strict=True)]
        lines.append(f"| {text} | {' | '.join(cells)} |")
    sys.stdout.write("\n".join(lines) + "\n")


def _python(*command: str, environment: dict[str, str] | None = None) -> None:
    subprocess.run(
        [sys.executable, *command], cwd=ROOT, env={**os.environ, **(environment or {})}, check=True, stdout=sys.stderr
    )


if __name__ == "__main__":
    sys.exit(main())
