"""Where a fetched file lands in the raw layout, and whether one that is there makes it needless.

API answers are pulls: each has its own name below dt=<day of the pull>/hour=HH/, and nothing is ever replaced. Exports
land in batch/ under a name of their day (of the counts, or of the export for a whole dataset), which the readers sort
by the time they were written.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

from lib.common.errors import InputError
from lib.common.paris_time import PARIS
from lib.common.settings import Settings
from lib.common.text import counted
from lib.raw.contents import read_blocks
from lib.raw.places import exports_folder, pulls_folder
from lib.raw.source import Source
from lib.raw.source_files import source_files
from lib.raw.tree import is_readable
from lib.raw.usable_files import WHOLE_FROM
from scripts.registry import RAW
from scripts.sources.publishers import EXPORT_MAX, Address

FINAL_AFTER = timedelta(days=3)  # publishers add to a day until J+2: what was fetched later than that is final
REFRESH_AFTER = timedelta(days=7)  # whole datasets: works, road reference, arrondissements


def landing_path(settings: Settings, source: Source, address: Address, now: datetime) -> Path:
    """Name the file an answer becomes; `now` is the moment of the pull."""
    local = now.astimezone(PARIS)
    if source.pulls:
        folder = pulls_folder(settings) / source.name / f"dt={local:%Y-%m-%d}" / f"hour={local:%H}"
        page = f"_p{int(address.params['start_page']):02d}" if "start_page" in address.params else ""
        return folder / f"{source.pulls}_{address.day}_{local:%H%M%S}{page}.json"
    name = f"{source.export}-{address.day or local.date()}{source.suffix}"
    return exports_folder(settings) / name


def landing_folders(settings: Settings) -> Iterator[Path]:
    """List every folder that fetched files may lie in."""
    yield exports_folder(settings)
    for source in RAW.values():
        for folder in ("dt=*", "dt=*/hour=*"):
            yield from (pulls_folder(settings) / source.name).glob(folder)


def already_there(settings: Settings, source: Source, day: date, now: datetime) -> Path | None:
    """Find the file that makes fetching this source and day needless; None without one.

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
        why = f"{path} ({counted(present, 'octet')}) est plus gros que ce qui arrive ({counted(arriving, 'octet')})"
    elif _written(path) > asked_at:
        why = f"{path} est plus récent que ce qui arrive"
    if why:
        hint = "Pour le remplacer tout de même : --force (FORCE=1 avec make)."
        raise InputError(f"{why} : rien n'est remplacé.", hint)


def refuse_cut(settings: Settings, source: Source, arrived: Path) -> None:
    """Raise InputError when an export of a whole data set is much smaller than the newest one of the same form here.

    An answer without Content-Length that ends between two rows looks whole, and readers take the newest export.
    """
    present = _newest_extent(settings, source) if source.whole else None
    if not present:
        return
    name, *there = present
    here = _extent(arrived, source)
    if any(few < WHOLE_FROM * many for few, many in zip(here, there, strict=True)):
        raise InputError(
            f"{source.name} : {counted(here[0], 'ligne')} et {counted(here[1], 'octet')} reçus, "
            f"{counted(there[0], 'ligne')} et {counted(there[1], 'octet')} dans "
            f"{name} : l'export est sans doute coupé, rien n'est remplacé.",
            f"Relancer plus tard. S'il est juste : --force (FORCE=1 avec make), puis retirer {name}.",
        )


def _newest_extent(settings: Settings, source: Source) -> tuple[str, int, int] | None:
    """Measure the newest export in place that can be read: its name, rows and bytes; None without one."""
    with suppress(InputError):  # a setting names a file that is not there: nothing to compare with
        for raw in reversed(source_files(settings, source)):
            if raw.is_csv == (source.suffix == ".csv"):
                with suppress(InputError):
                    return raw.name, *_extent(raw.path, source)
    return None


def _extent(path: Path, source: Source) -> tuple[int, int]:
    """Count the rows (lines, or features of a GeoJSON) and the bytes of an export, unzipped."""
    rows, size = 0, 0
    for block in read_blocks(path, EXPORT_MAX):
        rows += block.count(b"\n" if source.suffix == ".csv" else b'"Feature"')
        size += len(block)
    return rows, size


def _readable(folder: Path, pattern: str) -> list[Path]:
    """List what can be looked at; what cannot makes nothing needless: it is fetched again, and the write says why."""
    try:
        return [path for path in folder.glob(pattern) if is_readable(path)]
    except OSError:
        return []


def _is_final(path: Path, day: date) -> bool:
    return _written(path).date() >= day + FINAL_AFTER


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, PARIS)
