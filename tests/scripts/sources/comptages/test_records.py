"""Rows of a road-count export: which belong to a day, which are believed, what each of the others costs."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.common.errors import InputError
from lib.figures.quality import Quality
from lib.raw.source_files import RawFile
from scripts.sources.comptages.records import newest_rows, read_day_rows
from tests.conftest import ARCS_HEADER, count_row, gz

DAY = date(2025, 11, 4)
NOON = "2025-11-04T12:00:00+01:00"
PARIS = ZoneInfo("Europe/Paris")


def read(path: Path, content: str | bytes, day: date = DAY) -> tuple[pd.DataFrame, Quality]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    quality = Quality()
    return read_day_rows(RawFile("", 0.0, path), day, quality), quality


def csv_of(*rows: str) -> str:
    return "\n".join([ARCS_HEADER, *rows]) + "\n"


def values(rows: pd.DataFrame) -> list[tuple[Any, ...]]:
    """(arc, hour, flow, rate) of each row, None where not measured."""
    columns = rows[["identifiant_arc", "heure", "debit", "taux_occupation"]].astype(object)
    return list(columns.where(columns.notna(), None).itertuples(index=False, name=None))


# ------------------------------------------------------------------------------------------------- the day of a row


def model_hour(text: str, day: date) -> int | None:
    """The hour of the day that a label closes, by its words: a Paris clock is read, another one is converted."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.utcoffset() not in (None, timedelta(hours=1), timedelta(hours=2)):
        moment = moment.astimezone(PARIS)
    wall = moment.replace(tzinfo=None)
    skipped = wall.replace(tzinfo=PARIS).astimezone(ZoneInfo("UTC")).astimezone(PARIS).replace(tzinfo=None) != wall
    hours = (wall - datetime(day.year, day.month, day.day)) / timedelta(hours=1)
    return int(hours) - 1 if hours in range(1, 25) and not skipped else None


OFFSETS = ("", "+01:00", "+02:00", "+00:00", "Z")
change_days = st.sampled_from([DAY, date(2025, 10, 26), date(2025, 3, 30), date(2024, 2, 29), date(2025, 12, 31)])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    day=change_days,
    hours=st.lists(st.integers(-30, 54), min_size=1, max_size=12, unique=True),
    offset=st.sampled_from(OFFSETS),
    space=st.sampled_from("T "),
    form=st.sampled_from(["csv", "json"]),
)
def test_a_day_never_holds_another_days_row(
    tmp_path: Path, day: date, hours: list[int], offset: str, space: str, form: str
) -> None:
    midnight = datetime(day.year, day.month, day.day)
    labels = [(midnight + timedelta(hours=hour)).isoformat() + offset for hour in hours]
    expected = sorted(
        (str(number), hour, float(number))
        for number, label in enumerate(labels)
        if (hour := model_hour(label, day)) is not None
    )
    texts = [label.replace("T", space) for label in labels]
    if form == "csv":
        content = csv_of(*(count_row(str(number), text, number, 1) for number, text in enumerate(texts)))
    else:
        content = json.dumps([{"iu_ac": n, "t_1h": text, "q": n, "k": 1} for n, text in enumerate(texts)])
    rows, quality = read(tmp_path / f"a.{form}", content, day)
    assert sorted(row[:3] for row in values(rows)) == expected
    assert quality.rejets.total() == quality.rejets["heure_inexistante"]  # the label that the spring clock skips


def test_a_label_within_an_hour_is_rejected_and_never_lost(tmp_path: Path) -> None:
    minutes = ["2025-11-04T00:00", "2025-11-04T00:30", "2025-11-04T10:15", "2025-11-04T23:59", "2025-11-05T00:30"]
    rows, quality = read(tmp_path / "a.csv", csv_of(*(count_row("1", label, 5, 1) for label in minutes)))
    assert rows.empty
    assert quality.rejets == {"heure_inexistante": 3}


