"""Records out of API pulls, whatever their envelope (lib/raw/envelopes) and their length.

JSONL is met too: its lines are records or whole answers. A file or a line that is no JSON is rejected alone.

A short file that is one JSON value is decoded at once, which is quickest. Any other is read in pieces, so that memory
does not depend on its length: line by line, or as the bodies of a document (lib/raw/json_stream).
"""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from stringzilla import count, find  # SIMD search: ten times that of bytes

from lib.common.errors import InputError
from lib.common.exact_json import json_text, read_json
from lib.figures.answers import CUT, HEADLESS, Answer
from lib.figures.quality import CONTENT_KEPT, Quality
from lib.raw.contents import first_bytes, last_line, lines_of, read_blocks
from lib.raw.csv_dialect import MAX_ROW_CHARACTERS
from lib.raw.envelopes import announced, is_bare, records, refusal, unwrapped
from lib.raw.forms.encoding import MENDING, is_utf8, warn_of_windows
from lib.raw.json_stream import BROKEN, Document, Slim, at_most
from lib.raw.limits import JSON_BYTES, MEGABYTE, READ_WHOLE
from lib.raw.source_files import RawFile
from lib.raw.usable_files import passed_over

LOOKED_AT = 20  # lines after the first, to tell JSONL from a document: these may be broken
LONGEST_DATE = 64  # bytes, with the name before it

_SPACES = b" \t\r\n\xef\xbb\xbf"
_MARK = b'"\\u0000"'
_NUMBERS = frozenset({int, float, bool})
_DATED = re.compile(rb"[12][0-9]{3}-[01][0-9]-[0-3][0-9]")


def read_bodies(files: Iterable[RawFile], quality: Quality) -> Iterator[tuple[RawFile, int, Any]]:
    """Yield (file, line, JSON value) for each response or JSONL line of the files, in their order."""
    for raw in files:
        try:
            for line, body in bodies_of(raw, short_text(raw), quality):
                yield raw, line, body
        except InputError as error:
            passed_over(raw, error, quality)


def bodies_of(raw: RawFile, data: bytes | None, quality: Quality, slim: Slim = None) -> Iterator[tuple[int, Any]]:
    """Yield (line or number of the first record, JSON value) of each response of one file; its short_text is `data`.

    What each announces is kept in quality.answers; a refusal is passed over and said. InputError after MOST_RECORDS.
    Of a response read in pieces, what must stay together is made smaller by `slim`, item by item.
    """
    whole, is_whole = _decoded(data) if data is not None else (None, False)
    if data is not None and not is_utf8(data):
        warn_of_windows(quality, raw.name)
    found: Iterable[tuple[int, Any]] = [(1, whole)]
    in_pieces = not is_whole and not _is_jsonl(pieces_of(raw, data))
    if in_pieces:
        found = Document(raw, pieces_of(raw, data), slim).bodies(quality)
    elif not is_whole:
        found = _lines(raw, pieces_of(raw, data), quality)
    for line, value in found:
        if is_bare(value) and not in_pieces:
            quality.answers.origins[raw.name] = raw.origin
            yield line, value
            continue
        body = value if in_pieces else unwrapped(value)
        if why := refusal(body):
            text = f"{raw.path} ne contient pas de données, mais un refus (ligne {line}) : « {why} »."
            passed_over(raw, InputError(text, "Refaire la demande.", "reponse_en_erreur"), quality)
            continue
        if not in_pieces:
            pages = body if isinstance(body, list) and body and announced(body[0]) is not None else [body]
            for page in pages:
                quality.answers.add(_answer(raw, page))
        yield line, body


def short_text(raw: RawFile) -> bytes | None:
    """Read the plain text of a file of READ_WHOLE bytes at the most; None of a longer one.

    InputError when it is too long.
    """
    data = first_bytes(raw.path, READ_WHOLE + 1)
    if len(data) <= READ_WHOLE:
        return data
    for _ in read_blocks(raw.path, JSON_BYTES):
        continue
    return None


def holds(raw: RawFile, data: bytes | None, texts: list[bytes]) -> bool:
    """Tell whether one of the texts stands in a file, of which `data` is the whole content where that is known."""
    overlap = max(map(len, texts), default=0)
    return any(find(piece, text) >= 0 for piece in pieces_of(raw, data, overlap) for text in texts)


