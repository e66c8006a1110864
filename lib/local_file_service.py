"""Metrics and reports as readable JSON files below OUTPUT_DIR: the default store, and always the backup."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from lib.common.errors import StoreError, in_french
from lib.common.exact_json import read_json
from lib.common.paris_time import parse_day
from lib.database_service import DatabaseService
from lib.files.atomic_file import atomic_writer, flush_to_disk, rights_hint
from lib.stores.documents import Document, body_of, encode, kind_of, month_report_id, report_id, stem_of

SAME_RUN = 60.0  # s between the first and the last file of a report, at the most


class LocalFileService(DatabaseService):
    """<output_dir>/metrics/<type>_metrics_<date>.json and <output_dir>/reports/daily_report_<date>.json."""

    def __init__(self, output_dir: Path) -> None:
        self.output_dir = output_dir

    def metrics_path(self, data_type: str, day: date) -> Path:
        return self.output_dir / "metrics" / f"{data_type}_metrics_{day.isoformat()}.json"

    def report_path(self, day: date, suffix: str = ".json") -> Path:
        return self.output_dir / "reports" / f"{report_id(day)}{suffix}"

    def month_path(self, month: date, suffix: str) -> Path:
        return self.output_dir / "reports" / f"{month_report_id(month)}{suffix}"

    def report_is_whole(self, day: date) -> bool:
        """Tell whether the report's page and table are there, and of the same run: they are written just before it."""
        report, *forms = (_modified(self.report_path(day, suffix)) for suffix in (".json", ".csv", ".html"))
        return min(forms) > 0 and report - min(forms) <= SAME_RUN

    def path_of(self, keys: Document) -> Path:
        """Return the file of a document; its keys suffice."""
        return self.output_dir / kind_of(keys) / f"{stem_of(keys)}.json"

    def save(self, document: Document) -> None:
        with self.saving(document):
            pass

    @contextmanager
    def saving(self, document: Document) -> Iterator[None]:
        """Save once the block, which writes what belongs to the document, has ended well: all of it or nothing.

        Its content has its room on the disk before the block, and its name after it.
        """
        with atomic_writer(self.path_of(document)) as stream:
            stream.write(encode(document))
            flush_to_disk(stream)
            yield

    def load(self, keys: dict[str, str]) -> Document | None:
        return _read(self.path_of(keys), body_of(keys), keys["date"])

    def query_metrics_by_date_range(self, data_type: str, start: date, end: date) -> list[Document]:
        days = [day.isoformat() for day in self.list_available_dates(data_type) if start <= day <= end]
        documents = [self.load({"metric_type": data_type, "date": day}) for day in days]
        return [document for document in documents if document]

    def list_available_dates(self, data_type: str) -> list[date]:
        prefix, days = f"{data_type}_metrics_", []
        for name in names_in(self.output_dir / "metrics"):
            if name.startswith(prefix) and name.endswith(".json"):
                with contextlib.suppress(ValueError):  # a person's copy, such as bikes_metrics_2025-11-04 (1).json
                    days.append(parse_day(name.removeprefix(prefix).removesuffix(".json")))
        return sorted(days)

    def close(self) -> None:
        """Do nothing: no file is held open."""


def names_in(folder: Path) -> list[str]:
    """List the names in a folder of results, sorted; none without a folder, StoreError where it is unreadable."""
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(
            f"{folder} est illisible ({in_french(error)}).", rights_hint(folder, error, "Vérifier ses droits.")
        ) from error


def _modified(path: Path) -> float:
    """Return seconds since 1970; 0 for a file that is not there or not accessible: it is to be made again."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _read(path: Path, body: str, day: str) -> Document | None:
    """Read the document of a file; None when there is no such file, StoreError when it is not that of the day."""
    try:
        document = read_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(
            f"{path} est illisible ({in_french(error)}).", rights_hint(path, error, "Vérifier ses droits.")
        ) from error
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path} est illisible ({in_french(error)}).", "Le supprimer et relancer ce jour.") from error
    if not isinstance(document, dict) or not isinstance(document.get(body), dict):
        raise StoreError(f"{path} n'a pas de clé « {body} ».", "Le supprimer et relancer ce jour.")
    if document.get("date", day) != day:
        raise StoreError(
            f"{path} est le document du {document['date']}, copié ou renommé.", "Le supprimer et relancer ce jour."
        )
    return document
