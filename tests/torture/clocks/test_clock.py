"""The machine's own time zone changes no figure, on ordinary days and on both change days: make backfill."""

import os
import sys
from pathlib import Path

import pytest

from tests import script_server
from tests.conftest import ROOT
from tests.support.patience import deadline
from tests.support.shared_trees import demo_tree
from tests.torture.clocks.machines import CHANGE_DAYS, ZONES
from tests.torture.results import documents


def figures(raw: Path, output: Path, day: str, zone: str) -> dict[str, object]:
    environment = {**os.environ, "TZ": zone, "DATA_DIR": str(raw), "OUTPUT_DIR": str(output)}
    environment["CITYFLOW_STORE"] = "local_files"
    command = [sys.executable, str(ROOT / "scripts" / "backfill.py"), "--from", day, "--to", day, "-q"]
    script_server.run(command, env=environment, check=True, timeout=deadline())
    return documents(output)


@pytest.mark.long  # test_clock_make.py has make process and backfill in the short form
@pytest.mark.parametrize("day", CHANGE_DAYS)
def test_figures_do_not_depend_on_the_machine_s_zone(
    day: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    raw = demo_tree(tmp_path_factory, 2, day)
    first, *others = (figures(raw, tmp_path / zone.replace("/", "_"), day, zone) for zone in ZONES)
    assert len([name for name in first if name.endswith(".json")]) == 7
    assert all(other == first for other in others)
