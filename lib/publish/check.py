"""Whether what is published is whole and is what the local files say: every item and object is read back. No write."""

import threading

from botocore.exceptions import ClientError

from lib.aws.bodies import read_whole
from lib.aws.clients import AwsClients
from lib.aws.errors import DENIED, aws_errors, error_code
from lib.common.errors import StoreError
from lib.common.settings import Settings
from lib.publish.local_documents import DocumentFile, LocalDocument, read_files, sha256, validated
from lib.publish.plan import is_same, remote_of
from lib.publish.run import FATAL, DocumentOutcome, Treat, failures_as_outcomes, get_item
from lib.stores.dynamodb_items import Item, document_of, pointer


def checker(clients: AwsClients, settings: Settings) -> Treat:
    """Make the function that compares a document with its item and its objects, read back whole."""

    def treat(source: DocumentFile, _: threading.Event) -> DocumentOutcome:
        local = validated(source, read_files(source))
        return _compared(clients, settings, local, get_item(clients, settings, source))

    return failures_as_outcomes(treat)


def _compared(clients: AwsClients, settings: Settings, local: LocalDocument, item: Item | None) -> DocumentOutcome:
    if item is None:
        return DocumentOutcome(local.source, "+", "missing", "absent d'AWS")
    remote = remote_of(item)
    if remote.claim:
        return DocumentOutcome(local.source, "!", "damaged", "publication commencée et pas finie")
    damage = _damage(clients, item, remote.objects)
    if damage:
        return DocumentOutcome(local.source, "!", "damaged", damage)
    if not is_same(local, remote, settings):
        return DocumentOutcome(local.source, "*", "different", "le fichier local et AWS diffèrent")
    return DocumentOutcome(local.source, "=", "same")


def _damage(clients: AwsClients, item: Item, objects: dict[str, tuple[str, str]]) -> str:
    """Describe what is wrong with the item or with an object that it describes; empty when all are sound."""
    try:
        place = pointer(item)
        document_of(item, _object(clients, *place) if place else None)
        for url, digest in objects.values():
            bucket, _, key = url.removeprefix("s3://").partition("/")
            if sha256(_object(clients, bucket, key)) != digest:
                return f"{url} n'est pas celui qui a été publié (sha256 différent)"
    except FATAL:
        raise
    except StoreError as error:
        return error.message
    return ""


def _object(clients: AwsClients, bucket: str, key: str) -> bytes:
    """Read an object whole. Without the right to list, S3 answers 403 for one that is absent."""
    with aws_errors(f"bucket {bucket}"):
        try:
            return read_whole(clients.s3.get_object(Bucket=bucket, Key=key)["Body"])
        except ClientError as error:
            if error_code(error) in DENIED | {"NoSuchKey"}:
                raise StoreError(f"s3://{bucket}/{key} est absent (ou le droit s3:GetObject manque)") from error
            raise
