"""Whether what the raw files hold of a day is all that there is, by what they say of themselves.

An answer that announces more records than its pages hold (total_count, nhits), a text that breaks off and a file that
cannot be read leave it open what the day was. Another file vouches for the day where it is whole, holds at least as
many records of it, and was made after it or later than the one in doubt.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

NOT_WHOLE = 0.9  # coverage (0..1) at the most of a day of which records may be missing: below COMPLETE_FROM
CUT, HEADLESS = "dernière ligne coupée", "début perdu"
SAME_QUERY = 0.05  # share by which the totals of two pages of one query differ at the most: records come in meanwhile


@dataclass(frozen=True)
class Origin:
    """Where an answer comes from: its file, the folder of its pull, when it was made (sorts by time; day, or None)."""

    file: str
    folder: str
    order: tuple[str, float]
    made: date | None


@dataclass(frozen=True)
class Answer:
    """One answer: how many records it announces (None: nothing said) and holds; keys: what tells these apart.

    broken: why it cannot be taken as whole, where it breaks off or cannot be read.
    """

    origin: Origin
    announced: int | None
    held: int
    keys: frozenset[int] = frozenset()
    broken: str = ""


@dataclass(frozen=True)
class Doubt:
    """What may be missing: records announced and not held (None: unknown how many), of `rows` about the day."""

    origin: Origin
    held: int
    announced: int | None
    rows: int
    files: frozenset[str]  # of the pull: each of its pages is a part
    broken: str = ""

    @property
    def share(self) -> float:
        return min(NOT_WHOLE, self.held / self.announced) if self.announced else NOT_WHOLE


@dataclass
class Answers:
    """What all answers said. of_day: how many rows about the day each file gave, which the source's reader tells.

    open_ends: last rows without a line end, whose last field is a date: where it cannot be read, the file is cut.
    """

    known: list[Answer] = field(default_factory=list)
    origins: dict[str, Origin] = field(default_factory=dict)
    open_ends: dict[tuple[str, int | str], Answer] = field(default_factory=dict)  # by file and line
    of_day: Counter[str] = field(default_factory=Counter)

    def add(self, answer: Answer) -> None:
        """Keep what an answer says of itself, if it says anything."""
        self.origins[answer.origin.file] = answer.origin
        if answer.announced is not None or answer.broken:
            self.known.append(answer)

    def rejected(self, file: str, line: int | str) -> None:
        """Hear of a row that was rejected."""
        if answer := self.open_ends.pop((file, line), None):
            self.add(replace(answer, broken=CUT))

    def doubts(self, day: date) -> list[Doubt]:
        """List what no other file vouches for, the worst first."""
        doubts = [*self._short_pulls(), *self._broken(day)]
        in_doubt = {file for doubt in doubts for file in doubt.files}
        whole = [(self.origins[file], rows) for file, rows in self.of_day.items() if rows and file not in in_doubt]
        open_ones = [one for one in doubts if not any(_vouches(*other, one, day) for other in whole)]
        return sorted(open_ones, key=lambda one: one.share)

    def _broken(self, day: date) -> Iterable[Doubt]:
        for one in self.known:
            rows, made = self.of_day[one.origin.file], one.origin.made
            if one.broken and (rows or made is None or made >= day):
                yield Doubt(one.origin, one.held, None, rows, frozenset([one.origin.file]), one.broken)

    def _short_pulls(self) -> Iterable[Doubt]:
        """Find the pulls of which the pages together hold fewer records than they announce."""
        pulls: dict[str, list[Answer]] = defaultdict(list)
        for one in self.known:
            if one.announced is not None and one.held < one.announced and not one.broken:
                pulls[one.origin.folder].append(one)
        for pages in pulls.values():
            for query in _queries(pages):
                announced = max(page.announced or 0 for page in query)
                held = _distinct(query)
                rows = sum(self.of_day[file] for file in {page.origin.file for page in query})
                if held < announced and rows:
                    files = frozenset(page.origin.file for page in pages)
                    yield Doubt(query[-1].origin, held, announced, rows, files)


def _queries(pages: list[Answer]) -> list[list[Answer]]:
    """Sort the pages of one pull by the query they answer, which has one total."""
    queries: list[list[Answer]] = []
    for page in sorted(pages, key=lambda page: page.announced or 0):
        total = page.announced or 0
        if queries and total <= (queries[-1][0].announced or 0) * (1 + SAME_QUERY):
            queries[-1].append(page)
        else:
            queries.append([page])
    return queries


def _distinct(pages: list[Answer]) -> int:
    """Count the records of several pages; one that comes again in another page is the same record."""
    seen: set[int] = set()
    held = 0
    for page in pages:
        held += page.held - len(page.keys & seen)
        seen |= page.keys
    return held


def _vouches(other: Origin, rows: int, doubt: Doubt, day: date) -> bool:
    if rows < doubt.rows:
        return False
    return other.order > doubt.origin.order or (other.made is not None and other.made > day)
