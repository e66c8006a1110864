"""What one process does of a search: it takes blocks of an export until none is left, and answers for all of them.

Forked off by the module `search` beside it. The queue is a pipe that all workers of a search share, so that none is
idle while another has work left; the answer goes to a temporary file of the parent.
"""

import gc
import os
import pickle
import re
import signal
import sys
import traceback
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice, pairwise
from pathlib import Path
from typing import NoReturn

from lib.common.errors import TooLargeError
from lib.raw.contents import too_large
from lib.raw.limits import COUNTS_BYTES, DAY_ROWS, MOST_LABELS
from scripts.sources.comptages.day_files import DayFiles
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


def become_worker(job: Job, queue: int, output: int, complaints: int) -> NoReturn:
    """Work in this process, just forked, and end it: the answer goes to `output`, what is wrong to `complaints`."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches every process; only the parent speaks
        gc.disable()  # short-lived, and nothing here refers to itself
        parent = os.getppid()
        os.dup2(complaints, 2)
        _close_all_but(queue, output)  # above all the locks, which would outlive a parent that is killed
        result: object
        try:
            result = answer(job, _queued(queue, parent))
        except EXPECTED as error:
            result = error
        with open(output, "wb", closefd=False) as stream:
            pickle.dump(result, stream, protocol=5)
        code = 0
    except SystemExit as error:
        os.write(2, str(error).encode())
    finally:  # whatever happens: a process that was forked must not go on as its parent
        if isinstance(unexpected := sys.exc_info()[1], Exception):
            os.write(2, "".join(traceback.format_exception(unexpected)).encode(errors="replace"))
        os._exit(code)


def _close_all_but(*kept: int) -> None:
    edges = [2, *sorted(kept), os.sysconf("SC_OPEN_MAX")]
    for before, after in pairwise(edges):
        os.closerange(before + 1, after)
