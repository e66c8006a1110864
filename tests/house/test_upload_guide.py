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
from lib.common.errors import ExitCode
from lib.common.settings import env_example, load_settings
from lib.publish.policy import upload_policy
from tests.conftest import ROOT, Ran
from tests.support.aws_server import AwsServer
from tests.support.published import Output

GUIDE = (ROOT / "UPLOAD_AWS_GUIDE.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
MAINS = {"upload_to_aws.py": upload_to_aws.main, "setup_dynamodb_tables.py": setup_dynamodb_tables.main}


def commands() -> list[str]:
    """Every command of the blocks and of the table of commands, once, without what cron puts before it."""
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", GUIDE, re.DOTALL))
    lines = [re.sub(r"\s+#.*|^(\S+ ){5}(?=cd )", "", line) for line in blocks.splitlines()]
    rows = re.findall(r"^\| `((?:make|\.venv/bin/python) [^`]+)` \|", GUIDE, re.MULTILINE)
    return list(dict.fromkeys(part.strip() for line in [*lines, *rows] for part in line.split("&&") if part.strip()))


def of(word: str) -> list[str]:
    return [command for command in commands() if command.split()[0] == word]


def test_every_command_is_tried_here() -> None:
    assert {command.split()[0] for command in commands()} == {"make", ".venv/bin/python", "cp", "cd"}
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
    """The very recipe that make would run, its words as bash gives them; they must be those that make help tells of."""
    _, target, *words = shlex.split(command)
    told = re.search(rf"^{target}: [^#\n]*## (.*)$", MAKEFILE, re.MULTILINE)
    assert told, f"no target {target} in make help"
    variables = dict(word.split("=") for word in words)
    assert all(f"{name}=" in told[1] for name in variables)
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
    table = GUIDE[GUIDE.index("| Réglage |") : GUIDE.index("Ordre :")]
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| (?:`([^`]+)`|aucun.*?) \|", table, re.MULTILINE)
    known = dict(re.findall(r"^#([A-Z0-9_]+)=(.*)$", env_example(), re.MULTILINE))
    assert len(rows) == 7
    assert all(known[name] == default for name, default in rows)


def test_the_policy_shown_is_the_one_that_is_printed() -> None:
    shown = json.loads(re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)[0])
    settings = load_settings({"S3_REPORTS_BUCKET": "mon-organisation-cityflow-rapports"}, environment={})
    assert shown == upload_policy(settings)


def test_every_message_is_one_that_the_commands_say() -> None:
    table = GUIDE[GUIDE.index("| Message |") : GUIDE.index("Ctrl-C arrête")]
    messages = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    sources = [*(ROOT / "lib").rglob("*.py"), ROOT / "upload_to_aws.py"]
    said = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    assert len(messages) > 12
    assert [message for message in messages if message not in said] == []


def test_the_exit_codes_are_the_real_ones() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", GUIDE, re.MULTILINE)}
    assert codes == {int(code) for code in ExitCode} - {int(ExitCode.LOCKED)}
