"""The documents that OUTPUT_DIR holds, as files to publish: which ones, whether they are sound, and their digests.

A document is one JSON file; a report also has the CSV and the HTML made beside it, where they are. Nothing here writes.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from lib.aws.names import KEY_ATTRIBUTES
from lib.common.errors import InputError, StoreError, in_french
from lib.common.exact_json import read_json
from lib.common.paris_time import parse_day, parse_instant
from lib.common.settings import Settings
from lib.files.locks import day_lock
from lib.local_file_service import names_in
from lib.stores.documents import BODIES, Content, Document, content_of, sha256

_NAMES = {
    "metrics": re.compile(r"(?P<name>[a-z][a-z0-9_]{0,40})_metrics_(?P<day>\d{4}-\d{2}-\d{2})"),
    "reports": re.compile(r"(?P<name>daily_report)_(?P<day>\d{4}-\d{2}-\d{2})"),
}
PAGES, TABLES = "pages", "tables"  # kinds without an item: the pages of all days and of months, and make tables' files
_PAGE = re.compile(r"index\.html|historique\.csv|monthly_report_(?P<month>\d{4}-\d{2})\.(json|csv|html)")
_TABLE = re.compile(r"(?P<name>[a-z][a-z0-9_]{0,40})\.parquet")
COMPANIONS = (".csv", ".html")  # of a report, beside its JSON
SHARED_FROM = 64 * 1024  # bytes of metrics from which content that did not change since the day before is sent once


@dataclass(frozen=True)
class DocumentFile:
    """A file that bears the name of a document; `key` is the value of its table's partition key.

    A file of the kind tables is made of the metrics of that key and day.
    """

    path: Path
    kind: str
    key: str
    day_text: str

    @property
    def label(self) -> str:
        """Name the file by its place below OUTPUT_DIR."""
        return "/".join(self.path.parts[-4 if self.kind == TABLES else -2 :])


Version = tuple[int, ...]  # when a file was written, which one it is, and its bytes: a replaced one is another


class Files(dict[str, bytes]):
    """Suffix -> content, of what paths_of names. `versions`: of files that nobody was writing."""

    versions: Mapping[str, Version] = {}

    @cached_property
    def digests(self) -> dict[str, str]:
        """Hash each of them."""
        return {suffix: sha256(content) for suffix, content in self.items()}


@dataclass(frozen=True)
class LocalDocument:
    """A sound document."""

    source: DocumentFile
    timestamp: datetime
    content: Content
    document: Document
    files: Files
    unchanged: bool = False  # large metrics, the same as those of the day before but for the date


def document_files(output_dir: Path, kinds: list[str], first: date | None, last: date | None) -> list[DocumentFile]:
    """List the files of those kinds with a day from first to last (None: no bound), oldest first.

    A file whose name has an impossible day is kept: read_files says what is wrong with it.
    """
    low, high = (first.isoformat() if first else ""), (last.isoformat() if last else "9999-99-99")
    found = [one for kind in kinds for one in _of_kind(output_dir / kind, kind)]
    return sorted((one for one in found if low <= one.day_text <= high), key=lambda one: (one.day_text, one.label))


def stray_files(output_dir: Path, kinds: list[str]) -> list[Path]:
    """List the JSON files that bear another name, such as a person's copy: they are not published."""
    every = [(kind, path) for kind in kinds if kind in _NAMES for path in _visible(output_dir / kind)]
    return [path for kind, path in every if not (_NAMES[kind].fullmatch(path.stem) or _PAGE.fullmatch(path.name))]


def page_files(output_dir: Path, reports: list[DocumentFile]) -> list[DocumentFile]:
    """List the pages above the days of these reports: of all days, and of their months.

    The day of a page is that of the newest report here that it may be of, whatever was asked for.
    """
    months = {one.day_text[:7] for one in reports}
    newest: dict[str, str] = {}  # of each month, and under "" of all
    for report in _of_kind(output_dir / "reports", "reports"):
        for month in ("", report.day_text[:7]):
            newest[month] = max(newest.get(month, ""), report.day_text)
    found = [one for name in names_in(output_dir / "reports") if months and (one := _PAGE.fullmatch(name))]
    return [
        DocumentFile(output_dir / "reports" / one[0], PAGES, one[0], newest[one["month"] or ""])
        for one in found
        if not one["month"] or one["month"] in months
    ]


def read_files(source: DocumentFile, settings: Settings) -> Files:
    """Read the bytes of a document, all of one run: under the day's lock where they are being replaced.

    InputError when there is no such day, a file cannot be read or a report is not whole; LockHeldError when a run is at
    that day.
    """
    paths, day = paths_of(source), _day(source.day_text)
    before = _versions(paths)
    files = _read(source, paths)
    if before == _versions(paths) and (source.kind != "reports" or before[".json"][0] >= max(before.values())[0]):
        files.versions = before
        return files
    step = source.key if source.kind in ("metrics", TABLES) else "report"
    with day_lock(settings.output_dir, day, step, settings.lock_fd):
        return _read(source, paths)


