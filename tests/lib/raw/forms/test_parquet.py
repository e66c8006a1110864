"""A Parquet file is read as the CSV of the same export (with pyarrow: requirements-parquet.txt)."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import shapely

from lib.common.errors import InputError
from lib.raw.contents import read_bytes
from scripts import process_bikes, process_comptages
from tests.conftest import RawTree

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed (requirements-parquet.txt)")
DAY = "2025-11-04"


def written(path: Path, columns: dict[str, Any]) -> Path:
    import pyarrow.parquet as parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(columns), path)
    return path


def test_times_places_and_shapes_are_text(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.parquet",
        {
            "t": pa.array([datetime(2025, 11, 4, 9)], pa.timestamp("us")),
            "u": pa.array([datetime(2025, 11, 4, 9, tzinfo=UTC)], pa.timestamp("ms", "UTC")),
            "q": [12.5],
            "point": [{"lon": 2.35, "lat": 48.85}],
            "shape": [shapely.to_wkb(shapely.LineString([(2.35, 48.85), (2.36, 48.85)]))],
            "nom": ["Rue « ; »"],
            "rien": pa.array([None], pa.string()),
        },
    )
    header, row = read_bytes(path).decode().splitlines()
    assert header.replace('"', "") == "t;u;q;point;shape;nom;rien"
    for text in ("2025-11-04T09:00:00", "2025-11-04T09:00:00+0000", "12.5", "Rue « ; »", "48.85,2.35", "LineString"):
        assert text in row


def test_road_counts_and_bikes_of_a_parquet(raw: RawTree, run: Any) -> None:
    hours = [datetime(2025, 11, 3, 23, tzinfo=UTC) + timedelta(hours=hour) for hour in range(24)]
    written(
        raw.root / "batch" / "comptages-routiers-permanents.PARQUET",
        {
            "iu_ac": ["7"] * 24, "libelle": ["Rue_A"] * 24, "t_1h": [hour + timedelta(hours=1) for hour in hours],
            "q": [10.0] * 24, "k": [2.5] * 24, "geo_point_2d": [{"lon": 2.35, "lat": 48.85}] * 24,
        },
    )  # fmt: skip
    written(
        raw.root / "batch" / "comptage-velo-donnees-compteurs.parquet",
        {
            "id_compteur": ["A-1"] * 24, "nom_compteur": ["A"] * 24, "sum_counts": [5] * 24, "date": hours,
            "coordinates": [{"lon": 2.35, "lat": 48.85}] * 24,
        },
    )  # fmt: skip
    assert run(process_comptages.main, "--date", DAY).code == 0
    assert raw.metrics("comptages", DAY)["global_metrics"]["debit_journalier_total"] == 240
    assert run(process_bikes.main, "--date", DAY).code == 0
    bikes = raw.metrics("bikes", DAY)
    assert bikes["total_jour"] == 120
    assert json.dumps(bikes["metrics"][0]["coordinates"]) == '{"lon": 2.35, "lat": 48.85}'


def test_a_cut_parquet_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", {"a": list(range(1000))})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"a\.parquet est un Parquet illisible"):
        read_bytes(path)
