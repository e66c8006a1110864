"""The forms of the publishers' files, as bytes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


def compact_json(value: Any) -> bytes:
    """JSON as the APIs send it: no spaces, accents as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def portal_csv(header: Sequence[str], rows: Iterable[Sequence[object]], line_end: str) -> bytes:
    """Write a CSV as the portal exports it: byte order mark, semicolons, quotes only where needed."""
    text = io.StringIO()
    text.write(BOM)
    writer = csv.writer(text, delimiter=";", lineterminator=line_end)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
