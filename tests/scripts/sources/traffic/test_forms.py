"""One disruption in both raw forms: identity, texts, lines of its objects, times."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.common.paris_time import wall_exists
from scripts.sources.traffic.forms import (
    Response,
    identity,
    line_runs,
    read_response,
    severity,
    slim,
    texts,
)
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
    lines = Response([]).lines_touched_by({"impacted_objects": [{"pt_object": target}, {"pt_object": target}]}, "x")
    assert [line.label for line, _ in lines] == ([label] if label else [])


LINE = {"pt_object": {"id": "line:IDFM:C01376", "embedded_type": "line"}}
STOP = {"pt_object": {"id": "stop_point:1", "embedded_type": "stop_point"}}
AREA = {"pt_object": {"id": "stop_area:1", "embedded_type": "stop_area"}}
PART = LINE | {"impacted_section": {"from": {"id": "a"}, "to": {"id": "b"}}}
DIRECTION = {"pt_object": {"id": "r", "embedded_type": "route", "route": {"line": {"id": "line:IDFM:C01376"}}}}


@pytest.mark.parametrize(
    ("objects", "whole"),
    [
        ([LINE], True),
        ([LINE, LINE], True),
        ([LINE, STOP], False),
        ([AREA, LINE], False),
        ([PART], False),
        ([LINE, PART], False),
        ([LINE | {"impacted_rail_section": {"from": {}, "to": {}}, "impacted_section": None}], False),
        ([LINE | {"impacted_stops": []}], True),
        ([DIRECTION], False),
    ],
)
def test_a_line_is_touched_as_a_whole_unless_stops_or_a_part_are_listed(
    objects: list[dict[str, Any]], whole: bool
) -> None:
    raw = {"application_periods": [], "impacted_objects": objects}
    for one in (raw, slim(raw)):  # a long response is read through slim
        assert [(line.label, found) for line, found in Response([]).lines_touched_by(one, "x")] == [("Métro 6", whole)]


@pytest.mark.parametrize(
    ("title", "runs"),
    [
        ("Bus 272 : Travaux - Arrêt(s) non desservi(s)", True),
        ("Bus 195 : Travaux - Arret non desservi", True),
        ("⚠️Déviation - Ligne 6 - Du 06 Novembre 2023 au 01 Septembre 2024", True),
        ("Bus 38 dévié", True),
        ("Arrêts reportés", True),
        ("Métro 4 : stations fermées", True),
        ("Métro 4 : La station Châtelet est fermée", True),
        ("Fermeture de la station Cité", True),
        ("RER A : Les trains ne marquent pas l'arrêt à Nation", True),
        ("Le bus 38 ne dessert plus Cité", True),
        ("Métro 4 : ligne fermée, gares comprises", False),
        ("Fermeture de la ligne et de ses stations", False),
        ("Métro 4 : stations sans personnel, trafic fermé", False),
        ("RER B : Trafic interrompu entre Nation et Vincennes", True),
        ("Métro 13 : Trafic interrompu entre 22h30 et la fin du service", False),
        ("RER C : trains de Vierzon supprimés, trafic interrompu", False),
        ("Métro 6 : Trafic interrompu", False),
        ("Journée du 30 Avril 2024 Maj 04h40", False),
        ("", False),
    ],
)
def test_a_title_may_say_that_the_line_runs(title: str, runs: bool) -> None:
    assert line_runs(title) is runs


def reported(line: str, network: str, *links: str, beside: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    told = [{"type": "disruption", "id": one} for one in links]
    return {"line": {"id": line, "network": {"id": network, "links": told}}, "pt_objects": list(beside)}


def test_a_network_touches_the_lines_under_which_it_stands() -> None:
    network = {"pt_object": {"id": "network:RER", "embedded_type": "network", "network": {"id": "network:RER"}}}
    nowhere = {"pt_object": {"id": "network:Y", "embedded_type": "network"}}
    strike = {"id": "s", "application_periods": [], "impacted_objects": [nowhere, network]}
    station = {
        "embedded_type": "stop_area",
        "id": "stop:1",
        "stop_area": {"links": [{"type": "disruption", "id": "s"}]},
    }
    other = {"id": "network:X", "embedded_type": "network",
             "network": {"id": "network:X", "links": [{"type": "disruption", "id": "s"}]}}  # fmt: skip
    reports = [
        reported("line:IDFM:C01742", "network:RER"),
        reported("line:IDFM:C01743", "network:RER", "s"),
        reported("line:IDFM:C01371", "network:RATP", beside=(station,)),
        reported("line:IDFM:C01376", "network:RATP", beside=(other,)),
    ]
    for body in ([strike], reports), ([slim(strike)], [slim(one) for one in reports]):
        found = read_response({"disruptions": body[0], "line_reports": body[1]})
        assert found is not None
        lines = found.lines_touched_by(found.disruptions[0], "s")
        assert sorted((line.label, whole) for line, whole in lines) == [
            ("Métro 6", True), ("RER A", True), ("RER B", True)
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("kinds", "found"),
    [
        (("line",), [("Métro 6", True)]),
        (("network",), [("Métro 6", True)]),
        (("line", "stop_point"), [("Métro 6", False)]),
        (("network", "stop_area"), [("Métro 6", False)]),
        (("line_section",), [("Métro 6", False)]),
        (("stop_area",), []),  # a lift
    ],
)
def test_in_bulk_an_object_stands_under_each_line_it_touches(kinds: tuple[str, ...], found: list[Any]) -> None:
    objects = [{"type": kind, "id": f"{kind}:1", "disruptionIds": ["a"]} for kind in kinds]
    line = {"id": "line:IDFM:C01376", "mode": "Metro", "shortName": "6", "impactedObjects": objects}
    response = read_response({"disruptions": [{"id": "a"}], "lines": [line]})
    assert response is not None
    assert [(one.label, whole) for one, whole in response.lines_touched_by({"id": "a"}, "a")] == found
    cut = {"id": "a", "impactedSections": [{"from": {}, "to": {}}]}
    assert [whole for _, whole in response.lines_touched_by(cut, "a")] == [False] * len(found)


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
