"""The documents that every store keeps: their two forms, their bytes and their digest.

A document is {"metric_type", "date", "timestamp", "metrics"} or {"report_id", "date", "timestamp", "report"}. In a
database it is a map for readers and, in the attribute EXACT, its JSON, from which it is loaded: a database may not tell
1.0 from 1, may hold a number only nearly, or give the keys of a map back in another order.
"""

import gzip
import hashlib
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from lib.common.errors import StoreError
from lib.common.exact_json import canonical_text, read_json, readable_text
from lib.common.paris_time import machine_now, parse_day

_TYPE = re.compile(r"[a-z][a-z0-9_]{0,40}")

Document = dict[str, Any]

BODIES = {"metric_type": "metrics", "report_id": "report"}  # key beside `date` -> attribute of the body
EXACT = "json_gz"  # attribute: the packed JSON of the whole document
PACKING = 5  # gzip's level: 6 takes twice the time for 6 % less


@dataclass(frozen=True)
class Content:
    """What one walk over a document finds: its content_sha256, that of its body alone, bytes of the body's parts."""

    digest: str
    body_digest: str  # the same for all days of the same figures
    sizes: dict[str, int]  # of each part's shortest JSON, its name included


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def metrics_document(metrics: Document, data_type: str, day: date) -> Document:
    """Build the document stored for a day's metrics; StoreError for a bad type."""
    if not _TYPE.fullmatch(data_type):
        raise StoreError(f"type de métrique « {data_type} » invalide.", "Attendu : minuscules, chiffres et « _ ».")
    return {"metric_type": data_type, "date": day.isoformat(), "timestamp": _now(), "metrics": metrics}


def report_document(report: Document, day: date) -> Document:
    """Build the document stored for a day's report."""
    return {"report_id": report_id(day), "date": day.isoformat(), "timestamp": _now(), "report": report}


def report_id(day: date) -> str:
    """Return the key of a day's report."""
    return f"daily_report_{day.isoformat()}"


def month_report_id(month: date) -> str:
    """Return the name of a month's report, given any of its days; it is no document of a database."""
    return f"monthly_report_{month:%Y-%m}"


def body_of(document: Document) -> str:
    """Return the attribute of a document's body: metrics or report. Its keys suffice."""
    return next(body for key, body in BODIES.items() if key in document)


def kind_of(document: Document) -> str:
    """Return where a document is kept: metrics or reports. Its keys suffice."""
    return "metrics" if "metric_type" in document else "reports"


def stem_of(document: Document) -> str:
    """Return the name of a document's local file, without suffix. Its keys suffice."""
    return (
        str(document["report_id"])
        if "report_id" in document
        else f"{document['metric_type']}_metrics_{document['date']}"
    )


def known_days(texts: Iterable[str]) -> list[date]:
    """Parse the days of a database's documents; StoreError for a text that is no day."""
    try:
        return [parse_day(text) for text in texts]
    except ValueError as error:
        raise StoreError(f"un document de la base n'est pas de CityFlow : {error}.", "L'en retirer.") from error


def encode(document: Document) -> bytes:
    """Write a document as its file has it, keys as given; StoreError for NaN, Infinity or a type foreign to JSON."""
    with _storable(document):
        return readable_text(document)


def pack(content: bytes) -> bytes:
    """Compress the JSON of a document with gzip: the same bytes for the same document."""
    return gzip.compress(content, compresslevel=PACKING, mtime=0)


def unpack(packed: bytes, names: dict[str, str], digest: str) -> Document:
    """Read the body of a packed document; ValueError unless it is, with these names, the one of this digest."""
    body = body_of(names)
    try:
        document = names | {body: read_json(gzip.decompress(packed))[body]}
    except (OSError, EOFError, zlib.error, TypeError, KeyError) as error:
        raise ValueError(str(error)) from error
    return sound(document, digest)


def sound(document: Document, digest: object) -> Document:
    """Return a document; ValueError unless this is its content_sha256."""
    if content_sha256(document) != digest:
        raise ValueError("sha256 différent")
    return document


def shows(shown: Any, exact: Any, held: Callable[[Any], Any], summary: bool) -> bool:
    """Tell whether a map read from a database has the figures of the exact body, in any order of keys.

    `held` makes of a body what the database holds of it: it is called only where the two differ. 1 and 1.0 are one
    figure, 1 and true are not. Of a `summary`, maps may lack keys; lists are whole.
    """
    return _same_figures(shown, exact, summary) or _same_figures(shown, held(exact), summary)


def _same_figures(shown: Any, exact: Any, summary: bool = False) -> bool:
    if isinstance(exact, dict):
        return (
            isinstance(shown, dict)
            and (shown.keys() <= exact.keys() if summary else shown.keys() == exact.keys())
            and all(_same_figures(value, exact[key], summary) for key, value in shown.items())
        )
    if isinstance(exact, list):
        return isinstance(shown, list) and len(shown) == len(exact) and all(map(_same_figures, shown, exact))
    return bool(shown == exact) and isinstance(shown, bool) == isinstance(exact, bool)


def content_sha256(document: Document) -> str:
    """Hash a document without its timestamp: the same figures have the same digest, whenever they were computed.

    StoreError for NaN, Infinity or a type foreign to JSON.
    """
    with _storable(document):
        return sha256(canonical_text({key: value for key, value in document.items() if key != "timestamp"}))


def content_of(document: Document) -> Content:
    """Walk through a document once; StoreError for NaN, Infinity or a type foreign to JSON."""
    name = body_of(document)
    with _storable(document):
        parts = {key: _named(key, document[name][key]) for key in sorted(document[name])}
        body = b'"%b":{%b}' % (name.encode(), b",".join(parts.values()))
        texts = {key: _named(key, value) for key, value in document.items() if key not in (name, "timestamp")}
    whole = b",".join(text for _, text in sorted((texts | {name: body}).items()))
    sizes = {key: len(text) + 1 for key, text in parts.items()}
    return Content(sha256(b"{%b}" % whole), sha256(b"{%b}" % body), sizes)


def _named(key: str, value: Any) -> bytes:
    return b"%b:%b" % (canonical_text(key), canonical_text(value))


@contextmanager
def _storable(document: Document) -> Iterator[None]:
    """Turn what JSON has no form for into a StoreError about the document."""
    try:
        yield
    except (ValueError, TypeError, UnicodeEncodeError, RecursionError) as error:
        name = document.get("metric_type") or document.get("report_id")
        raise StoreError(
            f"{name} du {document.get('date')} contient une valeur impossible à stocker ({error}).",
            "Un NaN ou un infini doit devenir null avant l'enregistrement.",
        ) from error


def _now() -> str:
    return machine_now().isoformat(timespec="seconds")
