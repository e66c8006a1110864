"""A plan carried out on one machine: processes compute days in any order, one writer stores them oldest first.

Only the writer looks at the store: what is compared with earlier days is compared when they are stored, so that the
files are those of the days run one by one, whatever the number of processes.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial

from lib.common.errors import CityflowError, LockHeldError, SearchError
from lib.common.settings import Settings
from lib.database_service import DatabaseService
from lib.files.locks import DayLocks, day_lock
from lib.raw.source import Source
from lib.run.day_plan import Plan, Step
from lib.run.day_run import Compare, DayResult, Recent, keep_day
from lib.run.dependencies import REPORT, dependencies
from lib.run.manifest import inputs

log = logging.getLogger(__name__)

CHUNK_DAYS = 7  # of one source, computed in one go: they share what the process keeps of the last files it read
AHEAD = 2  # chunks per process that may be under way or waiting to be stored

Outcome = tuple[str, date, DayResult | CityflowError]
Measure = Callable[[Settings, str, list[date]], list[Outcome]]
Report = Callable[[Settings, DatabaseService, date], object]


@dataclass(frozen=True)
class Done:
    """A step that is stored; `kept`: its figures stay those of an earlier computation (see lib/run/kept_figures)."""

    step: Step
    kept: bool = False


@dataclass(frozen=True)
class Failure:
    """A step that gave nothing, and why."""

    step: Step
    error: CityflowError

    def __str__(self) -> str:
        what = "" if isinstance(self.error, LockHeldError) else f" {self.step.source}"  # refused as a whole
        return f"{self.step.day}{what} : {self.error}"


def chunks(plan: Plan, most: int = CHUNK_DAYS) -> list[tuple[str, list[date]]]:
    """Group the days to compute as (source, days), in the order in which the writer needs them."""
    found = []
    for source in plan.names:
        days = plan.days_of(source)
        found += [(source, days[start : start + most]) for start in range(0, len(days), most)]
    return sorted(found, key=lambda chunk: chunk[1][0])


@contextlib.contextmanager
def computed(
    settings: Settings, plan: Plan, measure: Measure, jobs: int, locks: DayLocks
) -> Iterator[Iterator[Outcome]]:
    """Compute every day of the plan, chunk by chunk, in `jobs` processes while the caller iterates."""
    work = chunks(plan)
    if jobs > 1 and not _has_semaphores():
        log.warning("/dev/shm n'est pas utilisable ici (conteneur ?) : un seul processus calcule.")
        jobs = 1
    if jobs == 1 or len(work) <= 1:
        yield (outcome for source, days in work for outcome in measure(settings, source, days))
        return
    # fork: what the road-count pass has at hand is inherited, and pandas is not imported once more by each process.
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(min(jobs, len(work)), context, _follow_the_parent, (locks,)) as pool:
        try:
            yield _collected(pool, settings, measure, work, AHEAD * jobs)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _has_semaphores() -> bool:
    """Tell whether processes can share locks, which live in /dev/shm."""
    try:
        multiprocessing.get_context("fork").Lock()
    except OSError:
        return False
    return True


def _follow_the_parent(locks: DayLocks) -> None:
    """Hold none of the run's locks; end silently at Ctrl-C, which reaches every process, and with a parent killed."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    locks.close_in_child()
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    # Without it, an idle process of the pool would wait for ever: each keeps the others' queue open.
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
    os._exit(1)


def _collected(
    pool: ProcessPoolExecutor, settings: Settings, measure: Measure, work: list[tuple[str, list[date]]], most: int
) -> Iterator[Outcome]:
    """Outcomes in the order of the work; no more than `most` chunks are ahead of the caller."""
    ahead: deque[Future[list[Outcome]]] = deque()
    try:
        for source, days in work:
            ahead.append(pool.submit(measure, settings, source, days))
            if len(ahead) >= most:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()
    except BrokenProcessPool as error:
        raise SearchError(
            "un processus de calcul s'est arrêté (mémoire refusée, ou signal) : ce qui est enregistré est entier.",
            "Relancer la même commande, avec moins de processus : --jobs 1 (JOBS=1 avec make).",
        ) from error


def store_in_order(
    settings: Settings,
    store: DatabaseService,
    locks: DayLocks,
    steps: Iterable[Step],
    outcomes: Iterator[Outcome],
    sources: list[Source],
    compares: dict[str, Compare],
    report: Report,
    force: bool,
) -> Iterator[Done | Failure]:
    """Store each step when its turn comes, waiting for it if need be; yields how it ended.

    A day's lock is released after its report, which is its last step.
    """
    ready: dict[tuple[str, date], DayResult | CityflowError] = {}
    by_name = {source.name: source for source in sources}
    recent: Recent = {}
    # The files of a source serve all its days.
    read = lru_cache(lambda name: inputs(dependencies(by_name[name]).raw_paths(settings)))

    def keep(step: Step, result: DayResult | CityflowError) -> Done:
        source, compare = by_name[step.source], compares.get(step.source)
        files = partial(read, step.source)
        stored = keep_day(settings, store, source, step.day, files, lambda: result, compare, force, recent)
        return Done(step, bool(stored.kept))

    for step in steps:
        while step.source != REPORT and (step.source, step.day) not in ready:
            source, day, found = next(outcomes)
            ready[source, day] = found
        result = ready.pop((step.source, step.day), None)
        ended: Done | Failure = Done(step)
        try:
            with day_lock(settings.output_dir, step.day, step.source, locks.descriptors.get(step.day)):
                if result is None:
                    report(settings, store, step.day)
                else:
                    ended = keep(step, result)
        except CityflowError as error:
            ended = Failure(step, error)
        yield ended
        if step.source == REPORT:
            locks.release(step.day)
