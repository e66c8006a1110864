"""What publishing one document takes: a local document and what AWS has of it, to signs and requests. Pure.

Signs: + new, * changed, = same, ! not publishable, ? unknown (AWS was not asked). The requests of an Action are those
that the upload sends, in their order (see steps.py): objects whose keys hold their content's digest, then the item that
points to them, then the keys that people read. Until these are written the item is marked (`publication`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lib.aws.names import REPORT_INDEX_KEY, reports_bucket, table_names
from lib.common.settings import Settings
from lib.publish.asking import Request
from lib.publish.local_documents import DocumentFile, Files, LocalDocument
from lib.publish.remote import (
    ABSENT,
    CLAIM,
    FILE,
    LIFE,
    Remote,
    claim_of,
    condition_on,
    identity_of,
    is_under_way,
    item_key,
    remote_of,
)
from lib.publish.report_objects import (
    ASK_EACH_TIME,
    Readable,
    is_ours,
    pointed,
    put_request,
    readables,
    stored_form,
)
from lib.stores.dynamodb_items import (
    RETENTION,
    Item,
    item_size,
    object_key,
    shared_content,
    sized_item,
)
from lib.stores.dynamodb_values import AttributeValue

RENEWED_BELOW = RETENTION / 2  # of life left: renewing costs a write, made once in half a year, not at each upload


@dataclass(frozen=True)
class Action:
    """What is to be done about a document, and why where it is not plain."""

    sign: str
    source: DocumentFile
    reason: str = ""
    objects: tuple[Request, ...] = ()
    item: Request | None = None
    readable: tuple[tuple[Readable, Request], ...] = ()
    stands: Remote = ABSENT  # what AWS has once `item` is written

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
        identity = identity_of(digests)
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
