"""What this machine has seen whole in AWS, so that days long published are not asked for at each upload.

OUTPUT_DIR/.published/<place>.json is the note of one place in AWS: of each document the digests of the local files that
AWS had, and when. It is set aside where anything speaks against it (see `credible` and `believed`); removing it costs
one comparison of everything. The upload and its dry run alone read it, not with --force, --check or --repair.
"""

import json
import logging
import random
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lib.aws.clients import AwsClients
from lib.common.errors import CityflowError, in_french
from lib.common.paris_time import machine_now, parse_instant
from lib.common.settings import Settings
from lib.common.shown_settings import shown_settings
from lib.files.atomic_file import write_atomically
from lib.files.locks import brief_lock
from lib.publish.asking import Asking, Steps
from lib.publish.local_documents import PAGES, TABLES, DocumentFile, Files, paths_of, version
from lib.publish.outcome import DocumentOutcome
from lib.publish.plain_objects import url_of
from lib.publish.plan import RENEWED_BELOW
from lib.publish.remote import Remote, head, state
from lib.stores.documents import sha256

RECENT = timedelta(days=7)  # days that are always asked for: another machine may well have published them again
BELIEVED_FOR = timedelta(days=30)  # since a document was seen: then AWS is asked again
AT_REST = timedelta(seconds=2)  # since a file was written: before, a second change may leave its time as it is
PLACE = ("AWS_", "DYNAMODB_", "S3_REPORTS_")  # settings that say where documents go, and how

Entry = dict[str, Any]  # vu, fin (of the item's life), contenu (sha256), fichiers: suffix -> [sha256, version]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Note:
    """The note of one place; `head` is what must be the same for it to be believed."""

    path: Path
    head: dict[str, Any]
    documents: dict[str, Entry] = field(default_factory=dict)


def read_note(settings: Settings, form: str) -> Note:
    """Read the note of the place that the settings name; empty where it is damaged or of another `form` of code."""
    place = {one["nom"]: one["valeur"] for one in shown_settings(settings) if one["nom"].startswith(PLACE)}
    path = settings.output_dir / ".published" / f"{_digest(place)[:16]}.json"
    head = {"lieu": place, "forme": form}
    try:
        written = json.loads(path.read_bytes())
        documents = written["documents"]
        if written["sha256"] != _digest(documents):
            raise ValueError("sha256 différent")
    except FileNotFoundError:
        return Note(path, head)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        log.warning("%s est abîmé (%s) : tout est comparé de nouveau.", path, in_french(error))
        return Note(path, head)
    return Note(path, head, documents if written.get("lieu") == place and written.get("forme") == form else {})


def credible(note: Note, sources: Iterable[DocumentFile], now: datetime) -> dict[DocumentFile, Entry]:
    """Find the documents that were seen of late, are old, have long to live, and whose files are the same."""
    noted = {one: note.documents[one.label] for one in sources if one.label in note.documents}
    return {one: entry for one, entry in noted.items() if _holds(one, entry, now)}


def believed(found: dict[DocumentFile, Entry], clients: AwsClients, settings: Settings) -> dict[DocumentFile, Entry]:
    """Ask for one of the credible items and one of the plain objects; none is believed when AWS has it otherwise.

    That is another account, a table or bucket that was made anew, or another machine that published again.
    """
    plain = [one for one in found if one.kind in (PAGES, TABLES)]
    items = [one for one in found if one not in set(plain)]
    for chosen in [random.choice(some) for some in (items, plain) if some]:
        try:
            digest = Asking(clients, threading.Event(), left=0).carry_out(_digest_there(chosen, settings))
        except CityflowError:
            return {}  # what is wrong will be said of each document
        if digest != found[chosen]["contenu"]:
            log.warning("%s n'est plus dans AWS comme noté ici : tout est comparé de nouveau.", chosen.label)
            return {}
    return found


def _digest_there(source: DocumentFile, settings: Settings) -> Steps[str]:
    if source.kind not in (PAGES, TABLES):
        return (yield from state(source, settings)).digest
    return (yield from head(url_of(source, settings))).digest


def entry_of(files: Files, remote: Remote, now: datetime) -> Entry:
    """Note what AWS has of a document, whole and settled, for these files."""
    at_rest = (machine_now() - AT_REST).timestamp() * 1e9
    versions = {suffix: one for suffix, one in files.versions.items() if max(one[0], one[-1]) < at_rest}
    kept = {suffix: [digest, versions.get(suffix)] for suffix, digest in files.digests.items()}
    return {"vu": now.isoformat(timespec="seconds"), "fin": remote.expires, "contenu": remote.digest, "fichiers": kept}


def keep(settings: Settings, form: str, outcomes: Iterable[DocumentOutcome]) -> None:
    """Note what was seen and strike out what was found otherwise; what cannot be written is said and costs nothing."""
    seen = {one.source.label: one.seen for one in outcomes if one.seen or one.status not in ("same", "interrupted")}
    if not seen:
        return
    try:
        with brief_lock(settings.output_dir / ".locks" / "published.lock"):
            note = read_note(settings, form)
            documents = {label: entry for label, entry in (note.documents | seen).items() if entry}
            if documents != note.documents:
                whole = note.head | {"sha256": _digest(documents), "documents": documents}
                write_atomically(note.path, f"{json.dumps(whole, ensure_ascii=False)}\n".encode())
    except CityflowError as error:
        log.warning("ce qui est publié n'est pas noté ici (%s) : rien ne manque dans AWS.", error)


def _holds(source: DocumentFile, entry: Entry, now: datetime) -> bool:
    seen = parse_instant(entry["vu"])
    return (
        seen is not None
        and now - BELIEVED_FOR <= seen <= now
        and source.day_text < (now - RECENT).date().isoformat()
        and (entry["fin"] is None or entry["fin"] >= (now + RENEWED_BELOW).timestamp())
        and _are_files(paths_of(source), entry["fichiers"])
    )


def _are_files(paths: dict[str, Path], noted: dict[str, list[Any]]) -> bool:
    """Tell whether the files are those noted: not written since, or of the same content."""
    if paths.keys() != noted.keys():
        return False
    try:
        return all(
            list(version(path)) == noted[suffix][1] or sha256(path.read_bytes()) == noted[suffix][0]
            for suffix, path in paths.items()
        )
    except OSError:
        return False


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode())
