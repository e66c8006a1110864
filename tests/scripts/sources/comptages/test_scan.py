"""The lines of a day found by its text, and the days an export is about, read off its labels."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from lib.common.errors import InputError, SearchError
from lib.figures.quality import Quality
from lib.raw.source_files import RawFile
from scripts.sources.comptages.export import SAMPLE, open_export
from scripts.sources.comptages.records import read_day_rows
from scripts.sources.comptages.scan import days_named, one_pass, rows_of_day
from scripts.sources.comptages.search import search
from scripts.sources.comptages.worker import Job
from tests.conftest import ARCS_HEADER, count_row, gz
from tests.scripts.sources.comptages.kept_lines import lines_of


def named(path: Path, content: str | bytes) -> set[str]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return days_named([RawFile("", 0.0, path)]) or set()


@pytest.mark.parametrize(
    ("label", "day"),
    [
        ("2025-11-04T01:00:00+01:00", "2025-11-04"),
        ("2025-11-05T00:00:00+01:00", "2025-11-04"),  # closes the last hour of the day before
        ("2025-11-05 00:00:00", "2025-11-04"),
        ("2025-11-04T23:00:00+00:00", "2025-11-04"),
        ("2025-11-04T23:00:00Z", "2025-11-04"),
        ("2025-11-05T00:00:00Z", "2025-11-05"),
        ("2025-11-04T18:00:00-05:00", "2025-11-04"),
        ("2025-11-04T19:00:00-0500", "2025-11-05"),
    ],
)
def test_a_label_names_the_day_of_the_hour_it_closes(tmp_path: Path, label: str, day: str) -> None:
    assert named(tmp_path / "a.csv", "\n".join([ARCS_HEADER, count_row("1", label, 5)])) == {day}


def test_only_labels_name_a_day(tmp_path: Path) -> None:
    rows = [count_row("1", "2025-11-04T10:00:00+01:00"), count_row("1", "2025-13-04T10:00:00"), "2025-11-08;bientôt"]
    text = "\n".join([ARCS_HEADER, *rows])  # date_debut and date_fin of a row, 2005 and 2019, are no label
    assert named(tmp_path / "a.csv.gz", gz(text)) == {"2025-11-04"}
    assert named(tmp_path / "b.csv", ARCS_HEADER) == set()
    assert named(tmp_path / "c.json", '[{"t_1h": "2025-11-04T10:00:00Z", "date_fin": "2025-11-02"}]') == {"2025-11-04"}


@pytest.mark.parametrize("offset", ["+00:00", "-04:00", "+05:30", "-0400", "+14:00"])
def test_a_day_is_found_whole_on_any_clock(tmp_path: Path, offset: str) -> None:
    zone = datetime.fromisoformat(f"2025-11-04T00:00:00{offset}").tzinfo
    clock = datetime(2025, 11, 3, 12, tzinfo=UTC)
    labels = [(clock + timedelta(hours=hour)).astimezone(zone).isoformat() for hour in range(48)]
    (tmp_path / "a.csv").write_text("\n".join([ARCS_HEADER, *(count_row("1", label, 5) for label in labels)]))
    rows = read_day_rows(RawFile("", 0.0, tmp_path / "a.csv"), date(2025, 11, 4), Quality())
    assert sorted(rows["heure"]) == list(range(24))


def test_a_stamp_cut_by_the_sample_is_none_of_another_clock(tmp_path: Path) -> None:
    row = count_row("1", "2025-11-04T10:00:00+01:00", 5)
    for begun in range(len(row)):  # bytes of the last row that are within the sample
        filling = "x" * ((SAMPLE - begun) % (len(row) + 1))
        rows = [count_row(filling, "2025-11-04T09:00:00+01:00"), *[row] * (SAMPLE // len(row) + 2)]
        (tmp_path / "a.csv").write_text("\n".join([ARCS_HEADER, *rows]))
        assert open_export(RawFile("", 0.0, tmp_path / "a.csv")).near


LABELS = [f"2025-11-{day:02}T{hour:02}:00:00+01:00" for day in (3, 4, 5, 6) for hour in range(24)]
ODD = [
    count_row("9", "2025-11-05T00:00:00+01:00").removesuffix('"'),
    count_row("8", "2025-11-04"),
    count_row("7", "2025-11-05T09:00:00+01:00", libelle="depuis 2025-11-04T10:00"),
    count_row("6", "2025-11-05T00:30:00+01:00", 5),
    "2025-11-04T10:00;;2025-11-05T10:00",
    count_row("5", "2025-11-04T23:00:00+00:00", 5),
]


def export(path: Path) -> RawFile:
    rows = [count_row(str(arc), label, arc) for label in reversed(LABELS) for arc in range(3)]
    text = "\r\n".join([ARCS_HEADER, *ODD, *rows])
    path.write_bytes(gz(text) if path.suffix == ".gz" else text.encode())
    return RawFile("", 0.0, path)


@pytest.fixture
def by_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have processes search each file, however small."""
    monkeypatch.setattr("scripts.sources.comptages.scan.Job", partial(Job, alone=0))


