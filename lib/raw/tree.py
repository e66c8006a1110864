"""What lies in a folder of raw files, with what cannot be looked at: skipped in silence, it would be lost in silence.

Links are followed, to files and to folders (people keep large exports on another volume). A folder that cannot be
listed stands for its files, and so does a link back to a folder above it; whoever reads it is told why it cannot be.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from lib.raw.s3_path import S3Path

Wanted = Callable[[str], bool]  # of a file's name


def files_below(folder: Path, wanted: Wanted) -> Iterator[Path]:
    """Yield the files of wanted names at any depth; none where there is no such folder."""
    if isinstance(folder, S3Path):
        yield from (path for path in folder.rglob("*") if wanted(path.name))
        return
    refused: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=refused.append, followlinks=True):
        for path in [Path(place, name) for name in sorted(folders)]:
            if os.path.islink(path) and os.path.realpath(path) in map(os.path.realpath, path.absolute().parents):
                folders.remove(path.name)
                yield path
        folders.sort()
        yield from (path for name in sorted(names) if _may_be_read(path := Path(place, name), wanted))
    for error in refused:
        if not isinstance(error, FileNotFoundError | NotADirectoryError) or os.path.islink(error.filename):
            yield Path(error.filename)


def is_readable(path: Path) -> bool:
    """Tell whether it is a file that this process may open."""
    return is_file(path) and (isinstance(path, S3Path) or os.access(path, os.R_OK))


def is_file(path: Path) -> bool:
    """Tell whether it is a file; of what cannot be looked at it is not known."""
    return isinstance(path, S3Path) or os.path.isfile(path)


def _may_be_read(path: Path, wanted: Wanted) -> bool:
    """Tell a wanted file, or what cannot be told to be none; a pipe or a socket would keep its reader waiting.

    A link such as dt=2025-11-04 whose folder is away, as when its volume is not mounted, stands for its files.
    """
    if os.path.isfile(path):
        return wanted(path.name)
    return not os.path.exists(path) and (wanted(path.name) or "." not in path.name)
