"""Lines as rows: the quick ways to split one, and many together, give what the csv module gives, or nothing."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.raw.csv_dialect import MAX_ROW_CHARACTERS
from lib.raw.forms.encoding import UTF8, Encoding
from scripts.sources.comptages.row_fields import WIDEST, Splitter, fields_of, plain_fields, splitter_for


@given(st.text(alphabet='ab;,"\r é\t\0', max_size=25), st.sampled_from(";,"))
def test_plain_fields_are_those_of_the_csv_module(text: str, delimiter: str) -> None:
    fields = plain_fields(text, delimiter)
    if fields:
        assert [fields] == list(csv.reader([text], delimiter=delimiter))


def test_the_export_s_own_form_is_plain() -> None:
    assert plain_fields('1;;2025;"{""a"": [1, 2]}"', ";") == ["1", "", "2025", '{"a": [1, 2]}']
    assert plain_fields("1,2,,", ",") == ["1", "2", "", ""]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'1;"Quai ; bas";3', ""),
        (b'"1";2;"a ""b"" c"', ""),
        (b'1;"2;3', "guillemet_non_ferme"),
        (b"1;2;3;4", "champs_en_trop"),
        (b"1;2", "champs_manquants"),
        (b"1;\xe9;3", "encodage_invalide"),
        (b"1;2;" + b"x" * MAX_ROW_CHARACTERS, "ligne_trop_longue"),
    ],
)
def test_a_line_is_a_row_or_says_why_not(line: bytes, reason: str) -> None:
    fields, why = fields_of(line, ";", 3, Encoding(UTF8))
    assert why == reason
    assert bool(fields) == (not reason)


HEADER = [
    "libelle",
    "identifiant_arc",
    "Etat",
    "t_1h",
    "debit",
    "taux_occupation",
    "Noeud",
    "geo_point_2d",
    "geo_shape",
]
PLACES = [1, 0, 3, 4, 5, 7, 8]  # of identifiant_arc, libelle, t_1h, debit, taux_occupation, geo_point_2d, geo_shape
FIELDS = st.sampled_from(
    ["", "a", "bb", "Évreux", '"c"', '""', '"a;b"', '"a ""b"""', '"', "\0", "\r", ";", "1.5", "x" * (WIDEST + 1)]
)


def rows_alone(lines: list[bytes], encoding: str) -> tuple[list[list[str | None]], list[str]]:
    """The columns of each line read alone, and why the others are no row."""
    known, rows, reasons = Encoding(encoding), [], []
    for line in lines:
        fields, reason = fields_of(line.rstrip(b"\r"), ";", len(HEADER), known)
        reasons += [reason] if reason else []
        rows += [] if reason else [[*(fields[place] for place in PLACES), None, None]]
    return rows, reasons


@given(
    st.lists(st.lists(FIELDS, min_size=8, max_size=10).map(";".join), min_size=1, max_size=8),
    st.lists(st.integers(0, 7), max_size=120),
    st.sampled_from(["utf-8", "cp1252"]),
    st.sampled_from(["", UTF8]),
    st.booleans(),
)
def test_many_lines_together_are_each_alone(
    forms: list[str], order: list[int], written: str, known: str, windows_ends: bool
) -> None:
    lines = [forms[0].encode(written), *(forms[number % len(forms)].encode(written) for number in order)]
    lines = [line + b"\r" * windows_ends for line in lines]
    splitter = Splitter(HEADER, ";", Encoding(known))
    pieces = list(splitter.pieces_of((np.arange(len(lines)), b"\n".join(lines))))
    rows = [list(row) for _, columns, _ in pieces for row in zip(*columns, strict=True)]
    expected, reasons = rows_alone(lines, known)
    assert rows == expected
    assert [reason for *_, rejects in pieces for _, reason, _ in rejects] == reasons
    offsets = [*np.concatenate([kept for kept, *_ in pieces]), *(at for *_, rejects in pieces for at, *_ in rejects)]
    assert sorted(offsets) == list(range(len(lines)))


def test_a_regular_export_is_read_together() -> None:
    ends = ['N;48.8, 2.3;"{""a"": 1}"\r', "N;;\r"]
    lines = [
        f"Quai {arc};{arc};Ouvert;2025-11-04T{hour:02};{hour};1.5;{ends[arc % 2]}"
        for hour in range(24)
        for arc in range(9)
    ]
    columns = Splitter(HEADER, ";", Encoding(UTF8)).columns_of("\n".join(lines).encode(), len(lines))
    assert [column[10] for column in columns] == ["1", "Quai 1", "2025-11-04T01", "1", "1.5", "", "", None, None]
    assert columns[6][9] == '{"a": 1}'


def test_what_the_days_of_a_range_have_in_common_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all fields are quoted each count is a word, and where each row has another place each end is one."""
    monkeypatch.setattr("scripts.sources.comptages.row_fields.MOST_TEXTS", 100)
    forms = ('"Quai";"{0}";"";"{0}";"{0}";"1.5";"";"";""', "Quai;{0};Ouvert;{0};1;1.5;N;{0};")
    for form in forms:
        for day in range(6):
            numbers = range(day * 40, day * 40 + 40)
            text = "\n".join(form.format(number) for number in numbers).encode()
            splitter = splitter_for([*HEADER[:-1], form], ";", Encoding(UTF8))
            ((_, columns, rejects),) = splitter.pieces_of((np.arange(40), text))
            assert columns[0].tolist() == list(map(str, numbers)) and not rejects
            kept = (splitter.same, splitter.words, splitter.ends.known, splitter.ends.last)
            assert max(map(len, kept)) <= 100 + 2 * 40
