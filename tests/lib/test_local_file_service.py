"""Files as a store: exact names and bytes, copies and broken files of others, nothing half-read."""

import errno
import json
import os
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.common.errors import StoreError
from lib.common.paris_time import machine_now
from lib.local_file_service import LocalFileService

DAY = date(2025, 11, 4)
TEXT = st.text(st.characters(exclude_categories=("Cs",)))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_what_was_saved_is_what_is_loaded(tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]) -> None:
    store = LocalFileService(tmp_path_factory.mktemp("store"))
    store.save_metrics(document, "bikes", DAY)
    store.save_report(document, DAY)
    for loaded in (store.load_metrics("bikes", DAY), store.load_report(DAY)):
        assert loaded == document
        assert list(loaded) == list(document)


def test_names_and_bytes_are_those_of_the_contract(tmp_path: Path) -> None:
    store = LocalFileService(tmp_path)
    store.save_metrics({"total_jour": 1.5, "nom": "Évêché", "rien": None}, "bikes", DAY)
    store.save_report({"resume": {}}, DAY)
    text = (tmp_path / "metrics" / "bikes_metrics_2025-11-04.json").read_text(encoding="utf-8")
    document = json.loads(text)
    assert list(document) == ["metric_type", "date", "timestamp", "metrics"]
    assert text.endswith('"nom": "Évêché",\n    "rien": null\n  }\n}\n')
    assert abs(datetime.fromisoformat(document["timestamp"]) - machine_now()).total_seconds() < 60
    report = json.loads((tmp_path / "reports" / "daily_report_2025-11-04.json").read_bytes())
    assert list(report) == ["report_id", "date", "timestamp", "report"]
    assert (report["report_id"], report["date"]) == ("daily_report_2025-11-04", "2025-11-04")


def test_missing_is_none_or_empty(tmp_path: Path) -> None:
    store = LocalFileService(tmp_path / "nowhere")
    assert store.load_metrics("bikes", DAY) is None
    assert store.load_report(DAY) is None
    assert store.get_latest_metrics("bikes") is None
    assert store.list_available_dates("bikes") == []
    assert store.query_metrics_by_date_range("bikes", DAY, DAY) == []
    assert not (tmp_path / "nowhere").exists()


def test_days_are_listed_oldest_first_without_other_peoples_files(tmp_path: Path) -> None:
    store = LocalFileService(tmp_path)
    days = [date(2025, 11, 4), date(2024, 2, 29), date(2025, 1, 1)]
    for day in days:
        store.save_metrics({"jour": day.isoformat()}, "bikes", day)
    store.save_metrics({}, "bikes_old", date(2020, 1, 1))
    for name in ("bikes_metrics_2025-11-05 (1).json", "bikes_metrics_2025-11-06.json.bak", "bikes_metrics_.json"):
        (tmp_path / "metrics" / name).write_text("{}", encoding="utf-8")
    assert store.list_available_dates("bikes") == sorted(days)
    found = store.query_metrics_by_date_range("bikes", date(2024, 2, 29), date(2025, 1, 1))
    assert [document["date"] for document in found] == ["2024-02-29", "2025-01-01"]
    latest = store.get_latest_metrics("bikes")
    assert latest is not None
    assert latest["metrics"] == {"jour": "2025-11-04"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), date(2025, 1, 1), "\ud800"])
def test_what_json_cannot_hold_is_refused_and_the_old_file_kept(tmp_path: Path, value: object) -> None:
    store = LocalFileService(tmp_path)
    store.save_metrics({"a": 1}, "bikes", DAY)
    with pytest.raises(StoreError, match="bikes du 2025-11-04 contient une valeur impossible"):
        store.save_metrics({"a": value}, "bikes", DAY)
    assert store.load_metrics("bikes", DAY) == {"a": 1}


@pytest.mark.parametrize("data_type", ["", "../bikes", "Bikes", "bikes.json"])
def test_a_type_that_is_no_word_is_refused(tmp_path: Path, data_type: str) -> None:
    with pytest.raises(StoreError, match="type de métrique"):
        LocalFileService(tmp_path).save_metrics({}, data_type, DAY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"metrics": 1}', b'{"report": {}}', b"\xff\xfe", b"[" * 100_000]
)
def test_a_file_that_is_none_of_ours_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "metrics" / "bikes_metrics_2025-11-04.json"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"bikes_metrics_2025-11-04\.json .*Le supprimer et relancer ce jour"):
        LocalFileService(tmp_path).load_metrics("bikes", DAY)


def test_a_file_copied_from_another_day_is_not_taken_for_this_one(tmp_path: Path) -> None:
    store, before = LocalFileService(tmp_path), date(2025, 11, 3)
    store.save_metrics({"total_jour": 1}, "bikes", before)
    store.save_report({"resume": {}}, before)
    store.metrics_path("bikes", before).rename(store.metrics_path("bikes", DAY))
    store.report_path(before).rename(store.report_path(DAY))
    said = "est le document du 2025-11-03, copié ou renommé. Le supprimer et relancer ce jour"
    with pytest.raises(StoreError, match=said):
        store.load_metrics("bikes", DAY)
    with pytest.raises(StoreError, match=said):
        store.load_report(DAY)
    with pytest.raises(StoreError, match=said):
        store.get_latest_metrics("bikes")


def test_a_record_is_one_line_and_what_holds_records_is_indented(tmp_path: Path) -> None:
    arcs = [{"arc": "1", "debits": [1, None, 2.5], "point": {"lat": 48.8}}, {"arc": "é", "debits": []}]
    metrics = {"total": 3, "profil": [1, 2], "vide": {}, "rien": [], "x": {"arcs": arcs, "bords": [[1, 2], [3]]}}
    files = LocalFileService(tmp_path)
    files.save_metrics(metrics, "bikes", date(2025, 11, 4))
    lines = files.metrics_path("bikes", date(2025, 11, 4)).read_text(encoding="utf-8").splitlines()
    assert lines[4:] == [
        '  "metrics": {',
        '    "total": 3,',
        '    "profil": [1,2],',
        '    "vide": {},',
        '    "rien": [],',
        '    "x": {',
        '      "arcs": [',
        '        {"arc":"1","debits":[1,null,2.5],"point":{"lat":48.8}},',
        '        {"arc":"é","debits":[]}',
        "      ],",
        '      "bords": [',
        "        [1,2],",
        "        [3]",
        "      ]",
        "    }",
        "  }",
        "}",
    ]
    assert files.load_metrics("bikes", date(2025, 11, 4)) == metrics


def test_results_that_may_not_be_read_name_the_owner_and_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    folder = tmp_path / "metrics"
    folder.mkdir()
    os.chown(folder, 65534, -1)
    store = LocalFileService(tmp_path)
    monkeypatch.setattr(Path, "read_bytes", refused)
    monkeypatch.setattr(os, "listdir", refused)
    for read in (lambda: store.load_metrics("bikes", DAY), lambda: store.list_available_dates("bikes")):
        with pytest.raises(StoreError, match=r"accès refusé.*est à nobody : sudo chown -R root "):
            read()
