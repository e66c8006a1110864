"""What one process does of a search: it takes blocks of an export until none is left, and answers for all of them.

Forked off by the module `search` beside it. The queue is a pipe that all workers of a search share, so that none is
idle while another has work left.
"""

import gc
import os
import re
import signal
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice, pairwise
from multiprocessing.connection import Connection
from pathlib import Path

from lib.common.errors import TooLargeError
from lib.raw.contents import too_large
from lib.raw.limits import COUNTS_BYTES, MOST_LABELS
from scripts.sources.comptages.day_files import DayFiles, TooManyRowsError
from scripts.sources.comptages.day_lines import BUFFER, Span, whole_lines
from scripts.sources.comptages.export import Export

BLOCK = 1 << 24  # bytes: 10 ms of search, which is all that one worker may wait for another
MOST_BLOCKS = 1000  # their numbers must fit the smallest pipe (4096 bytes)
NUMBER = 4  # bytes of a block's number in the queue
ALONE = 40_000_000  # bytes; an export of one day has 20 to 30 MB
ZIPPED = 40  # times as many bytes that a gzipped file may hold, at the most that is met
# What the parent puts in words.
EXPECTED = (OSError, EOFError, zlib.error, MemoryError, TooManyRowsError, TooLargeError)

_LABEL = re.compile(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
    rb"|[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9]{2}:[0-9]{2}"
)


@dataclass(frozen=True)
class Job:
    """What to look for in an export: the lines of some days, or without any all labels.

    The lines go to files of `folder`, where there is one, else they stay in memory. A job on no more than `alone` bytes
    is done without other processes, which would not make it quicker.
    """

    export: Export
    days: tuple[date, ...] = ()
    folder: Path | None = None
    block: int = BLOCK
    buffer: int = BUFFER
    alone: int = ALONE

    @property
    def is_small(self) -> bool:
        if self.export.size is None:
            return self.export.raw.path.stat().st_size <= self.alone // ZIPPED
        return self.export.size <= self.alone

    def blocks(self) -> range:
        """Return the numbers of its blocks; a gzipped file is one."""
        return range(1 if self.export.size is None else -(-self._bytes() // self.block_bytes()))

    def block_bytes(self) -> int:
        return max(self.block, -(-self._bytes() // MOST_BLOCKS))

    def _bytes(self) -> int:
        return max(0, (self.export.size or 0) - self.export.first)


def answer(job: Job, numbers: Iterable[int]) -> DayFiles | set[bytes]:
    """Return the lines of the job's days in these blocks, those in its folder aside; without days the label texts."""
    if not job.days:
        labels: set[bytes] = set()
        for span in _spans(job, numbers):
            labels.update(islice(labels_in(*span[:3]), MOST_LABELS - len(labels)))
        return labels
    with DayFiles(job.export.needles(job.days), job.days, job.folder) as files:
        for span in _spans(job, numbers):
            files.take(span)
    return files


def _spans(job: Job, numbers: Iterable[int]) -> Iterator[Span]:
    export = job.export
    for number in numbers:
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


def work(job: Job, queue: int, answers: Connection) -> None:
    """Answer for blocks of the queue in this process, just forked; what its parent puts in words is an answer too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches every process; only the parent speaks
    gc.disable()  # short-lived, and nothing here refers to itself
    parent = os.getppid()
    _close_all_but(queue, answers.fileno())  # above all the locks, which would outlive a parent that is killed
    result: object
    try:
        found = answer(job, _queued(queue, parent))
        result = None if job.days else found
    except EXPECTED as error:
        result = error
    answers.send(result)


def _close_all_but(*kept: int) -> None:
    edges = [2, *sorted(kept), os.sysconf("SC_OPEN_MAX")]
    for before, after in pairwise(edges):
        os.closerange(before + 1, after)
