"""What the portal is asked for about a day of road counts, and how its answer is checked."""

from datetime import date
from pathlib import Path

from lib.common.paris_time import parse_road_label, road_label_hours
from lib.common.settings import Settings
from scripts.sources.answers import check_csv, unexpected
from scripts.sources.comptages.export import COLUMNS, REQUIRED
from scripts.sources.publishers import Address, portal_export


def address(settings: Settings, day: date, today: date) -> Address:
    """Return the rows of a day, about 30 MB: their labels are the END of the hour."""
    where = "t_1h > {first} and t_1h <= {last}"
    return portal_export(settings, "comptages", "comptages-routiers-permanents", "csv", where, day)


def check_answer(asked: Address, path: Path) -> None:
    """At least one row of the beginning is of the day: a filter that is not obeyed, or read in UTC, shows here."""
    labels = [row["t_1h"] for row in check_csv(asked, path, COLUMNS, REQUIRED)]
    wanted = road_label_hours(asked.day) if asked.day else {}
    if not any(parse_road_label(label) in wanted for label in labels):
        raise unexpected(asked, f"les lignes reçues ne sont pas du jour demandé ({', '.join(labels[:3])}…)")
