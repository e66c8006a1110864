"""What publishing one document takes: a local document and what AWS has of it, to signs and requests. Pure.

Signs: + new, * changed, = same, ! not publishable, ? unknown (AWS was not asked). The writes of an Action are the very
requests that the upload sends, in their order. A report is complete or not there: its objects go first and its item,
which holds their digests, last; an item that is about to be replaced is marked (`publication`) before its objects are,
so that an interruption never leaves an old item beside new objects without a sign of it.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lib.aws.names import KEY_ATTRIBUTES, SORT_KEY, prefixed, reports_bucket, table_names
from lib.common.paris_time import parse_instant
from lib.common.settings import Settings
from lib.publish.local_documents import DocumentFile, Files, LocalDocument, sha256
from lib.stores.documents import pack
from lib.stores.dynamodb_items import POINTERS, RETENTION, Item, item_of, item_size, pointer

CONTENT_TYPES = {
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".gz": "application/gzip",
}
CLAIM = "publication"  # attribute of an item whose objects are being replaced
FILE = "file_sha256"  # attribute: digest of the JSON file's bytes, which spares reading a file that is untouched
LIFE = "ttl"  # attribute: when DynamoDB removes the item
RENEWED_BELOW = RETENTION / 2  # of life left: renewing costs a write, made once in half a year, not at each upload
COMPARED = ("sha256", FILE, "timestamp", "objects", CLAIM, LIFE, *POINTERS)


@dataclass(frozen=True)
class Remote:
    """What AWS has of a document, learned from its item alone. `objects`: suffix -> (url, sha256)."""

    known: bool = True
    exists: bool = False
    digest: str = ""
    file: str = ""
    timestamp: datetime | None = None
    objects: dict[str, tuple[str, str]] = field(default_factory=dict)
    claim: str = ""
    pointer: str = ""
    expires: int | None = field(default=None, compare=False)  # seconds since 1970; None: never


ABSENT = Remote()
UNKNOWN = Remote(known=False)


@dataclass(frozen=True)
class Write:
    """One request to send; `size` is the bytes of the item or object, `destination` its place in words."""

    service: str
    operation: str
    request: dict[str, Any]
    destination: str
    size: int


@dataclass(frozen=True)
class Action:
    """What is to be done about a document, and why where it is not plain."""

    sign: str
    source: DocumentFile
    reason: str = ""
    writes: tuple[Write, ...] = ()


def plan_document(
    local: LocalDocument, remote: Remote, settings: Settings, now: datetime, force: bool = False
) -> Action:
    """Plan the action for one document; StoreError when DynamoDB has no place for some value of it."""
    objects = _objects(local.source, local.files, settings)
    if not force and is_same(local, remote, settings):
        return Action("=", local.source)
    if not force and remote.timestamp and remote.timestamp > local.timestamp:
        return Action(
            "!",
            local.source,
            f"plus récent dans AWS ({remote.timestamp:%Y-%m-%d %H:%M:%S} UTC) que le fichier "
            f"({local.timestamp:%Y-%m-%d %H:%M:%S} UTC) : --force pour l'écraser",
        )
    sign = "?" if not remote.known else "*" if remote.exists else "+"
    return Action(sign, local.source, "", _writes(local, remote, settings, objects, now, force))


def plan_renewal(source: DocumentFile, remote: Remote, settings: Settings, now: datetime) -> Action:
    """Plan the action for a document that AWS has already: none, or RETENTION from now on for its item."""
    if remote.expires is None or remote.expires >= (now + RENEWED_BELOW).timestamp():
        return Action("=", source)
    return Action("=", source, "vie prolongée d'un an", (_renewal(source, remote, settings, now),))


def is_untouched(source: DocumentFile, files: Files, remote: Remote, settings: Settings) -> bool:
    """Tell whether these very bytes were published, valid as they were then. Cheaper than is_same."""
    return remote.file == sha256(files[".json"]) and _is_whole(source, files, remote, settings)


def is_same(local: LocalDocument, remote: Remote, settings: Settings) -> bool:
    """Tell whether AWS has this very content, its timestamp apart, whole and where the settings want it."""
    return remote.digest == local.digest and _is_whole(local.source, local.files, remote, settings)


def remote_of(item: Item | None) -> Remote:
    """Read the state of a document from its item (COMPARED attributes suffice); unknown shapes count as nothing."""
    if item is None:
        return ABSENT
    objects = item.get("objects", {}).get("M", {})
    place = pointer(item)
    return Remote(
        exists=True,
        digest=item.get("sha256", {}).get("S", ""),
        file=item.get(FILE, {}).get("S", ""),
        timestamp=parse_instant(item.get("timestamp", {}).get("S", "")),
        objects={suffix: (_text(one, "url"), _text(one, "sha256")) for suffix, one in objects.items()},
        claim=item.get(CLAIM, {}).get("S", ""),
        pointer=f"s3://{place[0]}/{place[1]}" if place else "",
        expires=int(item[LIFE]["N"]) if "N" in item.get(LIFE, {}) else None,
    )


def item_key(source: DocumentFile) -> Item:
    return {KEY_ATTRIBUTES[source.kind]: {"S": source.key}, SORT_KEY: {"S": source.day_text}}


def _text(attribute: dict[str, Any], name: str) -> str:
    return str(attribute.get("M", {}).get(name, {}).get("S", ""))


def _is_whole(source: DocumentFile, files: Files, remote: Remote, settings: Settings) -> bool:
    """Tell whether the objects beside an item are those of these files; the JSON's digest is compared elsewhere."""
    place = f"s3://{reports_bucket(settings)}/{prefixed(settings, '')}"
    return (
        remote.exists
        and not remote.claim
        and _but_json(remote.objects) == _but_json(_objects(source, files, settings))
        and (not remote.pointer or remote.pointer.startswith(place))
    )


