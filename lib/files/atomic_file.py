"""The one gate through which every file of the project is written."""

import contextlib
import errno
import fcntl
import getpass
import os
import re
import secrets
import shlex
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from lib.common.errors import LockHeldError, StoreError, in_french

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")


@contextmanager
def atomic_writer(path: Path, lasting: bool = True) -> Iterator[BinaryIO]:
    """Yield a binary file that becomes `path` when the block ends well; on any failure `path` is left as it was.

    The bytes go to a hidden temporary file of the same folder (so that the rename cannot cross a file system), are
    flushed to the disk, then renamed over `path`. StoreError names the file when the disk refuses. A file that is not
    `lasting` is not waited for: whoever reads it makes do without it where a power cut damaged it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(path.parent)
        with _temporary(path) as stream:
            yield stream
            stream.flush()
            if lasting:
                flush_to_disk(stream)
            os.replace(stream.name, path)
    except OSError as error:
        raise _refused(path, error) from error


@contextmanager
def _temporary(path: Path) -> Iterator[BinaryIO]:
    """Create a file beside `path`, locked while it is written so that no other run removes it as a leftover."""
    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        with temporary.open("xb") as stream:
            if not is_ours(stream, temporary):
                continue  # another process looked for leftovers before the lock was there
            try:
                yield stream
            finally:
                with contextlib.suppress(OSError):
                    temporary.unlink()
        return


def clear_leftovers(folder: Path) -> None:
    """Remove the temporary files that killed runs left in a folder, whatever they were to become."""
    with contextlib.suppress(PermissionError):  # to write into a folder is not to list it
        for name in filter(_TEMPORARY.fullmatch, os.listdir(folder)):
            remove_unless_held(folder / name)


def remove_unless_held(path: Path) -> None:
    """Remove a temporary or partial file, unless a process is writing it: the kernel drops the locks of a dead one."""
    with contextlib.suppress(OSError):
        if not path.is_file():  # a pipe would keep us waiting
            return
        with path.open("rb") as stream:
            if is_ours(stream, path):
                path.unlink()


def write_atomically(path: Path, content: bytes, lasting: bool = True) -> None:
    """Replace `path` by `content`, whole or not at all (see atomic_writer)."""
    with atomic_writer(path, lasting) as stream:
        stream.write(content)


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Replace several files: none of them where the disk has no room for one. The first given is replaced last."""
    with ExitStack() as stack:
        for path, content in contents.items():
            stream = stack.enter_context(atomic_writer(path))
            stream.write(content)
            flush_to_disk(stream)


def flush_to_disk(stream: BinaryIO) -> None:
    """Flush what was written to the disk, so that a refusal comes here and not later."""
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
            if not is_ours(stream, part):  # one renamed away while we waited to open it is another's result
                raise LockHeldError(f"{path} est en cours d'écriture par une autre commande.", "Attendre sa fin.")
            try:
                yield stream
                flush_to_disk(stream)
            except BaseException:
                _drop_if_empty(stream, part)
                raise
            os.replace(part, path)
    except OSError as error:
        raise _refused(path, error) from error


def not_through_a_link(path: str | Path, flags: int) -> int:
    """Open a file but never through a symbolic link, which could lead outside our folders."""
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


def is_ours(opened: BinaryIO | int, path: str | Path) -> bool:
    """Lock an open file or folder; False when another process has it, or `path` has become another one or none."""
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.stat(opened if isinstance(opened, int) else opened.fileno()), os.stat(path))
    except (BlockingIOError, FileNotFoundError):
        return False


def _refused(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"impossible d'écrire {path} : {in_french(error)}.",
        f"Le fichier précédent est intact. {rights_hint(path, error)}",
    )


def rights_hint(path: Path, error: OSError, otherwise: str = "Vérifier les droits et la place disponible.") -> str:
    """Say `otherwise`; where another user owns the file or its folder (a run by root), who, and the command."""
    there = next(one for one in (path, *path.parents) if os.path.lexists(one))
    if not isinstance(error, PermissionError) or there.lstat().st_uid == os.geteuid():
        return otherwise
    try:
        owner = there.owner()
    except KeyError:  # a user of another machine, or of the host of a container
        owner = f"l'utilisateur {there.lstat().st_uid}"
    return f"{there} est à {owner} : sudo chown -R {getpass.getuser()} {shlex.quote(str(path.parent))}"
