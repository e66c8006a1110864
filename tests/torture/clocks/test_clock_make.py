"""make process, status and upload as if in other zones and languages: same figures, nothing to redo, same words."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import upload_to_aws
from lib.common.settings import load_settings
from lib.publish.asking import Request
from lib.publish.local_documents import document_files, read_files, validated
from lib.publish.plan import Wish, plan_document
from lib.publish.remote import ABSENT
from lib.run.manifest import PUBLICATION, recorded
from scripts import show_status
from scripts.registry import SOURCES
from tests.conftest import Ran
from tests.support.checkout import Checkout, copy_checkout
from tests.support.shared_trees import demo_tree
from tests.torture.clocks.machines import CHANGE_DAYS, MACHINES, ZONES, in_zone
from tests.torture.results import documents

SHORT_DAY, SHORT_MACHINE = "2025-10-26", "kiritimati_ascii"  # tried with the other tests; the rest with --torture

Run = Callable[..., Ran]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    whole = int(metafunc.config.getoption("--torture"))
    if "machine" in metafunc.fixturenames:
        metafunc.parametrize("machine", list(MACHINES) if whole else [SHORT_MACHINE])
    if "day" in metafunc.fixturenames:
        metafunc.parametrize("day", CHANGE_DAYS if whole else [SHORT_DAY], scope="module")


@pytest.fixture(scope="module")
def checkout(day: str, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A change day made on a machine in UTC, by the command that makes it in one process."""
    folder = tmp_path_factory.mktemp("clock")
    checkout = copy_checkout(folder / "checkout", demo_tree(tmp_path_factory, 2, day))
    ran = checkout.make("backfill", f"FROM={day}", f"TO={day}", "JOBS=1", TZ="UTC", LANG="C.UTF-8")
    assert ran.code == 0, ran.err
    return checkout


@pytest.fixture
def made_here(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The output of that machine, which this process then works on."""
    for name, value in {"OUTPUT_DIR": str(checkout.root / "output"), "CITYFLOW_STORE": "local_files"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("S3_REPORTS_BUCKET", "essai")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    return checkout.root / "output"


def test_a_day_made_elsewhere_is_the_same_to_the_last_byte(
    checkout: Checkout, day: str, machine: str, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "résultats"  # a name that an ASCII machine cannot spell
    ran = checkout.make("-j2", "process", f"DATE={day}", OUTPUT_DIR=str(elsewhere), **MACHINES[machine])
    assert ran.code == 0, ran.err
    found = documents(elsewhere)
    assert {f"metrics/{source}_metrics_{day}.json" for source in SOURCES} | {f"reports/daily_report_{day}.html"} <= set(
        found
    )
    assert found == documents(checkout.root / "output")


def test_a_day_made_here_is_up_to_date_elsewhere(checkout: Checkout, day: str, request: pytest.FixtureRequest) -> None:
    before = checkout.written()
    for zone in ZONES[1:] if int(request.config.getoption("--torture")) else ZONES[-1:]:
        assert "rien à refaire" in checkout.make("process", f"DATE={day}", TZ=zone).out
        assert "0 calcul à faire" in checkout.make("backfill", f"FROM={day}", f"TO={day}", "DRY_RUN=1", TZ=zone).out
    assert checkout.written() == before


def test_the_items_to_publish_are_the_same_everywhere(made_here: Path, day: str) -> None:
    def requests() -> list[tuple[Request, ...]]:
        settings, now = load_settings(), datetime(2025, 10, 27, tzinfo=UTC)
        found = document_files(made_here, ["metrics", "reports"], date.fromisoformat(day), date.fromisoformat(day))
        return [
            plan_document(validated(one, read_files(one, settings)), ABSENT, settings, now, Wish()).writes
            for one in found
        ]

    first, *others = [in_zone(zone)(requests)() for zone in ZONES]
    assert len(first) == len(SOURCES) + 1 and others == [first, first]


def test_status_and_dry_run_say_the_same_everywhere(
    made_here: Path, day: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # invented figures go to no other AWS
    with recorded(load_settings(), date.fromisoformat(day), PUBLICATION, lambda: []):
        pass  # as an upload leaves it
    status = ["--from", day, "--to", day]
    told = [in_zone(zone)(run)(show_status.main, *status).out for zone in ZONES]
    assert "publié le" in told[0] and len(set(told)) == 1
    plans = [in_zone(zone)(run)(upload_to_aws.main, "--dry-run") for zone in ZONES]
    assert f"à publier {len(SOURCES) + 1}" in plans[0].out and {ran.code for ran in plans} == {0}
    assert len({ran.out.rpartition(" en ")[0] for ran in plans}) == 1  # but for the seconds it took
