"""What AWS has of a document, as its item says it, and the requests that read it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from lib.aws.errors import PassingError
from lib.aws.names import KEY_ATTRIBUTES, SORT_KEY, bucket_and_key, table_names
from lib.common.errors import StoreError
from lib.common.paris_time import parse_instant
from lib.common.settings import Settings
from lib.publish.asking import Absent, Request, Steps
from lib.publish.local_documents import COMPANIONS, DocumentFile
from lib.publish.report_objects import DAY, DIGEST, NO_OBJECT, Objects, is_ours
from lib.stores.documents import Document, sha256
from lib.stores.dynamodb_items import POINTERS, Item, document_of, pointer
from lib.stores.dynamodb_values import AttributeValue

# attribute: the keys that people read may not be those of the item; since when, and the identity of what was written
CLAIM = "publication"
FILE = "file_sha256"  # attribute: digest of the JSON file's bytes, which spares reading a file that is untouched
LIFE = "ttl"  # attribute: when DynamoDB removes the item
SEEN = ("sha256", "timestamp")  # attributes that tell whether an item is still the one compared
COMPARED = (*SEEN, FILE, "objects", CLAIM, LIFE, *POINTERS)


@dataclass(frozen=True)
class Remote:
    """What AWS has of a document, learned from its item alone. `objects`: suffix -> (url, sha256)."""

    known: bool = True
    exists: bool = False
    digest: str = ""
    file: str = ""
    timestamp: datetime | None = None
    objects: Objects = field(default_factory=dict)
    claim: str = ""
    pointer: str = ""
    expires: int | None = field(default=None, compare=False)  # seconds since 1970; None: never
    seen: tuple[AttributeValue | None, ...] = field(default=(), compare=False)  # SEEN, of whatever type they are

    def digests(self) -> dict[str, str]:
        """Return the digest of each form of the report."""
        return {".json": self.file} | {suffix: digest for suffix, (_, digest) in self.objects.items()}

    @property
    def identity(self) -> str:
        """Name the content of the keys that people read."""
        return identity_of(self.digests())

    def points_elsewhere(self, settings: Settings) -> bool:
        """Tell whether it points to an object that is not where the settings want it."""
        return bool(self.pointer) and not is_ours(self.pointer, settings)


ABSENT = Remote()
UNKNOWN = Remote(known=False)


def remote_of(item: Item | None) -> Remote:
    """Read the state of a document from its item (COMPARED attributes suffice); unknown shapes count as nothing."""
    if item is None:
        return ABSENT
    life = item.get(LIFE, {}).get("N", "")  # that of another program may be 1.5E9: DynamoDB heeds whole seconds alone
    return Remote(
        exists=True,
        digest=_text(item, "sha256"),
        file=_text(item, FILE),
        timestamp=parse_instant(_text(item, "timestamp")),
        objects={
            suffix: (_text(one["M"], "url"), _text(one["M"], "sha256"))
            for suffix, one in item.get("objects", {}).get("M", {}).items()
            if suffix in (".json", *COMPANIONS) and "M" in one
        },
        claim=_text(item, CLAIM),
        pointer=pointer(item),
        expires=int(life) if life.isdecimal() else None,
        seen=tuple(item.get(name) for name in SEEN),
    )


def identity_of(digests: dict[str, str]) -> str:
    return sha256(" ".join(digests[suffix] for suffix in sorted(digests)).encode())[:16]


def item_key(source: DocumentFile) -> Item:
    return {KEY_ATTRIBUTES[source.kind]: {"S": source.key}, SORT_KEY: {"S": source.day_text}}


def read_item(source: DocumentFile, settings: Settings, whole: bool = False) -> Steps[Item | None]:
    """Read an item, consistently; but for `whole` without its body."""
    request = {"TableName": table_names(settings)[source.kind], "Key": item_key(source), "ConsistentRead": True}
    if not whole:
        names = {f"#{rank}": name for rank, name in enumerate(COMPARED)}
        request |= {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
    item: Item | None = (yield Request("dynamodb", "get_item", request)).get("Item")
    return item


def state(source: DocumentFile, settings: Settings) -> Steps[Remote]:
    """Read what AWS has of a document, consistently, without its body."""
    return remote_of((yield from read_item(source, settings)))


def whole_document(item: Item, settings: Settings) -> Steps[Document]:
    """Read the document of an item, or of the object that it points to; StoreError where it is damaged."""
    url = pointer(item)
    content = (yield from read_object(url, settings)) if url else None
    return document_of(item, content)


class Head(NamedTuple):
    """What an object says of itself: its ETag, the sha256 of its content, and the day that it is the page of."""

    etag: str = NO_OBJECT
    digest: str = ""
    day: str = ""


def head(url: str) -> Steps[Head]:
    """Read what an object says of itself; the Head of one that is absent has no digest."""
    bucket, key = bucket_and_key(url)
    try:
        found = yield Request("s3", "head_object", {"Bucket": bucket, "Key": key})
    except Absent:
        return Head()
    return Head(found["ETag"], found["Metadata"].get(DIGEST, ""), found["Metadata"].get(DAY, ""))


def read_object(url: str, settings: Settings) -> Steps[bytes]:
    """Read an object whole; StoreError when it is absent, or elsewhere than the settings say."""
    if not is_ours(url, settings):
        raise StoreError(
            f"{url} n'est pas où les réglages disent de publier", "Le republier : make check-upload REPAIR=1"
        )
    bucket, key = bucket_and_key(url)
    try:
        content: bytes = yield Request("s3", "get_object", {"Bucket": bucket, "Key": key})
    except Absent:
        raise StoreError(f"{url} est absent (ou le droit s3:GetObject manque)") from None
    return content


def damage(url: str, digest: str, settings: Settings) -> Steps[str]:
    """Say what is wrong with an object of a content with this sha256; empty when it is sound."""
    try:
        sound = sha256((yield from read_object(url, settings))) == digest
    except PassingError:
        raise
    except StoreError as error:
        return error.message
    return "" if sound else f"{url} n'est pas celui qui a été publié (sha256 différent)"


def _text(attributes: dict[str, Any], name: str) -> str:
    """Return a text; empty for what is of another type, as other programs may have put it."""
    return str(attributes.get(name, {}).get("S", ""))
