"""What the figures of a source, and the report, are made from. Make, backfill and status all ask it here."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from lib.common.errors import InputError
from lib.common.settings import ROOT, Settings
from lib.raw.source import Source
from lib.raw.source_files import source_files
from lib.run.code_files import code_files

REPORT = "report"


@dataclass(frozen=True)
class Dependencies:
    """The script that computes a step, and the sources whose raw files it reads (none for the report)."""

    script: Path
    raw: tuple[Source, ...]

    def raw_paths(self, settings: Settings) -> list[Path]:
        """List every raw file that the figures may come from; leave out a missing one that a setting names."""
        paths: list[Path] = []
        for source in self.raw:
            with contextlib.suppress(InputError):
                paths += [raw.path for raw in source_files(settings, source)]
        return paths

    @property
    def code(self) -> set[Path]:
        """Find the code files that decide on the figures: what the script imports, templates, requirements.txt."""
        return code_files(self.script)


def dependencies(source: Source | None) -> Dependencies:
    """Return those of a source; for None those of the report, which reads metrics alone."""
    if source is None:
        return Dependencies(ROOT / "scripts" / "generate_report.py", ())
    return Dependencies(ROOT / "scripts" / f"process_{source.name}.py", source.read)
