"""A stored document as one DynamoDB item and back: the format that the DynamoDB store and upload share.

Pure functions: nothing is sent here.

An item has the two keys (metric_type or report_id, and date), `timestamp`, the body as a map (`metrics` or `report`),
`sha256` of the content, `ttl`, and where they say something `float_paths`, `exact_numbers` and `key_order` (see
lib/stores/document_notes). Items are in the form of the low-level client: {"date": {"S": "2025-11-04"}, …}.

An item that would pass 400 KB keeps a summary in `metrics` (`report`): all but the longest lists, whose names stand in
`omitted`. `metrics_s3` (`report_s3`) then says where the whole document lies: s3://bucket/key, gzipped JSON. The key
holds the digest of the content, so that an item never points at the content of another version.
"""

import gzip
import json
from datetime import datetime, timedelta
from typing import Any

from lib.common.errors import ConfigError, StoreError
from lib.stores.document_notes import Notes, notes_of, restored
from lib.stores.document_summary import names_of, without_largest
from lib.stores.documents import Document, content_sha256
from lib.stores.dynamodb_values import AttributeValue, from_value, is_held, size_of, size_up_to, to_value, value_size

LIMIT = 409_600  # bytes of an item, names and values (400 KB)
RETENTION = timedelta(days=365)

Item = dict[str, AttributeValue]


def item_of(
    document: Document,
    now: datetime,
    bucket: str = "",
    prefix: str = "",
    beside: Item | None = None,
    digest: str = "",
) -> Item:
    """The item of a document: whole where it fits, else its summary pointing to S3 (see `pointer`).

    `beside` are attributes of the caller's own, which count in the size; `digest` is content_sha256 where it is known.
    ConfigError when the document does not fit and `bucket` is not set; StoreError for what DynamoDB cannot hold.
    """
    digest = digest or content_sha256(document)
    # A large body is measured once, part by part, and no further than matters: that is most of the work.
    sizes = {id(part): size_up_to(part, LIMIT) for part in document[_body(document)].values()}
    if sum(sizes.values()) <= LIMIT:
        item = _item(document, digest, now) | (beside or {})
        if item_size(item) <= LIMIT:
            return item
    if not bucket:
        raise ConfigError(
            f"{_name(document)} dépasse la limite de DynamoDB ({LIMIT // 1024} Ko) et S3_REPORTS_BUCKET est vide.",
            "Indiquer un bucket : option, environnement ou .env.",
        )
    url = f"s3://{bucket}/{object_key(document, digest, prefix)}"
    return _summary(document, digest, now, url, beside or {}, sizes)


def document_of(item: Item) -> Document:
    """The document of a whole item; of a summary (see `pointer`), what stayed of it."""
    try:
        key, body = next(pair for pair in BODIES.items() if pair[0] in item)
        names = {name: item[name]["S"] for name in (key, "date", "timestamp")}
        return names | {body: restored(from_value(item[body]), body, _notes(item))}
    except (KeyError, StopIteration) as error:
        raise StoreError(f"élément DynamoDB incomplet ({error}).", "Le republier : make upload FORCE=1.") from error


def pointer(item: Item) -> tuple[str, str] | None:
    """Bucket and key of the whole document, where the item is only a summary."""
    url = next((item[name]["S"] for name in POINTERS if name in item), None)
    if url is None:
        return None
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def object_key(document: Document, digest: str, prefix: str) -> str:
    """Where the whole of a large document lies in the bucket."""
    folder = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    return f"{folder}documents/{_name(document)}.{digest[:16]}.json.gz"


def pack(content: bytes) -> bytes:
    """The JSON of a whole document as it is put in S3; the same bytes for the same document."""
    return gzip.compress(content, compresslevel=6, mtime=0)


def unpack(content: bytes, item: Item) -> Document:
    """The document of an S3 object; StoreError unless it is the very one that the item points to."""
    try:
        document = json.loads(gzip.decompress(content))
        whole = content_sha256(document) == item["sha256"]["S"]
    except (OSError, EOFError, ValueError, AttributeError, KeyError) as error:
        raise StoreError(f"objet S3 illisible ({error}).", "Le republier : make upload FORCE=1.") from error
    if not whole:
        raise StoreError(
            f"l'objet S3 de {_name(document)} n'est pas celui que l'élément DynamoDB désigne (sha256 différent).",
            "Le republier : make upload FORCE=1.",
        )
    return document


def item_size(item: Item) -> int:
    """Bytes of an item by DynamoDB's rules: UTF-8 names and values."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


BODIES = {"metric_type": "metrics", "report_id": "report"}  # partition key -> attribute of the body
POINTERS = tuple(f"{body}_s3" for body in BODIES.values())


def _name(document: Document) -> str:
    """The stem of the document's local file."""
    if "report_id" in document:
        return str(document["report_id"])
    return f"{document['metric_type']}_metrics_{document['date']}"


def _body(document: Document) -> str:
    return next(body for key, body in BODIES.items() if key in document)


def _item(document: Document, digest: str, now: datetime) -> Item:
    key, body = next(pair for pair in BODIES.items() if pair[0] in document)
    try:
        content = to_value(document[body])
    except StoreError as error:
        raise StoreError(f"{_name(document)} : {error.message}", error.hint) from error
    item: Item = {name: {"S": document[name]} for name in (key, "date", "timestamp")}
    item |= {body: content, "sha256": {"S": digest}, "ttl": {"N": str(int((now + RETENTION).timestamp()))}}
    notes = notes_of(document[body], body, is_held)
    return item | {name: to_value(note) for name, note in notes._asdict().items() if note}


def _summary(document: Document, digest: str, now: datetime, url: str, beside: Item, sizes: dict[int, int]) -> Item:
    """The largest parts go until the item, measured whole, is under the limit. `sizes`: id of a part -> its bytes.

    A section of which something may stay is measured to its end.
    """

    def size(part: Any) -> int:
        return sizes[id(part)] if id(part) in sizes and not isinstance(part, dict) else size_of(part)

    body = _body(document)
    kept, gone = without_largest(document[body], sum(sizes.values()) - LIMIT, size)
    while True:
        item = _item(document | {body: kept}, digest, now) | beside
        item |= {f"{body}_s3": {"S": url}, "omitted": to_value(names_of(gone))}
        excess = item_size(item) - LIMIT
        if excess <= 0:
            return item
        kept, more = without_largest(kept, excess, size)
        gone += more


def _notes(item: Item) -> Notes:
    blank = Notes([], {}, {})
    return blank._replace(**{name: from_value(item[name]) for name in blank._fields if name in item})
