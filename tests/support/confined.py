"""Commands run with less than a test has: rights that count (root passes over permission bits), a disk of a few pages.

A command is forked off the test, so that it neither imports a pandas of its own nor compiles the templates of the
pages; what its main() says is what a user sees.
"""

import contextlib
import ctypes
import gc
import io
import logging
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lib.run import manifest
from scripts.report.rendering import _environment
from tests import script_server
from tests.conftest import Ran
from tests.support.patience import deadline

OVERRIDES = (1, 2)  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, by which root reads and writes anything
CAPABILITIES_V3, DROP_FROM_BOUNDS = 0x20080522, 24

Main = Callable[[list[str]], int]
Confine = Callable[[], None]

_libc = ctypes.CDLL(None, use_errno=True)


def with_plain_rights() -> None:
    """For a child process (after fork, or preexec_fn): permission bits count, for root as for everybody."""
    if os.geteuid() != 0:
        return
    header, sets = (ctypes.c_uint32 * 2)(CAPABILITIES_V3, 0), (ctypes.c_uint32 * 6)()
    if _libc.capget(header, sets):
        raise OSError(ctypes.get_errno(), "capget")
    for rank in range(3):  # effective, permitted, inheritable
        sets[rank] &= ~sum(1 << one for one in OVERRIDES)
    for one in OVERRIDES:
        _libc.prctl(DROP_FROM_BOUNDS, one, 0, 0, 0)  # else exec would give them back
    if _libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "capset")


def run_confined(main: Main, *argv: str, confine: Confine = with_plain_rights) -> Ran:
    """What a user sees of main(argv) run in a child process for which `confine` was called."""
    for template in (environment := _environment()).list_templates():
        environment.get_template(template)
    streams = [os.memfd_create(name) for name in ("out", "err")]
    child = os.fork()
    if child == 0:
        _become(main, list(argv), confine, streams)
    _, status = os.waitpid(child, 0)
    shown = []
    for stream in streams:
        os.lseek(stream, 0, os.SEEK_SET)
        with os.fdopen(stream, "rb") as written:
            shown.append(written.read().decode("utf-8", "replace"))
    return Ran(os.waitstatus_to_exitcode(status), *shown)


def _become(main: Main, argv: list[str], confine: Confine, streams: list[int]) -> None:
    """The rest of the child's life; it never returns into the test."""
    code = 99
    gc.freeze()  # else the collector copies each page of what the test has
    try:
        signal.alarm(math.ceil(deadline()))
        logging.getLogger().handlers.clear()  # a command of its own, no step of one that the test ran before
        for number, stream in enumerate(streams, start=1):
            os.dup2(stream, number)
        sys.stdout, sys.stderr = (io.TextIOWrapper(os.fdopen(number, "wb")) for number in (1, 2))
        manifest._own_run.cache_clear()  # a command is a run of its own, whatever the test ran before
        confine()
        try:
            code = main(argv)
        except SystemExit as stop:
            code = int(stop.code or 0)
    finally:
        if sys.exc_info()[0]:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


LIMITED = """
import os, resource, runpy, sys
sys.dont_write_bytecode = True  # Python takes half a compiled file for a whole one
size = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
sys.argv = sys.argv[2:]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run_limited(size: int, script: Path, *words: str) -> Ran:
    """What a user sees of a script whose files may hold so many bytes (ulimit -f)."""
    ran = script_server.run([sys.executable, "-c", LIMITED, str(size), str(script), *words], timeout=deadline())
    return Ran(ran.returncode, ran.stdout, ran.stderr)


@contextmanager
def mode(path: Path, bits: int) -> Iterator[None]:
    """The path has these permission bits during the block."""
    before = path.stat().st_mode
    path.chmod(bits)
    try:
        yield
    finally:
        path.chmod(before)


@pytest.fixture
def bits_count(tmp_path: Path) -> None:
    """Skip where permission bits mean nothing even so (a file system without them, a sandbox without prctl)."""
    locked = tmp_path / "locked"
    locked.touch(0o000)

    def opened(_: list[str]) -> int:
        return locked.open("rb").close() or 0

    if "PermissionError" not in run_confined(opened).err:
        pytest.skip("permission bits are not enforced here")
    locked.unlink()
