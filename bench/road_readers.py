"""One day, or many, out of the road-count export with other tools, each written the way its own manual says is fast.

Started by bench/road_counts.py, one process a measure: road_readers.py <tool> <csv> <first day> <last day> [<folder>].
Without a folder it prints the day's figures; with one it writes the days there as Parquet.

Every tool reads quotes as plain text, so that a broken line costs itself alone, and leaves the arcs with broken lines
out (see scripts/demo/road_quirks.py): what is left must be the same to the last digit, whoever counts.
"""

import json
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.demo.road_quirks import ARC_IDS

ARC, LABEL, FLOW = "Identifiant arc", "Date et heure de comptage", "Débit horaire"
QUIRKY = ["*", *map(str, ARC_IDS)]

Figures = tuple[int, float]  # arc-hours with a flow, and their sum


def bounds(first: str, last: str) -> tuple[str, str]:
    """The labels of these civil days, as text: above the one, below the other."""
    return f"{first}T00:59", f"{date.fromisoformat(last) + timedelta(days=1)}T00:59"


def pandas_chunks(path: str, low: str, high: str) -> Figures:
    import pandas as pd

    count, total = 0, 0.0
    options = {"sep": ";", "dtype": str, "quoting": 3, "on_bad_lines": "skip", "encoding_errors": "replace"}
    for chunk in pd.read_csv(path, usecols=[ARC, LABEL, FLOW], chunksize=1_000_000, **options):
        rows = chunk[(chunk[LABEL] > low) & (chunk[LABEL] < high) & ~chunk[ARC].isin(QUIRKY)]
        flows = pd.to_numeric(rows[FLOW])
        count, total = count + int(flows.count()), total + float(flows.sum())
    return count, total


def polars(path: str, low: str, high: str) -> Figures:
    import polars as pl

    rows = _polars_rows(path, low, high).filter(~pl.col(ARC).is_in(QUIRKY) & (pl.col(FLOW) != ""))
    flow = pl.col(FLOW).cast(pl.Float64)
    count, total = (
        rows.select(flow.count().alias("count"), flow.sum().alias("total")).collect(engine="streaming").row(0)
    )
    return count, total


def _polars_rows(path: str, low: str, high: str):
    import polars as pl

    options = {"quote_char": None, "infer_schema": False, "truncate_ragged_lines": True, "encoding": "utf8-lossy"}
    rows = pl.scan_csv(path, separator=";", **options)
    return rows.filter((pl.col(LABEL) > low) & (pl.col(LABEL) < high))


def duckdb(path: str, low: str, high: str) -> Figures:
    import duckdb

    ids = ", ".join(f"'{arc}'" for arc in QUIRKY)
    query = f"""select count("{FLOW}"), sum("{FLOW}"::double) from {_duckdb_rows(path, low, high)}
        and "{ARC}" not in ({ids}) and "{FLOW}" <> ''"""
    count, total = duckdb.sql(query).fetchall()[0]
    return count, total


def _duckdb_rows(path: str, low: str, high: str) -> str:
    options = "delim=';', header=true, all_varchar=true, quote='', escape='', ignore_errors=true, strict_mode=false"
    return f"""read_csv('{path}', {options}) where "{LABEL}" > '{low}' and "{LABEL}" < '{high}'"""


def pyarrow(path: str, low: str, high: str) -> Figures:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as csv
    import pyarrow.dataset as ds

    parse = csv.ParseOptions(delimiter=";", quote_char=False, invalid_row_handler=lambda row: "skip")
    types = dict.fromkeys([ARC, LABEL, FLOW], pa.binary())
    convert = csv.ConvertOptions(column_types=types)
    form = ds.CsvFileFormat(parse_options=parse, convert_options=convert, read_options=csv.ReadOptions())
    label = pc.field(LABEL)
    within = (label > pa.scalar(low.encode())) & (label < pa.scalar(high.encode()))
    schema = pa.schema(list(types.items()))
    rows = ds.dataset(path, format=form, schema=schema).to_table(columns=[ARC, FLOW], filter=within)
    rows = rows.filter(pc.invert(pc.is_in(rows[ARC], pa.array([arc.encode() for arc in QUIRKY]))))
    texts = rows[FLOW].cast(pa.string())
    flows = texts.filter(pc.not_equal(texts, "")).cast(pa.float64())
    return len(flows), pc.sum(flows).as_py()


def polars_parquet(path: str, low: str, high: str, folder: str) -> None:
    import polars as pl

    day = pl.col(LABEL).str.slice(0, 10)
    rows = _polars_rows(path, low, high).with_columns(day.alias("jour"))
    rows.sink_parquet(pl.PartitionBy(folder, key="jour"), mkdir=True, engine="streaming")


def duckdb_parquet(path: str, low: str, high: str, folder: str) -> None:
    import duckdb

    rows = f'select *, "{LABEL}"[:10] as jour from {_duckdb_rows(path, low, high)}'
    duckdb.sql(f"copy ({rows}) to '{folder}' (format parquet, partition_by (jour))")


FIGURES: dict[str, Callable[[str, str, str], Figures]] = {
    "pandas": pandas_chunks,
    "polars": polars,
    "duckdb": duckdb,
    "pyarrow": pyarrow,
}
PARQUET: dict[str, Callable[[str, str, str, str], None]] = {"polars": polars_parquet, "duckdb": duckdb_parquet}


if __name__ == "__main__":
    tool, path, first, last, *folder = sys.argv[1:]
    if folder:
        PARQUET[tool](path, *bounds(first, last), *folder)
    else:
        sys.stdout.write(json.dumps(FIGURES[tool](path, *bounds(first, last))))