def _but_json(objects: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    return {suffix: (url, "" if suffix == ".json" else digest) for suffix, (url, digest) in objects.items()}


def _objects(source: DocumentFile, files: Files, settings: Settings) -> dict[str, tuple[str, str]]:
    """Describe the objects of a report, as Remote.objects; none for metrics."""
    if source.kind != "reports":
        return {}
    folder = f"s3://{reports_bucket(settings)}"
    return {
        suffix: (f"{folder}/{prefixed(settings, source.path.stem + suffix)}", sha256(content))
        for suffix, content in files.items()
    }


def _writes(
    local: LocalDocument,
    remote: Remote,
    settings: Settings,
    objects: dict[str, tuple[str, str]],
    now: datetime,
    force: bool,
) -> tuple[Write, ...]:
    bucket, table = reports_bucket(settings), table_names(settings)[local.source.kind]
    beside = _beside(local, objects)
    item = item_of(local.document, now, bucket, settings.s3_reports_prefix, beside, local.digest)
    claim = _claim(local, objects) if objects and remote.exists else ""
    writes = [_put_object(url, local.files[suffix]) for suffix, (url, _) in objects.items()]
    place = pointer(item)
    if place:
        writes.append(_put_object(f"s3://{place[0]}/{place[1]}", pack(local.files[".json"])))
    if claim:
        writes.insert(0, _mark(local.source, table, claim, remote, force))
    return (*writes, _put_item(local.source, table, item, remote, claim, force))


def _beside(local: LocalDocument, objects: dict[str, tuple[str, str]]) -> Item:
    """Build the attributes that describe the files from which the item was made."""
    attributes: Item = {FILE: {"S": sha256(local.files[".json"])}}
    if objects:
        described = {
            suffix: {"M": {"url": {"S": url}, "sha256": {"S": digest}, "bytes": {"N": str(len(local.files[suffix]))}}}
            for suffix, (url, digest) in objects.items()
        }
        attributes["objects"] = {"M": described}
    return attributes


def _claim(local: LocalDocument, objects: dict[str, tuple[str, str]]) -> str:
    return sha256(" ".join([local.digest, *(digest for _, digest in objects.values())]).encode())


def _put_object(url: str, content: bytes) -> Write:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    request = {
        "Bucket": bucket,
        "Key": key,
        "Body": content,
        "ContentType": CONTENT_TYPES[f".{key.rpartition('.')[2]}"],
        "ChecksumSHA256": base64.b64encode(hashlib.sha256(content).digest()).decode(),
    }
    return Write("s3", "put_object", request, url, len(content))


def _put_item(source: DocumentFile, table: str, item: Item, remote: Remote, claim: str, force: bool) -> Write:
    request: dict[str, Any] = {"TableName": table, "Item": item}
    if not force:
        request |= condition_on(remote, claim)
    return Write("dynamodb", "put_item", request, place_of(table, source), item_size(item))


def _mark(source: DocumentFile, table: str, claim: str, remote: Remote, force: bool) -> Write:
    """Mark the old item: its objects are being replaced."""
    request: dict[str, Any] = {"TableName": table, "Key": item_key(source)}
    condition = {} if force else condition_on(remote, "")
    values = {**condition.pop("ExpressionAttributeValues", {}), ":claim": {"S": claim}}
    names = {**condition.pop("ExpressionAttributeNames", {}), "#claim": CLAIM}
    request |= condition | {
        "UpdateExpression": "SET #claim = :claim",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
    return Write("dynamodb", "update_item", request, f"{place_of(table, source)} (marque)", len(CLAIM) + len(claim))


def _renewal(source: DocumentFile, remote: Remote, settings: Settings, now: datetime) -> Write:
    """Prolong the life of the item that was compared, and change nothing else of it."""
    table, condition = table_names(settings)[source.kind], condition_on(remote, "")
    life = {"N": str(int((now + RETENTION).timestamp()))}
    request = condition | {
        "TableName": table,
        "Key": item_key(source),
        "UpdateExpression": "SET #life = :life",
        "ExpressionAttributeNames": {**condition["ExpressionAttributeNames"], "#life": LIFE},
        "ExpressionAttributeValues": {**condition["ExpressionAttributeValues"], ":life": life},
    }
    return Write("dynamodb", "update_item", request, f"{place_of(table, source)} (durée de vie)", 0)


def condition_on(remote: Remote, claim: str) -> dict[str, Any]:
    """Require that the item is still the one compared, and that nobody else has begun to replace it."""
    if not remote.exists:
        return {"ConditionExpression": "attribute_not_exists(#day)", "ExpressionAttributeNames": {"#day": SORT_KEY}}
    clauses, names, values = ["attribute_not_exists(#digest)"], {"#digest": "sha256"}, {}
    if remote.digest:
        clauses, values = ["#digest = :seen"], {":seen": {"S": remote.digest}}
    if claim:
        clauses.append("#claim = :claim")
        names["#claim"], values[":claim"] = CLAIM, {"S": claim}
    condition: dict[str, Any] = {"ConditionExpression": " AND ".join(clauses), "ExpressionAttributeNames": names}
    return condition | ({"ExpressionAttributeValues": values} if values else {})


def place_of(table: str, source: DocumentFile) -> str:
    return f"dynamodb {table} {source.key}/{source.day_text}"
