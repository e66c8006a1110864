"""The road reference: every dialect, parts of one arc merged once, real lengths."""

import csv
import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from pyproj import Geod

from lib.common.errors import InputError
from lib.figures.quality import Quality
from lib.raw.source_files import RawFile
from scripts.sources.referentiel.records import merge_parts, read_road_parts
from scripts.sources.referentiel.reference import reference_arcs
from tests.conftest import SAMPLES, RawTree, gz, needs_samples

NAME = "referentiel-geographique-pour-les-donnees-trafic-issues-des-capteurs-permanents.csv"
GEOD = Geod(ellps="WGS84")
LABELS = (
    "Identifiant arc;Libelle;Identifiant noeud amont;Libelle noeud amont;Identifiant noeud aval;Libelle noeud aval;"
    "Date debut dispo data;Date fin dispo data;geo_point_2d;geo_shape"
)


def line(*points: tuple[float, float]) -> dict:
    return {"type": "LineString", "coordinates": [list(point) for point in points]}


FIRST, SECOND = line((2.35, 48.85), (2.36, 48.85)), line((2.36, 48.85), (2.36, 48.86))


def row(arc: str, shape: dict | str, libelle: str = "Rue_A") -> str:
    text = shape if isinstance(shape, str) else json.dumps(shape)
    quoted = text.replace('"', '""')
    return f'{arc};{libelle};11;Amont;12;Aval;2005-01-01;2019-06-01;"48.85, 2.35";"{quoted}"'


def read(path: Path, content: str | bytes) -> tuple[pd.DataFrame, Quality]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    quality = Quality()
    return read_road_parts(RawFile("", 0.0, path), quality), quality


def geodesic(shape: dict) -> float:
    lon, lat = zip(*shape["coordinates"], strict=True)
    return GEOD.line_length(lon, lat)


def test_every_dialect_gives_the_same_arc(tmp_path: Path) -> None:
    upper = "IU_AC;DATE_DEBUT;DATE_FIN;LIBELLE;IU_ND_AVAL;IU_ND_AMONT;LIBELLE_ND_AMONT;LIBELLE_ND_AVAL;geo_point_2d;"
    upper += "geo_shape;SHAPE.LEN"
    shape = json.dumps(FIRST).replace('"', '""')
    properties = {
        "iu_ac": 7, "libelle": "Rue_A", "iu_nd_amont": 11, "libelle_nd_amont": "Amont", "iu_nd_aval": 12,
        "libelle_nd_aval": "Aval",
    }  # fmt: skip
    feature = {"type": "Feature", "geometry": FIRST, "properties": properties}
    forms = {
        "labels.csv": "\ufeff" + "\r\n".join([LABELS, row("7", FIRST)]),
        "feature.csv": "\n".join([LABELS, row("7", feature)]),
        "upper.csv": f'{upper}\n7;2005;2019;Rue_A;12;11;Amont;Aval;48.85,2.35;"{shape}";0.0\n',
        "labels.csv.gz": gz("\n".join([LABELS, row(" 7 ", FIRST)])),
        "a.geojson": json.dumps({"type": "FeatureCollection", "features": [feature]}),
        "a.json": json.dumps({"results": [{**properties, "geo_shape": feature}]}),
    }
    columns = ["identifiant_arc", "libelle", "iu_nd_amont", "libelle_nd_amont", "iu_nd_aval", "libelle_nd_aval"]
    for name, content in forms.items():
        parts, quality = read(tmp_path / name, content)
        assert parts[columns].to_numpy().tolist() == [["7", "Rue_A", "11", "Amont", "12", "Aval"]], name
        assert parts["longueur_metres"].tolist() == pytest.approx([geodesic(FIRST)], rel=1e-3), name
        assert (quality.lignes_retenues, quality.rejets.total()) == (1, 0), name


def test_parts_add_up_and_a_repeated_part_counts_once(tmp_path: Path) -> None:
    backwards = line(*reversed([tuple(point) for point in SECOND["coordinates"]]))
    rows = [row("7", FIRST, ""), row("8", FIRST), row("7", SECOND), row("7", FIRST), row("7", backwards)]
    parts, quality = read(tmp_path / "a.csv", "\n".join([LABELS, *rows]))
    assert (quality.lignes_retenues, quality.doublons) == (3, 2)
    arcs = merge_parts(parts).set_index("identifiant_arc")
    assert arcs.loc["7", "nombre_parties"] == 2
    assert arcs.loc["7", "libelle"] == "Rue_A"  # the first part that has one
    assert arcs.loc["7", "longueur_metres"] == pytest.approx(geodesic(FIRST) + geodesic(SECOND), rel=1e-3)
    assert arcs.loc["7", "geometry"].geom_type == "LineString"  # parts that touch make one line
    assert arcs.loc["8", "nombre_parties"] == 1


