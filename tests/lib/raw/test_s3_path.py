"""Raw files in S3 read as if they were files, from a server that cuts, trickles, lies, or knows nothing of them."""

import io
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lib.common.errors import ConfigError, StoreError
from lib.common.settings import load_settings
from lib.raw import s3_path
from lib.raw.contents import read_bytes
from lib.raw.places import raw_path
from lib.raw.s3_path import S3Path
from scripts import process_bikes
from tests.conftest import Ran, RawTree
from tests.support.aws_server import REGION, AwsServer
from tests.support.fault_proxy import Fault, FaultProxy

BODY = bytes(range(256)) * 1000


@pytest.fixture
def bucket(raw: RawTree, aws: AwsServer) -> Iterator[AwsServer]:
    """The bucket « bruts » with one object; S3 is where this process's settings say."""
    aws.clients.s3.create_bucket(Bucket="bruts", CreateBucketConfiguration={"LocationConstraint": REGION})
    put(aws, "api/bikes/dt=2025-11-04/hour=06/a.bin", BODY)
    yield aws
    forget_connection()


@pytest.fixture
def fragile(bucket: AwsServer, proxy: FaultProxy) -> FaultProxy:
    """A server in front of the bucket that fails as told."""
    forget_connection()
    return proxy


def forget_connection() -> None:
    s3_path._client.cache_clear()


def folder(text: str = "s3://bruts/paris/raw") -> Path:
    return raw_path(load_settings(), text)


def put(bucket: AwsServer, key: str, content: bytes) -> None:
    bucket.clients.s3.put_object(Bucket="bruts", Key=f"paris/raw/{key}", Body=content)


def put_many(number: int) -> None:
    """Straight into the server's memory."""
    from moto.s3.models import s3_backends

    backend = s3_backends["123456789012"]["aws"]
    for one in range(number):
        backend.put_object("bruts", f"paris/raw/api/traffic/dt=2025-11-04/hour={one % 24:02}/{one:05}.json", b"{}")


def pull() -> Path:
    """The object, as a listing gives it."""
    (path,) = (folder() / "api" / "bikes" / "dt=2025-11-04" / "hour=06").glob("a.bin")
    return path


def test_a_path_of_the_settings_is_where_it_says(tmp_path: Path) -> None:
    there = folder() / "batch" / "a.csv"
    assert isinstance(there, S3Path) and str(there) == "s3://bruts/paris/raw/batch/a.csv"
    assert (there.bucket, there.key) == ("bruts", "paris/raw/batch/a.csv")
    assert str(there.absolute()) == str(there)
    assert folder(f"{tmp_path}/data") == tmp_path / "data"
    again = pickle.loads(pickle.dumps(there / "x"))
    assert (type(again), str(again)) == (type(there), "s3://bruts/paris/raw/batch/a.csv/x"), "for another process"


def test_the_bytes_from_wherever_they_are_sought(bucket: AwsServer) -> None:
    assert pull().read_bytes() == BODY
    with pull().open("rb") as stream:
        for start in (5, 200_000, 100, len(BODY) - 3):
            stream.seek(start)
            assert stream.read(10) == BODY[start : start + 10]
        assert stream.seek(-2, io.SEEK_END) == len(BODY) - 2
        assert stream.read() == BODY[-2:]
        assert stream.read() == b""
    with pytest.raises(io.UnsupportedOperation, match="lecture seule"):
        pull().open("wb")


def test_an_empty_object_is_an_empty_file(bucket: AwsServer) -> None:
    put(bucket, "batch/vide.csv", b"")
    assert (folder() / "batch" / "vide.csv").read_bytes() == b""


def test_what_there_is(bucket: AwsServer) -> None:
    assert pull().stat().st_size == len(BODY) and pull().is_file()
    assert (folder() / "api").is_dir() and not (folder() / "batch").is_dir()
    alone = folder() / "api" / "bikes" / "dt=2025-11-04" / "hour=06" / "a.bin"
    assert alone.stat().st_mtime == pull().stat().st_mtime, "asked for by itself or listed"
    missing = folder() / "batch" / "absent.csv"
    assert not missing.is_file()
    for look in (missing.stat, missing.read_bytes):
        with pytest.raises(FileNotFoundError, match=r"s3://bruts/paris/raw/batch/absent\.csv n'existe pas"):
            look()


