"""What is wrong on the synthetic transport network, and when: the truth that the traffic pulls tell in two forms.

Incidents are drawn day by day (3 to 6 born each day, some works over several nights); planted ones are fixed to the
last day, so that a test knows them by name:
    rer-b      RER B, perturbée 06:50 to 08:00 in the pull of 07; bloquante until 10:10 in later pulls (newest wins);
               the line alone is named: an interruption
    bus-stops  NO_SERVICE on Bus 272 for two weeks, with a stop listed: the stop is skipped, the bus runs
    strike     the network RER disturbed from 17:00 to 19:30; no line object, RER A, B and C stand under the network
    bus-detour Bus 8 on another way for a year: a standing detour, in no hours
    m13-future M13 in force from 05:30 to 23:00 although every pull of the day says status "future"
    m4-past    M4 in force all day although every pull says status "past"
    m6-text    perturbée 08:15 to 09:30; touches no line object, "Métro 6" only stands in the message
    t3a-text   information 14:00 to 18:00; "Tram T3a" only stands in the message
    lift-1, lift-2   lifts: a station each, no line        m1-works  three nights of works, three periods
    m6-2030    information on M6 from two months before, until 2030
    c-week     RER C perturbée, the five days that end on the last one
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from scripts.demo.options import Options

BLOCKING, DISTURBED, INFORMATION = "bloquante", "perturbée", "information"
STATES = {BLOCKING: "interrompu", DISTURBED: "ralenti", INFORMATION: "normal"}
LINES = {  # id: code, mode, name; the ids are the real ones
    "C01371": ("1", "Métro", "METRO 1"),
    "C01374": ("4", "Métro", "METRO 4"),
    "C01376": ("6", "Métro", "METRO 6"),
    "C01383": ("13", "Métro", "METRO 13"),
    "C01742": ("A", "RER", "RER A"),
    "C01743": ("B", "RER", "RER B"),
    "C01727": ("C", "RER", "RER C"),
    "C01254": ("272", "Bus", "Bus 272"),
    "C00297": ("8", "Bus", "Bus 8"),
}
M1, M4, M6, M13, RER_A, RER_B, RER_C, BUS_272, BUS_8 = LINES
DRAWN = (M1, M4, M6, M13, RER_A, RER_B, RER_C)  # lines on which incidents are drawn
INCIDENTS = (
    "Incident voyageur",
    "Panne de signalisation",
    "Bagage oublié",
    "Incident technique",
    "Malaise voyageur",
    "Panne d'un train",
)
KNOWN_AHEAD_DAYS = 3  # works are announced that long before
LOOK_BACK_DAYS = 10  # no drawn disruption lasts longer from its birth


class Disruption(NamedTuple):
    key: str
    title: str
    message: str
    cause: str
    severity: str
    periods: tuple[tuple[datetime, datetime], ...]  # Paris clock
    announced: datetime
    lines: tuple[str, ...] = ()
    on_network: bool = False  # the lines are named by their network alone
    station: str | None = None
    lift: bool = False
    status: str | None = None  # what every pull says, where it is not what the clock says
    revised_at: datetime | None = None
    revised_end: datetime | None = None
    revised_severity: str | None = None


def identity(options: Options, key: str, what: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"cityflow-demo/{options.seed}/{what}/{key}"))


def known_at(options: Options, moment: datetime) -> list[Disruption]:
    """List what a pull of that moment has: announced, not over since more than a day, and as last revised."""
    births = [moment.date() - timedelta(days=n) for n in range(LOOK_BACK_DAYS, -1, -1)]
    drawn = [disruption for day in births for disruption in born_on(options, day)]
    return [
        revised(disruption, moment)
        for disruption in [*planted(options.end), *drawn]
        if disruption.announced <= moment and disruption.periods[-1][1] > moment - timedelta(days=1)
    ]


def revised(disruption: Disruption, moment: datetime) -> Disruption:
    if disruption.revised_at is None or moment < disruption.revised_at:
        return disruption
    begin, end = disruption.periods[-1]
    return disruption._replace(
        periods=(*disruption.periods[:-1], (begin, disruption.revised_end or end)),
        severity=disruption.revised_severity or disruption.severity,
        announced=disruption.revised_at,
    )


def born_on(options: Options, day: date) -> Iterator[Disruption]:
    rng = options.stream("traffic", day.toordinal())
    for number in range(int(rng.integers(3, 7))):
        line = str(rng.choice(DRAWN))
        code, mode, _ = LINES[line]
        begin = at(day, 5, 30) + timedelta(minutes=int(rng.integers(0, 1080)))
        end = begin + timedelta(minutes=int(rng.integers(20, 200)))
        severity = str(rng.choice([BLOCKING, DISTURBED, INFORMATION], p=[0.2, 0.6, 0.2]))
        title = f"{mode} {code} : {rng.choice(INCIDENTS)}"
        extended = rng.random() < 0.4
        yield Disruption(
            key=f"{day.isoformat()}/{number}",
            title=title,
            message=f"{title} - trafic {STATES[severity]} sur l'ensemble de la ligne. Reprise estimée à {end:%Hh%M}.",
            cause="perturbation",
            severity=severity,
            periods=((begin, end),),
            announced=begin,
            lines=(line,),
            revised_at=begin + timedelta(minutes=30) if extended else None,
            revised_end=end + timedelta(minutes=45),
        )
    if rng.random() < 0.4:
        yield night_works(f"{day.isoformat()}/works", str(rng.choice(DRAWN)), day, nights=int(rng.integers(2, 5)))


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute))


def night_works(key: str, line: str, announced: date, nights: int) -> Disruption:
    """Works from 22:30 to 04:45 over several nights, a period each."""
    code, mode, _ = LINES[line]
    first = announced + timedelta(days=KNOWN_AHEAD_DAYS)
    evenings = [at(first + timedelta(days=n), 22, 30) for n in range(nights)]
    return Disruption(
        key=key,
        title=f"{mode} {code} : Travaux - Trafic interrompu en soirée",
        message=f"En raison de travaux, le trafic est interrompu sur la ligne {code} à partir de 22h30.",
        cause="travaux",
        severity=BLOCKING,
        periods=tuple((evening, evening + timedelta(hours=6, minutes=15)) for evening in evenings),
        announced=at(announced, 6),
        lines=(line,),
    )


def planted(end: date) -> list[Disruption]:
    """Build the disruptions that do not depend on the seed, see the module's docstring."""
    day_before = end - timedelta(days=1)
    return [
        Disruption(
            "rer-b", "RER B : Panne de signalisation", "RER B : trafic très perturbé, puis interrompu.", "perturbation",
            DISTURBED, ((at(end, 6, 50), at(end, 8)),), at(end, 6, 51), (RER_B,),
            revised_at=at(end, 8, 5), revised_end=at(end, 10, 10), revised_severity=BLOCKING,
        ),
        Disruption(
            "m13-future", "Métro 13 : Trafic ralenti", "Affluence exceptionnelle sur la ligne 13.", "perturbation",
            DISTURBED, ((at(end, 5, 30), at(end, 23)),), at(day_before, 17), (M13,), status="future",
        ),
        Disruption(
            "m4-past", "Métro 4 : Travaux", "Fréquence réduite toute la journée sur la ligne 4.", "travaux",
            DISTURBED, ((at(end, 0), at(end, 23, 59)),), at(day_before, 17), (M4,), status="past",
        ),
        Disruption(
            "m6-text", "Métro 6 : Incident voyageur", "Métro 6 : trafic ralenti, en raison d'un incident voyageur.",
            "perturbation", DISTURBED, ((at(end, 8, 15), at(end, 9, 30)),), at(end, 8, 15), station="Rotonde Verte",
        ),
        Disruption(
            "t3a-text", "Tram T3a : Manifestation", "Tram T3a : arrêts non desservis l'après-midi.", "information",
            INFORMATION, ((at(end, 14), at(end, 18)),), at(day_before, 9), station="Porte des Ormes",
        ),
        lift("lift-1", end, "Gare du Vallon"),
        lift("lift-2", end, "Place des Sablons"),
        night_works("m1-works", M1, end - timedelta(days=KNOWN_AHEAD_DAYS + 1), nights=3),
        Disruption(
            "m6-2030", "Métro 6 : Information travaux", "Des travaux de modernisation ont lieu sur la ligne 6.",
            "travaux", INFORMATION, ((at(end - timedelta(days=68), 18, 21), datetime(2030, 12, 31, 23, 59)),),
            at(end - timedelta(days=68), 18, 21), (M6,),
        ),
        Disruption(
            "c-week", "RER C : Travaux", "RER C : trains supprimés en raison de travaux <b>toute la semaine</b>.",
            "travaux", DISTURBED, ((at(end - timedelta(days=4), 5), at(end, 23, 30)),),
            at(end - timedelta(days=9), 12), (RER_C,),
        ),
        Disruption(
            "bus-stops", "Bus 272 : Travaux - Arrêt(s) non desservi(s)", "L'arrêt Pont du Bac n'est pas desservi.",
            "travaux", BLOCKING, ((at(end - timedelta(days=11), 6), at(end + timedelta(days=3), 3, 45)),),
            at(end - timedelta(days=12), 9), (BUS_272,), station="Pont du Bac",
        ),
        Disruption(
            "strike", "Mouvement social : trafic réduit", "Un train sur deux en moyenne de 17h à 19h30.",
            "perturbation", DISTURBED, ((at(end, 17), at(end, 19, 30)),), at(day_before, 17), (RER_A, RER_B, RER_C),
            on_network=True,
        ),
        Disruption(
            "bus-detour", "Bus 8 : Déviation", "La ligne est déviée par l'avenue des Ormes pendant les travaux.",
            "travaux", DISTURBED, ((at(end - timedelta(days=200), 5), at(end + timedelta(days=165), 23)),),
            at(end - timedelta(days=200), 5), (BUS_8,),
        ),
    ]  # fmt: skip


def lift(key: str, end: date, station: str) -> Disruption:
    since = at(end - timedelta(days=25), 8, 10)
    return Disruption(
        key=key,
        title="Panne d'un ascenseur",
        message=f"{station.upper()} Panne de l'ascenseur situé coté quai 1, direction centre",
        cause="perturbation",
        severity=DISTURBED,
        periods=((since, at(end + timedelta(days=90), 8, 10)),),
        announced=since,
        station=station,
        lift=True,
    )
