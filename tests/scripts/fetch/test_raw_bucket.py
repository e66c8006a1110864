"""The raw bucket copied for a day: only what differs, resumed, checked, and never over something better."""

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.request import Request, urlopen

import pytest

from lib.common.paris_time import machine_now
from scripts import fetch_raw, process_bikes, process_comptages
from scripts.fetch.raw_bucket import has_content
from tests.conftest import Ran, RawTree, bike, count_row
from tests.support.aws_server import REGION, AwsServer
from tests.support.patience import deadline

Run = Callable[..., Ran]

BUCKET = "bucket-cityflow-paris-s3-raw"
PREFIX = "cityflow-raw/raw"
DAY = date(2025, 11, 4)
MEGABYTE = 1024 * 1024


@pytest.fixture
def bucket(raw: RawTree, empty_aws: AwsServer) -> AwsServer:
    """The raw bucket, empty, with the default names."""
    empty_aws.clients.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    return empty_aws


def put(bucket: AwsServer, key: str, content: bytes, seconds_ago: int = 0) -> None:
    bucket.put_earlier(BUCKET, f"{PREFIX}/{key}", content, seconds_ago)


def counts(tree: RawTree, rows: int = 24) -> bytes:
    """A road-count export of the day."""
    lines = [count_row("1", f"2025-11-04T{hour:02}:00:00+01:00", 100, 5) for hour in range(1, rows)]
    path = tree.counts([*lines, count_row("1", "2025-11-05T00:00:00+01:00", 100, 5)])
    content = path.read_bytes()
    path.unlink()
    return content


def pull(day: date) -> bytes:
    start = f"{day}T05:00:00+00:00"
    return json.dumps({"results": [bike("100", start, 12)]}).encode()


def fetch(run: Run, *words: str) -> Ran:
    return run(fetch_raw.main, "--date", DAY.isoformat(), "--origin", "s3", *words)


def test_a_day_copied_from_the_bucket_can_be_processed(raw: RawTree, bucket: AwsServer, run: Run) -> None:
    put(bucket, "batch/comptages-routiers-permanents.csv", counts(raw))
    put(bucket, "api/bikes/dt=2025-11-05/hour=06/a.json", pull(DAY))
    put(bucket, "api/bikes/dt=2025-11-06/hour=06/a.json", pull(DAY))
    put(bucket, "api/bikes/dt=2025-11-07/hour=06/too-late.json", pull(DAY))
    put(bucket, "api/bikes/dt=2025-11-03/hour=06/too-early.json", pull(DAY))
    ran = fetch(run, "--source", "comptages", "--source", "bikes")
    assert ran.code == 0, ran.err
    found = sorted(str(path.relative_to(raw.root)) for path in raw.root.rglob("*") if path.is_file())
    assert found == [
        "api/bikes/dt=2025-11-05/hour=06/a.json",
        "api/bikes/dt=2025-11-06/hour=06/a.json",
        "batch/comptages-routiers-permanents.csv",
    ]
    assert run(process_comptages.main, "--date", "2025-11-04").code == 0
    assert run(process_bikes.main, "--date", "2025-11-04").code == 0


def test_what_is_the_same_is_not_copied_again(raw: RawTree, bucket: AwsServer, run: Run) -> None:
    put(bucket, "batch/comptages-routiers-permanents.csv", b"one;two\n1;2\n")
    assert "reçus : 1" in fetch(run, "--source", "comptages").out
    again = fetch(run, "--source", "comptages")
    assert "reçus : 0, déjà là : 1" in again.out and again.code == 0


def test_a_change_of_the_same_size_is_seen_by_its_checksum(raw: RawTree, bucket: AwsServer, run: Run) -> None:
    local = raw.batch("comptages-routiers-permanents.csv", "one;two\n1;1\n")
    os.utime(local, (0, 0))
    put(bucket, "batch/comptages-routiers-permanents.csv", b"one;two\n1;2\n")
    assert "reçus : 1" in fetch(run, "--source", "comptages").out
    assert local.read_bytes() == b"one;two\n1;2\n"


@pytest.mark.parametrize(("content", "age", "word"), [(b"x" * 40, 86400, "plus gros"), (b"mine", 0, "plus récent")])
def test_a_larger_or_newer_file_is_only_replaced_by_force(
    raw: RawTree, bucket: AwsServer, run: Run, content: bytes, age: int, word: str
) -> None:
    put(bucket, "batch/comptages-routiers-permanents.csv", b"one;two\n1;2\n")
    local = raw.batch("comptages-routiers-permanents.csv", content)
    written = machine_now().timestamp() + 60 - age
    os.utime(local, (written, written))
    ran = fetch(run, "--source", "comptages")
    assert ran.code == 1 and word in ran.err and local.read_bytes() == content
    assert fetch(run, "--source", "comptages", "--force").code == 0
    assert local.read_bytes() == b"one;two\n1;2\n"


def test_an_object_uploaded_in_parts_is_recognised(raw: RawTree, bucket: AwsServer, run: Run) -> None:
    s3, key = bucket.clients.s3, f"{PREFIX}/batch/comptages-routiers-permanents.csv"
    parts = [b"a" * 8 * MEGABYTE, b"b" * 100]
    upload = {"Bucket": BUCKET, "Key": key}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    sent = [
        {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=part)["ETag"]}
        for number, part in enumerate(parts, start=1)
    ]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": sent})
    assert "reçus : 1" in fetch(run, "--source", "comptages").out
    assert "reçus : 0, déjà là : 1" in fetch(run, "--source", "comptages").out
    local = raw.root / "batch" / "comptages-routiers-permanents.csv"
    etag = s3.head_object(Bucket=BUCKET, Key=key)["ETag"]
    assert etag.endswith('-2"') and has_content(local, etag) is True
    local.write_bytes(local.read_bytes()[:-1] + b"c")
    assert has_content(local, etag) is None  # other parts, or another content: only the times tell


