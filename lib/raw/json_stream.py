"""A JSON document as bodies of some records each: what is held are these and a piece of the text, never the whole.

Each body has the members that came before its list of records. The lists of a disruption response belong together (a
line names the disruptions that touch it): they come in one body. Where the text breaks, what precedes is kept and the
rest rejected. Reading so costs about as much time as json.loads, and a hundredth of the memory.
"""

import codecs
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

from lib.common.errors import in_french
from lib.figures.answers import Answer
from lib.figures.quality import CONTENT_KEPT, Quality
from lib.raw.contents import first_bytes, too_large
from lib.raw.csv_dialect import MAX_ROW_CHARACTERS
from lib.raw.envelopes import APART, TOGETHER, announced
from lib.raw.forms.encoding import MENDING, warn_of_windows
from lib.raw.forms.kinds import shown
from lib.raw.limits import DISRUPTIONS, MEGABYTE, MOST_RECORDS
from lib.raw.source_files import RawFile
from lib.raw.usable_files import too_many

BATCH = MEGABYTE  # characters of the records of a body, from which the next one begins
BROKEN = (ValueError, RecursionError)

_ENVELOPE = re.compile(r'"(results|records|features|disruptions|days|data)"\s*:\s*\[')
_SPACE = re.compile(r"[ \t\n\r]*")

Slim = Callable[[Any], Any] | None
Thing = TypeVar("Thing")

log = logging.getLogger(__name__)


class Text:
    """Text that is read as it is needed: `window` is the piece at hand, `at` the place reached in it."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self.blocks = iter(blocks)
        self.decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self.mended = False  # whether it is not all UTF-8
        self.scan = json.JSONDecoder().raw_decode
        self.window, self.at, self.ended = "", 0, False
        self.passed = 0  # characters before the window
        self.odd_commas = False  # whether there are too many or too few somewhere

    @property
    def position(self) -> int:
        """Count the characters of the document before the place reached."""
        return self.passed + self.at

    def more(self) -> bool:
        """Read on, dropping what has been read; False at the end. A value that is begun doubles the window."""
        kept, pieces, size = self.window[self.at :], [], 0
        while not self.ended and size <= len(kept):
            block = next(self.blocks, None)
            self.ended = block is None
            pieces.append(self.decoded(block or b""))
            size += len(pieces[-1])
        self.passed += self.at
        self.window, self.at = kept + "".join(pieces), 0
        return size > 0

    def decoded(self, block: bytes) -> str:
        try:
            return self.decoder.decode(block, self.ended)
        except UnicodeDecodeError:
            state, self.mended = self.decoder.getstate(), True
            self.decoder = codecs.getincrementaldecoder("utf-8-sig")(MENDING)
            self.decoder.setstate(state)
            return self.decoder.decode(block, self.ended)

    def peek(self) -> str:
        """Look at the next character that is no space; empty at the end."""
        while True:
            found = _SPACE.match(self.window, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.window):
                return self.window[self.at]
            if not self.more():
                return ""

    def take(self, wanted: str) -> None:
        """Pass over the character that must come next; ValueError where another one does."""
        if self.peek() != wanted:
            raise ValueError(f"« {wanted} » attendu, « {self.peek()} » trouvé")
        self.at += 1

    def value(self) -> Any:
        """Read the next value; ValueError where there is none, or one of more characters than a record may have."""
        self.peek()
        while True:
            try:
                value, end = self.scan(self.window, self.at)
                if end < len(self.window) or self.ended:  # else a number may go on in the next piece
                    self.at = end
                    return value
            except ValueError as error:
                if len(self.window) - self.at > MAX_ROW_CHARACTERS:
                    raise ValueError(f"plus de {MAX_ROW_CHARACTERS // MEGABYTE} millions de caractères") from error
                if self.ended:
                    raise
            self.more()


def names(text: Text) -> Iterator[str | None]:
    """Yield the name of each member of a document that is an object, None once for a list; the caller reads the value.

    ValueError where the document is broken.
    """
    if text.peek() == "[":
        yield None
    else:
        text.take("{")
        while text.peek() != "}":
            name = text.value()
            if not isinstance(name, str):
                raise ValueError("nom attendu")
            text.take(":")
            yield name
            if text.peek() != "}":
                text.take(",")
                text.odd_commas |= text.peek() == "}"
        text.take("}")
    if text.peek():
        raise ValueError("texte après la fin du document")
    if text.odd_commas:
        raise ValueError("virgules en trop ou manquantes")


def items(text: Text) -> Iterator[Any]:
    """Yield the items of the list that begins here; commas too many lose none. ValueError where it is broken."""
    text.take("[")
    wanted = 0  # commas before the next item
    while True:
        commas = 0
        while (following := text.peek()) == ",":
            text.at += 1
            commas += 1
        text.odd_commas |= commas != (0 if following == "]" else wanted)
        if following == "]":
            text.at += 1
            return
        wanted = 1
        yield text.value()


def at_most(raw: RawFile, things: Iterable[Thing], what: str = "enregistrements") -> Iterator[Thing]:
    """Yield the same, up to MOST_RECORDS of them; InputError after that."""
    for number, thing in enumerate(things):
        if number == MOST_RECORDS:
            raise too_large(raw.path, MOST_RECORDS, what)
        yield thing


class Document:
    """One JSON document on its way into bodies."""

    def __init__(self, raw: RawFile, blocks: Iterable[bytes], slim: Slim) -> None:
        self.raw, self.text, self.slim = raw, Text(blocks), slim
        self.beside: dict[str, Any] = {}  # the members that every body has
        self.room = MAX_ROW_CHARACTERS  # characters that these may still have
        self.lists: list[str | None] = []  # the names of the lists of records that were met
        self.line, self.left_out, self.held = 1, 0, 0

    def bodies(self, quality: Quality) -> Iterator[tuple[int, Any]]:
        """Yield the bodies, and keep what the document says of itself; a part that is broken is rejected."""
        text, broken = self.text, False
        try:
            yield from self.read(at_most(self.raw, names(text)))
        except BROKEN as error:
            log.warning("%s n'est pas un JSON complet (%s)", self.raw.name, in_french(error))
            quality.reject("json_illisible", self.raw.name, 1, text.window[text.at : text.at + CONTENT_KEPT])
            broken = True
        start = max(text.at - 1, 0)  # the quote before a name may have been taken for the end of another
        found = _ENVELOPE.search(text.window, start) if broken and not self.lists else None
        if found:  # what is broken stands before the records
            text.at = found.end() - 1
            with suppress(*BROKEN):
                yield from self.read([found[1]])
        if self.beside and not set(self.lists) & set(APART) and (self.lists or not broken):
            yield 1, self.beside
        if broken and not self.held:
            quality.unusable.setdefault(self.raw.name, f"pas du JSON entier : {shown(first_bytes(self.raw.path, 200))}")
        if text.mended:
            warn_of_windows(quality, self.raw.name)
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
                kept = self.beside[str(name)] = list[Any]()
                for item in at_most(self.raw, items(self.text)):
                    if len(kept) == DISRUPTIONS:
                        self.left_out += 1
                        continue
                    kept.append(self.slim(item) if self.slim else item)
                    self.held += 1
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
            for item in at_most(self.raw, items(self.text)):
                batch.append(item)
                if self.text.position >= end:
                    yield batch
                    batch, end = [], self.text.position + BATCH
        except BROKEN:
            if batch:
                yield batch
            raise
        if batch:
            yield batch
