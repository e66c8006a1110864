"""The days of a month, each reduced to what the month's figures need.

A day of all of Paris takes some 40 MB once read, and a month is put beside the one before: no day is kept whole.
"""

import logging
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import pandas as pd

from lib.database_service import DatabaseService
from lib.figures.key_figures import at
from lib.figures.past_days import coverage
from lib.figures.quality import has_account
from lib.figures.sensor_days import hours_of
from lib.raw.source import Source
from lib.run.day_run import SYNTHETIC
from scripts.registry import SOURCES
from scripts.report.key_figures import Metrics
from scripts.sources.traffic.lines import METRO, RER, TRAM

log = logging.getLogger(__name__)

COMPLETE, PARTIAL, MISSING = "complet", "partiel", "manquant"


class SourceDay(NamedTuple):
    """A source on one day."""

    state: str  # COMPLETE, PARTIAL or MISSING
    coverage: float  # 0..1
    values: dict[str, float | None]  # by key figure
    hours: dict[str, pd.DataFrame]  # of each key figure that sensors measure: a row a sensor, a column an hour
    set_aside: int  # sensors that are in no figure of the day
    labels: dict[str, tuple[str, int | None]]  # of its sensors: name, arrondissement
    lines: dict[str, float]  # hours disturbed of each structuring line
    service: float  # hours of service that these are of
    synthetic: bool


NOTHING = SourceDay(MISSING, 0.0, {}, {}, 0, {}, {}, 0.0, False)
SourceDays = dict[str, dict[date, SourceDay]]  # by source; a day that has no figures is not a key


def read_source_days(store: DatabaseService, days: Iterable[date]) -> SourceDays:
    """Load the metrics of these days one by one; those that hold no measured value are missing."""
    return {
        name: {
            day: _reduced(source, metrics, day) for day in days if (metrics := _load(store, source, day)) is not None
        }
        for name, source in SOURCES.items()
    }


def _load(store: DatabaseService, source: Source, day: date) -> Metrics | None:
    """Load a day; None, with a warning, for one of a version before that lacks what a month is made of."""
    metrics = store.load_metrics(source.name, day)
    if metrics is None:
        return None
    wanted = [figure.where.partition(".")[0] for figure in source.key_figures]
    if not has_account(metrics) or "statut" not in metrics["qualite"] or not all(key in metrics for key in wanted):
        log.warning("%s du %s : chiffres d'une version antérieure, laissés de côté.", source.french, day)
        return None
    return None if metrics["qualite"]["statut"] == "absent" else metrics


def _reduced(source: Source, metrics: Metrics, day: date) -> SourceDay:
    account, columns = metrics["qualite"], source.sensors
    hours = {
        figure.name: found.astype("float32")
        for figure in source.key_figures
        if columns and figure.hours and (found := hours_of(metrics, columns, figure.hours, day)) is not None
    }
    labels = (
        {
            row[columns.identifier]: (row.get(columns.label) or str(row[columns.identifier]), row.get("arrondissement"))
            for row in metrics["metrics"]
        }
        if columns
        else {}
    )
    lines = {one["ligne"]: one["heures_perturbees"] for one in metrics.get("par_ligne", ()) if one["mode"] in _MODES}
    return SourceDay(
        account["statut"],
        coverage(metrics),
        {figure.name: at(metrics, figure.where) for figure in source.key_figures},
        hours,
        (account.get("capteurs") or {}).get("ecartes", 0),
        labels,
        lines,
        metrics.get("heures_de_service") or 0.0,
        any(one["code"] == SYNTHETIC for one in account["avertissements"]),
    )


_MODES = (METRO, RER, TRAM)
