"""A plan carried out by the workers of a Dask cluster; this process only asks, and stores what comes back.

Days and byte ranges are distributed, never rows: each task is the very function that one machine runs, so that the
figures are the same to the last digit. A task whose worker dies is run again by another.
"""

import contextlib
import logging
import operator
import pickle
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from lib.common.errors import CityflowError, ConfigError, in_french
from lib.common.settings import ROOT, Settings
from lib.common.shown_settings import masked
from lib.common.text import counted
from lib.run.day_plan import Plan
from lib.run.range_run import Measure, Outcome, chunks
from scripts.cluster import tasks

CHATTY = ("distributed", "distributed.client", "tornado.application", "asyncio")  # loggers with levels of their own

log = logging.getLogger(__name__)

TIMEOUT = 10  # s, for the scheduler to answer and for a first worker to be there
LOOK, SAID_EVERY = 5.0, 300.0  # s between two looks at a cluster that computes, and between two words about it
LOST_LOOK = 0.1  # s between two tries to give the code to workers of which one was just lost
WORKERS_MISSED = 300.0  # s without a worker before the run gives up
# What the figures depend on; a worker must have what this process has.
SAME_PACKAGES = ("pandas", "numpy", "shapely", "pyproj", "stringzilla", "tzdata", "boto3", "distributed", "cloudpickle")


class ClusterError(CityflowError):
    """The cluster cannot be reached, or is gone: what is stored is whole."""


@contextlib.contextmanager
def computed_there(settings: Settings, plan: Plan, measure: Measure) -> Iterator[Iterator[Outcome]]:
    """Compute every day of the plan on the cluster, in the order of the plan, while the caller iterates.

    ClusterError when it cannot be reached or is lost, ConfigError when its workers cannot give the same figures.
    """
    # No worker needs the secrets.
    public = replace(settings, origins={}, lock_fd=None, mongodb_url="", idfm_api_key="", visualcrossing_api_key="")
    with _client(settings.scheduler) as client, cluster_failures(settings.scheduler):
        check_versions(client)
        _ship_code(client)
        yield _outcomes(client, public, plan, measure)


