"""What the portal is asked for about a day of bike counters, and how its answer is checked."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from lib.common.paris_time import day_in_paris
from lib.common.settings import Settings
from lib.raw.envelopes import records
from scripts.sources.answers import json_body, nothing, unexpected
from scripts.sources.bikes.pulls import COLUMNS
from scripts.sources.publishers import Address, portal_export


def address(settings: Settings, day: date, today: date) -> Address:
    """Ask for the rows of a day: their labels are the START of the hour."""
    where = "date >= {first} and date < {last}"
    return portal_export(settings, "bikes", "comptage-velo-donnees-compteurs", "json", where, day)


def check_answer(asked: Address, path: Path) -> Any:
    """Return the body once it is seen to hold counts of the day."""
    body = json_body(asked, path)
    found = list(records(body))
    if not found:
        raise nothing(asked)
    counts = COLUMNS["comptage"]
    usable = [one for one in found if isinstance(one, dict) and "date" in one and any(name in one for name in counts)]
    if not usable:
        raise unexpected(asked, "aucun enregistrement n'a de date et de comptage", json.dumps(found[0]).encode())
    if all(day_in_paris(str(one["date"])) != asked.day for one in usable):
        raise unexpected(asked, f"les lignes reçues ne sont pas du jour demandé ({usable[0]['date']}…)")
    return body
