"""A script that the tests' server forks off is what one with an interpreter of its own is."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests import script_server
from tests.support.patience import child, deadline, first_line, wait_until

SHOWN = """
import json, os, random, signal, sys, time
print(json.dumps({
    "argv": sys.argv, "cwd": os.getcwd(), "environment": dict(os.environ), "path": sys.path[0],
    "executable": sys.executable, "name": __name__, "file": __file__, "zone": time.strftime("%z", time.gmtime(0)),
    "local": time.localtime(0).tm_hour,
    "ours": [one for one in sys.modules if one.split(".")[0] in ("lib", "scripts", "tests")],
    "signals": [str(signal.getsignal(one)) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE)],
    "open": [one for one in os.listdir("/proc/self/fd") if int(one) > 2 and os.path.exists(f"/proc/self/fd/{one}")],
    "encoding": [sys.stdout.encoding, sys.stderr.encoding, sys.stderr.errors], "leader": os.getsid(0) == os.getpid(),
}), "é")
print(random.random())
print("said", file=sys.stderr)
sys.exit(int(sys.argv[1]))
"""


ENVIRONMENT = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TZ": "Pacific/Kiritimati", "WORD": "é=\n"}


def test_all_that_a_script_sees_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "shown.py").write_text(SHOWN, encoding="utf-8")
    command, environment = [sys.executable, "shown.py", "75", "été"], ENVIRONMENT
    options = {"cwd": tmp_path, "env": environment, "timeout": deadline()}
    assert script_server.is_served(command, environment)
    served, again = (script_server.run(command, start_new_session=True, **options) for _ in range(2))
    alone = subprocess.run(command, start_new_session=True, capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert served.stdout.splitlines()[0] == alone.stdout.splitlines()[0]
    assert (served.returncode, served.stderr) == (alone.returncode, alone.stderr) == (75, "said\n")
    assert served.stdout.splitlines()[1] != again.stdout.splitlines()[1], "chance is not that of the server"


def test_it_dies_of_signals_and_of_errors(tmp_path: Path) -> None:
    (tmp_path / "sleeps.py").write_text("import time\nprint(1, flush=True)\ntime.sleep(3600)\n")
    (tmp_path / "fails.py").write_text("import atexit\natexit.register(print, 'end')\n1 / 0\n")
    for sent, code in ((signal.SIGKILL, -9), (signal.SIGTERM, -15), (signal.SIGINT, -2)):
        with script_server.Popen([sys.executable, tmp_path / "sleeps.py"], stdout=-1, stderr=-1) as process:
            assert process.stdout and process.stdout.readline() == b"1\n"
            assert process.poll() is None
            process.send_signal(sent)
            assert process.wait(deadline()) == code
    ran = script_server.run([sys.executable, tmp_path / "fails.py"])
    assert (ran.returncode, ran.stdout, "ZeroDivisionError" in ran.stderr) == (1, "end\n", True)


@pytest.mark.parametrize(
    ("words", "more"),
    [
        (["-m", "pip"], {}),
        (["-S", "x.py"], {}),
        (["x.py"], {"PYTHONHASHSEED": "1"}),
        (["x.py"], {"PYTHONIOENCODING": "ascii"}),
        (["x.py"], {"LC_ALL": "fr_FR.ISO-8859-1"}),
    ],
)
def test_what_only_a_start_can_give_gets_one(words: list[str], more: dict[str, str]) -> None:
    assert script_server.is_served([sys.executable, "x.py"], {})
    assert not script_server.is_served([sys.executable, *words], more)


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """What stands for python in a copy of the checkout."""
    (tmp_path / "interpreter").symlink_to(os.path.realpath(sys.executable))
    launcher = tmp_path / "python"
    launcher.write_text(script_server.launcher(tmp_path / "interpreter"), encoding="utf-8")
    launcher.chmod(0o755)
    return launcher


def test_python_by_name_is_the_server_s_where_that_makes_no_difference(python: Path, tmp_path: Path) -> None:
    (tmp_path / "shown.py").write_text(SHOWN, encoding="utf-8")
    with (tmp_path / "kept").open("w") as kept:
        options = {"cwd": tmp_path, "env": ENVIRONMENT, "timeout": deadline(), "pass_fds": [kept.fileno()]}
        words = ["shown.py", "3", "été"]
        by_name, alone = (
            subprocess.run([name, *words], capture_output=True, text=True, **options)  # type: ignore[call-overload]
            for name in ("./python", "./interpreter")
        )
        shown = by_name.stdout.splitlines()[0].replace("/python", "/interpreter")
        assert f'"open": ["{kept.fileno()}"' in shown
        assert (by_name.returncode, shown) == (3, alone.stdout.splitlines()[0])
        loaded = "import sys; print(sys.argv, sys.path[0] == '', 'pandas' in sys.modules)"
        for words, said in (
            (["-c", loaded, "x"], "['-c', 'x'] True True\n"),
            (["-S", "-c", loaded, "x"], "['-c', 'x'] True False\n"),
        ):
            assert subprocess.run([python, *words], capture_output=True, text=True, **options).stdout == said  # type: ignore[call-overload]


def is_gone(process: int) -> bool:
    return not os.path.exists(f"/proc/{process}")


def test_what_is_sent_to_python_by_name_reaches_the_command(python: Path, tmp_path: Path) -> None:
    (tmp_path / "sleeps.py").write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(3600)\n")
    for sent in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with child([str(python), str(tmp_path / "sleeps.py")], stdout=-1, stderr=-1) as process:
            assert process.stdout
            begun = int(first_line(process.stdout))
            process.send_signal(sent)
            assert process.wait(deadline()) == -sent
            wait_until(partial(is_gone, begun))
