"""What publishing one document takes: a local document and what AWS has of it, to signs and requests. Pure.

Signs: + new, * changed, = same, ! not publishable, ? unknown (AWS was not asked). The requests of an Action are those
that the upload sends, in their order (see steps.py): objects whose keys hold their content's digest, then the item that
points to them, then the keys that people read. Until these are written the item is marked (`publication`).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from lib.aws.names import REPORT_INDEX_KEY, SORT_KEY, object_url, table_names
from lib.common.paris_time import parse_instant
from lib.common.settings import Settings
from lib.publish.asking import Request
from lib.publish.local_documents import DocumentFile, Files, LocalDocument
from lib.publish.remote import ABSENT, CLAIM, FILE, LIFE, SEEN, Remote, identity_of, item_key, remote_of
from lib.publish.report_objects import ASK_EACH_TIME, Readable, pointed, put_request, readables, stored_form
from lib.stores.dynamodb_items import RETENTION, Item, item_size, shared_content, shared_url, sized_item

RENEWED_BELOW = RETENTION / 2  # of life left: renewing costs a write, made once in half a year, not at each upload
# How long a request of another upload may still be under way after it marked an item: its attempts and their waits.
UNDER_WAY = timedelta(minutes=15)


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

    @property
    def again(self) -> bool:
        return self.force or self.damaged


def plan_document(
    local: LocalDocument, remote: Remote, settings: Settings, now: datetime, wish: Wish, there: str = ""
) -> Action:
    """Plan the action for one document; StoreError when DynamoDB has no place for some value of it.

    `there` is the address of an object that the bucket has, whatever the item points to.
    """
    if not wish.again and is_same(local, remote, settings):
        return Action("=", local.source)
    same = remote.digest == local.content.digest and beside(local.files.digests) == beside(remote.digests())
    if not wish.force and not same and remote.timestamp and remote.timestamp > local.timestamp:
        return Action(
            "!",
            local.source,
            f"plus récent dans AWS ({remote.timestamp:%Y-%m-%d %H:%M:%S} UTC) que le fichier "
            f"({local.timestamp:%Y-%m-%d %H:%M:%S} UTC) : --force pour l'écraser",
        )
    source = local.source
    held = set() if wish.again else {url for url, _ in remote.objects.values()} | {remote.pointer, there}
    item, stands, content = _item(local, remote, settings, now, wish, held)
    objects: dict[str, dict[str, Any]] = {}
    readable: list[tuple[Readable, Request]] = []
    if local.source.kind == "reports":
        digests, files = local.files.digests, local.files
        forms = {suffix: stored_form(suffix, files[suffix], digest) for suffix, digest in digests.items()}
        places = pointed(source.path.stem, digests, settings)
        objects = {url: forms[suffix] for suffix, (url, _) in places.items() if url not in held}
        wanted = readables(source.path.stem, digests, settings, source.day_text if wish.newest else "")
        readable = [(one, put_request(one.url, forms[one.suffix], settings, ASK_EACH_TIME)) for one in wanted]
    sign = "?" if not remote.known else "*" if remote.exists else "+"
    puts = tuple(put_request(url, form, settings) for url, form in (objects | content).items())
    return Action(sign, source, objects=puts, item=item, readable=tuple(readable), stands=stands)


def plan_renewal(source: DocumentFile, remote: Remote, settings: Settings, now: datetime) -> Action:
    """Plan the action for a document that AWS has already: none, or RETENTION from now on for its item."""
    if remote.expires is None or remote.expires >= (now + RENEWED_BELOW).timestamp():
        return Action("=", source)
    life = _life(now)
    item = _update(source, remote, settings, "durée de vie", life)
    return Action("=", source, "vie prolongée d'un an", item=item, stands=_with(remote, life))


def mark(source: DocumentFile, remote: Remote, claim: str, settings: Settings) -> Request:
    """Mark an item: the keys that people read may have been overwritten by the upload of `claim`."""
    return _update(source, remote, settings, "marque", {CLAIM: {"S": claim}})


def release(source: DocumentFile, remote: Remote, settings: Settings) -> Request:
    """Take the mark off an item that is still the one compared: the keys that people read are its own."""
    request = replace(_update(source, remote, settings, "fin", {}), final=True)
    request.request["ConditionExpression"] += f" AND #{CLAIM} = :claim"
    request.request.setdefault("ExpressionAttributeValues", {})[":claim"] = {"S": remote.claim}
    return request


def claim_of(identity: str, now: datetime) -> str:
    return f"{now.isoformat(timespec='seconds')} {identity}"


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


def beside(digests: dict[str, str]) -> dict[str, str]:
    """Leave the digests of what lies beside a report's JSON."""
    return {suffix: digest for suffix, digest in digests.items() if suffix != ".json"}


