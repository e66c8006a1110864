"""Copies of what later days are compared with: the same as the metrics, made again whenever these or they change."""

import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lib.figures.past_days import evolution
from lib.figures.sensor_days import SensorDay, hours_of, sensor_day
from lib.local_file_service import LocalFileService
from lib.run.sensor_history import recent_figures, remember, remembered, same_weekdays, with_sensors
from scripts.registry import BIKES, WEATHER

DAY = date(2025, 11, 4)


def metrics(*hours: list[float | None], identifier: str = "é-1") -> dict[str, Any]:
    rows = [
        {
            "id_compteur": f"{identifier}{place}",
            "comptages_horaires": list(one),
            "total_jour": sum(value or 0 for value in one),
            "pic_horaire": max(value or 0 for value in one),
            "heures_valides": sum(value is not None for value in one),
            "ecarte": None,
        }
        for place, one in enumerate(hours)
    ]
    account = {"statut": "complet", "couverture": 1.0, "capteurs": {}, "heures_manquantes": []}
    return {"metrics": rows, "qualite": {**account, "rejets": {}, "avertissements": [], "lignes_lues": 1}}


def same(one: SensorDay | None, other: SensorDay | None) -> bool:
    assert one and other and one.hours is not None and other.hours is not None
    pd.testing.assert_frame_equal(one.sensors, other.sensors)
    pd.testing.assert_frame_equal(one.hours, other.hours)
    return (one.day, one.whole) == (other.day, other.whole)


@pytest.mark.parametrize(
    "hours", [[0, None, 300] * 8, [0.5, None, 3.25] * 8, [40_000, None, 1] * 8, [-1, 2, None] * 8, [None] * 24]
)
def test_a_copy_is_what_the_metrics_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: list[float | None]
) -> None:
    store, found = LocalFileService(tmp_path), metrics(hours, [1.0] * 24)
    store.save_metrics(found, "bikes", DAY)
    assert BIKES.sensors
    expected = sensor_day(found, BIKES.sensors, DAY)
    assert same(remembered(store, BIKES, [DAY])[DAY], expected)
    assert (tmp_path / ".sensors" / f"bikes_{DAY}.copy").is_file()
    os.utime(store.metrics_path("bikes", DAY), (1, 1))
    assert same(remember(store, BIKES, DAY, found), expected)
    monkeypatch.setattr(LocalFileService, "load_metrics", lambda *_: None)
    assert same(remembered(store, BIKES, [DAY])[DAY], expected), "read from the copy alone"


def test_a_copy_of_other_metrics_or_a_damaged_one_is_made_again(tmp_path: Path) -> None:
    store, copy = LocalFileService(tmp_path), tmp_path / ".sensors" / f"bikes_{DAY}.copy"
    for value in (1.0, 2.0, 3.0):
        store.save_metrics(metrics([value] * 24), "bikes", DAY)
        if value == 3.0:
            copy.write_bytes(copy.read_bytes()[:-40])
        found = remembered(store, BIKES, [DAY])[DAY]
        assert found and found.hours is not None and np.all(found.hours.to_numpy() == value)
        content = copy.read_bytes()
        assert remembered(store, BIKES, [DAY])[DAY] and copy.read_bytes() == content
    status = store.metrics_path("bikes", DAY).stat()
    store.save_metrics(metrics([4.0] * 24), "bikes", DAY)
    os.utime(store.metrics_path("bikes", DAY), ns=(status.st_atime_ns, status.st_mtime_ns))
    assert store.metrics_path("bikes", DAY).stat().st_size == status.st_size
    found = remembered(store, BIKES, [DAY])[DAY]
    assert found and found.hours is not None and np.all(found.hours.to_numpy() == 4.0), "of the same time and size"
    copy.unlink()
    copy.mkdir()
    assert remembered(store, BIKES, [DAY])[DAY], "where none can be written, it is done without"


def test_days_without_figures_or_sensors_have_none_and_old_copies_go(tmp_path: Path) -> None:
    store = LocalFileService(tmp_path)
    assert remembered(store, BIKES, [DAY]) == {DAY: None}
    assert remember(store, WEATHER, DAY, {}) is None
    for day in (DAY - timedelta(days=61), DAY - timedelta(days=60), DAY):
        store.save_metrics(metrics([1.0] * 24), "bikes", day)
        remember(store, BIKES, day, metrics([1.0] * 24))
    assert len(list((tmp_path / ".sensors").iterdir())) == 2


def test_a_same_weekday_that_was_stored_again_is_read_again(tmp_path: Path) -> None:
    store, week = LocalFileService(tmp_path), DAY - timedelta(weeks=1)
    for total in (10, 20):
        store.save_metrics(metrics([1.0] * 24) | {"total_jour": total}, "bikes", week)
        os.utime(store.metrics_path("bikes", week), (total, total))
        for _ in range(2):
            found = same_weekdays(store, BIKES, DAY)
            assert {when: one["total_jour"] for when, one in found.items()} == {week: total}
    store.metrics_path("bikes", week).unlink()
    assert same_weekdays(store, BIKES, DAY) == {}


def test_the_key_figures_of_a_report_that_was_made_again_are_read_again(tmp_path: Path) -> None:
    store, week = LocalFileService(tmp_path), DAY - timedelta(weeks=1)
    for value in (1, 22):
        store.save_report({"chiffres_cles": {"passages_velo": {"valeur": value}}}, week)
        for _ in range(2):
            assert recent_figures(store, [week, DAY]) == {week: {"passages_velo": {"valeur": value}}, DAY: {}}


@pytest.mark.parametrize("old", [False, True])
def test_a_report_stands_beside_the_copies_of_past_days_as_beside_their_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bool
) -> None:
    """Also beside those of a version that stored no hours."""
    store, hours, (figure,) = (
        LocalFileService(tmp_path),
        [[float(hour + place) for hour in range(24)] for place in range(3)],
        BIKES.key_figures,
    )
    found = []
    for factor in (1, 2, 3):
        day = DAY - timedelta(weeks=3 - factor)
        one = metrics(*([value * factor for value in sensor] for sensor in hours))
        one |= {"total_jour": 10**20 * factor, "failing_sensors": [{"id_compteur": "x"}]}
        for row in one["metrics"] if old and factor == 2 else ():
            del row["comptages_horaires"]
        store.save_metrics(one, "bikes", day)
        remember(store, BIKES, day, one)
    for copied in (True, False):
        today = store.load_metrics("bikes", DAY)
        assert today and BIKES.sensors
        with monkeypatch.context() as patch:
            if copied:
                patch.setattr(LocalFileService, "load_metrics", lambda *_: None)
            else:
                for path in (tmp_path / ".sensors").iterdir():
                    path.unlink()
            past = same_weekdays(store, BIKES, DAY)
            now = with_sensors(store, BIKES, DAY, today)
        assert [one["total_jour"] for one in past.values()] == [2 * 10**20, 10**20]
        assert not any("metrics" in one or "failing_sensors" in one for one in past.values())
        frames = [hours_of(one, BIKES.sensors, "comptages_horaires", DAY) for one in (now, *past.values())]
        assert [frame is None for frame in frames] == [False, old, False]
        found.append(evolution(now, DAY, past, figure, BIKES.sensors))
    assert found[0] == found[1]
    assert found[0]["mediane_base"]["journees_entieres"] is old
    assert found[0]["evolution_mediane_pct"] == 125.0
