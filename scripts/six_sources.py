"""The six sources by name: their commands, how a day of each is computed, and compared. What backfill runs, anywhere.

Not a command: it is a module of its own so that another process, or another machine, finds `measure_days` by its name.
"""

from collections.abc import Callable
from datetime import date

from lib.common.errors import CityflowError
from lib.common.settings import Settings
from lib.run.day_run import Compare, DayResult, Process, measured
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
MAINS: dict[str, Callable[[list[str] | None], int]] = {
    "bikes": process_bikes.main,
    "traffic": process_traffic.main,
    "weather": process_weather.main,
    "comptages": process_comptages.main,
    "chantiers": process_chantiers.main,
    "referentiel": process_referentiel.main,
}
COMPARES: dict[str, Compare] = {"bikes": process_bikes.compare}

Outcome = tuple[str, date, DayResult | CityflowError]


def measure_days(settings: Settings, source: str, days: list[date]) -> list[Outcome]:
    """What some days of a source give, from the raw files alone: figures, or what kept them from being computed."""
    return [(source, day, measured(PROCESSES[source], settings, day)) for day in days]
