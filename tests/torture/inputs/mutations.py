"""Ways to spoil the bytes of a raw file: what disks, proxies, publishers and strangers do to it."""

import gzip
import json
import random
from collections.abc import Callable
from typing import Any

HOSTILE_TEXTS = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(A1)",
    "<script>alert(1)</script>",
    "../../../../etc/passwd",
    "\x00",
    "\ud800",
    "\u202eevil",
    "é" * 5000,
    "NaN",
    "-Infinity",
    "1e999",
    "2025-13-45T99:99:99",
    "0001-01-01T00:00:00",
    "9999-12-31T23:59:59+14:00",
    '"',
    ";",
    "\r\n",
    "",
)
HOSTILE_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**400,
    1e308,
    -0.0,
    [],
    {},
    [[]],
    {"a": {"b": None}},
    "x",
    *HOSTILE_TEXTS,
)
HOSTILE_BYTES = (
    b"\x00" * 64,
    b"\xff\xfe",
    b"\xc3\x28",
    b'"',
    b'""',
    b";",
    b"\n",
    b"\r",
    b",",
    b"{",
    b"]",
    b"NaN",
    b"-1",
    b"1e999",
    b"9" * 400,
    b"null",
    b"=1+1",
    b"<html>",
    b"[" * 3000,
)

Mutation = Callable[[bytes, random.Random], bytes]


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def cut_start(data: bytes, chance: random.Random) -> bytes:
    return data[chance.randrange(len(data)) :]


def remove_piece(data: bytes, chance: random.Random) -> bytes:
    first = chance.randrange(len(data))
    return data[:first] + data[first + chance.randrange(1, 200) :]


def repeat_piece(data: bytes, chance: random.Random) -> bytes:
    first = chance.randrange(len(data))
    last = first + chance.randrange(1, 400)
    return data[:last] + data[first:last] * chance.randrange(1, 4) + data[last:]


def swap_pieces(data: bytes, chance: random.Random) -> bytes:
    a, b, c = sorted(chance.randrange(len(data)) for _ in range(3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def flip_bytes(data: bytes, chance: random.Random) -> bytes:
    spoilt = bytearray(data)
    for _ in range(chance.randrange(1, 12)):
        spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
    return bytes(spoilt)


def insert_bytes(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(HOSTILE_BYTES) + data[at:]


def replace_number(data: bytes, chance: random.Random) -> bytes:
    places = [index for index, byte in enumerate(data) if 48 <= byte <= 57]
    if not places:
        return insert_bytes(data, chance)
    at = chance.choice(places)
    return data[:at] + chance.choice((b"-", b"NaN", b"9" * 30, b"1e400", b"", b"'", b"0x1F", b"1,5")) + data[at + 1 :]


def swap_lines(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\n")
    chance.shuffle(lines)
    return b"\n".join(lines)


def join_lines(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    return b"\n".join(lines[:at]) + b"".join(lines[at:])


def other_encoding(data: bytes, chance: random.Random) -> bytes:
    text = data.decode("utf-8", errors="replace")
    return text.encode(chance.choice(("latin-1", "utf-16", "utf-32", "cp437", "utf-7")), errors="replace")


def other_content(_: bytes, chance: random.Random) -> bytes:
    pages = (
        b"",
        b"\n\n\n",
        b"\xef\xbb\xbf",
        b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
        b'{"error_code": "ODSQLError", "message": "nope"}',
        b"[]",
        b"{}",
        b"null",
        b"3",
        b'"text"',
        b"[" * 100_000,
        b'{"results":' * 5_000,
        bytes(range(256)) * 20,
        b"a;b;c\n1;2;3\n",
        gzip.compress(b"[]", mtime=0),
    )
    return chance.choice(pages)


def json_node(data: bytes, chance: random.Random) -> bytes:
    """One value somewhere in the JSON replaced by a hostile one; bytes that are no JSON get bytes inserted."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return insert_bytes(data, chance)
    node, key = document, None
    while isinstance(node, dict | list) and node:
        parent, key = node, chance.choice(list(node)) if isinstance(node, dict) else chance.randrange(len(node))
        node = parent[key]
        if chance.random() < 0.25:
            break
    if key is None:
        return insert_bytes(data, chance)
    if isinstance(parent, dict) and chance.random() < 0.2:
        del parent[key]
    else:
        parent[key] = chance.choice(HOSTILE_VALUES)
    return json.dumps(document, ensure_ascii=chance.random() < 0.5).encode("utf-8", errors="surrogatepass")


def csv_field(data: bytes, chance: random.Random) -> bytes:
    """One field of one line replaced by a hostile text."""
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    fields = lines[at].split(b";")
    fields[chance.randrange(len(fields))] = chance.choice(HOSTILE_TEXTS).encode("utf-8", errors="surrogatepass")
    lines[at] = b";".join(fields)
    return b"\n".join(lines)


MUTATIONS: tuple[Mutation, ...] = (
    cut,
    cut_start,
    remove_piece,
    repeat_piece,
    swap_pieces,
    flip_bytes,
    insert_bytes,
    replace_number,
    swap_lines,
    join_lines,
    other_encoding,
    other_content,
    json_node,
    json_node,
    csv_field,
)


def mutated(data: bytes, chance: random.Random) -> tuple[str, bytes]:
    """(what was done, the spoilt bytes): one mutation, sometimes two."""
    names = []
    for _ in range(chance.choice((1, 1, 1, 2))):
        mutation = chance.choice(MUTATIONS)
        names.append(mutation.__name__)
        data = mutation(data, chance) if data else mutation(b" ", chance)
    return "+".join(names), data
