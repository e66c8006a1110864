"""Metrics and reports as readable JSON files below OUTPUT_DIR: the default store, and always the backup."""

import json
from datetime import date
from pathlib import Path

from lib.atomic_file import write_atomically
from lib.database_service import DatabaseService, Document, encode, metrics_document, report_document, report_id
from lib.errors import StoreError
from lib.paris_time import parse_day

SAME_RUN = 60.0  # s between the first and the last file of a report, at the most


class LocalFileService(DatabaseService):
    """<output_dir>/metrics/<type>_metrics_<date>.json and <output_dir>/reports/daily_report_<date>.json."""

    def __init__(self, output_dir: Path) -> None:
        self.output_dir = output_dir

    def metrics_path(self, data_type: str, day: date) -> Path:
        return self.output_dir / "metrics" / f"{data_type}_metrics_{day.isoformat()}.json"

    def report_path(self, day: date, suffix: str = ".json") -> Path:
        return self.output_dir / "reports" / f"{report_id(day)}{suffix}"

    def report_is_whole(self, day: date) -> bool:
        """Whether the report's page and table are there, and of the same run: they are written just before it."""
        report, *forms = (_modified(self.report_path(day, suffix)) for suffix in (".json", ".csv", ".html"))
        return min(forms) > 0 and report - min(forms) <= SAME_RUN

    def save_metrics(self, metrics: Document, data_type: str, date: date) -> None:
        write_atomically(self.metrics_path(data_type, date), encode(metrics_document(metrics, data_type, date)))

    def load_metrics(self, data_type: str, date: date) -> Document | None:
        document = _read(self.metrics_path(data_type, date), "metrics")
        return document["metrics"] if document else None

    def save_report(self, report: Document, date: date) -> None:
        write_atomically(self.report_path(date), encode(report_document(report, date)))

    def load_report(self, date: date) -> Document | None:
        document = _read(self.report_path(date), "report")
        return document["report"] if document else None

    def query_metrics_by_date_range(self, data_type: str, start: date, end: date) -> list[Document]:
        days = [day for day in self.list_available_dates(data_type) if start <= day <= end]
        documents = [_read(self.metrics_path(data_type, day), "metrics") for day in days]
        return [document for document in documents if document]

    def list_available_dates(self, data_type: str) -> list[date]:
        prefix, days = f"{data_type}_metrics_", []
        for path in self.output_dir.glob(f"metrics/{prefix}*.json"):
            try:
                days.append(parse_day(path.stem.removeprefix(prefix)))
            except ValueError:
                continue  # somebody's copy, such as bikes_metrics_2025-11-04 (1).json
        return sorted(days)

    def close(self) -> None:
        """Nothing is held open."""


def _modified(path: Path) -> float:
    """In seconds since 1970; 0 for a file that is not there."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _read(path: Path, body: str) -> Document | None:
    """The document of a file, or None when there is no such file; StoreError when it is not one of ours."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path} est illisible ({error}).", "Le supprimer et relancer ce jour.") from error
    if not isinstance(document, dict) or not isinstance(document.get(body), dict):
        raise StoreError(f"{path} n'a pas de clé « {body} ».", "Le supprimer et relancer ce jour.")
    return document
