"""The road reference as figures: parts merged, places, totals as on the real export."""

import csv
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import shapely
from pyproj import Geod

from lib.figures import geometry
from scripts import process_referentiel
from scripts.process_referentiel import main
from tests import script_server
from tests.conftest import ROOT, SAMPLES, Ran, RawTree, gz, needs_samples
from tests.support.patience import deadline

DAY = "2025-11-04"
STEM = "referentiel-geographique-pour-les-donnees-trafic-issues-des-capteurs-permanents"
LABELS = (
    "Identifiant arc;Libelle;Identifiant noeud amont;Libelle noeud amont;Identifiant noeud aval;Libelle noeud aval;"
    "Date debut dispo data;Date fin dispo data;geo_point_2d;geo_shape"
)
GEOD = Geod(ellps="WGS84")
Run = Callable[..., Ran]


def row(arc: str, *points: tuple[float, float], libelle: str = "Rue_A") -> str:
    shape = json.dumps({"type": "LineString", "coordinates": points}).replace('"', '""')
    return f'{arc};{libelle};11;Amont;12;Aval;2005-01-01;2019-06-01;48.85,2.35;"{shape}"'


def exported(*rows: str) -> str:
    return "\n".join([LABELS, *rows]) + "\n"


WEST, MIDDLE, EAST = (2.35, 48.85), (2.36, 48.85), (2.38, 48.85)


def test_an_arc_in_two_parts_is_one_arc(raw: RawTree, run: Run) -> None:
    raw.batch(
        f"{STEM}.csv", exported(row("7", WEST, MIDDLE), row("8", WEST, MIDDLE, libelle="PE_A"), row("7", MIDDLE, EAST))
    )
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("referentiel", DAY)
    whole = GEOD.line_length([2.35, 2.38], [48.85, 48.85])
    first, second = metrics["mapping"]
    assert list(first) == [
        "identifiant_arc", "libelle", "iu_nd_amont", "libelle_nd_amont", "iu_nd_aval", "libelle_nd_aval",
        "longueur_metres", "nombre_parties", "arrondissement", "peripherique", "geo_point_2d",
        "trace",
    ]  # fmt: skip
    assert (first["identifiant_arc"], first["nombre_parties"], first["peripherique"]) == ("7", 2, False)
    assert (first["iu_nd_amont"], first["libelle_nd_aval"]) == ("11", "Aval")
    assert first["longueur_metres"] == pytest.approx(whole, rel=1e-3)
    assert first["geo_point_2d"] == pytest.approx({"lon": 2.365, "lat": 48.85}, abs=1e-5)
    assert first["trace"] == "LINESTRING (2.35 48.85, 2.38 48.85)"
    assert (second["identifiant_arc"], second["peripherique"]) == ("8", True)
    assert metrics["contours"] == []
    assert metrics["statistiques"] == {
        "nombre_arcs": 2,
        "nombre_lignes": 3,
        "arcs_multiparties": 1,
        "longueur_totale_km": pytest.approx(whole * 4 / 3 / 1000, rel=1e-3),
        "longueur_moyenne_metres": pytest.approx(whole * 2 / 3, rel=1e-3),
        "longueur_peripherique_km": pytest.approx(whole / 3 / 1000, rel=1e-3),
        "nombre_hors_arrondissement": None,  # no polygons: unknown, not all of them
        "par_arrondissement": [
            {"arrondissement": None, "nombre_arcs": 2, "longueur_km": pytest.approx(whole * 4 / 3000, rel=1e-3)}
        ],
    }
    assert [warning["code"] for warning in metrics["qualite"]["avertissements"]] == ["arrondissements_absents"]


def test_traces_keep_bends_and_separate_parts_and_lose_what_no_map_shows(raw: RawTree, run: Run) -> None:
    wobble, bend, far = (2.36, 48.85001), (2.36, 48.851), (2.40, 48.86)  # 1 m and 110 m off the straight line
    rows = [row("7", WEST, wobble, EAST), row("8", WEST, bend, EAST), row("9", WEST, MIDDLE), row("9", EAST, far)]
    raw.batch(f"{STEM}.csv", exported(*rows))
    assert run(main, "--date", DAY).code == 0
    traces = [shapely.from_wkt(arc["trace"]) for arc in raw.metrics("referentiel", DAY)["mapping"]]
    assert [shapely.get_num_coordinates(trace) for trace in traces] == [2, 3, 4]
    assert [trace.geom_type for trace in traces] == ["LineString", "LineString", "MultiLineString"]


