"""The lines that a search of road counts has kept, one by one."""

from collections.abc import Iterable

from scripts.sources.comptages.day_files import Batch


def lines_of(batches: Iterable[Batch]) -> list[tuple[int, bytes]]:
    """Each line with its offset, in the order of the batches."""
    return [pair for offsets, text in batches for pair in zip(offsets.tolist(), text.split(b"\n"), strict=True)]
