"""The daily report: one day of all sources, as a page for people, JSON for programs, a tidy CSV for spreadsheets.

It reads the store alone, never a raw file: a source without metrics for the day is shown as missing, never as zero.
Each figure stands beside the same weekday last week and the median of the last four, where the store has them. The page
(see scripts/report/page) is drawn from the report and the day's metrics, and written before the JSON.

    python scripts/generate_report.py --date 2025-11-04
"""

import logging
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.common.errors import ExitCode
from lib.common.exact_json import Plain
from lib.common.paris_time import recent_days
from lib.common.settings import Settings
from lib.database_factory import get_database_service
from lib.database_service import DatabaseService
from lib.figures.calendar_days import day_context
from lib.figures.gate import findings
from lib.figures.numbers import plain
from lib.figures.past_days import Past
from lib.figures.quality import has_account
from lib.files.atomic_file import write_together
from lib.files.locks import day_lock
from lib.local_file_service import LocalFileService
from lib.raw.source_files import no_data
from lib.run import cli
from lib.run.both import from_either, save_in_both
from lib.run.demo_results import refuse_invented
from lib.run.manifest import inputs, recorded
from lib.run.sensor_history import read_day, recent_figures, same_weekdays
from lib.stores.documents import report_document
from scripts.registry import SOURCES, watched_figures
from scripts.report.key_figures import Metrics, hourly_profiles, key_figures, measured
from scripts.report.page import daily_page
from scripts.report.summary import summary
from scripts.report.table import report_csv
from scripts.report.unusual import unusual
from scripts.report.usual import movers, named_sensors
from scripts.report.ways import beside, link_again, ways

log = logging.getLogger("cityflow.report")

HELP = """Rapport quotidien : synthèse, classements, alertes et évolutions du jour (page HTML, JSON et CSV).

Exemple : python scripts/generate_report.py --date 2025-11-04"""


def read_metrics(store: DatabaseService, day: date) -> dict[str, Metrics]:
    """Load the metrics of the day by source; a source that has none, or some of an older version, is not a key."""
    found = {name: read_day(store, source, day) for name, source in SOURCES.items()}
    for source, metrics in found.items():
        if metrics is not None and not is_current(source, metrics):
            log.warning("%s du %s : chiffres d'une version antérieure, laissés de côté.", SOURCES[source].french, day)
    return {source: one for source, one in found.items() if one is not None and is_current(source, one)}


def is_current(source: str, metrics: Metrics) -> bool:
    """Tell whether figures have the account and the keys that the report needs; those of a version before may not."""
    return has_account(metrics) and all(key in metrics for key in REPORTED.get(source, ()))


def compute_report(
    metrics: dict[str, Metrics],
    past: dict[str, Past],
    context: dict[str, Any],
    day: date,
    last_days: Mapping[str, date | None] = MappingProxyType({}),
    recent: Mapping[date, dict[str, Any]] = MappingProxyType({}),
) -> dict[str, Any]:
    """Build the report. `past`: for each source, the metrics of earlier same weekdays (see lib/figures/past_days).

    last_days: for each source, the last day up to `day` that the store holds. recent: the key figures of recent days.
    """
    known = measured(metrics)
    figures = key_figures(known, past, day, recent)
    named = named_sensors(known, past, day)
    sources = {source: source_state(metrics.get(source)) for source in SOURCES}
    report = {
        "resume": summary(sources, figures, context),
        "contexte": context,
        "sources": sources,
        "constats": [
            asdict(one)
            for one in findings(
                day,
                {name: metrics.get(name) for name in SOURCES},
                past,
                last_days,
                context["jour_ferie"],
                *watched_figures(),
            )
        ],
        "hors_ordinaire": unusual(known, past, day, named, carried_by_few(figures)),
        "chiffres_cles": figures,
        "profils_horaires": hourly_profiles(known, past, day),
        "tops": repeated(known, TOPS),
        "evolutions": movers(named),
        "alertes": repeated(known, ALERTS),
        "capteurs_defaillants": repeated(metrics, FAILING),  # a source that measured nothing says which are silent
        "capteurs_ecartes": repeated(metrics, SET_ASIDE),
        "chantiers": section(known, "chantiers", WORKS_KEYS),
        "perturbations": section(known, "traffic", TRAFFIC_KEYS),
        "meteo": weather(known, figures),
    }
    return dict(plain(report))


def carried_by_few(figures: dict[str, Any]) -> set[str]:
    """Name the sources of sensors whose first figure has a past and no published change."""
    firsts = {name: figures[source.key_figures[0].name] for name, source in SOURCES.items() if source.sensors}
    return {name for name, one in firsts.items() if one["mediane_base"] and one["evolution_mediane_pct"] is None}


SENSOR_KEYS = ("capteurs", "heures_manquantes", "heures_vues")  # None for a source without sensors


def source_state(metrics: Metrics | None) -> dict[str, Any]:
    """Say whether a source is complete, partial or missing, and what its account says.

    Metrics that hold not one measured value ("absent" in their account) are missing all the same.
    """
    account: Metrics = metrics["qualite"] if metrics else {"statut": "absent"}
    return {
        "statut": "manquant" if account["statut"] == "absent" else account["statut"],
        **{key: account.get(key) for key in ("couverture", *SENSOR_KEYS)},
        "rejets": sum(account["rejets"].values()) if metrics else None,
        "avertissements": account.get("avertissements", []),
    }


