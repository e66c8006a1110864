"""One source, one day: run it, keep what was rejected, store the figures. Shared by the scripts and backfill."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from lib.common.errors import CityflowError, NoDataError, StoreError, in_french
from lib.common.settings import Settings
from lib.database_service import DatabaseService
from lib.figures.numbers import plain
from lib.figures.past_days import USABLE_FROM, Past
from lib.figures.quality import Quality, rejects_csv
from lib.files.atomic_file import write_atomically
from lib.local_file_service import LocalFileService
from lib.raw.source import Source
from lib.raw.source_files import is_synthetic, source_files
from lib.run.both import from_either, same_weekdays, save_in_both
from lib.run.demo_results import keep_apart
from lib.run.dependencies import dependencies
from lib.run.input_lists import note_inputs
from lib.run.kept_figures import WAY_OUT, forget, kept_figures
from lib.run.manifest import inputs, recorded

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DayResult:
    """Figures of one source for one day, and the account of the rows they come from."""

    metrics: dict[str, Any]
    quality: Quality
    couverture: float  # 0..1 of what the day should hold


SYNTHETIC = "donnees_synthetiques"  # warning code of figures computed from make_demo_data.py's tree

Process = Callable[[Settings, date], DayResult]  # from the raw files alone: any machine may run it, for any day
Compare = Callable[[dict[str, Any], Past], dict[str, Any]]  # the figures, with those that earlier days give


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
    if source_files(settings, source):
        keep_apart(settings)  # before the past is read; a run that has no input at all moves nothing
    rests_on = dependencies(source)
    note_inputs(settings, rests_on.raw)
    with recorded(settings, day, source.name, lambda: inputs(rests_on.raw_paths(settings))) as step:
        stored = keep_day(settings, store, source, day, measured(process, settings, day), compare, force)
        step.lignes, step.message = rows_of(stored.metrics["qualite"]), stored.kept
    return stored


def measured(process: Process, settings: Settings, day: date) -> DayResult | CityflowError:
    """What the raw files of a day give: figures, or what kept them from being computed."""
    try:
        return process(settings, day)
    except CityflowError as error:
        return error


def keep_day(
    settings: Settings,
    store: DatabaseService,
    source: Source,
    day: date,
    result: DayResult | CityflowError,
    compare: Compare | None = None,
    force: bool = False,
) -> Stored:
    """Store what was computed of a day, a full enough one being compared with what the store has of earlier ones.

    The JSON file below OUTPUT_DIR is written whatever the store, and before it: it is the backup and what upload reads.
    Stored figures that rest on more stay (see lib/run/kept_figures), unless `force`. Raises the error that `result` is.
    """
    if isinstance(result, CityflowError):
        known = isinstance(result, NoDataError) and not force
        stays = kept_figures(settings, store, source, day, None, result.message) if known else None
        if not stays:
            raise result
    else:
        metrics = _compared(settings, store, source, day, result, compare)
        stays = None if force else kept_figures(settings, store, source, day, metrics)
        if not stays:
            _save(settings, store, source, day, metrics, result.quality)
            return Stored(metrics)
    metrics, reason = stays
    log.warning("%s du %s, chiffres gardés : %s %s", source.name, day, reason, WAY_OUT)
    return Stored(metrics, reason)


def _save(
    settings: Settings, store: DatabaseService, source: Source, day: date, metrics: dict[str, Any], quality: Quality
) -> None:
    files = LocalFileService(settings.output_dir)
    with files.saving_metrics(metrics, source.name, day):
        _keep_rejects(rejects_path(settings, source.name, day), quality)
    forget(settings.output_dir, source.name, day)
    save_in_both(store, files.metrics_path(source.name, day), lambda: store.save_metrics(metrics, source.name, day))


def _compared(
    settings: Settings, store: DatabaseService, source: Source, day: date, result: DayResult, compare: Compare | None
) -> dict[str, Any]:
    """The metrics as they are stored."""
    figures = result.metrics
    if compare:
        files = LocalFileService(settings.output_dir)
        past = from_either(store, files, lambda reader: same_weekdays(reader, source.name, day))
        figures = compare(figures, past if result.quality.covered(result.couverture) >= USABLE_FROM else {})
    if is_synthetic(settings):
        result.quality.warn(SYNTHETIC, "attention", "Données de démonstration, inventées.")
    metrics: dict[str, Any] = plain({**figures, "qualite": result.quality.summary(result.couverture)})
    return metrics


def rows_of(qualite: dict[str, Any]) -> dict[str, int]:
    """The rows of an account, as a manifest tells them."""
    rejected = sum(qualite["rejets"].values())
    return {"lues": qualite["lignes_lues"], "retenues": qualite["lignes_retenues"], "rejetees": rejected}


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
