"""A stored document as one MongoDB document and back. Pure functions: nothing is sent here.

The document is stored as it is, plus `sha256` of its content. MongoDB keeps floats, integers and the order of keys; it
has no integers beyond 64 bits (the nearest float is stored, and document_notes keeps the exact one), and keys with `.`,
`$` or a null character mean something else to it or to its clients: those are written in percent, as in an URL.

A document over 16 MB keeps its summary, as in DynamoDB; `metrics_file` (`report_file`) then names the whole one's file
below OUTPUT_DIR.
"""

import re
import sys
from typing import Any

import bson

from lib.common.errors import StoreError
from lib.stores.document_notes import Notes, exact_numbers, restored
from lib.stores.document_summary import names_of, without_largest
from lib.stores.documents import Document, content_sha256

LIMIT = 16 * 1024 * 1024 - 1024  # bytes of BSON; the server adds an _id to the first version
MAX_DEPTH = 90  # MongoDB takes 100 levels, those that enclose the body included
_INT64 = range(-(2**63), 2**63)


def to_mongo(document: Document, body: str, file: str) -> Document:
    """The MongoDB document: whole where it fits, else its summary pointing to `file`. `body`: metrics or report.

    StoreError for NaN, Infinity, a foreign type, or nesting that MongoDB refuses.
    """
    digest = content_sha256(document)
    stored = _stored(document, body, document[body]) | {"sha256": digest}
    excess = _size(stored) - LIMIT
    kept, gone = document[body], []
    while excess > 0:
        kept, more = without_largest(kept, excess, lambda value: _size({"v": _to_value(value)}))
        gone += more
        stored = _stored(document, body, kept)
        stored |= {"sha256": digest, f"{body}_file": file, "omitted": names_of(gone)}
        excess = _size(stored) - LIMIT
    return stored


def from_mongo(stored: Document, body: str) -> Document:
    """The document as it was saved; of a summary (see `file_of`), what stayed of it.

    StoreError for a document of somebody else.
    """
    if not isinstance(stored.get(body), dict) or not {"date", "timestamp"} <= set(stored):
        raise StoreError("un document de MongoDB n'est pas de CityFlow.", "Le supprimer et relancer ce jour.")
    notes = Notes([], _from_value(stored.get("exact_numbers", {})), {})
    content = _from_value(stored[body])
    names = {name: stored[name] for name in stored if name in ("metric_type", "report_id", "date", "timestamp")}
    return names | {body: restored(content, body, notes) if notes.exact_numbers else content}


def file_of(stored: Document, body: str) -> str | None:
    """The file below OUTPUT_DIR that holds the whole document, where this one is only a summary."""
    return stored.get(f"{body}_file")


def _stored(document: Document, body: str, content: Document) -> Document:
    stored = document | {body: _to_value(content)}
    exact = exact_numbers(content, body, _is_held)
    return stored | ({"exact_numbers": _to_value(exact)} if exact else {})


def _to_value(value: Any, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        raise StoreError(f"imbrication de plus de {MAX_DEPTH} niveaux : MongoDB la refuse.")
    if isinstance(value, dict):
        return {_to_key(key): _to_value(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_to_value(item, depth + 1) for item in value]
    return value if _is_held(value) else _nearest(value)


def _from_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {_from_key(key): _from_value(item) for key, item in value.items()}
    return [_from_value(item) for item in value] if isinstance(value, list) else value


def _is_held(value: Any) -> bool:
    return not isinstance(value, int) or value in _INT64


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
