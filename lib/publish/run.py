"""Publishing many documents at once: each is read, compared, planned and, unless one only looks, sent.

A document that fails stops no other. What has failed for a passing reason is tried a second time after a pause. What
every document would fail of (credentials, rights, a missing table) stops the run, and so does Ctrl-C: requests under
way end, nothing more is begun. A server that does not answer ends the first pass, then the run.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from lib.aws.clients import AwsClients
from lib.aws.errors import PassingError, UnreachableError
from lib.aws.names import object_url
from lib.common.errors import CityflowError, ConfigError, InputError, LockHeldError, StoreError
from lib.common.settings import Settings
from lib.common.text import counted
from lib.publish import plain_objects
from lib.publish.asking import Asking, Interrupted, Steps
from lib.publish.local_documents import (
    COMPANIONS,
    PAGES,
    TABLES,
    DocumentFile,
    Files,
    LocalDocument,
    read_files,
    validated,
)
from lib.publish.outcome import DocumentOutcome, Run, outcome_of
from lib.publish.plan import Wish, beside
from lib.publish.remote import UNKNOWN, Remote, damage, head, read_item, remote_of, state, whole_document
from lib.publish.report_objects import LATEST, is_ours, readables
from lib.publish.seen import entry_of
from lib.publish.steps import Publication
from lib.stores.dynamodb_items import Item

PAUSE = 15.0  # s before the second pass: a server that restarts, a link that comes back

log = logging.getLogger(__name__)


@dataclass
class Work:
    """What is done with each document; `newest` is the label of the newest report here."""

    settings: Settings
    clients: AwsClients | None
    mode: str = "upload"  # or dry_run, check, repair
    force: bool = False
    newest: str = ""
    believed: Mapping[DocumentFile, dict[str, Any]] = field(default_factory=dict)  # not to be asked for (see seen.py)

    def treat(self, source: DocumentFile, asking: Asking) -> DocumentOutcome:
        """Do it; CityflowError where that fails, Interrupted where the run stops."""
        if source in self.believed:
            when = self.believed[source]["vu"][: len("AAAA-MM-JJ")]
            return DocumentOutcome(source, "=", "same", f"confirmé le {when}", believed=True)
        files, now = read_files(source, self.settings), self.settings.now()
        outcome, stands = asking.carry_out(self._steps(source, files, now))
        return replace(outcome, sent=asking.sent, seen=entry_of(files, stands, now) if stands else None)

    def _steps(self, source: DocumentFile, files: Files, now: datetime) -> Steps[tuple[DocumentOutcome, Remote | None]]:
        """Return what was done, and what AWS then has where that is whole, settled and of these files."""
        settings, wish = self.settings, Wish(self.force, newest=source.label == self.newest)
        plain, dry = source.kind in (PAGES, TABLES), self.mode == "dry_run"
        if self.mode in ("check", "repair"):
            outcome = yield from (
                plain_objects.checked(source, files, settings)
                if plain
                else checked(validated(source, files), settings, wish.newest)
            )
            if self.mode == "check" or outcome.status not in ("missing", "damaged"):
                return outcome, None
            log.warning("%s : %s ; republication", source.label, outcome.reason)
            wish = replace(wish, damaged=True)
        if plain:
            return (yield from plain_objects.treated(source, files, settings, wish, dry, self.clients is not None))
        publication = Publication(source, files, settings, now)
        if dry:
            remote = (yield from state(source, settings)) if self.clients else UNKNOWN
            action = yield from publication.planned(remote, wish)
            if remote.claim and not action.readable:
                action = replace(action, reason=action.reason or "publication commencée, à finir")
            return outcome_of(action, done=False), None
        action, stands = yield from publication.published(wish)
        return outcome_of(action, done=True), stands if action.sign != "!" else None


def run_all(sources: list[DocumentFile], work: Work, jobs: int, on_outcome: Callable[[DocumentOutcome], None]) -> Run:
    """Treat every document, `jobs` at a time, then the tables; `on_outcome` gets each outcome once, in that order."""
    documents = [source for source in sources if source.kind != TABLES]
    run = _all_of(documents, work, jobs, on_outcome)
    if run.fatal or run.interrupted or len(documents) == len(sources):
        return run
    tables = _all_of([source for source in sources if source.kind == TABLES], work, jobs, on_outcome)
    return replace(tables, outcomes=[*run.outcomes, *tables.outcomes])


def _all_of(sources: list[DocumentFile], work: Work, jobs: int, on_outcome: Callable[[DocumentOutcome], None]) -> Run:
    run = _pass(sources, work, jobs, lambda outcome: None if _is_open(outcome) else on_outcome(outcome))
    kept = {outcome.source: outcome for outcome in run.outcomes if not _is_open(outcome)}
    again = [source for source in sources if source not in kept]
    if run.interrupted or not again or (run.fatal and not isinstance(run.fatal, UnreachableError)):
        return run
    why = run.fatal or next(outcome.reason for outcome in run.outcomes if _is_open(outcome))
    left = counted(len(again), "document")
    log.warning("%s à traiter encore (%s) : second essai dans %d s.", left, why, PAUSE)
    try:
        time.sleep(PAUSE)
    except KeyboardInterrupt:
        return replace(run, interrupted=True)
    second = _pass(again, work, jobs, on_outcome)
    outcomes = kept | {outcome.source: outcome for outcome in second.outcomes}
    return replace(second, outcomes=[outcomes[source] for source in sources if source in outcomes])


def _is_open(outcome: DocumentOutcome) -> bool:
    return outcome.passing or outcome.status == "interrupted"


def _pass(sources: list[DocumentFile], work: Work, jobs: int, on_outcome: Callable[[DocumentOutcome], None]) -> Run:
    run, stop = Run(), threading.Event()
    with ThreadPoolExecutor(jobs, thread_name_prefix="upload") as pool:
        futures = [pool.submit(_guarded, work, source, stop) for source in sources]
        try:
            for future in futures:
                on_outcome(future.result())
        except CityflowError as error:
            run.fatal = error
        except KeyboardInterrupt:
            run.interrupted = True
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)
    run.outcomes = [future.result() for future in futures if not (future.cancelled() or future.exception())]
    return run


def _guarded(work: Work, source: DocumentFile, stop: threading.Event) -> DocumentOutcome:
    """Treat a document; its failure is its outcome, but for one that every document would meet."""
    asking = Asking(work.clients, stop)
    if stop.is_set():
        return DocumentOutcome(source, "!", "interrupted", "pas commencé")
    try:
        return work.treat(source, asking)
    except Interrupted:
        reason = "commencé, pas fini : relancer le complète" if asking.sent else "pas commencé"
        return DocumentOutcome(source, "!", "interrupted", reason, sent=asking.sent)
    except (ConfigError, UnreachableError):
        stop.set()
        raise
    except InputError as error:
        return DocumentOutcome(source, "!", "invalid", str(error))
    except (StoreError, LockHeldError) as error:
        passing = isinstance(error, PassingError | LockHeldError)
        return DocumentOutcome(source, "!", "failed", str(error), sent=asking.sent, passing=passing)


def checked(local: LocalDocument, settings: Settings, newest: bool) -> Steps[DocumentOutcome]:
    """Compare a document with its item and its objects, all of which are read; no write.

    `newest` tells whether latest.html must be its page.
    """
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
        latest = object_url(settings, LATEST)
        day = (yield from head(latest)).day
        own = day == local.source.day_text
        if day < local.source.day_text or (own and (yield from damage(latest, digests[".html"], settings))):
            return "latest.html n'est pas la page du dernier rapport"
    return ""
