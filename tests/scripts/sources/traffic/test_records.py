"""Which pulls are believed about a day, and what the frames hold of both raw forms."""

import gc
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from lib.figures.quality import Quality
from lib.raw.source_files import RawFile
from scripts.sources.traffic.disruption import MESSAGE_MAX, TITLE_MAX, Disruption
from scripts.sources.traffic.pages import pull_days
from scripts.sources.traffic.periods import reach, service
from scripts.sources.traffic.pulls import files_around
from scripts.sources.traffic.records import Disruptions, read_disruptions

DAY = date(2025, 11, 4)


def file(pulled: str) -> RawFile:
    return RawFile(pulled, 0.0, Path(f"{pulled or 'loose'}.json"))


def read(folder: Path, *pulls: tuple[str, Any]) -> tuple[Disruptions, Quality]:
    files = []
    for number, (pulled, body) in enumerate(pulls):
        path = folder / f"{number}.json"
        path.write_text(json.dumps(body), encoding="utf-8")
        files.append(RawFile(pulled, 0.0, path))
    quality = Quality()
    return read_disruptions(sorted(files), DAY, quality), quality


def told(identifier: str, end: str = "20251104T100000", **more: Any) -> dict[str, Any]:
    periods = [{"begin": "20251104T080000", "end": end}]
    return {"id": identifier, "application_periods": periods, "severity": {"effect": "NO_SERVICE"}} | more


def test_pulls_of_the_week_around_and_all_later_ones_are_read() -> None:
    names = ["", "2025-10-01T06", "2025-10-28T06", "2025-11-04T06", "2025-11-11T06", "2025-11-12T06", "2026-01-01T06"]
    near, later = files_around([file(name) for name in names], DAY)
    assert [one.pulled for one in near] == ["", "2025-10-28T06", "2025-11-04T06", "2025-11-11T06"]
    assert [one.pulled for one in later] == ["2025-11-12T06", "2026-01-01T06"]


def test_where_no_pull_is_near_all_are_read() -> None:
    files = [file("2025-10-01T06"), file("2025-12-01T06")]
    assert files_around(files, DAY) == (files, [])


def test_the_service_ends_on_the_next_day() -> None:
    assert service(DAY) == (datetime(2025, 11, 4, 4, 30, tzinfo=UTC), datetime(2025, 11, 5, 0, 15, tzinfo=UTC))
    assert reach(DAY)[0] == datetime(2025, 11, 3, 23, tzinfo=UTC)


def test_a_file_outside_any_folder_is_dated_by_its_publisher(tmp_path: Path) -> None:
    loose = {"disruptions": [told("a", "20251104T120000")], "context": {"current_datetime": "20251105T060000"}}
    found, _ = read(tmp_path, ("2025-11-04T23", {"disruptions": [told("a")]}), ("", loose))
    assert pull_days(found.answers) == {date(2025, 11, 4), date(2025, 11, 5)}
    assert found.periods["fin"].to_list() == [datetime(2025, 11, 4, 11, tzinfo=UTC)]


def test_a_pull_that_changed_is_read_anew_and_one_that_cannot_be_read_is_said_of_each_day(tmp_path: Path) -> None:
    for end, hour in (("20251104T100000", 9), ("20251104T120000", 11)):
        found, _ = read(tmp_path, ("2025-11-04T23", {"disruptions": [told("a", end), {"title": "no id"}]}))
        assert found.periods["fin"].to_list() == [datetime(2025, 11, 4, hour, tzinfo=UTC)]
    files = [RawFile("2025-11-04T23", 0.0, tmp_path / "0.json"), RawFile("2025-11-05T23", 0.0, tmp_path / "gone.json")]
    for day in (DAY, date(2025, 11, 5)):
        quality = Quality()
        read_disruptions(files, day, quality)
        assert quality.rejets == {"identifiant_absent": 1, "fichier_illisible": 1}
        assert list(quality.unusable) == ["gone.json"]


def test_what_pulls_tell_alike_is_in_memory_once(tmp_path: Path) -> None:
    """Two years of the whole network, three pulls a day, are 2 000 pulls of thousands of disruptions each."""
    body = {"disruptions": [told(f"alike-{number}") for number in range(9)]}
    read(tmp_path, *((f"2025-11-04T{hour:02}", body) for hour in range(7)))
    pairs = [one for one in gc.get_objects() if type(one) is tuple and len(one) == 2]
    found = [one for _, one in pairs if isinstance(one, Disruption) and one.identifier.startswith("alike-")]
    assert 9 <= len(found) <= 18, "of the 63 that are told"


