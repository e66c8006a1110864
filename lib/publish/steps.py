"""The requests of one document in their order, and what is decided between them. No network: see asking.py.

Two machines may publish the same document at once; the newer one wins, whoever ends last:

- What an item points to has its digest in its key and is never replaced.
- An item is replaced only if it is still the one compared; else all is compared again, and the older one refused.
- Keys that people read are written after the item and only while it stands: their ETag is read, then the item, and the
  write is refused when the ETag is another by then. Whoever replaces the item in between writes these keys later.
- Until then the item is marked. Whoever finds a mark that is not their own makes these keys those of the item. A mark
  stays while a request of the upload that was overtaken, or an attempt of our own that had no answer, may still arrive
  (S3 gives equal contents equal ETags, so that a late write might pass).
"""

import contextlib
import gzip
from dataclasses import replace
from datetime import datetime

from lib.common.errors import StoreError
from lib.common.settings import Settings
from lib.publish.asking import Changed, Request, Steps
from lib.publish.local_documents import DocumentFile, Files, validated
from lib.publish.plan import (
    Action,
    Wish,
    claim_of,
    content_url,
    is_same,
    is_under_way,
    is_untouched,
    mark,
    plan_document,
    plan_renewal,
    release,
)
from lib.publish.remote import Remote, head, read_item, read_object, state, whole_document
from lib.publish.report_objects import (
    ABSENT,
    ASK_EACH_TIME,
    DAY,
    DIGEST,
    Readable,
    only_if,
    put_request,
    readables,
    sha256,
    stored_form,
)
from lib.stores.documents import EXACT, encode

Ready = dict[Readable, Request | None]  # the request of each key, where its content is at hand

ADRIFT = "?"  # in place of an identity: an attempt of the upload whose item this is may arrive yet
ROUNDS = 8  # comparisons, or tries of one key, before somebody else's writes are said to be too many


def planned(
    source: DocumentFile, files: Files, remote: Remote, settings: Settings, now: datetime, wish: Wish
) -> Steps[Action]:
    """Plan the action for a document, or for its remaining life; InputError where the file is unsound."""
    action = Action("=", source)
    if wish.again or not is_untouched(source, files, remote, settings):
        local, there = validated(source, files), ""
        if local.unchanged and remote.known and not wish.again and not is_same(local, remote, settings):
            there = yield from _if_there(content_url(local, settings), local.content.body_digest)
        action = plan_document(local, remote, settings, now, wish, there)
    if action.sign == "=":
        action = plan_renewal(source, remote, settings, now)
    return action


def published(
    source: DocumentFile, files: Files, settings: Settings, now: datetime, wish: Wish
) -> Steps[tuple[Action, Remote | None]]:
    """Compare and publish; return what was done, and what AWS then has unless another upload may yet change it.

    StoreError when others write faster than this.
    """
    for _ in range(ROUNDS):
        remote = yield from state(source, settings)
        action = yield from planned(source, files, remote, settings, now, wish)
        try:
            if remote.claim and not action.readable:
                yield from _finished(source, remote, settings, now)
            stands = yield from _sent(action, remote, settings, now)
            return action, None if stands.claim else stands
        except Changed:
            wish = replace(wish, force=False, damaged=False)
    raise StoreError("a changé pendant la publication.", "Une autre publication est en cours : relancer après elle.")


def _sent(action: Action, remote: Remote, settings: Settings, now: datetime) -> Steps[Remote]:
    for request in action.objects:  # noqa: UP028 - a tuple takes no reply
        yield request
    ours = remote
    if action.item:
        ours = yield from _replaced(action.item, action.source, action.stands, settings)
    if action.readable:
        fresh, ready = not remote.exists, dict[Readable, Request | None](action.readable)
        ours = yield from _all_settled(ready, action.source, ours, settings, now, fresh)
    return ours


def _all_settled(
    ready: Ready,
    source: DocumentFile,
    ours: Remote,
    settings: Settings,
    now: datetime,
    fresh: bool = False,
) -> Steps[Remote]:
    """Make the keys that people read those of the item that stands, then take its mark off; return it as it is then.

    Changed if it is not ours any more. `ready` are the requests whose content is at hand; of a `fresh` item no key is
    expected to exist.
    """
    try:
        for one, request in ready.items():
            yield from _settled(one, source, ours, settings, ABSENT if fresh and not one.day else "", request)
        return replace(ours, claim=(yield from _released(source, ours, settings, now)))
    except Changed:
        yield from _marked(source, claim_of(ours.identity, now), settings)
        raise


