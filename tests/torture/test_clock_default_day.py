"""The default day is yesterday in Paris whatever the machine's zone, for every command that has one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from lib.paris_time import yesterday
from lib.run_lock import day_lock
from scripts import (
    check_quality,
    fetch_raw,
    generate_report,
    show_status,
)
from scripts.six_sources import MAINS
from tests.checkout import Checkout, copy_checkout
from tests.conftest import Ran, RawTree
from tests.portal_server import Portal
from tests.shared_trees import demo_tree
from tests.torture.machines import ZONES, clock_at, in_zone

Run = Callable[..., Ran]

LAST_MINUTE = "2025-10-26T22:59:59+00:00"  # 23:59 in Paris, whose 26th of October had 25 hours
NEXT_DAY = "2025-10-26T23:00:00+00:00"
MOMENTS = {LAST_MINUTE: "2025-10-25", NEXT_DAY: "2025-10-26", "2025-03-30T21:59:59+00:00": "2025-03-29"}


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    with in_zone(request.param):
        yield request.param


@pytest.mark.parametrize("moment", MOMENTS)
def test_yesterday(zone: str, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.paris_time.datetime", clock_at(moment))
    assert yesterday().isoformat() == MOMENTS[moment]


def test_every_script_takes_the_same_day(
    zone: str, raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch, demo: Path
) -> None:
    monkeypatch.setenv("DATA_DIR", str(demo))
    monkeypatch.setattr("lib.paris_time.datetime", clock_at(NEXT_DAY))
    for main in (*MAINS.values(), generate_report.main):
        ran = run(main)
        assert ran.code == 0, ran.err
        assert "2025-10-26" in ran.out
    assert run(check_quality.main).out.splitlines()[-1].startswith("2025-10-26 : ")
    assert run(show_status.main).out.startswith("2025-10-26 ")
    written = [path.stem for path in raw.output.glob("*/*.json")]
    assert len(written) == 7 and all(name.endswith("2025-10-26") for name in written)


def test_fetch_asks_for_the_same_day(zone: str, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.paris_time.datetime", clock_at(NEXT_DAY))
    run(fetch_raw.main, "--source", "comptages")
    (asked,) = portal.requests("comptages-routiers-permanents")
    assert asked["where"].startswith("t_1h > date'2025-10-26T00:00:00'")


def test_make_and_the_cron_script_take_the_same_day(checkout: Checkout) -> None:
    """By the real clock: whoever holds the day of Paris refuses them."""
    today = yesterday() + timedelta(days=1)
    with ExitStack() as held:
        for day in (today - timedelta(days=1), today):  # midnight may strike during the test
            held.enter_context(day_lock(checkout.root / "output", day, "essai", None))
        for command in (("make", "process"), ("./run_processing.sh",)):
            for zone in ZONES:
                ran = checkout.run(*command, TZ=zone)
                assert f"un autre traitement du {yesterday()} est en cours" in ran.out + ran.err


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_tree(tmp_path_factory, 2, "2025-10-26")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    folder = tmp_path_factory.mktemp("default_make")
    return copy_checkout(folder / "checkout", folder / "raw")
