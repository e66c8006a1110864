"""Text that is UTF-8, or else the Windows-1252 of a file that Excel saved. Needs no pandas: workers import it."""

import codecs
from contextlib import suppress
from dataclasses import dataclass

from lib.figures.quality import Quality

UTF8, WINDOWS = "utf-8", "cp1252"
MENDING = "cityflow-windows-1252"  # error handler of a decoder: a byte that is no UTF-8 is one of Windows-1252


@dataclass
class Encoding:
    """The encoding of one file, which its first line that is not ASCII decides; empty until then."""

    name: str = ""

    def text(self, line: bytes) -> str:
        """Decode a line; UnicodeDecodeError where it is neither UTF-8 nor, in a file not known to be, Windows-1252."""
        if line.isascii():
            return line.decode("ascii")
        try:
            text = line.decode(UTF8)
        except UnicodeDecodeError:
            if self.name == UTF8:
                raise
            text = line.decode(WINDOWS)
            self.name = WINDOWS
            return text
        self.name = self.name or UTF8
        return text

    def heading(self, line: bytes) -> str:
        """Decode the first line of a file, without its mark; what is in neither encoding is replaced."""
        line = line.removeprefix(codecs.BOM_UTF8).rstrip(b"\r\n")
        try:
            return self.text(line)
        except UnicodeDecodeError:
            return line.decode(UTF8, "replace")


def is_utf8(data: bytes) -> bool:
    with suppress(UnicodeDecodeError):
        return data.isascii() or bool(data.decode())
    return False


def warn_of_windows(quality: Quality, file: str) -> None:
    text = "Un fichier n'est pas en UTF-8 (enregistré par Excel ?) : il est lu en Windows-1252."
    quality.warn("encodage_windows", "information", text, exemples=[file])


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode(WINDOWS, "replace"), error.end


codecs.register_error(MENDING, _as_windows)
