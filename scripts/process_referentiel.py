"""Road reference: geometry of the arcs that the permanent road counts are about.

A raw row is one part of an arc (the street between two junctions); the parts of a repeated arc are merged and their
lengths add up. The reference describes arcs that never count and misses some that do. It carries no day of its own:
the figures of a day are those of the newest export that can be used, as a whole.

So that a map can be drawn from the store alone, mapping[] carries a simplified `trace` (WKT, degrees) of each arc, and
`contours` the outlines of the arrondissements where their file is there. They are for drawing, not for measuring.

    python scripts/process_referentiel.py --date 2025-11-04
"""

import copy
import logging
import sys
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lib  # isort: skip # noqa: F401 - first: it says which package is missing

import pandas as pd

from lib.common.errors import InputError
from lib.common.exact_json import Plain
from lib.common.settings import Settings
from lib.figures import geometry
from lib.figures.numbers import plain, points, records, rounded
from lib.figures.quality import Quality
from lib.files.copies import keep_copy, packed, read_copy, unpacked
from lib.raw.source_files import RawFile, source_files
from lib.raw.usable_files import newest_whole, passed_over
from lib.run.day_run import DayResult
from lib.run.dependencies import code_state
from lib.run.source_command import run_source
from scripts.registry import ARRONDISSEMENTS, REFERENTIEL, files_to_read
from scripts.sources.arrondissements.polygons import Arrondissements, load_arrondissements
from scripts.sources.referentiel.records import INCOMPLETE, is_ring
from scripts.sources.referentiel.reference import (
    FOLDER,
    Reference,
    account_of,
    can_keep,
    quality_of,
    read_reference,
)

log = logging.getLogger("cityflow.referentiel")

METRES_PER_KM = 1000.0
CONTOUR_TOLERANCE = 30.0  # m, see shapely.coverage_simplify

HELP = """Référentiel géographique : les arcs de comptage (longueur, nœuds, arrondissement, centre) et leurs totaux.

Exemple : python scripts/process_referentiel.py --date 2025-11-04"""


def read_raw(settings: Settings) -> Reference:
    """Read the newest whole export (see sources/referentiel/reference), and account for the others."""
    passed = Quality()
    files = files_to_read(settings, REFERENTIEL, passed)
    found, refused = newest_whole(
        files, partial(read_reference, settings), INCOMPLETE, lambda one: int(one.arcs["nombre_parties"].sum())
    )
    quality = copy.deepcopy(found.quality)
    quality.avertissements += passed.avertissements
    for raw, error in refused:
        passed_over(raw, error, quality)
    return Reference(found.arcs, quality)


def compute_metrics(arcs: pd.DataFrame, arrondissements: Arrondissements) -> dict[str, Any]:
    """Compute all figures: the totals, the outlines of the arrondissements, and one row per arc."""
    mapping = arc_mapping(arcs.sort_values("identifiant_arc", ignore_index=True), arrondissements)
    return {
        "statistiques": statistics(mapping, arrondissements.complete),
        "contours": outlines(arrondissements),
        "mapping": records(mapping),
    }


def arc_mapping(arcs: pd.DataFrame, arrondissements: Arrondissements) -> pd.DataFrame:
    """Make one row per arc, the columns of mapping[] in their stored order; geo_point_2d is half-way along the arc."""
    return pd.DataFrame(
        {
            "identifiant_arc": arcs["identifiant_arc"],
            "libelle": arcs["libelle"],
            "iu_nd_amont": arcs["iu_nd_amont"],
            "libelle_nd_amont": arcs["libelle_nd_amont"],
            "iu_nd_aval": arcs["iu_nd_aval"],
            "libelle_nd_aval": arcs["libelle_nd_aval"],
            "longueur_metres": arcs["longueur_metres"].round(2),
            "nombre_parties": arcs["nombre_parties"],
            "arrondissement": arrondissements.locate(arcs["lon"], arcs["lat"]),
            "peripherique": is_ring(arcs["libelle"]),
            "geo_point_2d": points(arcs),
            "trace": arcs["trace"],
        }
    )


