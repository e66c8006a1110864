"""A place is read the same for every source, whatever file it stands in, and said where it is not understood."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from scripts import process_bikes, process_chantiers, process_comptages, process_referentiel
from tests.conftest import Ran, RawTree, bike, count_row, gz
from tests.support.cases import each_once

Run = Callable[..., Ran]

DAY = "2025-11-04"
REFERENCE = "referentiel-geographique-pour-les-donnees-trafic-issues-des-capteurs-permanents.csv"
LINE = {"type": "LineString", "coordinates": [[2.326, 48.85], [2.328, 48.85]]}  # in the 6th of strips()
HOURS = range(1, 24)

FORMS = [  # a place in the 6th of strips() as files have it
    "48.85,2.327",
    "48.85, 2.327",
    "{'lon': 2.327, 'lat': 48.85}",
    '{"lon": 2.327, "lat": 48.85}',
    "[48.85, 2.327]",
    "(48.85, 2.327)",
    "{'type': 'Point', 'coordinates': [2.327, 48.85]}",
    "{'type': 'Feature', 'geometry': {'type': 'Point', 'coordinates': [2.327, 48.85]}, 'properties': {'a': None}}",
]


def strips(number: int = 20) -> str:
    """Arrondissements as strips of 0.004 degree of longitude, west to east; the 6th is about 2.327."""
    edges = [(2.305 + 0.004 * place, 2.309 + 0.004 * place) for place in range(number)]
    rings = [[[west, 48.8], [east, 48.8], [east, 48.9], [west, 48.9], [west, 48.8]] for west, east in edges]
    shapes = [{"type": "Polygon", "coordinates": [ring]} for ring in rings]
    features = [
        {"type": "Feature", "geometry": one, "properties": {"c_ar": place}} for place, one in enumerate(shapes, 1)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def codes(metrics: Any) -> list[str]:
    return [one["code"] for one in metrics["qualite"]["avertissements"]]


def bikes_csv(place: str, columns: str = "coordinates") -> str:
    rows = [f"A-1,Rue A,{hour},2025-11-04T{hour:02}:00:00+01:00,{place}\n" for hour in range(24)]
    return f"id_compteur,nom_compteur,sum_counts,date,{columns}\n" + "".join(rows)


def roads_csv(place: str, columns: str = "geo_point_2d", day: str = DAY) -> str:
    rows = [f"7,Rue A,{day} {hour:02}:00:00,500,35,{place}\n" for hour in HOURS]
    return f"iu_ac,libelle,t_1h,q,k,{columns}\n" + "".join(rows)


def works_csv(place: str, columns: str = "geo_point_2d") -> str:
    return f"identifiant,date_debut,date_fin,{columns}\nCP1,2025-11-01,2025-11-10,{place}\n"


SOURCES: dict[str, tuple[Any, str, Callable[..., str]]] = {
    "bikes": (process_bikes.main, "comptage-velo-donnees-compteurs.csv", bikes_csv),
    "comptages": (process_comptages.main, "comptages-routiers-permanents.csv", roads_csv),
    "chantiers": (process_chantiers.main, "chantiers-perturbants-la-circulation.csv", works_csv),
}


def figures(raw: RawTree, run: Run, source: str, *content: str) -> Any:
    main, name, text = SOURCES[source]
    raw.batch("arrondissements.geojson", strips())
    raw.batch(name, text(*content))
    ran = run(main, "--date", DAY)
    assert ran.code == 0, ran.err
    return raw.metrics(source, DAY)


@pytest.mark.parametrize(("form", "source"), each_once(FORMS, SOURCES))
def test_every_form_of_a_place_is_read(raw: RawTree, run: Run, source: str, form: str) -> None:
    metrics = figures(raw, run, source, quoted(form))
    assert [one["arrondissement"] for one in metrics["metrics"]] == [6]
    assert "lieux_illisibles" not in codes(metrics)


@pytest.mark.parametrize(
    ("names", "source"), each_once(["{}.lat,{}.lon", "{}_lon,{}_lat", "longitude,latitude"], SOURCES)
)
def test_a_place_in_two_columns_is_read(raw: RawTree, run: Run, source: str, names: str) -> None:
    columns = names.replace("{}", "coordinates" if source == "bikes" else "geo_point_2d")
    pair = "48.85,2.327" if columns.endswith("lon") else "2.327,48.85"
    metrics = figures(raw, run, source, pair, columns)
    assert [one["arrondissement"] for one in metrics["metrics"]] == [6]


@pytest.mark.parametrize(
    ("form", "source"), each_once(["POINT (2.327 48.85)", "{'lat': 48.85}", "651000, 6862000"], SOURCES)
)
def test_a_place_that_is_not_understood_is_said(raw: RawTree, run: Run, source: str, form: str) -> None:
    metrics = figures(raw, run, source, quoted(form))
    assert [one["arrondissement"] for one in metrics["metrics"]] == [None]
    (warning,) = [one for one in metrics["qualite"]["avertissements"] if one["code"] == "lieux_illisibles"]
    assert warning["mesure"] == 1 and form in warning["exemples"][0]


@pytest.mark.parametrize("source", SOURCES)
def test_no_place_at_all_is_no_fault(raw: RawTree, run: Run, source: str) -> None:
    metrics = figures(raw, run, source, "")
    assert [one["arrondissement"] for one in metrics["metrics"]] == [None]
    assert "lieux_illisibles" not in codes(metrics)


@pytest.mark.parametrize(
    "place",
    [{"lon": 2.327, "lat": 48.85}, [48.85, 2.327], "48.85,2.327", {"type": "Point", "coordinates": [2.327, 48.85]}],
)
def test_a_place_in_an_answer_is_read(raw: RawTree, run: Run, place: Any) -> None:
    raw.batch("arrondissements.geojson", strips())
    raw.pull("bikes", "2025-11-05", "a.json", [bike("A-1", "2025-11-04T08:00:00Z", 5, coordinates=place)])
    record = {"iu_ac": "7", "libelle": "A", "t_1h": f"{DAY}T12:00:00+01:00", "q": 5.0, "k": 35.0, "geo_point_2d": place}
    raw.batch("comptages-routiers-permanents.json", json.dumps({"results": [record]}))
    for main, source in ((process_bikes.main, "bikes"), (process_comptages.main, "comptages")):
        assert run(main, "--date", DAY).code == 0
        assert raw.metrics(source, DAY)["metrics"][0]["arrondissement"] == 6


def test_two_counters_of_an_export_that_pandas_wrote(raw: RawTree, run: Run) -> None:
    raw.batch("arrondissements.geojson", strips())
    header, *first = bikes_csv(quoted("{'lon': 2.327, 'lat': 48.85}")).splitlines()
    second = [row.replace("A-1", "B-2").replace("2.327", "2.343") for row in first]
    raw.batch("comptage-velo-donnees-compteurs.csv", "\n".join([header, *first, *second]))
    assert run(process_bikes.main, "--date", DAY).code == 0
    metrics = raw.metrics("bikes", DAY)
    assert {one["id_compteur"]: one["arrondissement"] for one in metrics["metrics"]} == {"A-1": 6, "B-2": 10}
    assert metrics["total_jour"] == 2 * sum(range(24))


# --------------------------------------------------------------------------------- the place of an arc, from any file


def reference(raw: RawTree, shape: object = LINE, libelle: str = "PE_Porte") -> None:
    raw.batch(REFERENCE, f"Identifiant arc;Libelle;geo_shape\n7;{libelle};{quoted(json.dumps(shape))}\n")


def arc_of(raw: RawTree, run: Run) -> tuple[Any, Any]:
    assert run(process_comptages.main, "--date", DAY).code == 0
    metrics = raw.metrics("comptages", DAY)
    (arc,) = metrics["metrics"]
    return arc, metrics


def test_a_newer_file_without_geometry_takes_nothing_away(raw: RawTree, run: Run) -> None:
    raw.batch("arrondissements.geojson", strips())
    shape = '{""coordinates"": [[2.326, 48.85], [2.328, 48.85]], ""type"": ""LineString""}'
    labels = [f"{DAY}T{hour:02}:00:00+01:00" for hour in HOURS]
    older = raw.counts([count_row("7", label, 500, 35, "Rue_A", point="48.85, 2.327", shape=shape) for label in labels])
    os.utime(older, (1_600_000_000, 1_600_000_000))
    raw.batch("comptages-routiers-permanents-b.csv", roads_csv("", "autre").replace("Rue A", ""))
    arc, metrics = arc_of(raw, run)
    assert (arc["arrondissement"], arc["libelle"], arc["geo_point_2d"]) == (6, "Rue_A", {"lon": 2.327, "lat": 48.85})
    assert arc["longueur_metres"] == pytest.approx(146.7, rel=0.01)
    assert [zone["zone"] for zone in metrics["top_10_zones_congestionnees"]] == ["06"]


def test_the_reference_knows_the_place_that_no_row_has(raw: RawTree, run: Run) -> None:
    raw.batch("arrondissements.geojson", strips())
    raw.batch("comptages-routiers-permanents.csv", roads_csv("", "autre").replace("Rue A", ""))
    reference(raw)
    arc, metrics = arc_of(raw, run)
    assert (arc["arrondissement"], arc["libelle"]) == (6, "PE_Porte")
    assert arc["geo_point_2d"] == pytest.approx({"lon": 2.327, "lat": 48.85}, abs=1e-4)
    assert [zone["zone"] for zone in metrics["top_10_zones_congestionnees"]] == ["périphérique"]


@pytest.mark.parametrize("form", ["csv", "split", "gz"])
def test_a_row_of_another_day_knows_the_place_that_none_of_the_day_has(raw: RawTree, run: Run, form: str) -> None:
    """An archive without geometry lies beside an export of other days that has it; there is no reference."""
    raw.batch("arrondissements.geojson", strips())
    raw.batch("comptages-routiers-permanents-archive.csv", roads_csv("", "autre"))
    columns = "geo_point_2d.lat,geo_point_2d.lon" if form == "split" else "geo_point_2d"
    text = roads_csv("48.85,2.327" if form == "split" else quoted("48.85, 2.327"), columns, "2025-09-02")
    other = raw.batch("comptages-routiers-permanents.csv" + ".gz" * (form == "gz"), gz(text) if form == "gz" else text)
    os.utime(other, (1_600_000_000, 1_600_000_000))
    arc, metrics = arc_of(raw, run)
    assert (arc["arrondissement"], arc["geo_point_2d"]) == (6, {"lon": 2.327, "lat": 48.85})
    assert metrics["qualite"]["lignes_lues"] == len(HOURS)


def test_an_answer_of_the_api_without_any_place_is_no_fault(raw: RawTree, run: Run) -> None:
    record = {"iu_ac": "7", "libelle": "A", "t_1h": f"{DAY}T12:00:00+01:00", "q": 5.0, "k": 35.0}
    raw.batch("comptages-routiers-permanents.json", json.dumps({"results": [record]}))
    arc, _ = arc_of(raw, run)
    assert (arc["arrondissement"], arc["geo_point_2d"], arc["longueur_metres"]) == (None, None, None)


@pytest.mark.parametrize(("newest", "place"), [("", 6), ("-archive", None)])
def test_no_more_than_some_bytes_of_the_newest_are_read_for_places(
    raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch, newest: str, place: int | None
) -> None:
    monkeypatch.setattr("scripts.sources.comptages.records.PLACES_BYTES", 500)
    raw.batch("arrondissements.geojson", strips())
    raw.batch("comptages-routiers-permanents-archive.csv", roads_csv("", "autre"))
    raw.batch("comptages-routiers-permanents.csv", roads_csv(quoted("48.85, 2.327"), day="2025-09-02"))
    for path in (raw.root / "batch").iterdir():
        age = 0 if path.stem == f"comptages-routiers-permanents{newest}" else 9_000
        os.utime(path, (1_600_000_000 - age, 1_600_000_000 - age))
    assert arc_of(raw, run)[0]["arrondissement"] == place


def test_other_days_change_nothing_but_the_place(raw: RawTree, run: Run) -> None:
    raw.batch("arrondissements.geojson", strips())
    raw.batch("comptages-routiers-permanents.csv", roads_csv("", "autre"))
    alone, _ = arc_of(raw, run)
    raw.batch("comptages-routiers-permanents-b.csv", roads_csv(quoted("48.85, 2.327"), day="2025-09-02"))
    beside, _ = arc_of(raw, run)
    assert alone["arrondissement"] is None and beside["arrondissement"] == 6
    changed = {name for name in alone if alone[name] != beside[name]}
    assert changed == {"arrondissement", "geo_point_2d"}


def test_a_shape_gives_the_place_where_no_point_does(raw: RawTree, run: Run) -> None:
    raw.batch("arrondissements.geojson", strips())
    raw.batch("comptages-routiers-permanents.csv", roads_csv(quoted(str(LINE)), "geo_shape"))
    reference(raw, {"type": "LineString", "coordinates": [[2.34, 48.85], [2.35, 48.85]]})
    arc, _ = arc_of(raw, run)
    assert arc["arrondissement"] == 6, "the row's own shape, before that of the reference"


def test_a_shape_that_is_not_understood_is_said(raw: RawTree, run: Run) -> None:
    raw.batch("arrondissements.geojson", strips())
    raw.batch("comptages-routiers-permanents.csv", roads_csv("LINESTRING (2 48)", "geo_shape"))
    arc, metrics = arc_of(raw, run)
    assert (arc["arrondissement"], arc["longueur_metres"]) == (None, None)
    assert "formes_illisibles" in codes(metrics)


def test_a_shape_of_the_reference_that_is_not_understood_is_said(raw: RawTree, run: Run) -> None:
    raw.batch("arrondissements.geojson", strips())
    raw.batch(
        REFERENCE,
        f"Identifiant arc;Libelle;geo_shape\n7;A;{quoted(str(LINE))}\n8;B;LINESTRING (2 48)\n9;C;\n",
    )
    assert run(process_referentiel.main, "--date", DAY).code == 0
    metrics = raw.metrics("referentiel", DAY)
    assert [(one["identifiant_arc"], one["arrondissement"]) for one in metrics["mapping"]] == [("7", 6)]
    (warning,) = [one for one in metrics["qualite"]["avertissements"] if one["code"] == "formes_illisibles"]
    assert (warning["mesure"], warning["exemples"]) == (1, ["8"])
