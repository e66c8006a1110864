"""How long tests wait for what is sure to come, and how processes that a test started end whatever happens.

No test takes these seconds on a machine that has time: a deadline only ends a wait that would have no end. Where they
are too few (an emulator, a loaded machine), CITYFLOW_TEST_PATIENCE=5 makes every one of them five times as long.
"""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import IO, Any

from tests.script_server import Popen

SCALE = float(os.environ.get("CITYFLOW_TEST_PATIENCE") or 1)  # read before the tests clear the environment


def deadline(seconds: float = 120) -> float:
    """Seconds after which a test gives up, on this machine."""
    return seconds * SCALE


def wait_until(seen: Callable[[], object], *processes: "subprocess.Popen[Any]", seconds: float = 120) -> None:
    """Wait for an event; fail when the deadline is over, and at once when one of the processes has ended before it."""
    limit = time.monotonic() + deadline(seconds)
    while not seen():
        for process in processes:
            assert process.poll() is None or seen(), f"{process.args} ended with {process.returncode}"
        assert time.monotonic() < limit, f"waited {deadline(seconds):.0f} s in vain"
        time.sleep(0.02)


@contextlib.contextmanager
def child(command: "list[str]", **options: Any) -> "Iterator[subprocess.Popen[str]]":
    """A process in a session of its own, which is killed with all that it started when the block ends."""
    with Popen(command, text=True, start_new_session=True, **options) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is bounded ends by itself, long before the deadline that tells it from what is not."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < deadline(seconds)


def first_line(stream: "IO[str]") -> str:
    """What a process says first, however long it takes to begin."""
    assert select.select([stream], [], [], deadline())[0], "nothing was said"
    return stream.readline()
