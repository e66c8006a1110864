"""The six sources by name: how a day of each is computed, and compared. What backfill runs, here or elsewhere.

Not a command: it is a module of its own so that another process, or another machine, finds `measure_days` by its name.
"""

from datetime import date

from lib.day_run import Compare, DayResult, Process
from lib.errors import CityflowError
from lib.settings import Settings
from scripts import (
    process_bikes,
    process_chantiers,
    process_comptages,
    process_referentiel,
    process_traffic,
    process_weather,
)

PROCESSES: dict[str, Process] = {
    "bikes": process_bikes.process,
    "traffic": process_traffic.process,
    "weather": process_weather.process,
    "comptages": process_comptages.process,
    "chantiers": process_chantiers.process,
    "referentiel": process_referentiel.process,
}
COMPARES: dict[str, Compare] = {"bikes": process_bikes.compare}

Outcome = tuple[str, date, DayResult | CityflowError]


def measure_days(settings: Settings, source: str, days: list[date]) -> list[Outcome]:
    """What some days of a source give, from the raw files alone: figures, or what kept them from being computed."""
    return [(source, day, _measured(settings, source, day)) for day in days]


def _measured(settings: Settings, source: str, day: date) -> DayResult | CityflowError:
    try:
        return PROCESSES[source](settings, day)
    except CityflowError as error:
        return error
