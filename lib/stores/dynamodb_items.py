"""A stored document as one DynamoDB item and back: the format that the DynamoDB store and upload share.

Pure functions: nothing is sent here.

An item has the two keys (metric_type or report_id, and date), `timestamp`, the body as a map for readers (`metrics` or
`report`), the whole document as gzipped JSON (`json_gz`), from which it is loaded, `sha256` of the content and `ttl`.
An item whose map no longer has the figures of its JSON was changed by another program: it is refused.
Items are in the form of the low-level client: {"date": {"S": "2025-11-04"}, …}.

Where that would pass 400 KB, `metrics_s3` (`report_s3`) takes the place of `json_gz`: it is s3://bucket/key of the same
in S3, without date and timestamp, which the item has. The key holds the digest of the content, so that an item never
points at the content of another version, and days whose content is the same point to one object. Where that is not
enough the map is a summary: all but the longest lists, whose names stand in `omitted`.
"""

from datetime import datetime, timedelta
from typing import Any

from lib.common.errors import ConfigError, StoreError
from lib.stores import old_items
from lib.stores.document_summary import WORTH_MEASURING, fitted
from lib.stores.documents import (
    BODIES,
    EXACT,
    Content,
    Document,
    body_of,
    content_of,
    encode,
    pack,
    shows,
    sound,
    stem_of,
    unpack,
)
from lib.stores.dynamodb_values import AttributeValue, from_value, to_value, value_size

LIMIT = 409_600  # bytes of an item, names and values (400 KB)
SHARED_ROOM = 16_384  # bytes of an item whose content another day has already: a summary, for DynamoDB bills each KB
RETENTION = timedelta(days=365)
POINTERS = tuple(f"{body}_s3" for body in BODIES.values())
_AGAIN = "Le republier : make check-upload REPAIR=1"

Item = dict[str, AttributeValue]


def item_of(document: Document, now: datetime, folder: str = "", **more: Any) -> Item:
    """Build the item of a document (see sized_item)."""
    return sized_item(document, now, folder, **more)[0]


def sized_item(
    document: Document,
    now: datetime,
    folder: str = "",
    beside: Item | None = None,
    content: Content | None = None,
    written: bytes = b"",
    shared: bool = False,
) -> tuple[Item, int]:
    """Build the item of a document: with its JSON where it fits, else pointing into `folder` of S3; and its bytes.

    `beside` are attributes of the caller's own, which count in the size; `content` is content_of the document and
    `written` its JSON, where they are known. What is `shared` with another day points to S3 whatever its size.
    ConfigError when the document does not fit and there is no `folder`; StoreError for what DynamoDB cannot hold.
    """
    name, beside, content = body_of(document), beside or {}, content or content_of(document)
    body = document[name]
    if not shared and sum(content.sizes.values()) <= WORTH_MEASURING * LIMIT:
        item = _item(document, body, content, now) | {EXACT: {"B": pack(written or encode(document))}} | beside
        size = item_size(item)
        if size <= LIMIT:
            return item, size
    if not folder:
        raise ConfigError(
            f"{stem_of(document)} dépasse la limite de DynamoDB ({LIMIT // 1024} Ko) et S3_REPORTS_BUCKET est vide.",
            "Indiquer un bucket : option, environnement ou .env.",
        )
    url = shared_url(document, content, folder)

    def summary(kept: Document, omitted: list[str]) -> Item:
        return _item(document, kept, content, now) | {f"{name}_s3": {"S": url}, "omitted": to_value(omitted)} | beside

    return fitted(body, SHARED_ROOM if shared else LIMIT, summary, item_size, content.sizes)


def document_of(item: Item, content: bytes | None = None) -> Document:
    """Read the document of an item, or of the `content` of the S3 object that the item points to (see `pointer`).

    StoreError unless it is the document of the item's sha256 and has the figures of the item's map.
    """
    names = {name: item[name]["S"] for name in (*BODIES, "date", "timestamp") if "S" in item.get(name, {})}
    packed = item.get(EXACT, {}).get("B") if content is None else content
    try:
        digest, body, _ = item["sha256"]["S"], body_of(names), names["timestamp"]
        shown = from_value(item[body])
        if packed is None:
            notes = {name: from_value(item[name]) for name in old_items.NOTES if name in item}
            return sound(names | {body: old_items.restored(shown, body, notes)}, digest)
        document = unpack(packed, names, digest)
    except (KeyError, StopIteration) as error:
        raise StoreError(f"élément DynamoDB incomplet ({error}).", _AGAIN) from error
    except ValueError as error:
        what = f"l'objet S3 de {stem_of(names)}" if content is not None else "l'élément DynamoDB"
        raise StoreError(f"{what} n'est pas celui de son sha256 ({error}).", _AGAIN) from error
    summary = bool(item.get("omitted", {}).get("L"))
    if not shows(shown, document[body], lambda exact: from_value(to_value(exact)), summary):
        raise StoreError(f"« {body} » de {stem_of(names)} a été modifié dans DynamoDB, hors de CityFlow.", _AGAIN)
    return document


def pointer(item: Item) -> str:
    """Return the address of the S3 object with the exact document, where the item itself does not hold it."""
    return next((str(item[name]["S"]) for name in POINTERS if "S" in item.get(name, {})), "")


def shared_content(document: Document, written: bytes = b"") -> bytes:
    """Pack what an item points to: the document without date and timestamp, the same for days of the same content.

    `written` is the document's JSON, where it is known: its body need not be written again.
    """
    without = {key: value for key, value in document.items() if key not in ("date", "timestamp")}
    head, shorter = ((encode(one | {body_of(one): 0}).removesuffix(b" 0\n}\n")) for one in (document, without))
    return pack(shorter + written[len(head) :] if written.startswith(head) else encode(without))


def shared_url(document: Document, content: Content, folder: str) -> str:
    """Build the address of a document that does not fit into its item."""
    name = "daily_report" if "report_id" in document else f"{document['metric_type']}_metrics"
    return f"{folder}/{name}.{content.body_digest[:16]}.json.gz"


def item_size(item: Item) -> int:
    """Count the bytes of an item by DynamoDB's rules: UTF-8 names and values."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def _item(document: Document, body: Document, content: Content, now: datetime) -> Item:
    try:
        shown = to_value(body)
    except StoreError as error:
        raise StoreError(f"{stem_of(document)} : {error.message}", error.hint) from error
    item: Item = {name: {"S": document[name]} for name in (*BODIES, "date", "timestamp") if name in document}
    life = {"N": str(int((now + RETENTION).timestamp()))}
    return item | {body_of(document): shown, "sha256": {"S": content.digest}, "ttl": life}