def test_records_of_a_jsonl_are_one_extract_that_names_what_ended_on_the_day(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(told(name, end)) for name, end in (("a", "20251105T100000"), ("b", ""))))
    found = read_disruptions([RawFile("2025-11-05T07", 0.0, path)], DAY, quality := Quality())
    (answer,) = found.answers
    assert (answer.files, answer.recalls, answer.is_about(DAY)) == (["a.jsonl"], False, False)
    assert found.disruptions["id"].to_list() == ["a", "b"]
    assert quality.rejets == {}
    path.write_text("\n".join(json.dumps(told(name, end)) for name, end in (("a", ""), ("b", "20251104T100000"))))
    assert read_disruptions([RawFile("2025-11-05T07", 0.0, path)], DAY, quality).answers[0].recalls


def test_of_one_pull_the_later_revision_wins(tmp_path: Path) -> None:
    new, old = told("a", "20251104T120000", updated_at="20251104T090000"), told("a", updated_at="20251104T080000")
    found, quality = read(tmp_path, ("2025-11-04T23", {"disruptions": [new, old]}))
    assert found.periods["fin"].to_list() == [datetime(2025, 11, 4, 11, tzinfo=UTC)]
    assert (quality.lignes_retenues, quality.doublons) == (1, 1)


@pytest.mark.parametrize("order", [0, 1])
def test_a_family_known_by_one_form_only_is_one_disruption(tmp_path: Path, order: int) -> None:
    bulk = {"id": "r1", "applicationPeriods": [{"begin": "20251104T080000", "end": "20251104T190000"}]}
    pulls = [
        ("2025-11-04T10", {"disruptions": [bulk], "lines": []}),
        ("2025-11-04T11", {"disruptions": [told("r1", disruption_id="D")]}),
        ("2025-11-04T12", {"disruptions": [told("r2", disruption_id="D")]}),
    ]
    found, quality = read(tmp_path, *(pulls if order else reversed(pulls)))
    assert found.disruptions["id"].to_list() == ["r2"]
    assert (quality.lignes_retenues, quality.doublons) == (1, 2)


def test_a_filtered_pull_revises_nothing(tmp_path: Path) -> None:
    both = [told("one", disruption_id="D"), told("two", disruption_id="D")]
    found, _ = read(tmp_path, ("2025-11-04T08", {"disruptions": both}), ("2025-11-04T09", {"disruptions": both[1:]}))
    assert found.disruptions["id"].to_list() == ["one", "two"]


def test_the_other_nights_of_a_disruption_come_with_the_pulls_of_their_days_and_revise_nothing(tmp_path: Path) -> None:
    """Each pull is asked for one day: it names the impact of its own night, which was announced with the others."""
    made = {"disruption_id": "D", "updated_at": "20251101T080000"}
    periods = [{"begin": "20251105T220000", "end": "20251106T040000"}]
    first, second = told("night1", "20251104T230000", **made), told("night2", **made) | {"application_periods": periods}
    found, _ = read(tmp_path, ("2025-11-04T08", {"disruptions": [first]}), ("2025-11-05T08", {"disruptions": [second]}))
    assert found.disruptions["id"].to_list() == ["night1"]


def test_an_open_end_lasts_and_is_said(tmp_path: Path) -> None:
    record = {"id": "a", "application_periods": [{"begin": "20251104T220000"}], "severity": {"effect": "NO_SERVICE"}}
    found, quality = read(tmp_path, ("2025-11-04T23", {"disruptions": [record]}))
    assert found.disruptions["fin"].to_list() == [None]
    assert found.periods["fin"].to_list() == [reach(DAY)[1]]
    assert [one.code for one in quality.avertissements] == ["periode_sans_fin"]


def test_long_texts_are_cut_at_a_word(tmp_path: Path) -> None:
    record = told("a", title="mot " * 100, message="<p>" + "phrase " * 200 + "</p>")
    found, _ = read(tmp_path, ("2025-11-04T23", {"disruptions": [record]}))
    (row,) = found.disruptions.to_dict("records")
    assert len(row["titre"]) <= TITLE_MAX
    assert len(row["message"]) <= MESSAGE_MAX
    assert row["titre"].endswith("mot…")
