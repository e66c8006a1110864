"""The ways from a day's page to the others: the days beside it, the same weekday a week before, and all days.

Only pages that are there are linked. A page that appears changes the links of those beside it, which are then written
again, the rest of them as it was.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, timedelta

from lib.common.errors import LockHeldError
from lib.files.atomic_file import write_atomically
from lib.files.locks import day_lock
from lib.local_file_service import LocalFileService
from scripts.report.page import Way, ways_markup

ALL_DAYS = "index.html"
WAYS = (("Jour précédent", -1), ("Même jour, 7 jours avant", -7), ("Jour suivant", 1))
_PLACE = re.compile(rb'<nav class="voies".*?</nav>', re.DOTALL)


def ways(files: LocalFileService, day: date) -> list[Way]:
    """List the pages that a day's page leads to, of those that lie beside it."""
    pages = [(words, files.report_path(day + timedelta(days=step), ".html")) for words, step in WAYS]
    every = [*pages, ("Tous les jours", files.report_path(day).with_name(ALL_DAYS))]
    return [Way(words, path.name) for words, path in every if path.is_file()]


def link_again(files: LocalFileService, days: Iterable[date]) -> None:
    """Write the links of the pages of these days again where they changed; a page that another run holds is left."""
    for day in sorted(set(days)):
        path = files.report_path(day, ".html")
        with suppress(LockHeldError), day_lock(files.output_dir, day, "report", None):
            if not path.is_file():
                continue
            page, links = path.read_bytes(), ways_markup(ways(files, day)).encode()
            linked = _PLACE.sub(lambda _, links=links: links, page, count=1)  # type: ignore[misc]
            if linked != page:
                write_atomically(path, linked)


def beside(day: date) -> list[date]:
    """List the days whose page may lead to that of `day`."""
    return [day - timedelta(days=step) for _, step in WAYS]