def is_searchable(raw: RawFile, data: bytes | None, dated: re.Pattern[bytes] = _DATED) -> bool:
    """Tell whether what a search does not find is not there: a whole JSON text, with a date in the form `dated`."""
    opening, closing, braces, is_dated, tail = b"", b"", 0, False, b""
    for piece in pieces_of(raw, data):
        opening = opening or piece.lstrip(_SPACES)[:1]
        closing = piece.rstrip(_SPACES)[-1:] or closing
        braces += count(piece, b"{") - count(piece, b"}")
        is_dated = is_dated or dated.search(tail + piece) is not None
        tail = (tail + piece)[-LONGEST_DATE:]
    return is_dated and braces == 0 and opening + closing in (b"{}", b"[]")


def _answer(raw: RawFile, body: Any) -> Answer:
    total = announced(body)
    held = [] if total is None else list(records(body))  # which no one asks of one that announces nothing
    apart = map(_identity, held) if total is not None and len(held) < total else ()
    return Answer(raw.origin, total, len(held), frozenset(apart))


def _identity(record: Any) -> int:
    """Tell records apart by all but their numbers: a count that was revised is of the same hour."""
    values = record.values() if isinstance(record, dict) else [record]
    said = [value for value in values if type(value) not in _NUMBERS]
    try:
        return hash(json_text(said))  # twice as quick as repr
    except ValueError:  # half of a surrogate pair
        return hash(repr(said))


def pieces_of(raw: RawFile, data: bytes | None, overlap: int = 0) -> Iterable[bytes]:
    """Give the plain text of a file, its `data` where that is known, in pieces that overlap by so many bytes."""
    return [data] if data is not None else read_blocks(raw.path, JSON_BYTES, overlap)


def _decoded(text: bytes) -> tuple[Any, bool]:
    """Read a JSON text, and tell whether it is one."""
    with suppress(*BROKEN):
        return read_json(text, MENDING), True
    return None, False


def _each_decoded(lines: Iterable[bytes]) -> Iterator[tuple[bytes, tuple[Any, bool]]]:
    """Yield each line with what it holds, as _decoded says it; lines are read together, which takes half the time."""
    some, size = list[bytes](), 0
    for line in lines:
        some.append(line)
        size += len(line) + len(_MARK)  # blank lines take room too
        if size >= MEGABYTE:
            yield from zip(some, _together(some), strict=True)
            some, size = [], 0
    yield from zip(some, _together(some), strict=True)


def _together(lines: list[bytes]) -> Iterable[tuple[Any, bool]]:
    """Read lines as one list with a mark after each: where marks alone stand between its values, a line is a value."""
    text = b"[%b,%b]" % ((b",%b," % _MARK).join(lines), _MARK)
    values = _decoded(text)[0] if lines and count(text, _MARK) == len(lines) else None
    if values and len(values) == 2 * len(lines) and values[1::2] == [json.loads(_MARK)] * len(lines):
        return ((value, True) for value in values[::2])
    return map(_decoded, lines)


def _is_jsonl(blocks: Iterable[bytes]) -> bool:
    """Tell whether lines are JSON texts of their own: the first, or any other after one that opens no document."""
    lines = (line for line in lines_of(blocks, MAX_ROW_CHARACTERS) if line.strip())
    first, others = next(lines, b""), islice(lines, LOOKED_AT)
    if _decoded(first)[1]:
        return next(others, None) is not None
    return not first.rstrip().endswith((b"[", b"{", b",")) and any(_decoded(line)[1] for line in others)


def _lines(raw: RawFile, blocks: Iterable[bytes], quality: Quality) -> Iterator[tuple[int, Any]]:
    lines = at_most(raw, _each_decoded(lines_of(blocks, MAX_ROW_CHARACTERS)), "lignes")
    number, is_json, begins = 0, True, True
    for number, (line, (body, is_json)) in enumerate(lines, start=1):
        begins = begins and (is_json or number > 1)
        if is_json:
            yield number, body
        elif line.strip():
            quality.reject("json_illisible", raw.name, number, line[: 4 * CONTENT_KEPT].decode("utf-8", "replace"))
    if not begins or (not is_json and last_line(raw.path).strip()):
        quality.answers.add(Answer(raw.origin, None, number - 1, broken=CUT if begins else HEADLESS))
