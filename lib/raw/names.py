"""Which file names are raw data, and what they say of what a file holds."""

import re

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