def test_the_hour_that_the_spring_clock_skips_is_refused_only_where_it_holds_a_measurement(tmp_path: Path) -> None:
    archive = "iu_ac,libelle,t_1h,q,k,etat_trafic,etat_barre\n"
    archive += "376,St_Antoine,2025-03-30 02:00:00,,,0,2\n"  # archives have this row, blank, for every arc
    archive += "376,St_Antoine,2025-03-30 03:00:00,,,0,2\n377,St_Antoine,2025-03-30 02:00:00,12.0,1.5,1,2\n"
    rows, quality = read(tmp_path / "a.csv", archive, date(2025, 3, 30))
    assert values(rows) == [("376", 2, None, None)]
    assert quality.rejets == {"heure_inexistante": 1}


# ----------------------------------------------------------------------------------------------------------- dialects

TECHNICAL = "iu_ac;libelle;t_1h;q;k;etat_trafic;etat_barre;geo_point_2d;geo_shape"
RECORD = {"iu_ac": "7", "libelle": "Rue_A", "t_1h": NOON, "q": 5.0, "k": 1.5, "geo_point_2d": None, "geo_shape": None}
QUOTED_HEADER = ";".join(f'"{name}"' for name in ARCS_HEADER.split(";"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", csv_of(count_row("7", NOON, "5.0", "1.5"))),
        ("a.csv", "\ufeff" + csv_of(count_row("7", NOON, "5.0", "1.5"))),
        ("a.csv", csv_of(count_row("7", NOON, "5.0", "1.5")).replace("\n", "\r\n")),
        ("a.csv", csv_of(count_row("7", NOON, "5.0", "1.5")).rstrip("\n")),
        ("a.csv.gz", gz("\ufeff" + csv_of(count_row("7", NOON, "5.0", "1.5")))),
        ("a.csv", f"{QUOTED_HEADER}\n{count_row('7', NOON, '5.0', '1.5')}\n"),
        ("a.csv", csv_of(count_row('"7"', f'"{NOON}"', '"5.0"', '"1.5"'))),
        ("a.csv", csv_of(count_row(" 7 ", f" {NOON} ", " 5.0 ", " 1.5 "))),
        ("a.csv", csv_of(count_row("7", NOON, "5", "1.5", '"Rue A; côté ""pair"""'))),
        ("a.csv", csv_of(count_row("7", NOON, "5", "1.5", shape=""))),
        ("a.csv", csv_of(count_row("7", NOON, "5", "1.5", shape='{""type"": ""Feature"", ""geometry"": null}'))),
        ("a.csv", f"{TECHNICAL}\n7;Rue_A;{NOON};5.0;1.5;1;3;48.85, 2.35;\n"),
        ("a.csv", f'{TECHNICAL.replace(";", ",")}\n7,Rue_A,2025-11-04 12:00:00,5.0,1.5,1,3,"48.85, 2.35",\n'),
        ("a.csv", "t_1h,iu_ac,k,q\n2025-11-04T12:00,7,1.5,5.0\n"),
        ("a.json", json.dumps([RECORD])),
        ("a.json", json.dumps({"total_count": 1, "results": [RECORD]})),
        ("a.json", json.dumps({"results": [{**RECORD, "iu_ac": 7, "q": 5, "t_1h": "2025-11-04T11:00:00+00:00"}]})),
        ("a.json", json.dumps({"nhits": 1, "records": [{"fields": RECORD}]})),
        ("a.json.gz", gz(json.dumps([RECORD]))),
        ("a.jsonl", json.dumps(RECORD) + "\n"),
        ("a.geojson", json.dumps({"features": [{"type": "Feature", "geometry": None, "properties": RECORD}]})),
    ],
)
def test_every_dialect_gives_the_same_row(tmp_path: Path, name: str, content: str | bytes) -> None:
    rows, quality = read(tmp_path / name, content)
    assert values(rows) == [("7", 11, 5.0, 1.5)]
    assert quality.rejets.total() == 0


def test_a_repeated_column_is_read_once(tmp_path: Path) -> None:
    rows, _ = read(tmp_path / "a.csv", f"iu_ac,t_1h,q,k,libelle,libelle\n7,{NOON},5,1.5,Rue_A,Rue_B\n")
    assert values(rows) == [("7", 11, 5.0, 1.5)]
    assert rows["libelle"].tolist() == ["Rue_A"]


