"""Records out of API pulls, whatever their envelope.

Met in the field: {"results": […]} (portal v2.1), a bare list (export), {"records": [{"fields": …}]} (portal v1.0), and
JSONL whose lines are records or whole responses. A file or a line that is no JSON is rejected alone.
"""

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lib.common.errors import InputError
from lib.figures.quality import Quality
from lib.raw.contents import MOST_ZIPPED, check_size, opened, read_blocks, read_bytes, readable
from lib.raw.limits import JSON_BYTES, READ_WHOLE
from lib.raw.long_json import long_bodies
from lib.raw.source_files import RawFile
from lib.raw.usable_files import passed_over

_ENVELOPE = re.compile(r'^\s*\[|"(results|records|features|disruptions|days)"\s*:\s*\[')
_GAP = re.compile(r"[\s,]*")

log = logging.getLogger(__name__)


def read_bodies(
    files: Iterable[RawFile], quality: Quality, needles: Iterable[str] = (), slim: Callable[[Any], Any] | None = None
) -> Iterator[tuple[RawFile, int, Any]]:
    """Yield (file, line, JSON value) for each response or JSONL line of the files, in their order.

    With `needles`, a file whose bytes hold none of these texts is passed over unread: it cannot be about the day. A
    long response comes in several values, each with some of its records; what must stay together (see
    lib/raw/long_json) is made smaller by `slim`, item by item.
    """
    wanted = [needle.encode() for needle in needles]
    for raw in files:
        try:
            data = short_text(raw)
            if wanted and not holds(raw, data, wanted):
                continue
            for line, body in bodies_of(raw, data, quality, slim):
                yield raw, line, body
        except InputError as error:
            passed_over(raw, error, quality)


def bodies_of(
    raw: RawFile, data: bytes | None, quality: Quality, slim: Callable[[Any], Any] | None = None
) -> Iterator[tuple[int, Any]]:
    """(line, JSON value) of each response of one file, whose short_text is `data`."""
    return long_bodies(raw, quality, slim) if data is None else _parse(data, raw, quality)


def short_text(raw: RawFile) -> bytes | None:
    """The text of a file of READ_WHOLE bytes at the most; None of a longer one. InputError when it is too long."""
    with readable(raw.path):
        size = raw.path.stat().st_size
    if raw.path.suffix == ".gz" and size <= READ_WHOLE < size * MOST_ZIPPED:
        with readable(raw.path), opened(raw.path) as stream:
            data = stream.read(READ_WHOLE + 1)
        if len(data) <= READ_WHOLE:
            return data
    elif size <= READ_WHOLE:
        return read_bytes(raw.path)
    check_size(raw.path, JSON_BYTES)
    return None


def holds(raw: RawFile, data: bytes | None, texts: list[bytes]) -> bool:
    """Whether one of the texts stands in a file, of which `data` is the whole content where that is known."""
    overlap = max(map(len, texts), default=0)
    pieces = [data] if data is not None else read_blocks(raw.path, JSON_BYTES, overlap)
    return any(text in piece for piece in pieces for text in texts)


def records(body: Any) -> Iterator[Any]:
    """The records of one response, out of their envelope."""
    if isinstance(body, list):
        for item in body:
            yield from records(item)
    elif isinstance(body, dict) and isinstance(body.get("results"), list):
        yield from body["results"]
    elif isinstance(body, dict) and isinstance(body.get("records"), list):
        for item in body["records"]:
            yield item["fields"] if isinstance(item, dict) and isinstance(item.get("fields"), dict) else item
    else:
        yield body


def _parse(data: bytes, raw: RawFile, quality: Quality) -> Iterator[tuple[int, Any]]:
    """Yield (line, JSON value) for each response or JSONL line of one file's bytes."""
    text = data.decode("utf-8-sig", errors="replace")
    if not text.strip():
        quality.reject("fichier_vide", raw.name, 1, "")
        return
    whole, problem = _loads(text)
    if not problem:
        yield 1, whole
        return
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if _loads(lines[0][1])[1] and (len(lines) < 2 or _loads(lines[1][1])[1]):  # not JSONL: one broken document
        saved, rest = _whole_records(text)
        log.warning("%s n'est pas un JSON complet (%s)", raw.name, problem)
        quality.reject("json_illisible", raw.name, 1, text[rest:])
        if saved:
            yield 1, saved
        return
    for number, line in lines:
        body, problem = _loads(line)
        if problem:
            quality.reject("json_illisible", raw.name, number, line)
        else:
            yield number, body


def _whole_records(text: str) -> tuple[Any, int]:
    """What a broken response still says: the envelope with its whole leading records, and where the rest begins."""
    found = _ENVELOPE.search(text)
    if not found:
        return None, 0
    items, position = [], found.end()
    decoder = json.JSONDecoder()
    while True:
        gap = _GAP.match(text, position)
        try:
            item, position = decoder.raw_decode(text, gap.end() if gap else position)
        except (ValueError, RecursionError):
            break
        items.append(item)
    return ({found[1]: items} if found[1] else items) if items else None, position


def _loads(text: str) -> tuple[Any, str]:
    """The value, and the problem met (empty when there is none)."""
    try:
        return json.loads(text), ""
    except (ValueError, RecursionError) as error:
        return None, str(error)
