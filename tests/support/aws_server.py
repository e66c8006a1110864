"""A whole AWS on a local port: moto in server mode, empty at the start of each test, with the environment set to it."""

import functools
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.request import Request, urlopen

import boto3
import botocore.session
import pytest

from lib.aws import clients
from lib.aws.bodies import read_decoded
from lib.aws.clients import AwsClients, Place, aws_clients
from lib.common.settings import load_settings
from tests.support.patience import deadline

REGION = "eu-west-3"
BUCKET = "cityflow-essai-rapports"
KEYS = {"cityflow-metrics": "metric_type", "cityflow-reports": "report_id"}
KMS_KEY = "arn:aws:kms:eu-west-3:123456789012:key/11111111-2222-3333-4444-555555555555"
ACCESS_KEY, SECRET_KEY, TOKEN = "AKIAESSAI00000000000", "secret-d-essai-JAMAIS-AFFICHE", "jeton-d-essai-JAMAIS-AFFICHE"


@dataclass
class AwsServer:
    """The server's address, and clients that talk to it."""

    url: str
    clients: AwsClients

    def reset(self) -> None:
        with urlopen(Request(f"{self.url}/moto-api/reset", method="POST"), timeout=deadline()) as reply:
            assert reply.status == 200

    def make_tables(self) -> None:
        """Both tables with the documented keys."""
        for table, key in KEYS.items():
            names = {key: "HASH", "date": "RANGE"}
            self.clients.dynamodb.create_table(
                TableName=table,
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
                KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names.items()],
                BillingMode="PAY_PER_REQUEST",
            )

    def make_bucket(self) -> None:
        self.clients.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    def items(self, table: str) -> list[dict[str, Any]]:
        """Every item of a table, in DynamoDB's typed form."""
        return list(self.clients.dynamodb.scan(TableName=table, ConsistentRead=True)["Items"])

    def objects(self) -> dict[str, bytes]:
        """Every object of the bucket, by key."""
        listed = self.clients.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return {one["Key"]: self.clients.s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read() for one in listed}

    def put_earlier(self, bucket: str, key: str, content: bytes, seconds: int) -> None:
        """An object that was put so long ago: S3 tells times to the second."""
        from moto.core.utils import utcnow
        from moto.s3.models import s3_backends

        self.clients.s3.put_object(Bucket=bucket, Key=key, Body=content)
        (put,) = s3_backends["123456789012"]["aws"].buckets[bucket].keys.getlist(key)
        put.last_modified = utcnow() - timedelta(seconds=seconds)

    def contents(self) -> dict[str, bytes]:
        """Every object as a browser has it, gzip undone where it is said of it."""
        listed = self.clients.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return {one["Key"]: read_decoded(self.clients.s3.get_object(Bucket=BUCKET, Key=one["Key"])) for one in listed}


def environment(url: str) -> dict[str, str]:
    """The settings that lead to the server, with credentials that mean nothing anywhere else."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": TOKEN,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "S3_REPORTS_BUCKET": BUCKET,
    }


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    from moto.server import ThreadedMotoServer  # half a second that the other tests need not pay

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def service_models() -> Iterator[None]:
    """botocore reads its models of S3 and DynamoDB, a tenth of a second, once and not at each run of a command."""
    loader = functools.cache(botocore.session.create_loader)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", loader)
        yield


class Opened:
    """The clients that commands opened: who asks for the same one again, in the same environment, gets it.

    To open both costs 15 ms, as much as what most of the commands then do with them.
    """

    def __init__(self) -> None:
        self._sessions: dict[object, boto3.Session] = {}
        self._clients: dict[object, Any] = {}
        self._session, self._client = clients._session, clients._client

    def session(self, settings: Place) -> boto3.Session:
        if os.environ.get("AWS_SHARED_CREDENTIALS_FILE") != "/nonexistent":  # the environment does not say it all
            return self._session(settings)
        said = sorted(one for one in os.environ.items() if one[0].startswith("AWS_"))
        asked = (settings.aws_region, settings.aws_profile, *said)
        if asked not in self._sessions:
            self._sessions[asked] = self._session(settings)
        return self._sessions[asked]

    def client(self, session: boto3.Session, settings: Place, service: str, *more: int) -> Any:
        asked = (session, service, settings.aws_endpoint_url, *more)
        if asked not in self._clients:
            self._clients[asked] = self._client(session, settings, service, *more)
        return self._clients[asked]


@pytest.fixture(scope="session")
def opened() -> Opened:
    return Opened()


@pytest.fixture(scope="session")
def aws_server(moto_url: str, service_models: None) -> AwsServer:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(moto_url).items():
            patch.setenv(name, value)
        return AwsServer(moto_url, aws_clients(load_settings()))


@pytest.fixture
def empty_aws(aws_server: AwsServer, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> AwsServer:
    """The server with nothing in it; the environment leads to it."""
    monkeypatch.setattr(clients, "_session", opened.session)
    monkeypatch.setattr(clients, "_client", opened.client)
    for name, value in environment(aws_server.url).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("scripts.fetch.raw_bucket.FIRST_WAIT", 0.01)
    aws_server.reset()
    return aws_server


@pytest.fixture
def aws(empty_aws: AwsServer) -> AwsServer:
    """The server with both tables and the bucket."""
    empty_aws.make_tables()
    empty_aws.make_bucket()
    return empty_aws
