"""The exports of the road works: the day each was made, and which days it tells about.

That day is the newest date_maj of the file, else the day in its name, else the day it was written, in this order. A
copy is written later than its export was made: the works that it has yet to come had then not begun.
"""

import re
from datetime import UTC, date, datetime, timedelta

import pandas as pd

from lib.common.paris_time import PARIS, civil_day, parse_day, parse_instant, parse_road_label
from lib.common.text import counted
from lib.figures.quality import Quality
from lib.raw.source_files import RawFile
from lib.raw.usable_files import WHOLE_FROM

FIRST_DAY = "1990-01-01"  # the data set begins in the 2010s, its oldest works in the 2000s; 1970-01-01 is an empty date
# Where the day of an export was found.
BY_DATE_MAJ, BY_NAME, BY_FILE = "dernière mise à jour", "nom du fichier", "date du fichier"
BY_AHEAD = "chantiers encore à venir"

# make fetch asks for the works again after a week: later than that after its day, an export misses what began since.
EXPORT_FRESH = timedelta(days=7)
# A fresh export announces works months ahead (20 of 75 in that of October 2024, up to ten weeks): when none starts
# within two weeks before the day or after it, a file whose own day is not known is older than that. Works leave the
# export a few days after their end (two in that of October 2024): a day long before the first end it knows misses
# those that have left. The most extreme works, one in twenty and one at the least, do not count: a work announced far
# ahead, or left for years, does not make the others known.
EXPORT_OLD_AFTER = timedelta(days=14)
EXTREME_SHARE, EXTREME_FROM = 0.05, 4  # share of works that are extreme; number of works from which one is
ENDED_WORKS_KEPT = timedelta(days=7)

_FRENCH_DAY = re.compile(r"([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{4})(?:[T ].*)?")
_DAY_IN_NAME = re.compile(r"(?<![0-9])(20[0-9]{2})[-_]?([01][0-9])[-_]?([0-3][0-9])(?![0-9])")


def export_day(raw: RawFile, updates: pd.Series, ahead: pd.Series) -> tuple[str, str]:
    """Find the day (YYYY-MM-DD) of an export, and where it was found.

    updates: the date_maj of its rows; ahead: the first days of the works that it has yet to come.
    """
    days = updates.map(text_of).dropna().map(parse_work_day).dropna()
    newest = days[days >= FIRST_DAY].max()
    if isinstance(newest, str):
        return newest, BY_DATE_MAJ
    for found in _DAY_IN_NAME.finditer(raw.path.name):
        if day := parse_work_day("-".join(found.groups())):
            return day, BY_NAME
    if raw.pull_day:
        return raw.pull_day.isoformat(), BY_NAME
    written = civil_day(datetime.fromtimestamp(raw.path.stat().st_mtime, UTC)).isoformat(), BY_FILE
    starts = sorted(ahead.map(text_of).dropna().map(parse_work_day).dropna())
    return min(written, (starts[_extremes(len(starts))], BY_AHEAD)) if len(starts) >= EXTREME_FROM else written


def warn_of_a_cut_export(tables: list[pd.DataFrame], quality: Quality) -> None:
    """Warn when the newest export is much smaller than the one before, whose works are counted all the same."""
    before, newest = tables[-2:] if len(tables) > 1 else (tables[0], tables[0])
    if len(newest) < WHOLE_FROM * len(before):
        names = [table["_fichier"].iloc[0] if len(table) else "le plus récent export" for table in (newest, before)]
        text = (
            f"{names[0]} ({counted(len(newest), 'ligne')}) est bien plus petit que {names[1]} "
            f"({counted(len(before), 'ligne')}), d'avant : "
            "il est sans doute coupé, et les chantiers qu'il n'a pas viennent de l'autre. Le récupérer : make fetch"
        )
        quality.warn("chantiers_incomplets", "attention", text, len(newest), len(before))


def is_outside(works: pd.DataFrame, day: date, quality: Quality) -> bool:
    """Tell whether the day lies outside what the exports know, after the newest or before the ends it holds; warn."""
    newest, known_by = newest_export(works)
    first_end, last_start = _robust_ends(works)
    limit, kept_until = ((day + shift).isoformat() for shift in (-EXPORT_FRESH, ENDED_WORKS_KEPT))
    is_old, is_cut = newest < limit, first_end > kept_until
    if is_old or (known_by == BY_FILE and last_start < (day - EXPORT_OLD_AFTER).isoformat()):
        since = f"il est du {newest}" if is_old else f"presque rien après le {last_start}"
        text = f"L'export des chantiers est ancien pour le {day} ({since}) : ce qui a commencé depuis manque."
        newest_known = newest if is_old else last_start
        quality.warn("export_ancien", "attention", f"{text} Le renouveler : make fetch", newest_known, limit)
        is_old = True
    if is_cut:
        text = f"L'export ne garde pas les chantiers terminés avant le {first_end} : les chiffres du {day} sont des"
        quality.warn("chantiers_termines_absents", "attention", f"{text} minimums.", first_end, kept_until)
    return is_old or is_cut


def newest_export(works: pd.DataFrame) -> tuple[str, str]:
    """Find the day of the newest export, and how it is known."""
    newest = works.sort_values("export").iloc[-1]
    return newest["export"], newest["export_connu"]


def _robust_ends(works: pd.DataFrame) -> tuple[str, str]:
    """Find the first last-day and the last first-day (YYYY-MM-DD) of the works, without the most extreme ones."""
    left_out = _extremes(len(works))
    return sorted(works["date_fin"])[left_out], sorted(works["date_debut"])[-1 - left_out]


def _extremes(works: int) -> int:
    """Count the most extreme of so many works, which do not count."""
    return max(1, int(EXTREME_SHARE * works)) if works >= EXTREME_FROM else 0


def parse_work_day(value: object) -> str | None:
    """Read a day as YYYY-MM-DD out of an ISO day or time, DD-MM-YYYY or DD/MM/YYYY; None when it is none of these.

    A time stamp at midnight is its own day whichever of +01:00 and +02:00 was pasted there; any other one is an
    instant, whose day is that of Paris (23:00+01:00 in July is the next midnight, as an answer in London tells it).
    """
    text = str(value).strip()
    try:
        if found := _FRENCH_DAY.fullmatch(text):
            return date(int(found[3]), int(found[2]), int(found[1])).isoformat()
        wall, instant = parse_road_label(text), parse_instant(text)
        if wall and instant and wall.hour:
            return instant.astimezone(PARIS).date().isoformat()
        return wall.date().isoformat() if wall else parse_day(text).isoformat()
    except ValueError:
        return None


def text_of(value: object) -> str | None:
    """Write text on one line, storable as UTF-8; None when it is blank."""
    if value is None or value is pd.NA or value != value:
        return None
    return " ".join(str(value).split()).encode("utf-8", "replace").decode() or None
