"""What was stored before `json_gz` is read to the last sign. old_items.json is a frozen document, in each old form."""

import contextlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import upload_to_aws
from lib.aws.names import bucket_and_key
from lib.common.errors import StoreError
from lib.common.settings import load_settings
from lib.dynamodb_service import DynamodbService
from lib.local_file_service import LocalFileService
from lib.mongodb_service import MongodbService
from lib.stores.documents import encode, pack
from lib.stores.dynamodb_items import document_of, pointer
from lib.stores.mongodb_documents import from_mongo
from lib.stores.old_items import NOTES, restored
from tests.conftest import Ran, RawTree
from tests.support.aws_server import AwsServer
from tests.support.mongo_server import MongoServer

FROZEN = json.loads(Path(__file__).with_name("old_items.json").read_bytes())
DAY, BODY = date(2025, 11, 4), FROZEN["document"]["metrics"]


def same(one: Any, other: Any) -> bool:
    return json.dumps(one) == json.dumps(other)


def test_an_old_item_of_dynamodb_is_read_exactly() -> None:
    assert set(NOTES) <= set(FROZEN["dynamodb"])
    assert same(document_of(FROZEN["dynamodb"]), FROZEN["document"])


def test_an_old_document_of_mongodb_is_read_exactly() -> None:
    assert "exact_numbers" in FROZEN["mongodb"]
    assert same(from_mongo(FROZEN["mongodb"]), FROZEN["document"])


def test_a_key_added_by_hand_is_read_as_it_stands() -> None:
    assert same(restored({"a": 2, "b": 1, "c": 3}, "m", {"key_order": {"m": ["b", "a"]}}), {"b": 1, "a": 2, "c": 3})


@pytest.mark.parametrize("name", NOTES)
@pytest.mark.parametrize("value", [True, 5, "texte", [{}], {"/metrics/*": 3}, [["a"]]])
def test_foreign_notes_are_refused_or_change_nothing(name: str, value: Any) -> None:
    stored = FROZEN["mongodb"] | {name: value}
    with contextlib.suppress(StoreError):
        from_mongo(stored)
    with contextlib.suppress(ValueError):
        restored(BODY, "metrics", {name: value})


def test_without_notes_the_map_is_the_document() -> None:
    assert same(restored({"b": [1, 2.5], "a": {}}, "m", {}), {"b": [1, 2.5], "a": {}})


def test_upload_compares_old_items_and_renews_their_form_when_it_writes(
    raw: RawTree, aws: AwsServer, run: Callable[..., Ran]
) -> None:
    item = FROZEN["dynamodb"] | {"ttl": {"N": "9999999999"}}
    aws.clients.dynamodb.put_item(TableName="cityflow-metrics", Item=item)
    LocalFileService(raw.output).save_metrics(BODY, "bikes", DAY)
    assert run(upload_to_aws.main, "--check").code == 0
    assert "publiés 0, identiques 1," in run(upload_to_aws.main).out
    assert "json_gz" not in aws.items("cityflow-metrics")[0]
    with DynamodbService(load_settings()) as service:
        assert same(service.load_metrics("bikes", DAY), BODY)
        assert run(upload_to_aws.main, "--force").code == 0
        assert same(service.load_metrics("bikes", DAY), BODY)
    (renewed,) = aws.items("cityflow-metrics")
    assert "json_gz" in renewed
    assert not set(NOTES) & set(renewed)
    assert run(upload_to_aws.main, "--check").code == 0


def test_an_old_summary_of_dynamodb_is_compared_and_followed(
    raw: RawTree, aws: AwsServer, run: Callable[..., Ran]
) -> None:
    item = FROZEN["dynamodb_summary"] | {"ttl": {"N": "9999999999"}}
    bucket, key = bucket_and_key(pointer(item))
    LocalFileService(raw.output).save(FROZEN["document"])
    aws.clients.s3.put_object(Bucket=bucket, Key=key, Body=pack(encode(FROZEN["document"])))
    aws.clients.dynamodb.put_item(TableName="cityflow-metrics", Item=item)
    assert run(upload_to_aws.main, "--check").code == 0
    assert "publiés 0, identiques 1," in run(upload_to_aws.main).out
    with DynamodbService(load_settings()) as service:
        assert same(service.load_metrics("bikes", DAY), BODY)
        changed = item | {"metrics": {"M": item["metrics"]["M"] | {"total_jour": {"N": "1"}}}}
        aws.clients.dynamodb.put_item(TableName="cityflow-metrics", Item=changed)
        with pytest.raises(StoreError, match="modifié dans DynamoDB"):
            service.load_metrics("bikes", DAY)


def test_an_old_summary_of_mongodb_is_followed(raw: RawTree, mongo: MongoServer) -> None:
    mongo.client[mongo.database]["metrics"].insert_one(dict(FROZEN["mongodb_summary"]))
    with MongodbService(load_settings()) as service:
        with pytest.raises(StoreError, match=r"metrics/bikes_metrics_2025-11-04.json d'OUTPUT_DIR n'est pas"):
            service.load_metrics("bikes", DAY)
        LocalFileService(raw.output).save(FROZEN["document"])
        assert same(service.load_metrics("bikes", DAY), BODY)


def test_check_sees_that_an_old_item_was_changed(raw: RawTree, aws: AwsServer, run: Callable[..., Ran]) -> None:
    figures = FROZEN["dynamodb"]["metrics"]["M"] | {"total_jour": {"N": "1"}}
    aws.clients.dynamodb.put_item(TableName="cityflow-metrics", Item=FROZEN["dynamodb"] | {"metrics": {"M": figures}})
    LocalFileService(raw.output).save_metrics(BODY, "bikes", DAY)
    ran = run(upload_to_aws.main, "--check")
    assert ran.code == 1
    assert "l'élément DynamoDB n'est pas celui de son sha256" in ran.err
    with DynamodbService(load_settings()) as service, pytest.raises(StoreError, match="make check-upload REPAIR=1"):
        service.load_metrics("bikes", DAY)


@pytest.mark.parametrize("form", ["mongodb", "document"])  # the latter: as without a number beyond 64 bits
def test_mongodb_loads_the_old_form_and_replaces_it(raw: RawTree, mongo: MongoServer, form: str) -> None:
    stored = FROZEN["mongodb"] if form == "mongodb" else FROZEN["document"] | {"metrics": {"n": 1.0}}
    mongo.client[mongo.database]["metrics"].insert_one(dict(stored))
    with MongodbService(load_settings()) as service:
        assert same(service.load_metrics("bikes", DAY), BODY if form == "mongodb" else {"n": 1.0})
        service.save_metrics(BODY, "bikes", DAY)
        assert same(service.load_metrics("bikes", DAY), BODY)
    (renewed,) = mongo.documents("metrics")
    assert "json_gz" in renewed
    assert not set(NOTES) & set(renewed)
