"""Synthetic road works (chantiers perturbants): the CSV of the portal, and which arcs they slow on which days.

Known works, by number from the end of the world (the default end is 2025-11-04):
    0..4   five works of the 15th in force on the last day: a critical zone (far more than elsewhere)
    5      starts on the last day        6   ends on the last day        7   starts and ends on it
    10, 11 dates as DD/MM/YYYY           12  dates as DD-MM-YYYY         13  end before start
    14     no start date                 15  1970-01-01 for an end date
    16     postal code 75116             17  no postal code              18  impact blank
    19     impact in free text           20  level blank                 21  suspended (statut 3)
    22     no geometry
    60     announced for a year later
0..4 and 10..22 are in force on the last day (13, 14 and 15 as far as their dates can tell). Numbers 5, 15, 25… are
MultiPolygons; 3, 12, 21… have line breaks in their detail; from 24 on, three in ten lie anywhere.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Point, Polygon
from shapely.affinity import rotate, translate

from scripts.demo.arcs import Arc
from scripts.demo.city import City, district_of, point_in_city, to_lonlat
from scripts.demo.files import portal_csv
from scripts.demo.options import Options

WORKS = 61
CRITICAL_DISTRICT, CRITICAL_WORKS = 15, 5
CERTAINLY_ACTIVE = (*range(CRITICAL_WORKS), *range(10, 23))  # so that a quirk misread changes the last day's figures
NEARBY_METRES = 30.0
FIRST_FREE_ARC = 24  # the arcs before it carry the planted sensor faults and are left open
FRENCH_DATES, DASHED_DATES, REVERSED, NO_START, NO_END, FAR_AHEAD = (10, 11), (12,), 13, 14, 15, 60
SECOND_POSTAL_CODE, NO_POSTAL_CODE, NO_IMPACT, FREE_IMPACT, NO_LEVEL, SUSPENDED, NO_SHAPE = range(16, 23)
HEADER = (
    "Identifiant", "Identifiant CTV", "Code postal de l'arrondissement", "Numéro de STV", "Typologie",
    "Maitre d'ouvrage", "Objet", "Description", "Voie(s)", "Précisions de localisation", "Date de début", "Date de fin",
    "Impact sur la circulation", "Détail de l'impact sur la circulation", "Niveau de perturbation", "Statut",
    "URL LettreInfoChantier", "geo_shape", "geo_point_2d", "date_maj",
)  # fmt: skip
IMPACTS, IMPACT_SHARES = ("RESTREINTE", "BARRAGE_TOTAL", "IMPASSE", "SENS_UNIQUE"), (0.72, 0.18, 0.05, 0.05)
OWNERS = ("Mission Vélo", "S.A.G.P", "CPCU", "S.T.V", "R.A.T.P", "FRAICHEUR DE PARIS", "Enedis", "GRDF")
OBJECTS = ("REAMENAGEMENT_VOIRIE", "REHABILITATION_IMMEUBLE", "ENTRETIEN_RESEAU", "RACCORDEMENT_RESEAU")
PLACES = ("du 1 au 19", "n°2", "", "angle de la place", "Depuis le boulevard jusqu'au square", "")
DETAILS = ("Travaux en demi chaussée.", "Maintien d'une file de circulation ; stationnement neutralisé.", "")
BROKEN_DETAIL = 'Fermeture de la voie dite "basse" de 7h00 à 17h00.\nDéviation par les rues voisines.'


class Work(NamedTuple):
    number: int
    anchor: Arc | None  # the arc it was put on
    shape: Polygon | MultiPolygon  # metres
    start: date
    end: date
    impact: str

    @property
    def dated(self) -> bool:
        return self.number not in (REVERSED, NO_START, NO_END)


def build_works(options: Options, city: City, arcs: list[Arc]) -> list[Work]:
    streets = [arc for arc in arcs[FIRST_FREE_ARC:] if not arc.on_ring] or [arc for arc in arcs if not arc.on_ring]
    return [build_work(options, city, streets, number) for number in range(WORKS)]


def build_work(options: Options, city: City, streets: list[Arc], number: int) -> Work:
    rng = options.stream("chantier", number)
    pick, across, around = rng.random(3)
    district = CRITICAL_DISTRICT if number < CRITICAL_WORKS else 16 if number == SECOND_POSTAL_CODE else None
    if district is not None:
        streets = [arc for arc in streets if district_of(city, middle_of(arc)) == district]
    on_street = number < FIRST_FREE_ARC or number % 10 < 7
    anchor = streets[int(pick * len(streets))] if streets and on_street else None
    if anchor is not None:
        middle = middle_of(anchor)
    elif district is not None:
        middle = city.districts[district - 1].representative_point()
    else:
        middle = Point(point_in_city(city, across, around))
    first, last = work_days(options, number, rng)
    impact = str(rng.choice(IMPACTS, p=IMPACT_SHARES))
    return Work(number, anchor, work_shape(middle, number, rng), first, last, impact)


def middle_of(arc: Arc) -> Point:
    return arc.line.interpolate(0.5, normalized=True)


def work_days(options: Options, number: int, rng: np.random.Generator) -> tuple[date, date]:
    end = options.end
    first = end + timedelta(days=int(rng.integers(-max(200, options.days + 60), 25)))
    last = first + timedelta(days=int(rng.integers(2, 240)))
    if number in CERTAINLY_ACTIVE:
        first, last = end - timedelta(days=20 + number), end + timedelta(days=30 + number)
    planted = {5: (end, end + timedelta(days=40)), 6: (end - timedelta(days=40), end), 7: (end, end)}
    planted[REVERSED] = (end, end - timedelta(days=12))
    planted[FAR_AHEAD] = (end + timedelta(days=365), end + timedelta(days=400))
    return planted.get(number, (first, last))


def work_shape(middle: Point, number: int, rng: np.random.Generator) -> Polygon | MultiPolygon:
    length, width, angle = rng.uniform(20, 120), rng.uniform(4, 14), rng.uniform(0, 180)
    site = translate(rotate(shapely.box(-length / 2, -width / 2, length / 2, width / 2), angle), middle.x, middle.y)
    if number % 10 != 5:
        return site
    return MultiPolygon([site, translate(site, 0, width + length + 2)])


def slowed_and_closed(
    options: Options, works: list[Work], arcs: list[Arc]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Two tables arcs x days: an active work lies within 30 m of the arc; a total barrage was put on it."""
    slowed = np.zeros((len(arcs), options.days), dtype=bool)
    closed = np.zeros_like(slowed)
    tree = shapely.STRtree([arc.line for arc in arcs])
    for work in works:
        if not work.dated or work.number == NO_SHAPE:
            continue
        first, last = ((day - options.start).days for day in (work.start, work.end))
        days = slice(max(first, 0), max(last + 1, 0))
        slowed[tree.query(work.shape, predicate="dwithin", distance=NEARBY_METRES), days] = True
        if work.impact == "BARRAGE_TOTAL" and work.anchor is not None and work.anchor.number >= FIRST_FREE_ARC:
            closed[work.anchor.number, days] = True
    return slowed, closed


