"""A Parquet file as the CSV that the same export has: the portal offers both.

DuckDB reads it, piece by piece and, of a large table, only the row groups that a reader wants. It is imported when such
a file is met: pandas, unlike with pyarrow, never imports it by itself.
"""

import glob
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lib.common.errors import InputError
from lib.common.settings import S3_SCHEME
from lib.files.duck import quoted, scratch_database
from lib.files.scratch_folder import scratch_folder

if TYPE_CHECKING:
    from duckdb.sqltypes import DuckDBPyType

Columns = dict[str, "DuckDBPyType"]

LINES = 2_048  # of a piece
MARGIN = timedelta(days=1)  # around the days that are wanted: an instant has another day in another zone

_INTEGERS = 1e15  # below it a number without decimals is written without a point, as in the CSV
_QUOTED = ('"', ";", "\n", "\r")  # what a text holds that CSV quotes
_PLAIN = ("integer", "bigint", "date", "boolean")  # whose text CSV never quotes
_NESTED = ("struct", "list", "map", "array", "union")
_TIMES = ("timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns")
_INSTANT = "timestamp with time zone"
_DATED = (*_TIMES, _INSTANT, "date")


@dataclass(frozen=True)
class Window:
    """What a reader wants of a table: the rows whose time is of these days or those next to them, or is empty.

    Without days it wants the different times alone.
    """

    names: tuple[str, ...]  # that the column of the time may have
    first: date | None = None
    last: date | None = None

    def times(self, columns: Columns) -> list[str]:
        wanted = {name.casefold() for name in self.names}
        return [name for name in columns if name.casefold() in wanted]

    def condition(self, columns: Columns) -> str:
        """Write it in SQL. A time that is text may have any form: all rows are wanted then."""
        times = [quoted(name) for name in self.times(columns) if columns[name].id in _DATED]
        if not (times and self.first and self.last):
            return "true"
        low, high = self.first - MARGIN, self.last + 2 * MARGIN
        return f"({times[0]} is null or {times[0]} >= '{low}' and {times[0]} < '{high}')"


def csv_pieces(path: Path, window: Window | None = None) -> Iterator[bytes]:
    """Yield the file as CSV with `;`: times as ISO text, places and shapes as JSON, blank lines for unwanted rows.

    InputError where it is damaged.
    """
    import duckdb

    try:
        with _on_disk(path) as file, scratch_database() as database:
            name = quoted(glob.escape(str(file)), "'")
            table = f"read_parquet({name}, hive_partitioning=false, file_row_number=true)"
            seen = database.sql(f"from {table}")
            *names, row_number = seen.columns
            columns = dict(zip(names, seen.types, strict=False))
            yield ";".join(map(_as_header, columns)).encode() + b"\n"
            found = database.execute(_query(table, columns, quoted(row_number), window))
            at = 0
            while rows := found.fetchmany(LINES):
                lines = []
                for number, line in rows:
                    lines.append("\n" * (number - at) + line)
                    at = number + 1
                yield "\n".join([*lines, ""]).encode()
    except duckdb.Error as error:
        why = str(error).partition("\n")[0]
        raise InputError(f"{path} est un Parquet illisible ({why}).", "Le récupérer à nouveau.") from error


@contextmanager
def _on_disk(path: Path) -> Iterator[Path]:
    """Give a file that DuckDB can read here and there in: of one in S3 a copy."""
    if not str(path).startswith(S3_SCHEME):
        yield path
        return
    with scratch_folder() as folder:
        copy = folder / "export.parquet"
        with path.open("rb") as stream, copy.open("wb") as file:
            shutil.copyfileobj(stream, file)
        yield copy


def _query(table: str, columns: Columns, row_number: str, window: Window | None) -> str:
    """Write in SQL the numbers of the wanted rows and their lines; a column that is not looked at is not read."""
    times = window.times(columns) if window and not window.first else []
    cells = ", ".join(
        f"coalesce({_cell(quoted(name), kind)}, '')" if not times or name in times else "''"
        for name, kind in columns.items()
    )
    line = f"concat_ws(';', {cells})"
    if times:
        return f"select row_number() over () - 1, line from (select distinct {line} as line from {table})"
    return f"select {row_number}, {line} from {table} where {window.condition(columns) if window else 'true'}"


def _as_header(name: str) -> str:
    return quoted(name) if any(one in name for one in _QUOTED) else name


def _cell(column: str, kind: "DuckDBPyType") -> str:
    """Write in SQL the text that a column's value has in the CSV; null for none. What has no text is none."""
    name = kind.id
    if name == _INSTANT:
        return f"try(strftime(make_timestamp(epoch_us({column})), '%Y-%m-%dT%H:%M:%S+00:00'))"
    if name in _TIMES:
        return f"try(strftime({column}::timestamp, '%Y-%m-%dT%H:%M:%S'))"
    if name in ("float", "double"):
        whole = f"{column} = trunc({column}) and abs({column}) < {_INTEGERS}"
        return f"case when {whole} then ({column}::bigint)::varchar when not isnan({column}) then {column}::varchar end"
    return f"{column}::varchar" if name in _PLAIN else _as_field(_text(column, kind))


def _text(column: str, kind: "DuckDBPyType") -> str:
    name = kind.id
    if name == "blob":  # well-known binary, or text that was not declared as such
        return f"coalesce(try(st_asgeojson(st_geomfromwkb({column}))::varchar), try(decode({column})))"
    if name == "geometry":
        return f"st_asgeojson({column})::varchar"
    if name == "struct" and {child for child, _ in kind.children} == {"lon", "lat"}:
        return f"{column}.lat || ',' || {column}.lon"  # a point as the CSV has it
    return f"to_json({column})::varchar" if name in _NESTED else f"{column}::varchar"


def _as_field(text: str) -> str:
    """Quote a text of CSV where it must be."""
    special = "".join(rf"\x{ord(one):02x}" for one in _QUOTED)
    doubled = f"""'"' || replace({text}, '"', '""') || '"'"""
    return f"case when regexp_matches({text}, '[{special}]') then {doubled} else {text} end"
