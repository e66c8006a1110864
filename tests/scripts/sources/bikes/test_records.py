"""Bike records of a day: which instants are of the day, which pull wins, what a counter is called and where it is."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.figures.quality import REJECTS_KEPT, Quality
from lib.raw.source_files import RawFile
from scripts.sources.bikes.records import BikeRecords, days_present, read_day_records
from tests.conftest import bike

PARIS = ZoneInfo("Europe/Paris")
DAYS = st.sampled_from(
    [date(2025, 11, 4), date(2025, 3, 30), date(2025, 10, 26), date(2024, 12, 31), date(2024, 2, 29)]
)
OFFSETS = st.sampled_from([timedelta(hours=hours) for hours in (-11, -4, 0, 1, 2, 13)])


def read(folder: Path, day: date, *pulls: list[Any]) -> tuple[BikeRecords, Quality]:
    files = []
    for number, rows in enumerate(pulls):
        path = folder / f"{number}.json"
        path.write_text(json.dumps(rows), encoding="utf-8")
        files.append(RawFile(f"2025-11-{number + 1:02}T06", 0.0, path))
    quality = Quality()
    return read_day_records(files, day, quality), quality


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DAYS, st.lists(st.tuples(st.integers(-40, 40), OFFSETS), min_size=1, max_size=30, unique_by=lambda one: one[0]))
def test_the_day_is_that_of_the_paris_clock_whatever_the_offset(
    tmp_path: Path, day: date, hours: list[tuple[int, timedelta]]
) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    instants = [(noon + timedelta(hours=hour)).astimezone(timezone(offset)) for hour, offset in hours]
    found, quality = read(tmp_path, day, [bike("A-1", one.isoformat(), 1) for one in instants])
    expected = sorted(one for one in instants if one.astimezone(PARIS).date() == day)
    assert found.counts["instant"].to_list() == expected
    assert quality.lignes_retenues == len(expected)
    assert not quality.rejets
    assert days_present([RawFile("", 0.0, tmp_path / "0.json")]) == {
        one.astimezone(PARIS).date().isoformat() for one in instants
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "Comptage horaire;Date et heure de comptage\n1;20/11/2025 08:00\n"),
        ("a.json", '[{"date": 1763622000000}]'),
        ("a.json", '[{"date": "2025-11-20T08:00:00Z"}, {"date": "9999-12-31T23:30:00Z"}]'),
        ("a.json", json.dumps({"statusCode": 200, "body": json.dumps([bike("A-1", "2025-11-20T08:00:00Z", 1)])})),
    ],
)
def test_days_present_are_those_of_every_form_that_is_read(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert days_present([RawFile("", 0.0, tmp_path / name)]) == {"2025-11-20"}


def test_both_second_hours_of_the_autumn_night_are_kept(tmp_path: Path) -> None:
    rows = [bike("A-1", f"2025-10-26T02:00:00+0{offset}:00", offset) for offset in (2, 1)]
    found, _ = read(tmp_path, date(2025, 10, 26), rows)
    assert found.counts["comptage"].to_list() == [2, 1]


def test_the_newest_pull_names_and_places_the_counter(tmp_path: Path) -> None:
    moment = "2025-11-04T09:00:00Z"
    found, quality = read(
        tmp_path,
        date(2025, 11, 4),
        [bike("A-1", moment, 3, name="Ancien nom", coordinates=[48.80, 2.30])],
        [bike("A-1", moment, 4, name="Nouveau nom", coordinates="48.85, 2.35")],
        [bike("A-1", moment, 4, name=" ", coordinates=None)],
    )
    assert found.counts["comptage"].to_list() == [4]
    assert found.counters.loc["A-1"].to_dict() == {"nom_compteur": "Nouveau nom", "lon": 2.35, "lat": 48.85}
    assert (quality.doublons, quality.conflits) == (2, 1)


@pytest.mark.parametrize(
    ("others", "identity"),
    [([], "Rue A"), ([("A-1", "Rue A")], "A-1"), ([("A-1", "Rue A"), ("A-2", "Rue A")], "Rue A")],
)
def test_a_record_without_id_is_of_the_only_counter_of_its_name(
    tmp_path: Path, others: list[tuple[str, str]], identity: str
) -> None:
    rows = [bike(counter, "2025-11-04T08:00:00Z", 1, name=name) for counter, name in others]
    found, _ = read(tmp_path, date(2025, 11, 4), [*rows, bike(None, "2025-11-04T09:00:00Z", 7, name="Rue A")])
    assert found.counts.set_index("comptage")["id_compteur"][7] == identity


def test_a_pull_says_the_same_of_each_day_that_it_is_about_until_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    pull = [RawFile("2025-11-05T06", 0.0, path)]
    rows = [bike("A-1", f"2025-11-0{day}T08:00:00Z", day) for day in (3, 4)]
    path.write_text("\n".join([*map(json.dumps, rows), "{cut", json.dumps([7])]), encoding="utf-8")
    accounts = [Quality() for _ in range(3)]
    days = [date(2025, 11, 3), date(2025, 11, 4), date(2025, 11, 4)]
    counted = [
        read_day_records(pull, day, one).counts["comptage"].tolist() for day, one in zip(days, accounts, strict=True)
    ]
    assert counted == [[3], [4], [4]]
    assert [dict(one.rejets) for one in accounts] == [{"json_illisible": 1, "enregistrement_invalide": 1}] * 3
    assert [one.ligne for one in accounts[2].kept_rejects] == [3, 4]
    path.write_text("\n".join(json.dumps(row | {"sum_counts": 9}) for row in rows), encoding="utf-8")
    changed = Quality()
    assert read_day_records(pull, days[1], changed).counts["comptage"].tolist() == [9]
    assert not changed.rejets


def test_a_pull_says_of_each_month_the_days_that_it_names(tmp_path: Path) -> None:
    moments = ["2025-10-31T08:00:00Z", "2025-11-01T08:00:00Z", "2025-11-20T08:00:00Z", "2024-11-01T08:00:00Z"]
    path = tmp_path / "a.json"
    path.write_text(json.dumps([bike("A-1", one, number) for number, one in enumerate(moments)]), encoding="utf-8")
    day_of = {date.fromisoformat(one[:10]): number for number, one in enumerate(moments)}
    for day in [date(2025, 11, 9), *sorted(day_of), date(2025, 11, 12), *day_of]:
        found = read_day_records([RawFile("2025-12-05T06", 0.0, path)], day, Quality())
        assert found.counts["comptage"].tolist() == ([day_of[day]] if day in day_of else [])
        assert list(found.counters.index) == (["A-1"] if any(0 <= (day - one).days < 8 for one in day_of) else [])


def test_counts_that_are_equal_and_not_the_same_are_told_apart(tmp_path: Path) -> None:
    rows = [bike("A-1", f"2025-11-04T{hour:02}:00:00Z", one) for hour, one in enumerate([1, 1.0, True, "1", None])]
    found, quality = read(tmp_path, date(2025, 11, 4), rows)
    assert found.counts["comptage"].fillna(-1).tolist() == [1, 1, 1, -1]
    assert [row.contenu.partition("comptage")[2] for row in quality.kept_rejects] == ["': True}"]


@pytest.mark.parametrize("odd", [{"n": 1}, {"n": 10**30}, {"n": "\ud83d"}, [float("nan")]])
def test_an_object_in_place_of_a_count_costs_itself_alone(tmp_path: Path, odd: Any) -> None:
    counts = [None, float("nan"), odd, 4, odd, None]
    rows = [bike("A-1", f"2025-11-04T{hour:02}:00:00Z", one) for hour, one in enumerate(counts)]
    found, quality = read(tmp_path, date(2025, 11, 4), rows)
    assert found.counts["comptage"].fillna(-1).tolist() == [-1, 4, -1]
    assert quality.rejets == {"comptage_non_numerique": 3}


def test_of_a_counter_without_a_place_the_first_form_met_is_shown(tmp_path: Path) -> None:
    moments = [f"2025-11-0{day}T08:00:00Z" for day in (2, 3, 4)]
    places = [{"lon": 200, "lat": 48}, {"lon": 300, "lat": 48}, {"lon": 200, "lat": 48}]
    rows = [bike("A-1", moment, 1, coordinates=place) for moment, place in zip(moments, places, strict=True)]
    _, quality = read(tmp_path, date(2025, 11, 4), rows)
    assert quality.avertissements[0].exemples == ('A-1 : {"lon": 200, "lat": 48}',)


def test_more_rejects_than_are_kept_are_counted_of_each_day(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    row = bike("A-1", "2025-11-04T08:00:00Z", 1)
    path.write_text(json.dumps([row, *range(REJECTS_KEPT + 5)]), encoding="utf-8")
    for _ in range(2):
        quality = Quality()
        read_day_records([RawFile("2025-11-05T06", 0.0, path)], date(2025, 11, 4), quality)
        assert quality.rejets == {"enregistrement_invalide": REJECTS_KEPT + 5}
        assert len(quality.kept_rejects) == REJECTS_KEPT
