"""make tables as a user runs it: what pandas and DuckDB find in the files, and which files are written again."""

import json
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import upload_to_aws
from lib.files.duck import scratch_database
from lib.local_file_service import LocalFileService
from scripts.make_tables import main
from scripts.registry import SOURCES, tables
from tests.conftest import ROOT, Ran, RawTree
from tests.support.aws_server import AwsServer

Run = Callable[..., Ran]
DAY, AUTUMN = "2025-11-04", "2025-10-26"


@pytest.fixture
def golden(raw: RawTree) -> Path:
    """The golden metrics of two days as a store, one of them of 25 hours."""
    shutil.copytree(ROOT / "tests" / "golden", raw.output / "metrics", ignore=shutil.ignore_patterns("daily_report*"))
    for path in (raw.output / "metrics").iterdir():
        path.write_text(
            path.read_text("utf-8").replace('"timestamp": ""', f'"timestamp": "{DAY}T09:00:00+00:00"'), "utf-8"
        )
    return raw.output


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """Query a table, named in the query as a folder of tables/."""
    files = re.sub(
        r"from (\w+)", rf"from read_parquet('{folder}/tables/\1/*/*.parquet', hive_partitioning = true)", query
    )
    with scratch_database() as database:
        return database.execute(files).fetchall()


def written(folder: Path) -> dict[str, tuple[bytes, int]]:
    paths = (folder / "tables").rglob("*.parquet")
    return {str(path.relative_to(folder / "tables")): (path.read_bytes(), path.stat().st_ino) for path in paths}


def test_the_tables_hold_the_figures_of_the_metrics(raw: RawTree, golden: Path, run: Run) -> None:
    ran = run(main)
    assert (ran.code, ran.out) == (0, f"tables : 30 écrites, 0 à jour -> {golden / 'tables'}\n")
    roads, bikes = raw.metrics("comptages", DAY), raw.metrics("bikes", DAY)
    total = roads["global_metrics"]["debit_journalier_total"]
    kept = f"where dt = '{DAY}' and ecarte is null"
    assert rows(golden, f"select sum(debit_journalier_total) from arcs {kept}") == [(total,)]
    assert rows(golden, f"select source, sum(valeur) from hours {kept} group by all order by all") == [
        ("bikes", bikes["total_jour"]),
        ("comptages", total),
    ]
    first = roads["metrics"][0]
    assert rows(
        golden, f"select heure, valeur, taux_occupation from hours {kept} and capteur = '101' order by heure"
    ) == [
        (hour, *values)
        for hour, values in enumerate(zip(first["debits_horaires"], first["taux_horaires"], strict=True))
    ]
    assert rows(golden, f"select lon, lat, congestion_alerte, jour from arcs {kept} and identifiant_arc = '101'") == [
        (first["geo_point_2d"]["lon"], first["geo_point_2d"]["lat"], False, date.fromisoformat(DAY))
    ]
    works = raw.metrics("chantiers", DAY)["metrics"]
    assert rows(golden, f"select count(*), round(sum(surface_m2), 2) from works where dt = '{DAY}'") == [
        (len(works), round(sum(work["surface_m2"] or 0 for work in works), 2))
    ]
    assert rows(golden, f"select sum(heures_perturbees) from lines where dt = '{DAY}'")[0][0] == pytest.approx(
        sum(line["heures_perturbees"] for line in raw.metrics("traffic", DAY)["par_ligne"])
    )
    disruption = raw.metrics("traffic", DAY)["perturbations"][0]
    assert rows(golden, f"select lignes, debut::varchar from disruptions where id = '{disruption['id']}'") == [
        (disruption["lignes"], disruption["debut"].replace("T", " ") + ":00")
    ]
    assert rows(golden, f"select sum(precip), count(*) from weather_hours where dt = '{DAY}'") == [
        (pytest.approx(raw.metrics("weather", DAY)["metrics"]["precip_totale"]), 24)
    ]
    assert rows(golden, f"select count(*) from reference where dt = '{DAY}'") == [(25,)]
    assert rows(golden, f"select source, statut, couverture from sources where dt = '{DAY}' and source = 'bikes'") == [
        ("bikes", bikes["qualite"]["statut"], bikes["qualite"]["couverture"])
    ]


def test_the_hours_of_autumn_are_named(golden: Path, run: Run) -> None:
    assert run(main, "--date", AUTUMN).code == 0
    for source, hours in (("bikes", [0, 1, 2, 24, *range(3, 24)]), ("comptages", list(range(24)))):
        found = rows(golden, f"select heure from hours where source = '{source}' limit {len(hours)}")
        assert [hour for (hour,) in found] == hours


