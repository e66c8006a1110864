"""JSON values as DynamoDB attribute values and back, and what they weigh.

A float is sent as the shortest decimal text that names it, never through binary arithmetic. DynamoDB normalises numbers
('1.0' and '1' are one to it, and -0.0 is 0), holds 38 digits and magnitudes from 1E-130 to 1E+126: what a number cannot
say of itself is said beside it, by NumberNotes, so that the value in the table stays a number for every other reader.

Paths are those of JSON Pointer; in a pattern, `*` stands for every element of a list.
"""

import json
from decimal import ROUND_DOWN, Context, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from lib.errors import StoreError

MAX_DEPTH = 31  # maps and lists inside each other; DynamoDB takes 32 levels, the value itself included
DIGITS = 38
SMALLEST, LARGEST = -130, 125  # exponents of the first digit
_SAFE_FLOATS = (1e-129, 1e125)  # every float between them fits as it is, with at most 17 digits
_SAFE_INTEGER = 10**DIGITS

AttributeValue = dict[str, Any]


class NumberNotes(NamedTuple):
    """What the numbers of one value cannot say of themselves."""

    float_paths: list[str]  # patterns where every number is a float, even one without decimals
    exact_numbers: dict[str, str]  # path -> JSON text of a number that DynamoDB holds only nearly


def to_value(value: Any, depth: int = 0) -> AttributeValue:
    """One JSON value; StoreError for what DynamoDB has no place for (nesting, empty key, foreign type)."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | float():
            return {"N": _nearest(value)}
        case dict() | list() if depth >= MAX_DEPTH:
            raise StoreError(f"imbrication de plus de {MAX_DEPTH} niveaux : DynamoDB la refuse.")
        case dict() if not all(isinstance(key, str) and key for key in value):
            raise StoreError("clé vide, ou qui n'est pas un texte : DynamoDB la refuse.")
        case dict():
            return {"M": {key: to_value(item, depth + 1) for key, item in value.items()}}
        case list():
            return {"L": [to_value(item, depth + 1) for item in value]}
    raise StoreError(f"valeur de type {type(value).__name__} : ce n'est pas du JSON.")


def number_notes(value: Any) -> NumberNotes:
    """The notes that go with to_value(value)."""
    numbers: list[tuple[str, str, float]] = []
    _walk_numbers(value, "", "", numbers)
    integers = {pattern for pattern, _, number in numbers if isinstance(number, int)}
    float_paths: dict[str, None] = {}
    exact = {}
    for pattern, path, number in numbers:
        if not _is_held(number) or (isinstance(number, float) and number.is_integer() and pattern in integers):
            exact[path] = json.dumps(number)
        elif isinstance(number, float) and number.is_integer():
            float_paths[pattern] = None
    return NumberNotes(list(float_paths), exact)


def from_value(value: AttributeValue, notes: NumberNotes) -> Any:
    """The JSON value that to_value was given; StoreError for a type that we never write (a set, a binary)."""
    return _read(value, notes, frozenset(notes.float_paths), "", "")


def value_size(value: AttributeValue) -> int:
    """Bytes of one value by DynamoDB's rules (developer guide, "item sizes and formats").

    The guide gives a number's size as approximate; this is its upper bound: digits are stored in pairs, the decimal
    point may split one, and a sign takes a byte.
    """
    kind, content = next(iter(value.items()))
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            digits = len(content.lower().partition("e")[0].lstrip("-").replace(".", "").strip("0"))
            return digits // 2 + 2 + content.startswith("-") if digits else 1
        case "M":
            return 3 + sum(1 + len(name.encode()) + value_size(item) for name, item in content.items())
        case "L":
            return 3 + sum(1 + value_size(item) for item in content)
        case "NULL" | "BOOL":
            return 1
    raise StoreError(f"type DynamoDB « {kind} » inattendu.")


def _walk_numbers(value: Any, pattern: str, path: str, found: list[tuple[str, str, float]]) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            step = _step(key)
            _walk_numbers(item, pattern + step, path + step, found)
    elif isinstance(value, list):
        for rank, item in enumerate(value):
            _walk_numbers(item, f"{pattern}/*", f"{path}/{rank}", found)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found.append((pattern, path, value))


def _read(value: AttributeValue, notes: NumberNotes, floats: frozenset[str], pattern: str, path: str) -> Any:
    kind, content = next(iter(value.items()))
    match kind:
        case "N":
            return (
                json.loads(notes.exact_numbers[path])
                if path in notes.exact_numbers
                else _number(content, pattern in floats)
            )
        case "S" | "BOOL":
            return content
        case "NULL":
            return None
        case "M":
            steps = ((key, _step(key), item) for key, item in content.items())
            return {key: _read(item, notes, floats, pattern + step, path + step) for key, step, item in steps}
        case "L":
            return [_read(item, notes, floats, f"{pattern}/*", f"{path}/{rank}") for rank, item in enumerate(content)]
    raise StoreError(f"type DynamoDB « {kind} » inattendu.", "Cet élément n'a pas été écrit par CityFlow.")


@lru_cache(maxsize=4096)
def _step(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1").replace("*", "~2")


def _number(text: str, is_float: bool) -> float:
    if is_float:
        return float(text)
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else float(number)


def _is_held(number: float) -> bool:
    """Whether DynamoDB gives back this very number, its sign included."""
    if isinstance(number, float) and (_SAFE_FLOATS[0] < abs(number) < _SAFE_FLOATS[1]):
        return True
    if isinstance(number, int) and -_SAFE_INTEGER < number < _SAFE_INTEGER:
        return True
    decimal = Decimal(repr(number))
    return str(decimal) == "0.0" or (bool(decimal) and Decimal(_nearest(number)) == decimal)


def _nearest(number: float) -> str:
    """The number as DynamoDB text, cut to its 38 digits and to its range."""
    if isinstance(number, int) and -_SAFE_INTEGER < number < _SAFE_INTEGER:
        return str(number)
    if isinstance(number, float) and _SAFE_FLOATS[0] < abs(number) < _SAFE_FLOATS[1]:
        return float.__repr__(number)
    decimal = Context(prec=DIGITS, rounding=ROUND_DOWN).create_decimal(repr(number))
    if not decimal or decimal.adjusted() < SMALLEST:
        return "0"
    if decimal.adjusted() > LARGEST:
        decimal = Decimal("9." + "9" * (DIGITS - 1) + f"E+{LARGEST}").copy_sign(decimal)
    return str(decimal)