def test_outlines_of_neighbours_still_share_their_border(raw: RawTree, run: Run) -> None:
    border = [(2.36, 48.85 + step / 1000 + 0.0002 * (step % 2)) for step in range(11)]  # 22 m of zigzag
    border[5] = (2.37, 48.855)
    west, east = [(2.34, 48.85), *border, (2.34, 48.86)], [*border[::-1], (2.38, 48.85), (2.38, 48.86)]
    features = [
        {"type": "Feature", "properties": {"c_ar": number}, "geometry": shapely.geometry.mapping(shapely.Polygon(ring))}
        for number, ring in ((12, east), (4, west))
    ]
    raw.batch(f"{STEM}.csv", exported(row("7", WEST, MIDDLE)))
    raw.batch("arrondissements.geojson", json.dumps({"type": "FeatureCollection", "features": features}))
    assert run(main, "--date", DAY).code == 0
    contours = raw.metrics("referentiel", DAY)["contours"]
    assert [one["arrondissement"] for one in contours] == [4, 12]
    first, second = (shapely.from_wkt(one["contour"]) for one in contours)
    assert shapely.coverage_is_valid([first, second])
    assert shapely.area(first) == pytest.approx(shapely.area(shapely.Polygon(west)), rel=0.02)
    assert shapely.get_num_coordinates(first) < len(west)


def test_the_newest_file_wins_as_a_whole(raw: RawTree, run: Run) -> None:
    old = raw.batch(f"{STEM}-2.csv", exported(row("7", WEST, MIDDLE), row("9", WEST, EAST)))
    os.utime(old, (1_700_000_000, 1_700_000_000))
    raw.batch(f"{STEM}.csv.gz", gz(exported(row("7", WEST, EAST), row("8", WEST, EAST))))
    assert run(main, "--date", DAY).code == 0
    arc, other = raw.metrics("referentiel", DAY)["mapping"]
    assert other["identifiant_arc"] == "8", "an arc that only the older one has is gone"
    assert arc["longueur_metres"] == pytest.approx(GEOD.line_length([2.35, 2.38], [48.85, 48.85]), rel=1e-3)


def aged(path: Path, days: int) -> Path:
    os.utime(path, (1_700_000_000 - 86_400 * days,) * 2)
    return path


def arcs(count: int) -> str:
    return exported(*(row(str(number), WEST, EAST) for number in range(count)))


@pytest.mark.parametrize("newest", [f"{STEM}-new.csv", f"{STEM}-new.csv.gz"])
def test_an_export_cut_after_some_rows_does_not_take_the_place_of_an_older_whole_one(
    raw: RawTree, run: Run, newest: str
) -> None:
    aged(raw.batch(f"{STEM}-whole.csv", arcs(40)), 3)
    aged(raw.batch(f"{STEM}-first.csv", arcs(5)), 9)
    aged(raw.batch(newest, gz(arcs(5)) if newest.endswith(".gz") else arcs(5)), 0)
    ran = run(main, "--date", DAY)
    assert ran.code == 0
    metrics = raw.metrics("referentiel", DAY)
    assert metrics["statistiques"]["nombre_arcs"] == 40
    (warning,) = [one for one in metrics["qualite"]["avertissements"] if one["code"] == "referentiel_incomplet"]
    assert f"{newest} (5 lignes)" in warning["message"] and f"{STEM}-whole.csv (40 lignes)" in warning["message"]
    assert "make fetch" in warning["message"] and warning["message"] in ran.err
    assert metrics["qualite"]["rejets"] == {"referentiel_incomplet": 1}


@pytest.mark.parametrize("left", [32, 39])
def test_an_export_that_lost_a_fifth_of_its_rows_at_the_most_is_the_newest(raw: RawTree, run: Run, left: int) -> None:
    aged(raw.batch(f"{STEM}-a.csv", arcs(40)), 3)
    aged(raw.batch(f"{STEM}-b.csv", arcs(left)), 0)
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("referentiel", DAY)
    assert metrics["statistiques"]["nombre_arcs"] == left
    assert not metrics["qualite"]["rejets"]


