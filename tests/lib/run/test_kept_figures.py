"""Raw files that are deleted, cut or moved after a day was computed take nothing away from what was known of it."""

import json
import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from scripts import backfill, process_bikes, process_chantiers, process_traffic, process_weather, show_status
from tests.conftest import Ran, RawTree, bike
from tests.support.mongo_server import MongoServer

Run = Callable[..., Ran]
DAY, NEXT = "2025-11-04", "2025-11-05"


def hours(first: int, last: int, count: int = 10) -> list[dict[str, Any]]:
    """Bike records of hours first to last of DAY on the clock of Paris, which is UTC+1 then."""
    return [bike("A", f"2025-11-{3 + (hour + 23) // 24:02}T{(hour + 23) % 24:02}:00:00+00:00", count)
            for hour in range(first, last + 1)]  # fmt: skip


@pytest.fixture
def whole(raw: RawTree, run: Run) -> RawTree:
    """A whole day of one counter in two pulls, computed."""
    raw.pull("bikes", DAY, "morning.json", hours(0, 11))
    raw.pull("bikes", NEXT, "evening.json", hours(12, 23))
    assert run(process_bikes.main, "--date", DAY).code == 0
    assert raw.metrics("bikes", DAY)["total_jour"] == 240
    return raw


def evening(raw: RawTree) -> Any:
    return raw.root / "api" / "bikes" / f"dt={NEXT}" / "hour=06" / "evening.json"


def test_a_pull_that_was_deleted_takes_nothing_away(whole: RawTree, run: Run) -> None:
    evening(whole).unlink()
    before = (whole.output / "metrics" / f"bikes_metrics_{DAY}.json").read_bytes()
    ran = run(process_bikes.main, "--date", DAY)
    assert ran.code == 0
    assert f"bikes {DAY} : chiffres gardés (complet), 24 lignes retenues" in ran.out
    assert "repose sur plus (24 lignes, couverture 1,00) que ce qui reste (12 lignes, couverture 0,50)" in ran.err
    assert "evening.json" in ran.err and "FORCE=1" in ran.err
    assert (whole.output / "metrics" / f"bikes_metrics_{DAY}.json").read_bytes() == before


def test_force_replaces_all_the_same_and_nothing_is_kept_any_more(whole: RawTree, run: Run) -> None:
    evening(whole).unlink()
    assert run(process_bikes.main, "--date", DAY).code == 0
    assert run(process_bikes.main, "--date", DAY, "--force").code == 0
    assert whole.metrics("bikes", DAY)["total_jour"] == 120
    assert "gardés" not in run(show_status.main, "--from", DAY, "--to", DAY).out


def test_a_day_without_any_raw_file_left_keeps_its_figures(whole: RawTree, run: Run) -> None:
    shutil.rmtree(whole.root / "api")
    ran = run(process_bikes.main, "--date", DAY, "--json")
    assert ran.code == 0
    reason = json.loads(ran.out)["garde"]
    assert reason.startswith("aucun fichier brut") and " ; le calcul enregistré repose sur plus" in reason
    assert whole.metrics("bikes", DAY)["total_jour"] == 240
    assert run(process_bikes.main, "--date", "2025-11-03").code == 4, "a day that was never known has no data"


def test_a_range_keeps_too_says_so_and_does_not_try_again(whole: RawTree, run: Run) -> None:
    evening(whole).unlink()
    words = ("--from", DAY, "--to", DAY, "--source", "bikes")
    ran = run(backfill.main, *words)
    assert "1 gardé tel quel" in ran.out and "chiffres gardés" in ran.err
    assert whole.metrics("bikes", DAY)["total_jour"] == 240
    assert "bikes        à jour" in run(backfill.main, *words, "--dry-run").out
    shown = run(show_status.main, "--from", DAY, "--to", DAY)
    assert "chiffres gardés : bikes" in " ".join(shown.out.split())
    status = json.loads(run(show_status.main, "--from", DAY, "--to", DAY, "--json").out)["jours"][0]
    assert "ce qui reste (12 lignes" in status["gardes"]["bikes"] and "bikes" not in status["a_refaire"]


def test_files_that_come_back_are_computed_again(whole: RawTree, run: Run) -> None:
    path = evening(whole)
    kept = path.read_bytes()
    path.unlink()
    assert run(process_bikes.main, "--date", DAY).code == 0
    path.write_bytes(kept.replace(b'"sum_counts": 10', b'"sum_counts": 20'))
    assert run(process_bikes.main, "--date", DAY).code == 0
    assert whole.metrics("bikes", DAY)["total_jour"] == 360
    assert not list((whole.output / ".kept").iterdir())


def test_a_file_that_shrank_or_cannot_be_read_is_a_file_that_went(whole: RawTree, run: Run) -> None:
    path = evening(whole)
    path.write_text(json.dumps(hours(12, 13)))
    assert "chiffres gardés" in run(process_bikes.main, "--date", DAY).err
    path.unlink()
    path.symlink_to(path.with_name("nowhere"))
    assert "chiffres gardés" in run(process_bikes.main, "--date", DAY).err
    assert whole.metrics("bikes", DAY)["total_jour"] == 240


