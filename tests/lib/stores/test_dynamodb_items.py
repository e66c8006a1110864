"""The item format against DynamoDB's documented rules, computed here a second time and in another way."""

import gzip
import json
import random
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given
from hypothesis import strategies as st

from lib.common.errors import ConfigError, StoreError
from lib.stores.document_summary import NAMES_KEPT
from lib.stores.documents import content_of, content_sha256, encode, pack
from lib.stores.dynamodb_items import (
    LIMIT,
    SHARED_ROOM,
    Item,
    document_of,
    item_of,
    item_size,
    pointer,
    shared_content,
)
from lib.stores.dynamodb_values import from_value

NOW = datetime(2025, 11, 5, 5, 0, tzinfo=UTC)

scalars = (
    st.none() | st.booleans() | st.integers(-(10**45), 10**45) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0.0, -0.0, 1, 1.0, 5e-324, 1e-130, 1.7976931348623157e308, 10**38, 10**38 - 1, 10**60, 2**63])
    | st.text(st.characters(exclude_categories=["Cs"]))
)  # fmt: skip
keys = st.text(
    st.characters(exclude_categories=["Cs"]),
) | st.sampled_from(["", "%", "*", "a/b", "~", "a.b", "0"])
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=25)


def metrics(body: Any, data_type: str = "bikes") -> dict[str, Any]:
    return {"metric_type": data_type, "date": "2025-11-04", "timestamp": "2025-11-05T05:00:00+00:00", "metrics": body}


def shown(item: Item) -> Any:
    """The metrics that other programs read in the item."""
    return from_value(item["metrics"])


def as_served(item: Item) -> Item:
    """The item as DynamoDB gives it back: numbers normalised, keys of a map in any order."""

    def served(value: dict[str, Any]) -> dict[str, Any]:
        kind, content = next(iter(value.items()))
        if kind == "N":
            number = Decimal(content)
            assert len(number.as_tuple().digits) <= 38
            assert not number or -130 <= number.adjusted() <= 125
            return {"N": f"{Context(prec=38).create_decimal(number).normalize(Context(prec=38)):f}"}
        if kind == "M":
            return {"M": {key: served(content[key]) for key in sorted(content, reverse=True)}}
        return {"L": [served(one) for one in content]} if kind == "L" else value

    return {name: served(value) for name, value in item.items()}


@given(st.dictionaries(keys, values))
def test_a_document_comes_back_as_it_was_to_the_last_sign(body: dict[str, Any]) -> None:
    document = metrics(body)
    item = as_served(item_of(document, NOW))
    assert json.dumps(document_of(item)) == json.dumps(document)  # the order of the keys too


def test_other_readers_see_keys_plain_numbers_and_a_map() -> None:
    item = item_of(metrics({"total": 12.0, "moyenne": 0.1, "n": 3, "vide": None, "tiny": 1e-300, "zero": -0.0}), NOW)
    read = {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
    assert read["metric_type"] == "bikes"
    assert read["date"] == "2025-11-04"
    assert read["metrics"] == {
        "total": Decimal(12), "moyenne": Decimal("0.1"), "n": Decimal(3), "vide": None, "tiny": 0, "zero": 0
    }  # fmt: skip
    assert list(read) == ["metric_type", "date", "timestamp", "metrics", "sha256", "ttl", "json_gz"]
    assert gzip.decompress(bytes(read["json_gz"])).startswith(b'{\n  "metric_type": "bikes",')
    assert datetime.fromtimestamp(int(read["ttl"]), UTC) == datetime(2026, 11, 5, 5, 0, tzinfo=UTC)


def test_the_same_document_is_the_same_item() -> None:
    assert item_of(metrics({"n": 1}), NOW) == item_of(metrics({"n": 1}), NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"b": {"N": "1.5"}},
        {"a": {"BOOL": True}},
        {"c": {"N": "3"}},
        {"l": {"L": [{"N": "2"}, {"N": "1"}]}},
        {"grand": {"N": "1361129467683753853853498429727072845900"}},
    ],
    ids=["number", "type", "more", "order", "the last digit that DynamoDB holds"],
)
def test_a_map_changed_by_another_program_is_refused(changed: Item) -> None:
    document = metrics({"b": 1.0, "a": 1, "l": [1, 2], "grand": 2**130})
    item = as_served(item_of(document, NOW))
    assert document_of(item) == document
    with pytest.raises(StoreError, match=r"« metrics » de bikes_.* a été modifié.*make check-upload REPAIR=1"):
        document_of(item | {"metrics": {"M": item["metrics"]["M"] | changed}})
    with pytest.raises(StoreError, match=r"incomplet.*make check-upload REPAIR=1"):
        document_of({name: value for name, value in item.items() if name != "metrics"})


