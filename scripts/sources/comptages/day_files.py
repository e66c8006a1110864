"""Lines of some days, kept from one pass over an export until each day is read: in memory, or in temporary files.

A folder has a file per day and process, of pickled batches. What is then held in memory does not depend on the number
of lines or days.
"""

import heapq
import os
import pickle
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from lib.raw.limits import DAY_ROWS_BYTES
from scripts.sources.comptages.day_lines import Needles, Span, places_of

HELD = 64_000_000  # bytes of lines that a process keeps before it writes them
MOST_DAYS = 3  # that one mention can name
TOGETHER = 500_000  # bytes of lines that are read together: they fit the processor's cache

Ints = npt.NDArray[np.int64]
Batch = tuple[Ints, bytes]  # offsets of some lines, and these without their ends, joined


class TooManyRowsError(Exception):
    """An export has more rows about one day than any real one; whoever knows the file says so."""


class DayFiles:
    """Takes spans, and keeps the lines that mention its days: with a folder, in its files at the end of the block."""

    def __init__(self, needles: Needles, days: tuple[date, ...], folder: Path | None = None) -> None:
        self.needles, self.days, self.folder = needles, days, folder
        self.numbers = {day: number for number, day in enumerate(days)}
        self.codes: dict[bytes, int] = {}  # of each mention met, its row in `named`
        self.named: list[list[int]] = []  # numbers of the days that a mention names, filled up with -1
        self.held: defaultdict[int, list[Batch]] = defaultdict(list)  # by day
        self.size = 0

    def take(self, span: Span) -> None:
        """Keep the lines of a span for their days; a line is kept once for a day, however often it names it."""
        buffer, begin, end, offset = span
        text, width = memoryview(buffer)[:end], end + 1
        places = np.array(places_of(buffer, begin, end, self.needles.texts), dtype=np.int64)
        named = self.days_named(text, places)
        known = named.max(axis=1, initial=-1) >= 0
        named, places = named[known], places[known]
        begins = np.array([buffer.rfind(b"\n", begin, place) + 1 or begin for place in places.tolist()], dtype=np.int64)
        ends = np.array([buffer.find(b"\n", place, end) for place in places.tolist()], dtype=np.int64)
        ends[ends < 0] = end
        pairs = (named * width + begins[:, None])[named >= 0]  # by day, then by line
        pairs, first = np.unique(pairs, return_index=True)
        begins, ends = pairs % width, np.repeat(ends, (named >= 0).sum(axis=1))[first]
        edges = np.searchsorted(pairs, np.arange(len(self.days) + 1) * width)
        for day in np.flatnonzero(np.diff(edges)).tolist():
            lines = slice(edges[day], edges[day + 1])
            self.keep(day, text, begins[lines], ends[lines], offset)
        if self.size > (HELD if self.folder else DAY_ROWS_BYTES):
            self.write()

    def days_named(self, text: memoryview, places: Ints) -> Ints:
        """For each place, the numbers of the days that the mention there names, filled up with -1."""
        mentions = [bytes(text[place : place + 14]) for place in places.tolist()]
        for mention in set(mentions) - self.codes.keys():
            numbers = [self.numbers[day] for day in self.needles.days_of(mention)]
            self.codes[mention] = len(self.named)
            self.named.append(numbers + [-1] * (MOST_DAYS - len(numbers)))
        codes = np.fromiter(map(self.codes.__getitem__, mentions), dtype=np.int64, count=len(mentions))
        return np.array(self.named, dtype=np.int64).reshape(-1, MOST_DAYS)[codes]

    def keep(self, day: int, text: memoryview, begins: Ints, ends: Ints, offset: int) -> None:
        lines = [text[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]
        joined = b"\n".join(lines)
        self.held[day].append((begins + offset, joined))
        self.size += len(joined)

    def write(self) -> None:
        """Leave what is held in the folder; TooManyRowsError without one."""
        if not self.folder:
            raise TooManyRowsError
        for day, batches in self.held.items():
            with (self.folder / f"{self.days[day]}.{os.getpid()}").open("ab") as stream:
                for offsets, text in batches:  # bytes, which are read faster than a thousand small arrays
                    pickle.dump((offsets.tobytes(), text), stream, protocol=5)
        self.held.clear()
        self.size = 0

    def batches(self, day: date) -> Iterator[Batch]:
        """Yield the lines of a day that are held in memory."""
        return _together(self.held.get(self.numbers[day], ()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.folder:
            self.write()


def kept_batches(paths: Sequence[Path]) -> Iterator[Batch]:
    """Yield the lines of a day's files in the order of the export they come from.

    TooManyRowsError when they are more text than a day has.
    """
    if sum(path.stat().st_size for path in paths) > DAY_ROWS_BYTES:
        raise TooManyRowsError
    # Each process took blocks, and wrote their lines, in the order of the export; a batch is of one span, so that no
    # other has lines between its own.
    return _together(heapq.merge(*map(_batches, paths), key=lambda batch: int(batch[0][0])))


def _together(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Put batches together until they have TOGETHER bytes: of many days a span has a few lines of each."""
    waiting: list[Batch] = []
    size = 0
    for batch in batches:
        waiting.append(batch)
        size += len(batch[1])
        if size > TOGETHER:
            yield _joined(waiting)
            waiting, size = [], 0
    if waiting:
        yield _joined(waiting)


def _joined(batches: list[Batch]) -> Batch:
    offsets, texts = zip(*batches, strict=True)
    return np.concatenate(offsets), b"\n".join(texts)


def _batches(path: Path) -> Iterator[Batch]:
    with path.open("rb") as stream, suppress(EOFError):
        while True:
            offsets, text = pickle.load(stream)
            yield np.frombuffer(offsets, dtype=np.int64), text
