"""How long publishing 30 days takes, beside a plain sequential loop over the same files, in the same run.

The files are those of a demonstration day with as many arcs as Paris has (its comptages are over 400 KB), copied to 30
days: 180 metrics, 30 reports. The loop is what one writes first: read, put_item, put_object, one file after another.

The server is bench/fake_aws.py, in its own process, which only waits as long as AWS does. `--server moto` measures moto
instead: its single process takes a core to unpick each item, more so with a condition or a projection (which the loop
does without), so that one measures moto. Prints a Markdown table: medians, and ratios to the loop.

    python bench/upload.py --runs 3
"""

import argparse
import json
import os
import statistics
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

import boto3

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.aws.clients import aws_clients
from lib.common.settings import ROOT, Settings, load_settings
from lib.publish.local_documents import document_files
from lib.publish.run import Work, run_all
from lib.publish.setup import NOTHING, setup_plan
from lib.publish.state import carry_out
from upload_to_aws import JOBS

DAYS, ARCS, COUNTERS = 30, 3_300, 100
DAY = date(2025, 11, 4)
# s; AWS promises "single-digit milliseconds" for DynamoDB and "roughly 100-200 milliseconds" for small S3 objects
DELAYS = {"dynamodb": 0.008, "s3": 0.1}
ITEM_LIMIT = 400_000  # bytes of JSON from which the loop puts the file in S3, and the item without its long list
LONG_LISTS = ("metrics", "mapping")
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAMESURE0000000000",
    "AWS_SECRET_ACCESS_KEY": "mesure",
    "AWS_REGION": "eu-west-3",
    "S3_REPORTS_BUCKET": "cityflow-mesure",
    "CITYFLOW_STORE": "local_files",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="measures of each (default: 3)")
    parser.add_argument("--server", choices=("fake", "moto"), default="fake")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        make_output(Path(folder), output)
        name, command = server_command(arguments.server)
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


def server_command(wanted: str) -> tuple[str, list[str]]:
    if wanted == "moto":
        return "moto (un processus)", ["bench/moto_server.py"]
    words = ", ".join(f"{service} {1000 * delay:.0f} ms" for service, delay in DELAYS.items())
    options = [text for service, delay in DELAYS.items() for text in (f"--{service}", str(delay))]
    return f"serveur minimal ({words} par requête)", ["bench/fake_aws.py", *options]


@contextmanager
def server(command: list[str]) -> Iterator[str]:
    with subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def measure(output: Path, url: str, runs: int) -> dict[str, list[float]]:
    """Seconds of each run: the loop, the first upload, the second upload (nothing to do)."""
    settings = load_settings(environment={**ENVIRONMENT, "AWS_ENDPOINT_URL": url, "OUTPUT_DIR": str(output)})
    os.environ.update(ENVIRONMENT)
    seconds: dict[str, list[float]] = {"loop": [], "threads": [], "first": [], "second": []}
    for _ in range(runs):
        prepare(settings, url)
        seconds["loop"].append(timed(lambda: plain_loop(settings)))
        prepare(settings, url)
        seconds["threads"].append(timed(lambda: plain_loop(settings, JOBS)))
        prepare(settings, url)
        seconds["first"].append(timed(lambda: upload(settings, "written")))
        seconds["second"].append(timed(lambda: upload(settings, "same")))
    return seconds


def prepare(settings: Settings, url: str) -> None:
    """An AWS with empty tables and an empty bucket."""
    try:
        urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset", method="POST", data=b"{}"), timeout=10)
    except OSError:
        urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=10)
        return
    clients = aws_clients(settings)
    for step in setup_plan(settings, NOTHING):
        carry_out(clients, step)


def timed(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


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


def report(name: str, output: Path, seconds: dict[str, list[float]]) -> None:
    files = [path for kind in ("metrics", "reports") for path in (output / kind).iterdir()]
    size = sum(path.stat().st_size for path in files) / 1e6
    loop = statistics.median(seconds["loop"])
    lines = [f"\n{name} : {len(files)} fichiers, {size:.1f} Mo, médiane de {len(seconds['loop'])} mesures\n"]
    lines += ["| | secondes | contre la boucle |", "|---|---:|---:|"]
    words = {
        "loop": "boucle put_item / put_object",
        "threads": f"la même boucle, {JOBS} fils",
        "first": "make upload",
        "second": "make upload, rien de changé",
    }
    for key, text in words.items():
        median = statistics.median(seconds[key])
        lines.append(f"| {text} | {median:.2f} | {loop / median:.1f} x |")
    share = statistics.median(seconds["second"]) / statistics.median(seconds["first"])
    lines.append(f"\nSecond passage : {100 * share:.0f} % du premier.")
    sys.stdout.write("\n".join(lines) + "\n")


def _python(*command: str, environment: dict[str, str] | None = None) -> None:
    subprocess.run(
        [sys.executable, *command], cwd=ROOT, env={**os.environ, **(environment or {})}, check=True, stdout=sys.stderr
    )


if __name__ == "__main__":
    sys.exit(main())
