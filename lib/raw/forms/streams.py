"""Any form of a raw file as a stream of plain bytes: unzipped, UTF-8 where it was UTF-16, lines that end in LF.

Only the first bytes of a plain text are looked at; it is then read as it lies, at full speed.
"""

import codecs
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast

from lib.common.errors import InputError
from lib.common.text import counted
from lib.raw.forms.kinds import EMPTY, GZIP, HEAD, OLD_MAC, PARQUET, TEXT, UTF16, ZIP, kind_of, shown
from lib.raw.forms.parquet import Window, csv_pieces

BLOCK = 1 << 20  # bytes read at once
LINE_END = b"\n"
MEMBERS_SHOWN = 3  # of an archive

_NOT_DATA = ("__MACOSX/", ".")  # how the names begin that a Mac adds to an archive


class _Pieces(io.RawIOBase):
    """Bytes that come in pieces, as a stream that can be read and sought forward."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces, self.rest, self.at = pieces, memoryview(b""), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or offset < self.at:
            raise io.UnsupportedOperation("en avant seulement")
        while self.at < offset and self.readinto(bytearray(min(BLOCK, offset - self.at))):
            continue
        return self.at

    def readinto(self, buffer: Any) -> int:
        while not self.rest:
            piece = next(self.pieces, None)
            if piece is None:
                return 0
            self.rest = memoryview(piece)
        count = min(len(buffer), len(self.rest))
        buffer[:count] = self.rest[:count]
        self.rest, self.at = self.rest[count:], self.at + count
        return count


class _Converted(io.BufferedReader):
    """The stream of a file whose bytes are not as they lie."""


def opened(path: Path, buffering: int = -1, window: Window | None = None) -> BinaryIO:
    """Open a raw file as plain bytes, whatever form it has; InputError where it has none that can be read.

    Of a Parquet the rows outside `window` are blank lines; where the bytes are text, it narrows nothing.
    """
    stream: BinaryIO = path.open("rb", buffering=buffering)
    for _ in range(4):  # as many as are met at once: an archive of a gzipped UTF-16 text with old line ends
        head = stream.read(HEAD)
        kind = kind_of(head)
        if is_plain(stream):
            stream.seek(0)
        else:
            stream = _converted(chain([head], _blocks(stream)))
        if kind == TEXT:
            return stream
        stream = _unwrapped(path, stream, kind, window)
    raise _refused(path, "une archive dans une archive")


def is_plain(stream: BinaryIO) -> bool:
    """Tell whether a stream that was opened gives the file's bytes as they lie."""
    return not isinstance(stream, gzip.GzipFile | zipfile.ZipExtFile | _Converted)


def member_name(path: Path) -> str:
    """Find the name of the one file of a zip archive; empty where that cannot be told."""
    try:
        with path.open("rb") as stream, zipfile.ZipFile(stream) as archive:
            return _members(archive)[0]
    except (OSError, zipfile.BadZipFile, IndexError):
        return ""


def what_it_is(path: Path) -> str:
    """Say what a file that nobody reads looks like, for people."""
    try:
        with opened(path) as stream:
            head = stream.read(HEAD)
    except InputError as error:
        return error.message.removeprefix(f"{path} ").rstrip(".")
    except (OSError, EOFError, zlib.error) as error:
        return f"illisible : {error}"
    return f"nom inconnu, texte qui commence par {shown(head.partition(LINE_END)[0])}"


def _unwrapped(path: Path, stream: BinaryIO, kind: str, window: Window | None) -> BinaryIO:
    if kind == GZIP:
        return cast(BinaryIO, gzip.GzipFile(fileobj=stream))
    if kind in (ZIP, PARQUET) and not is_plain(stream):
        raise _refused(path, "une archive dans une archive")
    if kind == ZIP:
        return _only_member(path, stream)
    if kind == PARQUET:
        stream.close()
        return _converted(csv_pieces(path, window))
    if kind in UTF16:
        return _converted(_recoded(stream, kind))
    if kind == OLD_MAC:
        return _converted(block.replace(b"\r", b"\n") for block in _blocks(stream))
    if kind == EMPTY:
        raise InputError(f"{path} est vide.", "Le récupérer à nouveau.", "fichier_vide")
    raise _refused(path, kind)


def _only_member(path: Path, stream: BinaryIO) -> BinaryIO:
    try:
        archive = zipfile.ZipFile(stream)
        names = _members(archive)
        if any(name.startswith(("xl/", "word/")) for name in names):
            raise _refused(path, "un classeur Excel (.xlsx) ou un autre document Office", "L'enregistrer en CSV UTF-8.")
        if len(names) != 1:
            some = ", ".join(names[:MEMBERS_SHOWN]) + ("…" if len(names) > MEMBERS_SHOWN else "")
            raise _refused(
                path, f"une archive zip de {counted(len(names), 'fichier')} ({some})", "Les extraire à côté."
            )
        return cast(BinaryIO, archive.open(names[0]))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:  # cut; a rare method; a password
        raise InputError(f"{path} est une archive zip illisible ({error}).", "Le récupérer à nouveau.") from error


def _members(archive: zipfile.ZipFile) -> list[str]:
    names = [one.filename for one in archive.infolist() if not one.is_dir()]
    return [name for name in names if not name.startswith(_NOT_DATA)]


def _refused(path: Path, what: str, way_out: str = "Le récupérer à nouveau, en CSV ou en JSON.") -> InputError:
    return InputError(f"{path} est illisible : c'est {what}.", way_out)


def _converted(pieces: Iterator[bytes]) -> BinaryIO:
    return cast(BinaryIO, _Converted(_Pieces(pieces), BLOCK))


def _recoded(stream: BinaryIO, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for block in _blocks(stream):
        yield decoder.decode(block).removeprefix("\ufeff").encode()
    yield decoder.decode(b"", True).encode()


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block