@contextlib.contextmanager
def _client(address: str) -> Iterator[Any]:
    try:
        from distributed import Client
        from distributed.comm.addressing import get_address_host_port
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"--scheduler demande le paquet {error.name}, qui n'est pas installé.",
            "Lancer : pip install -r requirements-cluster.txt",
        ) from error
    if not log.isEnabledFor(logging.DEBUG):  # what it says in a page, ClusterError says in a line
        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        get_address_host_port(address)
    except ValueError as error:  # asked first: the client of an address that is none goes on for 20 s
        raise ConfigError(
            f"{masked(address)} n'est pas l'adresse d'un ordonnanceur Dask.",
            "Corriger --scheduler ou DASK_SCHEDULER_ADDRESS, par exemple tcp://10.0.0.4:8786.",
        ) from error
    try:
        client: Any = Client(address, timeout=TIMEOUT, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:  # a TimeoutError is an OSError
        why = "" if isinstance(error, TimeoutError) else f" ({masked(in_french(error))})"
        raise ClusterError(
            f"l'ordonnanceur Dask {masked(address)} ne répond pas en {TIMEOUT} s{why}.",
            "Le démarrer (dask scheduler), ou corriger --scheduler ou DASK_SCHEDULER_ADDRESS.",
        ) from error
    try:
        client.wait_for_workers(1, timeout=TIMEOUT)
        yield client
    except TimeoutError as error:
        raise ClusterError(
            f"l'ordonnanceur Dask {masked(address)} n'a aucun worker.", f"En démarrer : dask worker {masked(address)}"
        ) from error
    finally:
        client.close(timeout=TIMEOUT)


@contextlib.contextmanager
def cluster_failures(address: str) -> Iterator[None]:
    """Turn what Dask says of a cluster that is lost, or of workers that keep dying, into a ClusterError."""
    from distributed import CancelledError, KilledWorker
    from distributed.comm.core import CommClosedError

    try:
        yield
    except KilledWorker as error:
        raise ClusterError(
            f"des workers de {masked(address)} meurent l'un après l'autre ({error.task}) : mémoire insuffisante ?",
            "Leur donner plus de mémoire (voir docs/scaling.md), puis relancer : ce qui est enregistré est entier.",
        ) from error
    except (CancelledError, CommClosedError) as error:
        raise ClusterError(
            f"le cluster {masked(address)} a disparu en cours de route : ce qui est enregistré est entier.",
            "Le redémarrer, puis relancer la même commande : elle ne fait que ce qui manque.",
        ) from error


def check_versions(client: Any) -> None:
    """Raise ConfigError naming each worker whose Python or packages are not those of this machine."""
    seen = client.get_versions(packages=list(SAME_PACKAGES))
    here = _versions(seen["client"])
    for address, worker in sorted(seen["workers"].items()):
        there = _versions(worker)
        wrong = [
            f"{name} {there[name] or 'absent'} au lieu de {here[name]}" for name in here if there[name] != here[name]
        ]
        if wrong:
            raise ConfigError(
                f"le worker {address} ne donnerait pas les mêmes chiffres : {', '.join(wrong)}.",
                "Y lancer : pip install -r requirements.txt -r requirements-cluster.txt",
            )


def _versions(machine: dict[str, Any]) -> dict[str, str | None]:
    packages = machine["packages"]
    python = ".".join(str(packages["python"]).split(".")[:2])
    return {"python": python, **{name: packages.get(name) for name in SAME_PACKAGES}}


def _ship_code(client: Any) -> None:
    import cloudpickle

    from scripts.cluster import code

    cloudpickle.register_pickle_by_value(code)
    shipped, limit = code.ShippedCode(code.archive(ROOT)), time.monotonic() + TIMEOUT
    while True:
        try:
            client.register_plugin(shipped)
            return
        except OSError:  # a worker went away just then; the scheduler asks it again until it has seen that
            if client.status != "running" or time.monotonic() >= limit:
                raise
            time.sleep(LOST_LOOK)


def _ask(client: Any, task: Callable[..., Any], *words: Any, given: Any = ()) -> Any:
    """Submit task(*words, *given) and return its future; `given` may hold other futures."""
    from scripts.cluster import code

    return client.submit(code.call, task.__module__, task.__name__, pickle.dumps(words), *given, pure=False)


def _outcomes(client: Any, settings: Settings, plan: Plan, measure: Measure) -> Iterator[Outcome]:
    """Ask for everything at once, earliest days first; results stay on the workers until their turn to be stored."""
    work = chunks(plan)
    counts = [days for source, days in work if source == "comptages"]
    asked = iter(_ask_counts(client, settings, counts, measure) if counts else [])
    futures = [
        next(asked) if source == "comptages"
        else _ask(client, measure, settings, source, days)
        for source, days in work
    ]  # fmt: skip
    futures.reverse()
    while futures:
        yield from _result(client, settings.scheduler, futures.pop())  # forgotten at once: so may the workers


def _result(client: Any, address: str, future: Any) -> Any:
    """Wait for the result of a task, however long it takes while there are workers; warn now and then of the wait.

    ClusterError when there is none any more for WORKERS_MISSED: Dask itself would wait for others without end.
    """
    begun = said = seen = time.monotonic()
    while True:
        try:
            return future.result(timeout=LOOK)
        except TimeoutError:
            if future.done():
                raise
        now, workers = time.monotonic(), len(client.nthreads())
        seen = now if workers else seen
        if now - seen >= WORKERS_MISSED:
            raise ClusterError(
                f"l'ordonnanceur Dask {masked(address)} n'a plus aucun worker.",
                f"En démarrer : dask worker {masked(address)}",
            )
        if now - said >= SAID_EVERY:
            said = now
            minutes = (now - begun) / 60
            log.warning("attente des calculs du cluster depuis %.0f min : %s.", minutes, counted(workers, "worker"))


def _ask_counts(client: Any, settings: Settings, groups: list[list[date]], measure: Measure) -> list[Any]:
    """Submit each group of days of road counts; each byte range of each export is read once for all of them."""
    exports = _result(client, settings.scheduler, _ask(client, tasks.open_exports, settings))
    scans = [
        [_ask(client, tasks.scan_range, settings, export, number, groups) for number in tasks.ranges(export)]
        for _, export in exports
        if not isinstance(export, CityflowError)
    ]
    found = []
    for index, days in enumerate(groups):
        pieces = [[client.submit(operator.getitem, scan, index, pure=False) for scan in scanned] for scanned in scans]
        found.append(_ask(client, tasks.measure_counts, settings, measure, days, exports, given=[pieces]))
    return found
