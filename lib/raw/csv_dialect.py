"""The dialects of batch exports: separators, quotes, and the names that a column goes by. Needs no pandas."""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from lib.common.errors import InputError
from lib.raw.forms.encoding import Encoding
from lib.raw.source_files import RawFile

MAX_ROW_CHARACTERS = 10_000_000
DELIMITERS = ";,\t"

_SEPARATOR_LINE = re.compile(r'\ufeff?"?sep=(.|\\t)"?\s*', re.IGNORECASE)
_SPACE_OR_COMMA = re.compile(r"[\s,]")
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:0+|[0-9]*),(?:[0-9]{1,2}|[0-9]{4,})|[+-]?0+,[0-9]+|[+-]?[0-9]{4,},[0-9]+")
_THOUSANDS = re.compile(r"(?<=[0-9])[ \u00a0\u202f](?=[0-9]{3}(?![0-9]))")

csv.field_size_limit(MAX_ROW_CHARACTERS)

Aliases = Mapping[str, tuple[str, ...]]

# A place in two columns, as pandas flattens an object of a JSON answer. A source's table of names has them as well.
SPLIT_PLACE: Aliases = {
    "lat": ("lat", "latitude", "coordinates.lat", "coordinates_lat", "geo_point_2d.lat", "geo_point_2d_lat"),
    "lon": ("lon", "longitude", "coordinates.lon", "coordinates_lon", "geo_point_2d.lon", "geo_point_2d_lon"),
}


def require_columns(raw: RawFile, names: Iterable[str], aliases: Aliases, required: tuple[str, ...]) -> None:
    """Raise InputError naming the file and the first required column that is missing."""
    missing = [name for name in required if name not in set(names)]
    if missing:
        raise InputError(
            f"{raw.path} n'a pas la colonne « {aliases[missing[0]][0]} ».",
            "Ce n'est pas l'export attendu (page HTML, autre jeu de données ?) : le récupérer à nouveau.",
        )


def canonical(name: str, aliases: Aliases) -> str:
    """Find the key of `aliases` that a column name stands for (see fold), or the name itself."""
    wanted = fold(name)
    return next((key for key, names in aliases.items() if wanted in {fold(key), *map(fold, names)}), name)


def fold(text: object) -> str:
    """Write a word as it is compared: case, accents, outer spaces and quotes aside, `_` as a space."""
    straight = str(text).strip().strip('"').replace("’", "'").replace("_", " ")
    return unicodedata.normalize("NFKD", straight).encode("ascii", "ignore").decode().casefold()


def detect_delimiter(header: str) -> str:
    """Read the separator of a CSV off its header line."""
    return max(DELIMITERS, key=header.count)


def read_header(lines: Iterator[bytes], encoding: Encoding) -> tuple[str, list[str]]:
    """Read the separator of a CSV and the names of its columns off its first lines.

    Excel's own first line may name the separator (sep=;). Of quotes that are not balanced in a header none counts.
    """
    line = encoding.heading(next(lines, b""))
    said = _SEPARATOR_LINE.fullmatch(line)
    if said:
        line = encoding.heading(next(lines, b""))
    delimiter = said[1].replace("\\t", "\t") if said else detect_delimiter(line)
    return delimiter, split_row(line.replace('"', "") if line.count('"') % 2 else line, delimiter)


def split_row(text: str, delimiter: str, strict: bool = False) -> list[str]:
    """Split one CSV row into its fields; empty when the text is not exactly one row.

    `strict` refuses text between a closing quote and the next separator, which is how a stray quote closes.
    """
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=strict))
    except csv.Error:
        return []
    return rows[0] if len(rows) == 1 else []


def point_decimals(texts: Iterable[str]) -> list[str]:
    """Write the numbers of one column with decimal points, where their commas can mean nothing else.

    A comma before other than three figures, or after a zero alone, is a decimal one, and so are then all of the column.
    12,345 alone may be either: it stays as it is, and no number. Spaces between thousands are dropped.
    """
    known = list(texts)
    if not _SPACE_OR_COMMA.search("".join(known)):
        return known
    joined = [_THOUSANDS.sub("", text.strip()) for text in known]
    commas = [text for text in joined if _COMMA.fullmatch(text)]
    if not any(_DECIMAL.fullmatch(text) for text in commas):
        return [text if "," in text else spaced for text, spaced in zip(known, joined, strict=True)]
    return [text.replace(",", ".") if _COMMA.fullmatch(text) else text for text in joined]
