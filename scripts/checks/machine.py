"""Whether this machine can run the project: Python, packages, clock, settings, folders, disk, and what is running."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

from lib.common.errors import StoreError
from lib.common.paris_time import PARIS
from lib.common.settings import ROOT, Settings, near_misses
from lib.files.locks import held_locks
from scripts.checks.findings import ATTENTION, ERROR, OK, Finding, finding

OLDEST_PYTHON = (3, 11)
SPACE_LOW, SPACE_NONE = 2e9, 0.2e9  # bytes free: a day of everything takes about 0.1 GB, a full road export 6 to 9
CLOCK_TOLERANCE = timedelta(hours=1)

_PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==(\S+)")


def check_python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    problem = f"{version} est trop ancien" if sys.version_info < OLDEST_PYTHON else ""
    return finding("python", problem, f"{version} ({sys.executable})", "Installer python3.11, puis : make venv")


def check_packages(requirements: Path = ROOT / "requirements.txt") -> Finding:
    """The pins of requirements.txt against what is installed: an absent package is an error, another version is not."""
    lines = requirements.read_text("utf-8").splitlines()
    pins = {found[1]: found[2] for line in lines if (found := _PIN.match(line))}
    installed = {name: _version(name) for name in pins}
    absent = [name for name, version in installed.items() if version is None]
    other = [
        f"{name} {installed[name]} au lieu de {pin}" for name, pin in pins.items() if installed[name] not in (None, pin)
    ]
    problems = ([f"absents : {', '.join(absent)}"] if absent else []) + other
    result = ERROR if absent else ATTENTION
    return finding("paquets", " ; ".join(problems), f"{len(pins)} aux versions voulues", "Lancer : make venv", result)


def check_clock(newest_file: float, now: datetime) -> Finding:
    """The clock against the newest file known (POSIX time): nothing can have been written in the future."""
    newest = datetime.fromtimestamp(newest_file, UTC)
    problem = ""
    if now < newest - CLOCK_TOLERANCE:
        problem = f"il serait {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, mais un fichier date du {newest:%Y-%m-%d %H:%M}"
    return finding("horloge", problem, f"{now.astimezone(PARIS):%Y-%m-%d %H:%M} à Paris", "La régler (chrony, NTP).")


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Values that something replaced, names in .env that look like a slip, keys that fetching would need."""
    chosen = sum(origin != "défaut" for origin in settings.origins.values())
    yield Finding("réglages", OK, f"{chosen} choisis, {len(settings.origins) - chosen} par défaut")
    if settings.fallback_notice:
        yield Finding("réglages", ATTENTION, settings.fallback_notice, "Corriger OUTPUT_DIR ou les droits du dossier.")
    for name, meant in near_misses().items():
        yield Finding("réglages", ATTENTION, f".env contient {name}, que rien ne lit", f"Écrire {meant} ?")
    if not settings.idfm_api_key:
        way_out = "Clé gratuite sur prim.iledefrance-mobilites.fr ; sinon make fetch n'a pas les perturbations."
        yield Finding("clé PRIM", ATTENTION, "IDFM_API_KEY est vide", way_out)


def check_folders(settings: Settings) -> Iterator[Finding]:
    """The raw root can be read, and results and logs written; how much room there is where they go."""
    problem = (
        "" if _is_open(settings.data_dir, os.R_OK) else f"{settings.data_dir} n'existe pas, ou ne peut pas être lu"
    )
    yield finding("données brutes", problem, str(settings.data_dir), "make fetch, ou corriger DATA_DIR.")
    for what, folder in (("résultats", settings.output_dir), ("journaux", ROOT / "logs")):
        known = _nearest(folder)
        problem = "" if _is_open(known, os.W_OK) else f"{known} ne peut pas être écrit"
        yield finding(what, problem, str(folder), "Corriger les droits, ou OUTPUT_DIR.")
    free = shutil.disk_usage(_nearest(settings.output_dir)).free
    problem = f"{free / 1e9:.1f} Go libres seulement" if free < SPACE_LOW else ""
    result = ERROR if free < SPACE_NONE else ATTENTION
    yield finding("place", problem, f"{free / 1e9:.0f} Go libres", "Libérer de la place.", result)


def check_locks(settings: Settings) -> Finding:
    """Which days are being worked on; nothing is locked by looking."""
    try:
        held = held_locks(settings.output_dir)
    except StoreError as error:
        return Finding("verrous", ATTENTION, error.message, error.hint)
    running = ", ".join(f"{name} (processus {pid})" for name, pid in held)
    return finding("verrous", running and f"en cours : {running}", "aucun traitement en cours", "Attendre.", ATTENTION)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _is_open(folder: Path, right: int) -> bool:
    try:
        return folder.is_dir() and os.access(folder, right | os.X_OK)
    except OSError:  # a folder above it is closed
        return False


def _nearest(folder: Path) -> Path:
    """The folder, else the nearest one above it that exists: where it would be made."""
    return next(path for path in (folder, *folder.parents) if os.path.exists(path))
