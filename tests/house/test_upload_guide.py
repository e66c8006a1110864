"""The guide to publishing says nothing that does not exist: commands run, settings and messages are the real ones."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable
from datetime import date

import pytest

import setup_dynamodb_tables
import upload_to_aws
from lib.common.settings import load_settings
from lib.local_file_service import LocalFileService
from lib.publish.infrastructure.policy import upload_policy
from scripts import make_tables
from scripts.registry import SOURCES, tables
from tests.conftest import ROOT, Ran
from tests.support.aws_server import AwsServer
from tests.support.documents import (
    KNOWN_SETTINGS,
    defaults_shown,
    make_words,
    messages_shown,
    never_said,
    page,
    typed,
)
from tests.support.published import Output

GUIDE = page("UPLOAD_AWS_GUIDE.md")
COMMANDS = typed(GUIDE)
MAINS = {
    "upload_to_aws.py": upload_to_aws.main,
    "setup_dynamodb_tables.py": setup_dynamodb_tables.main,
    "scripts/make_tables.py": make_tables.main,
}


def of(word: str) -> list[str]:
    return [command for command in COMMANDS if command.split()[0] == word]


def test_every_command_is_tried_here() -> None:
    assert {command.split()[0] for command in COMMANDS} == {"make", ".venv/bin/python", "cp", "cd"}
    assert of("cp") == ["cp .env.example .env"]
    assert (ROOT / ".env.example").is_file()
    assert len(of("make")) > 12


@pytest.fixture
def four_days(aws: AwsServer, output: Output) -> Output:
    for day in ("2025-11-01", "2025-11-02", "2025-11-04"):
        output.metrics(day=day, metrics=[], qualite={"statut": "complet"})
        output.report(day=day)
    assert upload_to_aws.main(["-q"]) == 0
    return output


def test_python_commands_run(four_days: Output, run: Callable[..., Ran]) -> None:
    for command in of(".venv/bin/python"):
        _, script, *argv = shlex.split(command)
        ran = run(MAINS[script], *argv)
        assert ran.code == 0, f"{command}\n{ran.err}"


def test_make_commands_run(four_days: Output, run: Callable[..., Ran]) -> None:
    """The very recipes that make would run, their words as bash gives them."""
    assert make_tables.main(["-q"]) == 0
    for command in of("make"):
        target, variables = make_words(command)
        words = shlex.split(command)[2:]
        dry = subprocess.run(["make", "-n", target, *words], cwd=ROOT, capture_output=True, text=True, check=True)
        recipe = dry.stdout[dry.stdout.rindex(".venv/bin/python ") :].replace(".venv/bin/python", "printf '%s\\0'")
        said = subprocess.run(
            ["bash", "-c", recipe],
            cwd=ROOT,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=True,
        )
        script, *argv, _ = said.stdout.split("\0")
        ran = run(MAINS[script], *argv)
        assert ran.code == 0, f"{command}\n{ran.err}"


def test_every_setting_exists_with_its_default() -> None:
    shown = defaults_shown(GUIDE)
    assert len(shown) == 10
    assert all(KNOWN_SETTINGS[name] == default for name, default in shown.items())


def test_the_policy_shown_is_the_one_that_is_printed() -> None:
    shown = json.loads(re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)[0])
    settings = load_settings({"S3_REPORTS_BUCKET": "mon-organisation-cityflow-rapports"}, environment={})
    assert shown == upload_policy(settings)


def test_every_message_is_one_that_the_commands_say() -> None:
    messages = messages_shown(GUIDE)
    assert len(messages) > 12
    assert never_said(messages) == []


@pytest.fixture
def two_days(
    empty_aws: AwsServer, output: Output, run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> dict[str, int]:
    """Two days of bikes and their tables, published under the guide's names; in the folder of output/: their totals."""
    monkeypatch.setenv("S3_REPORTS_BUCKET", "mon-organisation-cityflow-rapports")
    monkeypatch.chdir(output.root.parent)
    assert run(setup_dynamodb_tables.main).code == 0
    totals = {}
    for day, golden in (("2025-11-01", "2025-10-26"), ("2025-11-04", "2025-11-04"), ("2025-11-05", "2025-11-04")):
        output.report(day=day)
        metrics = json.loads((ROOT / "tests" / "golden" / f"bikes_metrics_{golden}.json").read_text("utf-8"))["metrics"]
        LocalFileService(output.root).save_metrics(metrics, "bikes", date.fromisoformat(day))
        totals[day] = metrics["total_jour"]
    assert run(make_tables.main).code == 0
    assert run(upload_to_aws.main).code == 0
    return totals


def said_by(number: int, capfd: pytest.CaptureFixture[str]) -> list[str]:
    """What the guide's program of that number prints."""
    program = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)[number]
    capfd.readouterr()
    exec(compile(program, "UPLOAD_AWS_GUIDE.md", "exec"), {})
    return capfd.readouterr().out.splitlines()


def test_the_programs_of_the_guide_read_what_is_published(
    two_days: dict[str, int], capfd: pytest.CaptureFixture[str]
) -> None:
    asked = ("2025-11-01", "2025-11-04")
    assert said_by(0, capfd) == [f"{day} Mardi : tout va bien." for day in asked]
    assert said_by(1, capfd) == [f"{day} {two_days[day]}" for day in asked]
    _, *hours, _ = said_by(2, capfd)
    assert len(hours) == 24 and sum(float(line.split()[1]) for line in hours) == two_days["2025-11-04"]
    shown = said_by(3, capfd)
    assert [name.strip() for name in shown[1].strip("│").split("│")] == ["jour", "capteur", "passages"]
    counters = [line.strip("│").split("│") for line in shown if "2025-11-0" in line]
    assert len(counters) == 3 and {one[0].strip() for one in counters} <= set(asked)
    assert float(counters[0][2]) >= float(counters[2][2]) > 0


def test_the_declaration_of_a_table_is_the_one_that_is_printed(
    empty_aws: AwsServer, run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_REPORTS_BUCKET", "mon-organisation-cityflow-rapports")
    printed = run(make_tables.main, "--ddl").out.strip().split("\n\n")
    shown = re.findall(r"```sql\n(.*?)\n```", GUIDE, re.DOTALL)[0].split("\n\n")
    assert set(shown) < set(printed) and len(printed) == 10
    (hours,) = [table for table in tables(SOURCES["bikes"]) if table.name == "hours"]
    kinds = dict(re.findall(r"^  `(\w+)` (\S+?),?$", shown[1], re.MULTILINE))
    athena = {"VARCHAR": "string", "BIGINT": "bigint", "DOUBLE": "double", "DATE": "date"}
    assert kinds == {column.name: athena[column.kind] for column in hours.columns}
