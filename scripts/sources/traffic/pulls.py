"""What the pulls made around a day know of its disruptions: the newest state of each.

A pull tells what is known when it is made, past and coming; the newest pull that names a disruption is used. When
the publisher revises a disruption it gets a new id, and the ids made before are dropped. One that later pulls no longer
name keeps its last known periods: pulls are paged and filtered, so that silence says nothing. Pulls made more than a
week after the day still add to it and correct it, where they speak of it. Those made more than a week before it are
passed over when nearer ones are there: what they announced until 2030, and no pull since has named, is over.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, lru_cache
from itertools import chain, islice
from typing import NamedTuple

from lib.common.errors import InputError
from lib.common.paris_time import PARIS
from lib.figures.quality import Quality
from lib.raw.envelopes import records
from lib.raw.json_records import bodies_of, short_text
from lib.raw.limits import DISRUPTIONS
from lib.raw.source_files import RawFile
from lib.raw.usable_files import Reading, passed_over, too_many
from scripts.sources.traffic import forms
from scripts.sources.traffic.disruption import Disruption, disruption_of, read_disruption
from scripts.sources.traffic.lines import Line
from scripts.sources.traffic.objects import Touched, together
from scripts.sources.traffic.pages import PULL_WINDOW, Answer, Page, add_page
from scripts.sources.traffic.periods import clipped, last_day, reach

# Reasons of rejects by which a pull lost more than a record: what it announces is not what was read.
UNREAD = ("enregistrements_en_trop", "fichier_illisible", "fichier_trop_gros", "fichier_vide", "json_illisible")
PULLS_KEPT = 2_000  # that a process has at hand: three a day of two years; what they tell alike is kept once


class Message(NamedTuple):
    """A disruption as it is newest, the lines it touches, file and line, and how new that is."""

    disruption: Disruption
    lines: Sequence[Touched]
    raw: RawFile
    line: int
    age: tuple[str, str]  # the pull's hour, then the publisher's own revision


@dataclass
class Pulled:
    """The newest state of everything the pulls name, by id.

    seen: how often each id was met. first: the first pull that has it. families: what it revises, where that is said.
    answers: by hour of the pull, in their order; of an unknown hour, under an empty text.
    """

    newest: dict[str, Message] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    families: dict[str, str] = field(default_factory=dict)
    named: dict[Line, None] = field(default_factory=dict)  # an ordered set
    answers: dict[str, list[Answer]] = field(default_factory=dict)

    def family(self, identifier: str) -> str:
        return self.families.get(identifier, identifier)

    def sightings(self) -> Counter[str]:
        """Count how often each family was met."""
        found: Counter[str] = Counter()
        for identifier, times in self.seen.items():
            found[self.family(identifier)] += times
        return found


def read_pulls(files: list[RawFile], day: date, quality: Quality) -> Pulled:
    """Read the pulls around the day, then what later ones say of it; records without an id are rejected."""
    pulled = Pulled()
    near, later = files_around(files, day)
    for raw in near:
        unread = sum(quality.rejets[reason] for reason in UNREAD)
        for page in _pages(raw, quality):
            _take(page, raw, day, pulled, quality)
        if sum(quality.rejets[reason] for reason in UNREAD) > unread:
            for answer in chain(*pulled.answers.values()):
                answer.damaged |= raw.name in answer.files
    window = reach(day)
    concerned = cache(lambda one: bool(clipped(one.periods, window)))
    for raw in later:
        for page in _pages(raw, Quality()):  # what is wrong in these is said of their own days
            for line, one in page.disruptions:
                if concerned(one):
                    _keep(one, raw, line, raw.pulled, pulled, quality)
    _drop_revised(pulled)
    return pulled


def files_around(files: list[RawFile], day: date) -> tuple[list[RawFile], list[RawFile]]:
    """Part the pulls into those made at most PULL_WINDOW away from the day or of unknown day, and those made later.

    Where no pull is that near, all of them are taken as if they were.
    """
    if not any(raw.pull_day and abs(raw.pull_day - day) <= PULL_WINDOW for raw in files):
        return files, []
    near = [raw for raw in files if raw.pull_day is None or abs(raw.pull_day - day) <= PULL_WINDOW]
    return near, [raw for raw in files if raw.pull_day and raw.pull_day - day > PULL_WINDOW]


def _pages(raw: RawFile, quality: Quality) -> Iterator[Page]:
    """Yield the responses of a pull, which the days around and before it have in common."""
    try:
        kept = _kept(raw, raw.state)
        if kept is None:
            yield from _read(raw, quality)
            return
        yield from kept.said_of(quality)
    except InputError as error:
        passed_over(raw, error, quality)


@lru_cache(maxsize=PULLS_KEPT)
def _kept(raw: RawFile, _state: tuple[int, ...]) -> Reading[Page] | None:
    """Read the responses of one state of a pull; None of one that tells more than a day has room for.

    Extracts that follow one another become one.
    """
    if read_disruption.cache_info().currsize == DISRUPTIONS:  # what is at hand is as much as a day can hold
        for known in (read_disruption, _in_line, _kept):
            known.cache_clear()
    reading, room = Reading[Page](), DISRUPTIONS
    pages = reading.parts
    last: list[tuple[int, Disruption]] = []
    try:
        for page in _read(raw, reading.account):
            found = list(islice(page.disruptions, room))
            room -= len(found)
            if room <= 0:
                return None
            if pages and page.is_extract and pages[-1].is_extract:
                last += found
                pages[-1].last_days.update(page.last_days)
            else:
                last = found
                pages.append(page._replace(disruptions=last))
    except InputError as error:
        reading.error = error.with_traceback(None)
    return reading


def _read(raw: RawFile, quality: Quality) -> Iterator[Page]:
    for line, body in bodies_of(raw, short_text(raw), quality, forms.slim):
        for item in records(body):
            response = forms.read_response(item)
            if response is None:
                quality.reject("reponse_inattendue", raw.name, line, item)
                continue
            last_days = {last_day(one) for one in response.disruptions if isinstance(one, dict)}
            found = _disruptions_of(response, raw, line, quality)
            yield Page(response.named, response.made_at, response.page, response.whole, last_days, found)


def _disruptions_of(
    response: forms.Response, raw: RawFile, line: int, quality: Quality
) -> Iterator[tuple[int, Disruption]]:
    """Yield each disruption of a response, with its line."""
    for record in response.disruptions:
        if one := disruption_of(record, response):
            yield _in_line(line, one)
        else:
            quality.reject("identifiant_absent", raw.name, line, record)


@lru_cache(maxsize=DISRUPTIONS)
def _in_line(line: int, one: Disruption) -> tuple[int, Disruption]:
    """Return one object for the pulls that tell a disruption in the same line: thousands of pairs a pull are 0.2 MB."""
    return line, one


def _take(page: Page, raw: RawFile, day: date, pulled: Pulled, quality: Quality) -> None:
    """Add one response to what is known."""
    made = page.made_at.astimezone(PARIS) if page.made_at else None
    stamp = raw.pulled or (made.strftime("%Y-%m-%dT%H") if made else "")
    pull_day = raw.pull_day or (made.date() if made else None)
    add_page(page, raw, pull_day, day, pulled.answers.setdefault(stamp, []))
    pulled.named |= dict.fromkeys(page.named)
    for line, one in page.disruptions:
        _keep(one, raw, line, stamp, pulled, quality)


def _keep(disruption: Disruption, raw: RawFile, line: int, stamp: str, pulled: Pulled, quality: Quality) -> None:
    """Keep it unless something newer is known of the same disruption, or there is no room for another one.

    Of what is as new, each page names the lines of its own under a network: the lines of all are kept.
    """
    identifier, age = disruption.identifier, (stamp, disruption.revised)
    known = pulled.newest.get(identifier)
    if known is None and len(pulled.newest) == DISRUPTIONS:
        too_many(raw, line, {"id": identifier}, DISRUPTIONS, quality)
        return
    if known is None or known.disruption is not disruption:
        pulled.named |= dict.fromkeys(line for line, _ in disruption.lines)
    if disruption.family:
        pulled.families[identifier] = disruption.family
    pulled.seen[identifier] += 1
    pulled.first[identifier] = min(pulled.first.get(identifier, stamp), stamp)
    if known is None or known.age <= age:
        lines = together([*known.lines, *disruption.lines]) if known and known.age == age else disruption.lines
        pulled.newest[identifier] = Message(disruption, lines, raw, line, age)


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
    """Return the hour at which the publisher made an id, written as that of a pull; else that of the first pull."""
    revised = pulled.newest[identifier].age[1]
    return f"{datetime.fromisoformat(revised).astimezone(PARIS):%Y-%m-%dT%H}" if revised else pulled.first[identifier]
