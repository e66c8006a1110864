"""What is usual of streets, counters and lines, and what is told as out of the ordinary, on small days."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from lib.figures.past_days import Past
from scripts.registry import SOURCES
from scripts.report.french import street
from scripts.report.hours import longest_gap
from scripts.report.unusual import unusual
from scripts.report.usual import Beside, beside_usual, movers, named_sensors

DAY = date(2025, 11, 4)
WEEKS = [DAY - timedelta(weeks=week) for week in (1, 2, 3, 4)]
Hours = list[float | None]


def roads(arcs: dict[str, tuple[str, Hours]]) -> dict[str, Any]:
    """Metrics of a day of road counts: for each arc its label and its 24 hours."""
    return {
        "metrics": [
            {
                "identifiant_arc": arc, "libelle": label, "debits_horaires": hours, "arrondissement": 7,
                "debit_journalier_total": sum(hour or 0 for hour in hours), "ecarte": None,
                "heures_valides": sum(hour is not None for hour in hours),
            }
            for arc, (label, hours) in arcs.items()
        ],
        "qualite": {"couverture": 1.0, "statut": "complet"},
    }  # fmt: skip


def city(level: float, street_level: float | None = None, weeks: list[float] | None = None) -> tuple[Any, Past]:
    """A day with forty streets at `level` an hour and one at `street_level`, and four earlier ones at their usual."""

    def day(one: float, rest: float) -> dict[str, Any]:
        return roads({"1": ("Bd_A", [one] * 24), **{str(at): (f"Rue_{at}", [rest] * 24) for at in range(2, 42)}})

    usual = weeks or [100, 100, 100, 100]
    return day(level if street_level is None else street_level, level), {
        when: day(value, value) for when, value in zip(WEEKS, usual, strict=True)
    }


def beside(today: Any, past: Past) -> Beside:
    found = beside_usual(SOURCES["comptages"], today, past, DAY, street)
    assert found is not None
    return found


def told(today: Any, past: Past) -> list[tuple[str, float | None]]:
    metrics, before = {"comptages": today}, {"comptages": past}
    found = unusual(metrics, before, DAY, named_sensors(metrics, before, DAY))
    assert found is not None
    return [(row["quoi"], row["ecart_pct"]) for row in found["lignes"]]


def test_arcs_of_a_street_are_one_street_and_each_hour_has_its_usual() -> None:
    today = roads({"1": ("Bd_A", [10.0] * 24), "2": ("Bd_A", [5.0] * 24), "3": ("Bd_B", [1.0] * 24)})
    past = {when: roads({"1": ("Bd_A", [20.0] * 24), "2": ("Bd_A", [5.0] * 24)}) for when in WEEKS}
    found = beside(today, past)
    assert list(found.names.index) == ["Boulevard A", "Boulevard B"]
    assert found.names.loc["Boulevard A", ["capteurs", "jour", "usuel", "compares"]].tolist() == [2, 360.0, 600.0, 4]
    assert np.isnan(found.names.at["Boulevard B", "usuel"])
    assert found.usual_hours(0).tolist() == [25.0] * 24


def test_the_usual_day_is_that_of_the_hours_and_arcs_that_both_days_have() -> None:
    """An arc that was silent a week ago, or for six hours of the day, makes no rise and no fall."""
    silent: Hours = [None] * 6 + [10.0] * 18
    past = {when: roads({"1": ("Bd_A", [10.0] * 24)}) for when in WEEKS[:3]}
    grown = roads({"1": ("Bd_A", [10.0] * 24), "2": ("Bd_A", [10.0] * 24)})
    assert beside(grown, past).names.loc["Boulevard A", ["jour", "usuel"]].tolist() == [480.0, 480.0]
    whole = beside(roads({"1": ("Bd_A", silent)}), past)
    assert whole.names.loc["Boulevard A", ["jour", "usuel"]].tolist() == [180.0, 180.0]
    assert np.isnan(whole.usual_hours(0)[:6]).all()


def test_less_than_half_in_common_says_nothing() -> None:
    today = roads({"1": ("Bd_A", [10.0] * 24)})
    found = beside(today, {when: roads({"1": ("Bd_A", [None] * 13 + [10.0] * 11)}) for when in WEEKS})
    assert np.isnan(found.names.at["Boulevard A", "usuel"]) and found.names.at["Boulevard A", "compares"] == 0


def test_an_ordinary_day_has_nothing_to_tell() -> None:
    assert told(*city(102, weeks=[98, 100, 101, 99])) == []


def test_one_street_out_of_forty_is_told_with_its_hours() -> None:
    today, past = city(100, street_level=300)
    assert told(today, past) == [("Boulevard A", 200.0)]


def test_a_city_that_moves_as_a_whole_is_told_as_the_city() -> None:
    assert told(*city(50)) == [("Trafic routier", -50.0)]


def test_what_is_not_told_is_listed_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.report.unusual.FLOORS", {"comptages": (100.0, 20.0)})
    today, past = city(50, street_level=10)
    metrics, before = {"comptages": today}, {"comptages": past}
    found = unusual(metrics, before, DAY, named_sensors(metrics, before, DAY))
    assert found is not None
    assert [(row["quoi"], row["ensemble"]) for row in found["lignes"]] == [
        ("Trafic routier", True),
        ("Boulevard A", False),
    ]
    assert abs(found["lignes"][0]["ecart_robuste"]) < abs(found["lignes"][1]["ecart_robuste"])
    assert found["nombre"] == 42 == len(found["lignes"]) + len(found["autres"])
    assert {row["quoi"] for row in found["autres"]} == {f"Rue {at}" for at in range(2, 42)}
    monkeypatch.setattr("scripts.report.unusual.LISTED", 7)
    fewer = unusual(metrics, before, DAY, named_sensors(metrics, before, DAY))
    assert fewer is not None and (len(fewer["autres"]), fewer["nombre"]) == (7, 42)


def test_a_street_below_the_floors_or_that_always_moves_is_no_news() -> None:
    today = roads({"1": ("Bd_A", [3.0] * 24), "2": ("Bd_B", [500.0] * 24)})
    usual = [{"1": ("Bd_A", [1.0] * 24), "2": ("Bd_B", [hour] * 24)} for hour in (100.0, 400.0, 250.0, 600.0)]
    past = {when: roads(arcs) for when, arcs in zip(WEEKS, usual, strict=True)}
    assert [what for what, _ in told(today, past) if what in ("Boulevard A", "Boulevard B")] == []


def test_without_three_past_days_nothing_is_called_usual() -> None:
    today, past = city(300)
    few = {when: past[when] for when in WEEKS[:2]}
    named = named_sensors({"comptages": today}, {"comptages": few}, DAY)
    assert unusual({"comptages": today}, {"comptages": few}, DAY, named) is None
    assert movers(named)["comptages"] == {"hausse": [], "baisse": []}


def test_streets_are_ranked_by_what_they_gained_and_lost() -> None:
    labels = {str(at): (f"Rue_{at}", [100.0] * 24) for at in range(8)}
    today = roads(
        {arc: (label, [100.0 + 200 * (int(arc) - 3)] * 24) for arc, (label, _) in labels.items() if arc > "2"}
    )
    today["metrics"].append(roads({"0": ("Rue_0", [0.0] * 24)})["metrics"][0])
    ranked = movers(named_sensors({"comptages": today}, {"comptages": dict.fromkeys(WEEKS, roads(labels))}, DAY))
    assert [row["libelle"] for row in ranked["comptages"]["hausse"]] == ["Rue 7", "Rue 6", "Rue 5", "Rue 4"]
    assert [(row["libelle"], row["ecart"], row["ecart_pct"]) for row in ranked["comptages"]["baisse"]] == [
        ("Rue 0", -2400.0, -100.0)
    ]


def lines(**hours: float) -> dict[str, Any]:
    rows = [{"ligne": line, "mode": "Métro", "heures_perturbees": value} for line, value in hours.items()]
    return {"par_ligne": rows, "qualite": {"couverture": 1.0, "statut": "complet"}}


def test_a_line_that_is_disturbed_every_week_is_no_news_and_one_that_never_is_is() -> None:
    past: Past = dict.fromkeys(WEEKS, lines(M1=9.0))
    found = unusual({"traffic": lines(M1=9.0, M4=12.0)}, {"traffic": past}, DAY, {})
    assert found is not None
    assert [(row["quoi"], row["valeur"], row["usuel"]) for row in found["lignes"]] == [("M4", 12.0, 0.0)]
    part = lines(M4=12.0) | {"qualite": {"couverture": 0.5, "statut": "partiel"}}
    assert unusual({"traffic": part}, {"traffic": past}, DAY, {}) == {"lignes": [], "autres": [], "nombre": 0}


@pytest.mark.parametrize(
    ("day", "found"),
    [
        ([10.0] * 10 + [2.0] * 6 + [10.0] * 8, (10, 16)),
        ([10.0] * 24, (None, None)),
        ([10.0] * 20 + [30.0] * 4, (20, 24)),
        ([10.0] * 8 + [2.0, float("nan"), 2.0, 2.0] + [10.0] * 12, (10, 12)),
    ],
)
def test_the_hours_of_a_gap_are_those_in_a_row_that_make_most_of_it(day: list[float], found: tuple[int, int]) -> None:
    assert longest_gap(day, [10.0] * 24) == found


def test_a_sensor_stuck_today_is_no_news_and_the_other_arc_of_its_street_speaks_for_it() -> None:
    usual: Hours = [float(hour) for hour in range(50, 74)]
    past = {when: roads({"1": ("Bd_A", usual), "2": ("Bd_A", usual), "3": ("Bd_B", usual)}) for when in WEEKS}
    stuck: Hours = [*usual[:3], *[900.0] * 18, *usual[21:]]
    assert told(roads({"1": ("Bd_A", usual), "2": ("Bd_A", usual), "3": ("Bd_B", stuck)}), past) == []
    assert told(roads({"1": ("Bd_A", usual), "2": ("Bd_A", stuck), "3": ("Bd_B", usual)}), past) == []
    more: Hours = [10 * (hour or 0) for hour in usual]
    assert ("Boulevard A", 900.0) in told(
        roads({"1": ("Bd_A", more), "2": ("Bd_A", stuck), "3": ("Bd_B", usual)}), past
    )


def test_a_counter_at_zero_all_day_is_no_news_but_a_street_without_a_car_is() -> None:
    def counted(hours: Hours) -> dict[str, Any]:
        row = {"id_compteur": "1", "nom_compteur": "6 rue A", "comptages_horaires": hours, "arrondissement": 7}
        row |= {"total_jour": sum(hour or 0 for hour in hours), "heures_valides": 24, "ecarte": None}
        return {"metrics": [row], "qualite": {"couverture": 1.0, "statut": "complet"}}

    usual: Hours = [float(hour) for hour in range(50, 74)]
    bikes = {when: counted(usual) for when in WEEKS}
    found = beside_usual(SOURCES["bikes"], counted([0.0] * 24), bikes, DAY, str)
    assert found is not None and np.isnan(found.scores).all()
    past = {when: roads({"1": ("Bd_A", usual)}) for when in WEEKS}
    assert ("Boulevard A", -100.0) not in told(roads({"1": ("Bd_A", usual)}), past)
    hours: Hours = [hour * 10 for hour in usual if hour is not None]
    past = {when: roads({"1": ("Bd_A", hours)}) for when in WEEKS}
    assert ("Boulevard A", -100.0) in told(roads({"1": ("Bd_A", [0.0] * 24)}), past)
