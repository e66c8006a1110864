"""What one process does of a search: it takes blocks of an export until none is left, and answers for all of them.

Started by the module `search` beside it, never by hand, with the descriptor of the queue. The queue is a pipe that all
workers of a search share, so that none is idle while another has work left. The job comes on the standard input and the
answer goes to the standard output, both temporary files of the parent. Needs no pandas: each process would import it.
"""

import gc
import os
import pickle
import re
import signal
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path

from lib.common.errors import TooLargeError
from lib.raw.contents import too_large
from lib.raw.limits import COUNTS_BYTES, DAY_ROWS, MOST_LABELS
from scripts.sources.comptages.day_lines import BUFFER, Span, mentions, whole_lines
from scripts.sources.comptages.day_rows import DayRows, TooManyRowsError, day_rows
from scripts.sources.comptages.export import Export

BLOCK = 1 << 24  # bytes: 10 ms of search, which is all that one worker may wait for another
MOST_BLOCKS = 1000  # their numbers must fit the smallest pipe (4096 bytes)
NUMBER = 4  # bytes of a block's number in the queue
EXPECTED = (
    OSError,
    EOFError,
    zlib.error,
    MemoryError,
    TooManyRowsError,
    TooLargeError,
)  # what the parent puts in words

_LABEL = re.compile(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
    rb"|[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9]{2}:[0-9]{2}"
)


@dataclass(frozen=True)
class Job:
    """What to look for in an export: the rows of one day, the lines of several (kept in `folder`), or all labels."""

    export: Export
    days: tuple[date, ...] = ()  # none: the labels
    folder: Path | None = None
    block: int = BLOCK
    buffer: int = BUFFER

    def blocks(self) -> range:
        """Return the numbers of its blocks; a gzipped file is one."""
        return range(1 if self.export.size is None else -(-self._bytes() // self.block_bytes()))

    def block_bytes(self) -> int:
        return max(self.block, -(-self._bytes() // MOST_BLOCKS))

    def _bytes(self) -> int:
        return max(0, (self.export.size or 0) - self.export.first)


Answer = dict[int, DayRows] | set[bytes] | None


def answer(job: Job, numbers: Iterable[int]) -> Answer:
    """Of these blocks: rows by block, or label texts, or None, the lines being in the job's folder."""
    if not job.days:
        labels: set[bytes] = set()
        for number in numbers:
            for span in _spans(job, number):
                labels.update(islice(labels_in(*span[:3]), MOST_LABELS - len(labels)))
        return labels
    if job.folder:
        _keep_lines(job, job.folder, numbers)
        return None
    export, (day,) = job.export, job.days
    needles = export.needles(job.days)
    found = {}
    rows = 0
    for number in numbers:
        lines = ((offset, line) for offset, line, _ in mentions(_spans(job, number), needles))
        found[number] = day_rows(lines, day, export.header, export.delimiter, export.encoding)
        rows += len(found[number].rows) + len(found[number].rejects)
        if rows > DAY_ROWS:
            raise TooManyRowsError
    return found


def _keep_lines(job: Job, folder: Path, numbers: Iterable[int]) -> None:
    from scripts.sources.comptages.day_files import (
        DayFiles,  # it needs numpy, which the search for one day does without
    )

    with DayFiles(folder, job.export.needles(job.days), job.days) as files:
        for number in numbers:
            for span in _spans(job, number):
                files.take(span)


def _spans(job: Job, number: int) -> Iterator[Span]:
    export = job.export
    start = export.first + number * job.block_bytes()
    stop = None if export.size is None else min(start + job.block_bytes(), export.size)
    with export.open(job.days) as stream:
        for span in whole_lines(stream, export.first, start, stop, job.buffer):
            if stop is None and span[3] > COUNTS_BYTES:
                raise too_large(export.raw.path, COUNTS_BYTES)
            yield span


def labels_in(text: bytes | bytearray, begin: int = 0, end: int = sys.maxsize) -> set[bytes]:
    """Return the different time stamps in a piece of text, MOST_LABELS of them at the most."""
    return set(islice({bytes(label) for label in _LABEL.findall(text, begin, end)}, MOST_LABELS))


def _queued(queue: int, parent: int) -> Iterator[int]:
    while number := os.read(queue, NUMBER):
        if os.getppid() != parent:
            sys.exit("le processus principal a disparu")
        yield int.from_bytes(number, "little")


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches every process; only the parent speaks
    gc.disable()  # short-lived, and nothing here refers to itself
    result: object
    try:
        job: Job = pickle.load(sys.stdin.buffer)
        result = answer(job, _queued(int(sys.argv[1]), os.getppid()))
    except EXPECTED as error:
        result = error
    # Not sys.stdout, which PYTHONUNBUFFERED makes a raw file: a full disk then takes a part, and pickle does not look.
    with open(sys.stdout.fileno(), "wb", closefd=False) as stream:
        pickle.dump(result, stream, protocol=5)


if __name__ == "__main__":
    main()
