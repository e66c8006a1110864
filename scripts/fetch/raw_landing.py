"""Where a fetched file lands in the raw layout, and whether one that is there makes it needless.

API answers are pulls: each has its own name below dt=<day of the pull>/hour=HH/, and nothing is ever replaced. Exports
land in batch/ under a name of their day (of the counts, or of the export for a whole dataset), which the readers sort
by the time they were written.
"""

import os
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from lib.common.errors import InputError
from lib.common.paris_time import PARIS
from lib.common.settings import Settings
from lib.raw.source_files import API_SOURCES, BATCH_PREFIXES
from lib.raw.tree import is_readable
from scripts.fetch.source_addresses import WHOLE, Address

FINAL_AFTER = timedelta(days=3)  # publishers add to a day until J+2: what was fetched later than that is final
REFRESH_AFTER = timedelta(days=7)  # whole datasets: works, road reference, arrondissements
STEMS = {"bikes": "comptage-velo", "traffic": "line_reports", "weather": "meteo"}


def landing_path(settings: Settings, address: Address, now: datetime) -> Path:
    """The file an answer becomes; `now` is the moment of the pull."""
    local = now.astimezone(PARIS)
    if address.source in API_SOURCES:
        folder = settings.api_dir / address.source / f"dt={local:%Y-%m-%d}" / f"hour={local:%H}"
        page = f"_p{int(address.params['start_page']):02d}" if "start_page" in address.params else ""
        return folder / f"{STEMS[address.source]}_{address.day}_{local:%H%M%S}{page}.json"
    name = f"{BATCH_PREFIXES[address.source]}-{address.day or local.date()}{_suffix(address.source)}"
    return settings.batch_dir / name


def landing_folders(settings: Settings) -> Iterator[Path]:
    """Every folder that fetched files may lie in."""
    yield settings.batch_dir
    for source in API_SOURCES:
        for folder in ("dt=*", "dt=*/hour=*"):
            yield from (settings.api_dir / source).glob(folder)


def already_there(settings: Settings, source: str, day: date, now: datetime) -> Path | None:
    """The file that makes fetching this source and day needless, or None.

    A day is final once fetched FINAL_AFTER days after it; a whole dataset is refreshed after REFRESH_AFTER.
    Disruptions never are: publishers revise them, and a pull of several pages may lack some.
    """
    if source == "traffic":
        return None
    if source in WHOLE:
        names = f"{BATCH_PREFIXES[source]}*{_suffix(source)}"
        found = _readable(settings.batch_dir, names)
        fresh = [path for path in found if now - _written(path) < REFRESH_AFTER]
    elif source in API_SOURCES:
        found = _readable(settings.api_dir / source, f"dt=*/hour=*/{STEMS[source]}_{day}_*.json")
        fresh = [path for path in found if _is_final(path, day)]
    else:
        found = _readable(settings.batch_dir, f"{BATCH_PREFIXES[source]}-{day}.csv")
        fresh = [path for path in found if _is_final(path, day)]
    return max(fresh, default=None)


def refuse_to_lose(path: Path, arriving: int, asked_at: datetime) -> None:
    """InputError when `path` is larger than the `arriving` bytes, or was written since they were asked for."""
    if not os.path.isfile(path):  # nor where that cannot be seen: nothing will be written there either
        return
    present = path.stat().st_size
    if present > arriving:
        raise InputError(
            f"{path} ({present} octets) est plus gros que ce qui arrive ({arriving} octets) : rien n'est remplacé.",
            "Pour le remplacer tout de même : --force (FORCE=1 avec make).",
        )
    if _written(path) > asked_at:
        raise InputError(
            f"{path} est plus récent que ce qui arrive : rien n'est remplacé.",
            "Pour le remplacer tout de même : --force (FORCE=1 avec make).",
        )


def _readable(folder: Path, pattern: str) -> list[Path]:
    """What cannot be looked at makes nothing needless: it is fetched again, and the write says what is wrong."""
    try:
        return [path for path in folder.glob(pattern) if is_readable(path)]
    except OSError:
        return []


def _suffix(source: str) -> str:
    return ".geojson" if source == "arrondissements" else ".csv"


def _is_final(path: Path, day: date) -> bool:
    return _written(path).date() >= day + FINAL_AFTER


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, PARIS)
