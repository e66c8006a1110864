"""The public-transport lines of Paris: the structuring network, and the one line that each way of naming it means.

The raw forms name a line by an id (line:IDFM:C01376), by mode and code (Metro, 6), by a name (METRO 6) or only in a
text (« Métro 6 »). A code alone names nothing: bus lines 1 to 14 and A to E exist as well.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

METRO, RER, TRAM, BUS, UNKNOWN_MODE = "Métro", "RER", "Tram", "Bus", "inconnu"
TRANSILIEN = "Transilien"
MODE_ORDER = (METRO, RER, TRAM, TRANSILIEN, "TER", BUS)  # then the others, by name

# Mode words of both raw forms (Navitia ids and names, PRIM « mode »), folded, and the mode stored.
MODES = {
    "metro": METRO,
    "rer": RER,
    "rapidtransit": RER,
    "tram": TRAM,
    "tramway": TRAM,
    "bus": BUS,
    "localtrain": TRANSILIEN,
    "transilien": TRANSILIEN,
    "traintransilien": TRANSILIEN,
    "regionalrail": "TER",
    "ter": "TER",
}

CODES = {
    METRO: ("1", "2", "3", "3bis", "4", "5", "6", "7", "7bis", "8", "9", "10", "11", "12", "13", "14"),
    RER: ("A", "B", "C", "D", "E"),
    TRAM: ("T1", "T2", "T3a", "T3b", "T4", "T5", "T6", "T7", "T8", "T9", "T10", "T11", "T12", "T13"),
}
TRANSILIEN_CODES = ("H", "J", "K", "L", "N", "P", "R", "U", "V")  # the sources put them under RapidTransit as well
KNOWN_IDS = {  # those the project's sources state; the others are learnt from the pulls
    (METRO, "1"): "line:IDFM:C01371",
    (METRO, "4"): "line:IDFM:C01374",
    (METRO, "6"): "line:IDFM:C01376",
    (METRO, "13"): "line:IDFM:C01383",
    (RER, "A"): "line:IDFM:C01742",
    (RER, "B"): "line:IDFM:C01743",
    (RER, "C"): "line:IDFM:C01727",
}

_PREFIX = {METRO: r"(?:.*(?:metro|ligne)|m)", RER: r".*(?:rer|ligne)", TRAM: r".*(?:tramway|tram|ligne)"}
# A letter counts in capitals only: « le RER a repris » names no line. « ligne 8 » may be a bus where one is spoken of.
_IN_TEXT = (
    (METRO, re.compile(r"\b(?i:m[ée]tro)\s+(?:(?i:ligne)\s+)?(\d{1,2}(?:\s?(?i:bis))?)\b")),
    (RER, re.compile(r"\b(?i:rer)\s+(?:(?i:ligne)\s+)?([A-E])\b")),
    (TRAM, re.compile(r"\b(?i:tram(?:way)?)\s+(?:(?i:ligne)\s+)?((?i:t)?\d{1,2}(?i:[ab])?)\b")),
)
_BARE = (
    (METRO, re.compile(r"\b(?i:ligne)\s+(\d{1,2}(?:\s?(?i:bis))?)\b")),
    (RER, re.compile(r"\b(?i:ligne)\s+([A-E])\b")),
    (TRAM, re.compile(r"\b(?i:ligne)\s+(T\d{1,2}[abAB]?)\b")),
)
_ROAD_VEHICLE = re.compile(r"\b(?:bus|autobus|autocars?|cars?|noctilien|navettes?)\b", re.IGNORECASE)


class Line(NamedTuple):
    """One line: mode as stored, code as travellers say it, id of the publisher (None where no source gives it)."""

    mode: str
    code: str
    id: str | None = None

    @property
    def label(self) -> str:
        """Return what a person reads: Métro 6, RER B, Tram T3a, Bus 272."""
        return self.code if self.mode == UNKNOWN_MODE else f"{self.mode} {self.code}"

    @property
    def key(self) -> str:
        """Return what makes two mentions the same line: mode and code on the structuring network, else the id."""
        return self.label if on_network(self) else self.id or self.label


NETWORK = tuple(Line(mode, code, KNOWN_IDS.get((mode, code))) for mode, codes in CODES.items() for code in codes)
BY_ID = {line.id: line for line in NETWORK if line.id}


def on_network(line: Line) -> bool:
    """Tell whether it is a line of the fixed structuring network."""
    return line.code in CODES.get(line.mode, ())


def make_line(identifier: str | None, mode_words: Iterable[str | None], names: Iterable[str | None]) -> Line | None:
    """Return the line meant by an id, the words said of its mode and its names, the best first; None for nothing."""
    if identifier in BY_ID:
        return BY_ID[identifier]
    name = next((text.strip() for text in names if text and text.strip()), None)
    if name is None and identifier is None:
        return None
    mode = _mode(mode_words)
    code = _code(mode, name) if name else str(identifier).rpartition(":")[2]
    if mode == RER and code in TRANSILIEN_CODES:
        mode = TRANSILIEN
    return Line(mode, code, identifier or KNOWN_IDS.get((mode, code)))


def distinct(lines: Iterable[Line]) -> list[Line]:
    """Keep each line once, in the order met."""
    return list({line.key: line for line in lines}.values())


def lines_in_text(text: str) -> list[Line]:
    """List the structuring lines of the first sentence that names any (further ones tell the way round), in order."""
    patterns = _IN_TEXT if _ROAD_VEHICLE.search(text) else (*_IN_TEXT, *_BARE)
    for sentence in re.split(r"(?<=[.!?])\s+", text):
        found = [
            (match.start(), Line(mode, code, KNOWN_IDS.get((mode, code))))
            for mode, pattern in patterns
            for match in pattern.finditer(sentence)
            if (code := _code(mode, match[1])) in CODES[mode]
        ]
        if found:
            return distinct(line for _, line in sorted(found, key=lambda one: one[0]))
    return []


def line_order(line: Line) -> tuple[int, str, int, str, str]:
    """Return the sort key: mode, then codes as people count (2 before 10, 3 before 3bis)."""
    number = re.search(r"\d+", line.code)
    return (*mode_order(line.mode), int(number[0]) if number else 0, line.code, line.id or "")


def mode_order(mode: str) -> tuple[int, str]:
    """Return the sort key of modes: the structuring ones first."""
    return (MODE_ORDER.index(mode) if mode in MODE_ORDER else len(MODE_ORDER), mode)


def fold(text: str) -> str:
    """Write in lower case without accents, spaces or punctuation."""
    bare = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]", "", bare)


def _mode(words: Iterable[str | None]) -> str:
    """Return the stored mode; an unknown word is kept as the source writes it, none at all is « inconnu »."""
    said = [word.rpartition(":")[2].strip() for word in words if word and word.strip()]
    known = [MODES[fold(word)] for word in said if fold(word) in MODES]
    return next(iter(known + said), UNKNOWN_MODE)


def _code(mode: str, name: str) -> str:
    """Return the network's own writing of a code (3B -> 3bis, METRO 6 -> 6, t3A -> T3a); any other name unchanged."""
    if mode not in CODES:
        return name
    bare = re.sub(rf"^{_PREFIX[mode]}(?=.)", "", fold(name))
    return next((code for code in CODES[mode] if bare in _spellings(mode, code)), name)


def _spellings(mode: str, code: str) -> tuple[str, ...]:
    folded = fold(code)
    if mode == METRO:
        return (folded, folded.replace("bis", "b"))
    return (folded, folded.removeprefix("t")) if mode == TRAM else (folded,)
