"""The bytes of raw files, unzipped where they end in .gz, and never more of them than a bound of lib/raw/limits."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from lib.common.errors import InputError, TooLargeError
from lib.raw.limits import JSON_BYTES, MEGABYTE

BLOCK = 1 << 20  # bytes read at once
MOST_ZIPPED = 1_032  # bytes that one byte of deflate can stand for


def read_bytes(path: Path, limit: int = JSON_BYTES) -> bytes:
    """The file's bytes, unzipped when it ends in .gz. InputError when it cannot be read or is larger than `limit`."""
    check_size(path, limit)
    with readable(path):
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data


def check_size(path: Path, limit: int) -> None:
    """InputError when the file has more than `limit` bytes, unzipped; a gzipped one is unzipped to know it."""
    with readable(path):
        size = path.stat().st_size
        if path.suffix == ".gz" and size <= limit < size * MOST_ZIPPED:
            with opened(path) as stream:
                size = sum(len(block) for block in _blocks_up_to(stream, limit))
    if size > limit:
        raise too_large(path, limit)


def _blocks_up_to(stream: BinaryIO, limit: int) -> Iterator[bytes]:
    """The blocks of a stream, one more than are needed to pass the limit."""
    size = 0
    while size <= limit and (block := stream.read(BLOCK)):
        size += len(block)
        yield block


def read_blocks(path: Path, limit: int, overlap: int = 0) -> Iterator[bytes]:
    """The file's bytes, unzipped when it ends in .gz, in pieces of about 1 MB of which each begins with the last
    `overlap` bytes of the one before. InputError as read_bytes, once `limit` is passed."""
    size, tail = 0, b""
    with readable(path), opened(path) as stream:
        while block := stream.read(BLOCK):
            size += len(block)
            if size > limit:
                raise too_large(path, limit)
            yield tail + block
            tail = block[-overlap:] if overlap else b""


def read_lines(path: Path, limit: int, longest: int) -> Iterator[bytes]:
    """The file's lines (see lines_of), unzipped when it ends in .gz. InputError as read_blocks."""
    return lines_of(read_blocks(path, limit), longest)


def lines_of(blocks: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """The lines of a text in pieces, without their ends.

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
    """The lines of a block of which the first belongs to one already too long."""
    _, newline, after = block.partition(b"\n")
    return [begun, *after.split(b"\n")] if newline else [begun]


def opened(path: Path, buffering: int = -1) -> BinaryIO:
    """The file's bytes, unzipped when it ends in .gz."""
    if path.suffix != ".gz":
        return path.open("rb", buffering=buffering)
    return cast(BinaryIO, gzip.GzipFile(fileobj=path.open("rb")))


def too_large(path: Path, limit: int, what: str = "") -> TooLargeError:
    """The error of a file that passes a limit (lib/raw/limits): of bytes, or of `what`."""
    passed = f"{limit} {what}" if what else f"{limit // MEGABYTE} Mo (décompressé)"
    return TooLargeError(
        f"{path} dépasse {passed}, bien plus qu'un fichier réel : il n'est pas lu.",
        "Le récupérer à nouveau, ou le retirer.",
    )


def unreadable(path: Path, error: Exception) -> InputError:
    """The error of a file that cannot be read, with the way out that its cause calls for."""
    why = (isinstance(error, OSError) and error.strerror) or str(error)
    way_out = "Le récupérer à nouveau."
    if isinstance(error, PermissionError):
        way_out = "Corriger ses droits, ou ceux de son dossier."
    elif path.is_symlink() or isinstance(error, IsADirectoryError):
        way_out = "C'est un lien qui ne mène à aucun fichier : remettre ce qu'il désigne, ou l'enlever."
    return InputError(f"{path} est illisible ({why}).", way_out)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from error
