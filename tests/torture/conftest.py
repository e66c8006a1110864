"""Two versions of the raw files of the same days: a file that mixes old and new figures shows."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts import make_demo_data
from tests.conftest import ROOT
from tests.torture.kills import Command, Documents, documents

DAYS = ("2025-11-03", "2025-11-04")
SIZE = ["--days", str(len(DAYS)), "--end", DAYS[-1], "--arcs", "24", "--counters", "12", "-q"]


@dataclass(frozen=True)
class Version:
    """A raw tree, the folder of results of an undisturbed run on it, and what is in there."""

    raw: Path
    output: Path
    documents: Documents

    def of(self, *parts: str) -> Documents:
        """The documents whose name has one of these parts."""
        return {name: content for name, content in self.documents.items() if any(part in name for part in parts)}


@pytest.fixture(scope="session")
def versions(tmp_path_factory: pytest.TempPathFactory) -> list[Version]:
    found = [made(tmp_path_factory.mktemp("version"), seed) for seed in ("1", "2")]
    first, second = (version.documents for version in found)
    assert first.keys() == second.keys() and all(first[name] != second[name] for name in first)
    return found


def made(root: Path, seed: str) -> Version:
    raw, output = root / "raw", root / "output"
    assert make_demo_data.main([*SIZE, "--seed", seed, "--output", str(raw)]) == 0
    script("backfill.py", "--from", DAYS[0], "--to", DAYS[-1], DATA_DIR=str(raw), OUTPUT_DIR=str(output)).completes()
    return Version(raw, output, documents(output))


def script(name: str, *words: str, **environment: str) -> Command:
    """A script of the project, with nothing in its environment but what is said here."""
    command = (sys.executable, str(ROOT / "scripts" / name), *words, "-q")
    return Command(command, {"PATH": "/usr/bin:/bin", "CITYFLOW_STORE": "local_files", **environment})
