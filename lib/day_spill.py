"""Lines of many days on their way from one pass over an export to the day that reads them: temporary files, no result.

A folder has a file per day and process; a file is a sequence of batches: how many lines, how many bytes, the offsets,
then the lines. What is held in memory does not depend on the number of lines or days.
"""

import os
import struct
from array import array
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Self

HELD = 64_000_000  # bytes of lines that a process keeps before it writes them

_BATCH = struct.Struct("<QQ")


class DaySpill:
    """Takes lines for their days, and leaves them all in the folder's files at the end of its block."""

    def __init__(self, folder: Path, held: int = HELD) -> None:
        self.folder, self.limit, self.size = folder, held, 0
        self.batches: dict[date, tuple[array[int], list[bytes]]] = {}

    def add(self, offset: int, line: bytes, days: list[date]) -> int:
        """Keep a line for each of its days; returns 1, the line."""
        for day in days:
            batch = self.batches.get(day)
            if batch is None:
                batch = self.batches[day] = (array("Q"), [])
            batch[0].append(offset)
            batch[1].append(line)
            self.size += len(line)
        if self.size > self.limit:
            self.write()
        return 1

    def write(self) -> None:
        for day, (offsets, lines) in self.batches.items():
            text = b"\n".join(lines)
            with (self.folder / f"{day}.{os.getpid()}").open("ab") as stream:
                stream.write(_BATCH.pack(len(offsets), len(text)) + offsets.tobytes() + text)
        self.batches.clear()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.write()


def spilled_lines(folder: Path, day: date) -> list[tuple[int, bytes]]:
    """The lines of a day in the folder, each with its offset, in the order of the file they come from."""
    return sorted(line for path in folder.glob(f"{day}.*") for line in _lines(path))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as stream:
        while head := stream.read(_BATCH.size):
            count, size = _BATCH.unpack(head)
            offsets = array("Q")
            offsets.fromfile(stream, count)
            yield from zip(offsets, stream.read(size).split(b"\n"), strict=True)
