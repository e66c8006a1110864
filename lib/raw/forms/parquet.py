"""A Parquet file as the CSV that the same export has: the portal offers both.

pyarrow is imported when such a file is met, and only then: with it, each import of pandas takes longer.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from lib.common.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 65_536  # of a batch: what is held at once
INSTALL = "Lancer : .venv/bin/pip install -r requirements-parquet.txt (ou l'exporter en CSV)."


def csv_pieces(path: Path, stream: BinaryIO) -> Iterator[bytes]:
    """Yield the file as CSV with `;`: times as ISO text, places and shapes as JSON. InputError without pyarrow."""
    try:
        import pyarrow as pa
        import pyarrow.csv as pa_csv
        import pyarrow.parquet as pa_parquet
    except ImportError as error:
        raise InputError(f"{path} est illisible : c'est un Parquet, et le paquet pyarrow manque.", INSTALL) from error
    try:
        file = pa_parquet.ParquetFile(stream)
        names = pa.table({name: pa.array([], pa.string()) for name in file.schema_arrow.names})
        yield _written(pa_csv, names, header=True)
        for batch in file.iter_batches(ROWS):
            columns = [_plain(column) for column in batch.columns]
            yield _written(pa_csv, pa.RecordBatch.from_arrays(columns, names=batch.schema.names), header=False)
    except pa.ArrowException as error:
        raise InputError(f"{path} est un Parquet illisible ({error}).", "Le récupérer à nouveau.") from error


def _written(pa_csv: Any, table: Any, header: bool) -> bytes:
    text = io.BytesIO()
    pa_csv.write_csv(table, text, pa_csv.WriteOptions(include_header=header, delimiter=";"))
    return text.getvalue()


def _plain(column: "pa.Array") -> "pa.Array":
    """Make a column one that CSV can hold; what comes again in a batch, such as a shape, is converted once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("s", column.type.tz), safe=False)
        return pc.strftime(column, "%Y-%m-%dT%H:%M:%S%z" if column.type.tz else "%Y-%m-%dT%H:%M:%S")
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        coded = column.dictionary_encode()
        return pa.array([_shape(one) for one in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)
    if pa.types.is_nested(column.type):
        return pa.array([_place(value) for value in column.to_pylist()], pa.string())
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _place(value: Any) -> str | None:
    """Write a point as the CSV has it, latitude first; anything else as JSON."""
    if isinstance(value, dict) and value.keys() == {"lon", "lat"}:
        return None if None in value.values() else f"{value['lat']},{value['lon']}"
    return None if value is None else json.dumps(value)


def _shape(value: bytes | None) -> str | None:
    """Write well-known binary as GeoJSON, and other bytes as the text they are."""
    import shapely

    if value is None:
        return None
    try:
        return str(shapely.to_geojson(shapely.from_wkb(value)))
    except shapely.errors.ShapelyError:
        return value.decode("utf-8", "replace")
