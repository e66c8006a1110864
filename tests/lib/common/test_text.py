"""File names that this machine's language cannot read: nothing stops for them, and they can be recognised."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from lib.common.text import draws_bars, in_columns, spelled, storable
from scripts import process_weather
from tests import script_server
from tests.conftest import ROOT, Ran, RawTree
from tests.torture.clocks.machines import ASCII

DAY = "2025-11-04"
HOURS = {"time": [f"{DAY}T{hour:02}:00" for hour in range(24)]}
WEATHER = {"timezone": "Europe/Paris", "hourly": HOURS | {"temperature_2m": [9.5] * 24, "precipitation": [0.0] * 24}}


@pytest.mark.parametrize(("columns", "drawn"), [(80, True), (0, False)])
def test_a_progress_bar_is_drawn_on_a_terminal_with_columns(
    monkeypatch: pytest.MonkeyPatch, columns: int, drawn: bool
) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with open(ours, "rb"), open(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        assert draws_bars() == drawn


def test_none_is_drawn_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        monkeypatch.setattr(sys, "stderr", log)
        assert not draws_bars()


@pytest.mark.parametrize(
    ("name", "text"),
    [("été.json", "été.json"), ("\udcc3\udca9t.json", "ét.json"), ("\ud83d", "\ud83d")],
    ids=["read", "unread", "half a pair"],
)
def test_spelled(name: str, text: str) -> None:
    assert spelled(name) == text


def test_storable_is_always_utf8() -> None:
    assert [storable(text) for text in ("été", "\udcc3\udca9", "\udce9", "\ud83d")] == ["été", "é", "?", "?"]


def test_a_raw_file_named_in_latin1_is_read_and_recorded(raw: RawTree, run: Callable[..., Ran]) -> None:
    folder = raw.root / "api" / "weather" / "dt=2025-11-05"
    folder.mkdir(parents=True)
    (folder / os.fsdecode(b"m\xe9t\xe9o.json")).write_text(json.dumps(WEATHER))
    (folder / os.fsdecode(b"ab\xeem\xe9.json")).write_text("{")
    ran = run(process_weather.main, "--date", DAY, "--json")
    assert ran.code == 0, ran.err
    assert "compte rendu du traitement n'est pas" not in ran.err
    (manifest,) = raw.output.glob(f"runs/{DAY}/*.json")
    names = [Path(one["fichier"]).name for one in json.loads(manifest.read_bytes())["etapes"][0]["entrees"]]
    assert sorted(map(os.fsencode, names)) == [b"ab\xeem\xe9.json", b"m\xe9t\xe9o.json"]


def test_json_on_a_machine_without_accents_is_the_same(raw: RawTree, monkeypatch: pytest.MonkeyPatch) -> None:
    raw.pull("weather", "2025-11-05", "météo.json", WEATHER)
    monkeypatch.setenv("OUTPUT_DIR", str(raw.output / "résultats"))
    command = [sys.executable, str(ROOT / "scripts" / "process_weather.py"), "--date", DAY, "--json"]
    here, there = script_server.run(command).stdout, subprocess.check_output(command, env={**os.environ, **ASCII})
    assert json.loads(there) == json.loads(here)
    assert there.isascii() and "résultats" in here


def test_a_row_in_columns_keeps_paths_whole_and_its_colons_with_their_words() -> None:
    row = in_columns("ok  ", "Lire /a/path/longer/than/the/line/is.csv : c'est « tout » !", 20)
    assert row.splitlines() == ["ok  Lire", "    /a/path/longer/than/the/line/is.csv :", "    c'est « tout » !"]
    assert in_columns("complet   ", "", 20) == "complet"
