"""Synthetic bike-counter pulls, in the five forms they are met in.

The pull of day P at 06 holds all of P-1 and the last two hours of P-2 again; the one at 12 holds the last two hours
of P-1. One reading in ten of those late hours is provisional (three quarters of the count) at 06 on P and final in the
later pulls. Form and clock change with the day: see FORMS and LOCAL_DATES_EVERY. Days are real: 25 hours on 2025-10-26.

Planted, by counter number (its id is counter_of(...)["id_compteur"]); "end" is the last day, hours are Paris hours:
    3  end 10 h null, 11 h -4, 12 h NaN                5  no id at all            8  no coordinates
    6  no record on end from 06 h on (silent)          7  42 every hour of end    9  0 every hour of end
    10, 11  outside the twenty arrondissements         4  a record with neither counter nor site id on end, 09 h
Other files: the pull of end+1 at 07 is cut short; the pull of end-2 at 06 is gzipped; see saved_forms for those at 13.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from lib.files.atomic_file import write_atomically
from scripts.demo.arcs import NAMES
from scripts.demo.calendar import PARIS, Floats, day_instants, day_share, has_weekend_shape, hour_shapes, weather_of
from scripts.demo.city import City, build_city, point_in_city, to_lonlat
from scripts.demo.files import compact_json
from scripts.demo.options import Options, pull_file
from scripts.demo.saved_forms import SAVED_HOUR, saved_bikes, saved_file, write_refusal

Record = dict[str, Any]

MORNING_PULL, NOON_PULL, CUT_PULL = 6, 12, 7  # hours
OVERLAP_HOURS = 2
PROVISIONAL_SHARE = 0.1
LOCAL_DATES_EVERY = 4  # one pull day in four writes local offsets, the others UTC
GZIP_DAYS_BEFORE_END = 2
BAD_VALUES, NAMELESS, NO_ID, SILENT, STUCK, NO_COORDINATES, ALL_ZERO = 3, 4, 5, 6, 7, 8, 9
OUTSIDE = {10: (2.2385, 48.8922), 11: (2.4560, 48.8443)}
BAD_VALUES_AT = {10: None, 11: -4, 12: math.nan}
SILENT_FROM, STUCK_AT, NAMELESS_AT = 6, 42, 9
WAYS = ("rue des", "boulevard des", "avenue des", "quai des")


def write_bikes(root: Path, options: Options) -> None:
    city = build_city()
    counters = [counter_of(options, city, number) for number in range(options.counters)]
    for pull_day in options.pull_days():
        write_form = FORMS[pull_day.toordinal() % len(FORMS)]
        yesterday, before = pull_day - timedelta(days=1), pull_day - timedelta(days=2)
        morning = records_of(options, counters, yesterday, pull_day, provisional=True)
        if before >= options.start:
            morning = records_of(options, counters, before, pull_day, last_hours=OVERLAP_HOURS) + morning
        noon = records_of(options, counters, yesterday, pull_day, last_hours=OVERLAP_HOURS)
        write_pull(root, options, pull_day, MORNING_PULL, *write_form(morning))
        write_pull(root, options, pull_day, NOON_PULL, *write_form(noon))
        if saved := saved_bikes(options.days_before_end(pull_day), noon):
            write_atomically(saved_file(pull_file(root, "bikes", pull_day, SAVED_HOUR), saved[1]), saved[0])
        if yesterday == options.end:
            cut = compact_json({"total_count": len(noon), "results": noon})
            write_atomically(pull_file(root, "bikes", pull_day, CUT_PULL), cut[: len(cut) * 2 // 3])
    write_refusal(root, options, "bikes")


def write_pull(root: Path, options: Options, day: date, hour: int, body: bytes, suffix: str) -> None:
    if options.days_before_end(day) == GZIP_DAYS_BEFORE_END and hour == MORNING_PULL:
        body, suffix = gzip.compress(body, mtime=0), f"{suffix}.gz"
    write_atomically(pull_file(root, "bikes", day, hour, suffix), body)


def counter_of(options: Options, city: City, number: int) -> Record:
    """Build what a record says of its counter: two counters a site, one a direction."""
    site = number // 2
    rng = options.stream("bike site", site)
    lon, lat = to_lonlat(point_in_city(city, rng.random(), rng.random())).round(5).tolist()
    lon, lat = OUTSIDE.get(number, (lon, lat))
    name = f"{rng.integers(1, 180)} {rng.choice(WAYS)} {str(rng.choice(NAMES)).replace('_', ' ')}"
    ways = ("SO-NE", "NE-SO") if rng.random() < 0.5 else ("E-O", "O-E")
    known = number != NO_ID
    return {
        "id_compteur": f"{100_900_001 + site}-{353_900_001 + number}" if known else None,
        "nom_compteur": f"{name} {ways[number % 2]}",
        "id": str(100_900_001 + site) if known else None,
        "name": name,
        "installation_date": f"20{rng.integers(12, 24)}-{rng.integers(1, 13):02d}-{rng.integers(1, 28):02d}",
        "coordinates": None if number == NO_COORDINATES else {"lon": lon, "lat": lat},
        "counter": f"X2H{20_000_000 + site:08d}",
    }


def records_of(
    options: Options,
    counters: list[Record],
    day: date,
    pull_day: date,
    last_hours: int | None = None,
    provisional: bool = False,
) -> list[Record]:
    """Build the records of a day, all or its last hours, as the pull of that day has them."""
    instants = day_instants(day)
    counts = counts_of(options, day, instants)
    if provisional:
        counts = with_provisional(options, day, counts)
    first = len(instants) - last_hours if last_hours else 0
    local = pull_day.toordinal() % LOCAL_DATES_EVERY == 3
    return [
        {**counter, "sum_counts": sum_counts, "date": clock.isoformat(), "mois_annee_comptage": f"{clock:%Y-%m}"}
        for place in range(first, len(instants))
        for clock in [instants[place].astimezone(PARIS if local else UTC)]
        for number, counter in heard(options, day, instants[place], counters)
        for sum_counts in [value_of(options, day, instants[place], number, int(counts[number, place]))]
    ]


def heard(options: Options, day: date, instant: datetime, counters: list[Record]) -> list[tuple[int, Record]]:
    """List the counters heard at that hour, with the identity they give."""
    heard = list(enumerate(counters))
    if day != options.end:
        return heard
    hour = instant.astimezone(PARIS).hour
    if hour == NAMELESS_AT:
        heard[NAMELESS] = (NAMELESS, {**counters[NAMELESS], "id_compteur": None, "id": None})
    return [pair for pair in heard if pair[0] != SILENT or hour < SILENT_FROM]


def value_of(options: Options, day: date, instant: datetime, number: int, count: int) -> int | float | None:
    if day != options.end or number not in (BAD_VALUES, STUCK, ALL_ZERO):
        return count
    if number == BAD_VALUES:
        return BAD_VALUES_AT.get(instant.astimezone(PARIS).hour, count)
    return STUCK_AT if number == STUCK else 0


def counts_of(options: Options, day: date, instants: list[datetime]) -> Any:
    """Bikes by counter and real hour: rush hours, fewer at weekends, fewer in the rain and when it is cold."""
    rng = options.stream("bikes", day.toordinal())
    hours = np.array([instant.astimezone(PARIS).hour for instant in instants])
    weather = weather_of(options, day)
    comfort = np.where(weather.rain > 0, 0.6, 1.0) * (1 - 0.2 * min(1.0, weather.rain.sum() / 5))
    comfort = comfort * np.clip(0.75 + weather.temperature / 50, 0.6, 1.2)
    share = day_share(day) * (0.8 if has_weekend_shape(day) else 1.0)
    morning, evening = (peaked(shape) for shape in hour_shapes(day))
    rows = [
        site_volume(options, number) * (morning if number % 2 else evening) * comfort * share
        for number in range(options.counters)
    ]
    return rng.poisson(np.array(rows)[:, hours])


def peaked(shape: Floats) -> Floats:
    """Bikes keep to the rush hours more than cars do."""
    return shape**1.6


def site_volume(options: Options, number: int) -> float:
    """Bikes in the busiest hour."""
    return float(30 + 420 * options.stream("bike volume", number // 2).beta(1.2, 3))


def with_provisional(options: Options, day: date, counts: Any) -> Any:
    lowered = options.stream("bikes/provisional", day.toordinal()).random(counts.shape) < PROVISIONAL_SHARE
    lowered[:, :-OVERLAP_HOURS] = False
    return np.where(lowered, counts * 3 // 4, counts)


def as_v21(records: list[Record]) -> tuple[bytes, str]:
    return compact_json({"total_count": len(records), "results": records}), ".json"


def as_list(records: list[Record]) -> tuple[bytes, str]:
    return compact_json(records), ".json"


def as_record_lines(records: list[Record]) -> tuple[bytes, str]:
    return b"".join(compact_json(record) + b"\n" for record in records), ".jsonl"


def as_response_lines(records: list[Record]) -> tuple[bytes, str]:
    """One whole v2.1 answer a line, a hundred records each as the API pages them."""
    pages = [records[first : first + 100] for first in range(0, len(records), 100)]
    return b"".join(compact_json({"total_count": len(records), "results": p}) + b"\n" for p in pages), ".jsonl"


def as_v10(records: list[Record]) -> tuple[bytes, str]:
    """Write the old API's form: fields apart, coordinates as [lat, lon], nulls left out."""
    return compact_json({"nhits": len(records), "records": [v10_record(record) for record in records]}), ".json"


def v10_record(record: Record) -> Record:
    fields = {name: value for name, value in record.items() if value is not None}
    if "coordinates" in fields:
        fields["coordinates"] = [fields["coordinates"]["lat"], fields["coordinates"]["lon"]]
    identity = f"{crc32(json.dumps([record['nom_compteur'], record['date']]).encode()):08x}"
    return {"datasetid": "comptage-velo-donnees-compteurs", "recordid": identity, "fields": fields}


FORMS: tuple[Callable[[list[Record]], tuple[bytes, str]], ...] = (
    as_v21,
    as_list,
    as_record_lines,
    as_v10,
    as_response_lines,
)
