"""What lies in a folder of raw files, with what cannot be looked at: skipped in silence, it would be lost in silence.

Links are followed, to files and to folders (people keep large exports on another volume). A folder that cannot be
listed stands for its files, and so does a link back to a folder above it; whoever reads it is told why it cannot be.
"""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from lib.raw.s3_path import S3Path

Wanted = Callable[[str], bool]  # of a file's name
Place = tuple[int, int]  # device and inode of a folder


def files_below(folder: Path, wanted: Wanted) -> Iterator[Path]:
    """Yield the files of wanted names at any depth; none where there is no such folder."""
    if isinstance(folder, S3Path):
        return (path for path in folder.rglob("*") if wanted(path.name))
    return _walk(folder, wanted, frozenset(_place(parent) for parent in folder.parents if os.path.exists(parent)))


def is_readable(path: Path) -> bool:
    """Tell whether it is a file that this process may open."""
    return is_file(path) and (isinstance(path, S3Path) or os.access(path, os.R_OK))


def is_file(path: Path) -> bool:
    """Tell whether it is a file; of what cannot be looked at it is not known."""
    return isinstance(path, S3Path) or os.path.isfile(path)


def _walk(folder: Path, wanted: Wanted, above: frozenset[Place]) -> Iterator[Path]:
    entries = _entries(folder)
    if entries is None or (entries and _place(folder) in above):
        yield folder
        return
    for entry in entries:
        if _is_folder(entry):
            yield from _walk(Path(entry.path), wanted, above | {_place(folder)})
        elif (wanted(entry.name) or _was_a_folder(entry)) and _may_be_read(entry):
            yield Path(entry.path)


def _entries(folder: Path) -> list[os.DirEntry[str]] | None:
    """List what the folder holds, by name; None where it cannot be listed."""
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:
        return None if folder.is_symlink() else []
    except NotADirectoryError:
        return []
    except OSError:
        return None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _was_a_folder(entry: os.DirEntry[str]) -> bool:
    """Tell a link such as dt=2025-11-04 whose folder is away, as when its volume is not mounted."""
    return "." not in entry.name and not os.path.exists(entry.path)


def _may_be_read(entry: os.DirEntry[str]) -> bool:
    """Tell a regular file, or what cannot be told to be none; a pipe or a socket would keep its reader waiting."""
    try:
        return stat.S_ISREG(entry.stat().st_mode)
    except OSError:
        return True


def _place(folder: Path) -> Place:
    status = folder.stat()
    return status.st_dev, status.st_ino
