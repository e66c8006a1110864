"""Every form of a file gives the same plain bytes, or the name of what it is."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from lib.common.errors import InputError
from lib.raw.contents import read_blocks, read_bytes
from lib.raw.forms.kinds import HEAD
from lib.raw.forms.streams import is_plain, opened, what_it_is

TEXT = "Identifiant;Libellé\n1;Rue Inventée\n2;Quai d'été\n"


def zipped(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)  # dated 1980: the same bytes for each worker
    return content.getvalue()


PLAIN = TEXT.encode()
FORMS = {
    "plain": PLAIN,
    "gzip": gzip.compress(PLAIN),
    "zip": zipped({"a.csv": PLAIN}),
    "zip of a Mac": zipped({"a.csv": PLAIN, "__MACOSX/._a.csv": b"x"}),
    "UTF-16 of PowerShell": TEXT.encode("utf-16"),
    "UTF-16 without a mark": TEXT.encode("utf-16-le"),
    "UTF-16, the other way round": TEXT.encode("utf-16-be"),
    "CR alone": TEXT.replace("\n", "\r").encode(),
    "gzip of UTF-16": gzip.compress(TEXT.encode("utf-16")),
    "zip of gzip": zipped({"a.csv.gz": gzip.compress(PLAIN)}),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("copies", [1, 5000])
def test_a_form_is_no_difference(tmp_path: Path, form: str, copies: int) -> None:
    path = tmp_path / "a.csv"
    text = TEXT * copies
    content = FORMS[form]
    if copies > 1:
        if form not in ("plain", "UTF-16 of PowerShell", "CR alone", "gzip"):
            pytest.skip("one size is enough")
        content = {
            "plain": text.encode(), "UTF-16 of PowerShell": text.encode("utf-16"),
            "CR alone": text.replace("\n", "\r").encode(), "gzip": gzip.compress(text.encode()),
        }[form]  # fmt: skip
    path.write_bytes(content)
    assert read_bytes(path) == text.encode()
    assert b"".join(read_blocks(path, 10**7)) == text.encode()
    with opened(path, buffering=0) as stream:
        assert is_plain(stream) == (form == "plain")
        stream.seek(12)
        assert stream.read(7) == "Libellé".encode()[:7]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"<!DOCTYPE html><html><head><title>429 Too&nbsp;Many</title></head>",
            "une page HTML ou XML (« 429 Too Many »)",
        ),
        (b"\xef\xbb\xbf <html><body>503</body></html>", "une page HTML ou XML (« 503 »)"),
        ("<html><title>é</title>".encode("utf-16"), "une page HTML"),
        (gzip.compress(b"<html>", mtime=0), "une page HTML"),
        (zipped({"xl/workbook.xml": b"<x/>", "a": b""}), "un classeur Excel (.xlsx)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "un classeur Excel (.xls)"),
        (zipped({"a.csv": b"1", "b.csv": b"2"}), "une archive zip de 2 fichiers (a.csv, b.csv)"),
        (zipped({"a.csv": b"1"})[:-12], "une archive zip illisible"),
        (b"%PDF-1.7", "un PDF"),
        (b"\x00\x01\x02\x03" * 9, "un fichier binaire"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "un pointeur Git LFS"),
        (zipped({"a.zip": zipped({"b.csv": b"1;2"})}), "une archive dans une archive"),
    ],
)
def test_what_is_no_data_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.csv est ") as error:
        read_bytes(path)
    assert words in error.value.message
    assert words in what_it_is(path) and str(path) not in what_it_is(path)


@pytest.mark.parametrize("content", [b"", b" \r\n\n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_said_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.csv est vide"):
        read_bytes(tmp_path / "a.csv")


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_a_line_end_at_the_edge_of_what_is_looked_at_is_no_old_one(tmp_path: Path, end: bytes) -> None:
    content = b"a" * (HEAD - 1) + end + b"b\r\n"
    (tmp_path / "a.csv").write_bytes(content)
    with opened(tmp_path / "a.csv") as stream:
        assert is_plain(stream) and stream.read() == content
