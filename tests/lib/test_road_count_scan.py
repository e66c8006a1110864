"""The lines of a day found by its text, and the days an export is about, read off its labels."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from lib.quality import Quality
from lib.raw_files import RawFile
from lib.road_count_scan import days_named
from lib.road_counts import read_day_rows
from tests.conftest import ARCS_HEADER, count_row, gz


def named(path: Path, content: str | bytes) -> set[str]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return days_named(RawFile("", 0.0, path))


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
