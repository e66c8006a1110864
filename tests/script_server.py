"""Start our scripts as processes of their own without importing pandas and its like again for each of them.

Run as a program, this module is the server: it has imported packages of others and none of our modules, and forks off,
for each command it is sent, a process that has the command's folder, environment, streams and arguments, runs the
script as __main__ and ends as an interpreter does. What only the start of an interpreter gives (PYTHON… variables,
another locale, options, a function to call before) gets an interpreter of its own: see `is_served`.

It is asked by `Popen` here, and by the launcher that stands for python in a copy of the checkout: see `launcher`.
"""

import ast
import atexit
import contextlib
import fcntl
import gc
import importlib
import inspect
import os
import runpy
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PACKAGES = (
    "pandas", "shapely", "pyproj", "jinja2", "boto3", "pymongo", "zoneinfo", "multiprocessing.pool", "holidays",
    "orjson", "tqdm", "argparse", "statistics", "concurrent.futures.process", "stringzilla", "pkgutil", "resource",
)  # fmt: skip
DASK = (*PACKAGES, "distributed.cli.dask_worker", "distributed.cli.dask_scheduler")
QUIET = {  # what dask looks at itself for, a hundred times a second
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "1h",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
}
LOCALE = ("LC_ALL", "LC_CTYPE", "LANG")  # in the order in which they count
UTF8 = {"C", "POSIX", "C.UTF-8"}  # each of which Python takes for the last
NUMBER = struct.Struct("=i")  # a process, or what waitpid says of its end
KNOWN = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}  # which a running interpreter can obey as well
OURS = ("lib", "scripts")  # the packages that -m may name: pip looks at where its interpreter lies
ABOVE = 512  # descriptors of a command are below this number
DESCRIPTORS = 250  # that one message can carry

# Python by name: hands its command, folder, environment and open files to the server, passes signals on, and ends as
# the command does; a command that the server refuses gets the interpreter beside it. Of the C modules alone, which an
# interpreter starts with: to begin costs it some milliseconds.
LAUNCHER = """#!{python} -IS
import _signal, _socket, os, sys
asked = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
asked.connect({address!r})
numbers = []
for number in map(int, os.listdir("/proc/self/fd")):
    try:
        os.fstat(number)
    except OSError:  # of the listing itself
        continue
    if number != asked.fileno():
        numbers.append(number)
rights = b"".join(number.to_bytes(4, sys.byteorder) for number in numbers)
asked.sendmsg([b"x"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
request = {{"command": sys.argv, "environment": dict(os.environ), "cwd": os.getcwd(), "numbers": numbers}}
request |= {{"session": False, "group": True}}
asked.sendall(ascii(request).encode() + b"\\n")
read = lambda: int.from_bytes(asked.recv(4, _socket.MSG_WAITALL), sys.byteorder)
pid = read()
if not pid:
    os.execv({real!r}, [{real!r}, *sys.argv[1:]])
for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
    _signal.signal(number, lambda sent, _: os.killpg(pid, sent))
code = os.waitstatus_to_exitcode(read())
if code < 0:
    _signal.signal(-code, _signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
"""


class Popen(subprocess.Popen[Any]):
    """As subprocess.Popen, of a script by the server where that makes no difference."""

    _ends: socket.socket | None = None  # where the server says how the process ended

    def _execute_child(self, *given: Any) -> None:
        told = inspect.signature(super()._execute_child).bind(*given).arguments  # type: ignore[misc]
        environment = dict(os.environ if told["env"] is None else told["env"])
        command = [os.fspath(word) for word in told["args"]] if not told["shell"] else []
        if told["preexec_fn"] or told["pass_fds"] or not is_served(command, environment):
            return super()._execute_child(*given)  # type: ignore[misc,no-any-return]
        request = {
            "command": command,
            "environment": environment,
            "cwd": os.path.abspath(told["cwd"] or "."),
            "numbers": [0, 1, 2],
            "session": told["start_new_session"],
            "group": False,
        }
        taken = [
            told[name] if told[name] != -1 else stream
            for stream, name in enumerate(("p2cread", "c2pwrite", "errwrite"))
        ]
        self._ends = socket.socket(socket.AF_UNIX)
        self._ends.connect(server(Path(command[0]).name == "dask").address)
        socket.send_fds(self._ends, [b"x"], taken)
        self._ends.sendall(ascii(request).encode() + b"\n")
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
    if not Path(program).name.startswith("python") or not words:
        return False
    if words[0] == "-m":
        return words[1].split(".")[0] in OURS
    return words[0] == "-c" or words[0].endswith(".py")


@dataclass(frozen=True)
class Server:
    """The socket where the server listens, and its process, which ends when its standard input does."""

    address: str
    process: subprocess.Popen[bytes]