@pytest.fixture
def pages_of_20(bucket: AwsServer, monkeypatch: pytest.MonkeyPatch) -> AwsServer:
    """A server that lists twenty keys at once; the real one a thousand."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "20")
    return bucket


def test_a_listing_goes_on_past_a_page(pages_of_20: AwsServer) -> None:
    put_many(50)
    found = list((folder() / "api" / "traffic").rglob("*"))
    assert len({path.key for path in found}) == len(found) == 50
    assert found[0].known is not None, "what a listing says is not asked for again"
    hour = folder() / "api" / "traffic" / "dt=2025-11-04" / "hour=05"
    assert len(list(hour.glob("0*.json"))) == len(list(hour.glob("*"))) == 2
    assert list(hour.glob("*.csv")) == list(folder().glob("*.json")) == []


def test_a_listing_without_end_is_given_up(pages_of_20: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    put_many(50)
    monkeypatch.setattr("lib.raw.s3_path.MOST_KEYS", 20)
    with pytest.raises(StoreError, match="plus de 20 objets sous s3://bruts/paris/raw/api/traffic/"):
        list((folder() / "api" / "traffic").rglob("*"))


def test_a_listing_that_turns_in_a_circle_is_given_up(bucket: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    page = {"IsTruncated": True, "NextContinuationToken": "encore", "Contents": []}
    monkeypatch.setattr("lib.raw.s3_path._asked", lambda *_, **__: page)
    with pytest.raises(StoreError, match="tourne en rond"):
        list(folder().rglob("*"))


@pytest.mark.parametrize("times", [1, 4])
def test_a_body_that_is_cut_is_taken_up_where_it_stopped(fragile: FaultProxy, times: int) -> None:
    fragile.faults.append(Fault("cut", "s3:GetObject", times=times))
    assert pull().read_bytes() == BODY
    ranges = [one.headers["Range"] for one in fragile.asked if one.action == "s3:GetObject" and "Range" in one.headers]
    assert ranges[:2] == ["bytes=0-", f"bytes={len(BODY) // 2}-"]


def test_a_body_that_brings_nothing_is_given_up(fragile: FaultProxy) -> None:
    fragile.faults.append(Fault("nothing", "s3:GetObject", times=100))
    with pytest.raises(OSError, match=f"lecture coupée {s3_path.ATTEMPTS} fois"):
        pull().read_bytes()


def test_a_body_that_trickles_is_given_up(fragile: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.raw.s3_path.READ_SECONDS", 0.1)
    monkeypatch.setattr("lib.raw.s3_path.SLOWEST", 1e9)
    fragile.faults.append(Fault("trickle", "s3:GetObject", times=100, seconds=0.01))
    with pytest.raises(OSError, match="lecture coupée"):  # a body that comes to its end is read
        pull().read_bytes()


def test_another_version_is_not_sewn_to_the_first(bucket: AwsServer, fragile: FaultProxy) -> None:
    def replace() -> None:
        put(bucket, "api/bikes/dt=2025-11-04/hour=06/a.bin", bytes(len(BODY)))

    fragile.faults += [Fault("cut", "s3:GetObject"), Fault("call", "s3:GetObject", call=replace)]
    with pytest.raises(StoreError, match="PreconditionFailed"):
        pull().read_bytes()


def test_refusals_are_said(bucket: AwsServer, fragile: FaultProxy) -> None:
    with pytest.raises(ConfigError, match="s3://absent/x n'existe pas"):
        list(folder("s3://absent/x").rglob("*"))
    fragile.policy = {"Statement": []}
    with pytest.raises(ConfigError, match="droit manquant"):
        list(folder().glob("*"))


def test_without_credentials_the_reader_says_where_they_were_looked_for(
    bucket: AwsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    forget_connection()
    with pytest.raises(ConfigError, match="aucun identifiant AWS utilisable"):
        read_bytes(folder() / "batch" / "a.csv")


@pytest.mark.parametrize(("place", "code", "said"), [("absent", 3, "n'existe pas"), ("bruts/vide", 4, "aucun fichier")])
def test_a_script_says_it_in_one_line(
    bucket: AwsServer, run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, place: str, code: int, said: str
) -> None:
    monkeypatch.setenv("DATA_DIR", f"s3://{place}")
    ran = run(process_bikes.main, "--date", "2025-11-04")
    assert (ran.code, ran.err.count("\n")) == (code, 1), ran.err
    assert said in ran.err
