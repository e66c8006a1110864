"""Steps in forked processes: what they say stays together, how they end is told, Ctrl-C waits for them."""

import os
import pty
import signal
import sys
import time
from collections.abc import Callable

import pytest

from lib.run.side_by_side import side_by_side


def say(text: str) -> int:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
    return 0


def saying(name: str, code: int) -> Callable[[], int]:
    def step() -> int:
        for number in range(3):
            say(f"{name}{number}")
            time.sleep(0.01)
        sys.stderr.write(f"{name}!")
        return code

    return step


def test_each_step_ends_as_it_says_and_its_lines_are_together(capfd: pytest.CaptureFixture[str]) -> None:
    steps = {"a": saying("a", 0), "b": saying("b", 4), "c": saying("c", 0)}
    assert side_by_side(steps, 2) == {"a": 0, "b": 4, "c": 0}
    out, err = capfd.readouterr()
    together = ("a0a1a2", "b0b1b2", "c0c1c2")
    assert all(one in out.replace("\n", "") for one in together) and len(out.split()) == 9
    assert sorted(err) == sorted("a!b!c!")


def test_on_a_terminal_it_is_said_what_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with open(ours, "rb", buffering=0) as said, open(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        assert side_by_side({"bikes": lambda: 0, "traffic": lambda: 0}, 1) == {"bikes": 0, "traffic": 0}
        assert said.read(1000).decode() == "bikes : en cours…\r\ntraffic : en cours…\r\n"


def test_a_step_that_is_killed_exits_or_raises_fails_alone(capfd: pytest.CaptureFixture[str]) -> None:
    def killed() -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    def raises() -> int:
        raise ValueError("broken")

    codes = side_by_side({"killed": killed, "exits": lambda: sys.exit(3), "raises": raises, "last": lambda: 0}, 1)
    assert codes == {"killed": 137, "exits": 3, "raises": 1, "last": 0}
    assert "ValueError: broken" in capfd.readouterr().err


def test_more_is_said_than_a_pipe_holds(capfd: pytest.CaptureFixture[str]) -> None:
    assert side_by_side({"long": lambda: say("é" * 300_000)}, 1) == {"long": 0}
    assert capfd.readouterr().out == "é" * 300_000 + "\n"


def test_ctrl_c_is_raised_when_the_steps_have_ended(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupting() -> int:
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(0.1)
        return say("ended")

    monkeypatch.setattr(signal, "getsignal", lambda _: signal.default_int_handler)  # a background job ignores it
    with pytest.raises(KeyboardInterrupt):
        side_by_side({"one": interrupting, "never": lambda: say("begun")}, 1)
    assert capfd.readouterr().out == "ended\n"
