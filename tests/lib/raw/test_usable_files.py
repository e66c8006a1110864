"""Several files of which one cannot be used: what the others held is not kept longer for it."""

import gc
import weakref
from pathlib import Path

from lib.common.errors import InputError
from lib.figures.quality import Quality
from lib.raw.source_files import RawFile
from lib.raw.usable_files import read_usable


class Rows:
    """What a file holds."""


def test_rows_go_with_their_last_user_although_another_file_was_unusable(tmp_path: Path) -> None:
    def read(raw: RawFile) -> Rows:
        if raw.path.name == "b.csv":
            raise InputError(f"{raw.path} est illisible.", "Le récupérer.")
        return Rows()

    files = [RawFile("", 0.0, tmp_path / name) for name in ("a.csv", "b.csv")]
    gc.disable()
    try:
        (rows,) = read_usable(files, read, Quality())
        kept = weakref.ref(rows)
        del rows
        assert kept() is None
    finally:
        gc.enable()
