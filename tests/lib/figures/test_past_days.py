"""Comparisons: what a percentage is of, and when there is none."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.figures.key_figures import KeyFigure
from lib.figures.past_days import change, evolution
from lib.local_file_service import LocalFileService
from lib.raw.source import Source
from lib.run.sensor_history import same_weekdays

TODAY = date(2025, 11, 4)
TOTAL = KeyFigure("total", "total", "passages", 1)


def metrics(total: float | None, coverage: float | None = 1.0) -> dict[str, object]:
    return {"total": total, "qualite": {"couverture": coverage}}


@pytest.mark.parametrize(
    ("value", "reference", "percent"),
    [
        (110, 100, 10.0),
        (0, 100, -100.0),
        (5, 0, None),
        (None, 100, None),
        (5, None, None),
        (1, -2, None),  # °C: a rise, which a percentage would call a fall
        (-4, -2, None),
        (-1, 2, -150.0),
    ],
)
def test_change(value: float | None, reference: float | None, percent: float | None) -> None:
    assert change(value, reference) == percent


@given(st.floats(0.1, 1e9), st.floats(0.1, 1e9))
def test_a_change_brings_back_the_value(value: float, reference: float) -> None:
    percent = change(value, reference)
    assert percent is not None
    assert reference * (1 + percent / 100) == pytest.approx(value, abs=reference * 0.0006)


def test_the_same_weekdays_are_read_and_the_year_before(tmp_path: Path) -> None:
    store = LocalFileService(tmp_path)
    for days, one in (
        (1, metrics(1)),
        (7, metrics(7)),
        (14, metrics(14, 0.79)),
        (21, metrics(21, None)),
        (28, metrics(28)),
        (35, metrics(35)),
        (364, metrics(364)),
        (365, metrics(365)),
    ):
        store.save_metrics(one, "bikes", TODAY - timedelta(days=days))
    past = same_weekdays(store, Source("bikes", "vélos"), TODAY)
    assert [one["total"] for one in past.values()] == [7, 14, 21, 28, 364]
    found = evolution(metrics(14), TODAY, past, TOTAL)  # 14 and 21 days before are too partial for their totals
    assert (found["evolution_semaine_precedente_pct"], found["mediane_4_semaines"]) == (100.0, 17.5)
    assert (found["annee_precedente"], found["evolution_annee_precedente_pct"]) == (364, -96.2)
    assert found["semaine_precedente_particularite"] == "Vacances de la Toussaint"
    assert found["mediane_particularites"] == ["2025-10-28 : Vacances de la Toussaint"]


def test_a_past_figure_that_is_null_does_not_count() -> None:
    past = {TODAY - timedelta(weeks=1): metrics(None), TODAY - timedelta(weeks=2): metrics(50)}
    found = evolution(metrics(100), TODAY, past, TOTAL)
    assert {key: value for key, value in found.items() if "base" not in key and "part" not in key} == {
        "valeur": 100,
        "semaine_precedente": None,
        "evolution_semaine_precedente_pct": None,
        "mediane_4_semaines": 50,
        "evolution_mediane_pct": 100.0,
        "annee_precedente": None,
        "evolution_annee_precedente_pct": None,
        "mediane_jours": [(TODAY - timedelta(weeks=2)).isoformat()],
        "jours_compares": 1,
        "comparaison": "1 semaine",
    }


@pytest.mark.parametrize("today", [None, metrics(None)])
def test_nothing_today_is_no_fall_of_a_hundred_percent(today: dict[str, object] | None) -> None:
    found = evolution(today, TODAY, {TODAY - timedelta(weeks=1): metrics(50)}, TOTAL)
    assert (found["valeur"], found["evolution_mediane_pct"], found["comparaison"]) == (None, None, "donnée manquante")
    assert found["semaine_precedente"] == 50
