"""Every source's clock: the same day told in Paris, UTC, London, New York or with an offset that is not today's.

Weather is in tests/scripts/test_process_weather.py and tests/scripts/sources/weather: its labels carry no offset.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lib.common.paris_time import PARIS, day_start, hours_in_day
from scripts import process_bikes, process_chantiers, process_comptages, process_traffic
from tests.conftest import Ran, RawTree, bike, count_row
from tests.support.cases import each_once

Run = Callable[..., Ran]

CLOCKS: dict[str, tzinfo] = {
    "Paris": PARIS,
    "UTC": UTC,
    "London": ZoneInfo("Europe/London"),
    "New York": ZoneInfo("America/New_York"),
    "Paris in winter": timezone(timedelta(hours=1)),
    "Paris in summer": timezone(timedelta(hours=2)),
}
DAYS = ("2025-11-04", "2025-07-15", "2025-10-26", "2025-03-30")

clocks = pytest.mark.parametrize(("clock", "day"), each_once(CLOCKS.values(), DAYS[2:] + DAYS[:2]))


def instants(day: str, margin: int = 8) -> list[datetime]:
    """The instants at which the hours of a day begin, and those of some hours before and after."""
    start = day_start(date.fromisoformat(day))
    return [start + timedelta(hours=hour) for hour in range(-margin, hours_in_day(date.fromisoformat(day)) + margin)]


def hour_of(moment: datetime) -> int:
    return int(moment.timestamp()) // 3600 % 1000


@clocks
def test_bikes(raw: RawTree, run: Run, day: str, clock: tzinfo) -> None:
    rows = [bike("1", at.astimezone(clock).isoformat(), hour_of(at)) for at in instants(day)]
    raw.pull("bikes", "2025-12-01", "a.json", {"results": rows, "total_count": len(rows)})
    assert run(process_bikes.main, "--date", day).code == 0
    wanted = [at for at in instants(day) if at.astimezone(PARIS).date().isoformat() == day]
    assert raw.metrics("bikes", day)["total_jour"] == sum(map(hour_of, wanted))


ROADS = [(name, day) for name in ("Paris", "UTC", "New York", "pasted") for day in DAYS[1:3]]
ROADS += [("London", DAYS[0]), ("UTC", DAYS[3])]


@pytest.mark.parametrize(("name", "day"), ROADS)
def test_road_counts(raw: RawTree, run: Run, name: str, day: str) -> None:
    """Labels are the end of the hour. Of +01:00 and +02:00 the clock is that of Paris, whatever the season: an offset
    pasted on, which a July answer in London (+01:00) cannot be told from."""
    rows = []
    for at in instants(day):
        end = at + timedelta(hours=1)
        text = f"{end.astimezone(PARIS):%Y-%m-%dT%H:%M:%S}+01:00"
        label = text if name == "pasted" else end.astimezone(CLOCKS[name]).isoformat()
        if end.astimezone(PARIS).fold == 0:  # the second 02:00 of the autumn change is never published
            rows.append(count_row("1", label, hour_of(at), 10.0))
    raw.counts(rows)
    assert run(process_comptages.main, "--date", day).code == 0
    profile = raw.metrics("comptages", day)["global_metrics"]["profil_horaire"]
    wanted: dict[int, int] = {}
    for at in instants(day):
        end = (at + timedelta(hours=1)).astimezone(PARIS)
        hour = (end - timedelta(hours=1)).replace(tzinfo=None)
        if end.fold == 0 and hour.date().isoformat() == day:
            wanted.setdefault(hour.hour, hour_of(at))
    found = {hour: one["debit_total"] for hour, one in enumerate(profile) if one["debit_total"] is not None}
    assert found == wanted


@clocks
def test_disruptions(raw: RawTree, run: Run, day: str, clock: tzinfo) -> None:
    first, last = day_start(date.fromisoformat(day)) + timedelta(hours=8), day_start(date.fromisoformat(day))
    period = {
        "begin": first.astimezone(clock).isoformat(),
        "end": (last + timedelta(hours=12)).astimezone(clock).isoformat(),
    }
    line = {"id": "line:IDFM:C01371", "code": "1", "name": "1", "commercial_mode": {"name": "Métro"}}
    one: dict[str, Any] = {
        "id": "a", "status": "active", "updated_at": f"{day.replace('-', '')}T060000", "cause": "travaux",
        "severity": {"name": "perturbée", "effect": "SIGNIFICANT_DELAYS", "priority": 30},
        "application_periods": [period],
        "messages": [{"text": "Trafic perturbé", "channel": {"types": ["title"]}}],
        "impacted_objects": [{"pt_object": {"id": line["id"], "name": "1", "embedded_type": "line", "line": line}}],
    }  # fmt: skip
    raw.pull("traffic", day, "a.json", {"disruptions": [one], "pagination": {"total_result": 1, "items_on_page": 1}})
    assert run(process_traffic.main, "--date", day).code == 0
    (disturbed,) = raw.metrics("traffic", day)["par_ligne"]
    assert disturbed["heures_perturbees"] == 4


@clocks
def test_road_works(raw: RawTree, run: Run, day: str, clock: tzinfo) -> None:
    start = day_start(date.fromisoformat(day)).astimezone(clock)
    if clock in (CLOCKS["Paris in winter"], CLOCKS["Paris in summer"]):
        start = datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=clock)  # the offset is pasted on
    rows = [f"A;{start.isoformat()};{start.isoformat()}", f"B;{day};{day}"]
    raw.batch("chantiers-perturbants-la-circulation.csv", "Identifiant;Date de début;Date de fin\n" + "\n".join(rows))
    assert run(process_chantiers.main, "--date", day).code == 0
    assert [one["date_debut"] for one in raw.metrics("chantiers", day)["metrics"]] == [day, day]