@cache
def server(dask: bool) -> Server:
    """The one server of this process for dask, or for Python."""
    address = os.path.join(tempfile.mkdtemp(prefix="cityflow-"), "asked")  # nobody else's, and short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(100)
        process = subprocess.Popen(
            [sys.executable, __file__, str(listening.fileno()), *(DASK if dask else PACKAGES)],
            stdin=subprocess.PIPE,
            cwd="/",
            env={"OPENBLAS_NUM_THREADS": "1", **(QUIET if dask else {})},
            pass_fds=[listening.fileno()],
        )
    started.append(Server(address, process))
    return started[-1]


started: list[Server] = []


def stop() -> None:
    """End the servers, and wait for them, so that what they took counts as taken by the tests."""
    for one in started:
        assert one.process.stdin
        one.process.stdin.close()
        one.process.wait()
        shutil.rmtree(os.path.dirname(one.address))
    started.clear()
    server.cache_clear()


def launcher(real: Path) -> str:
    """The text of a program that has the server run what python is asked to, or else `real`."""
    python = os.path.realpath(sys.executable)
    return LAUNCHER.format(python=python, address=server(dask=False).address, real=str(real))


def serve(listening: socket.socket) -> None:
    """Fork for each request, and tell who asked how the process ended; returns in the processes, with their command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    asked: dict[int, int] = {}
    tied: dict[int, int] = {}  # whose groups die with who asked
    while True:
        ready = select.select([0, listening, woken, *tied], [], [])[0]
        if 0 in ready:
            sys.exit()
        for end in {*tied} & {*ready}:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(tied.pop(end), signal.SIGKILL)
        if woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(woken, 4096)
            for pid in list(asked):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    tied.pop(asked[pid], None)
                    answer(asked.pop(pid), status)
        if listening in ready:
            end, request, given = received(listening)
            if request["group"] and not is_served(request["command"], request["environment"]):
                answer(end, 0)
            elif pid := os.fork():
                asked[pid] = end
                if request["group"]:
                    tied[end] = pid
            else:
                signal.set_wakeup_fd(-1)
                listening.detach()
                become(request, end, given)
                return
            for descriptor in given:
                os.close(descriptor)


def received(listening: socket.socket) -> tuple[int, dict[str, Any], list[int]]:
    """What was asked, the files that came with it, and where to answer."""
    asking, _ = listening.accept()
    _, given, _, _ = socket.recv_fds(asking, 1, DESCRIPTORS)
    with asking.makefile("rb") as lines:
        request = ast.literal_eval(lines.readline().decode())
    return asking.detach(), request, given


def answer(end: int, status: int) -> None:
    with contextlib.suppress(OSError):  # nobody waits for it any more
        os.write(end, NUMBER.pack(status))
    os.close(end)


def become(request: dict[str, Any], end: int, given: Sequence[int]) -> None:
    """Take the files, the folder, the environment and the arguments of a command."""
    if request["session"]:
        os.setsid()
    elif request["group"]:
        os.setpgid(0, 0)
    os.write(end, NUMBER.pack(os.getpid()))
    kept = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, ABOVE) for descriptor in given]
    os.closerange(0, ABOVE)
    for number, descriptor in zip(request["numbers"], kept, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)
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
    number, *packages = sys.argv[1:]
    sys.path.pop(0)  # tests, where no script looks
    for package in packages:
        importlib.import_module(package)
    del os.environ["OPENBLAS_NUM_THREADS"]
    gc.freeze()
    serve(socket.socket(fileno=int(number)))
    try:
        run_command()
        code = 0
    except SystemExit as stop:
        if stop.code is not None and not isinstance(stop.code, int):
            raise
        code = stop.code or 0
    end(code)


def run_command() -> None:
    """Run the script, the module or the text that sys.argv begins with, as __main__."""
    if sys.argv[0] == "-m":
        del sys.argv[0]
        sys.path.insert(0, os.getcwd())
        runpy._run_module_as_main(sys.argv[0])  # type: ignore[attr-defined]
        return
    sys.modules["__main__"] = begun = types.ModuleType("__main__")
    if sys.argv[0] == "-c":
        text = sys.argv.pop(1)
        sys.path.insert(0, "")
        exec(compile(text, "<string>", "exec"), begun.__dict__)
    else:
        begun.__file__ = script = os.path.abspath(sys.argv[0])
        sys.path.insert(0, os.path.dirname(script))
        exec(compile(Path(script).read_bytes(), script, "exec"), begun.__dict__)


def end(code: int) -> None:
    """End as the interpreter does, but for taking every object apart, which copies each page of memory: 60 ms."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)  # the interpreter fails in the same way, and says so
    os._exit(code & 0xFF)


if __name__ == "__main__":
    main()
