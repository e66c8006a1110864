"""One source, one day: run it, keep what was rejected, store the figures. Shared by the scripts and backfill."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from lib.common.errors import CityflowError, NoDataError, StoreError, in_french
from lib.common.paris_time import recent_days
from lib.common.settings import Settings
from lib.database_service import DatabaseService
from lib.figures.numbers import plain
from lib.figures.quality import Quality, rejects_csv
from lib.figures.sensor_days import Remembering, SensorDay
from lib.files.atomic_file import write_atomically
from lib.local_file_service import LocalFileService
from lib.raw.source import Source
from lib.raw.source_files import is_synthetic
from lib.run.both import from_either, save_in_both
from lib.run.demo_results import keep_apart
from lib.run.dependencies import dependencies
from lib.run.input_lists import note_inputs
from lib.run.kept_figures import WAY_OUT, forget, kept_figures
from lib.run.manifest import Input, inputs, recorded
from lib.run.sensor_history import remember, remembered
from lib.stores.documents import metrics_document

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DayResult:
    """What the raw files of one source say of a day, and the account of the rows it comes from."""

    metrics: Any  # a dict of figures, or what the source's `compare` makes them of
    quality: Quality
    couverture: float = 0.0  # 0..1 of what the day should hold; `compare` says it where there is one


SYNTHETIC = "donnees_synthetiques"  # warning code of figures computed from make_demo_data.py's tree

Process = Callable[[Settings, date], DayResult]  # from the raw files alone: any machine may run it, for any day
Compare = Callable[[DayResult, Sequence[SensorDay]], DayResult]  # the figures, given the days before in the store
Recent = dict[str, dict[date, SensorDay | None]]  # by source, the days before that a run has read from the store


@dataclass(frozen=True)
class Stored:
    """A day's metrics as the store has them; `kept`: why they are those of an earlier computation, else empty."""

    metrics: dict[str, Any]
    kept: str = ""


def run_day(
    settings: Settings,
    store: DatabaseService,
    source: Source,
    process: Process,
    day: date,
    compare: Compare | None = None,
    force: bool = False,
) -> Stored:
    """Compute and store one source's day; its metrics have `qualite` last."""
    keep_apart(settings, [source])
    rests_on = dependencies(source)
    note_inputs(settings, rests_on.raw)
    read, measure = lambda: inputs(rests_on.raw_paths(settings)), lambda: measured(process, settings, day)
    return keep_day(settings, store, source, day, read, measure, compare, force, {})


def measured(process: Process, settings: Settings, day: date) -> DayResult | CityflowError:
    """Compute the figures of a day from its raw files; return the error that kept them from being computed."""
    try:
        return process(settings, day)
    except CityflowError as error:
        return error


def keep_day(
    settings: Settings,
    store: DatabaseService,
    source: Source,
    day: date,
    read: Callable[[], list[Input]],
    measure: Callable[[], DayResult | CityflowError],
    compare: Compare | None,
    force: bool,
    recent: Recent,
) -> Stored:
    """Store what `measure` gives of a day, its figures being made beside what the store has of the days before.

    The JSON file below OUTPUT_DIR is written whatever the store, and before it: it is the backup and what upload reads.
    Stored figures that rest on more stay (see lib/run/kept_figures), unless `force`. Raises the error that `measure`
    returns. The run's manifest records it as one step, which reads the files that `read` describes.
    recent: what a run of days in order has read of the days before already, kept up to date here.
    """
    with recorded(settings, day, source.name, read) as step:
        stored = _stored(settings, store, source, day, measure(), compare, force, recent)
        step.message, qualite = stored.kept, stored.metrics["qualite"]
        rejected = sum(qualite["rejets"].values())
        step.lignes = {"lues": qualite["lignes_lues"], "retenues": qualite["lignes_retenues"], "rejetees": rejected}
    return stored


def _stored(
    settings: Settings,
    store: DatabaseService,
    source: Source,
    day: date,
    result: DayResult | CityflowError,
    compare: Compare | None,
    force: bool,
    recent: Recent,
) -> Stored:
    if isinstance(result, CityflowError):
        known = isinstance(result, NoDataError) and not force
        stays = kept_figures(settings, store, source, day, None, result.message) if known else None
        if not stays:
            raise result
    else:
        if compare:
            result = compare(result, _days_before(settings, store, source, day, recent))
        metrics = _as_stored(settings, day, result)
        stays = None if force else kept_figures(settings, store, source, day, metrics)
        if not stays:
            _save(settings, store, source, day, metrics, result.quality)
            if compare:
                at_hand = result.metrics.known if isinstance(result.metrics, Remembering) else {}
                recent[source.name][day] = remember(store, source, day, Remembering(metrics, at_hand))
            return Stored(metrics)
    metrics, reason = stays
    log.warning("%s du %s, chiffres gardés : %s %s", source.name, day, reason, WAY_OUT)
    return Stored(metrics, reason)


def _save(
    settings: Settings, store: DatabaseService, source: Source, day: date, metrics: dict[str, Any], quality: Quality
) -> None:
    files = LocalFileService(settings.output_dir)
    with files.saving(metrics_document(metrics, source.name, day)):
        _keep_rejects(rejects_path(settings, source.name, day), quality)
    forget(settings.output_dir, source.name, day)
    save_in_both(store, files.metrics_path(source.name, day), lambda: store.save_metrics(metrics, source.name, day))


def _days_before(
    settings: Settings, store: DatabaseService, source: Source, day: date, recent: Recent
) -> list[SensorDay]:
    """Return what the store has of the recent days, most recent first; `recent` then holds these alone."""
    files, known = LocalFileService(settings.output_dir), recent.get(source.name, {})
    unknown = [one for one in recent_days(day) if one not in known]
    found = known | from_either(store, files, lambda reader: remembered(reader, source, unknown))
    recent[source.name] = {one: found[one] for one in recent_days(day)}
    return [one for one in recent[source.name].values() if one]


def _as_stored(settings: Settings, day: date, result: DayResult) -> dict[str, Any]:
    """Build the metrics as they are stored."""
    if is_synthetic(settings):
        result.quality.warn(SYNTHETIC, "attention", "Données de démonstration, inventées.")
    covered = result.quality.covered(result.couverture, day)
    metrics: dict[str, Any] = plain({**result.metrics, "qualite": result.quality.summary(covered)})
    return metrics


def rejects_path(settings: Settings, source: str, day: date) -> Path:
    return settings.output_dir / "rejects" / f"{source}_{day.isoformat()}.csv"


def _keep_rejects(path: Path, quality: Quality) -> None:
    if quality.kept_rejects:
        write_atomically(path, rejects_csv(quality))
        return
    try:
        path.unlink(missing_ok=True)  # those of an earlier run of the same day are no longer true
    except OSError as error:
        raise StoreError(
            f"impossible d'enlever {path}, d'un traitement précédent : {in_french(error)}.", "Vérifier ses droits."
        ) from error
