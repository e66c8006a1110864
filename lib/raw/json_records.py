"""Records out of API pulls, whatever their envelope (lib/raw/envelopes) and their length.

JSONL is met too: its lines are records or whole answers. A file or a line that is no JSON is rejected alone.

A short file that is one JSON value is decoded at once, which is quickest. Any other is read in pieces, so that memory
does not depend on its length: line by line, or as bodies of some records each, with the members that came before their
list. The lists of a disruption response belong together (a line names the disruptions that touch it): they come in one
body. Where the text breaks, what precedes is kept and the rest rejected.
"""

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, TypeVar

from stringzilla import count, find  # SIMD search: ten times that of bytes

from lib.common.errors import InputError, RefusedAnswerError, in_french
from lib.figures.answers import CUT, HEADLESS, Answer
from lib.figures.quality import CONTENT_KEPT, Quality
from lib.raw.contents import check_size, first_bytes, last_line, lines_of, read_blocks, too_large
from lib.raw.csv_dialect import MAX_ROW_CHARACTERS
from lib.raw.envelopes import APART, TOGETHER, announced, records, refusal, unwrapped
from lib.raw.forms import encoding
from lib.raw.forms.kinds import shown
from lib.raw.json_stream import Text, items, names
from lib.raw.limits import DISRUPTIONS, JSON_BYTES, MEGABYTE, MOST_RECORDS, READ_WHOLE
from lib.raw.source_files import RawFile
from lib.raw.usable_files import passed_over, too_many

BATCH = MEGABYTE  # characters of the records of a body, from which the next one begins

LONGEST_DATE = 64  # bytes, with the name before it

_ENVELOPE = re.compile(r'"(results|records|features|disruptions|days|data)"\s*:\s*\[')
_BROKEN = (ValueError, RecursionError)
_SPACES = b" \t\r\n\xef\xbb\xbf"
_DATED = re.compile(rb"[12][0-9]{3}-[01][0-9]-[0-3][0-9]")

Slim = Callable[[Any], Any] | None
Thing = TypeVar("Thing")

log = logging.getLogger(__name__)


def read_bodies(
    files: Iterable[RawFile], quality: Quality, needles: Iterable[str] = (), slim: Slim = None
) -> Iterator[tuple[RawFile, int, Any]]:
    """Yield (file, line, JSON value) for each response or JSONL line of the files, in their order.

    With `needles`, a file that holds none of these dates is passed over, if it is_searchable. Of a response read in
    pieces, what must stay together is made smaller by `slim`, item by item.
    """
    wanted = [needle.encode() for needle in needles]
    for raw in files:
        try:
            data = short_text(raw)
            if wanted and not holds(raw, data, wanted) and is_searchable(raw, data):
                continue
            for line, body in bodies_of(raw, data, quality, slim):
                yield raw, line, body
        except InputError as error:
            passed_over(raw, error, quality)


def bodies_of(raw: RawFile, data: bytes | None, quality: Quality, slim: Slim = None) -> Iterator[tuple[int, Any]]:
    """Yield (line or number of the first record, JSON value) of each response of one file; its short_text is `data`.

    What each announces is kept in quality.answers; a refusal is passed over and said. InputError after MOST_RECORDS.
    """
    whole, is_whole = _decoded(data) if data is not None else (None, False)
    if data is not None and not _is_utf8(data):
        _warn_of_windows(raw, quality)
    found: Iterable[tuple[int, Any]] = [(1, whole)]
    in_pieces = not is_whole and not _is_jsonl(_blocks(raw, data))
    if in_pieces:
        found = _Document(raw, Text(_blocks(raw, data)), slim).bodies(quality)
    elif not is_whole:
        found = _lines(raw, _blocks(raw, data), quality)
    for line, value in found:
        body = value if in_pieces else unwrapped(value)
        if why := refusal(body):
            text = f"{raw.path} ne contient pas de données, mais un refus (ligne {line}) : « {why} »."
            passed_over(raw, RefusedAnswerError(text, "Refaire la demande."), quality)
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
    check_size(raw.path, JSON_BYTES)
    return None


