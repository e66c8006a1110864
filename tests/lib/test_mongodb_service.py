"""MongoDB: what is stored there as other programs see it, and what is said when the server is not what was hoped."""

import gzip
import json
import random
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import bson
import pytest

from lib.common.errors import ConfigError, StoreError
from lib.common.settings import load_settings
from lib.mongodb_service import MongodbService, address
from lib.stores import mongodb_documents
from lib.stores.documents import pack
from lib.stores.mongodb_documents import from_mongo, to_mongo
from tests.conftest import RawTree
from tests.support.mongo_server import MongoServer
from tests.support.patience import within

DAY = date(2025, 11, 4)
SECRET = "m0t/de@passe:JAMAIS"
ENCODED = "m0t%2Fde%40passe%3AJAMAIS"


@pytest.fixture
def service(raw: RawTree, mongo: MongoServer) -> Iterator[MongodbService]:
    with MongodbService(load_settings()) as opened:
        yield opened


def at(url: str) -> MongodbService:
    return MongodbService(replace(load_settings(), mongodb_url=url))


def test_other_programs_see_the_figures_in_two_indexed_collections(service: MongodbService, mongo: MongoServer) -> None:
    service.save_metrics({"total": 12.0, "nombre": 3, "énorme": 2**70, "a.b": {"$x": None}}, "bikes", DAY)
    service.save_report({"resume": {"phrase": "Mardi"}}, DAY)
    (metrics,), (report,) = mongo.documents("metrics"), mongo.documents("reports")
    assert metrics["metrics"] == {"total": 12.0, "nombre": 3, "énorme": 2.0**70, "a%2Eb": {"%24x": None}}
    assert json.loads(gzip.decompress(metrics["json_gz"]))["metrics"]["énorme"] == 2**70
    assert set(metrics) == {"metric_type", "date", "timestamp", "metrics", "sha256", "json_gz"}
    assert report["report_id"] == "daily_report_2025-11-04"
    for collection, key in (("metrics", "metric_type"), ("reports", "report_id")):
        indexes = mongo.client[mongo.database][collection].index_information().values()
        assert any(one.get("unique") and [name for name, _ in one["key"]] == [key, "date"] for one in indexes)


def test_one_document_a_day_whoever_writes(raw: RawTree, mongo: MongoServer) -> None:
    def save_five_times(number: int) -> None:
        with MongodbService(load_settings()) as one:
            for _ in range(5):
                one.save_metrics({"n": number}, "bikes", DAY)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save_five_times, range(4)))
    assert len(mongo.documents("metrics")) == 1


def test_nobody_there_is_said_in_time(raw: RawTree, looked_for: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    _refused_in_time(f"mongodb://cityflow:{ENCODED}@127.0.0.1:{port}/?authSource=admin", port, looked_for)


def test_a_server_that_never_answers_is_said_in_time(raw: RawTree, looked_for: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        _refused_in_time(f"mongodb://cityflow:{ENCODED}@127.0.0.1:{port}", port, looked_for)


def _refused_in_time(url: str, port: int, looked_for: list[str]) -> None:
    with within(20), at(url) as service:  # pymongo's own patience is 30 s
        with pytest.raises(StoreError, match=rf"MongoDB ne répond pas à mongodb://127\.0\.0\.1:{port} ") as first:
            service.load_metrics("bikes", DAY)
        with pytest.raises(StoreError, match="MONGODB_URL, ou choisir CITYFLOW_STORE=local_files"):
            service.save_metrics({"n": 1}, "bikes", DAY)
        assert len(looked_for) == 1, "a server that did not answer is asked once"
    assert SECRET not in str(first.value)
    assert ENCODED not in str(first.value)


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://",
        f"mongodb://cityflow:{SECRET}@localhost:27017",
        "mongodb://localhost:notaport",
        "postgres://localhost",
        f"mongodb://cityflow:{ENCODED}@localhost/?authMechanism=MONGODB-X509",
        f"mongodb://cityflow:{ENCODED}@localhost/?tls=true&tlsCAFile=/nonexistent/ca.pem",
        f"mongodb://cityflow:{ENCODED}@localhost/?tls=true&tlsCAFile=/dev/null",
    ],
)
def test_an_unusable_address_is_a_setting_to_mend(raw: RawTree, url: str) -> None:
    with at(url) as service, pytest.raises(ConfigError, match="MONGODB_URL") as refusal:
        service.load_metrics("bikes", DAY)
    assert "JAMAIS" not in str(refusal.value)
    assert "mot de passe encodé" in str(refusal.value)


