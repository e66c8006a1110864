"""The tables and the bucket as they are: what setup_dynamodb_tables.py observes, and how it waits for what it made."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from lib.aws.clients import AwsClients
from lib.aws.errors import aws_errors, error_code
from lib.aws.names import reports_bucket, table_names, wanted_tags
from lib.common.errors import ConfigError, StoreError
from lib.common.settings import Settings
from lib.publish.infrastructure.setup import ALL_BLOCKED, AwsState, BucketState, SetupStep, TableState

log = logging.getLogger(__name__)

READY_TIMEOUT = 180  # s; AWS makes a table in about ten seconds
READY_INTERVAL = 2.0  # s between two looks

# What AWS answers to a change of a table that it has just made and that still settles down.
_SETTLING = {"ContinuousBackupsUnavailableException", "ResourceInUseException"}


def read_state(clients: AwsClients, settings: Settings) -> AwsState:
    """Observe both tables and the bucket; ConfigError where a right is missing or the bucket is another's."""
    tagged = bool(wanted_tags(settings))  # else no right to read tags is needed
    tables = {kind: _table(clients.dynamodb, name, tagged) for kind, name in table_names(settings).items()}
    return AwsState(tables, _bucket(clients.s3, reports_bucket(settings), tagged))


def carry_out(clients: AwsClients, step: SetupStep) -> None:
    """Send a step's request, and for a table wait until it is ACTIVE. StoreError when AWS takes too long."""
    call = getattr(getattr(clients, step.service), step.operation)
    with aws_errors(step.target), _bucket_name_taken(step.target):
        if step.operation == "create_table":
            call(**step.request)
        else:
            _patiently(step.target, lambda: call(**step.request))
        if step.operation in ("create_table", "update_table"):
            name = step.request["TableName"]
            _until(step.target, lambda: _status(clients.dynamodb, name) == "ACTIVE")


def _table(client: Any, name: str, tagged: bool) -> TableState:
    with aws_errors(f"table {name}"):
        try:
            table = client.describe_table(TableName=name)["Table"]
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return TableState()
            raise
        if table["TableStatus"] != "ACTIVE":
            _until(f"table {name}", lambda: _status(client, name) == "ACTIVE")
        ttl = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        pages = client.get_paginator("list_tags_of_resource").paginate(ResourceArn=table["TableArn"]) if tagged else ()
        tags = [tag for page in pages for tag in page["Tags"]]
    types = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    return TableState(
        exists=True,
        keys={key["AttributeName"]: (key["KeyType"], types[key["AttributeName"]]) for key in table["KeySchema"]},
        on_demand=table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST",
        ttl=ttl.get("AttributeName", "") if ttl["TimeToLiveStatus"] in ("ENABLED", "ENABLING") else "",
        indexes=tuple(index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])),
        arn=table["TableArn"],
        tags=_tags(tags),
        recovery=backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED",
    )


def _bucket(client: Any, name: str, tagged: bool) -> BucketState:
    try:
        head = client.head_bucket(Bucket=name)
    except ClientError as error:
        return _no_head(error, name)
    with aws_errors(f"bucket {name}"):
        blocked = _or_none(lambda: client.get_public_access_block(Bucket=name), "NoSuchPublicAccessBlockConfiguration")
        encryption = _or_none(
            lambda: client.get_bucket_encryption(Bucket=name), "ServerSideEncryptionConfigurationNotFoundError"
        )
        versioning = client.get_bucket_versioning(Bucket=name)
        rules = _or_none(lambda: client.get_bucket_lifecycle_configuration(Bucket=name), "NoSuchLifecycleConfiguration")
        tags = _or_none(lambda: client.get_bucket_tagging(Bucket=name), "NoSuchTagSet") if tagged else None
    return BucketState(
        exists=True,
        region=head.get("BucketRegion", ""),
        public_blocked=blocked is not None and blocked["PublicAccessBlockConfiguration"] == ALL_BLOCKED,
        encrypted=encryption is not None,
        kms_key=_kms_key(encryption),
        versioned=versioning.get("Status") == "Enabled",
        lifecycle=tuple(rules["Rules"]) if rules else (),
        tags=_tags(tags["TagSet"] if tags else []),
    )


def _tags(found: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found}


def _kms_key(encryption: dict[str, Any] | None) -> str:
    rules = encryption["ServerSideEncryptionConfiguration"]["Rules"] if encryption else []
    return next((one["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID", "") for one in rules), "")


def _no_head(error: ClientError, name: str) -> BucketState:
    """Interpret a refused HEAD by its status alone: it has no body."""
    code = error_code(error)
    if code == "404":
        return BucketState()
    if code == "301":
        headers = error.response["ResponseMetadata"]["HTTPHeaders"]
        return BucketState(exists=True, region=headers.get("x-amz-bucket-region", "inconnue"))
    if code == "403":
        raise ConfigError(
            f"bucket {name} : il appartient à un autre compte, ou le droit s3:ListBucket manque.",
            "Choisir un autre S3_REPORTS_BUCKET, ou voir : python setup_dynamodb_tables.py --show-policy",
        ) from error
    with aws_errors(f"bucket {name}"):
        raise error


@contextmanager
def _bucket_name_taken(target: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error_code(error) != "BucketAlreadyExists":
            raise
        raise ConfigError(
            f"{target} : ce nom est pris par un autre compte AWS.", "Choisir un autre S3_REPORTS_BUCKET."
        ) from error


def _or_none(ask: Callable[[], dict[str, Any]], absent: str) -> dict[str, Any] | None:
    try:
        return ask()
    except ClientError as error:
        if error_code(error) == absent:
            return None
        raise


def _status(client: Any, name: str) -> str:
    return str(client.describe_table(TableName=name)["Table"]["TableStatus"])


def _patiently(target: str, call: Callable[[], object]) -> None:
    """Send a request again while the table settles down."""

    def accepted() -> bool:
        try:
            call()
        except ClientError as error:
            if error_code(error) not in _SETTLING:
                raise
            return False
        return True

    _until(target, accepted)


def _until(target: str, ready: Callable[[], bool]) -> None:
    deadline, announced = time.monotonic() + READY_TIMEOUT, False
    while not ready():
        if not announced:
            log.info("%s : attente d'AWS, %d s au plus…", target, READY_TIMEOUT)
            announced = True
        if time.monotonic() > deadline:
            raise StoreError(
                f"{target} : toujours pas prête après {READY_TIMEOUT} s.", "Relancer : make setup-aws continue."
            )
        time.sleep(READY_INTERVAL)
