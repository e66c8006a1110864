"""Which file names are raw data, and of which data set: those of the portal, of a browser, of people."""

import re
from functools import lru_cache

JSON_SUFFIXES = (".json", ".jsonl", ".ndjson", ".geojson")
TABLE_SUFFIXES = (".csv", ".parquet")
SUFFIXES = (*JSON_SUFFIXES, *TABLE_SUFFIXES, ".txt")  # in any case; a .txt may hold either
PACKED = (".gz", ".zip")

_ABOUT_DATA = re.compile(  # what lies beside data and is none
    r"(?:lisezmoi|readme|lire|licen[cs]e|(?:md5|sha[0-9]*|check)sums?|thumbs\.db|desktop\.ini|_success)\b.*"
)


def suffix_of(name: str) -> str:
    """Find the suffix that says what a file holds, in lower case: .csv of a.CSV.gz; empty where there is none."""
    folded = name.lower()
    for packed in PACKED:
        folded = folded.removesuffix(packed)
    stem, dot, last = folded.rpartition(".")
    return f".{last}" if dot and stem else ""


def is_raw_name(name: str) -> bool:
    """Tell whether a file's name is one of data that can be read."""
    return not is_beside_data(name) and (suffix_of(name) in SUFFIXES or name.lower().endswith(".zip"))


def is_beside_data(name: str) -> bool:
    """Tell whether a file is no data by its name: hidden, a note, a licence, what a system leaves."""
    return name.startswith((".", "~$")) or _ABOUT_DATA.fullmatch(name.lower()) is not None


def is_named(name: str, stems: tuple[str, ...]) -> bool:
    """Tell whether a name begins with one of these, case and _ aside; a year or a number may stand before."""
    return bool(stems) and _beginning(stems).match(re.sub(r"[_ ]", "-", name.lower())) is not None


@lru_cache
def _beginning(stems: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?:[0-9]+[-.]+)*(?:{'|'.join(map(re.escape, stems))})(?![a-z])")
