"""A long JSON file as bodies of some records each, so that memory does not depend on its length.

Records stand in the list of an envelope, or in a list alone; each body has the members that came before the list. The
lists of a disruption response belong together (a line names the disruptions that touch it): they come in one body.
"""

import json
import logging
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from lib.figures.quality import CONTENT_KEPT, Quality
from lib.raw.contents import read_blocks, read_lines, too_large
from lib.raw.csv_dialect import MAX_ROW_CHARACTERS
from lib.raw.json_stream import START, Text, members
from lib.raw.limits import DISRUPTIONS, JSON_BYTES, MEGABYTE, MOST_RECORDS
from lib.raw.source_files import RawFile
from lib.raw.usable_files import too_many

TOGETHER = ("disruptions", "lines", "line_reports")
APART = (None, "results", "records", "features", "days")
BATCH = MEGABYTE  # characters of the records of a body, from which the next one begins

Slim = Callable[[Any], Any] | None

log = logging.getLogger(__name__)


def long_bodies(raw: RawFile, quality: Quality, slim: Slim) -> Iterator[tuple[int, Any]]:
    """(line or number of the first record, body). Where the text breaks, what precedes is kept and the rest rejected.

    InputError after MOST_RECORDS.
    """
    lines = read_lines(raw.path, JSON_BYTES, MAX_ROW_CHARACTERS)
    first = list(islice((line for line in lines if line.strip()), 2))
    if len(first) > 1 and any(map(_is_json, first)) and not _opens_list(first[0]):
        yield from _jsonl(raw, quality)
    else:
        yield from _document(raw, quality, slim)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _opens_list(line: bytes) -> bool:
    """Whether a list goes on after this line: its next lines may be records, each a JSON text."""
    return line.lstrip(b"\xef\xbb\xbf \t").startswith(b"[") and not _is_json(line)


def _jsonl(raw: RawFile, quality: Quality) -> Iterator[tuple[int, Any]]:
    lines = read_lines(raw.path, JSON_BYTES, MAX_ROW_CHARACTERS)
    for number, line in enumerate(lines, start=1):
        if number > MOST_RECORDS:
            raise too_large(raw.path, MOST_RECORDS, "lignes")
        text = (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).decode("utf-8", "replace")
        if not text.strip():
            continue
        try:
            yield number, json.loads(text)
        except (ValueError, RecursionError):
            quality.reject("json_illisible", raw.name, number, text[:CONTENT_KEPT])


def _document(raw: RawFile, quality: Quality, slim: Slim) -> Iterator[tuple[int, Any]]:
    text = Text(read_blocks(raw.path, JSON_BYTES))
    found = _Bodies(slim)
    if not text.peek():
        quality.reject("fichier_vide", raw.name, 1, "")
        return
    try:
        for count, (name, value) in enumerate(members(text)):
            if count > MOST_RECORDS:
                raise too_large(raw.path, MOST_RECORDS, "enregistrements")
            yield from found.take(name, value, text)
    except (ValueError, RecursionError) as error:
        log.warning("%s n'est pas un JSON complet (%s)", raw.name, error)
        quality.reject("json_illisible", raw.name, 1, text.window[text.at : text.at + CONTENT_KEPT])
    yield from found.rest()
    if found.left_out:
        too_many(raw, 1, "", DISRUPTIONS, quality, found.left_out)


class _Bodies:
    """Members of a document on their way into bodies."""

    def __init__(self, slim: Slim) -> None:
        self.slim = slim
        self.whole: dict[str, Any] = {}  # the members that every body has
        self.batch: list[Any] = []
        self.weight = 0  # characters of the batch
        self.name: str | None = None  # of the list that the batch is of
        self.apart = False  # whether a list was met whose records come in several bodies
        self.line, self.left_out = 1, 0
        self.began = 0  # characters of the document before the member at hand
        self.beside = 0  # characters of the members that every body has

    def take(self, name: str | None, value: Any, text: Text) -> Iterator[tuple[int, Any]]:
        size, self.began = text.passed + text.at - self.began, text.passed + text.at
        if name in APART:
            if value is START:
                yield from self.flush()
                self.name, self.apart = name, True
                return
            self.batch.append(value)
            self.weight += size
            if self.weight >= BATCH:
                yield from self.flush()
        elif name in TOGETHER and value is START:
            self.whole[name] = []
        elif name in TOGETHER and isinstance(self.whole.get(name), list):
            self.add(self.whole[name], value)
        elif value is not START and name not in TOGETHER and self.beside + size <= MAX_ROW_CHARACTERS:
            self.whole[str(name)] = value
            self.beside += size

    def add(self, items: list[Any], value: Any) -> None:
        if len(items) < DISRUPTIONS:
            items.append(self.slim(value) if self.slim else value)
        else:
            self.left_out += 1

    def flush(self) -> Iterator[tuple[int, Any]]:
        """The body of the records at hand."""
        if self.batch:
            yield self.line, self.batch if self.name is None else {**self.whole, self.name: self.batch}
            self.line += len(self.batch)
            self.batch, self.weight = [], 0

    def rest(self) -> Iterator[tuple[int, Any]]:
        """The last records; the members, where there was no list of records at all."""
        yield from self.flush()
        if self.whole and not self.apart:
            yield 1, self.whole
