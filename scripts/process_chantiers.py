"""Road works (chantiers perturbants): those active in Paris on one civil day, where they lie and which arcs they touch.

A raw row is one work with its first and last day, both included. A work is active on the day when its dates say so; its
statut is the state on the day of the export, and counts where it says that the work is over on that day. Rows without
usable dates are rejected and counted. Several exports may lie side by side: the newest wins for each work. A day long
after the newest export, or before the works that it still holds, is known in part.

    python scripts/process_chantiers.py --date 2025-11-04
"""

import sys
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lib  # isort: skip # noqa: F401 - first: it says which package is missing

import numpy as np
import pandas as pd
import shapely

from lib.common.errors import InputError, NoDataError
from lib.common.settings import Settings
from lib.figures import geometry
from lib.figures.numbers import points, records, rounded
from lib.figures.quality import Quality
from lib.run.day_run import DayResult
from lib.run.source_command import run_source
from scripts.registry import CHANTIERS, files_to_read
from scripts.sources.arrondissements.polygons import Arrondissements, load_arrondissements
from scripts.sources.chantiers.exports import is_outside, newest_export
from scripts.sources.chantiers.records import (
    DATE_REJECTS,
    IMPACTS,
    NOT_SAID,
    OTHER,
    OVER,
    STATUSES,
    read_works,
)
from scripts.sources.referentiel.reference import reference_arcs

# A critical zone has far more active works than the city's other arrondissements have: more than the median of the
# twenty by CRITICAL_SPREADS robust standard deviations (1.4826 x MAD, see Rousseeuw and Croux 1993; at least the square
# root of the median, the chance of a count), and CRITICAL_WORKS at the least (the project's choice).
CRITICAL_SPREADS, MAD_TO_SIGMA = 2.0, 1.4826
CRITICAL_WORKS = 4
ARRONDISSEMENTS = range(1, 21)
NEARBY_METRES = 30.0  # from a work's outline to an arc's axis: both sides of a street (the project's choice)
LEVELS = {1: "perturbant", 2: "très perturbant"}
VERY_DISRUPTIVE = 2
OUTSIDE_COVERAGE = 0.5  # share at the most of a day outside what the exports know: they tell of the long works alone

HELP = """Chantiers perturbants : ceux qui sont actifs un jour donné, par arrondissement, impact et niveau.

Exemple : python scripts/process_chantiers.py --date 2025-11-04"""


def read_raw(settings: Settings, day: date) -> tuple[pd.DataFrame, Quality]:
    """Read all valid works (see sources/chantiers/records), active or not, and the account of the rejected rows."""
    quality = Quality()
    works = read_works(files_to_read(settings, CHANTIERS, quality), quality)
    if works.empty:
        raise InputError(f"aucun chantier valable : {dict(quality.rejets)}.", "Vérifier l'export des chantiers.")
    if works[active_on(works, day)].empty and is_outside(works, day, Quality()):
        known = f"{works['date_debut'].min()} au {works['date_fin'].max()}"
        raise NoDataError(f"les exports des chantiers ne disent rien du {day}.", f"Leurs chantiers vont du {known}.")
    return works, quality


def active_on(works: pd.DataFrame, day: date) -> pd.Series:
    """Tell which works' dates, both included, hold the day; one that the export calls over is not, from that day on."""
    today = day.isoformat()
    over = works["statut"].eq(OVER) & (works["export"] <= today)
    return (works["date_debut"] <= today) & (works["date_fin"] >= today) & ~over