def chantiers_csv(options: Options, city: City, works: list[Work]) -> bytes:
    return portal_csv(HEADER, [work_row(options, city, work) for work in works], "\n")


def work_row(options: Options, city: City, work: Work) -> list[object]:
    number = work.number
    rng = options.stream("chantier/text", number)
    owner, target, place, detail = (str(rng.choice(texts)) for texts in (OWNERS, OBJECTS, PLACES, DETAILS))
    street = work.anchor.label.replace("_", " ") if work.anchor else "voie privée"
    return [
        f"CP{9000 + number:06d}",
        rng.integers(400_000, 900_000) if number % 8 == 1 else "",
        postal_code(city, work),
        rng.integers(8, 15),
        rng.integers(1, 4),
        owner,
        target,
        "Chantier SYNTHÉTIQUE" if number % 3 else "",
        street,
        place,
        "" if number == NO_START else date_text(work.start, number),
        "1970-01-01" if number == NO_END else date_text(work.end, number),
        impact_text(work),
        BROKEN_DETAIL if number % 9 == 3 else detail,
        "" if number == NO_LEVEL else 1 + int(rng.random() < 0.7),
        status_of(options, work),
        "",
        *shape_texts(work),
        (options.end + timedelta(days=1 - number % 5)).isoformat(),
    ]


def postal_code(city: City, work: Work) -> str:
    district = district_of(city, work.shape.centroid)
    if work.number == NO_POSTAL_CODE or district is None:
        return ""
    return "75116" if work.number == SECOND_POSTAL_CODE else f"750{district:02d}"


def impact_text(work: Work) -> str:
    return {NO_IMPACT: "", FREE_IMPACT: "Mise en impasse"}.get(work.number, work.impact)


def date_text(day: date, number: int) -> str:
    if number in FRENCH_DATES:
        return day.strftime("%d/%m/%Y")
    return day.strftime("%d-%m-%Y") if number in DASHED_DATES else day.isoformat()


def status_of(options: Options, work: Work) -> int:
    """1 to come, 2 running, 3 suspended, 4 prolonged, 5 over: as of the day after the last one."""
    today = options.end + timedelta(days=1)
    if work.number == SUSPENDED:
        return 3
    if work.start > today:
        return 1
    return 5 if work.end < today else 2 + 2 * (work.number % 5 == 4)


def shape_texts(work: Work) -> tuple[str, str]:
    if work.number == NO_SHAPE:
        return "", ""
    degrees = shapely.transform(work.shape, to_lonlat)
    geometry = shapely.geometry.mapping(degrees)
    return json.dumps({"coordinates": geometry["coordinates"], "type": geometry["type"]}), (
        f"{degrees.centroid.y}, {degrees.centroid.x}"
    )
