"""Copies of what later days are compared with: the same as the metrics, made again whenever these or they change."""

import json
import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lib.common.errors import StoreError
from lib.common.paris_time import hours_in_day
from lib.figures.past_days import evolution, usual_hours
from lib.figures.sensor_days import SensorDay, ShortHours, hours_of, pair_of_hours, sensor_day
from lib.local_file_service import LocalFileService
from lib.run.sensor_history import read_day, recent_figures, remember, remembered, same_weekdays
from scripts import process_bikes, process_comptages
from scripts.registry import BIKES, COMPTAGES, WEATHER
from tests.conftest import Ran, RawTree, bike, count_row

Run = Callable[..., Ran]
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
    assert one and other and one.short and other.short
    pd.testing.assert_frame_equal(one.sensors, other.sensors)
    hours, others = one.short.whole(), other.short.whole()
    assert hours.names.equals(others.names) and hours.clock.equals(others.clock)
    np.testing.assert_array_equal(hours.values, others.values)
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


@pytest.mark.parametrize("day", ["2025-03-30", "2025-10-26", "2025-11-04"])
def test_the_copy_of_a_day_that_is_computed_is_what_its_metrics_say(raw: RawTree, run: Run, day: str) -> None:
    """Fractions of more digits than are stored, blanks, a broken sensor, half a character; 23, 25 and 24 hours."""
    when = date.fromisoformat(day)
    instants = pd.date_range(day, periods=hours_in_day(when), freq="h", tz="Europe/Paris").map(pd.Timestamp.isoformat)
    sound = [bike(name, one, 7 + place) for place, one in enumerate(instants[3:]) for name in ("A", "\ud83d")]
    raw.pull("bikes", day, "a.json", json.dumps([*sound[:-1], *(bike("C", one, 9000) for one in instants)]))
    flows = {"1": 100, "2": 300, "3": 90_000}
    labels = [f"{day}T{hour:02}:00:00+01:00" for hour in range(4, 24)]
    raw.counts([count_row(arc, label, flows[arc] / 7, 12.3456789) for label in labels for arc in flows])
    for source, main in ((BIKES, process_bikes.main), (COMPTAGES, process_comptages.main)):
        assert run(main, "--date", day).code == 0
        store, read = LocalFileService(raw.output), []
        (copy,) = raw.output.glob(f".sensors/{source.name}_*")
        for _ in range(2):
            past = remembered(store, source, [when])[when]
            read.append((past, same_weekdays(store, source, when + timedelta(weeks=1))[when].known))
            copy.unlink(missing_ok=True)
        (one, known), (other, again) = read
        assert same(one, other) and one and len(one.sensors) == 2
        assert known.keys() == again.keys() and all(_equal(known[key], again[key]) for key in known)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, ShortHours):
        return one.whole().names.equals(other.names) and _equal(one.whole().values, other.whole().values)
    return one.equals(other) if isinstance(one, pd.Index) else np.array_equal(one, other, equal_nan=True)


def test_a_copy_of_other_metrics_or_a_damaged_one_is_made_again(tmp_path: Path) -> None:
    store, copy = LocalFileService(tmp_path), tmp_path / ".sensors" / f"bikes_{DAY}.copy"
    for value in (1.0, 2.0, 3.0):
        store.save_metrics(metrics([value] * 24), "bikes", DAY)
        if value == 3.0:
            copy.write_bytes(copy.read_bytes()[:-40])
        found = remembered(store, BIKES, [DAY])[DAY]
        assert found and found.short and np.all(found.short.whole().values == value)
        content = copy.read_bytes()
        assert remembered(store, BIKES, [DAY])[DAY] and copy.read_bytes() == content
    status = store.metrics_path("bikes", DAY).stat()
    store.save_metrics(metrics([4.0] * 24), "bikes", DAY)
    os.utime(store.metrics_path("bikes", DAY), ns=(status.st_atime_ns, status.st_mtime_ns))
    assert store.metrics_path("bikes", DAY).stat().st_size == status.st_size
    found = remembered(store, BIKES, [DAY])[DAY]
    assert found and found.short and np.all(found.short.whole().values == 4.0), "of the same time and size"
    copy.unlink()
    copy.mkdir()
    assert remembered(store, BIKES, [DAY])[DAY], "where none can be written, it is done without"


