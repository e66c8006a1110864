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
from lib.common.settings import ROOT, Settings
from lib.common.shown_settings import near_misses
from lib.common.text import counted
from lib.files.atomic_file import rights_hint
from lib.files.locks import held_locks, processes_share_locks
from lib.raw.places import raw_root
from scripts.checks.results import ATTENTION, ERROR, OK, CheckResult, check_result

OLDEST_PYTHON = (3, 11)
SPACE_LOW, SPACE_NONE = 2e9, 0.2e9  # bytes free: a day of everything takes about 0.1 GB, a full road export 6 to 9
CLOCK_TOLERANCE = timedelta(hours=1)
RESULT_ROOMS = ("metrics", "reports", "rejects", "runs", ".locks")  # of OUTPUT_DIR, where every day writes

_PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==(\S+)")


def check_python() -> CheckResult:
    version = ".".join(map(str, sys.version_info[:3]))
    problem = f"{version} est trop ancien" if sys.version_info < OLDEST_PYTHON else ""
    return check_result("python", problem, f"{version} ({sys.executable})", "Installer python3.11, puis : make venv")


def check_packages(requirements: Path = ROOT / "requirements.txt") -> CheckResult:
    """Compare the pins of requirements.txt with what is installed; only an absent package is an error."""
    lines = requirements.read_text("utf-8").splitlines()
    pins = {found[1]: found[2] for line in lines if (found := _PIN.match(line))}
    installed = {name: _version(name) for name in pins}
    absent = [name for name, version in installed.items() if version is None]
    other = [
        f"{name} {installed[name]} au lieu de {pin}" for name, pin in pins.items() if installed[name] not in (None, pin)
    ]
    problems = ([f"absents : {', '.join(absent)}"] if absent else []) + other
    result = ERROR if absent else ATTENTION
    return check_result(
        "paquets", " ; ".join(problems), f"{len(pins)} aux versions voulues", "Lancer : make venv", result
    )


def check_clock(newest_file: float, now: datetime) -> CheckResult:
    """Compare the clock with the newest file known (POSIX time): nothing can be written in the future."""
    newest = datetime.fromtimestamp(newest_file, UTC)
    problem = ""
    if now < newest - CLOCK_TOLERANCE:
        problem = f"il serait {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, mais un fichier date du {newest:%Y-%m-%d %H:%M}"
    return check_result(
        "horloge", problem, f"{now.astimezone(PARIS):%Y-%m-%d %H:%M} à Paris", "La régler (chrony, NTP)."
    )


def check_settings(settings: Settings) -> Iterator[CheckResult]:
    """Report values that were replaced, names in .env that look like a slip, keys that fetching would need."""
    chosen = sum(origin != "défaut" for origin in settings.origins.values())
    yield CheckResult("réglages", OK, f"{counted(chosen, 'choisi')}, {len(settings.origins) - chosen} par défaut")
    if settings.fallback_notice:
        yield CheckResult(
            "réglages", ATTENTION, settings.fallback_notice, "Corriger OUTPUT_DIR ou les droits du dossier."
        )
    for name, meant in near_misses().items():
        yield CheckResult("réglages", ATTENTION, f".env contient {name}, que rien ne lit", f"Écrire {meant} ?")
    if not settings.idfm_api_key:
        way_out = "Clé gratuite sur prim.iledefrance-mobilites.fr ; sinon make fetch n'a pas les perturbations."
        yield CheckResult("clé PRIM", ATTENTION, "IDFM_API_KEY est vide", way_out)


def check_folders(settings: Settings) -> Iterator[CheckResult]:
    """Check that raw data can be read, results and logs written, and that there is room for them."""
    root = raw_root(settings)
    if _is_open(root, os.R_OK) or os.path.lexists(settings.data_dir):  # else check_raw_files says that there is none
        problem = "" if _is_open(root, os.R_OK) else f"{settings.data_dir} ne peut pas être lu"
        yield check_result("données brutes", problem, settings.data_dir, "Corriger ses droits, ou DATA_DIR.")
    rooms = [one for name in RESULT_ROOMS for one in (settings.output_dir / name).glob("**") if one.is_dir()]
    for what, folder, below in (("résultats", settings.output_dir, rooms), ("journaux", settings.log_dir, [])):
        closed = [one for one in (_nearest(folder), *below) if not _is_open(one, os.W_OK)]
        problem = f"{closed[0]} ne peut pas être écrit" if closed else ""
        way_out = "Corriger les droits, ou OUTPUT_DIR (LOG_DIR pour les journaux)."
        way_out = rights_hint(closed[0] / what, PermissionError(), way_out) if closed else ""
        yield check_result(what, problem, str(folder), way_out)
    free = shutil.disk_usage(_nearest(settings.output_dir)).free
    problem = f"{free / 1e9:.1f} Go libres seulement" if free < SPACE_LOW else ""
    result = ERROR if free < SPACE_NONE else ATTENTION
    yield check_result("place", problem, f"{free / 1e9:.0f} Go libres", "Libérer de la place.", result)


def check_locks(settings: Settings) -> CheckResult:
    """Report the days that are being worked on, without taking any lock."""
    try:
        held = held_locks(settings.output_dir)
    except StoreError as error:
        return CheckResult("verrous", ATTENTION, error.message, error.hint)
    running = ", ".join(f"{name} (processus {pid})" for name, pid in held)
    return check_result(
        "verrous", running and f"en cours : {running}", "aucun traitement en cours", "Attendre.", ATTENTION
    )


def check_shared_memory() -> CheckResult:
    """Check that a range can be computed by several processes."""
    problem = "" if processes_share_locks() else "inutilisable (conteneur ?) : un seul processus calcule une période"
    return check_result("/dev/shm", problem, "utilisable", "Y monter un tmpfs que tous peuvent écrire.", ATTENTION)


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
    """Return the folder, else the nearest one above it that exists: where it would be made."""
    return next(path for path in (folder, *folder.parents) if os.path.exists(path))
