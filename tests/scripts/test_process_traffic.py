"""Disruptions of a day: both raw forms, periods and clocks, lines, severity, reliability, pulls that come again."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from scripts.process_traffic import main
from tests.conftest import SAMPLES, Ran, RawTree, gz, needs_samples
from tests.support.cases import fewer_examples

DAY, NEXT = "2025-11-04", "2025-11-05"
PARIS = ZoneInfo("Europe/Paris")
NETWORK = 16 + 5 + 14  # métro lines with 3bis and 7bis, RER A to E, T1 to T13 with T3a and T3b
SERVICE = 19.75  # hours from 05:30 to 01:15
Run = Callable[..., Ran]
M6 = {
    "id": "line:IDFM:C01376", "code": "6", "name": "METRO 6",
    "commercial_mode": {"id": "commercial_mode:Metro", "name": "Métro"},
}  # fmt: skip
RER_B = {
    "id": "line:IDFM:C01743", "code": "B", "name": "RER B",
    "commercial_mode": {"id": "commercial_mode:RapidTransit", "name": "RER"},
}  # fmt: skip
BUS = {
    "id": "line:IDFM:C01254", "code": "272", "name": "272",
    "commercial_mode": {"id": "commercial_mode:Bus", "name": "Bus"},
}  # fmt: skip
BLOCKING = {"name": "bloquante", "effect": "NO_SERVICE", "color": "#FF0000", "priority": 0}
DISTURBED = {"name": "perturbée", "effect": "SIGNIFICANT_DELAYS", "color": "#EF662F", "priority": 30}
INFORMATION = {"name": "information", "effect": "OTHER_EFFECT", "color": "#FF0000", "priority": 60}


def navitia(
    identifier: str, *periods: tuple[str, str], lines: tuple[dict[str, Any], ...] = (M6,), **more: Any
) -> dict[str, Any]:
    """One disruption of the Navitia form; times are « 04T0800 » of 2025-11, or whole."""
    return {
        "id": identifier,
        "status": "active",
        "updated_at": "20251101T080000",
        "cause": "perturbation",
        "category": "Incidents",
        "severity": BLOCKING,
        "application_periods": [{"begin": moment(begin), "end": moment(end)} for begin, end in periods],
        "messages": [
            {"text": "<p>Trafic interrompu</p>", "channel": {"types": ["web"]}},
            {"text": "Incident", "channel": {"types": ["title"]}},
        ],
        "impacted_objects": [
            {"pt_object": {"id": line["id"], "name": line["name"], "embedded_type": "line", "line": line}}
            for line in lines
        ],
    } | more


def moment(text: str) -> str:
    return f"202511{text}00" if len(text) == 7 else text


def response(*disruptions: Any, **more: Any) -> dict[str, Any]:
    size = len(disruptions)
    page = {"start_page": 0, "items_per_page": 100, "items_on_page": size, "total_result": size}
    return {"pagination": page, "disruptions": list(disruptions), "line_reports": [], **more}


def figures(raw: RawTree, run: Run, *disruptions: Any, day: str = DAY) -> Any:
    raw.pull("traffic", day, "a.json", response(*disruptions), "23")
    ran = run(main, "--date", day, "--force")
    assert ran.code == 0, ran.err
    return raw.metrics("traffic", day)


def codes(metrics: Any) -> list[str]:
    return [one["code"] for one in metrics["qualite"]["avertissements"]]


def disturbed(metrics: Any) -> dict[str, float]:
    return {one["ligne"]: one["heures_perturbees"] for one in metrics["par_ligne"]}


def test_the_figures_of_a_day_by_hand(raw: RawTree, run: Run) -> None:
    metrics = figures(
        raw,
        run,
        navitia("a", ("04T0800", "04T1000"), ("04T0930", "04T1100"), cause="travaux"),  # 3 h in union
        navitia("b", ("04T1000", "04T1200"), severity=DISTURBED, lines=(M6, RER_B)),  # M6: 4 h in all; B: 2 h
        navitia("c", ("04T0000", "04T2359"), severity=INFORMATION, lines=(RER_B,)),
        navitia("d", ("04T0100", "04T0600"), severity=DISTURBED, lines=(BUS,)),  # half an hour of the service
        navitia("e", ("03T0800", "03T1000"), ("05T0200", "05T1000")),  # not that day, nor its service
    )
    assert metrics["nombre_perturbations"] == 4
    assert metrics["par_severite"] == {"bloquante": 1, "perturbée": 2, "information": 1}
    assert metrics["par_cause"] == {"perturbation": 3, "travaux": 1}
    assert metrics["par_mode"] == {"Métro": 2, "RER": 2, "Tram": 0, "Bus": 1, "sans ligne": 0}
    assert metrics["par_ligne"] == [
        {"ligne": "Métro 6", "id_ligne": "line:IDFM:C01376", "mode": "Métro", "nombre_perturbations": 2,
         "nombre_longue_duree": 0, "severite_max": "bloquante", "heures_perturbees": 4.0, "heures_bloquees": 3.0,
         "heures_hors_service": 0.0},
        {"ligne": "RER B", "id_ligne": "line:IDFM:C01743", "mode": "RER", "nombre_perturbations": 2,
         "nombre_longue_duree": 0, "severite_max": "perturbée", "heures_perturbees": 2.0, "heures_bloquees": 0.0,
         "heures_hors_service": 0.0},
        {"ligne": "Bus 272", "id_ligne": "line:IDFM:C01254", "mode": "Bus", "nombre_perturbations": 1,
         "nombre_longue_duree": 0, "severite_max": "perturbée", "heures_perturbees": 0.5, "heures_bloquees": 0.0,
         "heures_hors_service": 4.25},
    ]  # fmt: skip
    assert metrics["lignes_perturbees"] == {"Métro": 1, "RER": 1, "Tram": 0, "Bus": 1}
    assert metrics["reliability_index"] == round(100 * (1 - (4 + 2) / (NETWORK * SERVICE)), 2)
    assert metrics["reliability_par_mode"] == {
        "Métro": round(100 * (1 - 4 / (16 * SERVICE)), 2), "RER": round(100 * (1 - 2 / (5 * SERVICE)), 2), "Tram": 100.0
    }  # fmt: skip
    assert metrics["lignes_suivies"] == {"total": NETWORK, "par_mode": {"Métro": 16, "RER": 5, "Tram": 14}}
    assert metrics["heures_de_service"] == SERVICE
    assert [(one["rang"], one["ligne"]) for one in metrics["top_lignes_impactees"]] == [
        (1, "Métro 6"), (2, "RER B"), (3, "Bus 272")
    ]  # fmt: skip
    assert metrics["alerts"] == [
        {"ligne": "Métro 6", "id_ligne": "line:IDFM:C01376", "mode": "Métro", "titre": "Incident",
         "debut": "2025-11-04T08:00", "fin": "2025-11-04T11:00", "duree_heures": 3.0, "id": "a"}
    ]  # fmt: skip
    assert [one["id"] for one in metrics["perturbations"]] == ["a", "d", "b", "c"]
    assert metrics["perturbations"][0]["message"] == "Trafic interrompu"


@fewer_examples(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["2025-11-04", "2025-10-26", "2025-03-30"]),
    st.lists(st.tuples(st.integers(-1500, 3000), st.integers(0, 1500)), min_size=1, max_size=6),
)
def test_hours_are_the_union_of_the_periods_within_the_service_and_the_night_before(
    raw: RawTree, run: Run, day: str, spans: list[tuple[int, int]]
) -> None:
    start, first, last = (
        datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=PARIS) + timedelta(days=later)
        for clock, later in (("01:15", 0), ("05:30", 0), ("01:15", 1))
    )
    start, first, last = (one.astimezone(UTC) for one in (start, first, last))
    spoken = [(start + timedelta(minutes=begin), start + timedelta(minutes=begin + long)) for begin, long in spans]
    periods = [(f"{one:%Y%m%dT%H%M%SZ}", f"{two:%Y%m%dT%H%M%SZ}") for one, two in spoken]
    metrics = figures(raw, run, navitia("a", *periods), day=day)
    told = {start + timedelta(minutes=begin + n) for begin, long in spans for n in range(long)}
    hours = {"heures_perturbees": (first, last), "heures_hors_service": (start, first)}
    for line in metrics["par_ligne"] or [dict.fromkeys(hours, 0)]:
        for name, (begin, end) in hours.items():
            assert line[name] == round(sum(begin <= minute < end for minute in told) / 60, 2)


@pytest.mark.parametrize(
    ("day", "begin", "end", "hours", "outside"),
    [
        ("2025-10-26", "20251026T000000", "20251027T000000", 18.5, 5.25),  # 25 hours, 1.25 of the service before
        ("2025-10-26", "20251026T013000", "20251026T033000", 0.0, 3.0),
        ("2025-03-30", "20250330T000000", "20250331T000000", 18.5, 3.25),
        ("2025-03-30", "20250330T013000", "20250330T033000", 0.0, 1.0),
        ("2025-03-30", "20250330T021500", "20250330T033000", 0.0, 0.5),  # 02:15 never was
        ("2025-03-30", "20250330T024500", "20250330T053100", 0.02, 2.5),
        ("2025-11-04", "20251010T182100", "20251108T235900", 19.75, 4.25),
        ("2025-11-04", "20251104T220000", "99991231T235959", 3.25, 0.0),
        ("2025-11-04", "2025-11-04T21:00:00Z", "9999-12-31T23:59:59Z", 3.25, 0.0),
    ],
)
def test_compact_times_are_the_paris_clock(
    raw: RawTree, run: Run, day: str, begin: str, end: str, hours: float, outside: float
) -> None:
    (line,) = figures(raw, run, navitia("a", (begin, end)), day=day)["par_ligne"]
    assert (line["heures_perturbees"], line["heures_hors_service"]) == (hours, outside)


def test_the_reliability_is_that_of_the_service_until_a_quarter_past_one(raw: RawTree, run: Run) -> None:
    metrics = figures(raw, run, navitia("a", ("05T0030", "05T0500")))
    assert (metrics["nombre_perturbations"], metrics["perturbations"]) == (0, [])
    assert metrics["reliability_index"] == round(100 * (1 - 0.75 / (NETWORK * SERVICE)), 2)
    assert disturbed(metrics) == {"Métro 6": 0.75}
    assert [(one["debut"], one["fin"]) for one in metrics["alerts"]] == [("2025-11-05T00:30", "2025-11-05T01:15")]


def test_what_lies_wholly_outside_the_service_is_said_and_disturbs_no_line(raw: RawTree, run: Run) -> None:
    metrics = figures(raw, run, navitia("a", ("04T0130", "04T0500")))
    (line,) = metrics["par_ligne"]
    assert (line["heures_perturbees"], line["heures_hors_service"]) == (0.0, 3.5)
    assert (metrics["reliability_index"], metrics["alerts"], metrics["lignes_perturbees"]["Métro"]) == (100.0, [], 0)


def stop(identifier: str = "stop_point:1") -> dict[str, Any]:
    return {"pt_object": {"id": identifier, "embedded_type": "stop_point"}}


def test_an_interruption_is_a_line_that_does_not_run(raw: RawTree, run: Run) -> None:
    hours = ("04T0800", "04T1000")
    skipped = navitia("skipped", hours)
    skipped["impacted_objects"].append(stop())
    metrics = figures(
        raw,
        run,
        skipped,
        navitia("title", hours, title="Bus 272 : Arrêt(s) non desservi(s)", lines=(BUS,)),
        navitia("words", hours, title="Métro 13 : Travaux - Arrêts non desservis", lines=()),
        navitia("closed", hours, title="Station fermée", impacted_objects=[stop()]),
        navitia("strike", hours, title="RER B : Trafic interrompu", lines=(RER_B,)),
        navitia("said", hours, title="Métro 4 : Trafic interrompu", lines=()),
    )
    decided = {one["id"]: one["severite"] for one in metrics["perturbations"]}
    assert {name for name, severity in decided.items() if severity == "bloquante"} == {"strike", "said"}
    assert {one["effet"] for one in metrics["perturbations"]} == {"NO_SERVICE"}
    assert metrics["par_severite"] == {"bloquante": 2, "perturbée": 4, "information": 0}
    assert {one["ligne"]: one["heures_bloquees"] for one in metrics["par_ligne"]} == {
        "Métro 4": 2.0, "Métro 6": 0.0, "Métro 13": 0.0, "RER B": 2.0, "Bus 272": 0.0
    }  # fmt: skip
    assert [one["ligne"] for one in metrics["alerts"]] == ["Métro 4", "RER B"]


def test_a_disruption_may_interrupt_a_line_and_skip_stops_of_another(raw: RawTree, run: Run) -> None:
    both = navitia("a", ("04T0800", "04T1000"), lines=(M6, RER_B))
    both["impacted_objects"][1]["impacted_section"] = {"from": {"id": "x"}, "to": {"id": "y"}}
    metrics = figures(raw, run, both)
    assert {one["ligne"]: (one["severite_max"], one["heures_bloquees"]) for one in metrics["par_ligne"]} == {
        "Métro 6": ("bloquante", 2.0), "RER B": ("perturbée", 0.0)
    }  # fmt: skip


def test_what_extends_over_more_than_thirty_days_is_a_list_of_its_own_and_in_no_index(raw: RawTree, run: Run) -> None:
    metrics = figures(
        raw,
        run,
        navitia("works", ("20251001T000000", "20251201T000000"), title="Métro 6 : Travaux"),
        navitia("nights", ("20251004T220000", "20251004T230000"), ("04T2200", "04T2300"), lines=(BUS,)),
        navitia("open", ("20250901T000000", "99991231T235959"), lines=(RER_B,)),
        navitia("month", ("20251006T000000", "04T2300"), severity=DISTURBED),  # less than that
    )
    assert (metrics["nombre_perturbations"], metrics["nombre_longue_duree"]) == (4, 3)
    assert sorted(one["id"] for one in metrics["longue_duree"]) == ["nights", "open", "works"]
    assert {one["id"] for one in metrics["perturbations"] if one["longue_duree"]} == {"nights", "open", "works"}
    assert disturbed(metrics) == {"Métro 6": 17.5, "RER B": 0.0, "Bus 272": 0.0}
    assert [one["nombre_longue_duree"] for one in metrics["par_ligne"]] == [1, 1, 1]
    assert metrics["lignes_perturbees"] == {"Métro": 1, "RER": 0, "Tram": 0, "Bus": 0}
    assert (metrics["alerts"], [one["ligne"] for one in metrics["top_lignes_impactees"]]) == ([], ["Métro 6"])
    assert metrics["reliability_par_mode"]["RER"] == 100.0


@pytest.mark.parametrize("buses", [0, 1, 40])
def test_the_reliability_does_not_depend_on_how_many_buses_a_pull_names(raw: RawTree, run: Run, buses: int) -> None:
    many = [
        navitia(f"b{number}", ("04T0600", "04T2300"), lines=(BUS | {"id": f"line:B{number}", "code": str(number)},))
        for number in range(buses)
    ]
    metrics = figures(raw, run, navitia("a", ("04T0800", "04T1000"), severity=DISTURBED), *many)
    assert metrics["reliability_index"] == round(100 * (1 - 2 / (NETWORK * SERVICE)), 2)
    assert metrics["lignes_perturbees"]["Bus"] == buses


def test_messages_that_repeat_a_disruption_are_one(raw: RawTree, run: Run) -> None:
    hours = ("04T0800", "04T1000")
    same = {"title": "Métro 6 : Travaux"}
    metrics = figures(
        raw,
        run,
        navitia("a", hours, severity=DISTURBED, **same),
        navitia("b", hours, title="MÉTRO 6 : Travaux"),  # the worst of both is kept
        navitia("other line", hours, lines=(RER_B,), **same),
        navitia("other hours", ("04T0800", "04T1001"), **same),
        navitia("other title", hours, title="Métro 6 : Colis suspect"),
        navitia("lift", hours, impacted_objects=[stop("stop_area:1")], tags=["Ascenseur"], title="Ascenseur"),
        navitia("lift too", hours, impacted_objects=[stop("stop_area:2")], tags=["Ascenseur"], title="Ascenseur"),
    )
    told = {one["id"]: (one["nombre_messages"], one["severite"]) for one in metrics["perturbations"]}
    assert told == {
        "a": (2, "bloquante"), "other line": (1, "bloquante"), "other hours": (1, "bloquante"),
        "other title": (1, "bloquante"), "lift": (1, "perturbée"), "lift too": (1, "perturbée"),
    }  # fmt: skip
    assert metrics["nombre_perturbations"] == len(told)
    assert {one["ligne"]: one["nombre_perturbations"] for one in metrics["par_ligne"]} == {"Métro 6": 3, "RER B": 1}
    account = metrics["qualite"]
    assert (account["lignes_lues"], account["lignes_retenues"], account["doublons"]) == (7, 6, 1)


def network(identifier: str = "network:IDFM:71") -> dict[str, Any]:
    return {"pt_object": {"id": identifier, "embedded_type": "network", "network": {"id": identifier}}}


def test_a_network_touches_the_lines_of_all_pages_under_which_it_stands(raw: RawTree, run: Run) -> None:
    strike = navitia("strike", ("04T0000", "05T0200"), impacted_objects=[network()], title="Mouvement social")
    for number, line in enumerate((M6, RER_B)):
        report = {"line": line | {"network": {"id": "network:IDFM:71"}}, "pt_objects": []}
        page = {"start_page": number, "items_per_page": 1, "items_on_page": 1, "total_result": 2}
        raw.pull("traffic", DAY, f"{number}.json", response(strike, line_reports=[report], pagination=page))
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("traffic", DAY)
    assert {one["ligne"]: one["heures_bloquees"] for one in metrics["par_ligne"]} == {"Métro 6": 19.75, "RER B": 19.75}
    assert (metrics["qualite"]["statut"], codes(metrics)) == ("complet", [])


def test_a_network_of_which_no_line_is_known_is_said(raw: RawTree, run: Run) -> None:
    metrics = figures(raw, run, navitia("s", ("04T0800", "04T0900"), impacted_objects=[network()], title="Grève"))
    assert codes(metrics) == ["reseau_sans_ligne"]
    assert metrics["qualite"]["avertissements"][0]["exemples"] == ["Grève"]
    assert metrics["qualite"]["statut"] == "partiel"  # its lines are on strike, and 100 % reliable


@pytest.mark.parametrize(
    ("effect", "span"),
    [("OTHER_EFFECT", ("04T0800", "04T0900")), ("DETOUR", ("20250101T000000", "20261231T000000"))],
)
def test_what_takes_no_hours_from_a_network_leaves_the_day_complete(
    raw: RawTree, run: Run, effect: str, span: tuple[str, str]
) -> None:
    plan = navitia("s", span, impacted_objects=[network()], title="Plan", severity={"effect": effect})
    assert figures(raw, run, plan)["qualite"]["statut"] == "complet"


@pytest.mark.parametrize("status", ["past", "active", "future", None])
def test_the_periods_decide_not_the_status(raw: RawTree, run: Run, status: str | None) -> None:
    metrics = figures(
        raw,
        run,
        navitia("a", ("04T0800", "04T0900"), status=status),
        navitia("b", ("05T0200", "05T0900"), status=status),
    )
    assert [one["id"] for one in metrics["perturbations"]] == ["a"]


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        ({"name": "x", "effect": "NO_SERVICE", "priority": 60}, "bloquante"),
        ({"name": "bloquante", "effect": "OTHER_EFFECT", "priority": 0}, "information"),
        ({"name": "Perturbée", "effect": "UNKNOWN_EFFECT"}, "perturbée"),
        ({"priority": 0}, "bloquante"),
        ({"priority": 30}, "perturbée"),
        ({"priority": 60}, "information"),
        ("BLOQUANTE", "bloquante"),
        ("PERTURBEE", "perturbée"),
    ],
)
def test_effect_then_name_then_a_lower_priority_is_worse(
    raw: RawTree, run: Run, severity: object, expected: str
) -> None:
    metrics = figures(raw, run, navitia("a", ("04T0800", "04T0900"), severity=severity))
    assert metrics["perturbations"][0]["severite"] == expected
    assert "severite_inconnue" not in codes(metrics)


def test_a_disruption_without_severity_is_an_information_and_said(raw: RawTree, run: Run) -> None:
    metrics = figures(raw, run, navitia("a", ("04T0800", "04T0900"), severity=None))
    assert metrics["par_severite"] == {"bloquante": 0, "perturbée": 0, "information": 1}
    assert codes(metrics) == ["severite_inconnue"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Ligne 6 : trafic ralenti", ["Métro 6"]),
        ("Métro 13 interrompu", ["Métro 13"]),
        ("Le RER B est perturbé", ["RER B"]),
        ("Tram T3a : manifestation", ["Tram T3a"]),
        ("Bus 6 : déviation de la ligne 6", []),
        ("Panne d'un ascenseur", []),
    ],
)
def test_lines_named_in_the_text_are_a_fallback(raw: RawTree, run: Run, text: str, lines: list[str]) -> None:
    messages = [{"text": text, "channel": {"types": ["title"]}}]
    metrics = figures(
        raw,
        run,
        navitia("a", ("04T0800", "04T0900"), lines=(), messages=messages),
        navitia("b", ("04T0800", "04T0900"), lines=(BUS,), messages=messages),
    )
    told = {one["id"]: one["lignes"] for one in metrics["perturbations"]}
    assert told == {"a": lines, "b": ["Bus 272"]}


def test_a_lift_touches_no_line(raw: RawTree, run: Run) -> None:
    station = {"id": "stop_area:IDFM:65110", "name": "Nation", "embedded_type": "stop_area"}
    lift = navitia(
        "a", ("04T0000", "04T2359"), tags=["Ascenseur"], impacted_objects=[{"pt_object": station}],
        messages=[{"text": "NATION Métro 6 : panne de l'ascenseur", "channel": {"types": ["title"]}}],
    )  # fmt: skip
    metrics = figures(raw, run, lift)
    assert metrics["par_mode"] == {"Métro": 0, "RER": 0, "Tram": 0, "sans ligne": 1}
    assert (metrics["par_ligne"], metrics["reliability_index"], metrics["alerts"]) == ([], 100.0, [])


def prim(identifier: str, begin: str, end: str, severity: str = "BLOQUANTE") -> dict[str, Any]:
    return {
        "id": identifier, "applicationPeriods": [{"begin": moment(begin), "end": moment(end)}],
        "lastUpdate": "20251101T080000", "cause": "TRAVAUX", "severity": severity, "tags": ["Actualité"],
        "title": "Métro 6 : Travaux", "message": "<p>Trafic <b>interrompu</b>&nbsp;entre deux stations.</p>",
    }  # fmt: skip


def prim_body() -> dict[str, Any]:
    def touched(kind: str, identifier: str, *ids: str) -> dict[str, Any]:
        return {"type": kind, "id": identifier, "name": "x", "disruptionIds": list(ids)}

    return {
        "lastUpdatedDate": "2025-11-04T22:00:00Z",
        "disruptions": [prim("a", "04T0800", "04T1000"), prim("lift", "04T0000", "04T2300", "PERTURBEE")
                        | {"title": "Ascenseur en panne", "message": ""}],
        "lines": [
            {"id": "line:IDFM:C01376", "name": "6", "shortName": "6", "mode": "Metro", "networkId": "n",
             "impactedObjects": [touched("line", "line:IDFM:C01376", "a"), touched("stop_area", "stop:1", "lift")]},
            {"id": "line:IDFM:C01254", "name": "272", "shortName": "272", "mode": "Bus", "networkId": "n",
             "impactedObjects": []},
        ],
    }  # fmt: skip


def test_the_prim_form_gives_the_same_day(raw: RawTree, run: Run) -> None:
    raw.pull("traffic", DAY, "a.json", prim_body(), "23")
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("traffic", DAY)
    assert disturbed(metrics) == {"Métro 6": 2.0}
    assert metrics["par_mode"] == {"Métro": 1, "RER": 0, "Tram": 0, "sans ligne": 1}
    first = metrics["perturbations"][0]
    assert (first["titre"], first["message"]) == ("Métro 6 : Travaux", "Trafic interrompu entre deux stations.")
    assert first["cause"] == "travaux"


@pytest.mark.parametrize("form", ["json", "gz", "jsonl_responses", "jsonl_records", "no_hour_folder"])
def test_every_envelope_gives_the_same_day(raw: RawTree, run: Run, form: str) -> None:
    one, two = navitia("a", ("04T0800", "04T0900")), navitia("b", ("04T1000", "04T1100"))
    contents = {
        "gz": ("a.json.gz", gz(json.dumps(response(one, two)))),
        "jsonl_responses": ("a.jsonl", f"{json.dumps(response(one))}\n{json.dumps(response(two))}\n"),
        "jsonl_records": ("a.jsonl", f"{json.dumps(one)}\n{json.dumps(two)}"),
    }
    name, content = contents.get(form, ("a.json", json.dumps(response(one, two))))
    raw.pull("traffic", DAY, name, content, None if form == "no_hour_folder" else "23")
    assert run(main, "--date", DAY).code == 0
    assert disturbed(raw.metrics("traffic", DAY)) == {"Métro 6": 2.0}


@pytest.mark.parametrize(
    "body", [{"error": {"id": "no_solution"}, "disruptions": []}, {"error": {"id": "no_solution"}}]
)
def test_an_empty_answer_is_a_normal_day(raw: RawTree, run: Run, body: dict[str, Any]) -> None:
    raw.pull("traffic", DAY, "a.json", body)
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("traffic", DAY)
    assert (metrics["nombre_perturbations"], metrics["reliability_index"]) == (0, 100.0)
    assert metrics["par_severite"] == {"bloquante": 0, "perturbée": 0, "information": 0}
    assert metrics["qualite"]["statut"] == "complet"
    assert metrics["qualite"]["avertissements"] == []


def test_the_newest_pull_wins_and_nothing_counts_twice(raw: RawTree, run: Run) -> None:
    raw.pull("traffic", DAY, "a.json", response(navitia("a", ("04T0800", "04T0900"), severity=DISTURBED)), "07")
    raw.pull("traffic", NEXT, "a.json", response(navitia("a", ("04T0800", "04T1130"))), "06")
    raw.pull("traffic", DAY, "b.json", response(navitia("a", ("04T0800", "04T1000"))), "18")
    raw.pull("traffic", "2025-11-06", "a.json", response())  # silence says nothing
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("traffic", DAY)
    assert metrics["nombre_perturbations"] == 1
    assert disturbed(metrics) == {"Métro 6": 3.5}
    assert (metrics["qualite"]["doublons"], metrics["qualite"]["lignes_lues"]) == (2, 3)


def test_a_revision_under_a_new_id_replaces_the_earlier_ones(raw: RawTree, run: Run) -> None:
    """On real captures each revision has a new id (made when it says it was updated) and the same disruption_id."""

    def revision(identifier: str, end: str, made: str, line: dict[str, Any] = M6) -> dict[str, Any]:
        return navitia(identifier, ("04T0800", end), lines=(line,), disruption_id="D", updated_at=moment(made))

    both = revision("r2", "04T1000", "04T0810"), revision("r2bis", "04T0900", "04T0810", RER_B)
    raw.pull("traffic", DAY, "a.json", response(revision("r1", "04T1400", "04T0755")), "08")
    raw.pull("traffic", DAY, "b.json", response(*both), "12")
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("traffic", DAY)
    assert [one["id"] for one in metrics["perturbations"]] == ["r2", "r2bis"]
    assert disturbed(metrics) == {"Métro 6": 2.0, "RER B": 1.0}
    assert (metrics["qualite"]["lignes_retenues"], metrics["qualite"]["doublons"]) == (2, 1)


def test_far_later_pulls_add_and_correct_but_do_not_erase(raw: RawTree, run: Run) -> None:
    raw.pull(
        "traffic", DAY, "a.json", response(navitia("a", ("04T0800", "04T0900")), navitia("b", ("04T0800", "04T0900")))
    )
    late = response(
        navitia("a", ("04T0800", "04T1000")),
        navitia("b", ("20251219T080000", "20251219T090000")),
        navitia("c", ("04T1100", "04T1200"), lines=(RER_B,)),
        navitia("d", ("20251219T080000", "20251219T090000"), lines=(BUS,)),
        {"severity": BLOCKING},
    )
    raw.pull("traffic", "2025-12-20", "a.json", late)
    raw.pull("traffic", "2025-12-21", "a.json", "rien")
    raw.pull("traffic", "2025-10-01", "a.json", response(navitia("old", ("20251001T000000", "20301231T000000"))))
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("traffic", DAY)
    assert sorted(one["id"] for one in metrics["perturbations"]) == ["a", "b", "c"]
    assert disturbed(metrics) == {"Métro 6": 2.0, "RER B": 1.0}
    assert metrics["qualite"]["rejets"] == {}
    assert metrics["qualite"]["statut"] == "complet"


def test_pulls_made_before_the_day_know_half_of_it(raw: RawTree, run: Run) -> None:
    raw.pull("traffic", "2025-11-02", "a.json", response(navitia("a", ("04T0800", "04T0900"))))
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("traffic", DAY)
    assert (metrics["qualite"]["statut"], codes(metrics)) == ("partiel", ["releve_anterieur"])
    assert disturbed(metrics) == {"Métro 6": 1.0}


def test_a_page_of_several_is_said(raw: RawTree, run: Run) -> None:
    page = {"total_result": 60, "start_page": 0, "items_per_page": 25, "items_on_page": 25}
    raw.pull("traffic", DAY, "a.json", response(pagination=page))
    ran = run(main, "--date", DAY)
    assert codes(raw.metrics("traffic", DAY)) == ["pages_manquantes"]
    assert "25 éléments sur 60" in ran.err
    for number, size in ((1, 25), (2, 10)):
        more = {"pagination": page | {"start_page": number, "items_on_page": size}}
        raw.pull("traffic", DAY, f"{number}.json", response(**more))
    assert run(main, "--date", DAY).code == 0
    assert codes(raw.metrics("traffic", DAY)) == []


def test_a_day_of_which_most_pages_are_missing_is_partial(raw: RawTree, run: Run) -> None:
    page = {"total_result": 100, "start_page": 0, "items_per_page": 25, "items_on_page": 25}
    raw.pull("traffic", DAY, "a.json", response(pagination=page))
    assert run(main, "--date", DAY).code == 0
    account = raw.metrics("traffic", DAY)["qualite"]
    assert (account["statut"], account["couverture"]) == ("partiel", 0.25)
    whole = page | {"total_result": 25}
    raw.pull("traffic", NEXT, "a.json", response(pagination=whole), "05")  # whole, and no longer names what ended
    assert run(main, "--date", DAY).code == 0
    assert raw.metrics("traffic", DAY)["qualite"]["couverture"] == 0.25
    ended = navitia("a", ("04T0800", "04T0900"))
    raw.pull("traffic", NEXT, "a.json", response(ended, pagination=page | {"total_result": 97, "items_on_page": 97}))
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("traffic", DAY)
    assert (metrics["qualite"]["statut"], metrics["qualite"]["couverture"]) == ("complet", 0.97)
    assert codes(metrics) == ["pages_manquantes"]  # the cut answer of the day is said all the same


def pages(size: int, total: int) -> dict[str, Any]:
    return {"pagination": {"start_page": 0, "items_per_page": 25, "items_on_page": size, "total_result": total}}


ENDED = ("04T0800", "04T0900")
LASTS = ("04T0800", "06T0900")


@pytest.mark.parametrize(
    ("pulls", "status", "warned"),
    [
        ({f"{DAY}/a": response()}, "complet", []),
        ({f"{DAY}/a": pages(1, 40) | {"disruptions": []}, f"{DAY}/b": pages(1, 1) | {"disruptions": []}},
         "partiel", ["pages_manquantes"]),
        ({f"{DAY}/a": {"disruptions": [navitia("a", ENDED)]}}, "partiel", ["aucun_releve_entier"]),  # an extract
        ({f"{DAY}/a": navitia("a", ENDED)}, "partiel", ["aucun_releve_entier"]),
        ({f"{NEXT}/a": response(navitia("a", LASTS))}, "partiel", ["aucun_releve_entier"]),
        ({f"{NEXT}/a": response(navitia("a", ENDED))}, "complet", []),
        ({f"{NEXT}/a": pages(1, 40) | {"disruptions": [navitia("a", ENDED)]}}, "partiel", ["pages_manquantes"]),
        ({f"{NEXT}/line_reports_{DAY}_060000_p00": response()}, "complet", []),  # asked about the day
        ({f"{DAY}/line_reports_2025-11-03_060000_p00": response()}, "partiel", ["aucun_releve_entier"]),
        ({f"{DAY}/a": "<html>", "2025-11-03/a": response()},
         "partiel", ["releve_anterieur", "fichiers_inutilisables"]),
        ({f"{DAY}/a": "<html>", f"{DAY}/b": response()}, "complet", ["fichiers_inutilisables"]),
        ({f"{DAY}/a": json.dumps(response(navitia("a", ENDED)))[:-90]},
         "partiel", ["aucun_releve_entier", "fichiers_inutilisables"]),
        ({f"{DAY}/a": json.dumps(pages(25, 40) | {"disruptions": [3]})[:-2], f"{DAY}/b": response()},
         "partiel", ["pages_manquantes", "aucun_releve_entier"]),
        ({f"{DAY}/a": {"lastUpdatedDate": "2025-11-04T12:00:00Z", "disruptions": [], "lines": []}}, "complet", []),
    ],
)  # fmt: skip
def test_a_day_is_complete_when_an_answer_about_it_is_whole(
    raw: RawTree, run: Run, pulls: dict[str, Any], status: str, warned: list[str]
) -> None:
    for place, body in pulls.items():
        day, name = place.split("/")
        raw.pull("traffic", day, f"{name}.json", body)
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("traffic", DAY)
    assert (metrics["qualite"]["statut"], codes(metrics)) == (status, warned)


def test_two_days_fetched_in_one_hour_do_not_mix_their_pages(raw: RawTree, run: Run) -> None:
    page = {"total_result": 60, "start_page": 0, "items_per_page": 25, "items_on_page": 25}
    for number, size in ((0, 25), (1, 25), (2, 10)):
        body = response(pagination=page | {"start_page": number, "items_on_page": size})
        raw.pull("traffic", NEXT, f"line_reports_2025-11-03_060000_p{number:02}.json", body)
    for number, size in ((0, 25), (1, 5)):
        body = response(pagination=page | {"total_result": 30, "start_page": number, "items_on_page": size})
        raw.pull("traffic", NEXT, f"line_reports_2025-11-04_060010_p{number:02}.json", body)
    assert run(main, "--date", DAY).code == 0
    assert codes(raw.metrics("traffic", DAY)) == []
    assert raw.metrics("traffic", DAY)["qualite"]["statut"] == "complet"


def test_bad_records_cost_only_themselves(raw: RawTree, run: Run) -> None:
    good = navitia("a", ("04T0800", "04T0900"), ("04T1000", "demain"), ("04T1300", "04T1200"))
    hour = ("04T0800", "04T0900")
    bad = [
        3, None, {"severity": BLOCKING}, navitia("b"), navitia("c", ("x", "y")),
        navitia("d", hour, severity=3, messages={}, impacted_objects=3, cause={"a": 1}, tags="x"),
        navitia("e", hour, impacted_objects=[3, {"pt_object": None}], messages=[{"text": 3}]),
        navitia("f", hour, lines=(), cause="incident \ud83d"),
    ]  # fmt: skip
    odd = {"pagination": {"items_on_page": 1, "total_result": 1, "start_page": "x"}, "context": 3, "lines": 3}
    raw.pull("traffic", DAY, "a.json", json.dumps(response(good, *bad) | odd))
    raw.pull("traffic", DAY, "b.json", '{"disruptions": [{"id": "z"')
    raw.pull("traffic", DAY, "c.json", {"message": "Unauthorized"})
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("traffic", DAY)
    assert sorted(one["id"] for one in metrics["perturbations"]) == ["a", "d", "e", "f"]
    assert disturbed(metrics) == {"Métro 6": 1.0}
    assert metrics["qualite"]["rejets"] == {
        "identifiant_absent": 3, "json_illisible": 1, "periode_illisible": 2, "periode_inversee": 1,
        "periodes_absentes": 1, "reponse_en_erreur": 1,
    }  # fmt: skip
    assert "Unauthorized" in raw.rejects("traffic", DAY)


def test_a_day_of_which_nothing_could_be_read_has_no_reliability(raw: RawTree, run: Run) -> None:
    raw.pull("traffic", DAY, "a.json", response(navitia("a"), navitia("b", ("x", "y"))))
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("traffic", DAY)
    assert (metrics["qualite"]["statut"], metrics["reliability_index"]) == ("absent", None)
    assert metrics["reliability_par_mode"] == {"Métro": None, "RER": None, "Tram": None}


def test_a_truncated_file_keeps_its_whole_disruptions(raw: RawTree, run: Run) -> None:
    text = json.dumps(response(navitia("a", ("04T0800", "04T0900")), navitia("b", ("04T0800", "04T1200"))))
    raw.pull("traffic", DAY, "a.json", text[: text.index('"id": "b"') + 300])
    assert run(main, "--date", DAY).code == 0
    assert disturbed(raw.metrics("traffic", DAY)) == {"Métro 6": 1.0}


def test_a_day_without_data_names_the_pulls_that_are_there(raw: RawTree, run: Run) -> None:
    assert run(main, "--date", DAY).code == 4
    raw.pull("traffic", "2025-10-01", "a.json", response(navitia("a", ("20251001T080000", "20251001T090000"))))
    ran = run(main, "--date", DAY)
    assert ran.code == 4
    assert "Jours présents (1) : 2025-10-01" in ran.err
    raw.pull("traffic", DAY, "a.json", "<html>")
    assert run(main, "--date", DAY).code == 1  # there is an input, and it cannot be used


def test_the_same_input_gives_the_same_bytes(raw: RawTree, run: Run) -> None:
    path, seen = raw.output / "metrics" / f"traffic_metrics_{DAY}.json", []
    for _ in range(2):
        figures(
            raw, run, navitia("a", ("04T0801", "04T0907"), lines=(RER_B, M6, BUS)), navitia("b", ("04T0800", "05T0900"))
        )
        document = json.loads(path.read_text())
        document.pop("timestamp")
        seen.append(json.dumps(document))
    assert seen[0] == seen[1]


def overlap(record: dict[str, Any], day: date) -> float:
    """Hours of the union of a record's periods within the civil day, by plain arithmetic minute by minute."""
    start = datetime.combine(day, datetime.min.time())
    minutes = set()
    for period in record["application_periods"]:
        begin, end = (datetime.strptime(period[name], "%Y%m%dT%H%M%S") for name in ("begin", "end"))
        first, last = max((begin - start).total_seconds(), 0), min((end - start).total_seconds(), 86400)
        minutes |= set(range(int(first), int(last)))
    return len(minutes) / 3600


