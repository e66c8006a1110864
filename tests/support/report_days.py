"""Days for the tests of the pages: the synthetic tree through the real scripts, then what a bad day takes away."""

import copy
import importlib
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from lib.common.settings import Settings, load_settings
from lib.local_file_service import LocalFileService
from scripts import generate_report, make_demo_data
from scripts.registry import SOURCES

DAY = date(2025, 11, 4)
WEEK_BEFORE = DAY - timedelta(weeks=1)


def demo_environment(root: Path) -> dict[str, str]:
    """A raw root and an output folder below `root`."""
    return {"DATA_DIR": str(root / "raw"), "OUTPUT_DIR": str(root / "output"), "CITYFLOW_STORE": "local_files"}


def demo_store(root: Path, arcs: int, days: list[date]) -> Settings:
    """Metrics and reports of the days, computed from `arcs` invented arcs (and 24 counters) ending on DAY."""
    span = str((DAY - min(days)).days + 1)
    options = ["--output", str(root / "raw"), "--arcs", str(arcs), "--counters", "24", "--days", span, "-q"]
    assert make_demo_data.main(options) == 0
    scripts = [importlib.import_module(f"scripts.process_{one}") for one in SOURCES]
    with pytest.MonkeyPatch.context() as environment:
        for name, value in demo_environment(root).items():
            environment.setenv(name, value)
        for day in days:
            for script in scripts:
                assert script.main(["--date", day.isoformat(), "-q"]) == 0
            assert generate_report.main(["--date", day.isoformat(), "-q"]) == 0
    return load_settings(environment=demo_environment(root), root=root)


def changed_day(settings: Settings, root: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The page of DAY after `change` was made to a copy of its metrics (by source; a source may be deleted)."""
    known, files = LocalFileService(settings.output_dir), LocalFileService(root)
    metrics = {source: copy.deepcopy(known.load_metrics(source, DAY)) for source in SOURCES}
    change(metrics)
    for source in SOURCES:
        past = known.load_metrics(source, WEEK_BEFORE)
        for day, found in ((DAY, metrics.get(source)), (WEEK_BEFORE, past)):
            if found:
                files.save_metrics(found, source, day)
    there = load_settings(environment={"OUTPUT_DIR": str(root), "CITYFLOW_STORE": "local_files"}, root=root)
    generate_report.process(there, files, DAY)
    return files.report_path(DAY, ".html")


def full(metrics: dict[str, Any]) -> None:
    """Nothing is changed."""


def partial(metrics: dict[str, Any]) -> None:
    """No weather, bikes until 13 h, a pull of disruptions made before the day, and no road reference."""
    del metrics["weather"], metrics["referentiel"]
    bikes, traffic = metrics["bikes"], metrics["traffic"]
    for one in bikes["profil_horaire"][14:]:
        one["total"], one["compteurs_mesures"] = None, 0
    bikes["qualite"] |= {"statut": "partiel", "couverture": 0.5833}
    warning = {
        "code": "releve_anterieur",
        "severite": "attention",
        "message": "Aucun relevé du jour : <b>attention</b>.",
    }
    traffic["qualite"] |= {"statut": "partiel", "couverture": 0.5}
    traffic["qualite"]["avertissements"].append(warning | {"mesure": None, "attendu": None, "exemples": []})


def without_roads(metrics: dict[str, Any]) -> None:
    del metrics["comptages"]


def heavy(metrics: dict[str, Any]) -> None:
    """As much of everything as a bad day of real Paris can have: 60 alerts, 60 lines disturbed, 300 works, warnings."""
    many_works(metrics)
    roads, traffic = metrics["comptages"], metrics["traffic"]
    roads["alertes_congestion"] = [copy.deepcopy(roads["alertes_congestion"][0]) for _ in range(60)]
    line = traffic["par_ligne"][0]
    modes = ["Métro"] * 14 + ["RER"] * 5 + ["Tram"] * 14 + ["Bus"] * 27
    traffic["par_ligne"] = [line | {"ligne": f"{mode} {number}", "mode": mode} for number, mode in enumerate(modes)]
    traffic["alerts"] = [copy.deepcopy(traffic["alerts"][0]) for _ in range(30)]
    for source in metrics.values():
        source["qualite"]["avertissements"] += [
            {"code": f"essai_{number}", "severite": "attention", "message": "Une phrase assez longue. " * 5}
            | {"mesure": None, "attendu": None, "exemples": []}
            for number in range(1)  # the demo has some of its own
        ]


def hostile(metrics: dict[str, Any]) -> None:
    """Every name and text is 5 000 characters without a space, with markup, a bidi control and an escape sequence."""
    label = "<script>\u202e\x1b[31m" + "Interminable" * 420
    names = ("libelle", "nom_compteur", "ligne", "titre", "voies", "message", "conditions", "motif")

    def spoil(node: Any) -> None:
        for key, value in list(node.items()) if isinstance(node, dict) else enumerate(node):
            if isinstance(value, dict | list):
                spoil(value)
            elif key in names and isinstance(value, str):
                node[key] = label

    spoil(metrics)


def many_works(metrics: dict[str, Any]) -> None:
    """300 works, all over the city, twenty of them beginning that day."""
    works = metrics["chantiers"]
    rows = [copy.deepcopy(works["metrics"][number % len(works["metrics"])]) for number in range(300)]
    for number, row in enumerate(rows):
        row["identifiant"] = f"CP{number:06d}"
        row["arrondissement"] = number % 20 + 1
        row["geo_point_2d"] = {"lon": 2.28 + number % 20 * 0.006, "lat": 48.83 + number // 20 * 0.004}
    keys = ("identifiant", "arrondissement", "objet", "voies", "impact", "niveau", "date_debut", "date_fin")
    works |= {
        "metrics": rows,
        "nombre_chantiers_actifs": 300,
        "par_arrondissement": [
            {"arrondissement": number, "nombre_chantiers": 15, "nombre_tres_perturbants": 9, "surface_m2": 1234.5}
            for number in range(1, 21)
        ],
        "nouveaux": [{key: row[key] for key in keys} for row in rows[:20]],
    }
    works["zones_critiques"] = works["par_arrondissement"]
