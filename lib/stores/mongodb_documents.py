"""A stored document as one MongoDB document and back. Pure functions: nothing is sent here.

Readers find it as it is, but for two things. MongoDB has no integers beyond 64 bits: the nearest float stands there.
Keys with `.`, `$` or a null character mean something else to it or to its clients: they are written in percent, as in
an URL. Beside it are its JSON, gzipped (`json_gz`), from which it is loaded, and `sha256` of its content.

Beyond 16 MB `metrics_file` (`report_file`) takes the place of `json_gz`: it names the document's file below OUTPUT_DIR.
Where that is not enough the body is a summary, as in DynamoDB.
"""

import re
import sys
from typing import Any

import bson

from lib.common.errors import StoreError
from lib.stores import old_items
from lib.stores.document_summary import fitted
from lib.stores.documents import (
    EXACT,
    Document,
    body_of,
    content_of,
    encode,
    pack,
    shows,
    sound,
    stem_of,
    unpack,
)

LIMIT = 16 * 1024 * 1024 - 1024  # bytes of BSON; the server adds an _id to the first version
MAX_DEPTH = 90  # MongoDB takes 100 levels, those that enclose the body included
_INT64 = range(-(2**63), 2**63)


def to_mongo(document: Document, file: str) -> Document:
    """Build the MongoDB document: with its JSON where it fits, else pointing to `file`.

    StoreError for NaN, Infinity, a type foreign to JSON, or nesting that MongoDB refuses.
    """
    body, content = body_of(document), content_of(document)
    digest = {"sha256": content.digest}
    whole = document | {body: _to_value(document[body])} | digest | {EXACT: pack(encode(document))}
    if _size(whole) <= LIMIT:
        return whole

    def summary(kept: Document, omitted: list[str]) -> Document:
        return document | {body: _to_value(kept)} | digest | {f"{body}_file": file, "omitted": omitted}

    return fitted(document[body], LIMIT, summary, _size, content.sizes)[0]


def from_mongo(stored: Document, content: Document | None = None) -> Document:
    """Read the document as it was saved; `content` is that of the file that it points to (see `file_of`).

    StoreError for a document of another program, and unless it is the document of its sha256 and has the figures of its
    map.
    """
    body = body_of(stored)
    if not isinstance(stored.get(body), dict) or not {"date", "timestamp"} <= set(stored):
        raise StoreError("un document de MongoDB n'est pas de CityFlow.", "Le supprimer et relancer ce jour.")
    names: dict[str, str] = {
        name: stored[name] for name in ("metric_type", "report_id", "date", "timestamp") if name in stored
    }
    again = f"Relancer ce jour : make process DATE={stored['date']} FORCE=1"
    try:
        if file_of(stored):
            document = sound(names | {body: (content or {}).get(body)}, stored.get("sha256"))
        elif EXACT not in stored:
            notes = {name: _from_value(stored[name]) for name in old_items.NOTES if name in stored}
            return names | {body: old_items.restored(_from_value(stored[body]), body, notes)}
        else:
            document = unpack(stored[EXACT], names, stored["sha256"])
    except (ValueError, KeyError) as error:
        what = f"{stem_of(stored)} n'est pas dans MongoDB celui de son sha256."
        if file_of(stored):
            what = (
                f"{file_of(stored)} d'OUTPUT_DIR n'est pas le document que MongoDB désigne "
                "(il dépasse 16 Mo et n'y est pas en entier)."
            )
        raise StoreError(what, again) from error
    if not shows(stored[body], document[body], _to_value, summary=bool(stored.get("omitted"))):
        raise StoreError(f"« {body} » de {stem_of(stored)} a été modifié dans MongoDB, hors de CityFlow.", again)
    return document


def file_of(stored: Document) -> str | None:
    """Return the file below OUTPUT_DIR with the exact document, where this one does not hold it."""
    return stored.get(f"{body_of(stored)}_file")


def _to_value(value: Any, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        raise StoreError(f"imbrication de plus de {MAX_DEPTH} niveaux : MongoDB la refuse.")
    if isinstance(value, dict):
        return {_to_key(key): _to_value(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_to_value(item, depth + 1) for item in value]
    return _nearest(value) if isinstance(value, int) and value not in _INT64 else value


def _from_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {_from_key(key): _from_value(item) for key, item in value.items()}
    return [_from_value(item) for item in value] if isinstance(value, list) else value


def _nearest(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return sys.float_info.max if number > 0 else -sys.float_info.max


def _size(stored: Document) -> int:
    return len(bson.encode(stored))


def _to_key(key: Any) -> str:
    if not isinstance(key, str):
        raise StoreError(f"la clé {key!r} n'est pas un texte : ce n'est pas du JSON.")
    return re.sub(r"[%.$\0]", lambda found: f"%{ord(found[0]):02X}", key)


def _from_key(key: str) -> str:
    return re.sub(r"%([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), key)