def holds(raw: RawFile, data: bytes | None, texts: list[bytes]) -> bool:
    """Tell whether one of the texts stands in a file, of which `data` is the whole content where that is known."""
    overlap = max(map(len, texts), default=0)
    return any(find(piece, text) >= 0 for piece in _blocks(raw, data, overlap) for text in texts)


def is_searchable(raw: RawFile, data: bytes | None, dated: re.Pattern[bytes] = _DATED) -> bool:
    """Tell whether what a search does not find is not there: a whole JSON text, with a date in the form `dated`."""
    opening, closing, braces, is_dated, tail = b"", b"", 0, False, b""
    for piece in _blocks(raw, data):
        opening = opening or piece.lstrip(_SPACES)[:1]
        closing = piece.rstrip(_SPACES)[-1:] or closing
        braces += count(piece, b"{") - count(piece, b"}")
        is_dated = is_dated or dated.search(tail + piece) is not None
        tail = (tail + piece)[-LONGEST_DATE:]
    return is_dated and braces == 0 and opening + closing in (b"{}", b"[]")


def _warn_of_windows(raw: RawFile, quality: Quality) -> None:
    quality.warn("encodage_windows", "information", encoding.WARNING, exemples=[raw.name])


def _answer(raw: RawFile, body: Any) -> Answer:
    total = announced(body)
    held = [] if total is None else list(records(body))  # which no one asks of one that announces nothing
    apart = map(_identity, held) if total is not None and len(held) < total else ()
    return Answer(raw.origin, total, len(held), frozenset(apart))


def _identity(record: Any) -> int:
    """Tell records apart by all but their numbers: a count that was revised is of the same hour."""
    values = record.values() if isinstance(record, dict) else [record]
    return hash(tuple(value if isinstance(value, str) else repr(value) for value in values if not _is_number(value)))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _is_utf8(data: bytes) -> bool:
    with suppress(UnicodeDecodeError):
        return data.isascii() or bool(data.decode())
    return False


def _blocks(raw: RawFile, data: bytes | None, overlap: int = 0) -> Iterable[bytes]:
    return [data] if data is not None else read_blocks(raw.path, JSON_BYTES, overlap)


def _decoded(text: bytes) -> tuple[Any, bool]:
    """Read a JSON text, and tell whether it is one."""
    with suppress(*_BROKEN):
        return json.loads(text.decode("utf-8-sig", encoding.MENDING)), True
    return None, False


def _is_jsonl(blocks: Iterable[bytes]) -> bool:
    """Tell whether each line is a JSON text of its own, one broken line aside: those of an indented list are not."""
    lines = (line for line in lines_of(blocks, MAX_ROW_CHARACTERS) if line.strip())
    first = list(islice(lines, 2))
    if len(first) < 2:
        return False
    if _decoded(first[0])[1]:
        return True
    second, is_json = _decoded(first[1])
    # Records stand in an indented list, never lists: a list alone on its line is a whole answer.
    return is_json and (isinstance(second, list) or not _opens_list(first[0].decode("utf-8-sig", "replace").lstrip()))


def _opens_list(line: str) -> bool:
    """Tell whether a list begins in this line and goes on in the next ones, which may be records."""
    with suppress(*_BROKEN):
        json.JSONDecoder().raw_decode(line)
        return False
    return line.startswith("[")


def _lines(raw: RawFile, blocks: Iterable[bytes], quality: Quality) -> Iterator[tuple[int, Any]]:
    lines = _at_most(raw, lines_of(blocks, MAX_ROW_CHARACTERS), "lignes")
    number, is_json, begins = 0, True, True
    for number, line in enumerate(lines, start=1):
        body, is_json = _decoded(line)
        begins = begins and (is_json or number > 1)
        if is_json:
            yield number, body
        elif line.strip():
            quality.reject("json_illisible", raw.name, number, line[: 4 * CONTENT_KEPT].decode("utf-8", "replace"))
    if not begins or (not is_json and last_line(raw.path).strip()):
        quality.answers.add(Answer(raw.origin, None, number - 1, broken=CUT if begins else HEADLESS))


