"""Lines of a file that mention one of some days, found by the days' text at about the speed of memory.

Nothing here knows what a line means.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import BinaryIO

from stringzilla import find  # SIMD search: ten times bytes.find, which would take longer than reading the file

from lib.common.text import counted
from lib.raw.csv_dialect import MAX_ROW_CHARACTERS

BUFFER = 1 << 19  # bytes: fits the processor's cache next to what is found in it
PASS_COST = 6  # searching a buffer once more costs about as much as the mentions of so many days

Span = tuple[bytearray, int, int, int]  # buffer, begin, end, offset in the file of the buffer's first byte


@dataclass(frozen=True)
class Needles:
    """What to search for: texts, one of which every mention begins with, and the wanted days that a mention names."""

    texts: dict[bytes, frozenset[int] | None]  # each with the bytes that may follow it, None: any
    days_of: Callable[[bytes], tuple[date, ...]]


def needles_for(days: Collection[date], near: bool, french: bool = False) -> Needles:
    """Return the needles of some days; `near`: stamps carry no offset or one of 0 to 2 hours; `french`: DD/MM/YYYY.

    On a Paris clock the day is D, but its last label is D+1 00:00; in UTC it begins at D-1 22:00 or 23:00. An export
    in any other offset may name the neighbouring days at any hour.
    """
    named = {day + timedelta(days=shift) for day in days for shift in (-1, 0, 1)}
    by_text = {(f"{day:%d/%m/%Y}" if french else day.isoformat()).encode(): day for day in named}
    wanted = frozenset(days)

    @lru_cache(maxsize=100_000)
    def days_of(mention: bytes) -> tuple[date, ...]:
        """`mention`: the 14 bytes from the day's text on, such as 2025-11-04T10:."""
        day = by_text.get(mention[:10])
        if day is None:
            return ()
        shifts = _shifts(mention[10:]) if near else (-1, 0, 1)
        return tuple(found for found in (day + timedelta(days=shift) for shift in shifts) if found in wanted)

    return Needles(dict.fromkeys(sorted(by_text)) if french else _common_texts(by_text), days_of)


def _shifts(hour: bytes) -> tuple[int, ...]:
    if hour in (b"T00:", b" 00:"):
        return (-1, 0)
    return (0, 1) if hour in (b"T22:", b" 22:", b"T23:", b" 23:") else (0,)


def _common_texts(days: Collection[bytes]) -> dict[bytes, frozenset[int] | None]:
    """Find beginnings (2025-11-0, 2025-11-…) that find all days cheapest: few passes, few mentions of other days."""
    covered = {10: 1, 9: 10, 8: 30, 5: 365}  # days that begin with as many bytes of an ISO day
    length = min(covered, key=lambda length: len({day[:length] for day in days}) * (PASS_COST + covered[length]))
    if length == 10:
        return dict.fromkeys(sorted(days))
    return {
        text: frozenset(day[length] for day in days if day.startswith(text))
        for text in sorted({day[:length] for day in days})
    }


def places_of(buffer: bytearray, begin: int, end: int, texts: dict[bytes, frozenset[int] | None]) -> list[int]:
    """Where one of the texts begins, followed by what may follow it, in order."""
    places = []
    for text, following in texts.items():
        size, limit = len(text), end if following is None else end - 1
        after = find(buffer, text, begin, limit) + size
        while after >= size:
            if following is None or buffer[after] in following:
                places.append(after - size)
            after = find(buffer, text, after, limit) + size
    return sorted(places) if len(texts) > 1 else places


def whole_lines(stream: BinaryIO, first: int, start: int, stop: int | None, size: int = BUFFER) -> Iterator[Span]:
    """Yield the lines that begin in [start, stop) of a stream whose first line begins at `first`; stop None is its end.

    A line longer than a row may be is given cut, still too long to be one. EOFError when the stream ends before `stop`.
    """
    inside = start != first  # until the next line end, the bytes belong to a line that began before `start`
    position = start - 1 if inside else start
    stream.seek(position)
    buffer, filled = bytearray(size), 0
    while True:
        count = stream.readinto(memoryview(buffer)[filled:])  # type: ignore[attr-defined]
        filled += count
        begin = 0
        if inside:
            begin = buffer.find(b"\n", 0, filled) + 1 or filled
            inside = buffer[begin - 1 : begin] != b"\n"
        if stop is not None and position + begin >= stop:
            return
        if not count and stop is not None and position + filled < stop:
            raise EOFError(f"{counted(position + filled, 'octet')} au lieu de {stop}")
        end, last = (filled, True) if not count else _end_of_lines(buffer, begin, filled, stop, position)
        if not last and end == begin and filled - begin > MAX_ROW_CHARACTERS:
            end, inside = filled, True
        if end > begin:
            yield buffer, begin, end, position
        if last:
            return
        filled -= end
        position += end
        rest = buffer[end : end + filled]
        buffer = buffer if filled < len(buffer) else bytearray(2 * len(buffer))
        buffer[:filled] = rest


def _end_of_lines(buffer: bytearray, begin: int, filled: int, stop: int | None, position: int) -> tuple[int, bool]:
    """Where the whole lines of buffer[begin:filled] end, and whether no further line begins before `stop`."""
    if stop is not None and position + filled >= stop:
        newline = buffer.find(b"\n", max(begin, stop - 1 - position), filled)
        if newline >= 0:
            return newline + 1, True
    return max(begin, buffer.rfind(b"\n", begin, filled) + 1), False
