"""Whole road-count days against tests/support/road_day_reference.py, to the last digit: invented days and real rows."""

import json
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from scripts import make_demo_data
from scripts.process_comptages import main
from scripts.registry import RAW
from tests.conftest import SAMPLES, Ran, RawTree, needs_samples
from tests.scripts.sources.comptages.road_day_reference import Row, lengths_of, lines_of, reference_day
from tests.support.cases import shortened

Run = Callable[..., Ran]
REFERENTIEL = f"{RAW['referentiel'].export}.csv"
REAL = SAMPLES / "comptages"
POLYGONS = SAMPLES / "arrondissements" / "arrondissements_ods_v2_2024.geojson"
LENGTHS = SAMPLES / "referentiel" / "technique_majuscules_referentiel_2020_300.csv"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo") / "raw"
    assert make_demo_data.main(["--days", "11", "--arcs", "120", "--counters", "12", "-q", "--output", str(root)]) == 0
    return root


def assert_same_day(metrics: Any, expected: dict[str, Any]) -> None:
    """Every figure of the stored metrics against the reference, float by float."""
    for key, value in expected["global_metrics"].items():
        assert metrics["global_metrics"][key] == value, key
    assert metrics["top_10_zones_congestionnees"] == expected["top_10_zones_congestionnees"]
    for arc in metrics["metrics"]:
        assert arc == {"identifiant_arc": arc["identifiant_arc"], **expected["metrics"][arc["identifiant_arc"]]}
    assert [arc["identifiant_arc"] for arc in metrics["metrics"]] == list(expected["metrics"])
    top = [(arc["identifiant_arc"], arc["debit_journalier_total"]) for arc in metrics["top_10_troncons"]]
    assert top == expected["top_10_troncons"]
    keys = ("identifiant_arc", "debut", "fin", "duree_heures", "taux_occupation_max", "severite")
    assert [tuple(alert[key] for key in keys) for alert in metrics["alertes_congestion"]] == expected[
        "alertes_congestion"
    ]
    keys = ("identifiant_arc", "motif", "heures_consecutives")
    faults = [tuple(fault[key] for key in keys) for fault in metrics["capteurs_defaillants"]]
    assert faults == expected["capteurs_defaillants"]
    account, counts = metrics["qualite"], expected["qualite"]
    assert (account["lignes_lues"], account["lignes_retenues"]) == (counts["lues"], counts["retenues"])
    for key in ("doublons", "couverture", "heures_manquantes", "capteurs"):
        assert account[key] == counts[key], key
    aside = [(one["identifiant_arc"], one["regle"], one["aurait_ajoute"]) for one in metrics["capteurs_ecartes"]]
    assert aside == expected["capteurs_ecartes"]
    assert sum(account["rejets"].values()) == counts["rejets"]


@pytest.mark.parametrize(
    "day",
    shortened(
        ["2025-11-04", "2025-11-03", "2025-11-02", "2025-10-30", "2025-10-26", "2025-10-25"],
        ["2025-11-04", "2025-11-02", "2025-10-26"],
    ),
)
def test_every_figure_of_an_invented_day(
    demo: Path, raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch, day: str
) -> None:
    batch = demo / "batch"
    monkeypatch.setenv("DATA_DIR", str(demo))
    monkeypatch.setenv("COMPTAGES_CSV", str(batch / "comptages-routiers-permanents.csv"))  # without its strays
    assert run(main, "--date", day).code == 0
    expected = reference_day(
        [batch / "comptages-routiers-permanents.csv"],
        date.fromisoformat(day),
        batch / REFERENTIEL,
        batch / "arrondissements.geojson",
    )
    assert_same_day(raw.metrics("comptages", day), expected)


def real(raw: RawTree, sample: str, name: str = "", age: int = 0) -> Path:
    """A copy of a real extract as a raw file; of two, the one with the higher `age` (seconds) is the older."""
    path = raw.batch(f"comptages-routiers-permanents{name}{Path(sample).suffix}", (REAL / sample).read_bytes())
    os.utime(path, (path.stat().st_mtime - age,) * 2)
    return path


@needs_samples
@pytest.mark.parametrize(
    ("day", "labels", "flows"),
    [("2022-03-27", 23, {"191": 7984.0, "5671": 10230.0}), ("2022-03-28", 24, {"191": 9291.0, "5671": 11896.0})],
)
def test_two_real_arcs_around_the_spring_change(
    raw: RawTree, run: Run, day: str, labels: int, flows: dict[str, float]
) -> None:
    paths = [
        real(raw, "labels_arc5671_convention_2022.csv", age=9),
        real(raw, "labels_arc191_saints_peres_2022.csv", "-2"),
    ]
    raw.batch("arrondissements.geojson", POLYGONS.read_bytes())
    assert run(main, "--date", day).code == 0
    metrics = raw.metrics("comptages", day)
    assert {arc["identifiant_arc"]: arc["debit_journalier_total"] for arc in metrics["metrics"]} == flows
    assert [arc["arrondissement"] for arc in metrics["metrics"]] == [7, 15]
    assert (metrics["qualite"]["lignes_lues"], metrics["qualite"]["statut"]) == (
        2 * labels,
        "complet" if labels == 24 else "partiel",
    )
    unmeasured = [row["heure"] for row in metrics["global_metrics"]["profil_horaire"] if row["debit_total"] is None]
    assert unmeasured == ([1, 2] if labels == 23 else [])  # the label 02:00 is never published, 03:00 is blank
    assert_same_day(metrics, reference_day(paths, date.fromisoformat(day), None, POLYGONS))