def test_every_column_is_of_its_type_and_in_the_documentation(golden: Path, run: Run) -> None:
    assert run(main, "--date", DAY).code == 0
    page = (ROOT / "docs" / "tables.md").read_text("utf-8")
    with scratch_database() as database:
        for source, table in [(one, table) for one in SOURCES.values() for table in tables(one)]:
            path = golden / "tables" / table.name / f"dt={DAY}" / f"{source.name}.parquet"
            found = database.sql(f"from read_parquet('{path}', hive_partitioning = false)")
            shown = {name: str(kind) for name, kind in zip(found.columns, found.types, strict=True)}
            said = {one.name: one.kind.replace("TIMESTAMP_MS", "TIMESTAMP") for one in table.columns}
            assert shown == said
            section = page.partition(f"\n## {table.name}\n")[2].partition("\n## ")[0]
            assert re.findall(r"^\| (\w+) \| ([A-Z_\[\]]+) \| (.*) \|$", section, re.MULTILINE) == [
                (one.name, one.kind, one.unit) for one in table.columns
            ]


def test_only_what_changed_is_written_again_and_the_same_metrics_give_the_same_bytes(
    raw: RawTree, golden: Path, run: Run
) -> None:
    assert run(main).code == 0
    before = written(golden)
    assert len(before) == 30
    path = golden / "metrics" / f"bikes_metrics_{DAY}.json"
    path.write_text(path.read_text("utf-8").replace(f"{DAY}T09:00", "2025-11-05T10:00"), "utf-8")  # computed again
    assert "0 écrite, 30 à jour" in run(main).out
    assert written(golden) == before
    looked_at = [one.stat().st_mtime_ns >= path.stat().st_mtime_ns for one in golden.glob(f"tables/*/dt={DAY}/bikes.*")]
    assert looked_at == [True] * 3  # make upload compares what is older than its metrics
    path.write_text(path.read_text("utf-8").replace('"total_jour":712', '"total_jour":713'), "utf-8")
    assert "3 écrites, 27 à jour" in run(main).out
    after = written(golden)
    changed = {name for name in after if after[name][1] != before[name][1]}
    assert changed == {f"{table}/dt={DAY}/bikes.parquet" for table in ("counters", "hours", "sources")}
    shutil.rmtree(golden / "tables")
    assert "30 écrites" in run(main).out
    assert {name: content for name, (content, _) in written(golden).items()} == {
        name: content for name, (content, _) in after.items()
    }
    cut = golden / "tables" / "arcs" / f"dt={DAY}" / "comptages.parquet"
    cut.write_bytes(cut.read_bytes()[:100])
    assert "1 écrite, 29 à jour" in run(main).out
    assert cut.read_bytes() == after[f"arcs/dt={DAY}/comptages.parquet"][0]


def test_a_quiet_day_is_a_table_without_rows(raw: RawTree, golden: Path, run: Run) -> None:
    metrics = raw.metrics("traffic", DAY) | {"perturbations": [], "par_ligne": []}
    LocalFileService(golden).save_metrics(metrics, "traffic", date.fromisoformat(DAY))
    assert run(main, "--date", DAY).code == 0
    assert rows(golden, "select count(*), count(distinct dt) from lines") == [(0, 0)]
    assert (golden / "tables" / "lines" / f"dt={DAY}" / "traffic.parquet").is_file()


def test_figures_that_fit_no_table_cost_their_source_alone(raw: RawTree, golden: Path, run: Run) -> None:
    store, day = LocalFileService(golden), date.fromisoformat(DAY)
    store.save_metrics({"total_jour": 3}, "bikes", day)
    weather = raw.metrics("weather", DAY)
    weather["heures"][3]["temp"] = "douze"
    store.save_metrics(weather, "weather", day)
    works = raw.metrics("chantiers", DAY)
    del works["metrics"]
    store.save_metrics(works, "chantiers", day)
    ran = run(main, "--date", DAY, "--json")
    found = json.loads(ran.out)
    assert ran.code == 1 and found["echecs"] == [f"{one} {DAY}" for one in ("bikes", "weather", "chantiers")]
    assert len(found["ecrites"]) == 8
    assert f"bikes du {DAY} : chiffres d'une version antérieure. Les refaire : make bikes DATE={DAY} FORCE=1" in ran.err
    assert "la table weather_hours ne peut pas être écrite (Conversion Error" in ran.err and "douze" in ran.err
    assert "'metrics' manque aux chiffres" in ran.err


def test_a_day_that_is_not_there_names_those_that_are(golden: Path, run: Run) -> None:
    ran = run(main, "--date", "2025-11-05")
    assert ran.code == 4 and AUTUMN in ran.err and DAY in ran.err
    assert run(main, "--date", DAY, "--from", DAY).code == 2
    assert run(main, "--from", DAY, "--to", AUTUMN).code == 2
    assert not (golden / "tables").exists()


def test_any_store_gives_the_same_bytes(
    golden: Path, aws: AwsServer, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(main, "--date", DAY).code == 0
    assert run(upload_to_aws.main, "--date", DAY, "--type", "metrics").code == 0
    monkeypatch.setenv("OUTPUT_DIR", str(tmp_path / "elsewhere"))
    assert run(main, "--date", DAY, "--store", "dynamodb").code == 0
    here, there = written(golden), written(tmp_path / "elsewhere")
    assert len(here) == 15
    assert {name: content for name, (content, _) in here.items()} == {name: one for name, (one, _) in there.items()}
