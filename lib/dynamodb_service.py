"""Metrics and reports in two DynamoDB tables, and in S3 those that pass 400 KB.

Loading and saving use GetItem and PutItem (GetObject and PutObject in S3) only, the rights that publishing has; listing
days and ranges needs dynamodb:Query as well. The connection is opened at the first use.
"""

from collections.abc import Iterator
from datetime import date
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from lib.aws.bodies import read_object
from lib.aws.clients import AwsClients, aws_clients
from lib.aws.errors import DENIED, aws_errors, error_code
from lib.aws.names import bucket_and_key, object_url, table_names
from lib.common.errors import StoreError
from lib.common.settings import Settings
from lib.database_service import DatabaseService
from lib.stores.documents import Document, kind_of, known_days
from lib.stores.dynamodb_items import Item, document_of, item_of, pointer, shared_content


class DynamodbService(DatabaseService):
    """The tables and the bucket that the settings name; make setup-aws creates them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _aws(self) -> AwsClients:
        return aws_clients(self._settings)

    def save(self, document: Document) -> None:
        """Put what the item points to first: an interruption leaves the former item, and what that one points to."""
        settings, table = self._settings, table_names(self._settings)[kind_of(document)]
        folder = object_url(settings, "documents") if settings.s3_reports_bucket else ""
        item = item_of(document, settings.now(), folder)
        url = pointer(item)
        if url:
            bucket, key = bucket_and_key(url)
            with aws_errors(url):
                self._aws.s3.put_object(
                    Bucket=bucket,
                    Key=key,
                    Body=shared_content(document),
                    ContentType="application/gzip",
                    ChecksumAlgorithm="SHA256",
                )
        with aws_errors(f"table {table}"):
            self._aws.dynamodb.put_item(TableName=table, Item=item)

    def load(self, keys: dict[str, str]) -> Document | None:
        table, typed = table_names(self._settings)[kind_of(keys)], {name: {"S": value} for name, value in keys.items()}
        with aws_errors(f"table {table}"):
            item = self._aws.dynamodb.get_item(TableName=table, Key=typed, ConsistentRead=True).get("Item")
        return self._document(item) if item else None

    def query_metrics_by_date_range(self, data_type: str, start: date, end: date) -> list[Document]:
        if start > end:
            return []  # DynamoDB calls such a range an error
        condition = "metric_type = :type AND #date BETWEEN :start AND :end"
        values = {":type": data_type, ":start": start.isoformat(), ":end": end.isoformat()}
        return [self._document(item) for item in self._query(condition, values)]

    def list_available_dates(self, data_type: str) -> list[date]:
        items = self._query("metric_type = :type", {":type": data_type}, ProjectionExpression="#date")
        return known_days(item["date"]["S"] for item in items)

    def close(self) -> None:
        for client in self.__dict__.pop("_aws", ()):
            client.close()

    def _document(self, item: Item) -> Document:
        """Read the document of an item, or of the S3 object that it points to."""
        url = pointer(item)
        return document_of(item, self._object(url) if url else None)

    def _object(self, url: str) -> bytes:
        with aws_errors(url):
            try:
                return read_object(self._aws.s3, *bucket_and_key(url))
            except ClientError as error:
                if error_code(error) not in DENIED | {"NoSuchKey"}:
                    raise
                # Without the right to list the bucket, S3 answers "denied" for what does not exist.
                raise StoreError(
                    f"{url} (document de plus de 400 Ko) manque, ou ne peut pas être lu d'ici.",
                    "Le republier : make check-upload REPAIR=1",
                ) from error

    def _query(self, condition: str, values: dict[str, str], **options: Any) -> Iterator[Item]:
        """Yield the items of one type that meet the condition, oldest first, whatever the number of pages."""
        table = self._settings.dynamodb_metrics_table
        with aws_errors(f"table {table}"):
            try:
                pages = self._aws.dynamodb.get_paginator("query").paginate(
                    TableName=table,
                    KeyConditionExpression=condition,
                    ExpressionAttributeNames={"#date": "date"},
                    ExpressionAttributeValues={name: {"S": value} for name, value in values.items()},
                    ConsistentRead=True,
                    **options,
                )
                for page in pages:
                    yield from page["Items"]
            except ClientError as error:
                if error_code(error) not in DENIED:
                    raise
                raise StoreError(
                    f"table {table} : lister des jours demande le droit dynamodb:Query, qui manque ici.",
                    "L'accorder, ou lire les fichiers d'output/ (CITYFLOW_STORE=local_files).",
                ) from error
