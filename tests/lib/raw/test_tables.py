"""Exports as tables: every dialect gives the same rows, and a broken line costs itself alone."""

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.common.errors import InputError
from lib.figures.quality import Quality
from lib.raw.source_files import RawFile
from lib.raw.tables import MAX_ROW_CHARACTERS, Aliases, read_table

ALIASES: Aliases = {
    "identifiant": ("Identifiant",),
    "maitre": ("Maitre d'ouvrage", "maitre_ouvrage"),
    "date_debut": ("Date de début",),
    "geo_shape": ("geo_shape",),
}
REQUIRED = ("identifiant", "date_debut")
HEADER = "Identifiant;Maitre d'ouvrage;Date de début;geo_shape"
GOOD = ["A;Ville;2025-11-01;", "B;Ville;2025-11-02;", "C;Ville;2025-11-03;"]


def table_of(path: Path, content: bytes | str) -> tuple[list[dict], Quality]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    quality = Quality()
    return read_table(RawFile("", 0.0, path), ALIASES, REQUIRED, quality).to_dict("records"), quality


def names(rows: list[dict]) -> list[str]:
    return [row["identifiant"] for row in rows]


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        "identifiant;maitre_ouvrage;date_debut;geo_shape",
        "IDENTIFIANT;MAITRE_OUVRAGE;DATE_DEBUT;GEO_SHAPE",
        '"Identifiant";"Maitre d’ouvrage";"Date de debut"; geo_shape ',
    ],
)
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize(("bom", "line_end"), [("", "\n"), ("\ufeff", "\r\n")])
@pytest.mark.parametrize("zipped", [False, True])
def test_every_csv_dialect_gives_the_same_rows(
    tmp_path: Path, header: str, delimiter: str, bom: str, line_end: str, zipped: bool
) -> None:
    text = bom + line_end.join([header, *GOOD, '"D";"Ville; ""Paris""";"2025-11-04";""']).replace(";", delimiter)
    data = gzip.compress(text.encode()) if zipped else text.encode()
    rows, quality = table_of(tmp_path / ("a.csv.gz" if zipped else "a.csv"), data)
    assert rows[0] == {
        "identifiant": "A", "maitre": "Ville", "date_debut": "2025-11-01", "geo_shape": "", "_ligne": 2
    }  # fmt: skip
    assert rows[3]["maitre"] == f'Ville{delimiter} "Paris"'
    assert not quality.rejets