def compute_metrics(
    works: pd.DataFrame,
    arcs: pd.DataFrame | None,
    arrondissements: Arrondissements,
    day: date,
    invalid_dates: int,
) -> dict[str, Any]:
    """Compute all figures of the day. `arcs`: the road reference, if there is one; `invalid_dates`: rows rejected."""
    today = day.isoformat()
    active = works[active_on(works, day)].reset_index(drop=True)
    outlines = outlines_of(active)
    near = nearby_arcs(outlines, arcs)
    table = work_figures(active, outlines, near, arrondissements, day)
    zones, least = by_arrondissement(table), critical_threshold(table)
    touched = impacted_arcs(active, near)
    export_day, known_by = newest_export(works)
    return {
        "nombre_chantiers_actifs": len(table),
        "nombre_chantiers_connus": len(works),
        "dates_invalides": invalid_dates,
        "jour_export": export_day,
        "jour_export_connu_par": known_by,
        "surface_totale_m2": total_surface(table),
        "nombre_chantiers_sans_surface": int(table["surface_m2"].isna().sum()),
        "nombre_troncons_impactes": None if touched is None else len(touched),
        "par_arrondissement": zones,
        "par_impact": tally(table["impact"], (*IMPACTS, OTHER, NOT_SAID)),
        "par_niveau": tally(table["niveau"].map(LEVELS), (*LEVELS.values(), NOT_SAID)),
        "par_statut": tally(table["statut"], (*STATUSES.values(), NOT_SAID)),
        "zones_critiques": critical_zones(zones, least),
        "seuil_zone_critique": least,
        "nouveaux": summaries(table[table["date_debut"] == today]),
        "se_terminant": summaries(table[table["date_fin"] == today]),
        "troncons_impactes": touched,
        "metrics": records(table),
    }


def outlines_of(active: pd.DataFrame) -> geometry.Geometries:
    """Make each work's outline in Lambert-93 metres, from its shape, else its point; None for one that lies nowhere."""
    pairs = zip(active["geometry"], shapely.points(active["lon"], active["lat"]), strict=True)
    shapes = geometry.as_geometries([shape or (None if np.isnan(point.x) else point) for shape, point in pairs])
    return geometry.to_metres(np.asarray(shapely.make_valid(shapes)))


def nearby_arcs(outlines: geometry.Geometries, arcs: pd.DataFrame | None) -> pd.DataFrame | None:
    """Build rows (chantier: place in `outlines`, identifiant_arc, libelle) of arcs within NEARBY_METRES; None without
    arcs."""
    if arcs is None:
        return None
    which, found = shapely.STRtree(arcs["lambert93"]).query(outlines, predicate="dwithin", distance=NEARBY_METRES)
    return arcs.iloc[found][["identifiant_arc", "libelle"]].assign(chantier=which)


def work_figures(
    active: pd.DataFrame,
    outlines: geometry.Geometries,
    near: pd.DataFrame | None,
    arrondissements: Arrondissements,
    day: date,
) -> pd.DataFrame:
    """Build one row per active work, the columns of metrics[] in their stored order."""
    ends = active["date_fin"].to_numpy(dtype="datetime64[D]")
    surfaces = pd.Series(shapely.area(outlines), dtype=float).round(2)
    return pd.DataFrame(
        {
            "identifiant": active["identifiant"],
            "arrondissement": active["arrondissement"].fillna(arrondissements.locate(active["lon"], active["lat"])),
            "objet": active["objet"],
            "voies": active["voies"],
            "description": active["description"],
            "impact": active["impact"],
            "niveau": active["niveau"],
            "statut": active["statut"],
            "date_debut": active["date_debut"],
            "date_fin": active["date_fin"],
            "jours_restants": (ends - np.datetime64(day, "D")).astype(int),
            "surface_m2": surfaces.where(surfaces > 0),  # a point or a line has no surface: unknown, not zero
            "geo_point_2d": points(active),
            "troncons": arc_numbers(active, near),
        }
    )


def arc_numbers(active: pd.DataFrame, near: pd.DataFrame | None) -> pd.Series:
    """Count the arcs near each work (Int64); missing without a road reference, or for a work that lies nowhere."""
    if near is None:
        return pd.Series(pd.NA, index=active.index, dtype="Int64")
    numbers = near.groupby("chantier").size().reindex(active.index, fill_value=0).astype("Int64")
    return numbers.where(active["lon"].notna())