def test_the_newest_export_of_the_bucket_stays_the_newest(raw: RawTree, bucket: AwsServer, run: Run) -> None:
    names = ["comptages-routiers-permanents-9.csv", "comptages-routiers-permanents-1.csv"]
    put(bucket, f"batch/{names[0]}", b"old\n" * 9, seconds_ago=2)
    put(bucket, f"batch/{names[1]}", b"new\n")
    assert fetch(run, "--source", "comptages").code == 0
    written = [(raw.root / "batch" / name).stat().st_mtime_ns for name in names]
    assert written[0] < written[1]


def test_the_order_that_a_killed_copy_did_not_come_to_is_made_by_the_next_one(
    raw: RawTree, bucket: AwsServer, run: Run
) -> None:
    paths = []
    for rank, name in enumerate(("comptages-routiers-permanents-b.csv", "comptages-routiers-permanents-a.csv")):
        content = counts(raw, 10 + rank)
        put(bucket, f"batch/{name}", content, seconds_ago=4 - 2 * rank)
        paths.append(raw.batch(name, content))
    for rank, path in enumerate(reversed(paths)):  # copied side by side: the older one ended last
        os.utime(path, ns=(rank, rank))
    assert fetch(run, "--source", "comptages").code == 0
    written = [path.stat().st_mtime_ns for path in paths]
    assert written == sorted(written) and written[0] > 1
    assert fetch(run, "--source", "comptages").code == 0
    assert [path.stat().st_mtime_ns for path in paths] == written


def test_names_that_would_leave_the_raw_tree_are_not_followed(raw: RawTree, bucket: AwsServer, run: Run) -> None:
    put(bucket, "batch/comptages-routiers-permanents/../../../../out.csv", b"x")
    put(bucket, "batch/comptages-routiers-permanents.exe", b"x")
    ran = fetch(run, "--source", "comptages")
    assert ran.code == 4 and not list(raw.root.rglob("*.*"))


def test_a_source_without_pulls_names_those_there_are(raw: RawTree, bucket: AwsServer, run: Run) -> None:
    put(bucket, "api/traffic/dt=2025-10-01/hour=06/a.json", b"{}")
    put(bucket, "batch/comptages-routiers-permanents.csv", b"x")
    ran = fetch(run, "--source", "traffic", "--source", "comptages")
    assert ran.code == 1 and "traffic" in ran.err and "2025-10-01" in ran.err
    assert (raw.root / "batch" / "comptages-routiers-permanents.csv").is_file()


def test_a_bucket_that_does_not_exist(raw: RawTree, empty_aws: AwsServer, run: Run) -> None:
    ran = fetch(run, "--source", "comptages")
    assert ran.code == 3 and BUCKET in ran.err and "S3_RAW_BUCKET" in ran.err


class Interrupting(BaseHTTPRequestHandler):
    """Between the client and moto: hands on every request, but cuts the first `cuts` objects in the middle."""

    upstream = ""
    cuts = 0
    ranges: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        wanted = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        with urlopen(Request(self.upstream + self.path, headers=wanted), timeout=deadline()) as reply:
            body, headers = reply.read(), dict(reply.headers)
            self.send_response(reply.status)
        is_object = self.path.endswith(".csv")
        for name, value in headers.items():
            if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        self.end_headers()
        if is_object:
            type(self).ranges.append(self.headers.get("Range"))
        if is_object and type(self).cuts:
            type(self).cuts -= 1
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the test's output."""


@pytest.fixture
def interrupted(bucket: AwsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Interrupting]]:
    Interrupting.upstream, Interrupting.cuts, Interrupting.ranges = bucket.url, 0, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Interrupting)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield Interrupting
    server.shutdown()
    server.server_close()


def test_a_copy_that_is_cut_goes_on(raw: RawTree, bucket: AwsServer, interrupted: type[Interrupting], run: Run) -> None:
    content = os.urandom(2 * MEGABYTE)
    put(bucket, "batch/comptages-routiers-permanents.csv", content)
    interrupted.cuts = 2
    ran = fetch(run, "--source", "comptages")
    assert ran.code == 0, ran.err
    local = raw.root / "batch" / "comptages-routiers-permanents.csv"
    assert hashlib.md5(local.read_bytes()).hexdigest() == hashlib.md5(content).hexdigest()
    assert interrupted.ranges[0] is None and all(
        asked and asked.startswith("bytes=") for asked in interrupted.ranges[1:]
    )
    assert not [path for path in local.parent.iterdir() if path.name.startswith(".")]


def test_a_later_run_goes_on_with_a_copy(
    raw: RawTree, bucket: AwsServer, interrupted: type[Interrupting], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(MEGABYTE)
    put(bucket, "batch/comptages-routiers-permanents.csv", content)
    monkeypatch.setattr("scripts.fetch.raw_bucket.ATTEMPTS", 0)
    interrupted.cuts = 1
    assert fetch(run, "--source", "comptages").code == 1
    assert fetch(run, "--source", "comptages").code == 0
    assert interrupted.ranges[-1] == f"bytes={MEGABYTE // 2}-"
    assert (raw.root / "batch" / "comptages-routiers-permanents.csv").read_bytes() == content