def _at_most(raw: RawFile, things: Iterable[Thing], what: str = "enregistrements") -> Iterator[Thing]:
    """Yield the same, up to MOST_RECORDS of them; InputError after that."""
    for number, thing in enumerate(things):
        if number == MOST_RECORDS:
            raise too_large(raw.path, MOST_RECORDS, what)
        yield thing


class _Document:
    """One JSON document on its way into bodies."""

    def __init__(self, raw: RawFile, text: Text, slim: Slim) -> None:
        self.raw, self.text, self.slim = raw, text, slim
        self.beside: dict[str, Any] = {}  # the members that every body has
        self.room = MAX_ROW_CHARACTERS  # characters that these may still have
        self.lists: list[str | None] = []  # the names of the lists of records that were met
        self.line, self.left_out, self.held = 1, 0, 0

    def bodies(self, quality: Quality) -> Iterator[tuple[int, Any]]:
        """Yield the bodies, and keep what the document says of itself; a part that is broken is rejected."""
        text, broken = self.text, False
        try:
            yield from self.read(_at_most(self.raw, names(text)))
        except _BROKEN as error:
            log.warning("%s n'est pas un JSON complet (%s)", self.raw.name, in_french(error))
            quality.reject("json_illisible", self.raw.name, 1, text.window[text.at : text.at + CONTENT_KEPT])
            broken = True
        start = max(text.at - 1, 0)  # the quote before a name may have been taken for the end of another
        found = _ENVELOPE.search(text.window, start) if broken and not self.lists else None
        if found:  # what is broken stands before the records
            text.at = found.end() - 1
            with suppress(*_BROKEN):
                yield from self.read([found[1]])
        if self.beside and not set(self.lists) & set(APART) and (self.lists or not broken):
            yield 1, self.beside
        if broken and not self.held:
            quality.unusable.setdefault(self.raw.name, f"pas du JSON entier : {shown(first_bytes(self.raw.path, 200))}")
        if text.mended:
            _warn_of_windows(self.raw, quality)
        quality.answers.add(
            Answer(self.raw.origin, announced(self.beside), self.held, broken="JSON incomplet" if broken else "")
        )
        if self.left_out:
            too_many(self.raw, 1, "", DISRUPTIONS, quality, self.left_out)

    def read(self, members: Iterable[str | None]) -> Iterator[tuple[int, Any]]:
        """Yield the bodies of the lists of records among these members, whose values come next in the text."""
        for name in members:
            is_list = self.text.peek() == "["
            if is_list and name in APART:
                self.lists.append(name)
                for batch in self.batches():
                    yield self.line, batch if name is None else {**self.beside, name: batch}
                    self.line += len(batch)
                    self.held += len(batch)
            elif is_list and name in TOGETHER:
                self.lists.append(name)
                kept: list[Any] = []
                self.beside[str(name)] = kept
                try:
                    self.keep(kept)
                finally:
                    self.held += len(kept)
            else:
                begun, value = self.text.position, self.text.value()
                size = self.text.position - begun
                if size <= self.room:
                    self.beside[str(name)] = value
                    self.room -= size

    def batches(self) -> Iterator[list[Any]]:
        """Yield the records of a list, some at a time; of one that breaks, those before."""
        batch: list[Any] = []
        end = self.text.position + BATCH
        try:
            for item in _at_most(self.raw, items(self.text)):
                batch.append(item)
                if self.text.position >= end:
                    yield batch
                    batch, end = [], self.text.position + BATCH
        except _BROKEN:
            if batch:
                yield batch
            raise
        if batch:
            yield batch

    def keep(self, kept: list[Any]) -> None:
        for item in _at_most(self.raw, items(self.text)):
            if len(kept) < DISRUPTIONS:
                kept.append(self.slim(item) if self.slim else item)
            else:
                self.left_out += 1
