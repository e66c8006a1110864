"""Write the metrics of the store as tidy tables in Parquet: tables/<table>/dt=<day>/<source>.parquet below OUTPUT_DIR.

They are made of the store alone, whichever it is: the same metrics give the same bytes, and a table is written again
only when its metrics, or its columns, have changed. docs/tables.md lists the columns.

    python scripts/make_tables.py --from 2025-10-07 --to 2025-11-04
"""

import argparse
import json
import logging
import os
import sys
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.aws.names import object_url
from lib.common.errors import CityflowError, ExitCode, InputError, NoDataError
from lib.common.settings import Settings
from lib.common.text import counted
from lib.database_factory import get_database_service
from lib.database_service import DatabaseService
from lib.figures.quality import has_account
from lib.figures.tidy_tables import TEXTS, Table
from lib.files.atomic_file import write_atomically
from lib.files.duck import METRICS_NOTE, parquet_notes, quoted, scratch_database
from lib.files.scratch_folder import scratch_folder
from lib.local_file_service import LocalFileService
from lib.raw.source import Source
from lib.raw.source_files import shown_days
from lib.run import cli, day_range
from lib.stores.documents import Document, content_sha256, sha256
from scripts.registry import SOURCES, tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

log = logging.getLogger("cityflow.tables")

HELP = """Tables Parquet des résultats, pour pandas, DuckDB et Athena : un fichier par table, jour et source.

Sans date, tous les jours enregistrés ; seuls ceux qui ont changé sont réécrits.

Exemple : python scripts/make_tables.py --from 2025-10-07 --to 2025-11-04"""

COLUMNS_NOTE = "colonnes"  # beside METRICS_NOTE: the digest of a table's definition
ATHENA = {"VARCHAR": "string", "VARCHAR[]": "array<string>", "TIMESTAMP_MS": "timestamp"}  # else as in SQL


@dataclass
class Made:
    """What was done: files written, how many were up to date, and the sources' days that failed."""

    written: list[Path] = field(default_factory=list)
    same: int = 0
    failed: list[str] = field(default_factory=list)


def write_tables(settings: Settings, store: DatabaseService, first: date | None, last: date | None) -> Made:
    """Write the tables of the stored days within the bounds; NoDataError where the store has none of these."""
    stored = {source: store.list_available_dates(source.name) for source in SOURCES.values()}
    days = sorted({day for found in stored.values() for day in found})
    asked = [day for day in days if (first or day) <= day <= (last or day)]
    if not asked:
        known = f"Jours présents : {shown_days(list(map(str, days)))}." if days else "Traiter d'abord : make process"
        raise NoDataError("aucun résultat pour cette demande.", known)
    made = Made()
    with scratch_database() as database:
        for day in asked:
            for source in (one for one, found in stored.items() if day in found):
                try:
                    _write_day(database, settings.output_dir, store, source, day, made)
                except CityflowError as error:
                    log.error("%s du %s : %s", source.name, day, error)
                    made.failed.append(f"{source.name} {day}")
    return made


def _write_day(
    database: "DuckDBPyConnection", output_dir: Path, store: DatabaseService, source: Source, day: date, made: Made
) -> None:
    """Write the tables of a source's day that are not up to date."""
    document = store.load({"metric_type": source.name, "date": day.isoformat()})
    if not document or not has_account(document["metrics"]):
        raise InputError("chiffres d'une version antérieure.", f"Les refaire : make {source.name} DATE={day} FORCE=1")
    digest, metrics = content_sha256(document), LocalFileService(output_dir).metrics_path(source.name, day)
    for table in tables(source):
        path = output_dir / "tables" / table.name / f"dt={day}" / f"{source.name}.parquet"
        notes = {METRICS_NOTE: digest, COLUMNS_NOTE: sha256(repr(table).encode())}
        if parquet_notes(database, path) == notes:
            made.same += 1
            if metrics.is_file() and path.stat().st_mtime_ns < metrics.stat().st_mtime_ns:
                os.utime(path)  # computed again to the same figures: make upload need not compare them
        else:
            write_atomically(path, parquet_bytes(database, table, document, source.name, day, notes))
            log.debug("%s", path)
            made.written.append(path)


