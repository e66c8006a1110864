"""JSON as documents are written and read: exact numbers, no NaN. orjson does what it can do exactly, Python the rest.

orjson is an import of the functions, not of the module, so that doctor runs where no package is.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

DIGITS = bytes(ord("0") if chr(code) in "0123456789" else ord(" ") for code in range(256))  # a table for translate()
LONG_NUMBER = b"0" * 19  # digits from which an integer may be beyond 64 bits

# Floats below 1e-4 may be in the text: Python writes 5e-05, orjson 0.00005, and of a document there is one digest.
_TINY = b"0.0000"
_TINIER = re.compile(rb"e-[0-9]")
_TOGETHER = 100  # records joined at a time: thousands of short texts lie all over the memory


class Plain(list[Any]):
    """A list that holds nothing but values as they are stored: no NaN, no infinity, nothing of pandas or numpy."""


class PlainMap(dict[str, Any]):
    """The same of a map."""


_HARMLESS = frozenset({str, int, bool, type(None), Plain, PlainMap})


def read_json(content: bytes, errors: str = "strict") -> Any:
    """Read a JSON text in UTF-8; ValueError or RecursionError where it is none. `errors` is as of bytes.decode."""
    import orjson

    # It says its errors in words of its own, knows no NaN, and makes floats of integers beyond 64 bits.
    with suppress(ValueError):
        found = orjson.loads(content)
        if LONG_NUMBER not in content.translate(DIGITS):
            return found
    return json.loads(content.decode("utf-8-sig", errors))


def readable_text(value: Any) -> bytes:
    """Write a value as UTF-8 JSON for people too; ValueError or TypeError for what JSON has no form for.

    Objects are indented by 2; a list that is no list of lists or of objects is one line, and so is a record of a list.
    """
    _refuse_nan(value)
    return b"".join([*_pieces(value, b"\n"), b"\n"])


def canonical_text(value: Any) -> bytes:
    """Write the JSON that digests are of: no spaces, keys sorted, numbers as Python spells them; raises as above."""
    _refuse_nan(value)
    text = json_text(value, sort_keys=True)
    return _spelled_by_python(value, sort_keys=True) if _TINY in text or _TINIER.search(text) else text


def _pieces(value: Any, margin: bytes) -> Iterator[bytes]:
    """Lay out a value whose lines begin with `margin`, a line feed and spaces."""
    inner = margin + b"  "
    if isinstance(value, dict) and value:
        before = b"{"
        for key, item in value.items():
            yield b"%b%b%b: " % (before, inner, json_text(str(key)))
            yield from _pieces(item, inner)
            before = b","
        yield margin + b"}"
    elif isinstance(value, list | tuple) and any(isinstance(item, dict | list | tuple) for item in value):
        before = b"["
        for start in range(0, len(value), _TOGETHER):
            yield before + inner
            yield (b"," + inner).join(map(json_text, value[start : start + _TOGETHER]))
            before = b","
        yield margin + b"]"
    else:
        yield json_text(value)


def json_text(value: Any, sort_keys: bool = False) -> bytes:
    """Write a value as JSON on one line, a NaN as null; ValueError or TypeError for what JSON has no form for."""
    import orjson

    options = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
    try:
        return orjson.dumps(value, option=options | orjson.OPT_SORT_KEYS if sort_keys else options)
    except TypeError:  # an integer beyond 64 bits, or a key that is no text; of anything else Python says what is wrong
        return _spelled_by_python(value, sort_keys)


def _spelled_by_python(value: Any, sort_keys: bool) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=sort_keys, separators=(",", ":"))
    return text.encode()


def _refuse_nan(value: Any) -> None:
    """Raise ValueError at a NaN or an infinity, of which orjson would make null; a Plain value holds none."""
    rest: list[Iterable[Any]] = [[value]]
    while rest:
        for one in rest.pop():
            kind = type(one)
            if kind is float:
                if not math.isfinite(one):
                    raise ValueError(f"valeur {one}")
            elif kind in _HARMLESS:
                continue
            elif isinstance(one, dict):
                rest.append(one.values())
            elif isinstance(one, list | tuple):
                rest.append(one)
