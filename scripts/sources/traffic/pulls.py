"""What the pulls made around a day know of its disruptions: the newest state of each.

A pull tells what is known when it is made, past and coming; the newest pull that names a disruption is used. When
the publisher revises a disruption it gets a new id, and the ids made before are dropped. One that later pulls no longer
name keeps its last known periods: pulls are paged and filtered, so that silence says nothing. Pulls made more than a
week after the day still add to it and correct it, where they speak of it. Those made more than a week before it are
passed over when nearer ones are there: what they announced until 2030, and no pull since has named, is over.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain
from typing import Any, NamedTuple

from lib.common.paris_time import PARIS
from lib.figures.quality import Quality
from lib.raw.envelopes import records
from lib.raw.json_records import read_bodies
from lib.raw.limits import DISRUPTIONS
from lib.raw.source_files import RawFile
from lib.raw.usable_files import too_many
from scripts.sources.traffic import forms
from scripts.sources.traffic.lines import Line
from scripts.sources.traffic.objects import Touched, networks, together
from scripts.sources.traffic.pages import PULL_WINDOW, Answer, add_response
from scripts.sources.traffic.periods import meets, reach

# Reasons of rejects by which a pull lost more than a record: what it announces is not what was read.
UNREAD = ("enregistrements_en_trop", "fichier_illisible", "fichier_trop_gros", "fichier_vide", "json_illisible")


class Message(NamedTuple):
    """One disruption as a pull tells it: raw record, lines it touches, file and line, and how new that is.

    on_network: its own objects name a network.
    """

    record: dict[str, Any]
    lines: list[Touched]
    on_network: bool
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
        for response, line in _responses(raw, quality):
            _take(response, raw, line, day, pulled, quality)
        if sum(quality.rejets[reason] for reason in UNREAD) > unread:
            for answer in chain(*pulled.answers.values()):
                answer.damaged |= raw.name in answer.files
    for raw in later:  # what is wrong in these is said of their own days
        for response, line in _responses(raw, Quality()):
            for identifier, message in _messages(response, raw, line, raw.pulled, Quality()):
                if meets(message.record, reach(day)):
                    _keep(identifier, message, pulled, quality)
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


def _responses(raw: RawFile, quality: Quality) -> Iterator[tuple[forms.Response, int]]:
    for _, line, body in read_bodies([raw], quality, slim=forms.slim):
        for item in records(body):
            response = forms.read_response(item)
            if response is None:
                quality.reject("reponse_inattendue", raw.name, line, item)
            else:
                yield response, line


def _take(response: forms.Response, raw: RawFile, line: int, day: date, pulled: Pulled, quality: Quality) -> None:
    """Add one response to what is known."""
    quality.answers.of_day[raw.name] += 1
    made = response.made_at.astimezone(PARIS) if response.made_at else None
    stamp = raw.pulled or (made.strftime("%Y-%m-%dT%H") if made else "")
    pull_day = raw.pull_day or (made.date() if made else None)
    add_response(response, raw, pull_day, day, pulled.answers.setdefault(stamp, []))
    pulled.named |= dict.fromkeys(response.named)
    for identifier, message in _messages(response, raw, line, stamp, quality):
        _keep(identifier, message, pulled, quality)


def _messages(
    response: forms.Response, raw: RawFile, line: int, stamp: str, quality: Quality
) -> Iterator[tuple[str, Message]]:
    """Each disruption of a response under its id."""
    for record in response.disruptions:
        identifier = forms.identity(record) if isinstance(record, dict) else None
        if identifier is None:
            quality.reject("identifiant_absent", raw.name, line, record)
            continue
        lines = response.lines_touched_by(record, identifier)
        age = (stamp, forms.updated_at(record))
        yield identifier, Message(forms.essential(record), lines, bool(networks(record)), raw, line, age)


def _keep(identifier: str, message: Message, pulled: Pulled, quality: Quality) -> None:
    """Keep it unless something newer is known of the same disruption, or there is no room for another one.

    Of what is as new, each page names the lines of its own under a network: the lines of all are kept.
    """
    if identifier not in pulled.newest and len(pulled.newest) == DISRUPTIONS:
        too_many(message.raw, message.line, {"id": identifier}, DISRUPTIONS, quality)
        return
    pulled.named |= dict.fromkeys(line for line, _ in message.lines)
    family = forms.family(message.record)
    if family:
        pulled.families[identifier] = family
    pulled.seen[identifier] += 1
    pulled.first[identifier] = min(pulled.first.get(identifier, message.age[0]), message.age[0])
    known = pulled.newest.get(identifier)
    if known and known.age == message.age:
        message = message._replace(lines=together([*known.lines, *message.lines]))
    if known is None or known.age <= message.age:
        pulled.newest[identifier] = message


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
