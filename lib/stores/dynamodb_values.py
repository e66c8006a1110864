"""JSON values as DynamoDB attribute values and back, and what they weigh.

A float is sent as the shortest decimal text that names it, never through binary arithmetic. DynamoDB holds 38 digits
and magnitudes from 1E-130 to 1E+126, and normalises what it holds ('1.0' and '1' are one to it, -0.0 is 0). A number
beyond is written as the nearest one that it holds.
"""

from decimal import ROUND_DOWN, Context, Decimal
from functools import lru_cache
from typing import Any

from lib.common.errors import StoreError

MAX_DEPTH = 31  # maps and lists inside each other; DynamoDB takes 32 levels, the value itself included
DIGITS = 38
SMALLEST, LARGEST = -130, 125  # exponents of the first digit

AttributeValue = dict[str, Any]


def to_value(value: Any, depth: int = 0) -> AttributeValue:
    """Convert a JSON value; StoreError for what DynamoDB has no place for (nesting, a type foreign to JSON)."""
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
        case dict():
            return {"M": {_to_key(key): to_value(item, depth + 1) for key, item in value.items()}}
        case list():
            return {"L": [to_value(item, depth + 1) for item in value]}
    raise StoreError(f"valeur de type {type(value).__name__} : ce n'est pas du JSON.")


def from_value(value: AttributeValue) -> Any:
    """Convert back to a JSON value: keys sorted, a number without decimals as an int.

    StoreError for a type that we never write (set, binary).
    """
    kind, content = next(iter(value.items()))
    match kind:
        case "N":
            number = Decimal(content)
            return int(number) if number == number.to_integral_value() else float(number)
        case "S" | "BOOL":
            return content
        case "NULL":
            return None
        case "M":
            return dict(sorted((_from_key(key), from_value(item)) for key, item in content.items()))
        case "L":
            return [from_value(item) for item in content]
    raise _foreign(kind)


def value_size(value: AttributeValue) -> int:
    """Count the bytes of one value by DynamoDB's rules (developer guide, "item sizes and formats").

    The guide gives a number's size as approximate; this is its upper bound: digits are stored in pairs, the decimal
    point may split one, and a sign takes a byte.
    """
    kind, content = next(iter(value.items()))
    match kind:
        case "S":
            return _bytes(content)
        case "N":
            return _number_size(content)
        case "M":
            return 3 + len(content) + sum([_bytes(name) + value_size(item) for name, item in content.items()])
        case "L":
            return 3 + len(content) + sum(map(value_size, content))
        case "NULL" | "BOOL":
            return 1
        case "B":
            return len(content)
    raise _foreign(kind)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


@lru_cache(maxsize=2**16)
def _number_size(text: str) -> int:
    digits = len(text.lower().partition("e")[0].lstrip("-").replace(".", "").strip("0"))
    return digits // 2 + 2 + text.startswith("-") if digits else 1


def _nearest(number: float) -> str:
    """Write a number as DynamoDB text, cut to its digits and to its range."""
    text = _exact_text(number)
    if _is_plain(number):
        return text
    decimal = Context(prec=DIGITS, rounding=ROUND_DOWN).create_decimal(text)
    if not decimal or decimal.adjusted() < SMALLEST:
        return "0"
    if decimal.adjusted() > LARGEST:
        decimal = Decimal("9." + "9" * (DIGITS - 1) + f"E+{LARGEST}").copy_sign(decimal)
    return str(decimal)


def _is_plain(number: float) -> bool:
    """Tell whether a number is well within DynamoDB's digits and range, as all but a handful are."""
    if isinstance(number, int):
        return -(10**DIGITS) < number < 10**DIGITS
    return 1e-129 < abs(number) < 1e125


def _exact_text(number: float) -> str:
    return int.__repr__(number) if isinstance(number, int) else float.__repr__(number)  # numpy's repr has words


def _to_key(key: Any) -> str:
    """Write an empty name, which DynamoDB refuses, as "%"; a name made of "%" alone gets one more."""
    if not isinstance(key, str):
        raise StoreError(f"la clé {key!r} n'est pas un texte : ce n'est pas du JSON.")
    return key if key.strip("%") else key + "%"


def _from_key(key: str) -> str:
    return key if key.strip("%") else key[:-1]


def _foreign(kind: str) -> StoreError:
    return StoreError(f"type DynamoDB « {kind} » inattendu.", "Cet élément n'a pas été écrit par CityFlow.")
