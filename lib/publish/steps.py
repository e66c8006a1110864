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
from dataclasses import dataclass, replace
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
    ASK_EACH_TIME,
    NO_OBJECT,
    Readable,
    only_if,
    put_request,
    readables,
    stored_form,
)
from lib.stores.documents import EXACT, encode, sha256

Ready = dict[Readable, Request | None]  # the request of each key, where its content is at hand

ADRIFT = "?"  # in place of an identity: an attempt of the upload whose item this is may arrive yet
ROUNDS = 8  # comparisons, or tries of one key, before somebody else's writes are said to be too many


@dataclass(frozen=True)
class Publication:
    """One document that is published, and when."""

    source: DocumentFile
    files: Files
    settings: Settings
    now: datetime

    def planned(self, remote: Remote, wish: Wish) -> Steps[Action]:
        """Plan the action for the document, or for its remaining life; InputError where the file is unsound."""
        source, settings, now = self.source, self.settings, self.now
        action = Action("=", source)
        if wish.again or not is_untouched(source, self.files, remote, settings):
            local, there = validated(source, self.files), ""
            if local.unchanged and remote.known and not wish.again and not is_same(local, remote, settings):
                shared = content_url(local, settings)  # of the days that have this content
                there = shared if (yield from head(shared)).digest == local.content.body_digest else ""
            action = plan_document(local, remote, settings, now, wish, there)
        return plan_renewal(source, remote, settings, now) if action.sign == "=" else action

    def published(self, wish: Wish) -> Steps[tuple[Action, Remote | None]]:
        """Compare and publish; return what was done, and what AWS then has unless another upload may yet change it.

        StoreError when others write faster than this.
        """
        for _ in range(ROUNDS):
            remote = yield from self._state()
            action = yield from self.planned(remote, wish)
            try:
                if remote.claim and not action.readable:
                    yield from self._finished(remote)
                stands = yield from self._sent(action, remote)
                return action, None if stands.claim else stands
            except Changed:
                wish = replace(wish, force=False, damaged=False)
        raise StoreError(
            "a changé pendant la publication.", "Une autre publication est en cours : relancer après elle."
        )

    def _state(self) -> Steps[Remote]:
        return (yield from state(self.source, self.settings))

    def _sent(self, action: Action, remote: Remote) -> Steps[Remote]:
        for request in action.objects:  # noqa: UP028 - a tuple takes no reply
            yield request
        ours = (yield from self._replaced(action.item, action.stands)) if action.item else remote
        if action.readable:
            ours = yield from self._all_settled(dict(action.readable), ours, fresh=not remote.exists)
        return ours

    def _all_settled(self, ready: Ready, ours: Remote, fresh: bool = False) -> Steps[Remote]:
        """Make the keys that people read those of the item that stands, then take its mark off; return what there is.

        Changed if it is not ours any more. `ready` are the requests whose content is at hand; of a `fresh` item no key
        is expected to exist.
        """
        try:
            for one, request in ready.items():
                yield from self._settled(one, ours, NO_OBJECT if fresh and not one.day else "", request)
            return replace(ours, claim=(yield from self._released(ours)))
        except Changed:
            yield from self._marked(claim_of(ours.identity, self.now))
            raise

    def _replaced(self, request: Request, ours: Remote) -> Steps[Remote]:
        """Send a write of the item and return what there is then.

        What is refused but there already has arrived, and its reply was lost; or another upload has sent the very same.
        """
        try:
            yield request
        except Changed:
            there = yield from self._state()
            if not _is(there, ours):
                raise
            return there
        return ours

    def _released(self, ours: Remote) -> Steps[str]:
        """Take the mark off the item; return the one that stays while a request may arrive yet."""
        if is_under_way(ours.claim, ours.identity, self.now):
            return ours.claim
        try:
            if (yield release(self.source, ours, self.settings)) is None:
                adrift = claim_of(ADRIFT, self.now)
                yield mark(self.source, ours, adrift, self.settings)
                return adrift
        except Changed:
            there = yield from self._state()
            if there.claim or not _is(there, ours):
                raise
        return ""

    def _settled(self, one: Readable, ours: Remote, etag: str, ready: Request | None) -> Steps[None]:
        """Make a key that people read hold the form of the item that stands; Changed when the item is not ours.

        `ready` is the request where the content is at hand, else it is read from what the item points to.
        """
        for _ in range(ROUNDS):
            if not etag:
                there = yield from head(one.url)
                if (there.digest, there.day) == (one.digest, one.day):
                    return
                if one.day and there.day > one.day:
                    return  # latest.html is the page of a later day
                etag = there.etag
                if not _is((yield from self._state()), ours):
                    raise Changed
            if ready is None:
                form = stored_form(one.suffix, (yield from self._content(one.suffix, ours)), one.digest)
                ready = put_request(one.url, form, self.settings, ASK_EACH_TIME)
            try:
                yield only_if(etag, ready, one.day)
                return
            except Changed:
                etag = ""
        raise StoreError(f"{one.url} change sans cesse, ou le droit s3:GetObject manque.", "Relancer plus tard.")

    def _finished(self, remote: Remote) -> Steps[None]:
        """Make the keys that people read those of an item that another upload marked and left."""
        under_way = is_under_way(remote.claim, remote.identity, self.now)
        whose = remote.claim.partition(" ")[2] if under_way else remote.identity
        ours = replace(remote, claim=claim_of(whose, self.now))
        yield mark(self.source, remote, ours.claim, self.settings)
        found = readables(self.source.path.stem, remote.digests(), self.settings, self.source.day_text)
        yield from self._all_settled(dict.fromkeys(found), ours)

    def _content(self, suffix: str, remote: Remote) -> Steps[bytes]:
        """Read a form of the report from what its item points to; StoreError where that is not what it says."""
        if suffix == ".json":
            item = (yield from read_item(self.source, self.settings, whole=True)) or {}
            exact = item.get(EXACT, {}).get("B")
            content = gzip.decompress(exact) if exact else encode((yield from whole_document(item, self.settings)))
        else:
            content = yield from read_object(remote.objects[suffix][0], self.settings)
        if sha256(content) != remote.digests()[suffix]:
            raise StoreError(
                f"{self.source.label} : la forme {suffix} publiée est abîmée.",
                "La réparer : make check-upload REPAIR=1",
            )
        return content

    def _marked(self, claim: str) -> Steps[None]:
        """Mark the item that stands now: a write of ours may have come after those of its own upload."""
        for _ in range(ROUNDS):
            there = yield from self._state()
            if not there.exists:
                return
            with contextlib.suppress(Changed):
                yield mark(self.source, there, claim, self.settings)
                return


def _is(remote: Remote, ours: Remote) -> bool:
    """Tell whether an item is ours, its mark apart."""
    return replace(remote, claim="") == replace(ours, claim="")
