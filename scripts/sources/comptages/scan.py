"""The rows of a civil day out of road-count exports of any size.

The export is not sorted by day and holds hundreds of them; a day is one row in four hundred. Its rows are found by the
day's text, and only those found are read as CSV. Many days are found in one pass.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType

from lib.common.errors import CityflowError, SearchError
from lib.common.paris_time import parse_road_label
from lib.files.scratch_folder import scratch_folder
from lib.raw.contents import read_blocks, too_large
from lib.raw.limits import DAY_ROWS, JSON_BYTES
from lib.raw.source_files import RawFile
from scripts.sources.comptages.day_files import Batch, TooManyRowsError, kept_batches
from scripts.sources.comptages.day_lines import BUFFER
from scripts.sources.comptages.day_rows import DayRows, day_rows
from scripts.sources.comptages.export import Export, open_export
from scripts.sources.comptages.search import cut_short, search
from scripts.sources.comptages.worker import Job, labels_in

_CLOSED_HOUR = timedelta(hours=1)  # a label is the end of the hour it is about: D+1 00:00 belongs to D

LONGEST_LABEL = 32  # bytes
WIDE_BUFFER = 1 << 22  # bytes: of many days, thousands of lines are sorted out together

RowsOf = Callable[[date], DayRows]
# Of exports that were searched for many days: how to get a day's rows, or what was wrong with the file.
_at_hand: ContextVar[Mapping[Path, RowsOf | CityflowError]] = ContextVar("at_hand", default=MappingProxyType({}))


def rows_of_day(raw: RawFile, day: date) -> DayRows:
    """Return the rows of a CSV export about a civil day, in file order.

    InputError when the file cannot be read, SearchError when the search was cut short: never a part of the rows.
    """
    known = _at_hand.get().get(raw.path)
    if not known:
        with one_pass([raw], [day]):
            return rows_of_day(raw, day)
    if isinstance(known, CityflowError):
        raise copy(known)  # one that is raised again and again keeps what every function that it passed has at hand
    return known(day)


@contextmanager
def rows_at_hand(found: Mapping[Path, RowsOf | CityflowError]) -> Iterator[None]:
    """While the block lasts, rows_of_day asks these instead of the files (in this thread)."""
    token = _at_hand.set(found)
    try:
        yield
    finally:
        _at_hand.reset(token)


@contextmanager
def one_pass(files: Iterable[RawFile], days: Iterable[date]) -> Iterator[None]:
    """While the block lasts, rows_of_day has these days (and no other) at hand: each file is read once for all.

    The lines of a large file lie in a temporary folder meanwhile, as many bytes as there. What is wrong with a file, or
    with the disk, is what rows_of_day then says of each day.
    """
    wanted = tuple(sorted(set(days)))
    with ExitStack() as stack, rows_at_hand({raw.path: _rows_of(raw, wanted, stack) for raw in files if raw.is_csv}):
        yield


def _rows_of(raw: RawFile, days: tuple[date, ...], stack: ExitStack) -> RowsOf | CityflowError:
    try:
        export = open_export(raw)
        job = Job(export, days, buffer=WIDE_BUFFER if len(days) > 1 else BUFFER)
        if job.is_small:
            (held,) = search(job)
            return lambda day: _rows(export, held.batches(day), day)
        folder = stack.enter_context(scratch_folder())
        search(replace(job, folder=folder))
        return partial(rows_of_day_files, export, day_file_sizes(folder))
    except CityflowError as error:
        return error
    except OSError as error:
        return cut_short(raw.path, error)


def _rows(export: Export, batches: Iterable[Batch], day: date) -> DayRows:
    try:
        return day_rows(batches, day, export.header, export.delimiter, export.encoding)
    except TooManyRowsError as error:
        raise too_large(export.raw.path, DAY_ROWS, "lignes pour un seul jour") from error


def day_file_sizes(folder: Path) -> dict[Path, int]:
    """List the files of kept lines (see scripts/sources/comptages/day_files) and their sizes, once all are written."""
    return {path: path.stat().st_size for path in folder.iterdir()}


def rows_of_day_files(export: Export, files: Mapping[Path, int], day: date) -> DayRows:
    """Return the rows of a day out of kept lines; SearchError when somebody has cleared a part of them meanwhile."""
    own = [path for path in files if path.name.startswith(f"{day}.")]
    if any(not path.is_file() or path.stat().st_size != files[path] for path in own):
        raise SearchError(
            f"les lignes du {day} mises de côté dans {own[0].parent} ont disparu : aucun chiffre n'en est tiré.",
            "Relancer, avec un TMPDIR que personne ne vide.",
        )
    return _rows(export, kept_batches(own), day)


def days_named(files: Iterable[RawFile]) -> set[str] | None:
    """Return the civil days (YYYY-MM-DD) of the files' labels: what a message offers when a day has no row.

    None while rows are at hand: the files are not read again to say it.
    """
    return None if _at_hand.get() else set().union(*(_days_named(raw) for raw in files))


def _days_named(raw: RawFile) -> set[str]:
    if raw.is_csv:
        labels = set().union(*search(Job(open_export(raw))))
    else:
        labels = set().union(*(labels_in(block) for block in read_blocks(raw.path, JSON_BYTES, LONGEST_LABEL)))
    walls = {parse_road_label(label.decode()) for label in labels}
    return {(wall - _CLOSED_HOUR).date().isoformat() for wall in walls if wall}
