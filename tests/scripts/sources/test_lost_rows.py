"""Rows that are rejected before their sensor is known lower the coverage of the day that they may belong to."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from scripts import check_quality, process_bikes, process_comptages
from tests.conftest import Ran, RawTree, bike, count_row

Run = Callable[..., Ran]

DAY = "2025-11-04"
LABELS = [f"{DAY}T{hour:02}:00:00+01:00" for hour in range(1, 24)] + ["2025-11-05T00:00:00+01:00"]


def cut_short(row: str) -> str:
    """A row that lost its last fields."""
    return row.rsplit(";", 3)[0]


def quoted_wrongly(row: str) -> str:
    return row.replace("Rue_A", '"Rue_A', 1)


@pytest.mark.parametrize("spoil", [cut_short, quoted_wrongly], ids=lambda one: one.__name__)
@pytest.mark.parametrize(
    ("spoilt", "statut", "couverture"), [(0, "complet", 1.0), (1, "partiel", 0.9), (4, "partiel", 0.6)]
)
def test_arcs_of_which_all_lines_are_broken(
    raw: RawTree, run: Run, spoil: Callable[[str], str], spoilt: int, statut: str, couverture: float
) -> None:
    rows = [count_row(str(arc), label, 100, 5) for arc in range(10) for label in LABELS]
    broken = 24 * spoilt
    raw.counts([*(spoil(row) for row in rows[:broken]), *rows[broken:]])
    assert run(process_comptages.main, "--date", DAY).code == 0
    qualite = raw.metrics("comptages", DAY)["qualite"]
    assert (qualite["statut"], qualite["couverture"]) == (statut, pytest.approx(couverture, abs=0.02))


def test_broken_lines_among_those_of_known_arcs_are_not_taken_off_twice(raw: RawTree, run: Run) -> None:
    rows = [count_row(str(arc), label, 100, 5) for arc in range(10) for label in LABELS]
    raw.counts([cut_short(row) if number % 4 == 0 else row for number, row in enumerate(rows)])
    assert run(process_comptages.main, "--date", DAY).code == 0
    assert raw.metrics("comptages", DAY)["qualite"]["couverture"] == 0.75


def hours(counter: str) -> list[dict[str, Any]]:
    return [bike(counter, f"{DAY}T{hour:02}:00:00+01:00", 5) for hour in range(24)]


@pytest.mark.parametrize("change", [{"date": None}, {"date": "hier"}, {"id_compteur": None, "nom_compteur": ""}])
def test_records_that_could_be_of_any_day_or_counter(raw: RawTree, run: Run, change: dict[str, Any]) -> None:
    """A third of the records: the day is never complete, and the gate says so."""
    records = [*hours("A"), *hours("B"), *({**one, **change} for one in hours("C"))]
    raw.pull("bikes", "2025-11-05", "a.json", records)
    assert run(process_bikes.main, "--date", DAY).code == 0
    qualite = raw.metrics("bikes", DAY)["qualite"]
    assert (qualite["statut"], qualite["couverture"]) == ("partiel", pytest.approx(2 / 3, abs=1e-3))
    assert "couverture_basse" in run(check_quality.main, "--date", DAY).out


def test_what_is_no_record_and_lines_that_are_no_json(raw: RawTree, run: Run) -> None:
    lines = [json.dumps(one) for one in hours("A")]
    raw.pull("bikes", "2025-11-05", "a.jsonl", "\n".join([*lines, *["{cassé"] * 8, *['"texte"'] * 4]))
    assert run(process_bikes.main, "--date", DAY).code == 0
    qualite = raw.metrics("bikes", DAY)["qualite"]
    assert (qualite["statut"], qualite["couverture"]) == ("partiel", pytest.approx(2 / 3, abs=1e-3))


def test_a_day_that_lost_rows_is_compared_on_what_is_left(raw: RawTree, run: Run) -> None:
    """Four tenths of the rows are gone: the counters that are left pass as many as before."""
    raw.pull("bikes", "2025-10-29", "a.json", json.dumps([*hours("A"), *hours("B")]).replace(DAY, "2025-10-28"))
    assert run(process_bikes.main, "--date", "2025-10-28").code == 0
    lost = [{**one, "date": None} for one in hours("B")[:16]]
    raw.pull("bikes", "2025-11-05", "a.json", [*hours("A"), *lost])
    assert run(process_bikes.main, "--date", DAY).code == 0
    assert raw.metrics("bikes", DAY)["frequentation_index"] == 100.0
    assert raw.metrics("bikes", DAY)["qualite"]["statut"] == "partiel"
