"""Steps of one run in processes of their own, forked off this one so that packages are imported once for all of them.

What a step says is kept together and passed on when it ends; that it begins is said at once, on a terminal.
"""

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import wait
from typing import IO, Any

from lib.common.errors import ExitCode

Said = tuple[IO[bytes], IO[bytes]]  # what a step writes on its standard output, and on its standard error


def side_by_side(steps: Mapping[str, Callable[[], int]], jobs: int) -> dict[str, int]:
    """Run the steps in their order, `jobs` at a time; return their exit codes. One that fails stops no other.

    Ctrl-C reaches every process; no further step begins, and it is raised here once they have ended.
    """
    waiting, codes = deque(steps), dict.fromkeys(steps, int(ExitCode.INTERRUPTED))
    fork = multiprocessing.get_context("fork")
    running: dict[Any, tuple[str, multiprocessing.context.ForkProcess, Said]] = {}  # by what `wait` looks at
    gc.freeze()  # what is imported by now stays shared with the processes
    with ctrl_c_at_the_end() as told:
        while running or (waiting and not told):
            while waiting and not told and len(running) < jobs:
                name = waiting.popleft()
                announce(name)
                said = _memory(), _memory()
                process = fork.Process(target=_carry_out, args=(steps[name], said))
                process.start()
                running[process.sentinel] = name, process, said
            for sentinel in wait(list(running)):
                name, process, said = running.pop(sentinel)
                process.join()
                code = process.exitcode or 0
                codes[name] = code if code >= 0 else 128 - code  # killed: as a shell says it
                _pass_on(said)
    return codes


@contextlib.contextmanager
def ctrl_c_at_the_end() -> Iterator[list[int]]:
    """Note a Ctrl-C in the list that is yielded; raise it when the block has ended."""
    told: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, _: told.append(number))
    try:
        yield told
    finally:
        signal.signal(signal.SIGINT, before)
    if told:
        raise KeyboardInterrupt


def announce(name: str) -> None:
    """Say on a terminal that a step begins."""
    if sys.stderr.isatty():
        sys.stderr.write(f"{name} : en cours…\n")


def _memory() -> IO[bytes]:
    """Open a file that lies in memory, so that no full disk stops a step; elsewhere than on Linux in TMPDIR."""
    return os.fdopen(os.memfd_create("said"), "w+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile()


def _carry_out(step: Callable[[], int], said: Said) -> None:
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, file in enumerate(said, start=1):
        os.dup2(file.fileno(), number)
    sys.stdout = open(1, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding=sys.stderr.encoding, errors=sys.stderr.errors, closefd=False)  # noqa: SIM115
    sys.exit(step())


def _pass_on(said: Said) -> None:
    for stream, file in zip((sys.stdout, sys.stderr), said, strict=True):
        with file:
            file.seek(0)
            stream.write(file.read().decode(stream.encoding or "utf-8", "backslashreplace"))
        stream.flush()
