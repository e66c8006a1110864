"""The machine's own time zone changes no figure, on ordinary days and on both change days: make backfill."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import make_demo_data
from tests.conftest import ROOT
from tests.torture.machines import CHANGE_DAYS, ZONES
from tests.torture.results import documents

LIMIT = 120.0


def figures(raw: Path, output: Path, day: str, zone: str) -> dict[str, object]:
    environment = {**os.environ, "TZ": zone, "DATA_DIR": str(raw), "OUTPUT_DIR": str(output)}
    environment["CITYFLOW_STORE"] = "local_files"
    command = [sys.executable, str(ROOT / "scripts" / "backfill.py"), "--from", day, "--to", day, "-q"]
    subprocess.run(command, env=environment, check=True, timeout=LIMIT, stdout=subprocess.DEVNULL)
    return documents(output)


@pytest.mark.long  # test_clock_make.py has make process and backfill in the short form
@pytest.mark.parametrize("day", CHANGE_DAYS)
def test_figures_do_not_depend_on_the_machine_s_zone(day: str, tmp_path: Path) -> None:
    options = ["--end", day, "--days", "2", "--arcs", "24", "--counters", "12", "-q"]
    assert make_demo_data.main([*options, "--output", str(tmp_path / "raw")]) == 0
    first, *others = (figures(tmp_path / "raw", tmp_path / zone.replace("/", "_"), day, zone) for zone in ZONES)
    assert len([name for name in first if name.endswith(".json")]) == 7
    assert all(other == first for other in others)
