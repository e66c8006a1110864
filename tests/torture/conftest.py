"""Two versions of the raw files of the same days: a file that mixes old and new figures shows."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.shared_trees import demo_tree, made_once
from tests.torture.kills.kills import Command, Documents, documents

DAYS = ("2025-11-03", "2025-11-04")


@dataclass(frozen=True)
class Version:
    """A raw tree, the folder of results of an undisturbed run on it, and what is in there."""

    raw: Path
    output: Path
    documents: Documents

    def of(self, *parts: str) -> Documents:
        """The documents whose name has one of these parts."""
        return {name: content for name, content in self.documents.items() if any(part in name for part in parts)}

    def day_before(self, output: Path) -> None:
        """Put the first day, which the last is compared with and leads to, into another folder of results."""
        for folder in ("metrics", "reports"):
            (output / folder).mkdir(exist_ok=True)
            for path in (self.output / folder).glob(f"*_{DAYS[0]}.*"):
                shutil.copy(path, output / folder)


@pytest.fixture(scope="session")
def versions(tmp_path_factory: pytest.TempPathFactory) -> list[Version]:
    found = [version(tmp_path_factory, seed) for seed in ("1", "2")]
    first, second = (version.documents for version in found)
    assert first.keys() == second.keys() and all(
        first[name] != second[name] for name in first if not name.startswith("rejects/")
    )  # the demo's refusals are the same for every seed
    return found


def version(factory: pytest.TempPathFactory, seed: str) -> Version:
    raw = demo_tree(factory, len(DAYS), DAYS[-1], "--seed", seed)

    def make(folder: Path) -> None:
        words = ("--from", DAYS[0], "--to", DAYS[-1], "--jobs", "1")
        script("backfill.py", *words, DATA_DIR=str(raw), OUTPUT_DIR=str(folder / "output")).completes()

    output = made_once(factory, f"version-{seed}", make) / "output"
    return Version(raw, output, documents(output))


def script(name: str, *words: str, **environment: str) -> Command:
    """A script of the project, with nothing in its environment but what is said here."""
    command = (sys.executable, str(ROOT / "scripts" / name), *words, "-q")
    return Command(command, {"PATH": "/usr/bin:/bin", "CITYFLOW_STORE": "local_files", **environment})
