"""Commands on days that are not like the others, and at their edges: fetched, processed, looked at, named."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from lib.common.errors import ExitCode
from lib.common.paris_time import hours_in_day
from lib.local_file_service import LocalFileService
from scripts import doctor, fetch_raw, generate_report, process_bikes, process_comptages, show_status
from scripts.registry import SOURCES
from tests.conftest import Ran, RawTree, bike, mains
from tests.support.clocks import Clock, clocks
from tests.support.portal_server import WEATHER_KEY, Portal, small_tree

PULLED = [name for name, source in SOURCES.items() if source.pulls]
Run = Callable[..., Ran]

BEFORE_AUTUMN_CHANGE = date(2026, 10, 23)
FORMS = 5  # make_demo_data writes bike pulls in another form each day of five, and the others on one in five or six


@pytest.mark.parametrize("day", [BEFORE_AUTUMN_CHANGE + timedelta(days=number) for number in range(FORMS)], ids=str)
def test_the_publishers_answer_the_same_way_day_after_day(
    day: date, raw: RawTree, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    portal.tree, portal.day = small_tree(tmp_path / "publishers", day, *PULLED), day
    monkeypatch.setenv("CITYFLOW_NOW", f"{day + timedelta(days=1)}T06:30:00+01:00")
    monkeypatch.setenv("VISUALCROSSING_API_KEY", WEATHER_KEY)
    for source in PULLED:
        fetched = run(fetch_raw.main, "--source", source)
        assert fetched.code == 0, fetched.err
        assert run(mains()[source]).code == 0
    assert raw.metrics("weather", day.isoformat())["source"] == "visual_crossing"
    assert len(portal.requests("prim")) > 2
    bikes = raw.metrics("bikes", day.isoformat())
    assert len(bikes["metrics"]) > 8 and {one["heures_valides"] for one in bikes["metrics"]} >= {hours_in_day(day)}


@clocks(
    "day after a leap day",
    "day after 23 hours",
    "day after 25 hours",
    "before midnight in Paris",
    "midnight in Paris",
    "year of unknown school holidays",
)
def test_yesterday_is_fetched_and_processed(
    clock: Clock, raw: RawTree, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = ("bikes", "comptages", "weather")
    portal.tree, portal.day = small_tree(tmp_path / "publishers", clock.yesterday, *told), clock.yesterday
    monkeypatch.setenv("CITYFLOW_NOW", clock.now)
    fetched = run(fetch_raw.main, *(f"--source={source}" for source in told))
    assert fetched.code == 0, fetched.err
    for main in (process_bikes.main, process_comptages.main):
        assert run(main).code == 0
    hours = {24: 24, 23: 23, 25: 24}[hours_in_day(clock.yesterday)]  # of road counts: 02 h is told once in autumn
    profile = raw.metrics("comptages", clock.before)["global_metrics"]["profil_horaire"]
    assert [one["debit_total"] is not None for one in profile].count(True) == hours
    assert run(generate_report.main).code == ExitCode.FAILED  # four sources were left out
    calendar = raw.report(clock.before)["contexte"]
    assert calendar["vacances_scolaires_connues"] is (clock.yesterday.year < 2030)
    assert portal.requests("open-meteo") and not portal.requests("archive")


@clocks()
def test_today_can_be_fetched_and_tomorrow_cannot(
    clock: Clock, raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYFLOW_NOW", clock.now)
    monkeypatch.setenv("IDFM_API_KEY", "")
    today, tomorrow = (str(clock.yesterday + timedelta(days=days)) for days in (1, 2))
    assert (
        run(fetch_raw.main, "--date", today, "--source", "traffic").code == ExitCode.CONFIG
    )  # no key: nothing is asked
    refused = run(fetch_raw.main, "--date", tomorrow, "--source", "traffic")
    assert refused.code == ExitCode.USAGE and f"le {tomorrow} n'est pas encore passé" in refused.err


@clocks()
def test_raw_files_are_old_after_three_days(
    clock: Clock, raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYFLOW_NOW", clock.now)
    words = []
    for age in (4, 3):  # days before today
        day = clock.yesterday - timedelta(days=age - 1)
        raw.pull("bikes", str(clock.yesterday), f"{age}.json", [bike("1", f"{day}T10:00:00+00:00", 3)])
        found = re.search(rf"^(\S+) +bikes +.*dernier jour {day}", run(doctor.main).out, re.M)
        words.append(found and found[1])
    assert words == ["attention", "ok"]


@clocks()
def test_status_tells_the_last_thirty_days_up_to_yesterday(
    clock: Clock, raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYFLOW_NOW", clock.now)
    for age in (40, 0, -1):  # days before yesterday; the last is today, which is not over
        metrics = {"qualite": {"statut": "complet"}}
        LocalFileService(raw.output).save_metrics(metrics, "bikes", clock.yesterday - timedelta(days=age))
    told = run(show_status.main).out.splitlines()
    days = [line[:10] for line in told if line[:1] == "2" and line[4:5] == "-"]
    assert (days[0], days[-1]) == (str(clock.yesterday - timedelta(days=29)), clock.before)
    assert told[-1].startswith("30 jours : 0 complet, 1 partiel, 29 manquants")