def test_two_cut_exports_in_a_row_do_not_hide_the_whole_one_before(raw: RawTree, run: Run) -> None:
    for days, count in enumerate([4, 5, 40, 38]):
        aged(raw.batch(f"{STEM}-{days}.csv", arcs(count)), days)
    assert run(main, "--date", DAY).code == 0
    assert raw.metrics("referentiel", DAY)["statistiques"]["nombre_arcs"] == 40


def test_what_lies_outside_is_not_counted_where_some_arrondissements_are_missing(raw: RawTree, run: Run) -> None:
    raw.batch(f"{STEM}.csv", arcs(3))
    square = {"type": "Polygon", "coordinates": [[[2.0, 48.0], [2.1, 48.0], [2.1, 48.1], [2.0, 48.1], [2.0, 48.0]]]}
    features = [{"type": "Feature", "geometry": square, "properties": {"c_ar": 4}}]
    raw.batch("arrondissements.geojson", json.dumps({"type": "FeatureCollection", "features": features}))
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("referentiel", DAY)
    assert metrics["statistiques"]["nombre_hors_arrondissement"] is None
    assert {one["arrondissement"] for one in metrics["mapping"]} == {None}
    assert [one["code"] for one in metrics["qualite"]["avertissements"]] == ["arrondissements_incomplets"]


def test_bad_rows_cost_only_themselves(raw: RawTree, run: Run) -> None:
    good = [row(str(number), WEST, MIDDLE) for number in range(6)]
    bad = [row("*", WEST, MIDDLE), row("90", WEST), 'x;"y', row("91", WEST, MIDDLE)[:70]]
    raw.batch(f"{STEM}.csv", "\ufeff" + exported(*good[:3], *bad[:3], *good[3:], bad[3]).replace("\n", "\r\n"))
    ran = run(main, "--date", DAY)
    assert ran.code == 0
    qualite = raw.metrics("referentiel", DAY)["qualite"]
    assert qualite["rejets"]["identifiant_absent"] == qualite["rejets"]["geometrie_absente"] == 1
    assert sum(qualite["rejets"].values()) == 4
    assert (qualite["lignes_lues"], qualite["lignes_retenues"], qualite["couverture"]) == (10, 6, 0.6)
    assert qualite["statut"] == "partiel"
    rejects = list(csv.DictReader(raw.rejects("referentiel", DAY).splitlines(), delimiter=";"))
    assert [one["ligne"] for one in rejects if one["raison"] == "geometrie_absente"] == ["6"]
    assert "4 lignes rejetées" in ran.err


@pytest.mark.parametrize("content", ["<html>\n</html>\n", exported(), exported(row("*", WEST, MIDDLE)), ""])
def test_a_file_without_one_usable_arc_is_an_error(raw: RawTree, run: Run, content: str) -> None:
    path = raw.batch(f"{STEM}.csv", content)
    ran = run(main, "--date", DAY)
    assert ran.code == 1
    assert str(path) in ran.err
    assert not raw.output.joinpath("metrics").exists()


def test_exit_codes(raw: RawTree, run: Run) -> None:
    ran = run(main, "--date", DAY)
    assert (ran.code, ran.out) == (4, "")
    assert "make fetch" in ran.err
    assert run(main, "--date", "2025-02-30").code == 2
    assert run(main, "--help").out.startswith("usage :")


