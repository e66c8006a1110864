"""When a note of what was published is credible: its files, its age and its own bytes, without AWS."""

import hashlib
import os
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from lib.common.settings import Settings, load_settings
from lib.local_file_service import LocalFileService
from lib.publish import seen
from lib.publish.local_documents import document_files, read_files
from lib.publish.outcome import DocumentOutcome
from lib.publish.remote import Remote
from lib.publish.seen import credible, entry_of, keep, read_note

NOW = datetime.fromisoformat("2025-11-20T06:30:00+01:00")
OLD, RECENT = date(2025, 11, 3), date(2025, 11, 18)
YEAR = int((NOW + timedelta(days=365)).timestamp())


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Metrics of an old and of a recent day and a report of the old one, noted; their files are at rest."""
    monkeypatch.setattr(seen, "AT_REST", timedelta(seconds=-1))
    settings = load_settings({"S3_REPORTS_BUCKET": "essai", "OUTPUT_DIR": str(tmp_path)}, environment={})
    service = LocalFileService(tmp_path)
    service.save_metrics({"total": 1}, "bikes", OLD)
    service.save_metrics({"total": 2}, "bikes", RECENT)
    for suffix in (".csv", ".html"):
        service.report_path(OLD, suffix).parent.mkdir(exist_ok=True)
        service.report_path(OLD, suffix).write_text(suffix)
    service.save_report({"phrase": "x"}, OLD)
    note(settings)
    return settings


def note(settings: Settings, expires: int | None = YEAR) -> None:
    outcomes = []
    for source in document_files(settings.output_dir, ["metrics", "reports"], None, None):
        entry = entry_of(read_files(source, settings), Remote(exists=True, digest="d", expires=expires), NOW)
        outcomes.append(DocumentOutcome(source, "=", "same", seen=entry))
    keep(settings, "forme", outcomes)


def found(settings: Settings, now: datetime = NOW, form: str = "forme") -> list[str]:
    sources = document_files(settings.output_dir, ["metrics", "reports"], None, None)
    return [one.path.name for one in credible(read_note(settings, form), sources, now)]


OLD_ONES = [f"bikes_metrics_{OLD}.json", f"daily_report_{OLD}.json"]


def test_old_documents_are_credible_and_recent_ones_are_not(settings: Settings) -> None:
    assert found(settings) == OLD_ONES
    assert found(settings, form="autre") == []


@pytest.mark.parametrize(("days", "names"), [(29, 3), (31, 0), (-1, 0)])
def test_for_a_month_and_not_before_it_was_made(settings: Settings, days: int, names: int) -> None:
    assert len(found(settings, NOW + timedelta(days=days))) == names


@pytest.mark.parametrize(("days", "names"), [(182, 0), (184, 2)])
def test_while_the_item_has_long_to_live(settings: Settings, days: int, names: int) -> None:
    note(settings, int((NOW + timedelta(days=days)).timestamp()))
    assert len(found(settings)) == names


def rewritten(path: Path) -> None:
    path.write_bytes(path.read_bytes())
    os.utime(path, (0, 0))


def same_size_same_time(path: Path) -> None:
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"1", b"9").replace(b"m", b"n"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    ("suffix", "change", "left"),
    [
        (".json", rewritten, OLD_ONES),
        (".html", rewritten, OLD_ONES),
        (".json", same_size_same_time, OLD_ONES[:1]),
        (".html", same_size_same_time, OLD_ONES[:1]),
        (".csv", lambda path: path.unlink(), OLD_ONES[:1]),
        (".html", lambda path: path.unlink() or path.mkdir(), OLD_ONES[:1]),
    ],
)
def test_while_its_files_have_the_same_content(
    settings: Settings, suffix: str, change: Callable[[Path], None], left: list[str]
) -> None:
    change(settings.output_dir / "reports" / f"daily_report_{OLD}{suffix}")
    assert found(settings) == left


def test_a_file_that_was_just_written_is_noted_by_its_content_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second change within one tick of the file system's clock would leave its times as they are."""
    monkeypatch.setattr(seen, "AT_REST", timedelta(seconds=60))
    note(settings)
    entries = read_note(settings, "forme").documents.values()
    assert [version for entry in entries for _, version in entry["fichiers"].values()] == [None] * 5
    assert found(settings) == OLD_ONES


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-9],
        lambda text: "",
        lambda text: "[]",
        lambda text: "null",
        lambda text: text.replace('"vu": "2025', '"vu": "2026'),
        lambda text: text.replace('"documents"', '"document"'),
    ],
)
def test_a_damaged_note_is_said_and_set_aside(
    settings: Settings, spoil: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    (path,) = (settings.output_dir / ".published").iterdir()
    path.write_text(spoil(path.read_text()))
    with caplog.at_level("WARNING", "lib"):
        assert found(settings) == []
    assert "abîmé" in caplog.text


def test_one_place_knows_nothing_of_another(settings: Settings, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "DYNAMODB_METRICS_TABLE", "S3_REPORTS_PREFIX"):
        values = {"S3_REPORTS_BUCKET": "essai", "OUTPUT_DIR": str(tmp_path), name: "autre"}
        assert found(load_settings(values, environment={})) == [], name
    assert found(settings) == OLD_ONES


def test_what_was_found_otherwise_is_struck_out_and_the_rest_stays(settings: Settings) -> None:
    (metrics, *_) = document_files(settings.output_dir, ["metrics"], None, None)
    keep(settings, "forme", [DocumentOutcome(metrics, "+", "missing")])
    assert found(settings) == OLD_ONES[1:]
    keep(settings, "forme", [DocumentOutcome(metrics, "=", "same")])
    assert found(settings) == OLD_ONES[1:]


def test_the_note_has_the_digest_of_each_file(settings: Settings) -> None:
    entry = read_note(settings, "forme").documents[f"reports/daily_report_{OLD}.json"]
    assert {suffix: digest for suffix, (digest, _) in entry["fichiers"].items()} == {
        suffix: hashlib.sha256(
            (settings.output_dir / "reports" / f"daily_report_{OLD}{suffix}").read_bytes()
        ).hexdigest()
        for suffix in (".json", ".csv", ".html")
    }
