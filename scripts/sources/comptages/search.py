"""A search of a road-count export by several processes.

An answer is whole or an error: a worker that dies, or is refused memory, ends the search, and no worker outlives it.
"""

import fcntl
import gzip
import logging
import os
import pickle
import re
import select
import signal
import sys
import tempfile
import termios
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from lib.common.errors import SearchError, in_french
from lib.common.text import draws_bars
from lib.raw.contents import too_large, unreadable
from lib.raw.limits import DAY_ROWS
from lib.run.side_by_side import ctrl_c_at_the_end
from scripts.sources.comptages.day_rows import TooManyRowsError
from scripts.sources.comptages.export import Export
from scripts.sources.comptages.worker import NUMBER, Answer, Job, answer, become_worker

MOST_WORKERS = 8  # each holds its part of the rows in memory
SMALL = 1_000_000  # bytes of a gzipped file that are not worth a process
TICK = 0.1  # seconds between two looks at the progress
SAID_EVERY = 60.0  # seconds between two words about a search that goes on: its bound is the length of the file

log = logging.getLogger(__name__)


@dataclass
class Worker:
    """A process at work, the file its answer goes to, and the pipe on which it complains and whose end is its own."""

    pid: int
    output: IO[bytes]
    complaints: IO[bytes]
    said: bytes = b""
    code: int | None = None  # its exit code, once it has ended

    def wait(self) -> int:
        if self.code is None:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code

    def kill(self) -> None:
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()


@dataclass
class Search:
    """A job under way. Without workers it is small, and done by whoever collects it."""

    job: Job
    workers: list[Worker] = field(default_factory=list)
    queue: int = -1  # descriptor of the pipe with the numbers of the blocks that nobody has taken


def start(job: Job) -> Search:
    """Start processes for a job; collect() or stop() must follow. SearchError when the machine refuses a process."""
    search = Search(job)
    numbers = job.blocks()
    alone = job.export.raw.path.stat().st_size < SMALL if job.export.size is None else len(numbers) <= 1
    if alone:
        return search
    with ExitStack() as undo:
        undo.callback(stop, search)
        try:
            search.queue, feed = os.pipe()
            with os.fdopen(feed, "wb") as stream:
                stream.write(b"".join(number.to_bytes(NUMBER, "little") for number in numbers))
            with ctrl_c_at_the_end():  # raised within a fork, it might be lost
                for _ in range(min(_processors(), len(numbers), MOST_WORKERS)):
                    search.workers.append(_worker(job, search.queue))
        except OSError as error:
            raise cut_short(job.export.raw.path, error) from error
        undo.pop_all()
    return search


def collect(search: Search) -> list[Answer]:
    """Return what the workers found, once all are done; no worker is left, whatever happens.

    InputError when the file is unreadable, SearchError when the search could not be ended.
    """
    export = search.job.export
    try:
        if not search.workers:
            return [answer(search.job, search.job.blocks())]
        _wait(search)
        answers = [_result(export, worker) for worker in search.workers]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise unreadable(export.raw.path, error) from error
    except TooManyRowsError as error:
        raise too_large(export.raw.path, DAY_ROWS, "lignes pour un seul jour") from error
    except (OSError, MemoryError) as error:
        raise cut_short(export.raw.path, error) from error
    finally:
        stop(search)
    return answers


def stop(search: Search) -> None:
    """End what is still running of a search, and give back what it held."""
    for worker in search.workers:
        worker.kill()
        worker.complaints.close()
        worker.output.close()
    search.workers.clear()
    if search.queue >= 0:
        os.close(search.queue)
        search.queue = -1


def _worker(job: Job, queue: int) -> Worker:
    output = tempfile.TemporaryFile()  # noqa: SIM115 - collect() reads it
    complaints, end = os.pipe()
    try:
        pid = os.fork()  # with all that is imported: a Python of its own takes as long to start as 100 MB to search
        if not pid:
            become_worker(job, queue, output.fileno(), end)
    except OSError:
        os.close(complaints)
        raise
    finally:
        os.close(end)
    return Worker(pid, output, open(complaints, "rb", buffering=0))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _wait(search: Search) -> None:
    """Until every worker has ended well; a complaint pipe ends with its process."""
    running = {worker.complaints: worker for worker in search.workers}
    begun = logged = time.monotonic()
    with _progress(search) as show:
        while running:
            for pipe in select.select(list(running), [], [], TICK)[0]:
                said = os.read(pipe.fileno(), 65536)
                running[pipe].said += said
                if not said:
                    _expect_success(search.job.export, running.pop(pipe))
            show()
            now = time.monotonic()
            if now - logged >= SAID_EVERY:
                logged = now
                path = search.job.export.raw.path
                log.info("recherche dans %s : en cours depuis %.0f min (%s).", path, (now - begun) / 60, _left(search))


def _left(search: Search) -> str:
    return "un seul morceau" if search.job.export.size is None else f"{_untaken(search)} morceaux à prendre"


def _expect_success(export: Export, worker: Worker) -> None:
    code = worker.wait()
    if code:
        lines = worker.said.decode("utf-8", errors="replace").split("\n")
        said = next((line for line in reversed(lines) if line.strip()), f"code {code}")
        if refused := re.search(r"\[Errno (\d+)\]", said):
            said = in_french(OSError(int(refused[1]), said))
        raise _failed(export.raw.path, signal.Signals(-code).name if code < 0 else said)


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


def _result(export: Export, worker: Worker) -> Answer:
    worker.output.seek(0)
    try:
        result: Any = pickle.load(worker.output)
    except (EOFError, pickle.UnpicklingError) as error:
        raise _failed(export.raw.path, "réponse incomplète") from error
    if isinstance(result, Exception):
        raise result
    return result


@contextmanager
def _progress(search: Search) -> Iterator[Callable[[], None]]:
    """Return a function that brings a progress bar up to date (bytes and speed, on a terminal only)."""
    size = search.job.export.size
    if size is None or not draws_bars():
        yield lambda: None
        return
    from tqdm import tqdm  # only where it is seen: it takes as long to import as 100 MB to search

    with tqdm(total=size, desc=search.job.export.raw.name, unit="o", unit_scale=True, leave=False) as bar:

        def show() -> None:
            bar.update(max(0, size - _untaken(search) * search.job.block_bytes()) - bar.n)

        yield show


def _untaken(search: Search) -> int:
    """How many blocks no worker has taken yet."""
    return int.from_bytes(fcntl.ioctl(search.queue, termios.FIONREAD, b"\0" * 4), sys.byteorder) // NUMBER
