"""The guide to publishing says nothing that does not exist: commands run, settings and messages are the real ones."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable

import pytest

import setup_dynamodb_tables
import upload_to_aws
from lib.common.settings import load_settings
from lib.publish.policy import upload_policy
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
MAINS = {"upload_to_aws.py": upload_to_aws.main, "setup_dynamodb_tables.py": setup_dynamodb_tables.main}


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
        output.metrics(day=day)
        output.report(day=day)
    assert upload_to_aws.main(["-q"]) == 0
    return output


@pytest.mark.parametrize("command", of(".venv/bin/python"))
def test_python_commands_run(four_days: Output, run: Callable[..., Ran], command: str) -> None:
    _, script, *argv = shlex.split(command)
    assert run(MAINS[script], *argv).code == 0


@pytest.mark.parametrize("command", of("make"))
def test_make_commands_run(four_days: Output, run: Callable[..., Ran], command: str) -> None:
    """The very recipe that make would run, its words as bash gives them."""
    target, variables = make_words(command)
    words = shlex.split(command)[2:]
    dry = subprocess.run(["make", "-n", target, *words], cwd=ROOT, capture_output=True, text=True, check=True)
    recipe = dry.stdout[dry.stdout.rindex(".venv/bin/python ") :].replace(".venv/bin/python", "printf '%s\\0'")
    said = subprocess.run(
        ["bash", "-c", recipe], cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )
    script, *argv, _ = said.stdout.split("\0")
    ran = run(MAINS[script], *argv)
    done = 1 if variables.get("CHECK") else 0  # the tables of the tests have no TTL, which is what CHECK=1 finds
    assert ran.code == done, ran.err


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


def test_the_reader_in_boto3_reads_the_reports_of_a_period(
    empty_aws: AwsServer, output: Output, run: Callable[..., Ran], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(setup_dynamodb_tables.main).code == 0
    for day in ("2025-10-31", "2025-11-01", "2025-11-04", "2025-11-05"):
        output.report(day=day)
    assert run(upload_to_aws.main).code == 0
    (reader,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    exec(compile(reader, "UPLOAD_AWS_GUIDE.md", "exec"), {})
    assert capfd.readouterr().out.splitlines() == [
        f"{day} Mardi : tout va bien." for day in ("2025-11-01", "2025-11-04")
    ]
