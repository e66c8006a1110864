"""What the figures of a source, and the report, are made from. Make, backfill and status all ask it here."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from lib.common.errors import InputError
from lib.common.settings import ROOT, Settings
from lib.raw.source_files import BESIDE, source_files
from lib.run.code_files import code_files

REPORT = "report"


@dataclass(frozen=True)
class Dependencies:
    """The script that computes a step, and the sources whose raw files it reads (none for the report)."""

    script: Path
    raw: tuple[str, ...]

    def raw_paths(self, settings: Settings) -> list[Path]:
        """Every raw file that the figures may come from; those that a setting names in vain are left out."""
        paths: list[Path] = []
        for source in self.raw:
            with contextlib.suppress(InputError):
                paths += [raw.path for raw in source_files(settings, source)]
        return paths

    @property
    def code(self) -> set[Path]:
        """The code files that decide on the figures: what the script imports, templates, requirements.txt."""
        return code_files(self.script)


def dependencies(step: str) -> Dependencies:
    """Of a source by its name, or of REPORT, which reads the metrics of the day and of the days it is compared with."""
    if step == REPORT:
        return Dependencies(ROOT / "scripts" / "generate_report.py", ())
    return Dependencies(ROOT / "scripts" / f"process_{step}.py", (step, *BESIDE.get(step, ())))
