"""Connections to AWS: what is missing is named with the way out, in seconds, and nothing secret is repeated."""

import socket
import threading
from collections.abc import Iterator

import pytest

from lib.aws.clients import aws_clients, caller
from lib.aws.errors import UnreachableError, aws_errors
from lib.common.errors import ConfigError, StoreError
from lib.common.settings import load_settings
from lib.common.shown_settings import shown_settings
from tests.support.aws_server import ACCESS_KEY, BUCKET, SECRET_KEY, TOKEN, AwsServer


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without credentials; the metadata service is off unless a test says otherwise."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


@pytest.fixture
def silent() -> Iterator[tuple[int, list[socket.socket]]]:
    """A port where nothing is ever answered, as of a filtered metadata service, and what it accepted."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []
        threading.Thread(target=_accept_and_keep, args=(server, kept), daemon=True).start()
        yield server.getsockname()[1], kept
        for one in kept:
            one.close()


def _accept_and_keep(server: socket.socket, kept: list[socket.socket]) -> None:
    try:
        while True:
            kept.append(server.accept()[0])
    except OSError:
        return


def test_no_credentials_says_where_they_were_looked_for(nothing: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"AWS_ACCESS_KEY_ID.*AWS_PROFILE.*~/\.aws/credentials.*rôle.*aws configure"):
        aws_clients(load_settings())


def test_a_silent_metadata_service_costs_seconds(
    nothing: pytest.MonkeyPatch, silent: tuple[int, list[socket.socket]]
) -> None:
    nothing.delenv("AWS_EC2_METADATA_DISABLED")
    port, asked = silent
    nothing.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{port}/")
    with pytest.raises(ConfigError, match="aucun identifiant AWS"):
        aws_clients(load_settings())
    assert 1 <= len(asked) <= 4, "each try is a second of silence"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY, "AWS_SECRET_ACCESS_KEY"),
        ("AWS_PROFILE", "absent", "absent"),
    ],
)
def test_half_credentials_are_named(nothing: pytest.MonkeyPatch, name: str, value: str, expected: str) -> None:
    nothing.setenv(name, value)
    with pytest.raises(ConfigError, match=expected):
        aws_clients(load_settings())


def test_an_impossible_region_is_refused(nothing: pytest.MonkeyPatch) -> None:
    nothing.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    nothing.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    nothing.setenv("AWS_REGION", "eu west 3")
    with pytest.raises(ConfigError, match=r"eu west 3.*environnement.*eu-west-3"):
        aws_clients(load_settings())


def test_the_default_region_is_paris(nothing: pytest.MonkeyPatch) -> None:
    nothing.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    nothing.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    assert aws_clients(load_settings()).dynamodb.meta.region_name == "eu-west-3"


def test_a_missing_table_and_bucket_lead_to_setup(empty_aws: AwsServer) -> None:
    key = {"metric_type": {"S": "bikes"}, "date": {"S": "2025-11-04"}}
    with (
        pytest.raises(ConfigError, match=r"table cityflow-metrics n'existe pas.*make setup-aws"),
        aws_errors("table cityflow-metrics"),
    ):
        empty_aws.clients.dynamodb.get_item(TableName="cityflow-metrics", Key=key)
    with pytest.raises(ConfigError, match=r"bucket .* n'existe pas.*make setup-aws"), aws_errors(f"bucket {BUCKET}"):
        empty_aws.clients.s3.get_object(Bucket=BUCKET, Key="reports/x.json")


def test_another_refusal_concerns_one_request(aws: AwsServer) -> None:
    with pytest.raises(StoreError, match="ValidationException") as caught, aws_errors("cityflow-metrics"):
        aws.clients.dynamodb.get_item(TableName="cityflow-metrics", Key={"date": {"S": "2025-11-04"}})
    assert not isinstance(caught.value, ConfigError)


def test_nobody_answers(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{ACCESS_KEY}:{TOKEN}@127.0.0.1:{closed}")
    with pytest.raises(UnreachableError, match=r"ne répond pas.*AWS_ENDPOINT_URL") as caught, aws_errors("essai"):
        aws_clients(load_settings(), attempts=1).s3.get_object(Bucket=BUCKET, Key="x")
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("url", ["serveur.test:4566", f"essai:{TOKEN}@127.0.0.1:4566"])
def test_an_address_without_http_is_a_setting_to_correct_and_is_not_repeated(
    aws: AwsServer, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    for ask in (aws_clients, caller):
        with pytest.raises(ConfigError, match=r"AWS_ENDPOINT_URL \(environnement\).*http://localhost:4566") as caught:
            ask(load_settings())
        assert url not in str(caught.value)
    assert TOKEN not in str(shown_settings(load_settings()))


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
@pytest.mark.parametrize("end", ["\r", "\nsuite", "\u00a0"])
def test_credentials_of_a_windows_file_are_refused_and_not_repeated(
    aws: AwsServer, monkeypatch: pytest.MonkeyPatch, name: str, end: str
) -> None:
    monkeypatch.setenv(name, f"JAMAIS-AFFICHE{end}")
    with pytest.raises(ConfigError, match=r"identifiants AWS.*retour à la ligne") as caught:
        aws_clients(load_settings()).dynamodb.list_tables()
    assert "JAMAIS-AFFICHE" not in str(caught.value)