def test_while_all_files_are_there_the_newer_computation_counts_even_with_fewer_rows(whole: RawTree, run: Run) -> None:
    """A correction of the publisher, or of our own code, may well leave fewer valid rows."""
    stale = whole.output / "metrics" / f"bikes_metrics_{DAY}.json"
    document = json.loads(stale.read_text())
    document["metrics"]["qualite"]["lignes_retenues"], document["timestamp"] = 99, "2099-01-01T00:00:00+00:00"
    stale.write_text(json.dumps(document))
    whole.pull("bikes", "2025-11-06", "correction.json", hours(12, 12, count=11))
    assert "gardés" not in run(process_bikes.main, "--date", DAY).out
    assert whole.metrics("bikes", DAY)["total_jour"] == 241


def test_a_batch_export_replaced_by_a_smaller_one(raw: RawTree, run: Run) -> None:
    header = "identifiant;cp_arrondissement;date_debut;date_fin;statut;impact_circulation"
    rows = [f"{number};75004;2025-10-01;2025-12-01;2;RESTREINTE" for number in range(6)]
    export = raw.batch("chantiers-perturbants-la-circulation.csv", "\n".join([header, *rows]) + "\n")
    os.utime(export, (1762300000, 1762300000))
    assert run(process_chantiers.main, "--date", DAY).code == 0
    export.write_text("\n".join([header, *rows[:2]]) + "\n")
    os.utime(export, (1762300000, 1762300000))
    assert "chiffres gardés" in run(process_chantiers.main, "--date", DAY).err
    assert raw.metrics("chantiers", DAY)["nombre_chantiers_actifs"] == 6


def disruption(number: int) -> dict[str, Any]:
    return {
        "id": f"d{number}", "status": "active", "cause": "travaux", "severity": {"effect": "SIGNIFICANT_DELAYS"},
        "application_periods": [{"begin": "20251104T080000", "end": "20251104T100000"}],
        "messages": [{"text": f"Ligne 6 : trafic perturbé, message {number}"}], "impacted_objects": [],
    }  # fmt: skip


def test_disruptions_that_only_a_lost_pull_knew(raw: RawTree, run: Run) -> None:
    first = raw.pull("traffic", DAY, "a.json", {"disruptions": [disruption(number) for number in range(8)]}, "08")
    raw.pull("traffic", DAY, "b.json", {"disruptions": [disruption(number) for number in range(3)]}, "18")
    assert run(process_traffic.main, "--date", DAY).code == 0
    first.unlink()
    assert "chiffres gardés" in run(process_traffic.main, "--date", DAY).err
    assert raw.metrics("traffic", DAY)["nombre_perturbations"] == 8


def test_a_better_pull_of_the_weather_that_went(raw: RawTree, run: Run) -> None:
    def answer(temp: float) -> dict[str, Any]:
        return {
            "days": [
                {
                    "datetime": DAY,
                    "temp": temp,
                    "hours": [
                        {"datetime": f"{hour:02}:00:00", "temp": temp, "precip": 0.0, "windspeed": 5.0}
                        for hour in range(24)
                    ],
                }
            ]
        }

    raw.pull("weather", "2025-11-03", "forecast.json", answer(20.0))
    measured = raw.pull("weather", NEXT, "measured.json", answer(10.0))
    assert run(process_weather.main, "--date", DAY).code == 0
    measured.unlink()
    assert "chiffres gardés" in run(process_weather.main, "--date", DAY).err
    assert raw.metrics("weather", DAY)["metrics"]["temp_moyenne"] == 10.0


def test_what_was_read_besides_the_source_is_an_input_too(raw: RawTree, run: Run) -> None:
    square = {"type": "Polygon", "coordinates": [[[2.3, 48.8], [2.4, 48.8], [2.4, 48.9], [2.3, 48.9], [2.3, 48.8]]]}
    features = [{"type": "Feature", "properties": {"c_ar": 4}, "geometry": square}]
    outlines = raw.batch("arrondissements.geojson", json.dumps({"type": "FeatureCollection", "features": features}))
    raw.pull("bikes", NEXT, "a.json", hours(0, 23))
    assert run(process_bikes.main, "--date", DAY).code == 0
    outlines.unlink()
    ran = run(process_bikes.main, "--date", DAY)
    assert "« arrondissements », dont le calcul enregistré s'est servi, ne sont plus là" in ran.err
    assert raw.metrics("bikes", DAY)["metrics"][0]["arrondissement"] == 4


def test_a_database_keeps_what_this_machine_no_longer_has(
    raw: RawTree, run: Run, mongo: MongoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONGODB_URL", mongo.url)
    path = raw.pull("bikes", NEXT, "a.json", hours(0, 23))
    assert run(process_bikes.main, "--date", DAY, "--store", "mongodb").code == 0
    path.write_text(json.dumps(hours(0, 3)))
    shutil.rmtree(raw.output)  # another machine, or a folder that somebody emptied
    ran = run(process_bikes.main, "--date", DAY, "--store", "mongodb")
    assert (ran.code, "chiffres gardés" in ran.err) == (0, True), ran.err
    assert [one["metrics"]["total_jour"] for one in mongo.documents("metrics")] == [240]
    assert raw.metrics("bikes", DAY)["total_jour"] == 240, "the files are the backup of the store"
