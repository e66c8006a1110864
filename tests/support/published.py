"""A small OUTPUT_DIR to publish, made as the scripts make it, and what a reader finds of it in AWS."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lib.local_file_service import LocalFileService
from lib.stores.dynamodb_items import document_of
from tests.support.aws_server import AwsServer

DAY = "2025-11-04"
METRICS = {"total": 1234, "moyenne": 12.3, "ratio": 0.1, "vide": None, "entier_flottant": 5.0, "noms": ["Vélo", "été"]}
ARCS = 1000  # of the large metrics
REPORT = {"resume": {"phrase": "Mardi : tout va bien.", "statut": "complète"}, "chiffres": [1, 2.5, None]}


@dataclass
class Output:
    """The folder, and how to fill it."""

    root: Path

    def metrics(self, kind: str = "bikes", day: str = DAY, timestamp: str = "", **more: Any) -> Path:
        service = LocalFileService(self.root)
        service.save_metrics(METRICS | more, kind, date.fromisoformat(day))
        return self._stamped(service.metrics_path(kind, date.fromisoformat(day)), timestamp)

    def report(self, day: str = DAY, timestamp: str = "", html: bool = True, **more: Any) -> Path:
        service, when = LocalFileService(self.root), date.fromisoformat(day)
        service.save_report(REPORT | more, when)
        service.report_path(when, ".csv").write_bytes("\ufeffsection;rang\r\nrésumé;1\r\n".encode())
        if html:
            service.report_path(when, ".html").write_bytes("<!doctype html><p>Été</p>".encode())
        return self._stamped(service.report_path(when), timestamp)

    def large(self, kind: str = "comptages", day: str = DAY) -> Path:
        """Metrics far over 400 KB: some values and long labels, which cost less to walk through than many values."""
        labels = (f"Rue n° {arc}" for arc in range(ARCS))
        arcs = [
            {"identifiant_arc": label, "debit": arc * 1.5, "libelle": label * 60} for arc, label in enumerate(labels)
        ]
        return self.metrics(kind, day, metrics=arcs, global_metrics={"debit_journalier_total": 81})

    def bytes(self) -> dict[str, tuple[bytes, float]]:
        """Content and modification time of every result; manifests and notes, which uploads write, are none."""
        added = (self.root / "runs", self.root / ".locks", self.root / ".published")
        files = [path for path in self.root.rglob("*") if path.is_file() and not set(added) & set(path.parents)]
        return {str(path): (path.read_bytes(), path.stat().st_mtime) for path in files}

    def _stamped(self, path: Path, timestamp: str) -> Path:
        if timestamp:
            document = json.loads(path.read_bytes())
            path.write_text(json.dumps(document | {"timestamp": timestamp}), encoding="utf-8")
        return path


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Output:
    monkeypatch.setenv("OUTPUT_DIR", str(tmp_path / "output"))
    monkeypatch.setenv("CITYFLOW_STORE", "local_files")
    return Output(tmp_path / "output")


def published(aws: AwsServer) -> dict[str, Any]:
    """Every document that a reader of the tables finds, by key and day."""
    items = aws.items("cityflow-metrics") + aws.items("cityflow-reports")
    documents = [document_of(item) for item in items]
    return {f"{one.get('metric_type') or one['report_id']}/{one['date']}": one for one in documents}
