"""The storage contract of lib/database_service, kept by every store: one suite, three stores, real sockets."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from lib.common.errors import StoreError
from lib.common.settings import STORES, load_settings
from lib.database_factory import get_database_service
from lib.database_service import DatabaseService
from tests.conftest import RawTree
from tests.support.cases import fewer_examples

DAY = date(2025, 11, 4)

numbers = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([1, 1.0, 0.0, -0.0, 2**53 + 1, 2**63 - 1, 2**63, -(2**70), 10**40, 1e22, 1e-300, 0.1 + 0.2])
)
texts = st.text(st.characters(exclude_categories=["Cs"]))
keys = texts | st.sampled_from(["", "a.b", "$ref", "$id", "%24", "a/b", "*", "_id"])
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner) | st.dictionaries(keys, inner),
    max_leaves=15,
)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, raw: RawTree) -> Iterator[DatabaseService]:
    """An empty store; its server is only started for the stores that have one."""
    server = {"mongodb": "mongo", "dynamodb": "aws"}.get(request.param)
    if server:
        request.getfixturevalue(server)
    with get_database_service(load_settings({"CITYFLOW_STORE": request.param})) as opened:
        yield opened


def same(one: Any, other: Any) -> bool:
    """Equal to the last sign and the last .0, keys in the same order."""
    return json.dumps(one) == json.dumps(other)


@given(body=st.dictionaries(keys, values))
@fewer_examples(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_saved_is_what_is_loaded(store: DatabaseService, body: dict[str, Any]) -> None:
    store.save_metrics(body, "bikes", DAY)
    assert same(store.load_metrics("bikes", DAY), body)
    store.save_report(body, DAY)
    assert same(store.load_report(DAY), body)


@pytest.mark.parametrize(
    "body",
    [
        {"total": 1.0, "nombre": 1, "taux": 0.1, "vide": None, "vrai": True, "entiers": [1, 2.0, 3]},
        {"libelle": "Périphérique — boulevard de l’Hôpital", "été": "æ😀", "chaine_vide": ""},
        {"liste": [], "objet": {}, "listes": [[], [{}], [[1.0], [None]]]},
        {"grand": 2**64, "petit": -(2**64), "immense": 10**300, "infime": 5e-324, "moins_zéro": -0.0},
        {"a.b": {"$set": {"": "%", "%2E": 1.0}}, "$ref": "c", "$id": 1},
        {},
    ],
    ids=["numbers", "accents", "empty", "out of range", "keys", "nothing"],
)
def test_exact_round_trip(store: DatabaseService, body: dict[str, Any]) -> None:
    store.save_metrics(body, "bikes", DAY)
    assert same(store.load_metrics("bikes", DAY), body)


def test_thirty_levels(store: DatabaseService) -> None:
    body: dict[str, Any] = {"fond": 1.0}
    for _ in range(14):
        body = {"carte": [body]}
    store.save_report(body, DAY)
    assert same(store.load_report(DAY), body)


def test_missing_is_none(store: DatabaseService) -> None:
    assert store.load_metrics("bikes", DAY) is None
    assert store.load_report(DAY) is None
    assert store.get_latest_metrics("bikes") is None
    assert store.list_available_dates("bikes") == []
    assert store.query_metrics_by_date_range("bikes", DAY, DAY) == []


def test_saving_again_replaces_the_whole(store: DatabaseService) -> None:
    store.save_metrics({"a": 1, "b": {"c": 2, "d": 3}}, "bikes", DAY)
    store.save_metrics({"b": {"c": 4}}, "bikes", DAY)
    assert store.load_metrics("bikes", DAY) == {"b": {"c": 4}}
    assert store.list_available_dates("bikes") == [DAY]
    store.save_report({"a": 1}, DAY)
    store.save_report({"b": 2}, DAY)
    assert store.load_report(DAY) == {"b": 2}


def test_types_and_days_do_not_mix(store: DatabaseService) -> None:
    store.save_metrics({"n": 1}, "bikes", DAY)
    store.save_metrics({"n": 2}, "traffic", DAY)
    store.save_metrics({"n": 3}, "bikes", DAY + timedelta(days=1))
    store.save_report({"n": 4}, DAY)
    assert store.load_metrics("bikes", DAY) == {"n": 1}
    assert store.load_metrics("traffic", DAY) == {"n": 2}
    assert store.list_available_dates("traffic") == [DAY]
    assert store.load_report(DAY) == {"n": 4}


def test_ranges_have_both_ends_and_go_forward(store: DatabaseService) -> None:
    days = [date(2024, 12, 31), date(2025, 1, 1), date(2025, 1, 9), date(2025, 1, 10), date(2025, 2, 1)]
    for day in reversed(days):
        store.save_metrics({"jour": day.isoformat(), "n": float(day.day)}, "weather", day)
    found = store.query_metrics_by_date_range("weather", days[1], days[3])
    assert [document["date"] for document in found] == ["2025-01-01", "2025-01-09", "2025-01-10"]
    assert same(found[0]["metrics"], {"jour": "2025-01-01", "n": 1.0})
    assert {"metric_type", "date", "timestamp", "metrics"} == set(found[0])
    assert store.query_metrics_by_date_range("weather", days[3], days[1]) == []
    assert store.list_available_dates("weather") == days


def test_the_latest_day_whatever_was_saved_last(store: DatabaseService) -> None:
    for day in (date(2025, 11, 3), date(2025, 11, 5), date(2025, 11, 4)):
        store.save_metrics({"jour": day.day}, "bikes", day)
    latest = store.get_latest_metrics("bikes")
    assert latest is not None
    assert (latest["metric_type"], latest["date"], latest["metrics"]) == ("bikes", "2025-11-05", {"jour": 5})


def big_body(rows: int = 4000) -> dict[str, Any]:
    arc = {"libelle": "Boulevard_Périphérique_extérieur" * 4, "debit": 12.0, "heures": 24, "taux": None}
    return {"global_metrics": {"total": 1.0}, "metrics": [{"identifiant_arc": str(row), **arc} for row in range(rows)]}


def test_a_600_kb_document(store: DatabaseService) -> None:
    body = big_body()
    assert len(json.dumps(body)) > 600_000
    store.save_metrics(body, "comptages", DAY)
    store.save_report(body, DAY)
    assert same(store.load_metrics("comptages", DAY), body)
    assert same(store.load_report(DAY), body)
    assert same(store.query_metrics_by_date_range("comptages", DAY, DAY)[0]["metrics"], body)
    store.save_metrics({"n": 1}, "comptages", DAY)  # from large to small
    assert store.load_metrics("comptages", DAY) == {"n": 1}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_nan_and_infinity_are_refused_and_the_former_figures_stay(store: DatabaseService, number: float) -> None:
    store.save_metrics({"n": 1.0}, "bikes", DAY)
    with pytest.raises(StoreError, match="NaN ou un infini doit devenir null"):
        store.save_metrics({"n": [number]}, "bikes", DAY)
    with pytest.raises(StoreError, match="daily_report_2025-11-04"):
        store.save_report({"n": {"m": number}}, DAY)
    assert same(store.load_metrics("bikes", DAY), {"n": 1.0})
    assert store.load_report(DAY) is None


@pytest.mark.parametrize("body", [{"n": {1, 2}}, {"n": DAY}, {"n": b"x"}, {"n": "\ud800"}])
def test_what_is_not_json_is_refused(store: DatabaseService, body: dict[str, Any]) -> None:
    with pytest.raises(StoreError, match="impossible à stocker"):
        store.save_metrics(body, "bikes", DAY)


@pytest.mark.parametrize("data_type", ["", "Bikes", "../bikes", "bikes/x", "vélos", "bikes\n", "x" * 60])
def test_a_bad_type_name_is_refused(store: DatabaseService, data_type: str) -> None:
    with pytest.raises(StoreError, match="type de métrique"):
        store.save_metrics({"n": 1}, data_type, DAY)


@pytest.mark.parametrize("kind", ["mongodb", "dynamodb"])
def test_nothing_is_sent_when_refused(kind: str, raw: RawTree, request: pytest.FixtureRequest) -> None:
    """No server is there at all: the refusal comes before anybody is asked."""
    nowhere = replace(
        load_settings({"CITYFLOW_STORE": kind}),
        mongodb_url="mongodb://127.0.0.1:1",
        aws_endpoint_url="http://127.0.0.1:1",
    )
    with get_database_service(nowhere) as store, pytest.raises(StoreError, match="null"):
        store.save_metrics({"n": float("nan")}, "bikes", DAY)


def test_another_opening_sees_what_was_saved(store: DatabaseService, request: pytest.FixtureRequest) -> None:
    store.save_metrics({"n": 1.0}, "bikes", DAY)
    kind = request.node.callspec.params["store"]
    with get_database_service(load_settings({"CITYFLOW_STORE": kind})) as again:
        assert same(again.load_metrics("bikes", DAY), {"n": 1.0})
