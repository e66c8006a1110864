"""The pages above the days: all days (index.html, historique.csv) and the months, as objects of S3 alone.

No item stands behind them: an object says in its metadata what it holds and which is the newest day that it is of. One
of a later day is left as it is, for the machine that wrote it knew more days.
"""

from dataclasses import replace
from typing import Any

from lib.aws.errors import PassingError
from lib.common.errors import ConfigError, InputError, StoreError, in_french
from lib.common.settings import Settings
from lib.publish.asking import Absent, Changed, Steps
from lib.publish.local_documents import DocumentFile
from lib.publish.outcome import DocumentOutcome
from lib.publish.plan import Action
from lib.publish.report_objects import (
    ABSENT,
    ASK_EACH_TIME,
    DAY,
    DIGEST,
    bucket_and_key,
    fixed_url,
    only_if,
    put_request,
    sha256,
    stored_form,
)
from lib.publish.steps import ROUNDS, head_object, read_object


def page_planned(source: DocumentFile, settings: Settings, known: bool = True, force: bool = False) -> Steps[Action]:
    """Plan the action for a page; what AWS has is asked for where it is `known`."""
    content, url = bytes_of(source), fixed_url(settings, source.path.name)
    there = (yield from head_of(url)) if known else {}
    if not force and there:
        if there["Metadata"].get(DIGEST) == sha256(content):
            return Action("=", source)
        if (day := there["Metadata"].get(DAY, "")) > source.day_text:
            return Action("=", source, f"AWS a la page du {day}, plus récente")
    request = put_request(url, stored_form(source.path.suffix, content), settings, ASK_EACH_TIME)
    metadata = request.request["Metadata"] | {DAY: source.day_text}
    condition = only_if(there["ETag"] if there else ABSENT) if known else {}
    written = replace(request, request=request.request | {"Metadata": metadata} | condition)
    return Action("?" if not known else "*" if there else "+", source, objects=(written,))


def page_published(source: DocumentFile, settings: Settings, force: bool = False) -> Steps[Action]:
    """Compare and publish; return what was done. StoreError when others write faster than this."""
    for _ in range(ROUNDS):
        action = yield from page_planned(source, settings, force=force)
        try:
            if action.objects:
                yield action.objects[0]
            return action
        except Changed:
            continue
    raise StoreError("a changé pendant la publication.", "Une autre publication est en cours : relancer après elle.")


def page_checked(source: DocumentFile, settings: Settings) -> Steps[DocumentOutcome]:
    """Compare a page with its object, which is read back."""
    content, url = bytes_of(source), fixed_url(settings, source.path.name)
    there = yield from head_of(url)
    if not there:
        return DocumentOutcome(source, "+", "missing", "absente d'AWS")
    digest = there["Metadata"].get(DIGEST)
    try:
        if sha256((yield from read_object(url, settings))) != digest:
            return DocumentOutcome(
                source, "!", "damaged", f"{url} n'est pas celle qui a été publiée (sha256 différent)"
            )
    except (ConfigError, PassingError):
        raise
    except StoreError as error:
        return DocumentOutcome(source, "!", "damaged", error.message)
    if digest == sha256(content) or there["Metadata"].get(DAY, "") > source.day_text:
        return DocumentOutcome(source, "=", "same")
    return DocumentOutcome(source, "*", "different", "le fichier local et AWS diffèrent")


def head_of(url: str) -> Steps[dict[str, Any]]:
    """Read what an object says of itself; nothing of one that is absent."""
    try:
        found: dict[str, Any] = yield head_object(*bucket_and_key(url))
    except Absent:
        return {}
    return found


def bytes_of(source: DocumentFile) -> bytes:
    """Read a file that is published as it is; InputError when it cannot be read."""
    try:
        return source.path.read_bytes()
    except OSError as error:
        raise InputError(f"{source.path.name} illisible ({in_french(error)})") from error
