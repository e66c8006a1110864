"""Raw texts on their way to a terminal, a log or a page: what would act instead of being read is made visible, or goes.

An escape sequence in a label can rename a terminal's window or hide what stands before it, a line break can forge a
line of the log, a bidi control can turn around what follows.
"""

import logging
import re

CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"

_ACTING = re.compile(f"[{CONTROLS}]")
_ACTING_OR_BREAKING = re.compile(f"[{CONTROLS}\t\n]")


def on_one_line(text: str) -> str:
    """Write every control of the text, line breaks included, as \\x1b or \\u202e."""
    return _ACTING_OR_BREAKING.sub(_written, text)


def printable(text: str) -> str:
    """Write the controls as on_one_line does, but keep line breaks and tabs."""
    return _ACTING.sub(_written, text)


def without_controls(text: str) -> str:
    """Remove every control from the text of a page."""
    return _ACTING_OR_BREAKING.sub("", text) if _ACTING.search(text) else text


def _written(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


class OneLine(logging.Formatter):
    """A message is one line of the log, whatever raw text it quotes; a trace below it has its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return on_one_line(super().formatMessage(record))
