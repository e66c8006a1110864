"""What the first bytes of a file show it to be, whatever its name says. Needs no package: doctor asks it too."""

import html
import re

HEAD = 1 << 16  # bytes that are enough to tell; the first lines of an export with shapes are long

GZIP, ZIP, PARQUET = "gzip", "zip", "parquet"
UTF16 = ("utf-16-le", "utf-16-be")
OLD_MAC = "cr"  # text whose lines end in CR alone
TEXT = "texte"
EMPTY = "vide"

_READ = {b"\x1f\x8b": GZIP, b"PK\x03\x04": ZIP, b"PAR1": PARQUET}
_REFUSED = {  # how each begins, and what a person calls it
    b"\xd0\xcf\x11\xe0": "un classeur Excel (.xls)",
    b"PK\x05\x06": "une archive zip vide",
    b"%PDF": "un PDF",
    b"BZh": "une archive bzip2",
    b"\xfd7zXZ": "une archive xz",
    b"\x28\xb5\x2f\xfd": "une archive zstd",
    b"7z\xbc\xaf": "une archive 7-Zip",
    b"Rar!": "une archive RAR",
    b"\x89PNG": "une image",
    b"\xff\xd8\xff": "une image",
    b"SQLite format 3": "une base SQLite",
    b"version https://git-lfs": "un pointeur Git LFS, pas le fichier qu'il désigne",
}
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(rb"<[^>]*>")
_SPACES = b" \t\r\n\xef\xbb\xbf"
_SHOWN = 80  # characters of a page's title or of a message


def kind_of(head: bytes) -> str:
    """Name the form of a file that begins so: one of the constants above, or else what it is, as a person calls it."""
    for begins, kind in (_READ | _REFUSED).items():
        if head.startswith(begins):
            return kind
    if wide := _utf16(head):
        return wide
    if not head.strip(_SPACES):
        return EMPTY if len(head) < HEAD else "un fichier de blancs"
    if head[257:262] == b"ustar":
        return "une archive tar"
    if b"\0" in head.partition(b"\n")[0]:  # in a later line it is damage, which costs that line
        return "un fichier binaire"
    if head.lstrip(_SPACES).startswith(b"<"):
        title = _TITLE.search(head)
        return f"une page HTML ou XML ({shown(title[1] if title else _TAG.sub(b' ', head))})"
    return OLD_MAC if b"\r" in head[:-1] and b"\n" not in head else TEXT


def shown(text: bytes) -> str:
    """Quote the beginning of a text on one line."""
    words = " ".join(html.unescape(text.decode("utf-8-sig", "replace")).split())
    return f"« {words[:_SHOWN]}{'…' if len(words) > _SHOWN else ''} »"


def _utf16(head: bytes) -> str:
    """Which UTF-16 a text is in, with a byte order mark or without: every second byte of our data is then zero."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return UTF16[head.startswith(b"\xfe")]
    if b"\0" not in head:
        return ""
    pairs = len(head) // 2
    high, low = head[1 : 2 * pairs : 2].count(0), head[0 : 2 * pairs : 2].count(0)
    if max(high, low) * 10 < pairs * 7 or min(high, low) * 10 > max(high, low) or not pairs:
        return ""
    return UTF16[low > high]
