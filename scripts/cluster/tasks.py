"""What a worker of the cluster does: a byte range of a road-count export, or some days of a source.

Workers read the raw files themselves, from a shared path or from S3. A range gives, for each group of days, the rows of
each day, pickled and compressed: equal texts are one object there, so that they are a hundredth of the bytes read.
"""

import gzip
import pickle
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from lib.common.errors import CityflowError, InputError
from lib.common.settings import Settings
from lib.files.scratch_folder import scratch_folder
from lib.raw.contents import unreadable
from lib.raw.source_files import RawFile, source_files
from scripts.registry import COMPTAGES
from scripts.sources.comptages.day_rows import DayRows
from scripts.sources.comptages.export import Export, open_export
from scripts.sources.comptages.scan import WIDE_BUFFER, RowsOf, day_file_sizes, rows_at_hand, rows_of_day_files
from scripts.sources.comptages.search import cut_short
from scripts.sources.comptages.worker import Job, answer

RANGE = 1 << 26  # bytes of an export that a task reads: a second or two

Piece = dict[date, bytes]  # of one range, for some days
Exports = list[tuple[RawFile, Export | CityflowError]]


def open_exports(settings: Settings) -> Exports:
    """Open the road-count exports in CSV; in place of a damaged one stands its error."""
    found: Exports = []
    for raw in source_files(settings, COMPTAGES):
        if raw.is_csv:
            try:
                found.append((raw, open_export(raw)))
            except InputError as error:
                found.append((raw, error))
    return found


def ranges(export: Export) -> range:
    """Return the numbers of an export's ranges."""
    return _job(export).blocks()


def scan_range(
    settings: Settings, export: Export, number: int, groups: list[list[date]]
) -> list[Piece | CityflowError]:
    """Read the rows of one range, a piece for each group of days.

    In their place stands InputError when the export is damaged, SearchError when a disk refused to go on.
    """
    days = tuple(sorted(day for group in groups for day in group))
    try:
        with scratch_folder() as folder:
            answer(replace(_job(export), days=days, folder=folder), [number])
            files = day_file_sizes(folder)
            return [{day: _packed(rows_of_day_files(export, files, day)) for day in group} for group in groups]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        refused: CityflowError = unreadable(export.raw.path, error)
    except OSError as error:
        refused = cut_short(export.raw.path, error)
    except CityflowError as error:  # S3 does not answer
        refused = error
    return [refused for _ in groups]


def measure_counts(
    settings: Settings,
    measure: Callable[[Settings, str, list[date]], Any],
    days: list[date],
    exports: Exports,
    pieces: list[list[Piece | CityflowError]],
) -> Any:
    """Compute days of road counts from the pieces of each export (in file order)."""
    found: dict[Path, RowsOf | CityflowError] = {}
    parts = iter(pieces)
    for raw, export in exports:
        found[raw.path] = export if isinstance(export, CityflowError) else _rows_of(next(parts))
    with rows_at_hand(found):
        return measure(settings, "comptages", days)


def _job(export: Export) -> Job:
    return Job(export, block=RANGE, buffer=WIDE_BUFFER)


def _rows_of(pieces: list[Piece | CityflowError]) -> RowsOf | CityflowError:
    wrong = next((piece for piece in pieces if isinstance(piece, CityflowError)), None)
    if wrong:
        return wrong

    def rows(day: date) -> DayRows:
        whole = [piece for piece in pieces if not isinstance(piece, CityflowError)]  # as all are
        return DayRows.joined(pickle.loads(zlib.decompress(piece[day])) for piece in whole)

    return rows


def _packed(rows: DayRows) -> bytes:
    return zlib.compress(pickle.dumps(rows, protocol=5), 1)
