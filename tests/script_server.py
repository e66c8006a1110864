"""Start our scripts as processes of their own without importing pandas and its like again for each of them.

Run as a program, this module is the server: it has imported packages of others and none of our modules, and forks off,
for each command it is sent, a process that has the command's folder, environment, streams and arguments, runs the
script as __main__ and ends as an interpreter does. What only the start of an interpreter gives (PYTHON… variables,
another locale, -c, a function to call before) gets an interpreter of its own: see `is_served`.
"""

import contextlib
import gc
import importlib
import inspect
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import time
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PACKAGES = ("pandas", "shapely", "pyproj", "jinja2", "boto3", "pymongo", "zoneinfo", "multiprocessing.pool")
DASK = ("pandas", "shapely", "pyproj", "distributed.cli.dask_worker", "distributed.cli.dask_scheduler")
LOCALE = ("LC_ALL", "LC_CTYPE", "LANG")  # in the order in which they count
UTF8 = {"C", "POSIX", "C.UTF-8"}  # each of which Python takes for the last
NUMBER = struct.Struct("=i")  # a process, or what waitpid says of its end
KNOWN = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}  # which a running interpreter can obey as well


class Popen(subprocess.Popen[Any]):
    """As subprocess.Popen, of a script by the server where that makes no difference."""

    _ends: socket.socket | None = None  # where the server says how the process ended

    def _execute_child(self, *given: Any) -> None:
        told = inspect.signature(super()._execute_child).bind(*given).arguments  # type: ignore[misc]
        environment = dict(os.environ if told["env"] is None else told["env"])
        command = [os.fspath(word) for word in told["args"]] if not told["shell"] else []
        if told["preexec_fn"] or told["pass_fds"] or not is_served(command, environment):
            return super()._execute_child(*given)  # type: ignore[misc,no-any-return]
        cwd = os.path.abspath(told["cwd"] or ".")
        request = {"command": command, "environment": environment, "cwd": cwd, "session": told["start_new_session"]}
        taken = [
            told[name] if told[name] != -1 else stream
            for stream, name in enumerate(("p2cread", "c2pwrite", "errwrite"))
        ]
        self._ends, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(server(Path(command[0]).name == "dask").requests, [b"x"], [theirs.fileno(), *taken])
            self._ends.sendall(json.dumps(request).encode() + b"\n")
            self.pid = self._number()
        self._child_created = True
        self._close_pipe_fds(
            *(told[name] for name in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite"))
        )  # type: ignore[attr-defined]

    def _number(self) -> int:
        assert self._ends
        told = self._ends.recv(NUMBER.size, socket.MSG_WAITALL)
        assert told, "the script server is gone"
        return int(NUMBER.unpack(told)[0])

    def _try_wait(self, flags: int) -> tuple[int, int]:
        if self._ends is None:
            return super()._try_wait(flags)  # type: ignore[misc,no-any-return]
        if flags & os.WNOHANG and not select.select([self._ends], [], [], 0)[0]:
            return 0, 0
        with self._ends:
            return self.pid, self._number()

    def _internal_poll(self, *given: Any, **named: Any) -> int | None:
        if self._ends is None:
            return super()._internal_poll(*given, **named)  # type: ignore[misc,no-any-return]
        if self.returncode is None and (waited := self._try_wait(os.WNOHANG))[0]:
            self._handle_exitstatus(waited[1])  # type: ignore[attr-defined]
        return self.returncode


def run(command: Sequence[str | Path], *, check: bool = False, timeout: float | None = None, **options: Any) -> Any:
    """As subprocess.run with captured streams, of a script by the server where that makes no difference."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    with Popen(command, **options) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
    if check:
        done.check_returncode()
    return done


def is_served(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether a command is a script or module by Python, or dask, and no variable needs an interpreter's start."""
    if any(name.startswith("PYTHON") and value and name not in KNOWN for name, value in environment.items()):
        return False
    locale = next(filter(None, map(environment.get, LOCALE)), "C")
    if locale not in UTF8 and not locale.endswith(".UTF-8"):
        return False
    program, *words = map(str, command or ["none"])
    if Path(program).name == "dask":
        return True
    return Path(program).name.startswith("python") and bool(words) and (words[0] == "-m" or words[0].endswith(".py"))


@dataclass(frozen=True)
class Server:
    """The server's process, and the socket that takes requests: the process ends when its last end is closed."""

    requests: socket.socket
    process: subprocess.Popen[bytes]


@cache
def server(dask: bool) -> Server:
    """The one server of this process for dask, or for Python."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, __file__, *(DASK if dask else PACKAGES)]
    with theirs:
        process = subprocess.Popen(command, stdin=theirs, cwd="/", env={"OPENBLAS_NUM_THREADS": "1"})
    started.append(Server(ours, process))
    return started[-1]


started: list[Server] = []


def stop() -> None:
    """End the servers, and wait for them, so that what they took counts as taken by the tests."""
    for one in started:
        one.requests.close()
        one.process.wait()
    started.clear()
    server.cache_clear()


def serve(requests: socket.socket) -> None:
    """Fork for each request, and tell who asked how the process ended; returns in the processes, with their command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    asked: dict[int, int] = {}
    while True:
        ready = select.select([requests, woken], [], [])[0]
        if woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(woken, 4096)
            for pid in list(asked):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    answer(asked.pop(pid), status)
        if requests in ready:
            word, descriptors, _, _ = socket.recv_fds(requests, 1, 4)
            if not word:
                sys.exit()
            end, *streams = descriptors
            with socket.socket(fileno=os.dup(end)) as asking, asking.makefile("rb") as lines:
                request = json.loads(lines.readline())
            if (pid := os.fork()) == 0:
                signal.set_wakeup_fd(-1)
                become(request, end, streams)
                return
            asked[pid] = end
            for stream in streams:
                os.close(stream)


def answer(end: int, status: int) -> None:
    with contextlib.suppress(OSError):  # nobody waits for it any more
        os.write(end, NUMBER.pack(status))
    os.close(end)


def become(request: dict[str, Any], end: int, streams: Sequence[int]) -> None:
    """Take the streams, the folder, the environment and the arguments of a command."""
    if request["session"]:
        os.setsid()
    os.write(end, NUMBER.pack(os.getpid()))
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 1024)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    os.chdir(request["cwd"])
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    through = bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = stream_of(1, sys.stdout.errors, through)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = stream_of(2, "backslashreplace", True)  # type: ignore[misc]
    program, *words = request["command"]
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    if Path(program).name == "dask":
        sys.argv = [program, *words]
        return
    sys.executable = os.path.abspath(program)
    sys.argv = words


def stream_of(number: int, errors: str | None, through: bool) -> Any:
    """A standard stream as the interpreter opens it: by lines on a terminal."""
    stream = open(number, "w", errors=errors, closefd=False)  # noqa: SIM115
    stream.reconfigure(write_through=through)
    return stream


def main() -> None:
    """Serve until nobody can ask any more; in a process, run its command, whose end is that of the interpreter."""
    packages, requests = sys.argv[1:], socket.socket(fileno=os.dup(0))
    sys.path.pop(0)  # tests, where no script looks
    for package in packages:
        importlib.import_module(package)
    del os.environ["OPENBLAS_NUM_THREADS"]
    gc.freeze()
    serve(requests)
    if sys.argv[0] == "-m":
        del sys.argv[0]
        sys.path.insert(0, os.getcwd())
        runpy._run_module_as_main(sys.argv[0])  # type: ignore[attr-defined]
    else:
        script = os.path.abspath(sys.argv[0])
        sys.path.insert(0, os.path.dirname(script))
        sys.modules["__main__"] = begun = types.ModuleType("__main__")
        begun.__file__ = script
        exec(compile(Path(script).read_bytes(), script, "exec"), begun.__dict__)


if __name__ == "__main__":
    main()
