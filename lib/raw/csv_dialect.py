"""The dialects of batch exports: separators, quotes, and the names that a column goes by. Needs no pandas."""

import csv
import unicodedata
from collections.abc import Iterable, Mapping

from lib.common.errors import InputError
from lib.raw.source_files import RawFile

MAX_ROW_CHARACTERS = 10_000_000
DELIMITERS = ";,\t"

csv.field_size_limit(MAX_ROW_CHARACTERS)

Aliases = Mapping[str, tuple[str, ...]]

# A place in two columns, as pandas flattens an object of a JSON answer. A source's table of names has them as well.
SPLIT_PLACE: Aliases = {
    "lat": ("lat", "latitude", "coordinates.lat", "coordinates_lat", "geo_point_2d.lat", "geo_point_2d_lat"),
    "lon": ("lon", "longitude", "coordinates.lon", "coordinates_lon", "geo_point_2d.lon", "geo_point_2d_lon"),
}


def require_columns(raw: RawFile, names: Iterable[str], aliases: Aliases, required: tuple[str, ...]) -> None:
    """InputError naming the file and the first required column that is missing."""
    missing = [name for name in required if name not in set(names)]
    if missing:
        raise InputError(
            f"{raw.path} n'a pas la colonne « {aliases[missing[0]][0]} ».",
            "Ce n'est pas l'export attendu (page HTML, autre jeu de données ?) : le récupérer à nouveau.",
        )


def canonical(name: str, aliases: Aliases) -> str:
    """The key of `aliases` that a column name stands for (case, accents and outer spaces aside), or the name itself."""
    wanted = fold(name)
    return next((key for key, names in aliases.items() if wanted in {fold(key), *map(fold, names)}), name)


def fold(text: object) -> str:
    """A word as it is compared: case, accents, outer spaces and quotes aside, `_` as a space."""
    straight = str(text).strip().strip('"').replace("’", "'").replace("_", " ")
    return unicodedata.normalize("NFKD", straight).encode("ascii", "ignore").decode().casefold()


def detect_delimiter(header: str) -> str:
    """The separator of a CSV, read off its header line."""
    return max(DELIMITERS, key=header.count)


def split_row(text: str, delimiter: str, strict: bool = False) -> list[str]:
    """The fields of one CSV row; empty when the text is not exactly one row.

    `strict` refuses text between a closing quote and the next separator, which is how a stray quote closes.
    """
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=strict))
    except csv.Error:
        return []
    return rows[0] if len(rows) == 1 else []
