"""What publishing one document takes: a local document and what AWS has of it, to signs and requests. Pure.

Signs: + new, * changed, = same, ! not publishable, ? unknown (AWS was not asked). The requests of an Action are those
that the upload sends, in their order (see steps.py): objects whose keys hold their content's digest, then the item that
points to them, then the keys that people read. Until these are written the item is marked (`publication`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from lib.aws.names import KEY_ATTRIBUTES, REPORT_INDEX_KEY, SORT_KEY, reports_bucket, table_names
from lib.common.paris_time import parse_instant
from lib.common.settings import Settings
from lib.publish.asking import Request
from lib.publish.local_documents import COMPANIONS, DocumentFile, Files, LocalDocument
from lib.publish.report_objects import (
    ASK_EACH_TIME,
    Objects,
    Readable,
    is_ours,
    pointed,
    put_request,
    readables,
    sha256,
    stored_form,
)
from lib.stores.dynamodb_items import (
    POINTERS,
    RETENTION,
    Item,
    item_size,
    object_key,
    pointer,
    shared_content,
    sized_item,
)
from lib.stores.dynamodb_values import AttributeValue

# attribute: the keys that people read may not be those of the item; since when, and the identity of what was written
CLAIM = "publication"
FILE = "file_sha256"  # attribute: digest of the JSON file's bytes, which spares reading a file that is untouched
LIFE = "ttl"  # attribute: when DynamoDB removes the item
RENEWED_BELOW = RETENTION / 2  # of life left: renewing costs a write, made once in half a year, not at each upload
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
        return _identity(self.digests())


ABSENT = Remote()
UNKNOWN = Remote(known=False)


@dataclass(frozen=True)
class Action:
    """What is to be done about a document, and why where it is not plain."""

    sign: str
    source: DocumentFile
    reason: str = ""
    objects: tuple[Request, ...] = ()
    item: Request | None = None
    readable: tuple[tuple[Readable, Request], ...] = ()
    stands: "Remote" = ABSENT  # what AWS has once `item` is written

    @property
    def writes(self) -> tuple[Request, ...]:
        return (*self.objects, *([self.item] if self.item else []), *(request for _, request in self.readable))


@dataclass(frozen=True)
class Wish:
    """What is asked of the upload for one document, and whether its report is the newest one here."""

    force: bool = False
    damaged: bool = False  # what AWS has is known to be damaged: send it again, unless it is newer
    newest: bool = False


def plan_document(
    local: LocalDocument, remote: Remote, settings: Settings, now: datetime, wish: Wish, there: str = ""
) -> Action:
    """Plan the action for one document; StoreError when DynamoDB has no place for some value of it.

    `there` is the address of an object that the bucket has, whatever the item points to.
    """
    again = wish.force or wish.damaged
    if not again and is_same(local, remote, settings):
        return Action("=", local.source)
    same = remote.digest == local.content.digest and _beside(local.files) == _beside_of(remote)
    if not wish.force and not same and remote.timestamp and remote.timestamp > local.timestamp:
        return Action(
            "!",
            local.source,
            f"plus récent dans AWS ({remote.timestamp:%Y-%m-%d %H:%M:%S} UTC) que le fichier "
            f"({local.timestamp:%Y-%m-%d %H:%M:%S} UTC) : --force pour l'écraser",
        )
    sign = "?" if not remote.known else "*" if remote.exists else "+"
    return _sending(sign, local, remote, settings, now, wish, there)


def plan_renewal(source: DocumentFile, remote: Remote, settings: Settings, now: datetime) -> Action:
    """Plan the action for a document that AWS has already: none, or RETENTION from now on for its item."""
    if remote.expires is None or remote.expires >= (now + RENEWED_BELOW).timestamp():
        return Action("=", source)
    life = _life(now)
    item = _update(source, remote, settings, "durée de vie", {LIFE: life})
    return Action("=", source, "vie prolongée d'un an", item=item, stands=replace(remote, expires=int(life["N"])))


def mark(source: DocumentFile, remote: Remote, claim: str, settings: Settings) -> Request:
    """Mark an item: the keys that people read may have been overwritten by the upload of `claim`."""
    return _update(source, remote, settings, "marque", {CLAIM: {"S": claim}})


def release(source: DocumentFile, remote: Remote, settings: Settings) -> Request:
    """Take the mark off an item that is still the one compared: the keys that people read are its own."""
    request = replace(_update(source, remote, settings, "fin", {CLAIM: None}), final=True)
    request.request["ConditionExpression"] += f" AND #{CLAIM} = :claim"
    request.request.setdefault("ExpressionAttributeValues", {})[":claim"] = {"S": remote.claim}
    return request


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


def is_untouched(source: DocumentFile, files: Files, remote: Remote, settings: Settings) -> bool:
    """Tell whether these very bytes were published, valid as they were then. Cheaper than is_same."""
    return remote.file == files.digests[".json"] and _is_whole(source, files, remote, settings)


def is_same(local: LocalDocument, remote: Remote, settings: Settings) -> bool:
    """Tell whether AWS has this very content, its timestamp apart, whole and where the settings want it."""
    return remote.digest == local.content.digest and _is_whole(local.source, local.files, remote, settings)


def has_content(local: LocalDocument, remote: Remote, settings: Settings) -> bool:
    """Tell whether AWS has this very content, in the present or in the former form of items."""
    urls = [url for url, _ in remote.objects.values()] + ([remote.pointer] if remote.pointer else [])
    same = remote.digest == local.content.digest and _beside_of(remote) == _beside(local.files)
    return same and all(is_ours(url, settings) for url in urls)


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


def content_url(local: LocalDocument, settings: Settings) -> str:
    """Name the object of a document whose item does not hold it."""
    key = object_key(local.document, local.content, settings.s3_reports_prefix)
    return f"s3://{reports_bucket(settings)}/{key}"


def _sending(
    sign: str, local: LocalDocument, remote: Remote, settings: Settings, now: datetime, wish: Wish, held: str
) -> Action:
    source, files, again = local.source, local.files, wish.force or wish.damaged
    digests = _digests(source, files)
    objects = pointed(source.path.stem, digests, settings)
    beside: Item = {FILE: {"S": files.digests[".json"]}}
    if digests:
        identity = _identity(digests)
        overtaken = is_under_way(remote.claim, identity, now)
        beside |= {
            "objects": {"M": {suffix: _described(place, len(files[suffix])) for suffix, place in objects.items()}},
            CLAIM: {"S": remote.claim if overtaken else claim_of(identity, now)},
            REPORT_INDEX_KEY: {"S": "daily_report"},
        }
    there = set() if again else {url for url, _ in remote.objects.values()} | {remote.pointer, held}
    forms = {suffix: stored_form(suffix, files[suffix], digest) for suffix, digest in digests.items()}
    new = {url: forms[suffix] for suffix, (url, _) in objects.items() if url not in there}
    if digests and not again and _has_json(local, remote, settings):
        item = _update(source, remote, settings, "page", beside | {LIFE: _life(now)})
        stands = replace(remote, objects=objects, claim=beside[CLAIM]["S"], expires=int(_life(now)["N"]))
    else:
        whole, size = sized_item(
            local.document,
            now,
            reports_bucket(settings),
            settings.s3_reports_prefix,
            beside,
            local.content,
            written=files[".json"],
            shared=local.unchanged,
        )
        item, stands = _put_item(source, whole, size, remote, settings, wish.force), remote_of(whole)
        if stands.pointer and stands.pointer not in there:
            content = shared_content(local.document, files[".json"])
            new[stands.pointer] = stored_form(".gz", content, local.content.body_digest)
    readable = readables(source.path.stem, digests, settings, source.day_text if wish.newest else "")
    return Action(
        sign,
        source,
        objects=tuple(put_request(url, form, settings) for url, form in new.items()),
        item=item,
        stands=stands,
        readable=tuple((one, put_request(one.url, forms[one.suffix], settings, ASK_EACH_TIME)) for one in readable),
    )


def _has_json(local: LocalDocument, remote: Remote, settings: Settings) -> bool:
    """Tell whether AWS has these very bytes of the JSON, in the present form and where the settings want it."""
    return (
        remote.digest == local.content.digest
        and remote.file == local.files.digests[".json"]
        and bool(remote.objects)
        and ".json" not in remote.objects
        and (not remote.pointer or is_ours(remote.pointer, settings))
    )


def _digests(source: DocumentFile, files: Files) -> dict[str, str]:
    """Return the digest of each form of a report; none for metrics."""
    return files.digests if source.kind == "reports" else {}


def _beside(files: Files) -> dict[str, str]:
    return {suffix: digest for suffix, digest in files.digests.items() if suffix != ".json"}


def _beside_of(remote: Remote) -> dict[str, str]:
    return {suffix: digest for suffix, (_, digest) in remote.objects.items() if suffix != ".json"}


def _is_whole(source: DocumentFile, files: Files, remote: Remote, settings: Settings) -> bool:
    """Tell whether the objects beside an item are those of these files, in the present form."""
    return (
        remote.exists
        and remote.objects == pointed(source.path.stem, _digests(source, files), settings)
        and (not remote.pointer or is_ours(remote.pointer, settings))
    )


def _described(place: tuple[str, str], size: int) -> AttributeValue:
    url, digest = place
    return {"M": {"url": {"S": url}, "sha256": {"S": digest}, "bytes": {"N": str(size)}}}


def _put_item(source: DocumentFile, item: Item, size: int, remote: Remote, settings: Settings, force: bool) -> Request:
    table = table_names(settings)[source.kind]
    request: dict[str, Any] = {"TableName": table, "Item": item}
    if not force:
        request |= condition_on(remote)
    return Request("dynamodb", "put_item", request, _place(table, source), size)


def _update(
    source: DocumentFile, remote: Remote, settings: Settings, words: str, values: Mapping[str, AttributeValue | None]
) -> Request:
    """Set attributes of the item that was compared (or remove it, for None), and nothing else of it."""
    table, request = table_names(settings)[source.kind], condition_on(remote)
    new: Item = {name: value for name, value in values.items() if value}
    request |= {
        "TableName": table,
        "Key": item_key(source),
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in new) if new else f"REMOVE #{CLAIM}",
        "ExpressionAttributeNames": request["ExpressionAttributeNames"] | {f"#{name}": name for name in values},
    }
    if new:
        given = {f":{name}": value for name, value in new.items()}
        request["ExpressionAttributeValues"] = request.get("ExpressionAttributeValues", {}) | given
    return Request("dynamodb", "update_item", request, f"{_place(table, source)} ({words})", item_size(new))


def _life(now: datetime) -> AttributeValue:
    return {"N": str(int((now + RETENTION).timestamp()))}


def _place(table: str, source: DocumentFile) -> str:
    return f"dynamodb {table} {source.key}/{source.day_text}"


def _identity(digests: dict[str, str]) -> str:
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