def parquet_bytes(
    database: "DuckDBPyConnection", table: Table, document: Document, source: str, day: date, notes: dict[str, str]
) -> bytes:
    """Make the Parquet file of a table; InputError where a value is not of its column's type."""
    import duckdb

    try:
        rows = list(table.rows(document["metrics"], source, day))
    except KeyError as error:
        raise InputError(f"{error} manque aux chiffres.", f"Les refaire : make {source} DATE={day} FORCE=1") from error
    columns = dict(zip((column.name for column in table.columns), zip(*rows, strict=True), strict=False))
    form = {column.name: [["VARCHAR"] if column.kind == TEXTS else "VARCHAR"] for column in table.columns}
    cells = ", ".join(
        f"unnest(held.{quoted(column.name)})::{column.kind} as {quoted(column.name)}" for column in table.columns
    )
    said = ", ".join(f"{name}: {quoted(value, chr(39))}" for name, value in notes.items())
    try:
        database.execute(
            f"create or replace temp table tidy as select {cells} from (select from_json_strict(?, ?) as held)",
            [json.dumps({name: columns.get(name, ()) for name in form}), json.dumps(form)],
        )
        with scratch_folder() as folder:
            path = folder / "tidy.parquet"
            database.execute(
                f"copy tidy to {quoted(str(path), chr(39))} (format parquet, compression zstd, kv_metadata {{{said}}})"
            )
            return path.read_bytes()
    except duckdb.Error as error:
        why = str(error).partition("\n")[0]
        raise InputError(f"la table {table.name} ne peut pas être écrite ({why}).") from error


def athena_ddl(settings: Settings) -> str:
    """Write the statements that declare every table to Athena, its days by projection: no day is ever added by hand."""
    place = object_url(settings, "tables")
    found = {table.name: table for source in SOURCES.values() for table in tables(source)}
    statements = [_statement(table, f"{place}/{table.name}") for table in found.values()]
    return "\n\n".join(["CREATE DATABASE IF NOT EXISTS cityflow;", *statements])


def _statement(table: Table, place: str) -> str:
    columns = ",\n".join(f"  `{one.name}` {ATHENA.get(one.kind, one.kind.lower())}" for one in table.columns)
    return f"""CREATE EXTERNAL TABLE IF NOT EXISTS `cityflow`.`{table.name}` (
{columns}
)
PARTITIONED BY (dt string)
STORED AS PARQUET
LOCATION '{place}/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2020-01-01,NOW',
  'storage.location.template' = '{place}/dt=${{dt}}/'
);"""


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)

    def work() -> int:
        settings = cli.chosen_settings({"CITYFLOW_STORE": arguments.store})
        if arguments.ddl:
            cli.emit(athena_ddl(settings))
            return ExitCode.DONE
        with get_database_service(settings) as store:
            made = write_tables(settings, store, *day_range.bounds(arguments))
        if arguments.json:
            written = [str(path) for path in made.written]
            cli.emit_json({"ecrites": written, "a_jour": made.same, "echecs": made.failed})
        else:
            lost = f", {counted(len(made.failed), 'échec')}" if made.failed else ""
            done = f"{counted(len(made.written), 'écrite')}, {made.same} à jour{lost}"
            cli.emit(f"tables : {done} -> {settings.output_dir / 'tables'}")
        return ExitCode.FAILED if made.failed else ExitCode.DONE

    return cli.guarded(work, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(HELP, store="où lire")
    day_range.add_day(parser, "ce jour seulement")
    day_range.add_range(parser)
    parser.add_argument(
        "--ddl", action="store_true", help="afficher les CREATE EXTERNAL TABLE d'Athena, sans rien écrire"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
