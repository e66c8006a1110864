"""What the pulls made around a day know of its disruptions: the newest state of each.

A pull tells what is known when it is made, past and coming; the newest pull that names a disruption is believed. When
the publisher revises a disruption it gets a new id, and the ids made before are dropped. One that later pulls no longer
name keeps its last known periods: pulls are paged and filtered, so that silence says nothing. Pulls made more than a
week after the day still add to it and correct it, where they speak of it. Those made more than a week before it are
passed over when nearer ones are there: what they announced until 2030, and no pull since has named, is over.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from lib.common.paris_time import PARIS
from lib.figures.quality import Quality
from lib.raw.envelopes import records
from lib.raw.json_records import read_bodies
from lib.raw.limits import DISRUPTIONS
from lib.raw.source_files import RawFile
from lib.raw.usable_files import too_many
from scripts.sources.traffic import forms as forms
from scripts.sources.traffic.lines import Line, distinct
from scripts.sources.traffic.periods import meets, reach

PULL_WINDOW = timedelta(days=7)  # pulls this near the day tell which lines are followed, and may end a disruption


class Told(NamedTuple):
    """One disruption as a pull tells it: raw record, lines it touches, file and line, and how new that is."""

    record: dict[str, Any]
    lines: list[Line]
    raw: RawFile
    line: int
    age: tuple[str, str]  # the pull's hour, then the publisher's own revision


@dataclass
class Pulled:
    """The newest state of everything the pulls name, by id.

    pages: by pull, each answer's pages by number, as (elements in it, elements in all). unpaged: the days of answers
    that are no page of several.

    seen: how often each id was told. first: the first pull that told it. families: what it revises, where that is said.
    """

    newest: dict[str, Told] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    families: dict[str, str] = field(default_factory=dict)
    named: dict[Line, None] = field(default_factory=dict)  # an ordered set
    days: set[date] = field(default_factory=set)
    pages: dict[str, list[dict[int, tuple[int, int]]]] = field(default_factory=dict)
    unpaged: set[date] = field(default_factory=set)
    responses: int = 0

    def family(self, identifier: str) -> str:
        return self.families.get(identifier, identifier)

    def pages_held(self, day: date) -> float:
        """The share (0..1) of its pages that the fullest answer of the day or of PULL_WINDOW after it holds."""

        def late_enough(pulled: date) -> bool:
            return timedelta() <= pulled - day <= PULL_WINDOW

        stamps = [stamp for stamp in self.pages if stamp and late_enough(date.fromisoformat(stamp[:10]))]
        if any(map(late_enough, self.unpaged)) or not stamps:
            return 1.0
        sizes = [_size(pages) for stamp in stamps for pages in self.pages[stamp]]
        return max(held / total if held < total else 1.0 for held, total in sizes)

    def sightings(self) -> Counter[str]:
        """How often each family was told."""
        found: Counter[str] = Counter()
        for identifier, times in self.seen.items():
            found[self.family(identifier)] += times
        return found


def read_pulls(files: list[RawFile], day: date, quality: Quality) -> Pulled:
    """Read the pulls around the day, then what later ones say of it; records without an id are rejected."""
    pulled = Pulled()
    near, later = files_around(files, day)
    for response, raw, line in _responses(near, quality):
        _take(response, raw, line, pulled, quality)
    for response, raw, line in _responses(later, Quality()):  # what is wrong in these is said of their own days
        for identifier, told in _told(response, raw, line, raw.pulled, Quality()):
            if meets(told.record, reach(day)):
                _keep(identifier, told, pulled, quality)
    _drop_revised(pulled)
    _warn_of_pages(pulled, quality)
    return pulled


def files_around(files: list[RawFile], day: date) -> tuple[list[RawFile], list[RawFile]]:
    """The pulls made at most PULL_WINDOW away from the day or of unknown day, and those made later.

    Where no pull is that near, all of them are taken as if they were.
    """
    if not any(raw.pull_day and abs(raw.pull_day - day) <= PULL_WINDOW for raw in files):
        return files, []
    near = [raw for raw in files if raw.pull_day is None or abs(raw.pull_day - day) <= PULL_WINDOW]
    return near, [raw for raw in files if raw.pull_day and raw.pull_day - day > PULL_WINDOW]


def _responses(files: list[RawFile], quality: Quality) -> Iterator[tuple[forms.Response, RawFile, int]]:
    for raw, line, body in read_bodies(files, quality, slim=forms.slim):
        for item in records(body):
            response = forms.read_response(item)
            if response is None:
                quality.reject("reponse_inattendue", raw.name, line, item)
            else:
                yield response, raw, line


def _take(response: forms.Response, raw: RawFile, line: int, pulled: Pulled, quality: Quality) -> None:
    """Add one response to what is known."""
    pulled.responses += 1
    quality.answers.of_day[raw.name] += 1
    made = response.made_at.astimezone(PARIS) if response.made_at else None
    pull_day = raw.pull_day or (made.date() if made else None)
    stamp = raw.pulled or (made.strftime("%Y-%m-%dT%H") if made else "")
    if pull_day:
        pulled.days.add(pull_day)
    if response.page:
        _turn_page(pulled.pages.setdefault(stamp, [{}]), *response.page)
    elif pull_day:
        pulled.unpaged.add(pull_day)
    pulled.named |= dict.fromkeys(response.named)
    for identifier, told in _told(response, raw, line, stamp, quality):
        _keep(identifier, told, pulled, quality)


def _turn_page(answers: list[dict[int, tuple[int, int]]], number: int, size: int, total: int) -> None:
    """Add a page to the last answer of its hour; a number met before begins another, as of a second day asked for."""
    if number in answers[-1]:
        answers.append({})
    answers[-1][number] = (size, total)


def _size(pages: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """How many elements of an answer are held, and how many it has."""
    return sum(size for size, _ in pages.values()), max(total for _, total in pages.values())


def _told(
    response: forms.Response, raw: RawFile, line: int, stamp: str, quality: Quality
) -> Iterator[tuple[str, Told]]:
    """Each disruption of a response under its id."""
    for record in response.disruptions:
        identifier = forms.identity(record) if isinstance(record, dict) else None
        if identifier is None:
            quality.reject("identifiant_absent", raw.name, line, record)
            continue
        lines = distinct([*forms.impacted_lines(record), *response.touched.get(identifier, [])])
        yield identifier, Told(forms.essential(record), lines, raw, line, (stamp, forms.updated_at(record)))


def _keep(identifier: str, told: Told, pulled: Pulled, quality: Quality) -> None:
    """Keep it unless something newer is known of the same disruption, or there is no room for another one."""
    if identifier not in pulled.newest and len(pulled.newest) == DISRUPTIONS:
        too_many(told.raw, told.line, {"id": identifier}, DISRUPTIONS, quality)
        return
    pulled.named |= dict.fromkeys(told.lines)
    family = forms.family(told.record)
    if family:
        pulled.families[identifier] = family
    pulled.seen[identifier] += 1
    pulled.first[identifier] = min(pulled.first.get(identifier, told.age[0]), told.age[0])
    known = pulled.newest.get(identifier)
    if known is None or known.age <= told.age:
        pulled.newest[identifier] = told


def _drop_revised(pulled: Pulled) -> None:
    """Drop the ids that no pull names any more since another id of their family was made: revisions gone by.

    An id that comes later but was made before is no revision: the earlier pulls were asked about another day.
    """
    families: dict[str, list[str]] = {}
    for identifier in pulled.newest:
        families.setdefault(pulled.family(identifier), []).append(identifier)
    for family in families.values():
        births = [(pulled.first[one], _made(pulled, one)) for one in family]
        for identifier in family:
            last = pulled.newest[identifier].age[0]
            if any(first > last and made >= last for first, made in births):
                del pulled.newest[identifier]


def _made(pulled: Pulled, identifier: str) -> str:
    """The hour at which the publisher made an id, written as that of a pull; the first pull where it does not say."""
    revised = pulled.newest[identifier].age[1]
    return f"{datetime.fromisoformat(revised).astimezone(PARIS):%Y-%m-%dT%H}" if revised else pulled.first[identifier]


def _warn_of_pages(pulled: Pulled, quality: Quality) -> None:
    """A response is one page of several: say when the newest answer that counts its pages lacks some."""
    if not pulled.pages:
        return
    held, total = _size(pulled.pages[max(pulled.pages)][-1])
    if held < total:
        quality.warn(
            "pages_manquantes",
            "attention",
            f"Le dernier relevé ne contient que {held} éléments sur {total} : demander toutes les pages (count=…).",
            mesure=held,
            attendu=total,
        )
