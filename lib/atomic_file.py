"""The one gate through which every file of the project is written."""

import contextlib
import errno
import fcntl
import glob
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from lib.errors import LockHeldError, StoreError

LEFTOVER_AGE = 3600.0  # s; no write of the project takes as long


@contextmanager
def atomic_writer(path: Path) -> Iterator[BinaryIO]:
    """Yield a binary file that becomes `path` when the block ends well; on any failure `path` is left as it was.

    The bytes go to a hidden temporary file of the same folder (so that the rename cannot cross a file system), are
    flushed to the disk, then renamed over `path`. StoreError names the file when the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(path)
        with temporary.open("xb") as stream:
            yield stream
            settle(stream)
        os.replace(temporary, path)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _clear_leftovers(path: Path) -> None:
    """Remove the temporary files of `path` that killed runs left; a younger one may belong to a run that is writing."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > LEFTOVER_AGE:
                leftover.unlink()


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, whole or not at all."""
    with atomic_writer(path) as stream:
        stream.write(content)


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Replace several files: none of them where the disk has no room for one. The first given is replaced last."""
    with ExitStack() as stack:
        for path, content in contents.items():
            stream = stack.enter_context(atomic_writer(path))
            stream.write(content)
            settle(stream)


def settle(stream: BinaryIO) -> None:
    """Bring what was written to the disk, which refuses it here and not later."""
    stream.flush()
    os.fsync(stream.fileno())


@contextmanager
def part_writer(path: Path) -> Iterator[BinaryIO]:
    """Yield the hidden partial file `.<name>.part` of `path`, which becomes `path` when the block ends well.

    It is open for reading and writing, ours alone, and holds what an earlier try left there: on a failure it stays, so
    that a long download can go on from it (an empty one goes). LockHeldError when another process is writing it;
    StoreError when a link stands in its place, for what it leads to is not ours.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "ab+", opener=not_through_a_link) as stream:
            _claim(stream, part, path)
            try:
                yield stream
                settle(stream)
            except BaseException:
                _drop_if_empty(stream, part)
                raise
            os.replace(part, path)
    except OSError as error:
        raise _refused(path, error) from error


def not_through_a_link(path: str | Path, flags: int) -> int:
    """An opener that refuses a symbolic link: whoever planted one would have us write outside our folders."""
    try:
        return os.open(path, flags | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP and Path(path).is_symlink():
            raise StoreError(f"{path} est un lien : rien n'y est écrit.", "L'enlever, puis relancer.") from error
        raise


def _drop_if_empty(stream: BinaryIO, part: Path) -> None:
    with contextlib.suppress(OSError):
        stream.flush()
    with contextlib.suppress(OSError):
        status = os.fstat(stream.fileno())
        if status.st_size == 0 and status.st_nlink:  # else it is gone already, and the name may be another writer's
            part.unlink()


def _claim(stream: BinaryIO, part: Path, path: Path) -> None:
    """Lock the partial file; one that was renamed away while we waited to open it is another process's result."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = os.path.samestat(os.fstat(stream.fileno()), os.stat(part))
    except (BlockingIOError, FileNotFoundError):
        ours = False
    if not ours:
        raise LockHeldError(f"{path} est en cours d'écriture par une autre commande.", "Attendre sa fin.") from None


def _refused(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"impossible d'écrire {path} : {error.strerror or error}.",
        "Vérifier les droits et la place disponible ; le fichier précédent est intact.",
    )
