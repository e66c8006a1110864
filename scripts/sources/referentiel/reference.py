"""The arcs of the newest whole road reference, read once: for the days of a run, and for later runs by a copy.

A day's figures of three sources rest on the reference, which changes a few times a year. OUTPUT_DIR/.reference keeps a
copy of what was read of an export (see lib/files/copies), found by the digest of the export and the state of the code.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from lib.common.errors import InputError
from lib.common.settings import Settings
from lib.figures import geometry
from lib.figures.answers import Answer
from lib.figures.quality import Quality, QualityWarning, Reject
from lib.figures.raw_rows import without_echoes
from lib.figures.written_places import parse_shape, read_places
from lib.files.copies import keep_copy, packed, read_copy, unpacked
from lib.raw.contents import readable
from lib.raw.source_files import RawFile, source_files
from lib.raw.usable_files import newest_whole, warn_of_refused
from lib.run.dependencies import code_state
from scripts.registry import REFERENTIEL
from scripts.sources.arrondissements.polygons import load_arrondissements
from scripts.sources.referentiel.records import INCOMPLETE, TEXTS, merge_parts, read_road_parts, warn_of_shapes

# A map of Paris on a screen or an A4 page has about 15 m to the pixel.
TRACE_TOLERANCE = 5.0  # m
FOLDER = ".reference"  # of OUTPUT_DIR
COPIES = 3  # kept: those written last
NUMBERS = {"longueur_metres": float, "nombre_parties": int, "lon": float, "lat": float}


@dataclass(frozen=True)
class Reference:
    """One export: a row per arc, and the account of its rows.

    arcs: identifiant_arc, TEXTS, longueur_metres, nombre_parties, lon and lat (degrees) half-way along the arc, trace
    (WKT, degrees, TRACE_TOLERANCE), lambert93 (its line in metres, shapely).
    """

    arcs: pd.DataFrame
    quality: Quality


def read_reference(settings: Settings, raw: RawFile) -> Reference:
    """Read one export; InputError where it has no usable arc."""
    return _of_state(settings.output_dir, raw, raw.state)


@lru_cache(maxsize=2)  # the newest, and an older one where that is cut
def _of_state(output_dir: Path, raw: RawFile, state: tuple[int, ...]) -> Reference:
    rests_on = _rests_on(raw) if can_keep(output_dir, raw) else ""
    path = output_dir / FOLDER / f"{rests_on[:16]}.copy"
    copy = read_copy(path, rests_on) if rests_on else None
    if copy:
        found = unpacked(copy["reference"])
        return Reference(_frame(found["columns"]), quality_of(found["account"], [raw]))
    quality = Quality()
    parts = read_road_parts(raw, quality)
    if parts.empty:
        raise InputError(f"{raw.path} n'a aucun arc utilisable : {dict(quality.rejets)}.", "Vérifier l'export.")
    columns = _columns(merge_parts(parts))
    account = account_of(quality)
    if rests_on and account and raw.state == state:
        content = {"reference": packed({"columns": columns, "account": account})}
        if keep_copy(path, rests_on, content):
            _remove_old_ones(path.parent)
    return Reference(_frame(columns), quality)


def can_keep(output_dir: Path, raw: RawFile) -> bool:
    """Tell whether copies can be kept: a worker of a cluster has no OUTPUT_DIR, and reads S3 in parts."""
    return output_dir.is_dir() and not str(raw.path).startswith("s3://")


def _rests_on(raw: RawFile) -> str:
    with readable(raw.path), raw.path.open("rb") as stream:
        return f"{hashlib.file_digest(stream, 'sha256').hexdigest()} {raw.name} {code_state()}"


def _remove_old_ones(folder: Path) -> None:
    with suppress(OSError):  # another process has removed it
        for old in sorted(folder.glob(16 * "[0-9a-f]" + ".*"), key=lambda path: path.stat().st_mtime)[:-COPIES]:
            old.unlink()


def _columns(arcs: pd.DataFrame) -> dict[str, list[Any]]:
    """List the columns of Reference.arcs as a copy keeps them: lambert93 is WKB in hexadecimal."""
    lines = arcs["geometry"].to_numpy()
    lon, lat = geometry.middles(lines)
    texts = {name: arcs[name].astype(object) for name in ("identifiant_arc", *TEXTS)}
    return {
        **{name: one.where(one.notna(), None).tolist() for name, one in texts.items()},
        "longueur_metres": arcs["longueur_metres"].tolist(),
        "nombre_parties": arcs["nombre_parties"].tolist(),
        "lon": lon.tolist(),
        "lat": lat.tolist(),
        "trace": geometry.simplified_lines(lines, TRACE_TOLERANCE),
        "lambert93": shapely.to_wkb(geometry.to_metres(lines), hex=True).tolist(),
    }


def _frame(columns: dict[str, list[Any]]) -> pd.DataFrame:
    frame = pd.DataFrame({name: pd.Series(one, dtype=NUMBERS.get(name, object)) for name, one in columns.items()})
    return frame.assign(lambert93=shapely.from_wkb(columns["lambert93"]))


def account_of(quality: Quality) -> dict[str, Any] | None:
    """Describe the account of one export; None of one that is in doubt (see lib/figures/answers): it is read again."""
    answers = quality.answers
    if answers.known or answers.open_ends or quality.unusable or len(answers.origins) != 1:
        return None
    return {
        "fichier": next(iter(answers.origins)),
        "lignes_retenues": quality.lignes_retenues,
        "doublons": quality.doublons,
        "rejets": quality.rejets,
        "kept_rejects": [vars(one) for one in quality.kept_rejects],
        "avertissements": [vars(one) for one in quality.avertissements],
    }


def quality_of(account: dict[str, Any], files: Sequence[RawFile]) -> Quality:
    """Rebuild an account that account_of described; the export is one of the files."""
    quality = Quality(account["lignes_retenues"], account["doublons"], rejets=Counter(account["rejets"]))
    quality.kept_rejects += [Reject(**one) for one in account["kept_rejects"]]
    quality.avertissements += [
        QualityWarning(**one | {"exemples": tuple(one["exemples"])}) for one in account["avertissements"]
    ]
    raw = next(one for one in files if one.name == account["fichier"])
    quality.answers.add(Answer(raw.origin, None, quality.lignes_retenues))
    quality.answers.of_day[raw.name] = quality.lignes_retenues
    return quality


def reference_arcs(settings: Settings, quality: Quality, consequence: str) -> pd.DataFrame | None:
    """Read the arcs of the newest whole export (see Reference); None without any: a warning says the `consequence`."""
    files = source_files(settings, REFERENTIEL)
    if not files:
        quality.warn("referentiel_absent", "information", f"Sans référentiel, {consequence}.")
        return None
    try:
        read = partial(read_reference, settings)
        found, refused = newest_whole(files, read, INCOMPLETE, lambda one: len(one.arcs))
    except InputError as error:
        quality.warn("referentiel_illisible", "attention", f"{error.message} Sans référentiel, {consequence}.")
        return None
    warn_of_refused(refused, INCOMPLETE, "referentiel_illisible", quality)
    return found.arcs.copy()


def read_arcs(
    settings: Settings, counts: pd.DataFrame, reference: pd.DataFrame | None, quality: Quality
) -> pd.DataFrame:
    """Describe each arc of the road counts: libelle, lon, lat (degrees), longueur_metres, arrondissement; else NaN.

    The length is the road reference's, which knows all parts of an arc, else that of the counts' own geo_shape. The
    place is the counts' own point, else the middle of their shape, else that of the reference's.
    """
    counts = without_echoes(counts, ["identifiant_arc", "libelle", "geo_point_2d", "geo_shape"])
    texts = counts[["libelle", "geo_shape"]].astype(object)
    own = texts.where(texts != "", None).groupby(counts["identifiant_arc"]).last()  # a blank hides no other row's
    known = pd.DataFrame(columns=["identifiant_arc", "libelle", *NUMBERS], dtype=object)
    known = (known if reference is None else reference).set_index("identifiant_arc").reindex(own.index)
    arcs = read_places(counts.set_index("identifiant_arc")["geo_point_2d"], quality, "arcs").reindex(own.index)
    arcs["libelle"] = own["libelle"].fillna(known["libelle"])
    arcs["longueur_metres"] = known["longueur_metres"].astype(float)
    wanted = own.loc[arcs["longueur_metres"].isna() | arcs["lon"].isna(), "geo_shape"]
    shapes = pd.Series(geometry.as_geometries([parse_shape(value) for value in wanted]), wanted.index, dtype=object)
    warn_of_shapes(wanted[shapes.isna()], quality)
    lengths = pd.Series(geometry.lengths(shapes.to_numpy()), shapes.index)
    arcs["longueur_metres"] = arcs["longueur_metres"].fillna(lengths)
    lines = shapes[(lengths > 0) & arcs["lon"].isna().reindex(shapes.index)]
    lon, lat = geometry.middles(lines.to_numpy())
    arcs.loc[lines.index, ["lon", "lat"]] = np.column_stack([lon, lat])
    for name in ("lon", "lat"):
        arcs[name] = arcs[name].fillna(known[name].astype(float))
    arcs["arrondissement"] = load_arrondissements(settings, quality).locate(arcs["lon"], arcs["lat"])
    return arcs
