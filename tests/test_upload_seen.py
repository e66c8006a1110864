"""Days long published cost no request: a note of what was seen, which any doubt sets aside."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.conftest import Ran
from tests.support.aws_server import AwsServer
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.published import Output, published
from upload_to_aws import main

Run = Callable[..., Ran]

NOW = datetime.fromisoformat("2025-11-20T06:30:00+01:00")
OLD = ["2025-11-01", "2025-11-02", "2025-11-03"]
RECENT = "2025-11-18"


@pytest.fixture
def seen(proxy: FaultProxy, output: Output, run: Run, monkeypatch: pytest.MonkeyPatch) -> FaultProxy:
    """Three old days and a recent one, and a report of one of the old: published and noted."""
    monkeypatch.setenv("CITYFLOW_NOW", NOW.isoformat())
    for day in [*OLD, RECENT]:
        output.metrics(day=day)
    output.report(day=OLD[1])
    assert run(main).code == 0
    proxy.asked.clear()
    return proxy


def reads(proxy: FaultProxy) -> int:
    return proxy.actions().count("dynamodb:GetItem")


def note_of(output: Output) -> Path:
    (note,) = (output.root / ".published").iterdir()
    return note


def change_the_page(output: Output) -> None:
    (output.root / "reports" / f"daily_report_{OLD[1]}.html").write_text("autre page")


def test_old_days_cost_no_request_but_one_for_all_of_them(seen: FaultProxy, output: Output, run: Run) -> None:
    manifests = {path: path.read_bytes() for path in (output.root / "runs").rglob("*.json")}
    ran = run(main)
    assert ran.code == 0
    assert reads(seen) == 1 + 1 and seen.writes() == []
    assert ran.out.startswith("publiés 0, identiques 5, échecs 0, invalides 0, déjà confirmés 4 ;")
    written = {path.parent.name for path, before in manifests.items() if path.read_bytes() != before}
    assert written == {RECENT}


def test_a_dry_run_says_since_when(seen: FaultProxy, run: Run) -> None:
    ran = run(main, "--dry-run", "--date", OLD[0])
    assert f"= metrics/bikes_metrics_{OLD[0]}.json : confirmé le 2025-11-20" in ran.out
    assert reads(seen) == 1


def test_what_changed_here_is_compared_and_sent(seen: FaultProxy, output: Output, run: Run) -> None:
    change_the_page(output)
    ran = run(main)
    assert ran.out.splitlines()[-1].startswith("publiés 1, identiques 4, échecs 0, invalides 0, déjà confirmés 3 ;")
    assert run(main, "--check").code == 0


def test_a_damaged_note_is_said_and_written_anew(seen: FaultProxy, output: Output, run: Run) -> None:
    note = note_of(output)
    note.write_text(note.read_text().replace('"vu": "2025', '"vu": "2024'))
    ran = run(main)
    assert ran.code == 0 and "abîmé" in ran.err and reads(seen) == 5
    seen.asked.clear()
    assert run(main).code == 0 and reads(seen) == 2


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b"[]", b"null", b"\xff"])
def test_whatever_the_note_holds_all_is_compared(aws: AwsServer, output: Output, run: Run, content: bytes) -> None:
    output.metrics(day=OLD[0])
    assert run(main).code == 0
    whole = note_of(output).read_bytes()
    note_of(output).write_bytes(content)
    ran = run(main)
    assert ran.code == 0 and "abîmé" in ran.err
    assert note_of(output).read_bytes().count(b"metrics/") == whole.count(b"metrics/") == 1


def test_who_wants_to_know_asks_for_all(seen: FaultProxy, run: Run) -> None:
    for option in ("--check", "--repair", "--force"):
        seen.asked.clear()
        assert run(main, option).code == 0
        assert reads(seen) >= 5


def test_another_place_or_another_form_of_code_is_asked_for_all(
    seen: FaultProxy, output: Output, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("upload_to_aws.form", lambda: "autre")
    assert run(main).code == 0 and reads(seen) == 5
    seen.asked.clear()
    monkeypatch.setenv("S3_REPORTS_PREFIX", "ailleurs")
    assert run(main, "--type", "reports").code == 0
    assert seen.actions().count("dynamodb:UpdateItem") == 2  # its page elsewhere, and the end of its mark
    assert len(list((output.root / ".published").iterdir())) == 2


def test_where_aws_lost_what_was_noted_all_is_asked_for(seen: FaultProxy, aws: AwsServer, run: Run) -> None:
    """As in another account, or in a table that was made anew."""
    aws.reset()
    aws.make_tables()
    aws.make_bucket()
    ran = run(main)
    assert ran.code == 0 and "comme noté ici : tout est comparé de nouveau" in ran.err
    assert len(published(aws)) == 5


def test_what_a_check_misses_is_asked_for_by_the_next_upload(seen: FaultProxy, aws: AwsServer, run: Run) -> None:
    key = {"metric_type": {"S": "bikes"}, "date": {"S": OLD[2]}}
    aws.clients.dynamodb.delete_item(TableName="cityflow-metrics", Key=key)
    assert run(main, "--check").code == 1
    assert run(main).out.splitlines()[-1].startswith("publiés 1, identiques 4,")
    assert run(main, "--check").code == 0


def test_what_another_upload_may_yet_change_is_not_noted(
    seen: FaultProxy, aws: AwsServer, output: Output, run: Run
) -> None:
    key = {"report_id": {"S": f"daily_report_{OLD[1]}"}, "date": {"S": OLD[1]}}
    change_the_page(output)
    mark = {"S": f"{NOW.isoformat()} celle-d-un-autre"}
    aws.clients.dynamodb.update_item(
        TableName="cityflow-reports",
        Key=key,
        UpdateExpression="SET publication = :mark",
        ExpressionAttributeValues={":mark": mark},
    )
    note_of(output).unlink()
    assert run(main).code == 0
    noted = json.loads(note_of(output).read_bytes())["documents"]
    assert len(noted) == 4 and f"reports/daily_report_{OLD[1]}.json" not in noted


def test_a_note_that_cannot_be_written_costs_a_warning(aws: AwsServer, output: Output, run: Run) -> None:
    output.metrics()
    (output.root / ".published").write_text("")
    for _ in range(2):
        ran = run(main)
        assert ran.code == 0 and "rien ne manque dans AWS" in ran.err


def test_what_cannot_be_asked_for_is_compared_as_ever(seen: FaultProxy, run: Run) -> None:
    seen.faults.append(Fault("http_500", "dynamodb:GetItem"))
    ran = run(main)
    assert ran.code == 0 and ran.out.startswith("publiés 0, identiques 5, échecs 0, invalides 0 ;")
