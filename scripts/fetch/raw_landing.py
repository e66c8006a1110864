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
from lib.raw.places import exports_folder, pulls_folder
from lib.raw.source import Source
from lib.raw.tree import is_readable
from scripts.registry import RAW
from scripts.sources.publishers import Address

FINAL_AFTER = timedelta(days=3)  # publishers add to a day until J+2: what was fetched later than that is final
REFRESH_AFTER = timedelta(days=7)  # whole datasets: works, road reference, arrondissements


def landing_path(settings: Settings, source: Source, address: Address, now: datetime) -> Path:
    """Name the file that an answer becomes; `now` is the moment of the pull."""
    local = now.astimezone(PARIS)
    if source.pulls:
        folder = pulls_folder(settings) / source.name / f"dt={local:%Y-%m-%d}" / f"hour={local:%H}"
        page = f"_p{int(address.params['start_page']):02d}" if "start_page" in address.params else ""
        return folder / f"{source.pulls}_{address.day}_{local:%H%M%S}{page}.json"
    name = f"{source.export}-{address.day or local.date()}{source.suffix}"
    return exports_folder(settings) / name


def landing_folders(settings: Settings) -> Iterator[Path]:
    """Iterate over the folders that fetched files may lie in."""
    yield exports_folder(settings)
    for source in RAW.values():
        for folder in ("dt=*", "dt=*/hour=*"):
            yield from (pulls_folder(settings) / source.name).glob(folder)


def already_there(settings: Settings, source: Source, day: date, now: datetime) -> Path | None:
    """Find the file that makes fetching this source and day needless, or None.

    A day is final once fetched FINAL_AFTER days after it; a whole dataset is refreshed after REFRESH_AFTER.
    Disruptions never are: publishers revise them, and a pull of several pages may lack some.
    """
    if source.revised:
        return None
    if source.whole:
        found = _readable(exports_folder(settings), f"{source.export}*{source.suffix}")
        fresh = [path for path in found if now - _written(path) < REFRESH_AFTER]
    elif source.pulls:
        found = _readable(pulls_folder(settings) / source.name, f"dt=*/hour=*/{source.pulls}_{day}_*.json")
        fresh = [path for path in found if _is_final(path, day)]
    else:
        found = _readable(exports_folder(settings), f"{source.export}-{day}.csv")
        fresh = [path for path in found if _is_final(path, day)]
    return max(fresh, default=None)


def refuse_to_lose(path: Path, arriving: int, asked_at: datetime) -> None:
    """Raise InputError when `path` is larger than the `arriving` bytes, or was written since they were asked for."""
    if not os.path.isfile(path):  # nor where that cannot be seen: nothing will be written there either
        return
    present, why = path.stat().st_size, ""
    if present > arriving:
        why = f"{path} ({present} octets) est plus gros que ce qui arrive ({arriving} octets)"
    elif _written(path) > asked_at:
        why = f"{path} est plus récent que ce qui arrive"
    if why:
        hint = "Pour le remplacer tout de même : --force (FORCE=1 avec make)."
        raise InputError(f"{why} : rien n'est remplacé.", hint)


def _readable(folder: Path, pattern: str) -> list[Path]:
    """List the files that can be looked at; any other is fetched again, and the write says what is wrong."""
    try:
        return [path for path in folder.glob(pattern) if is_readable(path)]
    except OSError:
        return []


def _is_final(path: Path, day: date) -> bool:
    return _written(path).date() >= day + FINAL_AFTER


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, PARIS)
