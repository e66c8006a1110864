"""What the portal is asked for about the geometry of the arcs, and how its answer is checked."""

from datetime import date
from pathlib import Path

from lib.common.settings import Settings
from scripts.sources.answers import check_csv
from scripts.sources.publishers import Address, portal_export
from scripts.sources.referentiel.records import COLUMNS


def address(settings: Settings, day: date, today: date) -> Address:
    """Ask for all the arcs as they stand."""
    return portal_export(settings, "referentiel", "referentiel-comptages-routiers", "csv")


def check_answer(asked: Address, path: Path) -> None:
    """Check that arcs have an id and a geometry, and that the last row is whole."""
    check_csv(asked, path, COLUMNS, ("identifiant_arc", "geo_shape"))