def impacted_arcs(active: pd.DataFrame, near: pd.DataFrame | None) -> list[dict[str, Any]] | None:
    """List each arc near an active work, with the works' ids; None without a road reference."""
    if near is None:
        return None
    named = near.assign(identifiant=active["identifiant"].reindex(near["chantier"]).to_numpy())
    named = named.sort_values(["identifiant_arc", "chantier"])
    arcs = named.drop_duplicates("identifiant_arc")[["identifiant_arc", "libelle"]]
    works: dict[str, list[str]] = {}
    for arc, work in zip(named["identifiant_arc"], named["identifiant"], strict=True):
        works.setdefault(arc, []).append(work)
    return records(arcs.assign(chantiers=arcs["identifiant_arc"].map(works)))


def total_surface(table: pd.DataFrame) -> float | None:
    """Sum the works' surfaces (m²), so that two overlapping works count twice; None when none is known."""
    return 0.0 if table.empty else rounded(table["surface_m2"].sum(min_count=1))


def by_arrondissement(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Count active works and their surface per arrondissement; those that lie in none, or nowhere, are under None."""
    groups = table.assign(tres_perturbant=table["niveau"].eq(VERY_DISRUPTIVE).fillna(False)).groupby(
        "arrondissement", dropna=False
    )
    frame = pd.DataFrame(
        {
            "nombre_chantiers": groups.size(),
            "nombre_tres_perturbants": groups["tres_perturbant"].sum().astype(int),
            "surface_m2": groups["surface_m2"].sum(min_count=1).round(2),
        }
    )
    return records(frame.reset_index())


def tally(values: pd.Series, names: tuple[str, ...]) -> dict[str, int]:
    """Count active works under each name, in that order, zero included; a missing value is NON_RENSEIGNE."""
    counts = values.astype(object).fillna(NOT_SAID).value_counts()
    return {name: int(counts.get(name, 0)) for name in names}


def critical_threshold(table: pd.DataFrame) -> float:
    """Compute the number of active works that a critical zone is above (see CRITICAL_SPREADS)."""
    counts = table["arrondissement"].value_counts().reindex(ARRONDISSEMENTS, fill_value=0)
    median = float(counts.median())
    spread = max(MAD_TO_SIGMA * float((counts - median).abs().median()), median**0.5)
    return round(max(median + CRITICAL_SPREADS * spread, CRITICAL_WORKS - 1), 2)


def critical_zones(zones: list[dict[str, Any]], least: float) -> list[dict[str, Any]]:
    """List the arrondissements with more active works than `least` (critical_threshold), the most loaded first."""
    loaded = [one for one in zones if one["arrondissement"] is not None and one["nombre_chantiers"] > least]
    return sorted(loaded, key=lambda zone: (-zone["nombre_chantiers"], zone["arrondissement"]))


def summaries(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Keep what a list of works says of each."""
    columns = ["identifiant", "arrondissement", "objet", "voies", "impact", "niveau", "date_debut", "date_fin"]
    return records(table[columns])


def process(settings: Settings, day: date) -> DayResult:
    """Read and compute; rejected rows aside, a day inside what the exports know is whole."""
    works, quality = read_raw(settings, day)
    arcs = reference_arcs(settings, quality, "les tronçons impactés ne sont pas calculés")
    arrondissements = load_arrondissements(settings, quality)
    invalid_dates = sum(quality.rejets[reason] for reason in DATE_REJECTS)
    metrics = compute_metrics(works, arcs, arrondissements, day, invalid_dates)
    return DayResult(metrics, quality, OUTSIDE_COVERAGE if is_outside(works, day, quality) else 1.0)


def main(argv: list[str] | None = None) -> int:
    return run_source(CHANTIERS, HELP, process, argv)


if __name__ == "__main__":
    sys.exit(main())