@pytest.mark.parametrize("whose", ["day", "past"])
def test_a_day_of_which_all_sensors_were_set_aside_is_compared_without_its_copy(tmp_path: Path, whose: str) -> None:
    store, week = LocalFileService(tmp_path), DAY - timedelta(weeks=1)
    for day in (week, DAY):
        one = metrics([1.0] * 24, [2.0] * 24)
        for row in one["metrics"] if (day == DAY) == (whose == "day") else ():
            row["ecarte"] = "valeur impossible"
        store.save_metrics(one, "bikes", day)
    assert BIKES.sensors
    today, past = read_day(store, BIKES, DAY), same_weekdays(store, BIKES, DAY)[week]
    pair = today and pair_of_hours(BIKES.sensors, BIKES.sensors.hours, today, DAY, past, week)
    assert pair and usual_hours([1.0] * 24, [pair]) == [None] * 24


@pytest.mark.parametrize(
    ("key", "value"),
    [("id_compteur", None), ("comptages_horaires", "x"), ("comptages_horaires", [1]), ("total_jour", {})],
)
def test_metrics_of_another_form_are_named_with_the_way_out(tmp_path: Path, key: str, value: Any) -> None:
    store, found = LocalFileService(tmp_path), metrics([1.0] * 24, [2.0] * 24)
    if value is None:
        del found["metrics"][0][key]
    else:
        found["metrics"][0][key] = value
    store.save_metrics(found, "bikes", DAY)
    for read in (
        lambda: read_day(store, BIKES, DAY),
        lambda: same_weekdays(store, BIKES, DAY + timedelta(weeks=1)),
        lambda: remembered(store, BIKES, [DAY]),
    ):
        with pytest.raises(StoreError, match=f"« comptage vélo » du {DAY} .* make bikes DATE={DAY} FORCE=1"):
            read()


def test_what_no_copy_can_hold_is_done_without_one(tmp_path: Path) -> None:
    store = LocalFileService(tmp_path)
    path = store.metrics_path("bikes", DAY)
    store.save_metrics(metrics([1.0] * 24), "bikes", DAY)
    path.write_text(path.read_text().replace('"complet"', '"complet \\ud83d"'))
    found = read_day(store, BIKES, DAY)
    assert found and found["qualite"]["statut"] == "complet \ud83d" and remembered(store, BIKES, [DAY])[DAY]
    assert not (tmp_path / ".sensors").exists()


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
        figure = {"valeur": value, "couverture": 0.9}
        store.save_report({"chiffres_cles": {"passages_velo": figure | {"mediane_jours": ["2025-10-21"]}}}, week)
        for _ in range(2):
            assert recent_figures(store, [week, DAY]) == {week: {"passages_velo": figure}, DAY: {}}


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
                patch.setattr(
                    LocalFileService, "load_metrics", lambda _, __, day, one=today: one if day == DAY else None
                )
            else:
                for path in (tmp_path / ".sensors").iterdir():
                    path.unlink()
            past = same_weekdays(store, BIKES, DAY)
            now = read_day(store, BIKES, DAY)
        assert now and [one["total_jour"] for one in past.values()] == [2 * 10**20, 10**20]
        assert not any("metrics" in one or "failing_sensors" in one for one in past.values())
        frames = [hours_of(one, BIKES.sensors, "comptages_horaires", DAY) for one in (now, *past.values())]
        assert [frame is None for frame in frames] == [False, old, False]
        found.append(evolution(now, DAY, past, figure, BIKES.sensors))
    assert found[0] == found[1]
    assert found[0]["mediane_base"]["journees_entieres"] is old
    assert found[0]["evolution_mediane_pct"] == 125.0


def test_metrics_that_another_run_replaces_while_they_are_read_are_none_of_its_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalFileService(tmp_path)
    store.save_metrics(metrics([1.0] * 24), "bikes", DAY)

    def load(store: LocalFileService, source: str, day: date) -> dict[str, Any]:
        again = metrics([2.0] * 24, [2.0] * 24)
        store.save_metrics(again, source, day)
        remember(store, BIKES, day, again)
        return metrics([1.0] * 24)

    monkeypatch.setattr(LocalFileService, "load_metrics", load)
    found = read_day(store, BIKES, DAY)
    assert found and BIKES.sensors
    hours = hours_of(found, BIKES.sensors, "comptages_horaires", DAY)
    assert hours is not None and hours.to_numpy().tolist() == [[1.0] * 24]


def test_a_past_day_without_sensors_is_read_from_its_copy_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, week = LocalFileService(tmp_path), DAY - timedelta(weeks=1)
    figures = {"metrics": {"temp_moyenne": 1.5}, "heures": [{"temp": None}], "qualite": {"couverture": 1.0}}
    store.save_metrics(figures | {"mapping": [{"identifiant_arc": "1"}]}, "weather", week)
    assert read_day(store, WEATHER, week) == store.load_metrics("weather", week)
    monkeypatch.setattr(LocalFileService, "load_metrics", lambda *_: None)
    assert same_weekdays(store, WEATHER, DAY) == {week: figures}