@pytest.mark.parametrize(
    "content", ["", "<html>\n<body>503</body>\n</html>", "Identifiant du compteur;Comptage horaire\n1;5\n"]
)
def test_another_file_under_that_name_is_an_input_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match=r"n'a pas la colonne|est vide|une page HTML"):
        read(tmp_path / "a.csv", content)


def test_a_file_cut_while_zipped_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.csv\.gz"):
        read(tmp_path / "a.csv.gz", gz(csv_of(count_row("7", NOON, 5, 1)) * 50)[:-20])


# ------------------------------------------------------------------------------------------------ what is not believed


@pytest.mark.parametrize("blank", ["", " ", "   "])
def test_blank_is_missing_never_zero(tmp_path: Path, blank: str) -> None:
    rows, quality = read(tmp_path / "a.csv", csv_of(count_row("7", NOON, blank, blank), count_row("8", NOON, "0", "0")))
    assert values(rows) == [("7", 11, None, None), ("8", 11, 0.0, 0.0)]
    assert quality.rejets.total() == 0


@pytest.mark.parametrize(
    ("arc", "flow", "rate", "reason"),
    [
        ("*", "5", "1", "identifiant_invalide"),
        ("", "5", "1", "identifiant_invalide"),
        ("7", "NaN", "1", "debit_non_numerique"),
        ("7", "inf", "1", "debit_non_numerique"),
        ("7", "cinq", "1", "debit_non_numerique"),
        ("7", "5", "nan", "taux_non_numerique"),
        ("7", "5", "-Infinity", "taux_non_numerique"),
        ("7", "-1", "1", "debit_negatif"),
        ("7", "15001", "1", "debit_impossible"),
        ("7", "1e300", "1", "debit_impossible"),
        ("7", "5", "-0.1", "taux_hors_bornes"),
        ("7", "5", "100.1", "taux_hors_bornes"),
        ("7", "-1", "101", "debit_negatif"),  # two reasons: counted once
    ],
)
def test_an_unbelieved_row_costs_itself_alone(tmp_path: Path, arc: str, flow: str, rate: str, reason: str) -> None:
    bad = count_row(arc, NOON, flow, rate)
    rows, quality = read(tmp_path / "a.csv", csv_of(count_row("1", NOON, 5, 1), bad, count_row("2", NOON, 6, 2)))
    assert values(rows) == [("1", 11, 5.0, 1.0), ("2", 11, 6.0, 2.0)]
    assert quality.rejets == {reason: 1}
    (kept,) = quality.kept_rejects
    assert (kept.fichier, kept.raison) == ("a.csv", reason)
    assert kept.ligne == f"octet {len(csv_of(count_row('1', NOON, 5, 1)).encode())}"
    assert flow in kept.contenu
    assert rate in kept.contenu


def test_an_export_of_unbelieved_rows_alone_is_empty(tmp_path: Path) -> None:
    for content in (csv_of(count_row("1", NOON, -5, 1), count_row("*", NOON, 5, 1)), csv_of(), "iu_ac;t_1h;q;k"):
        rows, quality = read(tmp_path / "a.csv", content)
        assert values(rows) == []
    assert quality.rejets.total() == 0


def test_the_highest_believed_values_are_believed(tmp_path: Path) -> None:
    rows, _ = read(tmp_path / "a.csv", csv_of(count_row("7", NOON, "15000", "100"), count_row("8", NOON, "0", "0")))
    assert values(rows) == [("7", 11, 15000.0, 100.0), ("8", 11, 0.0, 0.0)]


