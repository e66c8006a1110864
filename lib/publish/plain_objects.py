"""Files that are published as objects of S3 alone, under names that people read: the pages above the days, and tables.

No item stands behind them: an object says in its metadata what it holds. Its ETag is read, then what speaks against a
write, and the write is refused when the ETag is another by then, so that of two machines the one that knows more wins.

A page (all days, a month) names the newest day that it is of; one of a later day is left as it is. A table
(tables/<table>/dt=<day>/<source>.parquet) is published only while the item of its metrics is the one that it was made
of; one of other metrics is late: it is left for `make tables`, and said.
"""

from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from lib.aws.names import object_url
from lib.common.errors import InputError, StoreError
from lib.common.settings import Settings
from lib.files.duck import METRICS_NOTE, parquet_notes, scratch_database
from lib.publish.asking import Changed, Steps
from lib.publish.local_documents import PAGES, TABLES, DocumentFile, Files, metrics_of, validated
from lib.publish.outcome import DocumentOutcome
from lib.publish.plan import Wish
from lib.publish.remote import Remote, damage, head, state
from lib.publish.report_objects import ASK_EACH_TIME, NO_OBJECT, only_if, put_request, stored_form
from lib.publish.steps import ROUNDS

if TYPE_CHECKING:
    import duckdb

LATE = "ses métriques ont changé : make tables, puis make upload"

_opened = ExitStack()  # until the end of the process


def url_of(source: DocumentFile, settings: Settings) -> str:
    """Name the object of a page or of a table."""
    return object_url(settings, source.path.name if source.kind == PAGES else source.label)


def treated(
    source: DocumentFile, files: Files, settings: Settings, wish: Wish, dry: bool, known: bool
) -> Steps[tuple[DocumentOutcome, Remote | None]]:
    """Compare and publish; return what was done, and what AWS then has where that is the local file.

    With `dry` what would be done is said; what is not `known` is not asked for. StoreError when others write faster
    than this.
    """
    url, digest = url_of(source, settings), files.digests[source.path.suffix]
    request = put_request(
        url, stored_form(source.path.suffix, files[source.path.suffix], digest), settings, ASK_EACH_TIME
    )
    planned = DocumentOutcome(source, "?", "planned", writes=((url, request.size),))
    if not known:
        return planned, None
    for _ in range(ROUNDS):
        there = yield from head(url)
        if source.kind == TABLES and _is_behind(source, files):
            return DocumentOutcome(source, "!", "late", LATE), None
        if there.digest == digest and not wish.again:
            return DocumentOutcome(source, "=", "same"), Remote(exists=True, digest=digest)
        if there.day > source.day_text and not wish.force:
            reason = f"AWS a la page du {there.day}, plus récente"
            if wish.damaged:
                return DocumentOutcome(source, "!", "failed", f"abîmée, et {reason}"), None
            return DocumentOutcome(source, "=", "same", reason), None
        late = (yield from _late(source, files, settings, dry)) if source.kind == TABLES else ""
        if late:
            return DocumentOutcome(source, "!", "late", late), None
        planned = replace(planned, sign="+" if there.etag == NO_OBJECT else "*")
        if dry:
            return planned, None
        with suppress(Changed):
            yield only_if(there.etag, request, source.day_text if source.kind == PAGES else "")
            return replace(planned, status="written"), Remote(exists=True, digest=digest)
    raise StoreError(f"{url} change sans cesse, ou le droit s3:GetObject manque.", "Relancer plus tard.")


def checked(source: DocumentFile, files: Files, settings: Settings) -> Steps[DocumentOutcome]:
    """Read an object back, and compare it with what was published and with the local file."""
    url, digest = url_of(source, settings), files.digests[source.path.suffix]
    there = yield from head(url)
    if there.etag == NO_OBJECT:
        return DocumentOutcome(source, "+", "missing", "absent d'AWS")
    reason = yield from damage(url, there.digest, settings)
    if reason:
        return DocumentOutcome(source, "!", "damaged", reason)
    if there.digest != digest and there.day <= source.day_text:
        return DocumentOutcome(source, "*", "different", "le fichier local et AWS diffèrent")
    late = (yield from _late(source, files, settings)) if source.kind == TABLES else ""
    return DocumentOutcome(source, "*", "different", late) if late else DocumentOutcome(source, "=", "same")


def _late(source: DocumentFile, files: Files, settings: Settings, dry: bool = False) -> Steps[str]:
    """Say why a table may not be published: its metrics are not those of the item; empty when they are.

    For a `dry` run those here will do, which the upload publishes before.
    """
    there, made_of = (yield from state(metrics_of(source), settings)), _made_of(source)
    if made_of and (made_of == there.digest or (dry and made_of == _digest_here(source, files))):
        return ""
    return LATE if there.exists else "ses métriques ne sont pas dans AWS : les publier d'abord"


def _is_behind(source: DocumentFile, files: Files) -> bool:
    """Tell whether the metrics here were written after a table and are not those that it was made of."""
    written = {suffix: version[0] for suffix, version in files.versions.items()}
    if written and written.get(".json", 0) <= written[source.path.suffix]:
        return False
    here = _digest_here(source, files)
    return bool(here) and here != _made_of(source)


def _made_of(source: DocumentFile) -> str | None:
    return parquet_notes(_database().cursor(), source.path).get(METRICS_NOTE)


@cache
def _database() -> "duckdb.DuckDBPyConnection":
    """Open the database that reads the notes of all tables: to open one for each costs 20 times as much."""
    return _opened.enter_context(scratch_database())


def _digest_here(source: DocumentFile, files: Files) -> str:
    """Return the content_sha256 of the metrics here; empty where there are none, or no sound ones."""
    try:
        return validated(metrics_of(source), files).content.digest if ".json" in files else ""
    except InputError:
        return ""