def test_an_unusable_database_name_is_a_setting_to_mend(raw: RawTree, mongo: MongoServer) -> None:
    with (
        MongodbService(replace(load_settings(), mongodb_database="a b.c")) as service,
        pytest.raises(ConfigError, match="MONGODB_DATABASE"),
    ):
        service.load_metrics("bikes", DAY)


def test_the_address_that_is_shown_has_neither_user_nor_options() -> None:
    assert address(f"mongodb+srv://u:{SECRET}@a.example,b.example:27018/base?x=y") == (
        "mongodb+srv://a.example,b.example:27018"
    )
    assert address("u:a://b@localhost:27017") == "localhost:27017"
    assert address("mongodb://u:a://b@localhost:27017?x=y") == "mongodb://localhost:27017"


LARGE: dict[str, Any] = {
    "global_metrics": {"total": 1.0},
    "metrics": [{"identifiant_arc": str(arc), "libelle": "Boulevard" * 10} for arc in range(200)],
    "top_10_troncons": [{"rang": 1}],
}


@pytest.fixture
def low_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """LARGE does not fit: the limit is lowered, so that the tests need not send 16 MB."""
    monkeypatch.setattr(mongodb_documents, "LIMIT", 4000)


@pytest.mark.usefixtures("low_limit")
def test_a_document_without_room_is_followed_to_its_file(
    service: MongodbService, mongo: MongoServer, raw: RawTree
) -> None:
    service.save_metrics(LARGE, "comptages", DAY)
    service.save_report(LARGE, DAY)
    (stored,) = mongo.documents("metrics")
    assert len(bson.encode(stored)) <= 4000
    assert stored["metrics"] == {"global_metrics": {"total": 1.0}, "top_10_troncons": [{"rang": 1}]}
    assert stored["omitted"] == ["metrics"]
    assert stored["metrics_file"] == "metrics/comptages_metrics_2025-11-04.json"
    assert json.dumps(service.load_metrics("comptages", DAY)) == json.dumps(LARGE)
    assert service.load_report(DAY) == LARGE
    assert service.query_metrics_by_date_range("comptages", DAY, DAY)[0]["metrics"] == LARGE


@pytest.mark.usefixtures("low_limit")
def test_only_the_exact_json_has_no_room(service: MongodbService, mongo: MongoServer) -> None:
    noise = {"bruit": random.Random(1).randbytes(1500).hex()}
    service.save_metrics(noise, "comptages", DAY)
    (stored,) = mongo.documents("metrics")
    assert (stored["metrics"], stored["omitted"], "json_gz" in stored) == (noise, [], False)
    assert service.load_metrics("comptages", DAY) == noise


