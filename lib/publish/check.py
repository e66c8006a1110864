"""Whether what is published is whole and is what the local files say: every item and object is read back. No write."""

from lib.aws.errors import PassingError
from lib.common.errors import StoreError
from lib.common.settings import Settings
from lib.publish.asking import Steps
from lib.publish.local_documents import COMPANIONS, LocalDocument
from lib.publish.outcome import DocumentOutcome
from lib.publish.plan import beside
from lib.publish.remote import Remote, damage, head, read_item, remote_of, whole_document
from lib.publish.report_objects import DAY, is_ours, latest_url, readables
from lib.stores.dynamodb_items import Item


def checked(local: LocalDocument, settings: Settings, newest: bool) -> Steps[DocumentOutcome]:
    """Compare a document with its item and its objects; `newest` tells whether latest.html must be its page."""
    item = yield from read_item(local.source, settings, whole=True)
    if item is None:
        return DocumentOutcome(local.source, "+", "missing", "absent d'AWS")
    remote = remote_of(item)
    reason = yield from _damage(local, item, remote, settings, newest)
    if reason:
        return DocumentOutcome(local.source, "!", "damaged", reason)
    urls = [url for url, _ in remote.objects.values()] + ([remote.pointer] if remote.pointer else [])
    same = remote.digest == local.content.digest and beside(remote.digests()) == beside(local.files.digests)
    if not same or not all(is_ours(url, settings) for url in urls):
        return DocumentOutcome(local.source, "*", "different", "le fichier local et AWS diffèrent")
    return DocumentOutcome(local.source, "=", "same")


def _damage(local: LocalDocument, item: Item, remote: Remote, settings: Settings, newest: bool) -> Steps[str]:
    """Describe what is wrong with the item or with an object that it describes; empty when all are sound."""
    try:
        yield from whole_document(item, settings)
    except PassingError:
        raise
    except StoreError as error:
        return error.message
    if local.source.kind != "reports":
        return ""
    if not remote.objects.keys() >= set(COMPANIONS):
        return "l'élément ne désigne pas la page et le tableau du rapport"
    described, digests = list(remote.objects.values()), remote.digests()
    if ".json" not in remote.objects:  # items of the former form had no other objects than those that people read
        described += [(one.url, one.digest) for one in readables(local.source.path.stem, digests, settings)]
    for url, digest in described:
        reason = yield from damage(url, digest, settings)
        if reason:
            return reason
    if newest:
        latest = latest_url(settings)
        day = ((yield from head(latest)) or {"Metadata": {}})["Metadata"].get(DAY, "")
        own = day == local.source.day_text
        if day < local.source.day_text or (own and (yield from damage(latest, digests[".html"], settings))):
            return "latest.html n'est pas la page du dernier rapport"
    return ""
