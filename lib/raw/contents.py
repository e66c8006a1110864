"""The bytes of raw files in their plain form (lib/raw/forms), and never more of them than a bound of lib/raw/limits."""

import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lib.common.errors import InputError, TooLargeError, in_french
from lib.raw.forms.kinds import HEAD, PARQUET, kind_of
from lib.raw.forms.parquet import Window
from lib.raw.forms.streams import BLOCK, is_plain, opened
from lib.raw.limits import JSON_BYTES, MEGABYTE


def read_bytes(path: Path, limit: int = JSON_BYTES) -> bytes:
    """Read the file's plain bytes. InputError when it cannot be read or is larger than `limit`."""
    data = first_bytes(path, limit + 1)
    if len(data) > limit:
        raise too_large(path, limit)
    return data


def first_bytes(path: Path, count: int) -> bytes:
    """Read at most so many of the file's plain bytes. InputError when it cannot be read."""
    with readable(path), opened(path) as stream:
        return stream.read(count)


def read_blocks(path: Path, limit: int, overlap: int = 0, window: Window | None = None) -> Iterator[bytes]:
    """Yield the file's plain bytes in pieces of about 1 MB, of which each begins with the last `overlap` bytes of the
    one before. InputError as read_bytes, once `limit` is passed; `window` as in opened."""
    size, tail = 0, b""
    with readable(path), opened(path, window=window) as stream:
        while block := stream.read(BLOCK):
            size += len(block)
            if size > limit:
                raise too_large(path, limit)
            yield tail + block
            tail = (tail + block)[-overlap:] if overlap else b""


def last_line(path: Path) -> bytes:
    """Read what follows the last line end of a text: nothing, where it does not break off. Of a long line, the end."""
    tail = b""
    with readable(path), path.open("rb") as stream:
        if kind_of(stream.read(HEAD)) == PARQUET:  # each of its rows is whole
            return tail
    with readable(path), opened(path) as stream:
        if is_plain(stream):
            stream.seek(max(0, path.stat().st_size - MEGABYTE))
        while block := stream.read(BLOCK):
            *whole, rest = block.rsplit(b"\n", 1)
            tail = rest if whole else (tail + rest)[-MEGABYTE:]
    return tail


def lines_of(blocks: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """Yield the lines of a text in pieces, without their ends.

    Of a line of more than `longest` bytes only the beginning is given, still too long to be one.
    """
    rest = b""
    for block in blocks:
        lines = (rest + block).split(b"\n") if len(rest) <= longest else _after_cut(rest, block)
        rest = lines.pop()
        yield from (line.removesuffix(b"\r") for line in lines)
    if rest:
        yield rest


def _after_cut(begun: bytes, block: bytes) -> list[bytes]:
    """Split a block of which the first line belongs to one already too long."""
    _, newline, after = block.partition(b"\n")
    return [begun, *after.split(b"\n")] if newline else [begun]


def too_large(path: Path, limit: int, what: str = "") -> TooLargeError:
    """Build the error of a file that passes a limit (lib/raw/limits): of bytes, or of `what`."""
    passed = f"{limit} {what}" if what else f"{limit // MEGABYTE} Mo (décompressé)"
    return TooLargeError(
        f"{path} dépasse {passed}, bien plus qu'un fichier réel : il n'est pas lu.",
        "Le récupérer à nouveau, ou le retirer.",
    )


def unreadable(path: Path, error: Exception) -> InputError:
    """Build the error of a file that cannot be read, with the way out that its cause calls for."""
    way_out = "Le récupérer à nouveau."
    if isinstance(error, PermissionError):
        way_out = "Corriger ses droits, ou ceux de son dossier."
    elif path.is_symlink() or isinstance(error, IsADirectoryError):
        way_out = "C'est un lien qui ne mène à aucun fichier : remettre ce qu'il désigne, ou l'enlever."
    return InputError(f"{path} est illisible ({in_french(error)}).", way_out)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what a file refuses while the block reads it into an InputError."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from error
