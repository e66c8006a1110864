"""The default day is yesterday in Paris whatever the machine's zone, for every command that has one."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from lib.files.locks import day_lock
from lib.run import cli
from scripts import check_quality, day, fetch_raw, generate_report, show_status
from tests.conftest import Ran, RawTree, mains
from tests.support.checkout import Checkout, copy_checkout
from tests.support.clocks import Clock, clocks
from tests.support.portal_server import Portal
from tests.support.shared_trees import demo_tree
from tests.torture.clocks.machines import ZONES, in_zone

Run = Callable[..., Ran]

DAY = "2025-10-26"  # of 25 hours
NEXT_DAY = "2025-10-26T23:00:00+00:00"  # midnight in Paris; everywhere west of it, it is still DAY


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    with in_zone(request.param):
        yield request.param


@clocks()
def test_a_command_that_is_given_no_day_takes_yesterday(
    clock: Clock, zone: str, raw: RawTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYFLOW_NOW", clock.now)
    assert cli.day_settings(cli.day_parser("").parse_args([]))[1] == clock.yesterday


def test_every_script_takes_the_same_day(raw: RawTree, run: Run, monkeypatch: pytest.MonkeyPatch, demo: Path) -> None:
    monkeypatch.setenv("DATA_DIR", str(demo))
    monkeypatch.setenv("CITYFLOW_NOW", NEXT_DAY)
    with in_zone("America/Los_Angeles"):
        for main in (*mains().values(), generate_report.main, day.main):
            ran = run(main)
            assert ran.code == 0, ran.err
            assert DAY in ran.out
        assert run(check_quality.main).out.splitlines()[-1].startswith(f"{DAY} : ")
        assert run(show_status.main).out.startswith(f"{DAY} ")
    written = [path.stem for path in raw.output.glob("*/*.json")]
    assert len(written) == len(mains()) + 1 and all(name.endswith(DAY) for name in written)


def test_fetch_asks_for_the_same_day(zone: str, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYFLOW_NOW", NEXT_DAY)
    run(fetch_raw.main, "--source", "comptages")
    (asked,) = portal.requests("comptages-routiers-permanents")
    assert asked["where"].startswith(f"t_1h > date'{DAY}T00:00:00'")


def test_make_takes_the_day_of_paris_and_leaves_it_to_whom_holds_it(checkout: Checkout) -> None:
    """Whoever holds the day of Paris refuses them."""
    with day_lock(checkout.root / "output", date.fromisoformat(DAY), "essai", None):
        for command in (("make", "process"), ("./run_processing.sh", DAY)):
            for zone in ZONES:
                ran = checkout.run(*command, TZ=zone, CITYFLOW_NOW=NEXT_DAY)
                assert f"un autre traitement du {DAY} est en cours" in ran.out + ran.err


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_tree(tmp_path_factory, 2, DAY)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    folder = tmp_path_factory.mktemp("default_make")
    return copy_checkout(folder / "checkout", folder / "raw")