@pytest.mark.parametrize(
    "spoilt",
    [
        {"sha256": {"S": "0" * 64}},
        {"date": {"S": "2025-11-05"}},
        {"json_gz": {"B": pack(encode(metrics({"a": 1.0})))}},
        {"json_gz": {"B": pack(encode(metrics({"a": 1})))[:-9]}},
        {"json_gz": {"B": pack(b"[1]")}},
        {"json_gz": {"B": pack(b"{}")[:10] + b"\xff" * 20}},
        {"json_gz": {"B": b"<html>"}},
    ],
    ids=["digest", "item of another day", "figure", "cut", "list", "spoilt", "foreign"],
)
def test_a_document_that_is_not_the_one_of_its_digest_is_refused(spoilt: Item) -> None:
    with pytest.raises(StoreError, match=r"n'est pas celui de son sha256.*make check-upload REPAIR=1"):
        document_of(item_of(metrics({"a": 1}), NOW) | spoilt)


@pytest.mark.parametrize(
    ("body", "size"),
    [
        ({}, 3),
        ({"a": None}, 3 + 1 + 1 + 1),
        ({"a": True, "b": False}, 3 + 2 * (1 + 1 + 1)),
        ({"é": "été"}, 3 + 1 + 2 + 5),
        ({"": "x"}, 3 + 1 + 1 + 1),  # no empty names: "%"
        ({"a": ""}, 3 + 1 + 1),
        ({"a": []}, 3 + 1 + 1 + 3),
        ({"a": [None, None]}, 3 + 1 + 1 + 3 + 2 * (1 + 1)),
        ({"a": 0}, 3 + 1 + 1 + 1),
        ({"a": 123}, 3 + 1 + 1 + 3),  # 1|23: two pairs and one byte
        ({"a": 1234000}, 3 + 1 + 1 + 4),  # the zeroes are trimmed; 1|23|4 would be three pairs
        ({"a": -7}, 3 + 1 + 1 + 3),
        ({"😀": {"b": "c"}}, 3 + 1 + 4 + (3 + 1 + 1 + 1)),
    ],
)
def test_sizes_worked_out_by_hand(body: dict[str, Any], size: int) -> None:
    assert item_size({"metrics": item_of(metrics(body), NOW)["metrics"]}) == len("metrics") + size


def documented_size(value: Any) -> tuple[int, int]:
    """(bytes by the guide's formulas, count of numbers), from the plain Python value and by Decimal."""
    if isinstance(value, bool) or value is None:
        return 1, 0
    if isinstance(value, str):
        return len(bytes(value, "utf-8")), 0
    if isinstance(value, dict | list):
        parts = [documented_size(one) for one in (value.values() if isinstance(value, dict) else value)]
        names = sum(len(bytes(key, "utf-8")) for key in value) if isinstance(value, dict) else 0
        return 3 + len(parts) + names + sum(size for size, _ in parts), sum(count for _, count in parts)
    digits = Decimal(repr(value)).normalize().as_tuple().digits
    return (len(digits) + 1) // 2 + 1, 1


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(-1e9, 1e9).filter(lambda x: not 0 < abs(x) < 1e-100)
    | st.text("aé€😀"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("aé€😀", min_size=1), inner),
    max_leaves=25,
)


@given(st.dictionaries(st.text("aé€😀", min_size=1), plain))
def test_sizes_are_those_of_the_guide_or_its_upper_bound(body: dict[str, Any]) -> None:
    size, numbers = documented_size(body)
    measured = item_size({"m": item_of(metrics(body), NOW)["metrics"]}) - 1
    assert size - numbers <= measured <= size + 2 * numbers  # a zero is one byte; a split pair and a sign one each


def test_the_digest_forgets_when_the_figures_were_computed_and_nothing_else() -> None:
    one, later = metrics({"a": 1, "b": 2.0}), metrics({"b": 2.0, "a": 1}) | {"timestamp": "2026-01-01T00:00:00+00:00"}
    assert content_sha256(one) == content_sha256(later)
    assert content_sha256(one) == content_sha256(json.loads(encode(one)))
    assert content_sha256(one) != content_sha256(metrics({"a": 1, "b": 2}))
    assert content_sha256(one) != content_sha256(metrics({"a": 1, "b": 2.0}, "traffic"))


@given(st.dictionaries(keys, values))
def test_one_walk_gives_both_digests_and_the_bytes_of_each_part(body: dict[str, Any]) -> None:
    document = metrics(body)
    content = content_of(document)
    assert content.digest == content_sha256(document)
    assert content.body_digest == content_sha256({"metrics": body})
    whole = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    assert sum(content.sizes.values()) == len(whole) - 1 - (not body)  # braces, and a comma less than parts
    report = {"report": body, "report_id": "daily_report_2025-11-04", "date": "2025-11-04", "timestamp": "t"}
    assert content_of(report).digest == content_sha256(report)