def outlines(arrondissements: Arrondissements) -> list[dict[str, Any]]:
    """Simplify the outline (WKT, degrees) of each arrondissement, by number; none without their polygons."""
    shapes = geometry.simplified_coverage(arrondissements.polygons, CONTOUR_TOLERANCE)
    known = sorted(zip(arrondissements.numbers.tolist(), shapes, strict=True))
    return [{"arrondissement": number, "contour": shape} for number, shape in known]


def statistics(mapping: pd.DataFrame, located: bool) -> dict[str, Any]:
    """Sum up; `located` says whether all arrondissements are known (an arc outside all twenty is under None)."""
    lengths = mapping["longueur_metres"]
    return {
        "nombre_arcs": len(mapping),
        "nombre_lignes": int(mapping["nombre_parties"].sum()),
        "arcs_multiparties": int((mapping["nombre_parties"] > 1).sum()),
        "longueur_totale_km": rounded(lengths.sum() / METRES_PER_KM, 3),
        "longueur_moyenne_metres": rounded(lengths.mean()),
        "longueur_peripherique_km": rounded(lengths[mapping["peripherique"]].sum() / METRES_PER_KM, 3),
        "nombre_hors_arrondissement": int(mapping["arrondissement"].isna().sum()) if located else None,
        "par_arrondissement": by_arrondissement(mapping),
    }


def by_arrondissement(mapping: pd.DataFrame) -> list[dict[str, Any]]:
    """Count arcs and kilometres per arrondissement; those outside all twenty are under None."""
    groups = mapping.groupby("arrondissement", dropna=False)
    frame = pd.DataFrame(
        {
            "nombre_arcs": groups.size(),
            "longueur_km": (groups["longueur_metres"].sum() / METRES_PER_KM).round(3),
        }
    )
    return records(frame.reset_index())


def process(settings: Settings, day: date) -> DayResult:
    """Read, compute, once for all days of a run; the coverage is the share of the export's rows that could be used."""
    found = Quality()
    files = (*files_to_read(settings, REFERENTIEL, found), *source_files(settings, ARRONDISSEMENTS))
    metrics, quality = _of_files(settings, files, repr(found))
    return DayResult(metrics, copy.deepcopy(quality), 1.0)


@lru_cache(maxsize=1)  # a file that changed is another key
def _of_files(settings: Settings, files: tuple[RawFile, ...], others: str) -> tuple[dict[str, Any], Quality]:
    """Compute the figures, or take them from the copy of an earlier run on the same files."""
    path, state = settings.output_dir / FOLDER / "metrics.copy", _state(settings, files, others)
    if state and (kept := read_copy(path, state)):
        metrics = unpacked(kept["metrics"])
        lists = {name: Plain(one) for name, one in metrics.items() if isinstance(one, list)}
        return metrics | lists, quality_of(unpacked(kept["account"]), files)
    reference = read_raw(settings)
    arrondissements = load_arrondissements(settings, reference.quality)
    metrics = plain(compute_metrics(reference.arcs, arrondissements))
    account = account_of(reference.quality)
    if state and account and state == _state(settings, files, others):
        keep_copy(path, state, {"metrics": packed(metrics), "account": packed(account)})
    return metrics, reference.quality


def _state(settings: Settings, files: tuple[RawFile, ...], others: str) -> str:
    """Describe what the figures rest on; empty where no copy can be kept, or a file cannot be looked at."""
    try:
        states = [(raw.name, *raw.state) for raw in files if can_keep(settings.output_dir, raw)]
    except InputError:  # said by whoever reads it
        return ""
    return f"{states} {code_state()} {others}" if len(states) == len(files) else ""


def main(argv: list[str] | None = None) -> int:
    return run_source(REFERENTIEL, HELP, process, argv)


if __name__ == "__main__":
    sys.exit(main())
