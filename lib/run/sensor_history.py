"""What the store remembers of earlier days: their figures and their sensors, from copies that are quick to read.

A day of road counts is 3 MB of JSON, of which later days need the figures, five numbers and three times 24 hours an
arc. OUTPUT_DIR/.sensors keeps these of the files of OUTPUT_DIR, with the state of the file that they come from: a copy
that is missing, damaged, of another state or of other code is made again when a day is stored or stands beside one that
is. Reports read the copies, of today too, each time: that takes a millisecond, and no day is held in memory.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lib.common.errors import StoreError
from lib.common.paris_time import days_compared
from lib.database_service import DatabaseService
from lib.figures.key_figures import Metrics
from lib.figures.past_days import Past
from lib.figures.quality import has_account
from lib.figures.sensor_days import NAMES, Known, Remembering, SensorDay, ShortHours, in_short, names_of, sensor_day
from lib.files.copies import keep_copy, packed, read_copy, unpacked
from lib.local_file_service import LocalFileService
from lib.raw.source import Source
from lib.run.dependencies import code_state

# Under which figures have a row for each work, arc or sensor: no past figure is of one.
ROWS = ("metrics", "mapping", "capteurs_defaillants", "failing_sensors", "troncons_impactes", "perturbations")
REPORTS_KEPT = 40  # of which the key figures are in memory: each of the 28 days after shows them
KEPT = timedelta(days=60)  # copies of days farther than that from the one that is written go


def same_weekdays(store: DatabaseService, source: Source, day: date) -> Past:
    """Load what the store has of the same weekdays that a day stands beside (see paris_time.days_compared)."""
    days = days_compared(day)
    found = {past: _copy(_place(store, source, past), past) or _loaded(store, source, past) for past in days}
    return {past: metrics for past, metrics in found.items() if metrics is not None}


class Place(NamedTuple):
    """Where the copy of a day of OUTPUT_DIR is, and what it rests on: the file of metrics, the keys read, the code."""

    path: Path
    state: str


def _place(store: DatabaseService, source: Source, day: date) -> Place | None:
    """Say where the copy of a day would be; None of a day that has no file."""
    if not isinstance(store, LocalFileService) or not (written := _written(store.metrics_path(source.name, day))):
        return None
    state = f"{written} {source.sensors} {source.compared} {code_state()}"
    return Place(store.output_dir / ".sensors" / f"{source.name}_{day}.copy", state)


def _loaded(store: DatabaseService, source: Source, day: date) -> Remembering | None:
    metrics = store.load_metrics(source.name, day)
    return _without_rows(source, metrics, day) if metrics and has_account(metrics) else None


def _without_rows(source: Source, metrics: Metrics, day: date) -> Remembering:
    figures = {key: value for key, value in metrics.items() if key not in ROWS or not isinstance(value, list)}
    try:
        known = in_short(metrics, source.sensors, day, source.compared) if source.sensors else {}
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            f"Les chiffres « {source.french} » du {day} ont été modifiés, et sont illisibles "
            f"({type(error).__name__} : {error}).",
            f"Les refaire : make {source.name} DATE={day} FORCE=1",
        ) from error
    return Remembering(figures, known)


def read_day(store: DatabaseService, source: Source, day: date) -> Metrics | None:
    """Load the metrics of a day, with what its copy knows of its sensors; a copy is made for later days."""
    place = _place(store, source, day)
    metrics = store.load_metrics(source.name, day)
    if metrics is None or not has_account(metrics):
        return metrics
    if not place or place != _place(store, source, day):  # stored again by another run: there is no saying which it is
        return Remembering(metrics, {})
    found = _copy(place, day) or _keep(place, source, day, _without_rows(source, metrics, day))
    return Remembering(metrics, found.known)


def recent_figures(store: DatabaseService, days: Iterable[date]) -> dict[date, dict[str, Any]]:
    """Load valeur and couverture of the key figures of the reports of some days; none of a day without a report."""
    return {day: _figures(store, day) for day in days}


def _figures(store: DatabaseService, day: date) -> dict[str, Any]:
    if isinstance(store, LocalFileService) and (written := _written(store.report_path(day))):
        return _figures_of_file(store.output_dir, day, written)
    return _figures_of(store, day)


@lru_cache(maxsize=REPORTS_KEPT)
def _figures_of_file(output_dir: Path, day: date, _written: str) -> dict[str, Any]:
    return _figures_of(LocalFileService(output_dir), day)


def _figures_of(store: DatabaseService, day: date) -> dict[str, Any]:
    figures = (store.load_report(day) or {}).get("chiffres_cles", {})
    return {name: {key: one.get(key) for key in ("valeur", "couverture")} for name, one in figures.items()}


def remembered(store: DatabaseService, source: Source, days: Iterable[date]) -> dict[date, SensorDay | None]:
    """Read the sensors of each day; None for a day that has none."""
    return {day: _remembered(store, source, day) for day in days}


def remember(store: DatabaseService, source: Source, day: date, metrics: Metrics) -> SensorDay | None:
    """Keep a copy of the sensors of metrics that were just stored, and return them; None of a source without."""
    if source.sensors is None:
        return None
    found = _keep(_place(store, source, day), source, day, _without_rows(source, metrics, day))
    return sensor_day(found, source.sensors, day)


def _remembered(store: DatabaseService, source: Source, day: date) -> SensorDay | None:
    if source.sensors is None:
        return None
    place = _place(store, source, day)
    found = _copy(place, day)
    if found is None and (found := _loaded(store, source, day)):
        _keep(place, source, day, found)
    return sensor_day(found, source.sensors, day) if found else None


def _written(path: Path) -> str:
    """Describe a state of a file, as RawFile.state; empty of one that is not there or not accessible."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _keep(place: Place | None, source: Source, day: date, found: Remembering) -> Remembering:
    """Write the copy of a day, and remove those of long before or after it; do without where it cannot be written."""
    arrays = dict[str, Any]()
    with suppress(ValueError):  # half of a surrogate pair, in a file that was not written here
        arrays = _arrays(found)
    if place and arrays and keep_copy(place.path, place.state, arrays):
        first, last = (f"{source.name}_{day + shift}" for shift in (-KEPT, KEPT))
        for other in place.path.parent.glob(f"{source.name}_*"):
            if not first <= other.stem <= last:
                with suppress(OSError):
                    other.unlink()
    return found


