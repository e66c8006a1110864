"""What the portal is asked for about the outlines of the arrondissements, and how its answer is checked."""

from datetime import date
from pathlib import Path
from typing import Any

from lib.common.settings import Settings
from lib.common.text import counted
from scripts.sources.answers import json_body, unexpected
from scripts.sources.arrondissements.polygons import ALL
from scripts.sources.publishers import Address, portal_export


def address(settings: Settings, day: date, today: date) -> Address:
    """Ask for all the outlines as they stand."""
    return portal_export(settings, "arrondissements", "arrondissements", "geojson")


def check_answer(asked: Address, path: Path) -> Any:
    """Return the body once it is seen to hold the twenty arrondissements."""
    body = json_body(asked, path)
    features = body.get("features") if isinstance(body, dict) else None
    properties = [one.get("properties") for one in features or [] if isinstance(one, dict)]
    numbers = {one.get("c_ar") for one in properties if isinstance(one, dict)} - {None}
    if len(numbers) != ALL:
        raise unexpected(asked, f"{counted(len(numbers), 'arrondissement')} au lieu de {ALL}")
    return body
