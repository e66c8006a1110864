"""What the store remembers of earlier days: of their sensors from copies that are quick to read, of the rest in memory.

A day of road counts is 3 MB of JSON, of which later days need three numbers and 24 hours an arc. OUTPUT_DIR/.sensors
keeps these of the files of OUTPUT_DIR, with the state of the file that they come from: a copy that is missing, damaged,
of another state or of other code is made again.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from lib.common.paris_time import days_compared
from lib.database_service import DatabaseService
from lib.figures.past_days import Past
from lib.figures.quality import has_account
from lib.figures.sensor_days import SensorDay, ShortHours, names_of, sensor_day, sensor_frame, without_rows
from lib.files.copies import keep_copy, packed, read_copy, unpacked
from lib.local_file_service import LocalFileService
from lib.raw.source import Source
from lib.run.dependencies import code_state

# Under which figures have a row for each work, arc or sensor: no past figure is of one.
ROWS = ("metrics", "mapping", "capteurs_defaillants", "failing_sensors", "troncons_impactes", "perturbations")
PAST_KEPT = 210  # days of all sources in memory: in a range each is compared again 7 days later, after 5 x 7 of six
REPORTS_KEPT = 40  # of which the key figures are in memory: each of the 28 days after shows them
KEPT = timedelta(days=60)  # copies of days farther than that from the one that is written go


def same_weekdays(store: DatabaseService, source: Source, day: date) -> Past:
    """Load what the store has of the same weekdays that a day stands beside (see paris_time.days_compared)."""
    found = {past: _past(store, source, past) for past in days_compared(day)}
    return {past: metrics for past, metrics in found.items() if metrics is not None}


def _past(store: DatabaseService, source: Source, day: date) -> dict[str, Any] | None:
    if isinstance(store, LocalFileService) and (state := _state(store, source, day)):
        return _past_of_file(store.output_dir, source, day, state)
    return _loaded(store, source, day)


@lru_cache(maxsize=PAST_KEPT)
def _past_of_file(output_dir: Path, source: Source, day: date, _state: str) -> dict[str, Any] | None:
    return _loaded(LocalFileService(output_dir), source, day)


def _loaded(store: DatabaseService, source: Source, day: date) -> dict[str, Any] | None:
    metrics = store.load_metrics(source.name, day)
    if not metrics or not has_account(metrics):
        return None
    kept = without_rows(metrics, source.sensors, day, source.compared) if source.sensors else metrics
    for key in ROWS:
        if isinstance(kept.get(key), list):
            del kept[key]
    return kept


def recent_figures(store: DatabaseService, days: Iterable[date]) -> dict[date, dict[str, Any]]:
    """Load the key figures of the reports of some days; none of a day without a report."""
    return {day: _figures(store, day) for day in days}


def _figures(store: DatabaseService, day: date) -> dict[str, Any]:
    if isinstance(store, LocalFileService) and (written := _written(store.report_path(day))):
        return _figures_of_file(store.output_dir, day, written)
    return (store.load_report(day) or {}).get("chiffres_cles", {})


@lru_cache(maxsize=REPORTS_KEPT)
def _figures_of_file(output_dir: Path, day: date, _written: str) -> dict[str, Any]:
    return (LocalFileService(output_dir).load_report(day) or {}).get("chiffres_cles", {})


def remembered(store: DatabaseService, source: Source, days: Iterable[date]) -> dict[date, SensorDay | None]:
    """Read the sensors of each day; None for a day that has none."""
    return {day: _remembered(store, source, day) for day in days}


def remember(store: DatabaseService, source: Source, day: date, metrics: dict[str, Any]) -> SensorDay | None:
    """Keep a copy of the sensors of metrics that were just stored, and return them; None of a source without."""
    if source.sensors is None:
        return None
    found = sensor_day(metrics, source.sensors, day)
    if isinstance(store, LocalFileService):
        _keep(store, source, day, found, _state(store, source, day))
    return found


def _remembered(store: DatabaseService, source: Source, day: date) -> SensorDay | None:
    files = store if isinstance(store, LocalFileService) else None
    state = _state(files, source, day) if files else ""
    if files and state:
        copy = read_copy(_path(files, source, day), state)
        if copy:
            return _read(copy, day)
    metrics = store.load_metrics(source.name, day)
    if not metrics or not has_account(metrics) or source.sensors is None:
        return None
    found = sensor_day(metrics, source.sensors, day)
    if files:
        _keep(files, source, day, found, state)
    return found


def _path(files: LocalFileService, source: Source, day: date) -> Path:
    return files.output_dir / ".sensors" / f"{source.name}_{day}.npz"


def _state(files: LocalFileService, source: Source, day: date) -> str:
    """Describe what a copy rests on: the file of the metrics, the keys read of it, and the code; empty without one."""
    written = _written(files.metrics_path(source.name, day))
    return written and f"{written} {source.sensors} {code_state()}"


def _written(path: Path) -> str:
    """Describe a state of a file, as RawFile.state; empty of one that is not there or not accessible."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _keep(files: LocalFileService, source: Source, day: date, found: SensorDay, state: str) -> None:
    """Write the copy of a day, and remove those of long before or after it; do without where it cannot be written."""
    names = found.sensors.index.tolist()
    if not state or not all(isinstance(name, str) for name in names):
        return
    arrays: dict[str, Any] = {
        "noms": packed(names),
        "capteurs": found.sensors.to_numpy(dtype=float),
        "entier": np.array(found.whole),
    }
    if found.short:
        arrays["heures"], arrays["echelle"] = found.short.values, np.array(found.short.scale)
    path = _path(files, source, day)
    if keep_copy(path, state, arrays):
        for other in path.parent.glob(f"{source.name}_*.npz"):
            with suppress(ValueError, OSError):
                if abs(date.fromisoformat(other.stem.rpartition("_")[2]) - day) > KEPT:
                    other.unlink(missing_ok=True)


def _read(copy: Any, day: date) -> SensorDay:
    names = names_of(unpacked(copy["noms"]))
    short = ShortHours(copy["heures"], int(copy["echelle"]), names, day) if "heures" in copy else None
    return SensorDay(day, sensor_frame(copy["capteurs"], names), short, bool(copy["entier"]))