def arcs(count: int) -> dict[str, Any]:
    return {
        "global_metrics": {"debit_journalier_total": 12.0, "profil_horaire": [1.5] * 24},
        "metrics": [{"identifiant_arc": str(rank), "libelle": "Boulevard_Périphérique" * 8} for rank in range(count)],
        "top_10_troncons": [{"identifiant_arc": "1", "rang": 1}],
        "alertes_congestion": [{"identifiant_arc": "1", "severite": "grave"}],
    }


def test_a_large_document_leaves_its_summary_and_points_to_the_whole() -> None:
    document = metrics(arcs(3000), "comptages")
    item = item_of(document, NOW, "s3://un-bucket/reports/documents")
    assert item_size(item) <= LIMIT
    assert shown(item) == {name: value for name, value in arcs(1).items() if name != "metrics"}
    assert item["omitted"] == {"L": [{"S": "metrics"}]}
    digest = content_sha256(document)
    assert item["sha256"] == {"S": digest}
    body = content_sha256({"metrics": document["metrics"]})
    assert pointer(item) == f"s3://un-bucket/reports/documents/comptages_metrics.{body[:16]}.json.gz"
    assert document_of(item, shared_content(document)) == document
    assert document_of(item, pack(encode(document))) == document  # as objects were before


@pytest.mark.parametrize(
    "written",
    [
        encode(metrics({"a": 1.0, "é": ["x", {}]})),
        encode(metrics({"a": 1.0, "é": ["x", {}]})).replace(b"\n", b" "),  # as another program lays it out
        encode(metrics({"a": 2, "é": []})).replace(b'"metrics"', b'"metrics": {}, "metrics"'),
        json.dumps({"metrics": {"a": 1}, **metrics({"a": 1})}).encode(),
        b"",
    ],
)
def test_an_object_is_the_document_however_its_file_is_laid_out(written: bytes) -> None:
    document = json.loads(written or encode(metrics({"a": 1})))
    item = item_of(document, NOW, "s3://un-bucket", shared=True)
    assert document_of(item, shared_content(document, written)) == document


def test_days_of_the_same_content_point_to_one_object() -> None:
    monday, tuesday = (metrics(arcs(3000), "comptages") | {"date": f"2025-11-0{day}"} for day in (3, 4))
    items = [item_of(document, NOW, "s3://un-bucket", shared=True) for document in (monday, tuesday)]
    assert pointer(items[0]) == pointer(items[1])
    assert shared_content(monday) == shared_content(tuesday) == shared_content(tuesday, encode(tuesday))
    assert max(map(item_size, items)) <= SHARED_ROOM
    assert document_of(items[1], shared_content(monday)) == tuesday


def test_the_limit_is_met_to_the_byte() -> None:
    document = metrics({"a": "x" * 300_000})
    room = LIMIT - item_size(item_of(document, NOW)) - len("beside")
    item = item_of(document, NOW, beside={"beside": {"S": "x" * room}})
    assert item_size(item) == LIMIT
    assert not pointer(item)
    item = item_of(document, NOW, "s3://un-bucket", beside={"beside": {"S": "x" * (room + 1)}})
    assert item_size(item) <= LIMIT
    assert pointer(item)


