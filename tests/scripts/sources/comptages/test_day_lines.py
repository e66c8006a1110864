"""Lines that mention a day: whatever the sizes of blocks and buffers, the same as splitting the whole text."""

import io
import re
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lib.raw.csv_dialect import MAX_ROW_CHARACTERS
from scripts.sources.comptages.day_files import DayFiles
from scripts.sources.comptages.day_lines import needles_for, whole_lines
from tests.scripts.sources.comptages.kept_lines import lines_of

DAY = date(2025, 11, 4)
PIECES = st.sampled_from(
    [
        b"2025-11-04",
        b"2025-11-05",
        b"2025-11-03",
        b"T00:00",
        b"T23:00",
        b" 00:",
        b"T10:",
        b"2025-11-0",
        b";",
        b"20",
        b"x",
    ]
)
TEXTS = st.lists(st.lists(PIECES, max_size=9).map(b"".join), max_size=12).map(b"\n".join)


def found(text: bytes, block: int, buffer: int, days: list[date] = [DAY], near: bool = True) -> list:  # noqa: B006
    """What all blocks of a text give, in their order."""
    files = DayFiles(needles_for(days, near), tuple(days))
    for start in range(0, len(text), block):
        for span in whole_lines(io.BytesIO(text), 0, start, min(start + block, len(text)), buffer):
            files.take(span)
    named: dict[tuple[int, bytes], list[date]] = {}
    for day in days:
        for line in lines_of(files.batches(day)):
            named.setdefault(line, []).append(day)
    return [(offset, line, sorted(named[offset, line])) for offset, line in sorted(named)]


def expected(text: bytes, days: list[date] = [DAY], near: bool = True) -> list:  # noqa: B006
    """The same, read off the rule: a day's own text, D+1 00:, D-1 22: and 23:, or all of three days."""
    lines, offset = [], 0
    for line in text.split(b"\n"):
        named = []
        for day in days:
            before, after = day - timedelta(days=1), day + timedelta(days=1)
            rule = f"{day}|{after}[T ]00:|{before}[T ]2[23]:" if near else f"{before}|{day}|{after}"
            named += [day] if re.search(rule.encode(), line) else []
        if named:
            lines.append((offset, line, sorted(named)))
        offset += len(line) + 1
    return lines


@given(text=TEXTS, block=st.integers(1, 60), buffer=st.integers(1, 40), near=st.booleans())
@example(text=b"2025-11-05T", block=60, buffer=40, near=True)
@example(text=b"x\n2025-11-04", block=2, buffer=1, near=True)
def test_any_sizes_give_the_same_lines(text: bytes, block: int, buffer: int, near: bool) -> None:
    assert found(text, block, buffer, near=near) == expected(text, near=near)


@given(
    stamps=st.lists(
        st.tuples(
            st.dates(date(2024, 12, 1), date(2025, 3, 31)), st.sampled_from(["", "T00:", "T22:00", " 23:", "T07:"])
        ),
        max_size=15,
    ),
    first=st.dates(date(2024, 12, 1), date(2025, 3, 1)),
    count=st.sampled_from([1, 2, 5, 31, 90, 400]),
)
def test_any_number_of_days_is_found(stamps: list[tuple[date, str]], first: date, count: int) -> None:
    text = "\n".join(f"arc;{day}{hour};2005-01-01" for day, hour in stamps).encode()
    days = [first + timedelta(days=number) for number in range(count)]
    assert found(text, 10_000, 100, days) == expected(text, days)


def test_a_line_longer_than_the_buffer_is_one_line() -> None:
    text = b"a;2025-11-04T01:00;" + b"x" * 5000 + b"\nb;2025-11-04T02:00\n"
    assert [line[:2] for _, line, _ in found(text, len(text), 64)] == [b"a;", b"b;"]


def test_a_line_too_long_to_be_a_row_is_cut_and_hides_no_other() -> None:
    text = b"2025-11-04;" + b"x" * (2 * MAX_ROW_CHARACTERS) + b"\n2025-11-04;y\n"
    long, short = found(text, len(text), 1 << 20)
    assert (short[1], short[0]) == (b"2025-11-04;y", text.index(b"\n") + 1)
    assert MAX_ROW_CHARACTERS < len(long[1]) < len(text)


def test_a_file_that_became_shorter_is_an_error() -> None:
    with pytest.raises(EOFError):
        list(whole_lines(io.BytesIO(b"a\nb\n"), 0, 0, 100))


def test_lines_begun_before_the_end_are_read_whole_and_no_later_one() -> None:
    grown = io.BytesIO(b"2025-11-04;a\n2025-11-04;begun and ended later\n2025-11-04;later\n")
    found = b"".join(bytes(text[begin:end]) for text, begin, end, _ in whole_lines(grown, 0, 0, 16))
    assert found == b"2025-11-04;a\n2025-11-04;begun and ended later\n"
