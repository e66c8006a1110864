"""Steps of one run in processes of their own, forked off this one so that packages are imported once for all of them.

What a step says is kept together and passed on when it ends; that it begins is said at once, on a terminal.
"""

import contextlib
import gc
import os
import selectors
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from lib.common.errors import ExitCode

STREAMS = (1, 2)  # standard output and standard error
PIECE = 2**16  # bytes read at once


@dataclass
class _Running:
    """A process at work: what it has said so far on each of STREAMS, and its ends of these that are still open."""

    pid: int
    said: dict[int, bytes] = field(default_factory=lambda: dict.fromkeys(STREAMS, b""))
    open_ends: set[int] = field(default_factory=set)


def side_by_side(steps: Mapping[str, Callable[[], int]], jobs: int) -> dict[str, int]:
    """Run the steps in their order, `jobs` at a time; return their exit codes. One that fails stops no other.

    Ctrl-C reaches every process; no further step begins, and it is raised here once they have ended.
    """
    waiting, codes = deque(steps), dict.fromkeys(steps, int(ExitCode.INTERRUPTED))
    gc.freeze()  # what is imported by now stays shared with the processes
    with selectors.DefaultSelector() as selector, ctrl_c_at_the_end() as told:
        while selector.get_map() or (waiting and not told):
            while waiting and not told and len(_running(selector)) < jobs:
                name = waiting.popleft()
                _start(name, steps[name], selector)
            _listen(selector, codes)
    return codes


def _running(selector: selectors.BaseSelector) -> set[str]:
    return {key.data[0] for key in selector.get_map().values()}


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


def _start(name: str, step: Callable[[], int], selector: selectors.BaseSelector) -> None:
    announce(name)
    sys.stdout.flush()
    sys.stderr.flush()
    pipes = {stream: os.pipe() for stream in STREAMS}
    pid = os.fork()
    if pid == 0:
        for stream, ends in pipes.items():
            os.dup2(ends[1], stream)
            for end in ends:
                os.close(end)
        _become(step)
    running = _Running(pid)
    for stream, (end, theirs) in pipes.items():
        os.close(theirs)
        running.open_ends.add(end)
        selector.register(end, selectors.EVENT_READ, (name, running, stream))


def _become(step: Callable[[], int]) -> None:
    """Carry out the step and end this process with its exit code, as an interpreter does."""
    code: int = ExitCode.FAILED
    try:
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stdout = open(1, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors, closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding=sys.stderr.encoding, errors=sys.stderr.errors, closefd=False)  # noqa: SIM115
        code = step()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else ExitCode.FAILED
    finally:  # whatever happens: a process that was forked must not go on as its parent
        if sys.exc_info()[0]:
            traceback.print_exc()
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _listen(selector: selectors.BaseSelector, codes: dict[str, int]) -> None:
    """Wait until processes say something, or end."""
    for key, _ in selector.select():
        name, running, stream = key.data
        piece = os.read(key.fd, PIECE)
        running.said[stream] += piece
        if piece:
            continue
        selector.unregister(key.fd)
        os.close(key.fd)
        running.open_ends.remove(key.fd)
        if not running.open_ends:
            code = os.waitstatus_to_exitcode(os.waitpid(running.pid, 0)[1])
            codes[name] = code if code >= 0 else 128 - code  # killed: as a shell says it
            _pass_on(running.said)


def _pass_on(said: Mapping[int, bytes]) -> None:
    for stream, written in zip((sys.stdout, sys.stderr), said.values(), strict=True):
        stream.write(written.decode(stream.encoding or "utf-8", "backslashreplace"))
        stream.flush()