@needs_samples
def test_the_real_capture_of_2024_04_30(raw: RawTree, run: Run) -> None:
    sample = SAMPLES / "trafic" / "navitia_line_reports_2024-04-30.json"
    raw.pull("traffic", "2024-04-30", "a.json", sample.read_bytes(), "05")
    assert run(main, "--date", "2024-04-30").code == 0
    day = date(2024, 4, 30)
    told = {one["id"]: one for one in json.loads(sample.read_text())["disruptions"]}
    hours = {identifier: overlap(one, day) for identifier, one in told.items()}
    active = {identifier: one for identifier, one in told.items() if hours[identifier]}
    metrics = raw.metrics("traffic", "2024-04-30")
    assert len(active) == 19  # one of them is « future » for the capture, made at 05:23, and in force from 07:00
    (twice,) = (one["id"] for one in metrics["perturbations"] if one["nombre_messages"] == 2)
    repeated = {one for one in active if "C01254" in json.dumps(told[one]["impacted_objects"])}
    assert len(repeated) == 2 and twice in repeated  # two messages on the stops of Bus 272 that are not served
    active = {identifier: one for identifier, one in active.items() if identifier not in repeated - {twice}}
    assert {one["id"] for one in metrics["perturbations"]} == set(active)
    assert metrics["par_severite"] == {"bloquante": 1, "perturbée": 17, "information": 0}
    (strike,) = (one for one in metrics["perturbations"] if one["severite"] == "bloquante")
    assert (strike["titre"], len(strike["lignes"])) == ("Journée du 30 Avril 2024 Maj 04h40", 34)
    assert sum(one["severity"]["effect"] == "NO_SERVICE" for one in active.values()) == 2  # the other skips stops
    assert {one["id"][:8] for one in metrics["perturbations"] if not one["longue_duree"]} == {"c12d8fa8", "f7588214"}
    assert (metrics["reliability_index"], metrics["lignes_perturbees"]["Bus"]) == (100.0, 34)
    assert metrics["par_cause"] == Counter(one["cause"] for one in active.values())
    for one in metrics["perturbations"]:
        assert one["heures_dans_le_jour"] == pytest.approx(hours[one["id"]], abs=0.01)
    lines: dict[str, set[str]] = {}
    for identifier, one in active.items():
        for touched in one["impacted_objects"]:
            target = touched["pt_object"]
            if target["embedded_type"] == "line":
                lines.setdefault(target["id"], set()).add(identifier)
    assert {one["id_ligne"]: one["nombre_perturbations"] for one in metrics["par_ligne"]} == {
        line: len(ids) for line, ids in lines.items()
    }
    lifts = [one for one in active.values() if "Ascenseur" in (one.get("tags") or [])]
    assert metrics["par_mode"]["sans ligne"] == len(lifts) == 8
    assert codes(metrics) == ["pages_manquantes"]
    assert (metrics["qualite"]["statut"], metrics["qualite"]["couverture"]) == ("partiel", 0.0239)  # 25 of 1 048
    assert run(main, "--date", "2024-06-15").code == 0  # long after, the works that last are still known, in part
    assert raw.metrics("traffic", "2024-06-15")["qualite"]["statut"] == "partiel"


@needs_samples
def test_the_real_empty_answer(raw: RawTree, run: Run) -> None:
    raw.pull("traffic", "2011-07-10", "a.json", (SAMPLES / "trafic" / "navitia_line_reports_vide.json").read_bytes())
    assert run(main, "--date", "2011-07-10").code == 0
    metrics = raw.metrics("traffic", "2011-07-10")
    assert (metrics["nombre_perturbations"], metrics["qualite"]["statut"]) == (0, "complet")
    assert metrics["qualite"]["rejets"] == {}


def test_no_clock_is_read(raw: RawTree, run: Run) -> None:
    """A day long gone and one to come are read alike."""
    for day in ("2019-02-28", "2031-02-28"):
        compact = day.replace("-", "")
        metrics = figures(raw, run, navitia("a", (f"{compact}T080000", f"{compact}T090000")), day=day)
        assert disturbed(metrics) == {"Métro 6": 1.0}
