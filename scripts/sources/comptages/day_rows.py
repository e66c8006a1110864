"""The lines of a road-count export as rows of one civil day, and those that are rejected.

A row that is whole and about another day is no part of the account; one that is not whole belongs to the day of any
label it holds.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time

import numpy as np

from lib.common.paris_time import parse_road_label, road_label_hours
from lib.figures.quality import CONTENT_KEPT
from lib.raw.forms.encoding import UTF8, WINDOWS, Encoding
from lib.raw.limits import DAY_ROWS
from scripts.sources.comptages.day_files import Batch, Ints, TooManyRowsError
from scripts.sources.comptages.export import COLUMNS
from scripts.sources.comptages.row_fields import ReadOnce, Texts, splitter_for

_STAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{5,8}(?:Z|[+-][0-9]{2}:?[0-9]{2})?|[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9:]{5,8}"
)
LABEL = list(COLUMNS).index("t_1h")


@dataclass
class DayRows:
    """Rows by their offsets and the texts of COLUMNS, rejected lines as (offset, reason, text), both in file order."""

    offsets: Ints
    columns: list[Texts]
    rejects: list[tuple[int, str, str]]
    windows: bool = False  # whether a line was read in Windows-1252

    @classmethod
    def joined(cls, pieces: Iterable["DayRows"]) -> "DayRows":
        """Put pieces in their order; TooManyRowsError when they are more than a day has: they would fill the memory."""
        kept, count = [cls(np.empty(0, np.int64), [np.empty(0, object)] * len(COLUMNS), [])], 0
        for piece in pieces:
            kept.append(piece)
            count += len(piece.offsets) + len(piece.rejects)
            if count > DAY_ROWS:
                raise TooManyRowsError
        return cls(
            np.concatenate([piece.offsets for piece in kept]),
            [np.concatenate(column) for column in zip(*(piece.columns for piece in kept), strict=True)],
            [reject for piece in kept for reject in piece.rejects],
            any(piece.windows for piece in kept),
        )


def day_rows(batches: Iterable[Batch], day: date, header: list[str], delimiter: str, known: str = UTF8) -> DayRows:
    """Return the rows whose label closes an hour of the day, names an hour that no clock showed, or cannot be read.

    `known`: the encoding that the export's head showed, empty where it showed none.
    """
    labels = road_label_hours(day)
    concerns = ReadOnce[str | None, bool](lambda label: _concerns(label, labels, day))
    encoding = Encoding(known)
    split = splitter_for(header, delimiter, encoding)

    def of_day(offsets: Ints, columns: list[Texts], lines: list[tuple[int, str, bytes]]) -> DayRows:
        wanted = np.array(concerns.of(columns[LABEL].tolist()), dtype=np.bool_)
        if not wanted.all():
            offsets, columns = offsets[wanted], [column[wanted] for column in columns]
        texts = [(at, reason, line.rstrip(b"\r").decode("utf-8", errors="replace")) for at, reason, line in lines]
        rejects = [
            (offset, reason, text[:CONTENT_KEPT])
            for offset, reason, text in texts
            if any(parse_road_label(stamp) in labels for stamp in _STAMP.findall(text))
        ]
        return DayRows(offsets, columns, rejects)

    found = DayRows.joined(of_day(*piece) for batch in batches for piece in split.pieces_of(batch))
    found.windows = encoding.name == WINDOWS
    return found


def _concerns(label: str | None, labels: dict[datetime, int], day: date) -> bool:
    moment = None if label is None else parse_road_label(label)
    return moment is None or datetime.combine(day, time()) < moment <= max(labels)
