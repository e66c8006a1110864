"""Which days a road-count export is about, read off its labels."""

from pathlib import Path

import pytest

from lib.raw_files import RawFile
from lib.road_count_scan import days_named
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
