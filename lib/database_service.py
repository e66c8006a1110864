"""The storage contract that every store honours (local files, MongoDB, DynamoDB).

What was saved is what is loaded: floats, integers, None, accents and nesting unchanged. Missing is None or an empty
list; every failure raises StoreError with a way out. The forms of the documents are those of lib/stores/documents.

A store has methods for whole documents, which are found by their keys: {"metric_type" or "report_id", "date"}, as text.
"""

from abc import ABC, abstractmethod
from datetime import date
from typing import Self

from lib.stores.documents import Document, metrics_document, report_document, report_id


class DatabaseService(ABC):
    """Where metrics and reports are kept."""

    def save_metrics(self, metrics: Document, data_type: str, date: date) -> None:
        """Store the metrics of one type and day, replacing what was there."""
        self.save(metrics_document(metrics, data_type, date))

    def load_metrics(self, data_type: str, date: date) -> Document | None:
        """Load the metrics as they were saved; None where there are none."""
        document = self.load({"metric_type": data_type, "date": date.isoformat()})
        return document["metrics"] if document else None

    def save_report(self, report: Document, date: date) -> None:
        """Store the report of one day, replacing what was there."""
        self.save(report_document(report, date))

    def load_report(self, date: date) -> Document | None:
        """Load the report as it was saved; None where there is none."""
        document = self.load({"report_id": report_id(date), "date": date.isoformat()})
        return document["report"] if document else None

    @abstractmethod
    def save(self, document: Document) -> None:
        """Store a whole document, replacing the one with the same keys."""

    @abstractmethod
    def load(self, keys: dict[str, str]) -> Document | None:
        """Load the whole document with these keys; None where there is none."""

    @abstractmethod
    def query_metrics_by_date_range(self, data_type: str, start: date, end: date) -> list[Document]:
        """Load the whole documents of the days from start to end, both included, oldest first."""

    @abstractmethod
    def list_available_dates(self, data_type: str) -> list[date]:
        """List the days that have metrics of this type, oldest first."""

    def get_latest_metrics(self, data_type: str) -> Document | None:
        """Load the whole document of the most recent day; None where there is none."""
        days = self.list_available_dates(data_type)
        documents = self.query_metrics_by_date_range(data_type, days[-1], days[-1]) if days else []
        return documents[0] if documents else None

    @abstractmethod
    def close(self) -> None:
        """Release connections; the service is not used after it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
