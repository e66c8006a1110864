"""What the report says of a change while arcs and counters fall silent: measured on the demonstration's day."""

import random
from typing import Any

import pytest

from lib.common.settings import Settings
from lib.local_file_service import LocalFileService
from scripts.report.key_figures import Metrics, hourly_profiles, key_figures
from tests.support.report_days import DAY, WEEK_BEFORE

CHOICES = 5  # of the sensors that fall silent
HOUR_POINTS = 10.0
CHANGES = ("semaine_precedente_pct", "semaine_precedente_points", "mediane_pct", "mediane_points")


@pytest.fixture(scope="module")
def days(two_tuesdays: Settings) -> dict[str, dict[Any, Metrics]]:
    store = LocalFileService(two_tuesdays.output_dir)
    return {
        source: {day: store.load_metrics(source, day) or {} for day in (DAY, WEEK_BEFORE)}
        for source in ("comptages", "bikes")
    }


def heard(metrics: Metrics, silent: float, choice: int) -> Metrics:
    """The day without that share of its sensors."""
    rows = metrics["metrics"]
    lost = set(random.Random(choice).sample(range(len(rows)), round(silent * len(rows))))
    return metrics | {"metrics": [row for number, row in enumerate(rows) if number not in lost]}


@pytest.mark.parametrize(
    ("source", "names", "silent"),
    [
        *(("comptages", ("debit_routier", "taux_occupation_routier", "temps_perdu"), part) for part in (0.1, 0.2, 0.3)),
        ("bikes", ("passages_velo",), 0.17),
    ],
)
def test_the_changes_of_the_demo_day_stay_within_a_point(
    days: dict[str, dict[Any, Metrics]], source: str, names: tuple[str, ...], silent: float
) -> None:
    past = {source: {WEEK_BEFORE: days[source][WEEK_BEFORE]}}
    whole = key_figures({source: days[source][DAY]}, past, DAY, {})
    for choice in range(CHOICES):
        found = key_figures({source: heard(days[source][DAY], silent, choice)}, past, DAY, {})
        for name in names:
            known = {key: (whole[name].get(f"evolution_{key}"), found[name].get(f"evolution_{key}")) for key in CHANGES}
            moved = {key: abs(now - before) for key, (before, now) in known.items() if None not in (before, now)}
            assert moved.keys() == (set() if name == "temps_perdu" else {key for key in known if known[key][0]})
            assert max(moved.values(), default=0.0) <= 1.0, (name, choice)


def test_a_change_carried_by_few_arcs_is_none_and_says_so(days: dict[str, dict[Any, Metrics]]) -> None:
    past = {"comptages": {WEEK_BEFORE: days["comptages"][WEEK_BEFORE]}}
    found = key_figures({"comptages": days["comptages"][DAY]}, past, DAY, {})
    lost, rate = found["temps_perdu"], found["taux_occupation_routier"]
    assert (lost["evolution_semaine_precedente_pct"], lost["evolution_mediane_pct"], lost["jours_compares"]) == (
        None,
        None,
        0,
    )
    assert lost["comparaison"].startswith("écart porté par ") and " tronçon" in lost["comparaison"]
    assert lost["mediane_base"]["pourquoi"] == lost["comparaison"] and lost["mediane_base"]["marge"] > 4
    assert rate["evolution_mediane_pct"] is None and 1 < rate["evolution_mediane_points"] < 2  # of occupancy
    assert 0 < rate["mediane_base"]["marge"] < 1


@pytest.mark.parametrize(("source", "silent"), [("comptages", 0.3), ("bikes", 0.17)])
def test_the_usual_hours_stay_where_they_are(days: dict[str, dict[Any, Metrics]], source: str, silent: float) -> None:
    past = {source: {WEEK_BEFORE: days[source][WEEK_BEFORE]}}

    def changes(metrics: Metrics) -> list[float | None]:
        (profile,) = [one for one in hourly_profiles({source: metrics}, past, DAY).values() if one]
        pairs = zip(profile["jour"], profile["habituel"], strict=True)
        return [None if None in pair else 100 * (pair[0] / pair[1] - 1) for pair in pairs]

    whole = changes(days[source][DAY])
    assert sum(change is not None for change in whole) >= 20
    for choice in range(CHOICES):
        both = zip(whole, changes(heard(days[source][DAY], silent, choice)), strict=True)
        by_day = [abs(now - before) for before, now in list(both)[6:22] if before is not None and now is not None]
        assert max(by_day) <= HOUR_POINTS