# What parts of the report repeat of a source: its name in the report, the source, the key of its metrics.
TOPS = (
    ("troncons", "comptages", "top_10_troncons"),
    ("zones_congestionnees", "comptages", "top_10_zones_congestionnees"),
    ("compteurs_velo", "bikes", "top_counters"),
    ("lignes_impactees", "traffic", "top_lignes_impactees"),
)
ALERTS = (("congestion", "comptages", "alertes_congestion"), ("transports", "traffic", "alerts"))
FAILING = (("comptages", "comptages", "capteurs_defaillants"), ("bikes", "bikes", "failing_sensors"))
SET_ASIDE = tuple((name, name, "capteurs_ecartes") for name in ("bikes", "comptages"))  # broken ones, in no figure


def repeated(metrics: dict[str, Metrics], keys: tuple[tuple[str, str, str], ...]) -> dict[str, Any]:
    """Repeat figures, as they are stored; None where the source is missing, or of a version without them."""
    found = {name: metrics.get(source, {}).get(key) for name, source, key in keys}
    return {name: Plain(one) if isinstance(one, list) else one for name, one in found.items()}


WORKS_KEYS = (
    "nombre_chantiers_actifs",
    "surface_totale_m2",
    "par_arrondissement",
    "par_impact",
    "par_niveau",
    "zones_critiques",
    "seuil_zone_critique",
    "jour_export",
    "jour_export_connu_par",
    "nouveaux",
    "se_terminant",
    "troncons_impactes",
)
TRAFFIC_KEYS = (
    "nombre_perturbations",
    "nombre_longue_duree",
    "par_severite",
    "par_cause",
    "par_mode",
    "par_ligne",
    "lignes_perturbees",
    "reliability_index",
    "reliability_par_mode",
    "heures_de_service",
    "longue_duree",
)
REPORTED = {"chantiers": WORKS_KEYS, "traffic": TRAFFIC_KEYS}


def section(metrics: dict[str, Metrics], source: str, keys: tuple[str, ...]) -> dict[str, Any] | None:
    """Select the named keys of one source; None where it is missing. Figures of an older version may lack some."""
    return {key: metrics[source].get(key) for key in keys} if source in metrics else None


def weather(metrics: dict[str, Metrics], figures: dict[str, Any]) -> dict[str, Any] | None:
    """Put the day's weather beside what bikes and roads did: side by side, not cause and effect."""
    if "weather" not in metrics:
        return None
    return {
        **section(metrics, "weather", ("metrics", "categories", "impact_mobilite", "nature")),  # type: ignore[dict-item]
        "velo_ecart_mediane_pct": figures["passages_velo"]["evolution_mediane_pct"],
        "trafic_ecart_mediane_pct": figures["debit_routier"]["evolution_mediane_pct"],
    }


def gather(
    store: DatabaseService, day: date
) -> tuple[dict[str, Metrics], dict[str, Past], dict[str, date | None], dict[date, dict[str, Any]]]:
    """Load what compute_report is given of the store; NoDataError where the day has no metrics at all."""
    recent = recent_figures(store, recent_days(day))
    past = {name: same_weekdays(store, source, day) for name, source in SOURCES.items()}
    metrics = read_metrics(store, day)
    days = {source: store.list_available_dates(source) for source in SOURCES if source not in metrics}
    if not metrics:
        raise no_data("rapport", day, {known.isoformat() for one in days.values() for known in one})
    missing = {source: max((one for one in known if one <= day), default=None) for source, known in days.items()}
    last_days = dict.fromkeys(metrics, day) | missing
    return metrics, past, last_days, recent


def process(settings: Settings, store: DatabaseService, day: date) -> dict[str, Any]:
    """Build and store the report of a day."""
    refuse_invented(settings)
    files = LocalFileService(settings.output_dir)
    paths = [files.metrics_path(source, day) for source in SOURCES]
    with recorded(settings, day, "rapport", lambda: inputs(path for path in paths if path.is_file())):
        metrics, past, last_days, recent = from_either(store, files, lambda reader: gather(reader, day))
        report = compute_report(metrics, past, day_context(day), day, last_days, recent)
        page, table = daily_page(day, report, metrics, past, ways(files, day)), report_csv(report, metrics)
        with files.saving(report_document(report, day)):
            write_together({files.report_path(day, ".html"): page, files.report_path(day, ".csv"): table})
        save_in_both(store, files.report_path(day), lambda: store.save_report(report, day))
    return report


def main(argv: list[str] | None = None) -> int:
    arguments = cli.day_parser(HELP).parse_args(argv)

    def work() -> int:
        settings, day = cli.day_settings(arguments)
        with (
            day_lock(settings.output_dir, day, "report", settings.lock_fd, arguments.wait),
            get_database_service(settings) as store,
        ):
            report = process(settings, store, day)
        link_again(LocalFileService(settings.output_dir), beside(day))
        return tell(settings, day, report, arguments.json)

    return cli.guarded(work, arguments)


def tell(settings: Settings, day: date, report: dict[str, Any], as_json: bool) -> int:
    """Say what was written; a missing source is a failure of the day although the report exists."""
    files = LocalFileService(settings.output_dir)
    page, document = (str(files.report_path(day, suffix)) for suffix in (".html", ".json"))
    missing = report["resume"]["sources_manquantes"]
    if as_json:
        cli.emit_json({"date": day.isoformat(), "fichier": document, "page": page, **report["resume"]})
    else:
        cli.emit(f"rapport {day} : journée {report['resume']['statut']} -> {page}")
    for source in missing:
        log.error("source manquante : %s (relancer : make %s DATE=%s)", SOURCES[source].french, source, day)
    return ExitCode.FAILED if missing else ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
