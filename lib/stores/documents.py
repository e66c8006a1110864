"""The documents that every store keeps: their two forms, their bytes and their digest.

A document is {"metric_type", "date", "timestamp", "metrics"} or {"report_id", "date", "timestamp", "report"}.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from lib.common.errors import StoreError
from lib.common.paris_time import machine_now, parse_day

_TYPE = re.compile(r"[a-z][a-z0-9_]{0,40}")

Document = dict[str, Any]


def metrics_document(metrics: Document, data_type: str, day: date) -> Document:
    """The document stored for a day's metrics; StoreError for a bad type."""
    if not _TYPE.fullmatch(data_type):
        raise StoreError(f"type de métrique « {data_type} » invalide.", "Attendu : minuscules, chiffres et « _ ».")
    return {"metric_type": data_type, "date": day.isoformat(), "timestamp": _now(), "metrics": metrics}


def report_document(report: Document, day: date) -> Document:
    """The document stored for a day's report."""
    return {"report_id": report_id(day), "date": day.isoformat(), "timestamp": _now(), "report": report}


def report_id(day: date) -> str:
    """The key of a day's report."""
    return f"daily_report_{day.isoformat()}"


def known_days(texts: Iterable[str]) -> list[date]:
    """The days of documents that a database holds; StoreError for one that no document of ours bears."""
    try:
        return [parse_day(text) for text in texts]
    except ValueError as error:
        raise StoreError(f"un document de la base n'est pas de CityFlow : {error}.", "L'en retirer.") from error


def encode(document: Document) -> bytes:
    """Canonical JSON bytes: UTF-8, keys as given; StoreError for NaN, Infinity or a foreign type.

    Objects are indented by 2; a list that is no list of lists or of objects is one line, and so is a record of a list.
    """
    return _json(document, lambda: _laid_out(document, "\n")) + b"\n"


def content_sha256(document: Document) -> str:
    """Digest of a document without its timestamp: the same figures have the same digest, whenever they were computed.

    StoreError for NaN, Infinity or a foreign type.
    """
    content = {key: value for key, value in document.items() if key != "timestamp"}
    return hashlib.sha256(_json(content, lambda: _text(content, sort_keys=True, separators=(",", ":")))).hexdigest()


def _laid_out(value: Any, margin: str) -> str:
    """JSON text of a value whose lines begin with `margin`, a line feed and spaces."""
    inner = f"{margin}  "
    if isinstance(value, dict) and value:
        pairs = (f"{inner}{_text(str(key))}: {_laid_out(item, inner)}" for key, item in value.items())
        return f"{{{','.join(pairs)}{margin}}}"
    if isinstance(value, list | tuple) and any(isinstance(item, dict | list | tuple) for item in value):
        return f"[{','.join(inner + _text(item) for item in value)}{margin}]"
    return _text(value)


def _text(value: Any, **layout: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, **layout)


def _json(document: Document, written: Callable[[], str]) -> bytes:
    try:
        return written().encode()
    except (ValueError, TypeError, UnicodeEncodeError, RecursionError) as error:
        name = document.get("metric_type") or document.get("report_id")
        raise StoreError(
            f"{name} du {document.get('date')} contient une valeur impossible à stocker ({error}).",
            "Un NaN ou un infini doit devenir null avant l'enregistrement.",
        ) from error


def _now() -> str:
    return machine_now().isoformat(timespec="seconds")
