"""A copy that is not whole, to the last byte, is no copy: whatever damaged it, figures are computed again."""

import io
from pathlib import Path

import numpy as np
import pytest

from lib.files.copies import keep_copy, read_copy

STATE = "12 34"
KEPT = {"capteurs": np.arange(72.0).reshape(24, 3), "heures": np.arange(300, dtype=np.int16)}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    path = tmp_path / "copies" / "one.copy"
    assert keep_copy(path, STATE, KEPT)
    return path


def test_reads_what_was_kept_of_the_same_state_alone(copy: Path) -> None:
    found = read_copy(copy, STATE)
    assert found is not None
    for name, values in KEPT.items():
        np.testing.assert_array_equal(found[name], values)
    assert read_copy(copy, "12 35") is None
    assert read_copy(copy.with_name("two.copy"), STATE) is None


# As much would be read as the first line says, whatever follows.
@pytest.mark.parametrize(
    ("written", "damaged"),
    [(b'"<f8"', b'"<f4"'), (b"[24,3]", b"[12,3]"), (b'"<i2"', b'"|i1"'), (b"[300]", b"[200]"), (b"\n", b" ")],
)
def test_takes_no_part_of_a_copy_for_the_whole(copy: Path, written: bytes, damaged: bytes) -> None:
    content = copy.read_bytes()
    assert written in content
    copy.write_bytes(content.replace(written, damaged))
    assert read_copy(copy, STATE) is None


def test_takes_no_other_file_for_a_copy(copy: Path) -> None:
    array = io.BytesIO()
    np.save(array, np.arange(3))
    pickled = io.BytesIO()
    np.save(pickled, np.array([{}], dtype=object))
    whole = copy.read_bytes()
    others = (b"", b"\0" * 900, b"{}", array.getvalue(), pickled.getvalue())
    for content in (*others, whole[:-1], whole[1:], whole + b"\0"):
        copy.write_bytes(content)
        assert read_copy(copy, STATE) is None, content[:20]


def test_takes_no_byte_but_those_that_were_written(copy: Path) -> None:
    whole = copy.read_bytes()
    for place in range(0, len(whole), 7):
        copy.write_bytes(whole[:place] + bytes([whole[place] ^ 0x0C]) + whole[place + 1 :])
        assert read_copy(copy, STATE) is None, place
