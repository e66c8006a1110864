"""What was known of a day is not lost: figures that rest on more stay where raw files have gone since.

A day of which raw files were deleted, cut or moved is stale like any other (`git pull`, another export) and is computed
again, from what is left. Where that is less than the stored figures rest on, they are kept, in every store, and a note
in OUTPUT_DIR/.kept says why, so that the day is not tried again until its inputs or the code change once more.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from lib.common.errors import ConfigError, StoreError, in_french
from lib.common.paris_time import machine_now
from lib.common.settings import Settings
from lib.common.text import counted
from lib.database_service import DatabaseService
from lib.figures.quality import has_account
from lib.files.atomic_file import write_atomically
from lib.local_file_service import LocalFileService
from lib.raw.source import Source
from lib.raw.source_files import raw_file, source_files
from lib.run.both import save_in_both
from lib.run.input_lists import UNKNOWN, lost_files

PULLS_ABOUT = timedelta(days=7)  # a pull made that long after a day may still be the one that knows it best
NAMED = 3  # lost files that a message names
WAY_OUT = "Remettre ces fichiers bruts, ou remplacer tout de même les chiffres : --force (FORCE=1 avec make)."


@dataclass(frozen=True)
class Known:
    """The stored figures of a source's day, where they are, and when they were made."""

    metrics: dict[str, Any]
    made: datetime
    store: DatabaseService

    @property
    def worth(self) -> tuple[float, int]:
        """Return what they rest on: coverage (0..1) and valid rows."""
        return worth(self.metrics["qualite"])


def worth(qualite: dict[str, Any]) -> tuple[float, int]:
    """Return coverage (0..1) and valid rows of an account; 0 where an older version did not count them."""
    return float(qualite.get("couverture") or 0), int(qualite.get("lignes_retenues") or 0)


def kept_figures(
    settings: Settings,
    store: DatabaseService,
    source: Source,
    day: date,
    new: dict[str, Any] | None,
    without: str = "",
) -> tuple[dict[str, Any], str] | None:
    """Decide which stored metrics stay, and why; None where the new ones take their place.

    `new` is what was computed, `qualite` included; None where nothing is left to compute from, as `without` says.
    """
    found = list(_known(settings, store, source.name, day))
    if not found:
        return None
    best = max(found, key=lambda one: one.worth)
    if new is None:
        reason = f"{without.rstrip('.')} ; {_less(best, _lost_since(settings, source, best.made), 'plus rien')}"
    else:
        reason = _reason(settings, source, day, best, new)
    if not reason:
        return None
    _everywhere(settings, store, source.name, day, best, found)
    note = {"depuis": machine_now().isoformat(timespec="seconds"), "raison": reason}
    write_atomically(note_path(settings.output_dir, source.name, day), json.dumps(note, ensure_ascii=False).encode())
    return best.metrics, reason


def note_path(output_dir: Path, source: str, day: date) -> Path:
    return output_dir / ".kept" / f"{source}_{day.isoformat()}.json"


def why_kept(output_dir: Path, source: str, day: date) -> str:
    """Read why the figures of a day were kept instead of newer ones; empty where they were not."""
    try:
        return str(json.loads(note_path(output_dir, source, day).read_bytes())["raison"])
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{note_path(output_dir, source, day)} est illisible ({in_french(error)}).", "Le supprimer."
        ) from error


def forget(output_dir: Path, source: str, day: date) -> None:
    """Remove the note of a day that has new figures."""
    path = note_path(output_dir, source, day)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"impossible d'enlever {path} : {in_french(error)}.", "Vérifier ses droits.") from error


def _known(settings: Settings, store: DatabaseService, source: str, day: date) -> Iterator[Known]:
    """Load what the files and the store have of a day; pass over a database that fails: saving to it says why."""
    files = LocalFileService(settings.output_dir)
    for place in (files,) if isinstance(store, LocalFileService) else (files, store):
        try:
            documents = place.query_metrics_by_date_range(source, day, day)
        except (StoreError, ConfigError):
            continue  # a damaged file, or no database: there is nothing in it to keep
        for document in documents:
            metrics = document["metrics"]
            if has_account(metrics) and metrics["qualite"].get("statut") != "absent":
                yield Known(metrics, _made(document), place)


def _made(document: dict[str, Any]) -> datetime:
    """Return when a document was computed; the earliest instant where it does not say."""
    try:
        return datetime.fromisoformat(document["timestamp"])
    except (KeyError, TypeError, ValueError):
        return datetime.min.replace(tzinfo=UTC)


def _reason(settings: Settings, source: Source, day: date, known: Known, new: dict[str, Any]) -> str:
    """Say why the known figures rest on more than the new ones; empty where they do not."""
    lost = _lost_since(settings, source, known.made)
    if _figures(new) == _figures(known.metrics):
        return ""
    coverage, rows = worth(new["qualite"])
    left = _rests_on(new["qualite"])
    if lost and (coverage < known.worth[0] or rows < known.worth[1]):
        return _less(known, lost, left)
    present = {str(raw.path) for raw in source_files(settings, source)}
    if any(_is_about(path, day) and path not in present for path in lost):
        return _less(known, lost, left)
    for beside in source.reads:
        gone = set(_lost_since(settings, beside, known.made)) - {UNKNOWN}
        if gone and not source_files(settings, beside):
            return f"les fichiers bruts « {beside.name} », dont le calcul enregistré s'est servi, ne sont plus là."
    return ""


def _lost_since(settings: Settings, source: Source, made: datetime) -> list[str]:
    return [path for path, seen in lost_files(settings.output_dir, source).items() if seen >= made]


def _is_about(path: str, day: date) -> bool:
    """Tell whether a raw file is a pull that was made when a day was best known."""
    pulled = raw_file(Path(path)).pull_day
    return pulled is not None and timedelta() <= pulled - day <= PULLS_ABOUT


def _less(known: Known, lost: list[str], left: str) -> str:
    names = [raw_file(Path(path)).name for path in lost if path != UNKNOWN]
    shown = ", ".join(names[:NAMED]) + (f" et {counted(len(names) - NAMED, 'autre')}" if len(names) > NAMED else "")
    return (
        f"le calcul enregistré repose sur plus ({_rests_on(known.metrics['qualite'])}) que ce qui reste ({left})"
        f"{f' ; disparus ou changés depuis : {shown}' if names else ''}."
    )


def _rests_on(qualite: dict[str, Any]) -> str:
    coverage, rows = worth(qualite)
    return f"{counted(rows, 'ligne')}, couverture {coverage:.2f}".replace(".", ",")


def _everywhere(
    settings: Settings, store: DatabaseService, source: str, day: date, best: Known, found: list[Known]
) -> None:
    """Save the best figures wherever the files or the store do not have them."""
    files = LocalFileService(settings.output_dir)
    has = {type(one.store) for one in found if one.metrics == best.metrics}
    if LocalFileService not in has:
        files.save_metrics(best.metrics, source, day)
    if type(store) not in has:
        save_in_both(store, files.metrics_path(source, day), lambda: store.save_metrics(best.metrics, source, day))


def _figures(metrics: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metrics.items() if key != "qualite"}