def _arrays(found: Remembering) -> dict[str, Any]:
    columns = {key: value for (kind, key), value in found.known.items() if kind == "column"}
    hours = {key: value for (kind, key), value in found.known.items() if kind == "hours"}
    scales = {key: short and short.scale for key, short in hours.items()}
    arrays: dict[str, Any] = {"chiffres": packed([found, list(columns), scales])}
    if columns:
        arrays |= {"noms": packed(found.known[NAMES].tolist()), "colonnes": np.stack(list(columns.values()))}
    # Hours by columns, as they lie in memory.
    return arrays | {f"heures {key}": short.values.T for key, short in hours.items() if short}


def _copy(place: Place | None, day: date) -> Remembering | None:
    """Read the copy of a day, if there is one of this state: its figures, and what is known of its sensors."""
    arrays = read_copy(place.path, place.state) if place else None
    if arrays is None:
        return None
    figures, columns, scales = unpacked(arrays["chiffres"])
    if not columns:
        return Remembering(figures, {})
    names = names_of(arrays["noms"].tobytes())
    known: Known = {NAMES: names}
    known |= {("column", key): values for key, values in zip(columns, arrays["colonnes"], strict=True)}
    for key, scale in scales.items():
        known["hours", key] = None if scale is None else ShortHours(arrays[f"heures {key}"].T, scale, names, day)
    return Remembering(figures, known)
