"""One disruption in both raw forms: identity, texts, lines of its objects, times."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.common.paris_time import wall_exists
from scripts.sources.traffic.forms import identity, impacted_lines, read_response, severity, texts
from scripts.sources.traffic.periods import clipped, parse_time, read_period

PARIS = ZoneInfo("Europe/Paris")


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)).map(lambda one: one.replace(microsecond=0)))
def test_compact_and_iso_times_are_the_paris_clock(wall: datetime) -> None:
    found = parse_time(wall.strftime("%Y%m%dT%H%M%S"))
    assert found is not None
    assert found == parse_time(wall.isoformat())
    if wall_exists(wall):
        assert found.astimezone(PARIS).replace(tzinfo=None) == wall
    else:
        assert found.astimezone(PARIS).replace(tzinfo=None) == wall.replace(hour=3, minute=0, second=0)


@given(st.lists(st.datetimes(datetime(2025, 3, 29), datetime(2025, 3, 31)), min_size=2, max_size=2))
def test_no_period_is_turned_round_by_the_spring_change(moments: list[datetime]) -> None:
    begin, end = (one.strftime("%Y%m%dT%H%M%S") for one in sorted(moments))
    assert read_period({"begin": begin, "end": end})[2] == ""


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("20250828T182100", datetime(2025, 8, 28, 16, 21, tzinfo=UTC)),
        ("20250828T1821", datetime(2025, 8, 28, 16, 21, tzinfo=UTC)),
        (" 20250828T182100Z ", datetime(2025, 8, 28, 18, 21, tzinfo=UTC)),
        ("20250828T182100+0200", datetime(2025, 8, 28, 16, 21, tzinfo=UTC)),
        ("2025-08-28T18:21:00.000Z", datetime(2025, 8, 28, 18, 21, tzinfo=UTC)),
        ("20251026T023000", datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),  # the first of the two
        ("20250230T000000", None),
        ("20250828", None),
        ("2025-08-28", None),
        ("00010101T000000", None),
        ("", None),
        (20250828, None),
        (None, None),
    ],
)
def test_times(text: object, instant: datetime | None) -> None:
    assert parse_time(text) == instant


def test_a_period_without_length_counts_where_it_stands() -> None:
    first, middle, last = (datetime(2025, 11, day, tzinfo=UTC) for day in (4, 5, 6))
    assert clipped([(first, first), (middle, middle), (last, last)], (first, last)) == [
        (first, first),
        (middle, middle),
    ]
    assert clipped([(first, None)], (middle, last)) == [(middle, last)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"id": "a", "disruption_id": "b"}, "a"),
        ({"impact_id": "c", "disruption_id": "b"}, "c"),
        ({"id": "", "disruptionId": 7}, "7"),
        ({"id": None}, None),
    ],
)
def test_the_identity_is_that_of_the_impact(raw: dict[str, Any], expected: str | None) -> None:
    assert identity(raw) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"effect": "no_service"}, ("bloquante", "NO_SERVICE")),
        ({"effect": "DETOUR"}, ("perturbée", "DETOUR")),
        ({"effect": "ADDITIONAL_SERVICE"}, ("information", "ADDITIONAL_SERVICE")),
        ({"effect": "UNKNOWN_EFFECT", "priority": 10}, ("perturbée", "UNKNOWN_EFFECT")),
        ({"name": "PERTURBÉE"}, ("perturbée", None)),
        ({"priority": "0"}, (None, None)),
        ([], (None, None)),
    ],
)
def test_severity(said: object, expected: tuple[str | None, str | None]) -> None:
    assert severity({"severity": said}) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"title": "Titre", "message": "<p>Du <b>texte</b></p>"}, ("Titre", "Du texte")),
        ({"message": "", "shortMessage": "court"}, ("", "court")),
        ({"messages": [{"text": "sms", "channel": {"types": ["sms"]}}, {"text": "web", "channel": {"types": ["web"]}},
                       {"text": "titre", "channel": {"types": ["title"]}}]}, ("titre", "web")),
        ({"messages": [{"text": "seul"}]}, ("", "seul")),
        ({"messages": [{"text": None, "channel": 3}, 3]}, ("", "")),
        ({}, ("", "")),
    ],
)  # fmt: skip
def test_texts(raw: dict[str, Any], expected: tuple[str, str]) -> None:
    assert texts(raw) == expected


@pytest.mark.parametrize(
    ("target", "label"),
    [
        ({"id": "line:IDFM:C01376", "embedded_type": "line"}, "Métro 6"),
        (
            {"id": "line:IDFM:C01374", "embedded_type": "line", "line": {"id": "line:IDFM:C01374", "code": "4"}},
            "Métro 4",
        ),
        ({"id": "x", "embedded_type": "line_section", "line_section": {"line": {"id": "line:IDFM:C01742"}}}, "RER A"),
        ({"id": "route:1", "embedded_type": "route", "route": {"line": {"id": "line:IDFM:C01743"}}}, "RER B"),
        ({"id": "stop_area:1", "embedded_type": "stop_area", "stop_area": {"name": "Nation"}}, None),
        ({"id": "network:1", "embedded_type": "network"}, None),
        ({"embedded_type": [1], "line": 3}, None),
    ],
)
def test_only_lines_and_their_parts_touch_a_line(target: dict[str, Any], label: str | None) -> None:
    lines = impacted_lines({"impacted_objects": [{"pt_object": target}, {"pt_object": target}]})
    assert [line.label for line in lines] == ([label] if label else [])


@pytest.mark.parametrize(
    "body", [None, [], "x", {}, {"error": {"id": "bad_format"}}, {"message": "Unauthorized"}, {"disruptions": 3}]
)
def test_a_response_that_is_none_of_ours(body: object) -> None:
    assert read_response(body) is None


def test_what_a_line_reports_response_says() -> None:
    reports = [{"line": {"id": "line:IDFM:C01727"}}, {"line": None}, 3]
    page = {"items_on_page": 3, "total_result": 9, "start_page": None}
    context = {"current_datetime": "20240430T052303"}
    found = read_response({"disruptions": [], "line_reports": reports, "pagination": page, "context": context})
    assert found is not None
    assert [line.label for line in found.named] == ["RER C"]
    assert found.page == (0, 3, 9)
    assert found.made_at == datetime(2024, 4, 30, 3, 23, 3, tzinfo=UTC)