@needs_samples
@pytest.mark.parametrize("form", ["labels", "archive", "api", "both"])
def test_a_real_autumn_change_day_is_the_same_in_every_form(raw: RawTree, run: Run, form: str) -> None:
    sample = "labels_arc4264_champs_elysees_crlf_2024.csv"
    source = REAL / sample
    paths = []
    if form in ("archive", "both"):
        text = as_archive(lines_of(source)[0])
        paths.append(raw.batch("comptages-routiers-permanents-2.csv", text))
        os.utime(paths[0], (1, 1))
    if form in ("labels", "both"):
        paths.append(real(raw, sample))
    if form == "api":
        paths.append(raw.batch("comptages-routiers-permanents.json", json.dumps(as_records(lines_of(source)[0]))))
    assert run(main, "--date", "2024-10-27").code == 0
    metrics = raw.metrics("comptages", "2024-10-27")
    assert metrics["global_metrics"]["debit_journalier_total"] == 16_826.0
    assert metrics["metrics"][0]["heures_valides"] == 24
    assert metrics["metrics"][0]["longueur_metres"] == (None if form == "archive" else 119.47)
    assert metrics["qualite"]["doublons"] == (24 if form == "both" else 0)
    assert metrics["qualite"]["conflits"] == 0
    assert_same_day(metrics, reference_day(paths, date(2024, 10, 27)))


def as_archive(rows: list[Row]) -> str:
    """The same rows as a yearly archive has them: technical names, commas, the naive clock, codes and no geometry."""
    lines = ["iu_ac,libelle,t_1h,q,k,etat_trafic,etat_barre"]
    lines += [
        f"{row['iu_ac']},{row['libelle']},{row['t_1h'][:19].replace('T', ' ')},{row['q']},{row['k']},1,3"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def as_records(rows: list[Row]) -> dict[str, Any]:
    """The same rows as the API gives them."""
    records = []
    for row in rows:
        lat, lon = row["geo_point_2d"].split(", ")
        shape = {"type": "Feature", "geometry": json.loads(row["geo_shape"]), "properties": {}}
        numbers = {name: float(row[name]) if row[name] else None for name in ("q", "k")}
        known = {name: row[name] for name in ("iu_ac", "libelle", "t_1h")}
        records.append({**known, **numbers, "geo_point_2d": {"lon": float(lon), "lat": float(lat)}, "geo_shape": shape})
    return {"total_count": len(records), "results": records}


@needs_samples
@pytest.mark.parametrize(
    ("day", "labels", "flow"), [("2023-03-26", 23, 2565.0), ("2023-10-29", 24, 3102.0), ("2023-03-25", 24, 3141.0)]
)
def test_a_real_archive_on_the_naive_clock(raw: RawTree, run: Run, day: str, labels: int, flow: float) -> None:
    path = real(raw, "historique_technique_arc376_st_antoine_2023.csv")
    assert run(main, "--date", day).code == 0
    metrics = raw.metrics("comptages", day)
    assert metrics["global_metrics"]["debit_journalier_total"] == flow
    assert metrics["qualite"]["lignes_retenues"] == labels
    assert metrics["global_metrics"]["temps_perdu_total_minutes"] is None  # an archive has no geometry
    assert_same_day(metrics, reference_day([path], date.fromisoformat(day)))


@needs_samples
def test_real_api_records_of_one_label_are_the_last_hour_of_the_day_before(raw: RawTree, run: Run) -> None:
    path = real(raw, "api_v21_records_2026-06-21T00.json")
    reference = raw.batch(REFERENTIEL, LENGTHS.read_bytes())
    raw.batch("arrondissements.geojson", POLYGONS.read_bytes())
    ran = run(main, "--date", "2026-06-21")
    assert ran.code == 4
    assert "Jours présents (1) : 2026-06-20" in ran.err
    assert run(main, "--date", "2026-06-20").code == 0
    metrics = raw.metrics("comptages", "2026-06-20")
    assert metrics["global_metrics"]["nombre_troncons"] == 100
    assert metrics["global_metrics"]["nombre_troncons_actifs"] == 52
    assert metrics["global_metrics"]["profil_horaire"][23]["troncons_mesures"] == 52
    assert metrics["qualite"]["couverture"] == round(52 / ((300 + 100 - 13) * 24), 4)
    assert metrics["qualite"]["statut"] == "partiel"
    measured = {arc["identifiant_arc"] for arc in metrics["metrics"] if arc["longueur_metres"]}
    assert len(measured) == 100
    assert len(measured & lengths_of(reference).keys()) == 13  # the other 87 are measured on their own shape
    assert_same_day(metrics, reference_day([path], date(2026, 6, 20), reference, POLYGONS))
