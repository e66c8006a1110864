"""One line as a row: the quick way to split it gives what the csv module gives, or nothing."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.raw.csv_dialect import MAX_ROW_CHARACTERS
from lib.raw.forms.encoding import UTF8, Encoding
from scripts.sources.comptages.day_rows import fields_of, plain_fields


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