def noise(size: int) -> dict[str, Any]:
    """What gzip makes no smaller than half."""
    return {"bruit": random.Random(1).randbytes(size // 2).hex(), "total": 1.0}


def test_a_map_that_has_room_stays_whole_and_only_its_json_goes_to_s3() -> None:
    document = metrics(noise(300_000))
    item = item_of(document, NOW, "s3://un-bucket")
    assert item_size(item) <= LIMIT
    assert item["omitted"] == {"L": []}
    assert "json_gz" not in item
    assert pointer(item)
    assert shown(item) == document["metrics"]
    assert document_of(item, pack(encode(document))) == document
    with pytest.raises(StoreError, match="modifié"):
        document_of(item | {"metrics": {"M": {}}}, pack(encode(document)))


@pytest.mark.parametrize(
    "changed",
    [
        {"global_metrics": {"M": {"debit_journalier_total": {"N": "13"}}}},
        {"top_10_troncons": {"L": []}},
        {"alertes_congestion": {"L": [{"M": {"identifiant_arc": {"S": "1"}}}]}},
        {"autre": {"N": "1"}},
    ],
    ids=["figure", "list", "record", "more"],
)
def test_a_summary_changed_by_another_program_is_refused(changed: Item) -> None:
    document = metrics(arcs(3000), "comptages")
    item = item_of(document, NOW, "s3://un-bucket")
    with pytest.raises(StoreError, match="modifié dans DynamoDB"):
        document_of(item | {"metrics": {"M": item["metrics"]["M"] | changed}}, pack(encode(document)))


def test_a_map_without_any_room_is_empty() -> None:
    assert shown(item_of(metrics({"a": "x" * LIMIT}), NOW, "s3://un-bucket")) == {}


def test_accents_count_as_the_bytes_they_are() -> None:
    assert pointer(item_of(metrics({"a": "é" * 300_000}), NOW, "s3://un-bucket"))  # 300 000 characters, 600 kB


def test_of_a_section_only_its_long_list_goes() -> None:
    report = {"chantiers": {"nombre": 3, "troncons_impactes": ["x" * 50] * 20_000}, "resume": {"phrase": "Mardi"}}
    document = {"report_id": "daily_report_2025-11-04", "date": "2025-11-04", "timestamp": "t", "report": report}
    item = item_of(document, NOW, "s3://un-bucket/reports/documents")
    assert from_value(item["report"]) == {"chantiers": {"nombre": 3}, "resume": {"phrase": "Mardi"}}
    assert document_of(item, pack(encode(document))) == document
    assert item["omitted"] == {"L": [{"S": "chantiers/troncons_impactes"}]}
    assert pointer(item) == item["report_s3"]["S"]


def test_a_section_far_too_large_does_not_take_the_others_with_it() -> None:
    lists = {f"liste_{rank}": ["x" * 50] * (6000 if rank == 0 else 4000) for rank in range(9)}
    item = item_of(metrics({"global_metrics": {"total": 1.0}, "section": lists | {"nombre": 9}}), NOW, "s3://un-bucket")
    kept = shown(item)
    assert kept["global_metrics"] == {"total": 1.0}
    assert kept.get("section", {"nombre": 9})["nombre"] == 9


@pytest.mark.parametrize(
    "body",
    [
        {f"cle_{rank}": rank + 0.5 for rank in range(30_000)},
        {f"section_{rank}": {"a": {"b": ["x" * 200_000]}} for rank in range(6)},
        {"mixte": [rank if rank % 2 else float(rank) for rank in range(120_000)]},
        {"k" * 60_000 + str(rank): "x" for rank in range(60)},
    ],
    ids=["flat", "nested", "numbers", "long names"],
)
def test_whatever_the_shape_the_summary_fits(body: dict[str, Any]) -> None:
    item = item_of(metrics(body), NOW, "s3://un-bucket")
    assert item_size(item) <= LIMIT
    assert pointer(item)
    assert 0 < len(item["omitted"]["L"]) <= NAMES_KEPT + 1


def test_a_large_document_without_a_bucket_is_a_setting_to_mend() -> None:
    with pytest.raises(ConfigError, match="S3_REPORTS_BUCKET"):
        item_of(metrics(arcs(3000)), NOW)


def test_an_object_of_another_version_is_refused() -> None:
    item = item_of(metrics(arcs(3000)), NOW, "s3://un-bucket")
    for content in (pack(encode(metrics(arcs(2999)))), pack(encode(metrics(arcs(3000))))[:-9], b"", b"<html>"):
        with pytest.raises(StoreError, match="make check-upload REPAIR=1"):
            document_of(item, content)


def nested(depth: int) -> dict[str, Any]:
    return {"a": nested(depth - 1)} if depth else {}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (nested(31), "niveaux"),
        ({"a": float("nan")}, "null"),
        ({"a": [float("-inf")]}, "null"),
        ({"a": {1, 2}}, "impossible à stocker"),
        ({"a": "\ud800"}, "impossible à stocker"),
        ({1: "a", "b": 2}, "impossible à stocker"),
    ],
    ids=["depth", "nan", "infinity", "set", "lone surrogate", "key"],
)
def test_what_cannot_be_stored_is_refused_by_name(body: dict[str, Any], message: str) -> None:
    with pytest.raises(StoreError, match=message) as refusal:
        item_of(metrics(body), NOW)
    assert "bikes" in str(refusal.value)


def test_thirty_levels_are_stored() -> None:
    assert document_of(item_of(metrics(nested(30)), NOW))["metrics"] == nested(30)


def test_an_item_of_somebody_else_is_refused() -> None:
    with pytest.raises(StoreError, match="incomplet"):
        document_of({"metric_type": {"S": "bikes"}, "date": {"S": "2025-11-04"}})
    foreign = item_of(metrics({"a": 1}), NOW) | {"metrics": {"M": {"a": {"SS": ["x"]}}}}
    with pytest.raises(StoreError, match="inattendu"):
        document_of(foreign)
    with pytest.raises(StoreError, match="inattendu"):
        document_of({name: value for name, value in foreign.items() if name != "json_gz"})
