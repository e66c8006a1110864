"""A search of a road-count export, by several processes where it is large.

An answer is whole or an error: a worker that dies, or is refused memory, ends the search, and no worker outlives it.
"""

import fcntl
import gzip
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import termios
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, cast

from lib.common.errors import SearchError, in_french
from lib.common.text import draws_bars
from lib.raw.contents import too_large, unreadable
from lib.raw.limits import DAY_ROWS
from lib.run.side_by_side import ctrl_c_at_the_end
from scripts.sources.comptages.day_files import TooManyRowsError
from scripts.sources.comptages.worker import NUMBER, Job, answer, work

MOST_WORKERS = 8
TICK = 0.1  # seconds between two looks at the progress
SAID_EVERY = 60.0  # seconds between two words about a search that goes on: its bound is the length of the file

Workers = dict[Connection, multiprocessing.context.ForkProcess]  # by the pipe that the answer of each comes on

log = logging.getLogger(__name__)


def search(job: Job) -> list[Any]:
    """Return what each worker found (see worker.answer), once all are done; no worker is left, whatever happens.

    InputError when the file is unreadable, SearchError when the search could not be ended.
    """
    path = job.export.raw.path
    try:
        alone = job.is_small or multiprocessing.current_process().daemon  # a worker of a cluster may have no children
        return [answer(job, job.blocks())] if alone else _of_workers(job)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise unreadable(path, error) from error
    except TooManyRowsError as error:
        raise too_large(path, DAY_ROWS, "lignes pour un seul jour") from error
    except (OSError, MemoryError) as error:
        raise cut_short(path, error) from error


def _of_workers(job: Job) -> list[Any]:
    context, numbers, workers = multiprocessing.get_context("fork"), job.blocks(), Workers()
    queue, feed = os.pipe()
    try:
        with os.fdopen(feed, "wb") as stream:
            stream.write(b"".join(number.to_bytes(NUMBER, "little") for number in numbers))
        with ctrl_c_at_the_end():  # raised within a fork, it might be lost
            for _ in range(min(_processors(), len(numbers), MOST_WORKERS)):
                ours, theirs = context.Pipe(duplex=False)
                with theirs:
                    process = context.Process(target=work, args=(job, queue, theirs))
                    process.start()
                workers[ours] = process
        return _answers(job, workers, queue)
    finally:
        for ours, process in workers.items():
            process.kill()
            process.join()
            ours.close()
        os.close(queue)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _answers(job: Job, workers: Workers, queue: int) -> list[Any]:
    """Wait until every worker has answered."""
    path, running, answers = job.export.raw.path, dict(workers), list[Any]()
    begun = logged = time.monotonic()
    with _progress(job, queue) as show:
        while running:
            for pipe in cast(list[Connection], wait(list(running), TICK)):
                answers.append(_answer(path, pipe, running.pop(pipe)))
            show()
            now = time.monotonic()
            if now - logged >= SAID_EVERY:
                logged = now
                left = "un seul morceau" if job.export.size is None else f"{_untaken(queue)} morceaux à prendre"
                log.info("recherche dans %s : en cours depuis %.0f min (%s).", path, (now - begun) / 60, left)
    return answers


def _answer(path: Path, pipe: Connection, process: multiprocessing.context.ForkProcess) -> Any:
    try:
        found = pipe.recv()
    except (EOFError, OSError):
        process.join()
        code = process.exitcode or 0
        raise _failed(path, signal.Signals(-code).name if code < 0 else f"code {code}") from None
    if isinstance(found, Exception):
        raise found
    return found


def cut_short(path: Path, error: OSError | MemoryError) -> SearchError:
    """Return the error of a search for which the machine refused memory, a process, or room for what was found."""
    return _failed(path, in_french(error) or "mémoire refusée")


def _failed(path: Path, why: str) -> SearchError:
    try:
        room = f"la place dans {tempfile.gettempdir()} (ou donner un autre dossier : TMPDIR)"
    except OSError:
        room = "qu'un dossier temporaire peut être écrit (le donner : TMPDIR)"
    return SearchError(
        f"la recherche dans {path} s'est arrêtée ({why}) : aucun chiffre n'en est tiré.",
        f"Vérifier la mémoire, et {room}, puis relancer.",
    )


@contextmanager
def _progress(job: Job, queue: int) -> Iterator[Callable[[], None]]:
    """Return a function that brings a progress bar up to date (bytes and speed, on a terminal only)."""
    size = job.export.size
    if size is None or not draws_bars():
        yield lambda: None
        return
    from tqdm import tqdm  # only where it is seen: it takes as long to import as 100 MB to search

    with tqdm(total=size, desc=job.export.raw.name, unit="o", unit_scale=True, leave=False) as bar:

        def show() -> None:
            bar.update(max(0, size - _untaken(queue) * job.block_bytes()) - bar.n)

        yield show


def _untaken(queue: int) -> int:
    """Count the blocks that no worker has taken yet."""
    return int.from_bytes(fcntl.ioctl(queue, termios.FIONREAD, b"\0" * 4), sys.byteorder) // NUMBER
