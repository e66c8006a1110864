"""Copies from the raw bucket come to an end: objects that trickle or advance a byte at a time, listings without end."""

import json
from collections.abc import Callable

import pytest

from scripts import fetch_raw
from tests.conftest import Ran, RawTree, bike
from tests.support.aws_server import REGION, AwsServer
from tests.support.fault_proxy import Fault, FaultProxy

Run = Callable[..., Ran]

BUCKET = "bucket-cityflow-paris-s3-raw"
PULLS = "cityflow-raw/raw/api/bikes/dt=2025-11-05/hour"
BODY = json.dumps({"results": [bike("100", "2025-11-04T05:00:00+00:00", 12)] * 20}).encode()


@pytest.fixture
def bucket(raw: RawTree, aws: AwsServer, proxy: FaultProxy) -> FaultProxy:
    """The raw bucket with one pull, behind a server that fails as told."""
    aws.clients.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    aws.clients.s3.put_object(Bucket=BUCKET, Key=f"{PULLS}=06/a.json", Body=BODY)
    return proxy


def fetch(run: Run) -> Ran:
    return run(fetch_raw.main, "--date", "2025-11-04", "--origin", "s3", "--source", "bikes")


def test_an_object_that_trickles_is_given_up_and_gone_on_with_later(
    raw: RawTree, bucket: FaultProxy, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.faults.append(Fault("trickle", "s3:GetObject", seconds=0.01))
    with monkeypatch.context() as patch:
        patch.setattr("scripts.fetch.raw_bucket.COPY_SECONDS", 0.5)
        patch.setattr("scripts.fetch.raw_bucket.SLOWEST", 1e9)
        ran = fetch(run)
    assert ran.code == 1 and "pas fini en" in ran.err
    assert fetch(run).code == 0
    assert (raw.root / "api/bikes/dt=2025-11-05/hour=06/a.json").read_bytes() == BODY


def test_an_object_that_comes_byte_by_byte_is_given_up(raw: RawTree, bucket: FaultProxy, run: Run) -> None:
    bucket.faults.append(Fault("byte", "s3:GetObject", times=10_000))
    ran = fetch(run)
    assert ran.code == 1 and "coupée en route" in ran.err
    assert bucket.actions().count("s3:GetObject") < 20


def test_a_folder_of_more_pulls_than_a_page_is_listed_whole(
    raw: RawTree, bucket: FaultProxy, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.s3.models import s3_backends

    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "20")  # of a page; the real one has a thousand
    for number in range(30):  # straight into the server's memory
        name = f"{PULLS}={number % 24:02}/.{number}.json" if number else f"{PULLS}=23/z.json"
        s3_backends["123456789012"]["aws"].put_object(BUCKET, name, BODY)
    assert "reçus : 2" in fetch(run).out, "the last key is on the second page"
    monkeypatch.setattr("lib.raw.bucket_listing.MOST_KEYS", 20)
    ran = fetch(run)
    assert ran.code == 1 and "plus de 20 objets" in ran.err
