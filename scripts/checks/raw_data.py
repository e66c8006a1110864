"""What raw files there are: how many of each source, when they were made, and the newest day they tell about.

An export of several GB is sampled, not read: its newest day is then that of the samples.
"""

import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

from lib.common.errors import CityflowError, InputError
from lib.common.paris_time import HOUR, PARIS, day_in_paris, parse_day, parse_road_label
from lib.common.settings import Settings
from lib.raw.contents import first_bytes
from lib.raw.forms.streams import is_plain, opened, what_it_is
from lib.raw.source import Source
from lib.raw.source_files import (
    RENAME,
    RawFile,
    is_synthetic,
    override_warning,
    source_files,
    strangers,
    usual_folder,
)
from lib.raw.tree import is_readable
from lib.run.day_plan import require_a_raw_file
from scripts.checks.results import ATTENTION, ERROR, OK, CheckResult
from scripts.registry import RAW, SOURCES

READ_WHOLE = 64 * 1024 * 1024  # bytes; a larger file is sampled
SAMPLES, SAMPLE_BYTES = 64, 256 * 1024
SHOWN = 3  # unreadable files named
LOOKED_AT = 3  # newest files of a source in which its newest day is looked for

_STAMP = re.compile(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
    rb"|[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9]{2}:[0-9]{2}"
)
_DAY = re.compile(rb'"datetime": ?"([0-9]{4}-[0-9]{2}-[0-9]{2})"')


def check_raw_files(settings: Settings, today: date) -> Iterator[CheckResult]:
    """Report one line per source, on the civil day `today`, or one for all where there is no raw file at all.

    Without any file a source's script would stop.
    """
    if _is_invented(settings):
        yield CheckResult(
            "données brutes", ATTENTION, "données de démonstration, inventées", "make fetch, ou DATA_DIR."
        )
    yield from _unread(settings)
    try:
        require_a_raw_file(settings, SOURCES.values())
    except CityflowError as error:
        yield CheckResult("données brutes", ERROR, error.message, error.hint)
        return
    for source in RAW.values():
        try:
            files = source_files(settings, source)
        except CityflowError as error:
            yield CheckResult(source.name, ERROR, error.message, error.hint)
        else:
            yield from _source_results(settings, source, files, today)


def _source_results(settings: Settings, source: Source, files: list[RawFile], today: date) -> Iterator[CheckResult]:
    """Report files that cannot be opened, those that hold no data, and how the source stands.

    Without the files that other sources read besides their own (not `computed`), these have fewer figures.
    """
    lost = [raw for raw in files if not is_readable(raw.path)]
    sound = [raw for raw in files if raw not in lost]
    if lost:
        names = ", ".join(str(raw.path) for raw in lost[:SHOWN])
        detail = f"illisibles ({len(lost)}) : {names}{'…' if len(lost) > SHOWN else ''}"
        way_out = "Corriger leurs droits ; d'un lien mort, remettre ce qu'il désigne, ou l'enlever."
        yield CheckResult(source.name, ATTENTION if sound or not source.computed else ERROR, detail, way_out)
    if source.computed:
        yield from _refused(sound)
        if sound or not lost:
            yield _source_result(settings, source, sound, today)
    elif not files:
        way_out = f"make fetch SOURCE={source.name} ; sinon les chiffres par {source.french[:-1]} manquent."
        yield CheckResult(source.name, ATTENTION, "aucun fichier", way_out)


def _unread(settings: Settings) -> Iterator[CheckResult]:
    """Report what lies among the raw files and no source takes, with what it looks like."""
    found = dict.fromkeys(path for source in SOURCES.values() for path in strangers(settings, source, RAW.values()))
    for path in found:
        yield CheckResult("fichier non lu", ATTENTION, f"{path} : {what_it_is(path)}", RENAME)


def _refused(files: list[RawFile]) -> Iterator[CheckResult]:
    """Report exports, and the newest pulls, that have no form that can be read: a page of HTML, an empty file."""
    for raw in [*(raw for raw in files if not raw.pulled), *[raw for raw in files if raw.pulled][-LOOKED_AT:]]:
        try:
            first_bytes(raw.path, 1)
        except InputError as error:
            yield CheckResult("fichier non lu", ATTENTION, error.message, error.hint)


def _is_invented(settings: Settings) -> bool:
    try:
        return is_synthetic(settings)
    except CityflowError:  # check_folders reports that DATA_DIR cannot be read
        return False


def newest_file(settings: Settings) -> float:
    """Return when the raw file written last was (POSIX time); 0 without any."""
    times = [0.0]
    for source in SOURCES.values():
        try:
            times += [raw.path.stat().st_mtime for raw in source_files(settings, source) if is_readable(raw.path)]
        except CityflowError:
            continue  # reported by check_raw_files
    return max(times)


def _source_result(settings: Settings, source: Source, files: list[RawFile], today: date) -> CheckResult:
    name, fetch = source.name, f"make fetch SOURCE={source.name}"
    if not files:
        return CheckResult(name, ERROR, f"aucun fichier dans {usual_folder(settings, source)}", fetch)
    pulled = files[-1].pulled or f"{datetime.fromtimestamp(files[-1].path.stat().st_mtime, PARIS):%Y-%m-%dT%H}"
    detail = f"fichiers : {len(files)}, le plus récent du {pulled.replace('T', ' à ')} h"
    newest = date.fromisoformat(pulled[:10])
    if source.stamped:
        days = [day for raw in files[-LOOKED_AT:] if (day := newest_day(source, raw.path, today))]
        if not days:
            return CheckResult(name, ATTENTION, f"{detail} ; aucun jour lisible", fetch)
        newest = max(days)
        detail += f" ; dernier jour {newest}"
    if warning := override_warning(settings, source):
        return CheckResult(name, ATTENTION, detail, warning)
    return (
        CheckResult(name, ATTENTION, f"{detail} : ancien", fetch)
        if today - newest > source.late_after
        else CheckResult(name, OK, detail)
    )


def newest_day(source: Source, path: Path, today: date) -> date | None:
    """Find the newest civil day, not after `today`, among the file's time stamps; None without any."""
    stamps = {stamp for block in _blocks(path) for stamp in (*_DAY.findall(block), *_STAMP.findall(block))}
    days = [_day_of(source, stamp.decode()) for stamp in stamps]
    return max((day for day in days if day and day <= today), default=None)


def _day_of(source: Source, stamp: str) -> date | None:
    """Road labels name the end of the hour; the others a day, or an instant."""
    if source.labels_end:
        label = parse_road_label(stamp)
        return (label - HOUR).date() if label else None
    with suppress(ValueError):
        return parse_day(stamp)
    return day_in_paris(stamp)


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield the file's bytes: samples over the length of a large one, or its first READ_WHOLE; none when unreadable."""
    try:
        size = path.stat().st_size
        with opened(path) as stream:
            if size <= READ_WHOLE or not is_plain(stream):
                yield stream.read(READ_WHOLE)
                return
            for sample in range(SAMPLES + 1):
                stream.seek((size - SAMPLE_BYTES) * sample // SAMPLES)
                yield stream.read(SAMPLE_BYTES)
    except (OSError, EOFError, zlib.error, InputError):
        return
