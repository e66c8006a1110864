"""Items live a year from their last upload or renewal: what is uploaded again and again never vanishes."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from lib.common.errors import ExitCode
from tests.conftest import Ran
from tests.support.aws_server import AwsServer
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.published import Output
from upload_to_aws import main

Run = Callable[..., Ran]

DAY, NOW = 86_400, datetime.fromisoformat("2025-11-05T06:30:00+01:00")
TABLES = ("cityflow-metrics", "cityflow-reports")


@pytest.fixture
def year_old(aws: AwsServer, output: Output, run: Run, monkeypatch: pytest.MonkeyPatch) -> AwsServer:
    """Metrics and a report published long ago: a hundred days are left to them, NOW."""
    monkeypatch.setenv("CITYFLOW_NOW", NOW.isoformat())
    output.metrics()
    output.report()
    assert run(main).code == 0
    age(aws, 100)
    return aws


def age(aws: AwsServer, days_left: int) -> None:
    for table in TABLES:
        for item in aws.items(table):
            left = {"N": str(int(NOW.timestamp()) + days_left * DAY)}
            aws.clients.dynamodb.put_item(TableName=table, Item=item | {"ttl": left})


def items(aws: AwsServer) -> list[dict[str, Any]]:
    return [item for table in TABLES for item in aws.items(table)]


def days_left(aws: AwsServer) -> list[int]:
    return [(int(item["ttl"]["N"]) - NOW.timestamp()) / DAY for item in items(aws)]


def test_what_is_unchanged_lives_another_year_when_it_is_past_half_of_it(
    year_old: AwsServer, proxy: FaultProxy, run: Run
) -> None:
    before = items(year_old)
    ran = run(main)
    assert ran.code == 0
    assert "publiés 0, identiques 2" in ran.out and "prolongés 2" in ran.out
    assert [one.action for one in proxy.writes()] == ["dynamodb:UpdateItem"] * 2
    assert days_left(year_old) == [365, 365]
    assert [{**item, "ttl": 0} for item in items(year_old)] == [{**item, "ttl": 0} for item in before]


def test_nothing_is_written_before(year_old: AwsServer, proxy: FaultProxy, run: Run) -> None:
    age(year_old, 200)
    ran = run(main)
    assert ran.code == 0 and "prolongés" not in ran.out
    assert proxy.writes() == [] and proxy.actions() == ["dynamodb:GetItem"] * 2
    assert days_left(year_old) == [200, 200]


def test_figures_computed_again_to_the_same_are_renewed_too(
    year_old: AwsServer, output: Output, proxy: FaultProxy, run: Run
) -> None:
    output.metrics(timestamp="2027-01-01T05:00:00+00:00")
    assert "identiques 2" in run(main).out
    assert days_left(year_old) == [365, 365]


def test_a_dry_run_says_it_and_a_check_does_not_write(year_old: AwsServer, proxy: FaultProxy, run: Run) -> None:
    ran = run(main, "--dry-run")
    assert "= metrics/bikes_metrics_2025-11-04.json : vie prolongée d'un an" in ran.out
    assert "à publier 0, identiques 2" in ran.out and "prolongés 2" in ran.out
    assert run(main, "--check").code == 0
    assert proxy.writes() == [] and days_left(year_old) == [100, 100]


def test_an_item_replaced_meanwhile_keeps_its_own_life(year_old: AwsServer, proxy: FaultProxy, run: Run) -> None:
    def replace() -> None:
        for item in year_old.items(TABLES[0]):
            newer = {
                "sha256": {"S": "another"},
                "file_sha256": {"S": "another"},
                "timestamp": {"S": "2099-01-01T00:00:00Z"},
            }
            year_old.clients.dynamodb.put_item(TableName=TABLES[0], Item=item | newer)

    proxy.faults.append(Fault("call", "dynamodb:UpdateItem", containing="bikes", call=replace))
    ran = run(main, "--type", "metrics")
    assert ran.code == ExitCode.FAILED
    assert "plus récent dans AWS" in ran.err
    assert min(days_left(year_old)) == 100


def test_a_lost_reply_to_a_renewal_is_success(year_old: AwsServer, proxy: FaultProxy, run: Run) -> None:
    proxy.faults.append(Fault("lost", "dynamodb:UpdateItem"))
    assert run(main).code == 0
    assert days_left(year_old) == [365, 365]
