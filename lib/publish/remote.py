"""What AWS has of a document, as its item says it, and requests that read it or hold on to what was compared."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from lib.aws.names import KEY_ATTRIBUTES, SORT_KEY, table_names
from lib.common.paris_time import parse_instant
from lib.common.settings import Settings
from lib.publish.asking import Request
from lib.publish.local_documents import COMPANIONS, DocumentFile
from lib.publish.report_objects import Objects, sha256
from lib.stores.dynamodb_items import POINTERS, Item, pointer
from lib.stores.dynamodb_values import AttributeValue

# attribute: the keys that people read may not be those of the item; since when, and the identity of what was written
CLAIM = "publication"
FILE = "file_sha256"  # attribute: digest of the JSON file's bytes, which spares reading a file that is untouched
LIFE = "ttl"  # attribute: when DynamoDB removes the item
COMPARED = ("sha256", FILE, "timestamp", "objects", CLAIM, LIFE, *POINTERS)
SEEN = ("sha256", "timestamp")  # attributes that tell whether an item is still the one compared

# How long a request of another upload may still be under way after it marked an item: its attempts and their waits.
UNDER_WAY = timedelta(minutes=15)
ADRIFT = "?"  # in place of an identity: an attempt of the upload whose item this is may arrive yet


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


ABSENT = Remote()
UNKNOWN = Remote(known=False)


def remote_of(item: Item | None) -> Remote:
    """Read the state of a document from its item (COMPARED attributes suffice); unknown shapes count as nothing."""
    if item is None:
        return ABSENT
    place = pointer(item)
    return Remote(
        exists=True,
        digest=_text(item, "sha256"),
        file=_text(item, FILE),
        timestamp=parse_instant(_text(item, "timestamp")),
        objects={
            suffix: (_text(one["M"], "url"), _text(one["M"], "sha256"))
            for suffix, one in _map(item, "objects").items()
            if suffix in (".json", *COMPANIONS) and "M" in one
        },
        claim=_text(item, CLAIM),
        pointer=f"s3://{place[0]}/{place[1]}" if place else "",
        expires=_seconds(item.get(LIFE, {}).get("N")),
        seen=tuple(item.get(name) for name in SEEN),
    )


def claim_of(identity: str, now: datetime) -> str:
    return f"{now.isoformat(timespec='seconds')} {identity}"


def claim_again(claim: str, identity: str, now: datetime) -> str:
    """Stamp a claim anew: that of an upload that may still be under way, else one of `identity`."""
    return claim_of(claim.partition(" ")[2] if is_under_way(claim, identity, now) else identity, now)


def is_under_way(claim: str, identity: str, now: datetime) -> bool:
    """Tell whether the upload of a claim may still have a request on its way, with another content than `identity`."""
    since, _, claimed = claim.partition(" ")
    begun = parse_instant(since)
    return begun is not None and claimed != identity and now - begun < UNDER_WAY


def item_key(source: DocumentFile) -> Item:
    return {KEY_ATTRIBUTES[source.kind]: {"S": source.key}, SORT_KEY: {"S": source.day_text}}


def read_item(source: DocumentFile, settings: Settings, whole: bool = False) -> Request:
    """Read an item, consistently; but for `whole` without its body."""
    request: dict[str, Any] = {
        "TableName": table_names(settings)[source.kind],
        "Key": item_key(source),
        "ConsistentRead": True,
    }
    if not whole:
        names = {f"#{rank}": name for rank, name in enumerate(COMPARED)}
        request |= {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
    return Request("dynamodb", "get_item", request)


def condition_on(remote: Remote) -> dict[str, Any]:
    """Require that the item is still the one compared."""
    if not remote.exists:
        return {"ConditionExpression": "attribute_not_exists(#day)", "ExpressionAttributeNames": {"#day": SORT_KEY}}
    clauses: list[str] = []
    values: Item = {}
    for name, seen in zip(SEEN, remote.seen, strict=True):
        clauses.append(f"#{name} = :{name}" if seen else f"attribute_not_exists(#{name})")
        values |= {f":{name}": seen} if seen else {}
    condition = {
        "ConditionExpression": " AND ".join(clauses),
        "ExpressionAttributeNames": {f"#{name}": name for name in SEEN},
    }
    return condition | ({"ExpressionAttributeValues": values} if values else {})


def identity_of(digests: dict[str, str]) -> str:
    return sha256(" ".join(digests[suffix] for suffix in sorted(digests)).encode())[:16]


def _text(attributes: dict[str, Any], name: str) -> str:
    """Return a text; empty for what is of another type, as other programs may have put it."""
    return str(attributes.get(name, {}).get("S", ""))


def _map(attributes: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = attributes.get(name, {}).get("M", {})
    return found


def _seconds(text: str | None) -> int | None:
    try:
        return int(text) if text else None
    except ValueError:
        return None  # a ttl of another program, such as 1.5E9: DynamoDB heeds whole seconds alone
