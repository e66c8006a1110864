"""Whether what is published is whole and is what the local files say: every item and object is read back. No write."""

from lib.aws.errors import PassingError
from lib.common.errors import ConfigError, StoreError
from lib.common.settings import Settings
from lib.publish.asking import Steps
from lib.publish.local_documents import COMPANIONS, LocalDocument
from lib.publish.outcome import DocumentOutcome
from lib.publish.plan import has_content
from lib.publish.remote import Remote, read_item, remote_of
from lib.publish.report_objects import readables, sha256
from lib.publish.steps import latest_page, read_object, whole_document
from lib.stores.dynamodb_items import Item


def checked(local: LocalDocument, settings: Settings, newest: bool) -> Steps[DocumentOutcome]:
    """Compare a document with its item and its objects; `newest` tells whether latest.html must be its page."""
    item: Item | None = (yield read_item(local.source, settings, whole=True)).get("Item")
    if item is None:
        return DocumentOutcome(local.source, "+", "missing", "absent d'AWS")
    remote = remote_of(item)
    damage = yield from _damage(local, item, remote, settings, newest)
    if damage:
        return DocumentOutcome(local.source, "!", "damaged", damage)
    if not has_content(local, remote, settings):
        return DocumentOutcome(local.source, "*", "different", "le fichier local et AWS diffèrent")
    return DocumentOutcome(local.source, "=", "same")


def _damage(local: LocalDocument, item: Item, remote: Remote, settings: Settings, newest: bool) -> Steps[str]:
    """Describe what is wrong with the item or with an object that it describes; empty when all are sound."""
    try:
        yield from whole_document(item, settings)
        if local.source.kind == "reports" and not remote.objects.keys() >= set(COMPANIONS):
            return "l'élément ne désigne pas la page et le tableau du rapport"
        for url, digest in _described(local, remote, settings):
            if sha256((yield from read_object(url, settings))) != digest:
                return f"{url} n'est pas celui qui a été publié (sha256 différent)"
        if newest and local.source.kind == "reports":
            day, content = yield from latest_page(settings)
            if day < local.source.day_text or (
                day == local.source.day_text and sha256(content) != remote.digests()[".html"]
            ):
                return "latest.html n'est pas la page du dernier rapport"
    except (ConfigError, PassingError):
        raise
    except StoreError as error:
        return error.message
    return ""


def _described(local: LocalDocument, remote: Remote, settings: Settings) -> list[tuple[str, str]]:
    """List the objects of a report, and those that people read; items of the former form had these alone."""
    if not remote.objects:
        return []
    found, stem = list(remote.objects.values()), local.source.path.stem
    if ".json" not in remote.objects:
        found += [(one.url, one.digest) for one in readables(stem, remote.digests(), settings)]
    return found
