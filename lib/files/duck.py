"""DuckDB, which reads and writes Parquet: a database that lies in memory alone, is bounded, and asks no network."""

import glob
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

MEMORY = "512MB"  # that it may use; what needs more ends with an error
THREADS = 2
AHEAD = "64KB"  # of rows that it computes before they are asked for; a text counts as 16 bytes, whatever its length
METRICS_NOTE = "metriques"  # note of a table in Parquet: content_sha256 of the metrics that it was made of


@contextmanager
def scratch_database() -> Iterator["duckdb.DuckDBPyConnection"]:
    """Give a database of its own, gone at the end. Extensions are never fetched from the network."""
    import duckdb  # 0.1 s, where it is needed alone

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "threads": THREADS,
        "temp_directory": "",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(config=settings) as database:
        database.execute("set enable_progress_bar = false")  # it would go to the standard output
        database.execute(f"set streaming_buffer_size = '{AHEAD}'")
        yield database


def parquet_notes(database: "duckdb.DuckDBPyConnection", path: Path) -> dict[str, str]:
    """Read the notes that a Parquet file holds about itself; none where there is no such file, or no sound one."""
    import duckdb

    try:
        found = database.execute("select key, value from parquet_kv_metadata(?)", [glob.escape(str(path))]).fetchall()
    except duckdb.Error:
        return {}
    return {key.decode(): value.decode() for key, value in found}


def quoted(name: str, quote: str = '"') -> str:
    """Write a name of SQL, or with `'` a text."""
    return f"{quote}{name.replace(quote, 2 * quote)}{quote}"
