"""What every answer of a publisher is asked before it replaces anything: looked at in the partial file.

A page of HTML, an error object, an empty export and a body cut short all come with « 200 OK » in the field.
"""

import csv
import json
from pathlib import Path
from typing import Any

from lib.common.errors import InputError, NoDataError
from lib.common.text import counted
from lib.raw.csv_dialect import Aliases, canonical, detect_delimiter, split_row
from lib.raw.envelopes import announced, records, refusal
from scripts.sources.publishers import Address

HEAD, TAIL = 64 * 1024, 1024 * 1024  # bytes of a CSV that are looked at
TAIL_LINES = 200  # longest run of lines that one quoted text may span
SHOWN = 200  # characters of an unexpected body

AGAIN = "Relancer make fetch plus tard ; si cela dure, voir ce que l'éditeur annonce sur son site."


def json_body(address: Address, path: Path) -> Any:
    """Read the JSON body of an answer; InputError for all else: a page, an error of the publisher's, a cut body."""
    _head(address, path)
    body = _json(address, path)
    if problem := refusal(body):
        raise unexpected(address, f"un message d'erreur est arrivé : {problem}")
    total = announced(body)
    if total is not None and total > (held := sum(1 for _ in records(body))):
        raise unexpected(address, f"{counted(total, 'enregistrement annoncé')}, {counted(held, 'reçu')}")
    return body


def check_csv(address: Address, path: Path, aliases: Aliases, required: tuple[str, ...]) -> list[dict[str, str]]:
    """Read the first rows of a CSV, by the columns' own names. InputError when it is not the one expected, or is cut;
    NoDataError when it holds no row."""
    head = _head(address, path)
    lines = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").splitlines()
    if not lines:
        raise nothing(address)
    if lines[0].lstrip()[:1] == "{":
        raise unexpected(address, "un message d'erreur est arrivé", head)
    delimiter = detect_delimiter(lines[0])
    header = [canonical(name, aliases) for name in split_row(lines[0], delimiter)]
    missing = [name for name in required if name not in header]
    if missing:
        raise unexpected(address, f"pas de colonne « {aliases[missing[0]][0]} »", head)
    if len(lines) < 2:
        raise nothing(address)
    if not _last_row_is_whole(path, delimiter, len(header)):
        raise unexpected(address, "le CSV est coupé au milieu d'une ligne")
    rows = csv.reader(lines[1:-1] or lines[1:], delimiter=delimiter)
    return [dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)]


def _head(address: Address, path: Path) -> bytes:
    """Read the beginning of an answer that is no page."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        raise unexpected(address, "une page HTML ou XML est arrivée", head)
    return head


def _last_row_is_whole(path: Path, delimiter: str, width: int) -> bool:
    """Whether the file ends with a row of as many fields as the header and the end of its line.

    The row is the shortest run of last lines that reads as one. Publishers end each line, the last one as well: without
    that, the last field may be cut.
    """
    with path.open("rb") as stream:
        stream.seek(max(path.stat().st_size - TAIL, 0))
        text = stream.read().decode("utf-8", "replace")
    if not text.endswith(("\n", "\r")):
        return False
    lines = text.rstrip("\r\n").split("\n")
    for size in range(1, min(TAIL_LINES, len(lines)) + 1):
        text = "\n".join(lines[-size:]).rstrip("\r")
        if text.count('"') % 2 == 0 and len(split_row(text, delimiter, strict=size > 1)) == width:
            return True
    return False


def _json(address: Address, path: Path) -> Any:
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        data = path.read_bytes()
        if not data.strip():
            raise unexpected(address, "la réponse est vide") from None
        what = "le JSON est coupé" if data.lstrip()[:1] in (b"{", b"[") else "ce n'est pas du JSON"
        raise unexpected(address, f"{what} ({error})", data) from None


def unexpected(address: Address, what: str, body: bytes = b"") -> InputError:
    shown = " ".join(body[: 4 * SHOWN].decode("utf-8", "replace").split())[:SHOWN]
    for secret in address.secrets:
        what, shown = what.replace(secret, "***"), shown.replace(secret, "***")
    about = f"{address.source} du {address.day}" if address.day else address.source
    return InputError(
        f"{about}, {address.name} : {what}{f' : « {shown} »' if shown else ''}. Rien n'est remplacé.", AGAIN
    )


def nothing(address: Address) -> NoDataError:
    if address.day is None:
        return NoDataError(f"{address.source} : {address.name} a répondu par un export vide.", AGAIN)
    return NoDataError(
        f"{address.source} : {address.name} a répondu par un export vide pour le {address.day}.",
        "Les comptages sortent un à deux jours après, et restent treize mois : demander un autre jour, ou plus tard.",
    )
