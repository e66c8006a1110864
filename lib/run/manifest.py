"""What each run did: output/runs/<date>/<run>.json, one file a run, one entry a step.

`make process` is one run of several processes; they share its name through the environment and write in turn, under a
lock. A manifest is a record and nothing reads it to compute a figure.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from lib import __version__
from lib.common.errors import CityflowError, ExitCode
from lib.common.paris_time import machine_now
from lib.common.settings import Settings
from lib.common.shown_settings import shown_settings
from lib.common.text import spelled, storable
from lib.files.atomic_file import write_atomically
from lib.files.locks import brief_lock, new_run_id
from lib.raw.tree import is_readable

FILES_NAMED = 100  # inputs listed one by one; beyond it each folder of pulls is one entry
WHOLE_UP_TO = 32 * 2**20  # bytes, in 30 ms; hashing 6 GB would take longer than computing the day
SAMPLES, SAMPLE = 64, 2**16  # of a larger file: so many pieces of so many bytes, evenly spread, the ends included

Input = dict[str, Any]

DONE, FAILED = "fait", "échec"
PUBLICATION = "publication"  # the step of an upload

log = logging.getLogger(__name__)


@dataclass
class Entry:
    """The record of one step of a run: a source, the report, the upload. Rows are None where it reads none."""

    etape: str
    statut: str
    code: int
    message: str
    debut: str  # UTC
    duree_s: float
    lignes: dict[str, int] | None = None  # lues, retenues, rejetees
    entrees: list[Input] = field(default_factory=list)


def manifest_path(output_dir: Path, day: date, run: str) -> Path:
    return output_dir / "runs" / day.isoformat() / f"{run}.json"


def record(settings: Settings, day: date, run: str, step: Entry) -> Path:
    """Add a step to the manifest of a run; StoreError when it cannot be written."""
    path = manifest_path(settings.output_dir, day, run)
    with brief_lock(settings.output_dir / ".locks" / f"{day}.runs.lock"):
        manifest = _existing(path) or {
            "run_id": run,
            "date": day.isoformat(),
            "version": __version__,
            "reglages": {one["nom"]: one["valeur"] for one in shown_settings(settings) if one["valeur"]},
            "etapes": [],
        }
        manifest["etapes"].append(vars(step))
        write_atomically(path, _text(manifest) + b"\n", lasting=False)
    return path


def _text(manifest: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
    except TypeError:  # a file name that UTF-8 cannot hold: \udce9 becomes an escape that JSON has
        return spelled(json.dumps(manifest, ensure_ascii=False, indent=2)).encode(errors="backslashreplace")


def steps_of_day(output_dir: Path, day: date) -> dict[str, dict[str, Any]]:
    """Read the last entry of each step of a day, whatever its run; pass over unreadable manifests."""
    entries = [
        step
        for path in (output_dir / "runs" / day.isoformat()).glob("*.json")
        for step in (_existing(path) or {}).get("etapes", [])
    ]
    return {step["etape"]: step for step in sorted(entries, key=lambda one: str(one["debut"]))}


@contextmanager
def recorded(settings: Settings, day: date, etape: str, entrees: Callable[[], list[Input]]) -> Iterator[Entry]:
    """Record the block as one step, whether it ends well or not; the caller adds the rows it read to the step.

    A manifest that cannot be written is said and changes nothing else. `entrees` describes the files read (see inputs).
    """
    begun, clock = machine_now().isoformat(timespec="milliseconds"), time.monotonic()
    step = Entry(etape, FAILED, int(ExitCode.FAILED), "", begun, 0.0)
    try:
        yield step
        step.statut, step.code = DONE, int(ExitCode.DONE)
    except CityflowError as error:
        step.code, step.message = int(error.exit_code), error.message
        raise
    finally:
        step.duree_s = round(time.monotonic() - clock, 3)
        if step.statut == FAILED:
            step.message = step.message or "erreur inattendue ou interruption"
        try:
            step.entrees = entrees()
            record(settings, day, settings.run_id or _own_run(), step)
        except (CityflowError, OSError) as error:
            log.warning("le compte rendu du traitement n'est pas écrit : %s", error)


@lru_cache(maxsize=1)
def _own_run() -> str:
    """Name the run of a command that make process did not start."""
    return new_run_id()


def inputs(paths: Iterable[Path]) -> list[Input]:
    """Describe each file {fichier, octets, sha256, empreinte}; or each folder {dossier, fichiers, octets, sha256}.

    `empreinte` says whether the digest is that of the whole content or, for a file over WHOLE_UP_TO, of samples. Of a
    file that could not be read nothing but its name is known.
    """
    found = [_described(path) for path in paths]
    if len(found) <= FILES_NAMED:
        return found
    folders: dict[str, list[Input]] = {}
    for one in found:
        folders.setdefault(str(_pull_root(Path(one["fichier"]))), []).append(one)
    return [_folder(name, files) for name, files in folders.items()]


def _described(path: Path) -> Input:
    if not is_readable(path):
        return {"fichier": str(path), "octets": None, "sha256": None, "empreinte": "illisible"}
    status = path.stat()
    if str(path).startswith("s3://"):  # read by the workers, in parts: this machine never has its content
        return {"fichier": str(path), "octets": status.st_size, "sha256": None, "empreinte": "aucune"}
    return {"fichier": str(path), "octets": status.st_size, **_digest(path, status.st_size, status.st_mtime_ns)}


@lru_cache(maxsize=50_000)
def _digest(path: Path, size: int, _modified: int) -> dict[str, str]:
    """Hash a file; cached for a range of days, which reads the same files again (a changed file is another key)."""
    with path.open("rb") as stream:
        if size <= WHOLE_UP_TO:
            return {"sha256": hashlib.file_digest(stream, "sha256").hexdigest(), "empreinte": "contenu"}
        digest = hashlib.sha256(str(size).encode())
        for number in range(SAMPLES):
            stream.seek(number * (size - SAMPLE) // (SAMPLES - 1))
            digest.update(stream.read(SAMPLE))
    return {"sha256": digest.hexdigest(), "empreinte": "échantillon"}


def _pull_root(path: Path) -> Path:
    """Find the folder above dt=…: what a person knows as « the pulls of bikes »."""
    return next((parent.parent for parent in path.parents if parent.name.startswith("dt=")), path.parent)


def _folder(name: str, files: list[Input]) -> Input:
    digest = hashlib.sha256()
    for one in files:
        digest.update(f"{storable(one['fichier'])}\0{one['octets']}\0{one['sha256']}\n".encode())
    octets = sum(one["octets"] or 0 for one in files)
    return {"dossier": name, "fichiers": len(files), "octets": octets, "sha256": digest.hexdigest()}


def _existing(path: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and isinstance(manifest.get("etapes"), list) else None