def paths_of(source: DocumentFile) -> dict[str, Path]:
    """Name the files of a document, by their suffix; beside a table its metrics, where they are here."""
    if source.kind == TABLES and (metrics := metrics_of(source).path).is_file():
        return {source.path.suffix: source.path, ".json": metrics}
    suffixes = (".json", *COMPANIONS) if source.kind == "reports" else (source.path.suffix,)
    return {suffix: source.path.with_suffix(suffix) for suffix in suffixes}


def metrics_of(table: DocumentFile) -> DocumentFile:
    """Name the metrics that a table is made of."""
    folder, name = table.path.parents[3] / "metrics", f"{table.key}_metrics_{table.day_text}.json"
    return DocumentFile(folder / name, "metrics", table.key, table.day_text)


def version(path: Path) -> Version:
    """Tell the version of a file that is there."""
    found = path.stat()
    return found.st_mtime_ns, found.st_ino, found.st_size, found.st_ctime_ns  # no program can set the last back


def validated(source: DocumentFile, files: Files) -> LocalDocument:
    """Parse a document and check it; InputError says what is wrong with it."""
    try:
        document = read_json(files[".json"])
        timestamp = _timestamp(source, document)
        content = content_of(document)
        return LocalDocument(source, timestamp, content, document, files, _is_unchanged(source, files[".json"]))
    except StoreError as error:
        raise InputError(error.message) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"JSON illisible ({in_french(error)})") from error


def _of_kind(folder: Path, kind: str) -> Iterator[DocumentFile]:
    if kind == TABLES:
        for path in folder.glob("*/dt=????-??-??/*.parquet"):
            if found := _TABLE.fullmatch(path.name):
                yield DocumentFile(path, kind, found["name"], path.parent.name.removeprefix("dt="))
        return
    for path in _visible(folder):
        found = _NAMES[kind].fullmatch(path.stem)
        if found:
            day = found["day"]
            yield DocumentFile(path, kind, found["name"] if kind == "metrics" else path.stem, day)


def _visible(folder: Path) -> list[Path]:
    return [folder / name for name in names_in(folder) if name.endswith(".json") and not name.startswith(".")]


def _versions(paths: dict[str, Path]) -> dict[str, Version]:
    return {suffix: version(path) for suffix, path in paths.items() if path.is_file()}


def _is_unchanged(source: DocumentFile, content: bytes) -> bool:
    """Tell whether large metrics are those of the day before: the same bytes after the keys that come first."""
    if source.kind != "metrics" or len(content) < SHARED_FROM:
        return False
    before = source.path.with_name(f"{source.key}_metrics_{_day(source.day_text) - timedelta(days=1)}.json")
    body = content.find(b'"metrics"', 0, SHARED_FROM)
    try:
        return body > 0 and before.stat().st_size == len(content) and before.read_bytes()[body:] == content[body:]
    except OSError:
        return False


def _read(source: DocumentFile, paths: dict[str, Path]) -> Files:
    files = Files()
    for suffix, path in paths.items():
        try:
            files[suffix] = path.read_bytes()
        except OSError as error:
            if isinstance(error, FileNotFoundError) and source.kind == "reports":
                day = source.day_text
                raise InputError(f"{path.name} manque : refaire le rapport (make report DATE={day} FORCE=1)") from None
            raise InputError(f"{path.name} illisible ({in_french(error)})") from error
    return files


def _day(text: str) -> date:
    try:
        return parse_day(text)
    except ValueError as error:
        raise InputError(str(error)) from error


def _timestamp(source: DocumentFile, document: Any) -> datetime:
    """Return the document's timestamp, once its inside agrees with its name."""
    key = KEY_ATTRIBUTES[source.kind]
    if not isinstance(document, dict):
        raise InputError("ce n'est pas un objet JSON")
    for name, expected in ((key, source.key), ("date", source.day_text)):
        if document.get(name) != expected:
            raise InputError(f"« {name} » vaut {json.dumps(document.get(name))} et le nom du fichier dit {expected}")
    body = BODIES[key]
    if not isinstance(document.get(body), dict) or not document[body]:
        raise InputError(f"« {body} » est absent, vide ou n'est pas un objet")
    foreign = set(document) - {key, "date", "timestamp", body}
    if foreign:
        raise InputError(f"clés inattendues : {', '.join(sorted(foreign))}")
    timestamp = parse_instant(str(document.get("timestamp")))
    if timestamp is None:
        raise InputError(f"« timestamp » vaut {json.dumps(document.get('timestamp'))} : ce n'est pas une date et heure")
    return timestamp
