"""What the portal is asked for about the road works, and how its answer is checked."""

from datetime import date
from pathlib import Path

from lib.common.settings import Settings
from scripts.sources.answers import check_csv
from scripts.sources.chantiers.records import COLUMNS, REQUIRED
from scripts.sources.publishers import Address, portal_export


def address(settings: Settings, day: date, today: date) -> Address:
    """All the works as they stand."""
    return portal_export(settings, "chantiers", "chantiers-perturbants", "csv")


def check_answer(asked: Address, path: Path) -> None:
    """Check that the columns a work cannot do without are there, and that the last row is whole."""
    check_csv(asked, path, COLUMNS, REQUIRED)
