"""What a day of sensors should hold, and zeros that stand for blanks."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from lib.figures.day_coverage import account_for, by_day, without_filled
from lib.figures.quality import Quality
from lib.figures.sensor_days import SensorDay, ShortHours, shortened

DAY = date(2025, 11, 4)


def table(*rows: list[float | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, index=[f"S{number}" for number in range(len(rows))], dtype=float)


def known(**highest: float) -> SensorDay:
    """A day before on which these sensors measured all hours."""
    rows = {sensor: {"total": one, "highest": one, "valid": 24} for sensor, one in highest.items()}
    table = pd.DataFrame.from_dict(rows, "index", columns=["total", "highest", "valid"], dtype=float)
    return SensorDay(DAY, table, None, True)


def test_expected_are_the_sensors_of_the_days_before_else_those_of_the_reference() -> None:
    def account(past: list[SensorDay], reference: list[str], *rows: list[float | None]) -> tuple[float, dict]:
        quality = Quality()
        measured = table(*rows).notna()
        coverage = account_for(quality, measured, 0, past, reference, "référentiel")
        return round(coverage, 4), quality.summary(coverage)

    whole, silent = [5.0] * 24, [None] * 24
    coverage, said = account([], [f"S{n}" for n in range(1000)], whole)
    assert (coverage, said["statut"]) == (0.001, "partiel")
    assert said["capteurs"] == {"attendus": 1000, "mesures": 1, "ecartes": 0, "base": "référentiel"}
    coverage, said = account([known(S0=10)], [f"S{n}" for n in range(1000)], whole)  # one known day, of one sensor
    assert (coverage, said["capteurs"]["base"]) == (0.001, "référentiel")
    coverage, said = account([known(S0=10), known(S0=10), known()], ["S0", "S1"], whole, silent)
    assert (coverage, said["statut"]) == (1.0, "complet")  # S1 never measured lately
    assert said["capteurs"] == {"attendus": 1, "mesures": 1, "ecartes": 0, "base": "3 jours récents"}
    coverage, said = account([known(S9=10)], ["S0"], whole)  # new sensors make up for none that fell silent
    assert (coverage, said["statut"]) == (0.0001, "partiel")
    assert account([], ["S0"], silent)[1]["statut"] == "absent"
    coverage, said = account([], ["S0"], [*whole[:23], None])
    assert (coverage, said["statut"], said["heures_manquantes"], said["heures_vues"]) == (0.9583, "partiel", [23], 23)
    assert [one["code"] for one in said["avertissements"]] == ["heures_manquantes"]


def test_days_stand_side_by_side_whatever_sensors_they_have() -> None:
    past = [known(A=1, B=2), known(A=3, B=4), known(), known(B=5, C=6), known(C=7)]
    names, table = by_day(past, "highest")
    found = pd.DataFrame(table, names)
    assert found.astype(object).where(found.notna(), None).T.to_dict("list") == {
        "A": [1, 3, None, None, None], "B": [2, 4, None, 5, None], "C": [None, None, None, 6, 7],
    }  # fmt: skip


def before(*days: pd.DataFrame) -> list[SensorDay]:
    nothing = pd.DataFrame(columns=["total", "highest", "valid"], dtype=float)
    dated = ((DAY - timedelta(days=number), one) for number, one in enumerate(days, start=1))
    return [
        SensorDay(day, nothing, ShortHours(*shortened(one.to_numpy(dtype=float)), one.index, day), True)
        for day, one in dated
    ]


def city(sensors: int = 12, night: int = 4, level: float = 100.0) -> pd.DataFrame:
    """Sensors that count at `level` but for the hours of the night."""
    return table(*[[0.0] * night + [level + number] * (24 - night) for number in range(sensors)])


def zeroed(hours: pd.DataFrame, first: int, last: int = 23, sensors: int | None = None) -> pd.DataFrame:
    found = hours.copy()
    found.iloc[:sensors, first : last + 1] = 0.0
    return found


def blanked(hours: pd.DataFrame, past: list[SensorDay]) -> tuple[list[int], int, list[str]]:
    """The hours with blanked zeros, how many there are, and the warnings."""
    quality = Quality()
    found = without_filled(hours, past, quality, "compteur")
    gone = found.isna() & hours.notna()
    assert (hours.to_numpy()[gone.to_numpy()] == 0).all()
    return (
        np.flatnonzero(gone.any()).tolist(), int(gone.to_numpy().sum()), [one.code for one in quality.avertissements]
    )  # fmt: skip


WEEK = before(*[city()] * 7)


@pytest.mark.parametrize("first", [5, 12, 23])
def test_zeros_from_an_hour_on_are_no_counts_where_sensors_never_have_them(first: int) -> None:
    hours = list(range(first, 24))
    assert blanked(zeroed(city(), first), WEEK) == (hours, 12 * len(hours), ["zeros_suspects"])
    assert blanked(zeroed(city(), first, sensors=7), WEEK) == (hours, 7 * len(hours), ["zeros_suspects"])


def test_a_gap_of_zeros_and_a_whole_day_of_them_are_no_counts() -> None:
    assert blanked(zeroed(city(), 9, 10), WEEK)[0] == [9, 10]
    assert blanked(zeroed(city(), 0), WEEK)[0] == list(range(24)), "the night beside it is as empty"


@pytest.mark.parametrize(
    ("hours", "past"),
    [
        (city(), WEEK),  # the night is as ever
        (zeroed(city(), 12, sensors=5), WEEK),  # streets are closed
        (zeroed(city(9), 12), WEEK),  # too few to tell
        (zeroed(city(), 12), WEEK[:2]),  # too short a past
        (zeroed(city(), 12), before(*[city()] * 5, *[zeroed(city(), 12)] * 2)),  # it is so each Sunday
        (zeroed(city(), 12), [known(S0=10)] * 7),  # days of a version that kept no hours
        (zeroed(city(), 12), []),
    ],
)
def test_zeros_of_habit_of_few_sensors_or_without_a_past_are_counts(hours: pd.DataFrame, past: list[SensorDay]) -> None:
    assert blanked(hours, past) == ([], 0, [])


def test_without_a_past_a_day_of_zeros_is_warned_of_alone() -> None:
    assert blanked(zeroed(city(), 0, sensors=3), []) == ([], 0, ["zeros_suspects"])
    assert blanked(zeroed(city(), 0, sensors=2), []) == ([], 0, [])
