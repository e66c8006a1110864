"""The tables of make tables in S3, as they lie below OUTPUT_DIR: tables/<table>/dt=<day>/<source>.parquet.

A table is published only while the item of its metrics is the one that it was made of, so that of two machines the one
with the newer metrics wins here as well: the key's ETag is read, then the item, and the write is refused when the ETag
is another by then. A table of other metrics is late: it is left for `make tables`, and said.
"""

from dataclasses import replace
from pathlib import Path

from lib.common.errors import InputError, StoreError
from lib.common.settings import Settings
from lib.files.duck import METRICS_NOTE, parquet_notes, scratch_database
from lib.publish.asking import Changed, Steps
from lib.publish.local_documents import DocumentFile, read_files, validated
from lib.publish.outcome import DocumentOutcome
from lib.publish.pages import bytes_of, head_of
from lib.publish.remote import read_item, remote_of
from lib.publish.report_objects import (
    ABSENT,
    ASK_EACH_TIME,
    DIGEST,
    fixed_url,
    only_if,
    put_request,
    sha256,
    stored_form,
)
from lib.publish.steps import ROUNDS, read_object


def treated(source: DocumentFile, settings: Settings, mode: str, force: bool, known: bool) -> Steps[DocumentOutcome]:
    """Do with a table what the mode says (lib/publish/run); of a dry run that asks nobody, nothing is `known`."""
    content, url = bytes_of(source), fixed_url(settings, source.label)
    request = put_request(url, stored_form(source.path.suffix, content), settings, ASK_EACH_TIME)
    planned = DocumentOutcome(source, "?", "planned", writes=((url, request.size),))
    if not known:
        return planned
    if mode in ("check", "repair"):
        outcome = yield from _checked(source, content, url, settings)
        if mode == "check" or outcome.status not in ("missing", "damaged"):
            return outcome
        force = True
    for _ in range(ROUNDS):
        there = yield from head_of(url)
        if there and there["Metadata"].get(DIGEST) == sha256(content) and not force:
            return DocumentOutcome(source, "=", "same")
        late = yield from _late(source, settings, local_counts=mode == "dry_run")
        if late:
            return DocumentOutcome(source, "!", "late", late)
        planned = replace(planned, sign="*" if there else "+")
        if mode == "dry_run":
            return planned
        try:
            yield replace(request, request=request.request | only_if(there["ETag"] if there else ABSENT))
            return replace(planned, status="written")
        except Changed:
            continue
    raise StoreError(f"{url} change sans cesse, ou le droit s3:GetObject manque.", "Relancer plus tard.")


def _checked(source: DocumentFile, content: bytes, url: str, settings: Settings) -> Steps[DocumentOutcome]:
    """Read a table back, and compare it with what was published and with the local one."""
    there = yield from head_of(url)
    if not there:
        return DocumentOutcome(source, "+", "missing", "absente d'AWS")
    digest = sha256((yield from read_object(url, settings)))
    if digest != there["Metadata"].get(DIGEST):
        return DocumentOutcome(source, "!", "damaged", f"{url} n'est pas celle qui a été publiée (sha256 différent)")
    if digest != sha256(content):
        return DocumentOutcome(source, "*", "different", "le fichier local et AWS diffèrent")
    late = yield from _late(source, settings)
    return DocumentOutcome(source, "*", "different", late) if late else DocumentOutcome(source, "=", "same")


def _late(source: DocumentFile, settings: Settings, local_counts: bool = False) -> Steps[str]:
    """Say why a table may not be published: its metrics are not those of the item; empty when they are.

    With `local_counts` the local metrics will do, which the upload publishes before.
    """
    with scratch_database() as database:
        made_of = parquet_notes(database, source.path).get(METRICS_NOTE)
    metrics = replace(source, kind="metrics", path=_metrics_path(source, settings))
    remote = remote_of((yield read_item(metrics, settings)).get("Item"))
    if made_of and (remote.digest == made_of or (local_counts and _local_digest(metrics, settings) == made_of)):
        return ""
    if not remote.exists:
        return "ses métriques ne sont pas dans AWS : les publier d'abord"
    return "ses métriques ont changé : make tables, puis make upload"


def _local_digest(metrics: DocumentFile, settings: Settings) -> str:
    try:
        return validated(metrics, read_files(metrics, settings)).content.digest
    except InputError:
        return ""


def _metrics_path(source: DocumentFile, settings: Settings) -> Path:
    return settings.output_dir / "metrics" / f"{source.key}_metrics_{source.day_text}.json"
