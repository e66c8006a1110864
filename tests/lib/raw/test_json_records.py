"""API pulls: every envelope, JSONL, and broken texts that cost only themselves."""

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from lib.figures.quality import Quality
from lib.raw import contents, json_records, json_stream
from lib.raw.envelopes import records
from lib.raw.json_records import read_bodies
from lib.raw.source_files import RawFile

ROWS = [{"id": 1, "nom": "été"}, {"id": 2, "nom": "hiver"}, {"id": 3, "nom": "é}{]["}]


@pytest.fixture(params=["whole", "in pieces"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A short file is decoded at once, a long one record by record: both read the same."""
    if request.param != "whole":
        monkeypatch.setattr(json_records, "READ_WHOLE", 0)
        monkeypatch.setattr(contents, "BLOCK", 7)
        monkeypatch.setattr(json_stream, "BATCH", 20)
        monkeypatch.setattr(json_records, "MEGABYTE", 40)
    return request.param


def read(path: Path, content: str | bytes) -> tuple[list[Any], Quality]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    quality = Quality()
    bodies = read_bodies([RawFile("", 0.0, path)], quality)
    return [record for _, _, body in bodies for record in records(body)], quality


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2, ensure_ascii=False),
        "\ufeff" + json.dumps({"total_count": 3, "results": ROWS}),
        json.dumps({"nhits": 3, "records": [{"recordid": "x", "fields": row} for row in ROWS]}),
        "\n".join(map(json.dumps, ROWS)),
        "\r\n".join(map(json.dumps, ROWS)) + "\r\n\r\n",
        "\n".join(json.dumps({"results": [row]}) for row in ROWS),
        json.dumps([{"results": ROWS[:1]}, {"results": ROWS[1:]}]),
        json.dumps([[{"results": ROWS[:1]}], ROWS[1:]]),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_every_envelope_holds_the_same_records(tmp_path: Path, text: str, zipped: bool) -> None:
    data = gzip.compress(text.encode()) if zipped else text.encode()
    found, quality = read(tmp_path / ("a.json.gz" if zipped else "a.json"), data)
    assert found == ROWS
    assert not quality.rejets


@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_broken_json_line_costs_itself_alone(tmp_path: Path, place: int) -> None:
    lines = [json.dumps(row) for row in ROWS]
    lines.insert(place, '{"id": 4, "nom": "tron')
    found, quality = read(tmp_path / "a.jsonl", "\n".join(lines))
    assert found == ROWS
    assert quality.rejets == {"json_illisible": 1}
    assert quality.kept_rejects[0].ligne == place + 1


@pytest.mark.parametrize("broken", [['1,"\\u0000",2', '{"a":[3', "4]}"], ["1,2", '{"a":[3', "4]}"]])
def test_lines_that_make_json_together_and_not_alone_are_broken(tmp_path: Path, broken: list[str]) -> None:
    found, quality = read(tmp_path / "a.jsonl", "\n".join([*map(json.dumps, ROWS), *broken]))
    assert found == ROWS
    assert quality.rejets == {"json_illisible": 3}


def test_blank_lines_without_end_are_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "READ_WHOLE", 0)
    monkeypatch.setattr(json_stream, "MOST_RECORDS", 2_000)
    monkeypatch.setattr(contents, "BLOCK", 1 << 16)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, ROWS)).encode() + b"\n" * 5_000_000, 1))
    tracemalloc.start()
    found, quality = read(path, path.read_bytes())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found, quality.rejets) == (ROWS, {"fichier_trop_gros": 1})
    assert peak < 50_000_000


def test_jsonl_of_which_each_second_line_is_broken_keeps_the_others(tmp_path: Path) -> None:
    broken = '{"id": 4, "nom": "tron'
    found, quality = read(
        tmp_path / "a.jsonl", "\n".join([broken, json.dumps(ROWS[0]), broken, *map(json.dumps, ROWS[1:])])
    )
    assert found == ROWS
    assert quality.rejets == {"json_illisible": 2}


@pytest.mark.parametrize("head", ["[", '{"results": [', "{\n", '{"a": [1,\n2], "results": ['])
def test_a_document_cut_after_a_record_of_its_own_line_keeps_its_records(tmp_path: Path, head: str) -> None:
    found, quality = read(tmp_path / "a.json", f"{head}\n" + ",\n".join(map(json.dumps, ROWS)) + "\n")
    assert found == ([] if head == "{\n" else ROWS)
    assert quality.rejets == {"json_illisible": 1}


@pytest.mark.parametrize("start", ['"nom": 1}', "[1, 2]}"])
def test_jsonl_that_lost_its_beginning_keeps_its_other_lines(tmp_path: Path, start: str) -> None:
    found, quality = read(tmp_path / "a.jsonl", "\n".join([start, *map(json.dumps, ROWS)]))
    assert found == ROWS
    assert quality.rejets == {"json_illisible": 1}


@pytest.mark.parametrize(
    "text",
    [
        '{"results": [{"id": 1},, {"id": 2}]}',
        '{"results": [{"id": 1} {"id": 2}]}',
        '{"results": [{"id": 1}, {"id": 2},]}',
        '{"results": [{"id": 1}, {"id": 2}],}',
        'HTTP/1.1 200 OK\r\n\r\n{"results": [{"id": 1}, {"id": 2}]}',
    ],
)
def test_damage_around_whole_records_loses_none(tmp_path: Path, text: str) -> None:
    found, quality = read(tmp_path / "a.json", text)
    assert found == [{"id": 1}, {"id": 2}]
    assert quality.rejets == {"json_illisible": 1}


def test_damage_before_the_list_loses_none_where_it_is_near(tmp_path: Path, way: str) -> None:
    found, quality = read(tmp_path / "a.json", '{"n: 3, "results": [{"id": 1}, {"id": 2}]}')
    assert found == ([{"id": 1}, {"id": 2}] if way == "whole" else [])  # the list must stand in the piece at hand
    assert quality.rejets == {"json_illisible": 1}


@pytest.mark.parametrize("text", ['{"hourly": {"time": [1]}, "lat', '{"hourly": {"time": [1]},}'])
def test_of_a_broken_response_without_a_list_of_records_nothing_is_taken(tmp_path: Path, text: str) -> None:
    found, quality = read(tmp_path / "a.json", text)
    assert found == []
    assert quality.rejets == {"json_illisible": 1}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("envelope", ["results", "features", "disruptions", "days"])
def test_a_truncated_response_keeps_its_whole_records(tmp_path: Path, indent: int | None, envelope: str) -> None:
    text = json.dumps({"total": 3, envelope: ROWS}, indent=indent)
    quality = Quality()
    path = tmp_path / "a.json"
    path.write_text(text[: text.index("hiver") + 2], encoding="utf-8")
    ((_, _, body),) = read_bodies([RawFile("", 0.0, path)], quality)
    assert body[envelope] == ROWS[:1]
    assert quality.rejets == {"json_illisible": 1}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.json", "", "fichier_vide"),
        ("a.json", "  \n", "fichier_vide"),
        ("a.json", "<!DOCTYPE html>\n<html>\n</html>", "fichier_illisible"),
        ("a.json", "[" * 200_000, "json_illisible"),
        ("a.json.gz", gzip.compress(b"[]" * 500, mtime=0)[:-9], "fichier_illisible"),
        ("a.json", "You have exceeded your quota.", "json_illisible"),
        ("a.json", '{"error": true, "reason": "Daily limit exceeded"}', "reponse_en_erreur"),
        ("a.json", json.dumps({"statusCode": 200, "body": '{"results": [{"id": 1'}), "reponse_en_erreur"),
        ("a.jsonl", f"[]\n{json.dumps('[cut')}", "reponse_en_erreur"),
    ],
)
def test_a_file_that_is_no_json_is_rejected_alone(tmp_path: Path, name: str, content: str | bytes, reason: str) -> None:
    (tmp_path / "b.json").write_text(json.dumps(ROWS), encoding="utf-8")
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    quality = Quality()
    files = [RawFile("", 0.0, tmp_path / name), RawFile("", 0.0, tmp_path / "b.json")]
    assert [record for _, _, body in read_bodies(files, quality) for record in records(body)] == ROWS
    assert quality.rejets == {reason: 1}


def test_numbers_are_never_cut_between_two_pieces(tmp_path: Path) -> None:
    numbers = [10**size + size for size in range(30)] + [-1.25e-300, 0.1]
    assert read(tmp_path / "a.json", json.dumps(numbers))[0] == numbers


@pytest.mark.parametrize("text", ['{"results": [{"id": 1}]} {"fin": 1}', '{"results": [{"id": 1}], "a" 3}'])
def test_what_follows_whole_records_is_rejected_once(tmp_path: Path, text: str) -> None:
    found, quality = read(tmp_path / "a.json", text)
    assert found == [{"id": 1}] and quality.rejets == {"json_illisible": 1}


def test_lists_that_belong_together_come_in_one_body(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    body = {"disruptions": ROWS, "context": {"a": [1]}, "lines": [{"id": "l1"}], "line_reports": []}
    path.write_text(json.dumps(body), encoding="utf-8")
    assert [one for _, _, one in read_bodies([RawFile("", 0.0, path)], Quality())] == [body]


def test_records_keep_their_numbers_and_what_stands_before_them(tmp_path: Path, way: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"latitude": 48.85, "days": ROWS}), encoding="utf-8")
    bodies = [(line, one) for _, line, one in read_bodies([RawFile("", 0.0, path)], Quality())]
    assert len(bodies) == (1 if way == "whole" else 3)
    assert [line + at for line, one in bodies for at in range(len(one["days"]))] == [1, 2, 3]
    assert {one["latitude"] for _, one in bodies} == {48.85}


def test_whole_lists_one_a_line_outlive_a_first_one_that_is_cut(tmp_path: Path) -> None:
    """A line may be a whole answer of an export: the cut one costs itself, not the others."""
    lines = "".join(f"{json.dumps([row])}\n" for row in ROWS)
    found, quality = read(tmp_path / "a.jsonl", '[{"id": 0}, {"id":\n' + lines)
    assert found == ROWS
    assert quality.rejets == {"json_illisible": 1}
