"""What a page of documentation tells people to type, to set and to open, and what the Makefile offers of it.

The French guides fence their commands in ```bash and indent what is printed; the other pages indent their commands.
"""

import re
import shlex
from dataclasses import fields
from pathlib import Path

from lib.common.settings import INTERNAL, Settings
from scripts.registry import SOURCES
from tests.conftest import ROOT

PAGES = ("README.md", "UPLOAD_AWS_GUIDE.md", "CHANGEMENTS_EC2.md")
DOCS = tuple(sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")))


def env_example() -> str:
    """The text of .env.example: every setting that people set, and its default."""
    lines = ["# Copier ce fichier en .env et n'y garder que ce qui change. Ne jamais committer .env.", ""]
    for one in (field.metadata for field in fields(Settings)):
        if one and not one["doc"].startswith(INTERNAL):
            lines += [f"# {one['doc']}", f"#{one['name']}={one['default']}"]
    return "\n".join(lines) + "\n"


KNOWN_SETTINGS = dict(re.findall(r"^#([A-Z0-9_]+)=(.*)$", env_example(), re.MULTILINE))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(SOURCES)", " ".join(SOURCES))
_RULES: list[tuple[str, str]] = re.findall(r"^([a-z][a-z -]*):(?!=)[^#\n]*(?:## (.*))?$", MAKEFILE, re.MULTILINE)
TARGETS = {word: told for rule, told in _RULES for word in rule.split()}  # what make help tells of each
MAKE_WORDS = {name for told in TARGETS.values() for name in re.findall(r"([A-Z_]+)=", told)}
_STARTS = ("make ", ".venv/bin/", "python ", "./", "bash ", "cp ", "cd ")


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def typed(text: str) -> list[str]:
    """Every command of the blocks and of the first cells of tables, once, without comments or what cron puts before."""
    fenced = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    lines = "\n".join(fenced).splitlines() if fenced else re.findall(r"^    (\S.*)$", text, re.MULTILINE)
    cells = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
    found = [re.sub(r"\s+#.*|^(?:[\d*]+ ){5}", "", line) for line in lines]
    parts = [part.strip() for line in found for part in line.split("&&")]
    return list(dict.fromkeys(one for one in [*parts, *filter(_is_command, cells)] if one))


def mentioned(text: str) -> list[str]:
    """The commands of `typed` that a shell would find, and those named within a sentence."""
    inside = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return list(dict.fromkeys(one for one in [*typed(text), *inside] if _is_command(one)))


def _is_command(text: str) -> bool:
    return text.startswith(_STARTS)


def make_words(command: str) -> tuple[str, dict[str, str]]:
    """The target of a make command and its NAME=value words, which make help or .env.example must tell of."""
    target, *words = shlex.split(command)[1:]
    assert target in TARGETS, command
    variables = dict(word.split("=", 1) for word in words)
    for name in variables:
        assert f"{name}=" in TARGETS[target] or name in KNOWN_SETTINGS, command
    return target, variables


def files_run(text: str) -> set[str]:
    """Every Python or shell file that a command names."""
    return set(re.findall(r"\w[\w/]*\.(?:py|sh)\b", text))


def settings_named(text: str) -> set[str]:
    """NAME_OF_A_SETTING in inline code; `NAME` = 3 is a constant of the code."""
    named = re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=[^`]*)?`(?! = )", text)
    return {name for name in named if not name.startswith(("AWS_ACCESS_", "AWS_SECRET_", "AWS_SESSION_"))}


def defaults_shown(text: str) -> dict[str, str]:
    """The rows of a French table of settings: name and default, which is empty where the cell says « aucun »."""
    table = text[text.index("| Réglage |") :].split("\n\n")[0]
    return dict(re.findall(r"^\| `([A-Z0-9_]+)` \| (?:`([^`]+)`|aucun.*?) \|", table, re.MULTILINE))


def messages_shown(text: str) -> list[str]:
    """The first cells of a French table of messages."""
    table = text[text.index("| Message |") :].split("\n\n")[0]
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


def never_said(messages: list[str]) -> list[str]:
    """The messages of which no command has the words."""
    sources = [ROOT / "upload_to_aws.py", ROOT / "setup_dynamodb_tables.py", ROOT / "run_processing.sh"]
    sources += [path for folder in ("lib", "scripts") for path in (ROOT / folder).rglob("*.py")]
    said = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    return [message for message in messages if message not in said]


def exit_codes(text: str) -> list[int]:
    return [int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)]


def dead_links(name: str) -> list[str]:
    """The links and pictures of a page that lead to no file."""
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", page(name)) if "://" not in link]
    return [link for link in links if not Path(ROOT, name).parent.joinpath(link).exists()]