def test_it_runs_from_any_directory_on_the_file_asked_for(
    raw: RawTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw.batch(f"{STEM}.csv", "<html></html>")
    mine = raw.batch("../mon_export.csv", exported(row("7", WEST, MIDDLE)))
    monkeypatch.setenv("REFERENTIEL_CSV", str(mine))
    command = [sys.executable, str(ROOT / "scripts" / "process_referentiel.py"), "--date", DAY]
    ran = script_server.run(command, cwd=tmp_path, timeout=deadline())
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(f"referentiel {DAY} : complet, 1 ligne retenue -> ")
    assert raw.metrics("referentiel", DAY)["statistiques"]["nombre_arcs"] == 1


@needs_samples
@pytest.mark.parametrize(("sample", "arcs"), [("csv", 299), ("geojson", 297)])
def test_real_figures(raw: RawTree, run: Run, sample: str, arcs: int) -> None:
    source = next((SAMPLES / "referentiel").glob(f"*.{sample}"))
    if sample == "csv":
        with source.open(encoding="utf-8-sig", newline="") as stream:
            rows = [
                (one["IU_AC"], one["LIBELLE"], json.loads(one["geo_shape"]))
                for one in csv.DictReader(stream, delimiter=";")
            ]
    else:
        features = json.loads(source.read_text(encoding="utf-8"))["features"]
        rows = [(str(f["properties"]["iu_ac"]), f["properties"]["libelle"], f["geometry"]) for f in features]
    raw.batch(f"{STEM}.{sample}", source.read_bytes())
    raw.batch("arrondissements.geojson", next((SAMPLES / "arrondissements").iterdir()).read_bytes())
    assert run(main, "--date", DAY).code == 0
    metrics = raw.metrics("referentiel", DAY)
    lengths = [GEOD.line_length(*zip(*shape["coordinates"], strict=True)) for _, _, shape in rows]
    ring = [length for (_, name, _), length in zip(rows, lengths, strict=True) if name[:3] in ("PE_", "PI_")]
    totals = metrics["statistiques"]
    assert totals["nombre_arcs"] == len({arc for arc, _, _ in rows}) == arcs
    assert totals["nombre_lignes"] == len(rows) == 300
    assert totals["arcs_multiparties"] == 300 - arcs
    assert totals["longueur_totale_km"] == pytest.approx(sum(lengths) / 1000, rel=1e-3)
    assert totals["longueur_moyenne_metres"] == pytest.approx(sum(lengths) / arcs, rel=1e-3)
    assert totals["longueur_peripherique_km"] == pytest.approx(sum(ring) / 1000, rel=1e-3)
    assert len(ring) > 5
    traces = shapely.from_wkt([arc["trace"] for arc in metrics["mapping"]])
    drawn = shapely.length(geometry.to_metres(traces)).sum() / 1000
    assert drawn == pytest.approx(totals["longueur_totale_km"], rel=5e-3)
    assert [one["arrondissement"] for one in metrics["contours"]] == list(range(1, 21))
    places = totals["par_arrondissement"]
    assert sum(place["nombre_arcs"] for place in places) == arcs
    assert {place["arrondissement"] for place in places} - {None} <= set(range(1, 21))
    outside = [arc for arc in metrics["mapping"] if arc["arrondissement"] is None]
    assert totals["nombre_hors_arrondissement"] == len(outside)
    known = {arc["identifiant_arc"]: arc["arrondissement"] for arc in metrics["mapping"]}
    if sample == "csv":  # Rivoli at the Pont Neuf, Champs-Élysées, Convention, Gambetta, and the A1 beyond the city
        assert [known[arc] for arc in ("31", "223", "5657", "1353", "6875")] == [1, 8, 15, 20, None]
    else:
        assert known["286"] == 1  # place des Pyramides


def test_figures_of_unchanged_files_are_not_computed_again(
    raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw.batch(f"{STEM}.csv", exported(row("7", WEST, MIDDLE), row("8", WEST, MIDDLE), row("*", WEST, EAST)))
    outlines = raw.batch("arrondissements.geojson", "{}")
    computed: list[int] = []

    def figures(day: str, again: bool) -> tuple[dict[str, object], str]:
        process_referentiel._of_files.cache_clear()  # as another run
        known = len(computed)
        assert run(main, "--date", day).code == 0
        assert (len(computed) > known) == again
        rejects = (raw.output / "rejects" / f"referentiel_{day}.csv").read_text("utf-8")
        return raw.metrics("referentiel", day), rejects

    compute = process_referentiel.compute_metrics
    monkeypatch.setattr(process_referentiel, "compute_metrics", lambda *of: computed.append(1) or compute(*of))
    first = figures(DAY, again=True)
    assert figures(DAY, again=False) == figures("2025-11-05", again=False) == first
    outlines.unlink()
    codes = [one["code"] for one in figures(DAY, again=True)[0]["qualite"]["avertissements"]]
    assert codes == ["arrondissements_absents"]
    (raw.output / ".reference" / "metrics.copy").write_bytes(b"PK")
    assert figures(DAY, again=True) == figures(DAY, again=False)
