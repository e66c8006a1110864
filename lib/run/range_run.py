"""A plan carried out on one machine: processes compute days in any order, one writer stores them oldest first.

Workers never look at the store: what is compared with earlier days is compared when they are stored, so that the files
are those of the days run one by one, whatever the number of processes. A process of its own makes the reports, in the
order of the days too, each once its day is stored.
"""

import contextlib
import ctypes
import gc
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
from lib.database_factory import get_database_service
from lib.database_service import DatabaseService
from lib.files.locks import DayLocks, day_lock, processes_share_locks
from lib.raw.source import Source
from lib.run.day_plan import Plan, Step
from lib.run.day_run import Compare, DayResult, Recent, keep_day
from lib.run.dependencies import REPORT, dependencies
from lib.run.manifest import inputs

log = logging.getLogger(__name__)

CHUNK_DAYS = 7  # of one source, computed in one go: they share what the process keeps of the pulls around them
EXPORT_DAYS = 2  # of a source without pulls: small pieces keep every process busy to the end, and take little memory
AHEAD = 2  # chunks per process that may be under way or waiting to be stored
REPORTS_BEHIND = 14  # days stored of which the report may be waited for: so much is lost of a run that is killed

Outcome = tuple[str, date, DayResult | CityflowError]
Measure = Callable[[Settings, str, list[date]], list[Outcome]]
Report = Callable[[Settings, DatabaseService, date], object]
Reports = Callable[[date], Future[object]]  # asks for the report of a day


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


def chunks(plan: Plan, of_exports: int = CHUNK_DAYS) -> list[tuple[str, list[date]]]:
    """Group the days to compute as (source, days), in the order in which the writer needs them.

    of_exports: how many days of a source that has no pulls.
    """
    found = []
    for source in plan.sources:
        days, most = plan.days_of(source.name), CHUNK_DAYS if source.pulls else of_exports
        found += [(source.name, days[start : start + most]) for start in range(0, len(days), most)]
    return sorted(found, key=lambda chunk: chunk[1][0])


@contextlib.contextmanager
def computed(
    settings: Settings, plan: Plan, measure: Measure, jobs: int, locks: DayLocks
) -> Iterator[Iterator[Outcome]]:
    """Compute every day of the plan, chunk by chunk, in `jobs` processes while the caller iterates."""
    work = chunks(plan, EXPORT_DAYS)
    if jobs == 1 or len(work) <= 1:
        yield (outcome for source, days in work for outcome in _measured(measure, settings, source, days))
        return
    # fork: what the road-count pass has at hand is inherited, and pandas is not imported once more by each process.
    context = multiprocessing.get_context("fork")
    gc.freeze()  # what is imported by now stays shared with the processes
    with ProcessPoolExecutor(min(jobs, len(work)), context, _follow_the_parent, (locks,)) as pool:
        try:
            yield _collected(pool, settings, measure, work, AHEAD * jobs)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _measured(measure: Measure, settings: Settings, source: str, days: list[date]) -> list[Outcome]:
    found = measure(settings, source, days)
    _give_back()
    return found


def _give_back() -> None:
    """Return what is free to the system: glibc keeps it for the process, and three or four of them compute."""
    with contextlib.suppress(OSError, AttributeError):  # of another C library
        ctypes.CDLL(None).malloc_trim(0)


def possible_jobs(jobs: int) -> int:
    """Return how many processes can work: one where they cannot share locks."""
    if jobs == 1 or processes_share_locks():
        return jobs
    log.warning("/dev/shm n'est pas utilisable ici (conteneur ?) : un seul processus calcule.")
    return 1


@contextlib.contextmanager
def reported(
    settings: Settings, store: DatabaseService, plan: Plan, report: Report, jobs: int, locks: DayLocks
) -> Iterator[Reports]:
    """Make the reports that are asked for one after the other: beside the caller, or at once where `jobs` is 1.

    To be entered before any thread runs: the process is forked here. It shares the locks of the days, so that each is
    held as long as its report is made.
    """
    if jobs == 1 or len(plan.days_of(REPORT)) <= 1:
        yield lambda day: _at_once(partial(_report, settings, store, report, day, locks.descriptors.get(day)))
        return
    context = multiprocessing.get_context("fork")
    gc.freeze()  # what is imported by now stays shared with the processes
    with ProcessPoolExecutor(1, context, _follow_the_parent) as process:
        process.submit(os.getpid).result()
        try:
            yield lambda day: process.submit(_report, settings, None, report, day, locks.descriptors.get(day))
        finally:
            process.shutdown(wait=True, cancel_futures=True)


def _at_once(make: Callable[[], object]) -> Future[object]:
    made: Future[object] = Future()
    try:
        made.set_result(make())
    except CityflowError as error:
        made.set_exception(error)
    return made


def _report(settings: Settings, store: DatabaseService | None, report: Report, day: date, locked: int | None) -> None:
    """Make a report, of the store that is open or, in a process that cannot share it, of the same opened anew."""
    with contextlib.ExitStack() as stack:
        store = store or stack.enter_context(get_database_service(settings))
        stack.enter_context(day_lock(settings.output_dir, day, REPORT, locked))
        report(settings, store, day)
    _give_back()


def _follow_the_parent(locks: DayLocks | None = None) -> None:
    """End silently at Ctrl-C, which reaches every process, and with a parent killed; hold none of its `locks`."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if locks:
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
    for source, days in work:
        with _of_living_processes():
            ahead.append(pool.submit(_measured, measure, settings, source, days))
            found = ahead.popleft().result() if len(ahead) >= most else []
        yield from found
    while ahead:
        with _of_living_processes():
            found = ahead.popleft().result()
        yield from found


@contextlib.contextmanager
def _of_living_processes() -> Iterator[None]:
    try:
        yield
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
    reports: Reports,
    force: bool,
) -> Iterator[Done | Failure]:
    """Store each step when its turn comes, waiting for it if need be; yields how it ended, a report once it has.

    A day's lock is released after its report, which is its last step.
    """
    asked: deque[tuple[Step, Future[object]]] = deque()
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

    def told(most: int) -> Iterator[Done | Failure]:
        """Yield the reports that are made; wait while there are more than `most` of them."""
        while asked and (len(asked) > most or asked[0][1].done()):
            step, made = asked.popleft()
            ended: Done | Failure = Done(step)
            with _of_living_processes():
                try:
                    made.result()
                except CityflowError as error:
                    ended = Failure(step, error)
            yield ended
            locks.release(step.day)

    for step in steps:
        if step.source == REPORT:
            with _of_living_processes():
                asked.append((step, reports(step.day)))
            yield from told(REPORTS_BEHIND)
            _give_back()
            continue
        while (step.source, step.day) not in ready:
            source, day, found = next(outcomes)
            ready[source, day] = found
        result = ready.pop((step.source, step.day))
        ended: Done | Failure
        try:
            with day_lock(settings.output_dir, step.day, step.source, locks.descriptors.get(step.day)):
                ended = keep(step, result)
        except CityflowError as error:
            ended = Failure(step, error)
        yield ended
    yield from told(0)
