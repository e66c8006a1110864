"""The ways from a page to the others: the days and months beside it, the same weekday a week before, and all days.

Only pages that are there are linked. A page that appears changes the links of those beside it, which are then written
again, the rest of them as it was.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from lib.common.errors import LockHeldError
from lib.common.paris_time import month_after, month_before
from lib.files.atomic_file import write_atomically
from lib.files.locks import day_lock
from lib.local_file_service import LocalFileService
from scripts.report.rendering import render

ALL_DAYS = "index.html"
WAYS = (("Jour précédent", -1), ("Même jour, 7 jours avant", -7), ("Jour suivant", 1))
_PLACE = re.compile(rb'<nav class="voies".*?</nav>', re.DOTALL)


class Way(NamedTuple):
    """A link to another page of the folder."""

    words: str
    page: str  # file name


def ways(files: LocalFileService, day: date) -> list[Way]:
    """List the pages that a day's page leads to, of those that lie beside it."""
    pages = [(words, files.report_path(day + timedelta(days=step), ".html")) for words, step in WAYS]
    return _there(files, [*pages, ("Bilan du mois", files.month_path(day, ".html"))])


def month_ways(files: LocalFileService, month: date) -> list[Way]:
    """List the pages that a month's page leads to, of those that lie beside it."""
    beside = (("Mois précédent", month_before(month)), ("Mois suivant", month_after(month)))
    return _there(files, [(words, files.month_path(one, ".html")) for words, one in beside])


def _there(files: LocalFileService, pages: list[tuple[str, Path]]) -> list[Way]:
    every = [*pages, ("Tous les jours", files.output_dir / "reports" / ALL_DAYS)]
    return [Way(words, path.name) for words, path in every if path.is_file()]


def link_again(files: LocalFileService, days: Iterable[date]) -> None:
    """Write the links of the pages of these days again where they changed; a page that another run holds is left."""
    for day in sorted(set(days)):
        with suppress(LockHeldError), day_lock(files.output_dir, day, "report", None):
            _write_links(files.report_path(day, ".html"), ways(files, day))


def link_months_again(files: LocalFileService, months: Iterable[date]) -> None:
    """Write the links of the pages of these months again where they changed."""
    for month in sorted(set(months)):
        _write_links(files.month_path(month, ".html"), month_ways(files, month))


def _write_links(path: Path, found: Sequence[Way]) -> None:
    if path.is_file():
        page, links = path.read_bytes(), render("ways.html.j2", voies=found)
        linked = _PLACE.sub(lambda _: links, page, count=1)
        if linked != page:
            write_atomically(path, linked)


def beside(day: date) -> list[date]:
    """List the days whose page may lead to that of `day`."""
    return [day - timedelta(days=step) for _, step in WAYS]