def test_rows_without_an_arc_or_a_line_are_rejected_by_reason(tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [2.35, 48.85]}
    still = line((2.35, 48.85), (2.35, 48.85))
    bad = [row("*", FIRST), row(" ", FIRST), row("2", ""), row("3", "{"), row("4", point), row("5", still)]
    parts, quality = read(tmp_path / "a.csv", "\n".join([LABELS, *bad, row("7", FIRST), 'x;"y']))
    assert parts["identifiant_arc"].tolist() == ["7"]
    assert quality.rejets == {"identifiant_absent": 2, "geometrie_absente": 4, "guillemet_non_ferme": 1}
    assert {reject.ligne for reject in quality.kept_rejects} == {2, 3, 4, 5, 6, 7, 9}


def test_an_export_of_header_alone_has_no_arc(tmp_path: Path) -> None:
    parts, quality = read(tmp_path / "a.csv", LABELS)
    assert merge_parts(parts).empty
    assert quality.rejets.total() == 0


def test_another_dataset_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="« geo_shape »"):
        read(tmp_path / "a.csv", "Identifiant arc;Date et heure de comptage;Débit horaire\n1;2025;3\n")


def test_without_a_usable_reference_there_are_no_arcs_and_it_is_said(raw: RawTree) -> None:
    def asked() -> tuple[pd.DataFrame | None, list[str]]:
        quality = Quality()
        arcs = reference_arcs(raw.settings(), quality, "rien n'est calculé")
        assert all("rien n'est calculé" in warning.message for warning in quality.avertissements)
        return arcs, [warning.code for warning in quality.avertissements]

    assert asked() == (None, ["referentiel_absent"])
    raw.batch(NAME, "<html>\n503\n</html>")
    assert asked() == (None, ["referentiel_illisible"])
    raw.batch(NAME, LABELS)
    assert asked() == (None, ["referentiel_illisible"])
    raw.batch(NAME, "\n".join([LABELS, row("7", FIRST)]))
    arcs, codes = asked()
    assert arcs is not None
    assert (arcs["identifiant_arc"].tolist(), codes) == (["7"], [])


def test_the_arcs_of_an_older_export_stand_where_the_newest_is_cut(raw: RawTree) -> None:
    rows = [row(str(number), FIRST) for number in range(30)]
    for name, count, moment in (("a", 30, 1_600_000_000), ("b", 7, 1_700_000_000)):
        os.utime(raw.batch(NAME.replace(".csv", f"-{name}.csv"), "\n".join([LABELS, *rows[:count]])), (moment, moment))
    quality = Quality()
    arcs = reference_arcs(raw.settings(), quality, "rien n'est calculé")
    assert arcs is not None and len(arcs) == 30
    (warning,) = quality.avertissements
    assert warning.code == "referentiel_incomplet"
    assert "-b.csv (7 lignes)" in warning.message and "-a.csv (30 lignes)" in warning.message


@needs_samples
def test_real_rows_and_lengths(tmp_path: Path) -> None:
    source = SAMPLES / "referentiel" / "technique_majuscules_referentiel_2020_300.csv"
    expected: dict[str, float] = {}
    with source.open(encoding="utf-8-sig", newline="") as stream:
        for one in csv.DictReader(stream, delimiter=";"):
            expected[one["IU_AC"]] = expected.get(one["IU_AC"], 0) + geodesic(json.loads(one["geo_shape"]))
    shutil.copy(source, tmp_path / "a.csv")
    parts = read_road_parts(RawFile("", 0.0, tmp_path / "a.csv"), Quality())
    arcs = merge_parts(parts).set_index("identifiant_arc")
    assert (len(parts), len(arcs)) == (300, 299)
    assert arcs["longueur_metres"].to_dict() == pytest.approx(expected, rel=1e-3)
    assert arcs.loc["5782", "nombre_parties"] == 2


@needs_samples
def test_real_geojson() -> None:
    path = SAMPLES / "referentiel" / "referentiel_2020_300.geojson"
    expected: dict[str, float] = {}
    for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
        arc = str(feature["properties"]["iu_ac"])
        expected[arc] = expected.get(arc, 0) + geodesic(feature["geometry"])
    arcs = merge_parts(read_road_parts(RawFile("", 0.0, path), Quality())).set_index("identifiant_arc")
    assert len(arcs) == 297
    assert arcs["longueur_metres"].to_dict() == pytest.approx(expected, rel=1e-3)
    assert sorted(arcs.index[arcs["nombre_parties"] == 2]) == ["4747", "582", "6157"]