def _if_there(url: str, digest: str) -> Steps[str]:
    """Return the address of an object that days may share, if the bucket has it, else nothing."""
    there = yield from head(url)
    return url if there and there["Metadata"].get(DIGEST) == digest else ""


def _replaced(request: Request, source: DocumentFile, ours: Remote, settings: Settings) -> Steps[Remote]:
    """Send a write of the item and return what there is then.

    What is refused but there already has arrived, and its reply was lost; or another upload has sent the very same.
    """
    try:
        yield request
    except Changed:
        there = yield from state(source, settings)
        if not _is(there, ours):
            raise
        return there
    return ours


def _released(source: DocumentFile, ours: Remote, settings: Settings, now: datetime) -> Steps[str]:
    """Take the mark off the item; return the one that stays while a request may arrive yet."""
    if is_under_way(ours.claim, ours.identity, now):
        return ours.claim
    try:
        if (yield release(source, ours, settings)) is None:
            adrift = claim_of(ADRIFT, now)
            yield mark(source, ours, adrift, settings)
            return adrift
    except Changed:
        there = yield from state(source, settings)
        if there.claim or not _is(there, ours):
            raise
    return ""


def _is(remote: Remote, ours: Remote) -> bool:
    """Tell whether an item is ours, its mark apart."""
    return replace(remote, claim="") == replace(ours, claim="")


def _settled(
    one: Readable,
    source: DocumentFile,
    ours: Remote,
    settings: Settings,
    etag: str = "",
    ready: Request | None = None,
) -> Steps[None]:
    """Make a key that people read hold the form of the item that stands; Changed when the item is not ours.

    `ready` is the request where the content is at hand, else it is read from what the item points to.
    """
    for _ in range(ROUNDS):
        if not etag:
            there = (yield from head(one.url)) or {"ETag": ABSENT, "Metadata": {}}
            if there["Metadata"].get(DIGEST) == one.digest and there["Metadata"].get(DAY, "") == one.day:
                return
            if one.day and there["Metadata"].get(DAY, "") > one.day:
                return  # latest.html is the page of a later day
            etag = there["ETag"]
            if not _is((yield from state(source, settings)), ours):
                raise Changed
        if ready is None:
            content = yield from _content(one.suffix, source, ours, settings)
            ready = put_request(one.url, stored_form(one.suffix, content), settings, ASK_EACH_TIME)
        metadata = ready.request["Metadata"] | ({DAY: one.day} if one.day else {})
        try:
            yield replace(ready, request=ready.request | only_if(etag) | {"Metadata": metadata})
            return
        except Changed:
            etag = ""
    raise StoreError(f"{one.url} change sans cesse, ou le droit s3:GetObject manque.", "Relancer plus tard.")


def _finished(source: DocumentFile, remote: Remote, settings: Settings, now: datetime) -> Steps[None]:
    """Make the keys that people read those of an item that another upload marked and left."""
    under_way = is_under_way(remote.claim, remote.identity, now)
    whose = remote.claim.partition(" ")[2] if under_way else remote.identity
    ours = replace(remote, claim=claim_of(whose, now))
    yield mark(source, remote, ours.claim, settings)
    found = readables(source.path.stem, remote.digests(), settings, source.day_text)
    yield from _all_settled(dict.fromkeys(found), source, ours, settings, now)


def _content(suffix: str, source: DocumentFile, remote: Remote, settings: Settings) -> Steps[bytes]:
    """Read a form of the report from what its item points to; StoreError where that is not what it says."""
    if suffix == ".json":
        item = (yield from read_item(source, settings, whole=True)) or {}
        exact = item.get(EXACT, {}).get("B")
        content = gzip.decompress(exact) if exact else encode((yield from whole_document(item, settings)))
    else:
        content = yield from read_object(remote.objects[suffix][0], settings)
    if sha256(content) != remote.digests()[suffix]:
        raise StoreError(
            f"{source.label} : la forme {suffix} publiée est abîmée.", "La réparer : make check-upload REPAIR=1"
        )
    return content


def _marked(source: DocumentFile, claim: str, settings: Settings) -> Steps[None]:
    """Mark the item that stands now: a write of ours may have come after those of its own upload."""
    for _ in range(ROUNDS):
        there = yield from state(source, settings)
        if not there.exists:
            return
        with contextlib.suppress(Changed):
            yield mark(source, there, claim, settings)
            return
