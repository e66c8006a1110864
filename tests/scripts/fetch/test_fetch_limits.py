"""make fetch comes to an end and says why: pages without end, totals that lie, publishers that fail day after day."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from scripts import fetch_raw
from scripts.sources.traffic.publisher import PRIM_PAGES_MAX
from tests.conftest import Ran, RawTree
from tests.support.portal_server import Fault, Handler, Portal, refusing, send

Run = Callable[..., Ran]

COUNTS = "comptages-routiers-permanents"


def paged(start: int | None, total: int = 10**9, shown: int = 1) -> Fault:
    """A page of disruptions that says of itself what it likes; `start` None: the page asked for."""

    def fault(request: Handler, body: bytes) -> None:
        asked = int(request.path.partition("start_page=")[2].partition("&")[0])
        answer = json.loads(body)
        answer["disruptions"] = answer["disruptions"][:1]
        page = {"total_result": total, "start_page": asked if start is None else start}
        answer["pagination"] = page | {"items_per_page": 1, "items_on_page": shown}
        send(request, 200, json.dumps(answer).encode(), {})

    return fault


def fetch_traffic(run: Run, portal: Portal) -> Ran:
    return run(fetch_raw.main, "--date", portal.day.isoformat(), "--source", "traffic")


def test_pages_that_never_end_are_followed_up_to_a_limit(raw: RawTree, portal: Portal, run: Run) -> None:
    portal.faults["prim"] = [paged(None)] * (PRIM_PAGES_MAX + 5)
    ran = fetch_traffic(run, portal)
    assert len(portal.requests("prim")) == PRIM_PAGES_MAX
    assert ran.code == 1
    assert f"arrêt après {PRIM_PAGES_MAX} pages" in ran.err and "1000000000" in ran.err


def test_a_publisher_that_sends_the_same_page_again_is_not_asked_on(raw: RawTree, portal: Portal, run: Run) -> None:
    portal.faults["prim"] = [paged(0)] * 10
    ran = fetch_traffic(run, portal)
    assert len(portal.requests("prim")) == 2
    assert ran.code == 1
    assert "page 0 au lieu de la page 1" in ran.err


def test_a_total_that_lies_ends_at_the_first_empty_page(raw: RawTree, portal: Portal, run: Run) -> None:
    portal.faults["prim"] = [paged(None), paged(None), paged(None, shown=0)]
    assert fetch_traffic(run, portal).code == 0
    assert len(portal.requests("prim")) == 3


def test_the_pages_of_a_pull_have_one_time_bound(
    raw: RawTree, portal: Portal, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.fetch_raw.PULL_SECONDS", 0.0)
    ran = fetch_traffic(run, portal)
    assert len(portal.requests("prim")) == 1
    assert ran.code == 1 and "les pages suivantes ne sont pas demandées" in ran.err


def test_a_source_that_fails_three_days_in_a_row_is_asked_no_more(raw: RawTree, portal: Portal, run: Run) -> None:
    portal.faults[COUNTS] = [refusing(404)] * 100
    first = portal.day - timedelta(days=30)
    words = ["--from", first.isoformat(), "--to", portal.day.isoformat(), "--source", "comptages"]
    ran = run(fetch_raw.main, *words, "--source", "weather")
    assert len(portal.requests(COUNTS)) == 3
    assert f"28 jours ne sont pas demandés ({first + timedelta(days=3)} à {portal.day})" in ran.err
    assert len(portal.requests("open-meteo")) + len(portal.requests("archive")) == 31, "the other sources go on"
    assert ran.code == 1


def test_days_that_a_publisher_no_longer_tells_about_are_no_failure_of_it(
    raw: RawTree, portal: Portal, run: Run
) -> None:
    words = ["--from", (portal.day - timedelta(days=12)).isoformat(), "--to", portal.day.isoformat()]
    ran = run(fetch_raw.main, *words, "--source", "traffic")
    assert "ne sont pas demandés" not in ran.err
    assert portal.requests("prim")[-1]["since"] == f"{portal.day:%Y%m%d}T000000"


@pytest.mark.parametrize("script", ["fetch_raw", "backfill", "process_comptages", "show_status"])
def test_a_range_of_centuries_is_a_slip_of_the_keyboard(raw: RawTree, run: Run, script: str) -> None:
    module = __import__(f"scripts.{script}", fromlist=["main"])
    for words in (("--from", "1900-01-01", "--to", "2900-01-01"), ("--from", "1985-01-01", "--to", "2025-11-04")):
        ran = run(module.main, *words)
        assert ran.code == 2
        assert "l'année doit être entre 1970 et 2100" in ran.err or "plus de 3660 jours" in ran.err