def content_url(local: LocalDocument, settings: Settings) -> str:
    """Name the object of a document whose item does not hold it."""
    return shared_url(local.document, local.content, object_url(settings, "documents"))


def _item(
    local: LocalDocument, remote: Remote, settings: Settings, now: datetime, wish: Wish, held: set[str]
) -> tuple[Request, Remote, dict[str, dict[str, Any]]]:
    """Plan the write of the item: what AWS then has, and the object of the document where the item points to it."""
    source, files = local.source, local.files
    more: Item = {FILE: {"S": files.digests[".json"]}}
    if source.kind == "reports":
        identity, objects = identity_of(files.digests), pointed(source.path.stem, files.digests, settings)
        overtaken = is_under_way(remote.claim, identity, now)
        more |= {
            "objects": {"M": {suffix: _described(place, len(files[suffix])) for suffix, place in objects.items()}},
            CLAIM: {"S": remote.claim if overtaken else claim_of(identity, now)},
            REPORT_INDEX_KEY: {"S": "daily_report"},
        }
        if not wish.again and _has_json(local, remote, settings):
            more |= _life(now)
            return _update(source, remote, settings, "page", more), _with(remote, more), {}
    folder, written = object_url(settings, "documents"), files[".json"]
    item, size = sized_item(local.document, now, folder, more, local.content, written, shared=local.unchanged)
    condition = {} if wish.force else _condition_on(remote)
    table, stands = table_names(settings)[source.kind], remote_of(item)
    put = {"TableName": table, "Item": item} | condition
    content = {}
    if stands.pointer and stands.pointer not in held:
        packed = shared_content(local.document, written)
        content[stands.pointer] = stored_form(".gz", packed, local.content.body_digest)
    return Request("dynamodb", "put_item", put, _place(table, source), size), stands, content


def _has_json(local: LocalDocument, remote: Remote, settings: Settings) -> bool:
    """Tell whether AWS has these very bytes of the JSON, in the present form and where the settings want it."""
    return (
        (remote.digest, remote.file) == (local.content.digest, local.files.digests[".json"])
        and bool(remote.objects)
        and ".json" not in remote.objects
        and not remote.points_elsewhere(settings)
    )


def _is_whole(source: DocumentFile, files: Files, remote: Remote, settings: Settings) -> bool:
    """Tell whether the objects beside an item are those of these files, in the present form."""
    objects = pointed(source.path.stem, files.digests, settings)  # of metrics none
    return remote.exists and remote.objects == objects and not remote.points_elsewhere(settings)


def _described(place: tuple[str, str], size: int) -> dict[str, Any]:
    url, digest = place
    return {"M": {"url": {"S": url}, "sha256": {"S": digest}, "bytes": {"N": str(size)}}}


def _with(remote: Remote, new: Item) -> Remote:
    """Tell what AWS has once these attributes of the item are set."""
    set_now = remote_of(new)
    return replace(
        remote,
        objects=set_now.objects or remote.objects,
        claim=set_now.claim or remote.claim,
        expires=set_now.expires or remote.expires,
    )


def _condition_on(remote: Remote) -> dict[str, Any]:
    """Require that the item is still the one compared."""
    if not remote.exists:
        return {"ConditionExpression": "attribute_not_exists(#day)", "ExpressionAttributeNames": {"#day": SORT_KEY}}
    seen = dict(zip(SEEN, remote.seen, strict=True))
    clauses = [f"#{name} = :{name}" if value else f"attribute_not_exists(#{name})" for name, value in seen.items()]
    values = {f":{name}": value for name, value in seen.items() if value}
    condition = {
        "ConditionExpression": " AND ".join(clauses),
        "ExpressionAttributeNames": {f"#{name}": name for name in SEEN},
    }
    return condition | ({"ExpressionAttributeValues": values} if values else {})


def _update(source: DocumentFile, remote: Remote, settings: Settings, words: str, new: Item) -> Request:
    """Set attributes of the item that was compared and nothing else of it; without any take its mark off."""
    table, request = table_names(settings)[source.kind], _condition_on(remote)
    names, values = request["ExpressionAttributeNames"], request.get("ExpressionAttributeValues", {})
    request |= {
        "TableName": table,
        "Key": item_key(source),
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in new) if new else f"REMOVE #{CLAIM}",
        "ExpressionAttributeNames": names | {f"#{name}": name for name in new or (CLAIM,)},
    }
    if values or new:
        request["ExpressionAttributeValues"] = values | {f":{name}": value for name, value in new.items()}
    return Request("dynamodb", "update_item", request, f"{_place(table, source)} ({words})", item_size(new))


def _life(now: datetime) -> Item:
    return {LIFE: {"N": str(int((now + RETENTION).timestamp()))}}


def _place(table: str, source: DocumentFile) -> str:
    return f"dynamodb {table} {source.key}/{source.day_text}"