@pytest.mark.usefixtures("low_limit")
def test_another_file_in_its_place_is_refused(service: MongodbService, raw: RawTree) -> None:
    service.save_metrics(LARGE, "comptages", DAY)
    path = raw.output / "metrics" / "comptages_metrics_2025-11-04.json"
    path.write_bytes(path.read_bytes().replace(b'"total": 1.0', b'"total": 1'))
    for _ in range(2):
        with pytest.raises(StoreError, match="make process DATE=2025-11-04 FORCE=1"):
            service.load_metrics("comptages", DAY)
        path.unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda metrics: metrics["global_metrics"].update(total=2), True),
        (lambda metrics: metrics["global_metrics"].update(total=True), True),
        (lambda metrics: metrics["global_metrics"].update(total="1"), True),
        (lambda metrics: metrics["global_metrics"].update(autre=None), True),
        (lambda metrics: metrics["top_10_troncons"].append({"rang": 2}), True),
        (lambda metrics: metrics["top_10_troncons"][0].update(rang=2), True),
        (lambda metrics: metrics["top_10_troncons"][0].clear(), True),
        (lambda metrics: metrics.update(global_metrics=[]), True),
        (lambda metrics: metrics["global_metrics"].update(total=1), False),  # shells write 1.0 back as 1
        (lambda metrics: metrics.update(global_metrics=metrics.pop("global_metrics")), False),  # the order of keys
    ],
)
@pytest.mark.parametrize("limit", [4000, mongodb_documents.LIMIT], ids=["summary", "whole"])
def test_figures_changed_by_another_program_are_refused(
    service: MongodbService,
    mongo: MongoServer,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Any], Any],
    seen: bool,
    limit: int,
) -> None:
    monkeypatch.setattr(mongodb_documents, "LIMIT", limit)
    service.save_metrics(LARGE, "comptages", DAY)
    collection = mongo.client[mongo.database]["metrics"]
    (stored,) = mongo.documents("metrics")
    change(stored["metrics"])
    collection.replace_one({"metric_type": "comptages"}, stored | {"note": "vu"})
    if seen:
        said = "« metrics » de comptages_metrics_2025-11-04 a été modifié dans MongoDB.*make process DATE=2025-11-04"
        with pytest.raises(StoreError, match=said):
            service.load_metrics("comptages", DAY)
        service.save_metrics(LARGE, "comptages", DAY)
    assert json.dumps(service.load_metrics("comptages", DAY)) == json.dumps(LARGE)


def test_the_real_limit_is_that_of_the_server() -> None:
    document = {
        "metric_type": "bikes",
        "date": "2025-11-04",
        "timestamp": "t",
        "metrics": {"liste": ["x" * 1000] * 17_000},
    }
    stored = to_mongo(document, "metrics/x.json")
    assert stored["metrics_file"] == "metrics/x.json"
    assert len(bson.encode(stored)) < 16 * 1024 * 1024


@pytest.mark.parametrize(
    "body", [{"a": [2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**400, -(10**400)]}, {"%2E": 1, ".": 2, "a\0b": "\0"}]
)
def test_what_mongodb_has_no_place_for_survives_bson(body: dict[str, Any]) -> None:
    document = {"metric_type": "bikes", "date": "2025-11-04", "timestamp": "t", "metrics": body}
    back = bson.decode(bson.encode(to_mongo(document, "")))
    assert json.dumps(from_mongo(back)) == json.dumps(document)


def test_a_key_that_is_no_text_is_refused(raw: RawTree) -> None:
    body: dict[Any, Any] = {"a": {1: "x"}}
    with at("mongodb://127.0.0.1:1") as service, pytest.raises(StoreError, match="pas un texte"):
        service.save_metrics(body, "bikes", DAY)


def test_too_deep_is_refused_before_it_is_sent(raw: RawTree) -> None:
    body: dict[str, Any] = {}
    for _ in range(95):
        body = {"a": body}
    with at("mongodb://127.0.0.1:1") as service, pytest.raises(StoreError, match="niveaux"):
        service.save_metrics(body, "bikes", DAY)


@pytest.mark.parametrize(
    "spoilt", [{"json_gz": b""}, {"json_gz": pack(b"{}")}, {"json_gz": pack(b"[]")}, {"sha256": ""}]
)
def test_what_is_not_the_one_of_its_digest_is_refused(spoilt: dict[str, Any]) -> None:
    document = {"metric_type": "bikes", "date": "2025-11-04", "timestamp": "t", "metrics": {"n": 1}}
    with pytest.raises(
        StoreError,
        match=r"bikes_metrics_2025-11-04 n'est pas dans MongoDB celui de son sha256.*make process DATE=2025-11-04",
    ):
        from_mongo(to_mongo(document, "") | spoilt)


def test_a_document_of_somebody_else_is_named(service: MongodbService, mongo: MongoServer) -> None:
    mongo.client[mongo.database]["metrics"].insert_one({"metric_type": "bikes", "date": "hier", "metrics": {}})
    with pytest.raises(StoreError, match="hier"):
        service.list_available_dates("bikes")
    mongo.client[mongo.database]["metrics"].insert_one({"metric_type": "bikes", "date": DAY.isoformat(), "n": 1})
    with pytest.raises(StoreError, match="n'est pas de CityFlow"):
        service.load_metrics("bikes", DAY)
