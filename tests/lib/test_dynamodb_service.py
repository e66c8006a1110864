"""DynamoDB and S3: the order of writes, the rights that are needed, and what is said when something is not there."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

import upload_to_aws
from lib.common.errors import ConfigError, StoreError
from lib.common.settings import load_settings
from lib.dynamodb_service import DynamodbService
from lib.local_file_service import LocalFileService
from lib.publish.infrastructure.policy import upload_policy
from lib.stores.documents import content_sha256
from lib.stores.dynamodb_values import from_value
from tests.conftest import Ran, RawTree
from tests.support.aws_server import BUCKET, TOKEN, AwsServer
from tests.support.fault_proxy import Fault, FaultProxy

DAY = date(2025, 11, 4)
BIG: dict[str, Any] = {
    "global_metrics": {"total": 1.0},
    "metrics": [{"identifiant_arc": str(arc), "libelle": "Boulevard_Périphérique" * 8} for arc in range(3000)],
}


@pytest.fixture
def service(raw: RawTree, aws: AwsServer) -> Iterator[DynamodbService]:
    with DynamodbService(load_settings()) as opened:
        yield opened


def test_a_large_document_is_in_s3_and_its_summary_points_there(service: DynamodbService, aws: AwsServer) -> None:
    service.save_metrics(BIG, "comptages", DAY)
    (item,) = aws.items("cityflow-metrics")
    (key,) = aws.objects()
    assert item["metrics_s3"]["S"] == f"s3://{BUCKET}/{key}"
    assert item["sha256"]["S"] == content_sha256({"metric_type": "comptages", "date": "2025-11-04", "metrics": BIG})
    assert from_value(item["metrics"]) == {"global_metrics": {"total": 1.0}}
    assert aws.clients.s3.head_object(Bucket=BUCKET, Key=key)["ContentType"] == "application/gzip"


def test_a_new_version_never_touches_what_the_former_item_points_to(service: DynamodbService, aws: AwsServer) -> None:
    service.save_metrics(BIG, "comptages", DAY)
    (former,) = aws.items("cityflow-metrics")
    service.save_metrics(BIG | {"n": 2}, "comptages", DAY)
    assert len(aws.objects()) == 2
    aws.clients.dynamodb.put_item(TableName="cityflow-metrics", Item=former)  # as if the second run had been cut short
    assert service.load_metrics("comptages", DAY) == BIG


@pytest.mark.parametrize("body", [BIG, {"global_metrics": {"total": 1.0}}], ids=["in S3", "in the item"])
def test_a_figure_changed_in_the_table_is_refused_until_it_is_published_again(
    service: DynamodbService, aws: AwsServer, raw: RawTree, run: Callable[..., Ran], body: dict[str, Any]
) -> None:
    LocalFileService(raw.output).save_metrics(body, "comptages", DAY)
    assert run(upload_to_aws.main).code == 0
    aws.clients.dynamodb.update_item(
        TableName="cityflow-metrics",
        Key={"metric_type": {"S": "comptages"}, "date": {"S": DAY.isoformat()}},
        UpdateExpression="SET #metrics.global_metrics.#total = :other",
        ExpressionAttributeNames={"#metrics": "metrics", "#total": "total"},
        ExpressionAttributeValues={":other": {"N": "2"}},
    )
    said = "« metrics » de comptages_metrics_2025-11-04 a été modifié dans DynamoDB, hors de CityFlow"
    with pytest.raises(StoreError, match=f"{said}.*make check-upload REPAIR=1"):
        service.load_metrics("comptages", DAY)
    with pytest.raises(StoreError, match=said):
        service.query_metrics_by_date_range("comptages", DAY, DAY)
    ran = run(upload_to_aws.main, "--check")
    assert (ran.code, said in ran.err) == (1, True)
    assert run(upload_to_aws.main, "--force").code == 0
    assert service.load_metrics("comptages", DAY) == body
    assert run(upload_to_aws.main, "--check").code == 0


def test_without_the_object_nothing_is_invented(service: DynamodbService, aws: AwsServer) -> None:
    service.save_metrics(BIG, "comptages", DAY)
    (key,) = aws.objects()
    aws.clients.s3.put_object(Bucket=BUCKET, Key=key, Body=b"not what was put there")
    with pytest.raises(StoreError, match="make check-upload REPAIR=1"):
        service.load_metrics("comptages", DAY)
    aws.clients.s3.delete_object(Bucket=BUCKET, Key=key)
    with pytest.raises(StoreError, match=f"s3://{BUCKET}/{key} .* manque"):
        service.load_metrics("comptages", DAY)


def test_a_missing_bucket_leaves_no_item(raw: RawTree, empty_aws: AwsServer) -> None:
    empty_aws.make_tables()
    with DynamodbService(load_settings()) as service:
        with pytest.raises(ConfigError, match=r"n'existe pas.*make setup-aws"):
            service.save_metrics(BIG, "comptages", DAY)
        assert service.load_metrics("comptages", DAY) is None


def test_a_bucket_is_only_needed_for_large_documents(raw: RawTree, aws: AwsServer) -> None:
    with DynamodbService(replace(load_settings(), s3_reports_bucket="")) as service:
        service.save_metrics({"n": 1}, "bikes", DAY)
        with pytest.raises(ConfigError, match="S3_REPORTS_BUCKET"):
            service.save_metrics(BIG, "comptages", DAY)


def test_days_go_on_past_one_page_of_answers(service: DynamodbService) -> None:
    """DynamoDB answers a query by pages of 1 MB."""
    days = [DAY + timedelta(days=offset) for offset in range(8)]
    body = {"texte": "x" * 300_000}
    for day in days:
        service.save_metrics(body, "bikes", day)
    assert service.list_available_dates("bikes") == days
    found = service.query_metrics_by_date_range("bikes", days[0], days[-1])
    assert [document["date"] for document in found] == [day.isoformat() for day in days]
    assert all(document["metrics"] == body for document in found)


def test_the_rights_to_publish_are_enough_to_save_and_load(raw: RawTree, proxy: FaultProxy, aws: AwsServer) -> None:
    proxy.policy = upload_policy(load_settings())
    with DynamodbService(load_settings()) as service:
        for body in ({"n": 1.0}, BIG, {"n": 2.0}, BIG):
            service.save_metrics(body, "comptages", DAY)
            assert json.dumps(service.load_metrics("comptages", DAY)) == json.dumps(body)
        service.save_report(BIG, DAY)
        assert service.load_report(DAY) == BIG
        assert service.load_report(DAY + timedelta(days=1)) is None
        for key, _ in list(aws.objects().items()):
            aws.clients.s3.delete_object(Bucket=BUCKET, Key=key)
        with pytest.raises(StoreError, match="manque, ou ne peut pas être lu"):
            service.load_report(DAY)


def test_listing_days_names_the_right_it_needs(raw: RawTree, proxy: FaultProxy) -> None:
    proxy.policy = upload_policy(load_settings())
    with DynamodbService(load_settings()) as service:
        service.save_metrics({"n": 1}, "bikes", DAY)
        for ask in (
            lambda: service.list_available_dates("bikes"),
            lambda: service.query_metrics_by_date_range("bikes", DAY, DAY),
            lambda: service.get_latest_metrics("bikes"),
        ):
            with pytest.raises(StoreError, match="dynamodb:Query") as refusal:
                ask()
            assert TOKEN not in str(refusal.value)


def test_nothing_is_sent_that_dynamodb_would_refuse(raw: RawTree, proxy: FaultProxy) -> None:
    with DynamodbService(load_settings()) as service:
        for number in (float("nan"), float("inf")):
            with pytest.raises(StoreError, match="null"):
                service.save_metrics(BIG | {"n": number}, "bikes", DAY)
    assert proxy.asked == []


def test_the_object_goes_before_the_item(raw: RawTree, proxy: FaultProxy, aws: AwsServer) -> None:
    proxy.faults.append(Fault("denied", "dynamodb:PutItem"))
    with DynamodbService(load_settings()) as service:
        with pytest.raises(ConfigError, match="droit manquant"):
            service.save_metrics(BIG, "comptages", DAY)
        assert service.load_metrics("comptages", DAY) is None
        assert len(aws.objects()) == 1
        service.save_metrics(BIG, "comptages", DAY)
        assert service.load_metrics("comptages", DAY) == BIG
    assert len(aws.objects()) == 1


def test_lost_replies_and_throttling_are_asked_again(raw: RawTree, proxy: FaultProxy) -> None:
    proxy.faults += [
        Fault("lost", "dynamodb:PutItem"),
        Fault("throttle", "dynamodb:GetItem"),
        Fault("http_500", "s3:*"),
    ]
    with DynamodbService(load_settings()) as service:
        service.save_metrics(BIG, "comptages", DAY)
        assert service.load_metrics("comptages", DAY) == BIG


def test_what_the_store_saved_upload_finds_unchanged(raw: RawTree, aws: AwsServer, run: Callable[..., Ran]) -> None:
    settings = load_settings()
    with DynamodbService(settings) as service:
        for body, data_type in ((BIG, "comptages"), ({"n": 1.0, "m": -0.0}, "bikes")):
            LocalFileService(settings.output_dir).save_metrics(body, data_type, DAY - timedelta(days=1))
            LocalFileService(settings.output_dir).save_metrics(body, data_type, DAY)
            service.save_metrics(body, data_type, DAY)
        ran = run(upload_to_aws.main, "--type", "metrics", "--json")
        assert ran.code == 0, ran.err
        assert [one["signe"] for one in json.loads(ran.out)["documents"]] == ["+", "+", "=", "="]
        assert service.load_metrics("comptages", DAY - timedelta(days=1)) == BIG
        assert service.list_available_dates("bikes") == [DAY - timedelta(days=1), DAY]


def test_no_credentials_are_said_at_the_first_use(raw: RawTree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with DynamodbService(load_settings()) as service, pytest.raises(ConfigError, match="aucun identifiant AWS"):
        service.load_metrics("bikes", DAY)
