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
    if isinstance(value, str):  # a document has tens of thousands of values: the commonest types come first
        return {"S": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, (int, float)):
        return {"N": _nearest(value)}
    if not isinstance(value, (dict, list)):
        raise StoreError(f"valeur de type {type(value).__name__} : ce n'est pas du JSON.")
    if depth >= MAX_DEPTH:
        raise StoreError(f"imbrication de plus de {MAX_DEPTH} niveaux : DynamoDB la refuse.")
    if isinstance(value, dict):
        return {"M": {_to_key(key): to_value(item, depth + 1) for key, item in value.items()}}
    return {"L": [to_value(item, depth + 1) for item in value]}


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
    size, texts, rest = 0, list[str](), [value]
    while rest:
        ((kind, content),) = rest.pop().items()
        if kind == "S":
            texts.append(content)
        elif kind == "N":
            size += _number_size(content)
        elif kind == "M":
            size += 3 + len(content)
            texts.extend(content)
            rest.extend(content.values())
        elif kind == "L":
            size += 3 + len(content)
            rest.extend(content)
        elif kind in ("NULL", "BOOL"):
            size += 1
        elif kind == "B":
            size += len(content)
        else:
            raise _foreign(kind)
    return size + len("".join(texts).encode())


@lru_cache(maxsize=2**16)
def _number_size(text: str) -> int:
    digits = len(text.lower().partition("e")[0].lstrip("-").replace(".", "").strip("0"))
    return digits // 2 + 2 + text.startswith("-") if digits else 1


def _nearest(number: float) -> str:
    """Write a number as DynamoDB text, cut to its digits and to its range."""
    if isinstance(number, int):
        text, plain = int.__repr__(number), -(10**DIGITS) < number < 10**DIGITS
    else:
        text, plain = float.__repr__(number), 1e-129 < abs(number) < 1e125  # numpy's own repr has words
    if plain:  # well within DynamoDB's digits and range, as all but a handful are
        return text
    decimal = Context(prec=DIGITS, rounding=ROUND_DOWN).create_decimal(text)
    if not decimal or decimal.adjusted() < SMALLEST:
        return "0"
    if decimal.adjusted() > LARGEST:
        decimal = Decimal("9." + "9" * (DIGITS - 1) + f"E+{LARGEST}").copy_sign(decimal)
    return str(decimal)


def _to_key(key: Any) -> str:
    """Write an empty name, which DynamoDB refuses, as "%"; a name made of "%" alone gets one more."""
    if not isinstance(key, str):
        raise StoreError(f"la clé {key!r} n'est pas un texte : ce n'est pas du JSON.")
    return key if key.strip("%") else key + "%"


def _from_key(key: str) -> str:
    return key if key.strip("%") else key[:-1]


def _foreign(kind: str) -> StoreError:
    return StoreError(f"type DynamoDB « {kind} » inattendu.", "Cet élément n'a pas été écrit par CityFlow.")
