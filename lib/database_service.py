"""The storage contract that every store honours (local files, MongoDB, DynamoDB).

What was saved is what is loaded: floats, integers, None, accents and nesting unchanged. Missing is None or an empty
list; every failure raises StoreError with a way out. The forms of the documents are those of lib/stores/documents.
"""

from abc import ABC, abstractmethod
from datetime import date
from typing import Self

from lib.stores.documents import Document


class DatabaseService(ABC):
    """Where metrics and reports are kept."""

    @abstractmethod
    def save_metrics(self, metrics: Document, data_type: str, date: date) -> None:
        """Store the metrics of one type and day, replacing what was there."""

    @abstractmethod
    def load_metrics(self, data_type: str, date: date) -> Document | None:
        """The metrics as they were saved, or None."""

    @abstractmethod
    def save_report(self, report: Document, date: date) -> None:
        """Store the report of one day, replacing what was there."""

    @abstractmethod
    def load_report(self, date: date) -> Document | None:
        """The report as it was saved, or None."""

    @abstractmethod
    def query_metrics_by_date_range(self, data_type: str, start: date, end: date) -> list[Document]:
        """Whole documents of the days from start to end, both included, oldest first."""

    @abstractmethod
    def list_available_dates(self, data_type: str) -> list[date]:
        """The days that have metrics of this type, oldest first."""

    def get_latest_metrics(self, data_type: str) -> Document | None:
        """The whole document of the most recent day, or None."""
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