def test_an_impossible_value_points_at_its_sensor_and_at_no_phantom(tmp_path: Path) -> None:
    bad = [count_row(arc, NOON, -5, 1) for arc in ("7", "*", "")] + [count_row("8", NOON, "NaN", 1)]
    _, quality = read(tmp_path / "a.csv", csv_of(*bad))
    assert quality.sensors_at_fault == {"7"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (count_row("9", NOON, 5, 1).replace(";Rue_A;", ";Rue;A;"), "champs_en_trop"),
        (count_row("9", NOON, 5, 1).replace(";Amont;", ";"), "champs_manquants"),
        (count_row("9", NOON, 5, 1)[:75], "champs_manquants"),
        (count_row("9", NOON, 5, 1)[:-30], "guillemet_non_ferme"),
        (count_row("9", NOON, 5, 1, '"Rue_A'), "guillemet_non_ferme"),
        (count_row("9", NOON, 5, 1, 'Rue"A'), "guillemet_non_ferme"),
        (count_row("9", NOON, 5, 1).removesuffix('"'), "guillemet_non_ferme"),
        (count_row("9", NOON, 5, 1, "Rue_\udce9"), "encodage_invalide"),
        (count_row("9", "2025-11-04T25:00:00+01:00", 5, 1), "date_illisible"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_broken_line_costs_itself_and_not_its_neighbours(tmp_path: Path, line: str, reason: str, end: str) -> None:
    sound = [count_row("1", NOON, 5, 1), count_row("2", NOON, 6, 2)]
    content = end.join([ARCS_HEADER, sound[0], line, sound[1]]).encode(errors="surrogateescape")
    rows, quality = read(tmp_path / "a.csv", content)
    assert values(rows) == [("1", 11, 5.0, 1.0), ("2", 11, 6.0, 2.0)]
    assert quality.rejets == {reason: 1}
    last = end.join([ARCS_HEADER, *sound, line]).encode(errors="surrogateescape")
    rows, quality = read(tmp_path / "b.csv", last)
    assert len(rows) == 2
    assert quality.rejets == {reason: 1}


def test_two_broken_lines_do_not_mend_each_other(tmp_path: Path) -> None:
    opened, closed = count_row("1", NOON, 5, 1, '"Rue_A'), count_row("2", NOON, 6, 2, 'Rue_A"')
    rows, quality = read(tmp_path / "a.csv", csv_of(opened, closed, count_row("3", NOON, 7, 3)))
    assert values(rows) == [("3", 11, 7.0, 3.0)]
    assert quality.rejets == {"guillemet_non_ferme": 2}


def test_a_row_is_one_line(tmp_path: Path) -> None:
    """No export of the source breaks a row: a line break in quotes is a broken line, counted once."""
    cut = count_row("2", NOON, 6, 2).replace("LineString", "Line\nString")
    named = count_row("3", NOON, 7, 3, '"Rue\nA"')
    rows, quality = read(tmp_path / "a.csv", csv_of(count_row("1", NOON, 5, 1), cut, named, count_row("4", NOON, 8, 4)))
    assert rows["identifiant_arc"].tolist() == ["1", "4"]
    assert quality.rejets == {"guillemet_non_ferme": 2}


def test_a_broken_line_of_another_day_is_no_part_of_the_account(tmp_path: Path) -> None:
    other = [count_row("9", f"2025-11-0{day}T12:00:00+01:00", 5, 1).replace(";Rue_A;", ";Rue;A;") for day in (3, 5)]
    ending = count_row("9", "2025-11-04T00:00:00+01:00", 5, 1)[:-30]  # its date is the day, its hour the day before
    rows, quality = read(tmp_path / "a.csv", csv_of(*other, ending, count_row("1", NOON, 5, 1)))
    assert len(rows) == 1
    assert quality.rejets.total() == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"q": 10**400}, "debit_non_numerique"),
        ({"q": [5]}, "debit_non_numerique"),
        ({"k": {"valeur": 1}}, "taux_non_numerique"),
        ({"q": float("inf")}, "debit_non_numerique"),
        ({"t_1h": [NOON]}, "date_illisible"),
        ({"t_1h": None}, "date_illisible"),
        ({"t_1h": 1762254000}, "date_illisible"),
        ({"iu_ac": None}, "identifiant_invalide"),
        ({"iu_ac": "*"}, "identifiant_invalide"),
    ],
)
def test_a_strange_api_record_costs_itself_alone(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    records = [RECORD, {**RECORD, "iu_ac": "8", **change}, {**RECORD, "iu_ac": "9", "q": None, "k": None}]
    rows, quality = read(tmp_path / "a.json", json.dumps({"results": records}))
    assert values(rows) == [("7", 11, 5.0, 1.5), ("9", 11, None, None)]
    assert quality.rejets == {reason: 1}


def test_what_is_no_record_costs_itself_alone(tmp_path: Path) -> None:
    rows, quality = read(tmp_path / "a.json", json.dumps([RECORD, "texte", None, 5]))
    assert len(rows) == 1
    assert quality.rejets == {"enregistrement_invalide": 3}


def test_a_cut_answer_keeps_its_whole_records(tmp_path: Path) -> None:
    text = json.dumps({"results": [RECORD, {**RECORD, "iu_ac": "8"}, {**RECORD, "iu_ac": "9"}]})
    rows, quality = read(tmp_path / "a.json", text[:-30])
    assert rows["identifiant_arc"].tolist() == ["7", "8"]
    assert quality.rejets == {"json_illisible": 1}


# ------------------------------------------------------------------------------------------------------- several files


def table(*rows: tuple[str, int, float | None, float | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["identifiant_arc", "heure", "debit", "taux_occupation"])
    frame = frame.assign(libelle="Rue_A", geo_point_2d="48.85,2.35", geo_shape=None)
    return frame.astype({"debit": float, "taux_occupation": float})


def test_the_newest_file_wins_and_conflicts_are_counted() -> None:
    quality = Quality()
    old = table(("1", 5, 10, 1), ("1", 6, 20, None), ("2", 5, None, None), ("3", 5, 7, 1))
    new = table(("1", 5, 10, 1), ("1", 6, 25, None), ("2", 5, 4, None), ("4", 5, 8, 1), ("4", 5, 8, 1))
    rows = newest_rows([old, new], quality)
    assert values(rows) == [
        ("1", 5, 10.0, 1.0), ("1", 6, 25.0, None), ("2", 5, 4.0, None), ("3", 5, 7.0, 1.0), ("4", 5, 8.0, 1.0),
    ]  # fmt: skip
    assert (quality.lignes_retenues, quality.doublons, quality.conflits) == (5, 4, 2)


def test_a_newer_file_without_texts_takes_none_away() -> None:
    old, new = table(("1", 5, 10, 1), ("1", 6, 20, 1), ("2", 5, 3, 1)), table(("1", 5, 11, 1), ("3", 5, 4, 1))
    new = new.assign(libelle=["", "Rue_B"], geo_point_2d=[None, ""])
    rows = newest_rows([old, new], Quality()).set_index(["identifiant_arc", "heure"])
    assert rows.loc[("1", 5), ["debit", "libelle", "geo_point_2d"]].tolist() == [11, "Rue_A", "48.85,2.35"]
    assert rows.loc[("3", 5), "libelle"] == "Rue_B"
    assert rows.loc[("3", 5), ["geo_point_2d", "geo_shape"]].isna().all()


@given(st.lists(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2), st.sampled_from([None, 1, 2])), max_size=6)))
def test_one_row_is_left_per_arc_and_hour(files: list[list[tuple[int, int, float | None]]]) -> None:
    quality = Quality()
    tables = [table(*((str(arc), hour, flow, None) for arc, hour, flow in rows)) for rows in files]
    every = [((str(arc), hour), flow) for rows in files for arc, hour, flow in rows]
    expected = dict([one for one in every if one[1] is None] + [one for one in every if one[1] is not None])
    seen = {(str(arc), hour, flow) for rows in files for arc, hour, flow in rows}
    rows = newest_rows([table(), *tables], quality)
    assert {(arc, hour): flow for arc, hour, flow, _ in values(rows)} == expected
    assert values(rows) == sorted(values(rows), key=lambda row: row[:2])
    assert quality.lignes_retenues + quality.doublons == sum(map(len, files))
    assert quality.conflits == len(seen) - len(expected)
