"""Text that UTF-8, a terminal, a log or a page cannot take as it is: raw labels, and names of files.

An escape sequence in a label can rename a terminal's window or hide what stands before it, a line break can forge a
line of the log, a bidi control can turn around what follows: they are made visible, or removed. The bytes of a file
name that Python cannot read (an accent where the language is C and PYTHONUTF8=0, a name in Latin-1) are kept as halves
of surrogate pairs, which no file of ours can hold.
"""

import os
import re
import sys
import textwrap

CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"

_ACTING = re.compile(f"[{CONTROLS}]")
_TIED = re.compile(r" (?=[:;?!»])|(?<=«) ")
_ACTING_OR_BREAKING = re.compile(f"[{CONTROLS}\t\n]")


def on_one_line(text: str) -> str:
    """Write every control of the text, line breaks included, as \\x1b or \\u202e."""
    return _ACTING_OR_BREAKING.sub(_written, text)


def printable(text: str) -> str:
    """Write the controls as on_one_line does, but keep line breaks and tabs."""
    return _ACTING.sub(_written, text)


def without_controls(text: str) -> str:
    """Remove every control from the text of a page."""
    return text if text.isprintable() or not _ACTING.search(text) else _ACTING_OR_BREAKING.sub("", text)


def _written(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def agreed(count: float, singular: str, plural: str = "") -> str:
    """Choose the words for so many things; French has the singular below two. By default each word takes an s."""
    return singular if abs(count) < 2 else plural or " ".join(f"{word}s" for word in singular.split())


def counted(count: int, singular: str, plural: str = "") -> str:
    """Write « 1 jour récent », « 2 jours récents »."""
    return f"{count} {agreed(count, singular, plural)}"


def grouped(number: float) -> str:
    """Write a whole number by thousands, as French readers do: « 1 254 »."""
    return f"{number:,.0f}".replace(",", "\u202f")


def in_columns(head: str, text: str, width: int) -> str:
    """Write `head` and `text` on lines of `width` columns, the next ones indented.

    A path is never broken, and no line begins with a colon.
    """
    text = _TIED.sub("\xa0", text)
    rows = textwrap.wrap(
        text, width, initial_indent=head, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(rows).replace("\xa0", " ") or head.rstrip()


def draws_bars() -> bool:
    """Tell whether the standard error is a terminal with columns, the only place for a progress bar."""
    try:
        return sys.stderr.isatty() and os.get_terminal_size(sys.stderr.fileno()).columns > 0
    except (OSError, ValueError):
        return False


def spelled(text: str) -> str:
    """Decode as UTF-8 the bytes that Python could not read in the machine's encoding, as far as they are UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text  # half of a pair that came from elsewhere: no name of the system


def storable(text: str) -> str:
    """Make a text that UTF-8 can hold: « ? » stands for what is still no character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return spelled(text).encode(errors="replace").decode()
    return text