def test_a_line_break_in_quotes_belongs_to_its_field(tmp_path: Path) -> None:
    rows, quality = table_of(
        tmp_path / "a.csv", "\r\n".join([HEADER, 'A;"Ville\r\nde Paris\r\n\r\n";2025-11-01;', *GOOD[1:]])
    )
    assert rows[0]["maitre"] == "Ville\nde Paris\n\n"
    assert [row["_ligne"] for row in rows] == [2, 6, 7]
    assert not quality.rejets


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ('X;"Ville;2025-11-01;', "guillemet_non_ferme"),
        ('X;Vil"le;2025-11-01;', "guillemet_non_ferme"),
        ('X;Ville;2025-11-01;"48.8, 2.3', "guillemet_non_ferme"),  # the last field could swallow whole rows
        ("X;Ville;2025", "champs_manquants"),
        ("X;Ville;2025-11-01;;extra", "champs_en_trop"),
        ("<p>panne</p>", "champs_manquants"),
        (b"X;Vill\xe9;2025-11-01;", "encodage_invalide"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_broken_line_costs_itself_alone(tmp_path: Path, broken: str | bytes, reason: str, place: int) -> None:
    lines = [line.encode() for line in GOOD]
    lines.insert(place, broken.encode() if isinstance(broken, str) else broken)
    lines.append(b'E;"Ville\nde Paris";2025-11-05;')  # its quotes must not pair with a stray one before
    rows, quality = table_of(tmp_path / "a.csv", b"\n".join([HEADER.encode(), *lines]))
    assert names(rows) == ["A", "B", "C", "E"]
    assert quality.rejets == {reason: 1}
    (reject,) = quality.kept_rejects
    assert (reject.fichier, reject.ligne) == ("a.csv", place + 2)


@pytest.mark.parametrize("tail", ["D;Vil", 'D;Ville;2025-11-04;"{""type"": ""Poly'])
def test_a_truncated_last_line_costs_itself_alone(tmp_path: Path, tail: str) -> None:
    rows, quality = table_of(tmp_path / "a.csv", "\n".join([HEADER, *GOOD, tail]))
    assert names(rows) == ["A", "B", "C"]
    assert quality.rejets.total() == 1
    assert [one.broken for one in quality.answers.known] == ["dernière ligne coupée"]


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\nTotal;3\n", "\n\n  "])
def test_a_table_that_does_not_break_off_is_whole(tmp_path: Path, ending: str) -> None:
    rows, quality = table_of(tmp_path / "a.csv", "\n".join([HEADER, *GOOD]) + ending)
    assert names(rows) == ["A", "B", "C"]
    assert not quality.answers.known


def test_an_over_long_line_costs_itself_alone(tmp_path: Path) -> None:
    endless = f"X;{'v' * MAX_ROW_CHARACTERS};2025-11-01;"
    rows, quality = table_of(tmp_path / "a.csv", "\n".join([HEADER, GOOD[0], endless, *GOOD[1:]]))
    assert names(rows) == ["A", "B", "C"]
    assert quality.rejets == {"ligne_trop_longue": 1}


def test_blank_lines_are_nothing(tmp_path: Path) -> None:
    rows, quality = table_of(tmp_path / "a.csv", "\n".join([HEADER, "", *GOOD, "   ", "", ""]))
    assert names(rows) == ["A", "B", "C"]
    assert not quality.rejets


def test_json_records_and_geojson_give_the_same_rows(tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [2.35, 48.85]}
    fields = {"identifiant": "A", "maitre_ouvrage": None, "date_debut": "2025-11-01"}
    for body in (
        {"results": [{**fields, "geo_shape": point}]},
        [{**fields, "geo_shape": point}],
        {"records": [{"fields": {**fields, "geo_shape": point}}]},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": fields, "geometry": point}]},
    ):
        rows, _ = table_of(tmp_path / "a.geojson", json.dumps(body))
        assert rows == [
            {"identifiant": "A", "maitre": None, "date_debut": "2025-11-01", "geo_shape": point, "_ligne": 1}
        ]


def test_a_record_that_is_no_object_costs_itself_alone(tmp_path: Path) -> None:
    rows, quality = table_of(tmp_path / "a.json", '["texte", {"identifiant": "A", "date_debut": "2025-11-01"}, null]')
    assert names(rows) == ["A"]
    assert quality.rejets == {"enregistrement_invalide": 2}


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.geojson"])
@pytest.mark.parametrize("content", ["<!DOCTYPE html>\n<html><body>Erreur; 503</body></html>\n", ""])
def test_an_html_page_or_an_empty_file_is_an_input_error(tmp_path: Path, name: str, content: str) -> None:
    with pytest.raises(InputError, match=name):
        table_of(tmp_path / name, content)


def test_a_damaged_gzip_is_an_input_error(tmp_path: Path) -> None:
    whole = gzip.compress("\n".join([HEADER, *GOOD]).encode())
    for name in ("a.csv.gz", "a.json.gz"):
        with pytest.raises(InputError, match=name):
            table_of(tmp_path / name, whole[:-12])


def test_another_dataset_is_an_input_error_that_names_the_column(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="« Date de début »"):
        table_of(tmp_path / "a.csv", "Identifiant;Nom\nA;B\n")
    with pytest.raises(InputError, match="« Date de début »"):
        table_of(tmp_path / "a.json", '{"results": [{"identifiant": "A"}]}')


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", HEADER), ("a.json", '{"results": []}'), ("a.geojson", '{"features": []}')]
)
def test_an_export_without_rows_is_an_empty_table(tmp_path: Path, name: str, content: str) -> None:
    rows, quality = table_of(tmp_path / name, content)
    assert rows == []
    assert not quality.rejets


cell = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(st.tuples(st.text("ABC", min_size=1), cell, cell, cell), max_size=6),
    delimiter=st.sampled_from(";,"),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_a_csv_writer_wrote_is_read_back(
    tmp_path: Path, cells: list[tuple[str, ...]], delimiter: str, line_end: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end)
    writer.writerows([["identifiant", "maitre", "date_debut", "geo_shape"], *cells])
    rows, quality = table_of(tmp_path / "a.csv", text.getvalue())
    assert [tuple(row.values())[:4] for row in rows] == cells
    assert not quality.rejets


def test_lines_passed_over_cost_nothing_and_shift_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join([HEADER, GOOD[0], 'X;"deux\nlignes";2025-11-02;', GOOD[1], "Z;trop;peu", GOOD[2]]))
    quality = Quality()
    table = read_table(RawFile("", 0.0, path), ALIASES, REQUIRED, quality, lambda line: b"2025-11-02" in line)
    assert table[["identifiant", "_ligne"]].to_numpy().tolist() == [["A", 2], ["X", 3], ["C", 7]]
    assert [(one.ligne, one.raison) for one in quality.kept_rejects] == [(6, "champs_manquants")]
