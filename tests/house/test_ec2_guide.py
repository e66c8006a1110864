"""The page about EC2 says nothing that does not exist: its commands run in its order, its JSON is what is written."""

import json
import re
from datetime import date
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from lib.common.settings import Settings
from scripts.registry import SOURCES
from tests.support import aws_server
from tests.support.aws_server import AwsServer
from tests.support.checkout import DAY, copy_checkout
from tests.support.documents import (
    KNOWN_SETTINGS,
    defaults_shown,
    messages_shown,
    never_said,
    page,
    typed,
)
from tests.support.portal_server import NEXT_MORNING, Portal, set_written
from tests.support.shared_trees import demo_tree

GUIDE = page("CHANGEMENTS_EC2.md")
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)]


def test_the_commands_run_from_the_first_to_the_last(
    aws: AwsServer, portal: Portal, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    raw = Path(copytree(demo_tree(tmp_path_factory, 3), tmp_path / "machine" / "raw"))
    (raw / "LISEZMOI.txt").unlink()  # invented figures are never published
    set_written(raw, NEXT_MORNING)
    machine = copy_checkout(tmp_path / "machine" / "checkout", raw)
    machine.environment |= portal.settings() | aws_server.environment(aws.url)
    machine.environment |= {"CITYFLOW_NOW": NEXT_MORNING.isoformat(), "NO_PROXY": "127.0.0.1"}
    commands = typed(GUIDE)
    assert len(commands) > 15
    # The check is of what has been published by then, which cron would do for the rest.
    commands.insert(commands.index("make upload") + 1, commands.pop(commands.index("make check-upload")))
    for command in commands:
        if command.startswith("sudo "):
            assert command in page("README.md")
        elif command != "cd /opt/cityflow":
            ran = machine.run("bash", "-c", command)
            assert ran.code == 0, f"{command}\n{ran.out}{ran.err}"
        if command.startswith(".venv/bin/python -c"):
            assert ran.out == "local_files\n"
    written = machine.written()
    for day in (DAY, portal.day.isoformat()):
        assert {f"metrics/{source}_metrics_{day}.json" for source in SOURCES} <= set(written)
        assert {f"reports/daily_report_{day}{form}" for form in (".json", ".csv", ".html")} <= set(written)
    assert {"reports/index.html"} <= set(written)
    assert {item["date"]["S"] for item in aws.items("cityflow-reports")} == {portal.day.isoformat()}
    assert len(list((machine.root / "logs").glob("processing_*.log"))) == 2


def is_part_of(shown: Any, real: Any) -> bool:
    """Whether an extract has the keys and kinds of values of the whole; null stands for any."""
    if isinstance(shown, dict):
        return isinstance(real, dict) and all(key in real and is_part_of(shown[key], real[key]) for key in shown)
    return shown is None or type(shown) is type(real)


def test_the_json_shown_is_that_of_the_files(two_tuesdays: Settings) -> None:
    metrics, report = EXAMPLES
    for shown, name in ((metrics, f"metrics/bikes_metrics_{DAY}.json"), (report, f"reports/daily_report_{DAY}.json")):
        assert name in GUIDE
        real = json.loads((two_tuesdays.output_dir / name).read_bytes())
        assert list(shown) == list(real)
        assert is_part_of(shown, real)
        assert date.fromisoformat(shown["date"]) == date.fromisoformat(real["date"])
    assert list(report["report"]) == list(real["report"])


def test_every_setting_exists_with_its_default() -> None:
    shown = defaults_shown(GUIDE)
    assert len(shown) == 8
    assert all(KNOWN_SETTINGS[name] == default for name, default in shown.items())


def test_every_message_is_one_that_the_commands_say() -> None:
    messages = messages_shown(GUIDE)
    assert len(messages) > 9
    assert never_said(messages) == []
