"""JSON as documents are written and read, against Python's own reader."""

import json
import math
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.common.exact_json import Plain, canonical_text, read_json, readable_text

TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.just("\0")
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([5e-05, 1.5e-06, 1e16, -0.0, 2**64, 10**30])
    | TEXT
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=12)


@given(VALUES)
def test_what_is_written_is_read_back_to_the_digit(value: Any) -> None:
    written = readable_text({"metrics": value})
    assert repr(json.loads(written)) == repr(read_json(written)) == repr({"metrics": value})


@given(VALUES)
def test_digests_are_of_the_text_that_python_writes(value: Any) -> None:
    python = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert canonical_text(value) == python.encode()


def test_each_record_has_its_line_whatever_it_holds() -> None:
    records = [{"libelle": '},{"a":1', "liste": ["a", "\0", "b"]}, {"libelle": ',"\\u0000",'}, {"valeurs": (1, 5e-05)}]
    lines = readable_text({"total": 3, "vide": {}, "heures": [1, None], "metrics": records}).decode().splitlines()
    assert lines[:5] == ["{", '  "total": 3,', '  "vide": {},', '  "heures": [1,null],', '  "metrics": [']
    assert [json.loads(line.removesuffix(",")) for line in lines[5:8]] == json.loads(json.dumps(records))
    assert lines[8:] == ["  ]", "}"]


def test_many_records_are_laid_out_as_few_are() -> None:
    records: list[Any] = [{"numero": number, "texte": "\0"} for number in range(250)]
    records[120] = ["a", "\0", "b"]
    lines = readable_text({"metrics": records}).decode().splitlines()
    assert json.loads("\n".join(lines)) == {"metrics": records}
    assert [json.loads(line.removesuffix(",")) for line in lines[2:-2]] == records


@pytest.mark.parametrize("foreign", [math.nan, math.inf, -math.inf, {1, 2}, date(2025, 1, 1), object(), "\ud800"])
@pytest.mark.parametrize("write", [readable_text, canonical_text])
def test_what_json_has_no_form_for_is_refused_at_any_depth(write: Any, foreign: object) -> None:
    class Named(dict[str, Any]):
        pass

    for value in ({"a": [0.5, {"b": (foreign,)}]}, {"a": Named(b=foreign)}, {"a": [Plain([1, 2]), [foreign]]}):
        with pytest.raises((ValueError, TypeError)):
            write(value)