def shown(raw: RawFile, day: date) -> tuple[list, list, list]:
    """The offsets, columns and rejects of a day."""
    rows = rows_of_day(raw, day)
    return rows.offsets.tolist(), [column.tolist() for column in rows.columns], rows.rejects


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("buffer", [1 << 10, 1 << 22])
@pytest.mark.parametrize("alone", [0, 1 << 20])
def test_many_days_in_one_pass_are_the_days_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, buffer: int, alone: int
) -> None:
    monkeypatch.setattr("scripts.sources.comptages.scan.Job", partial(Job, alone=alone))
    monkeypatch.setattr("scripts.sources.comptages.scan.WIDE_BUFFER", buffer)
    raw = export(tmp_path / name)
    days = [date(2025, 11, day) for day in range(2, 9)]
    single = [shown(raw, day) for day in days]
    with one_pass([raw], days):
        raw.path.unlink()  # nothing is read a second time
        assert [shown(raw, day) for day in days] == single
    assert [len(offsets) for offsets, *_ in single[:4]] == [3, 3 * 24, 3 * 24 + 2, 3 * 24 + 2]
    assert [len(rejects) for *_, rejects in single[:4]] == [0, 0, 2, 1]


@pytest.mark.usefixtures("by_processes")
def test_one_pass_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "kept"))
    (tmp_path / "kept").mkdir()
    with one_pass([export(tmp_path / "a.csv")], [date(2025, 11, 4)]):
        assert list((tmp_path / "kept").rglob("2025-11-04.*"))
    assert not list((tmp_path / "kept").iterdir())


@pytest.mark.usefixtures("by_processes")
def test_a_temporary_folder_cleared_meanwhile_is_an_error_not_a_day_without_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    raw, days = export(tmp_path / "a.csv"), [date(2025, 11, 3), date(2025, 11, 4)]
    with one_pass([raw], days):
        for path in tmp_path.glob("cityflow-*/2025-11-04.*"):
            path.unlink()
        assert len(rows_of_day(raw, days[0]).offsets) == 3 * 24
        with pytest.raises(SearchError, match=r"2025-11-04 mises de côté dans .* ont disparu"):
            rows_of_day(raw, days[1])


def test_a_file_that_cannot_be_read_is_said_of_each_day(tmp_path: Path) -> None:
    broken = export(tmp_path / "a.csv.gz")
    broken.path.write_bytes(broken.path.read_bytes()[:-200])
    days, calls = [date(2025, 11, 4), date(2025, 11, 5)], []
    with one_pass([broken], days):
        for day in days:
            with pytest.raises(InputError, match="illisible") as caught:
                rows_of_day(broken, day)
            calls.append(len(caught.traceback))
    assert calls[0] == calls[1], "what a day had at hand is not kept by the error of the next"


def test_a_file_that_grows_gives_the_lines_begun_before(tmp_path: Path) -> None:
    raw = export(tmp_path / "a.csv")
    job = Job(open_export(raw), (date(2025, 11, 4),))
    with raw.path.open("a") as stream:
        stream.write(" ;but;cut\r\n" + count_row("99", "2025-11-04T10:00:00+01:00", 5))
    (found,) = search(job)
    assert not any(line.startswith(b"99;") for _, line in lines_of(found.batches(date(2025, 11, 4))))


def test_a_small_file_needs_no_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    assert len(rows_of_day(export(tmp_path / "a.csv"), date(2025, 11, 4)).offsets) == 3 * 24 + 2
