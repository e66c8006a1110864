"""Publishing when things go wrong: AWS refuses, is slow or loses replies, the run is interrupted or killed."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Ran
from tests.script_server import Popen
from tests.support.aws_server import ACCESS_KEY, BUCKET, SECRET_KEY, TOKEN, AwsServer
from tests.support.cases import each_once, shortened
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.patience import deadline
from tests.support.published import DAY, METRICS, Output, published
from upload_to_aws import main

Run = Callable[..., Ran]
Patch = pytest.MonkeyPatch


class Process(Popen):
    """The command as a person starts it, from a folder that has nothing to do with it."""

    def __init__(self, *argv: str) -> None:
        command = [sys.executable, str(ROOT / "upload_to_aws.py"), *argv]
        super().__init__(command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ended(self) -> Ran:
        out, err = self.communicate(timeout=deadline())
        return Ran(self.returncode, out, err)


def last_line(ran: Ran) -> str:
    return ran.out.splitlines()[-1]


# ------------------------------------------------------------------------------- what ends well after another attempt


ACTIONS = ["dynamodb:GetItem", "dynamodb:PutItem", "s3:PutObject"]


@pytest.mark.parametrize(("kind", "action"), each_once(["throttle", "http_500", "lost"], ACTIONS))
def test_a_passing_fault_is_retried(
    proxy: FaultProxy, aws: AwsServer, output: Output, run: Run, kind: str, action: str
) -> None:
    output.metrics()
    output.report()
    proxy.faults.append(Fault(kind, action))
    ran = run(main, "-j", "1")
    assert ran.code == 0, ran.err
    assert last_line(ran).startswith("publiés 2, identiques 0, échecs 0")
    assert proxy.faults[0].times == 0
    assert sorted(published(aws)) == [f"bikes/{DAY}", f"daily_report_{DAY}/{DAY}"]
    assert run(main, "--check").code == 0


def test_a_lost_reply_to_a_replacement_is_success(proxy: FaultProxy, aws: AwsServer, output: Output, run: Run) -> None:
    """Both conditional requests land, their replies are lost, and botocore sends them again."""
    output.report(timestamp="2025-11-05T06:00:00Z")
    run(main)
    output.report(resume="autre", timestamp="2025-11-06T06:00:00Z")
    proxy.faults += [Fault("lost", "dynamodb:PutItem"), Fault("lost", "dynamodb:UpdateItem")]
    ran = run(main)
    assert ran.code == 0, ran.err
    assert [fault.times for fault in proxy.faults] == [0, 0]
    assert published(aws)[f"daily_report_{DAY}/{DAY}"]["report"]["resume"] == "autre"


def test_slow_replies_are_awaited_side_by_side(proxy: FaultProxy, output: Output, run: Run) -> None:
    for day in range(1, 9):
        output.metrics(day=f"2025-11-{day:02}")
    together = threading.Barrier(8)  # no reply before all eight requests are there
    proxy.faults.append(Fault("call", "dynamodb:PutItem", times=8, call=lambda: together.wait(deadline())))
    assert run(main, "-j", "8").code == 0
    assert not together.broken


# ----------------------------------------------------------------------------------------- what costs one document


def test_an_item_that_aws_refuses_costs_itself_alone(
    proxy: FaultProxy, aws: AwsServer, output: Output, run: Run
) -> None:
    for kind in ("bikes", "traffic", "weather"):
        output.metrics(kind)
    proxy.faults.append(Fault("too_large", "dynamodb:PutItem", containing="traffic"))
    ran = run(main)
    assert ran.code == 1
    assert f"! metrics/traffic_metrics_{DAY}.json : table cityflow-metrics : PutItem refusé" in ran.out
    assert "Refus définitif" in ran.out and "Relancer" not in ran.out
    assert f"metrics/traffic_metrics_{DAY}.json" in ran.err.splitlines()[-1]
    assert last_line(ran).startswith("publiés 2, identiques 0, échecs 1, invalides 0")
    assert sorted(published(aws)) == [f"bikes/{DAY}", f"weather/{DAY}"]


@pytest.mark.parametrize(
    ("timestamp", "stands"), [("2099-01-01T00:00:00Z", "theirs"), ("2000-01-01T00:00:00Z", "ours")]
)
def test_the_newer_wins_over_what_another_run_wrote_meanwhile(
    proxy: FaultProxy, aws: AwsServer, output: Output, run: Run, timestamp: str, stands: str
) -> None:
    output.metrics()
    other = {"metric_type": {"S": "bikes"}, "date": {"S": DAY}, "timestamp": {"S": timestamp}, "metrics": {"M": {}}}

    def interfere() -> None:
        aws.clients.dynamodb.put_item(TableName="cityflow-metrics", Item=other)

    proxy.faults.append(Fault("call", "dynamodb:PutItem", call=interfere))
    ran = run(main)
    if stands == "theirs":
        assert ran.code == 1
        assert "plus récent dans AWS" in ran.err
        assert aws.items("cityflow-metrics") == [other]
    else:
        assert ran.code == 0, ran.err
        assert published(aws)[f"bikes/{DAY}"]["metrics"] == METRICS


def test_two_runs_at_once_both_succeed(aws: AwsServer, output: Output, run: Run) -> None:
    for day in range(1, 4):
        output.metrics(day=f"2025-11-{day:02}")
        output.report(day=f"2025-11-{day:02}")
    both = [process.ended() for process in [Process(), Process()]]
    assert [ran.code for ran in both] == [0, 0], [ran.err for ran in both]
    assert run(main, "--check").code == 0


# ---------------------------------------------------------------------------------------------- what stops the run


HOPELESS = {
    "expired": "les identifiants AWS ont expiré",
    "unknown_token": "AWS ne reconnaît pas les identifiants",
    "denied": "--show-policy",
}


@pytest.mark.parametrize(("kind", "action"), each_once(HOPELESS, ACTIONS))
def test_a_hopeless_refusal_stops_at_once(proxy: FaultProxy, output: Output, run: Run, kind: str, action: str) -> None:
    for day in range(1, 10):
        output.report(day=f"2025-11-{day:02}")
    proxy.faults.append(Fault(kind, action, times=1_000))
    ran = run(main, "-j", "1")
    assert ran.code == 3
    assert HOPELESS[kind] in ran.err
    assert proxy.actions().count(action) == 1
    assert last_line(ran).startswith("publiés 0, identiques 0, échecs 0, invalides 0, non traités 9 ;")


def test_a_token_that_expires_on_the_way_says_what_was_sent(proxy: FaultProxy, output: Output, run: Run) -> None:
    for day in range(1, 7):
        output.metrics(day=f"2025-11-{day:02}")
    proxy.faults.append(Fault("expired", "dynamodb:PutItem", skip=3, times=1_000))
    ran = run(main, "-j", "1")
    assert ran.code == 3
    assert last_line(ran).startswith("publiés 3, identiques 0, échecs 0, invalides 0, non traités 3 ;")
    proxy.faults.clear()
    assert last_line(run(main)).startswith("publiés 3, identiques 3,")


def test_a_missing_table_leads_to_setup(proxy: FaultProxy, aws: AwsServer, output: Output, run: Run) -> None:
    aws.clients.dynamodb.delete_table(TableName="cityflow-metrics")
    output.metrics()
    for argv in ((), ("--dry-run",), ("--check",)):
        ran = run(main, *argv)
        assert ran.code == 3
        assert "table cityflow-metrics n'existe pas" in ran.err
        assert "make setup-aws" in ran.err


def test_a_missing_bucket_leads_to_setup(aws: AwsServer, output: Output, run: Run) -> None:
    aws.clients.s3.delete_bucket(Bucket=BUCKET)
    output.report()
    ran = run(main)
    assert ran.code == 3
    assert f"bucket {BUCKET} n'existe pas" in ran.err
    assert "make setup-aws" in ran.err
    assert aws.items("cityflow-reports") == []


def test_a_service_that_fails_for_a_second_or_two_is_waited_for(
    proxy: FaultProxy, aws: AwsServer, output: Output, run: Run
) -> None:
    output.metrics()
    proxy.faults.append(Fault("http_500", "dynamodb:PutItem", times=4))
    assert last_line(run(main)).startswith("publiés 1, identiques 0, échecs 0,")
    assert len(aws.items("cityflow-metrics")) == 1


def test_nobody_answers(aws: AwsServer, output: Output, run: Run, monkeypatch: Patch) -> None:
    for day in range(1, 10):
        output.metrics(day=f"2025-11-{day:02}")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("lib.publish.asking.FIRST_WAIT", 0.001)
    monkeypatch.setattr("lib.publish.run.PAUSE", 0.01)
    ran = run(main, "-j", "1")
    assert ran.code == 1
    assert "AWS ne répond pas" in ran.err
    assert "non traités 9" in last_line(ran)


def test_no_credentials_is_said_before_anything_is_sent(
    proxy: FaultProxy, output: Output, run: Run, monkeypatch: Patch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    output.metrics()
    ran = run(main)
    assert (ran.code, proxy.asked) == (3, [])
    assert re.search(r"aucun identifiant AWS.*AWS_ACCESS_KEY_ID.*~/\.aws/credentials.*aws configure", ran.err)


# ------------------------------------------------------------------------------------------------- interruptions


def test_ctrl_c_says_what_was_sent(proxy: FaultProxy, aws: AwsServer, output: Output, run: Run) -> None:
    for day in range(1, 9):
        output.metrics(day=f"2025-11-{day:02}")
    process = Process("-j", "1")
    proxy.faults.append(Fault("call", "dynamodb:PutItem", skip=3, call=lambda: _signal(process, signal.SIGINT)))
    ran = process.ended()
    assert ran.code == 130
    assert "interrompu" in ran.err
    sent = int(re.match(r"publiés (\d), .* non traités (\d) ;", last_line(ran)).group(1))  # type: ignore[union-attr]
    assert 3 <= sent < 8
    assert len(published(aws)) == sent
    assert last_line(run(main)).startswith(f"publiés {8 - sent}, identiques {sent},")


def test_a_report_killed_before_its_item_is_not_there(
    proxy: FaultProxy, aws: AwsServer, output: Output, run: Run
) -> None:
    output.report()
    process = Process()
    proxy.faults.append(Fault("call", "s3:PutObject", skip=1, call=lambda: _signal(process, signal.SIGKILL)))
    assert process.ended().code == -signal.SIGKILL
    assert aws.objects()
    assert aws.items("cityflow-reports") == []
    assert run(main).code == 0
    assert run(main, "--check").code == 0


@pytest.mark.parametrize("skip", shortened(range(9), {0, 4, 8}))
def test_a_report_killed_while_replaced_is_old_or_new_and_finished_by_the_next_upload(
    proxy: FaultProxy, aws: AwsServer, output: Output, run: Run, skip: int
) -> None:
    """Killed at each write; the next upload is that of a machine with the older files."""
    before = output.report(timestamp="2025-11-05T06:00:00Z")
    run(main)
    old = {path: path.read_bytes() for path in before.parent.iterdir()}
    output.report(resume="autre", timestamp="2025-11-06T06:00:00Z")
    for suffix in (".csv", ".html"):
        before.with_suffix(suffix).write_text(f"autre {suffix}")
    new = {path: path.read_bytes() for path in before.parent.iterdir()}
    process = Process("-j", "1")
    proxy.asked.clear()
    proxy.faults.append(Fault("call", "*Put*", skip=skip, call=lambda: _signal(process, signal.SIGKILL)))
    process.ended()
    proxy.faults.clear()
    (item,) = aws.items("cityflow-reports")
    is_new = "autre" in item["report"]["M"]["resume"].get("S", "")
    for path, content in old.items():
        path.write_bytes(content)
    ran = run(main)
    assert ran.code == is_new  # newer in AWS
    readable = {path: aws.contents()[f"reports/{path.name}"] for path in old}
    assert readable == (new if is_new else old)
    assert aws.contents()["reports/latest.html"] == readable[before.with_suffix(".html")]
    for path, content in new.items():
        path.write_bytes(content)
    assert run(main).code == 0
    assert run(main, "--check").code == 0
    assert all("publication" not in item for item in aws.items("cityflow-reports"))


# ------------------------------------------------------------------------------------------------------- secrets


@pytest.mark.parametrize("kind", ["expired", "unknown_token", "denied", "http_500", "too_large"])
def test_nothing_secret_is_ever_said(
    proxy: FaultProxy, output: Output, run: Run, monkeypatch: Patch, kind: str
) -> None:
    """The proxy puts the session token in its messages, as careless servers do."""
    output.metrics()
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url.replace("//", "//jean:mot-de-passe@"))
    proxy.faults.append(Fault(kind, "dynamodb:PutItem", times=1_000 if kind != "http_500" else 1))
    ran = run(main, "-v")
    assert proxy.asked, ran.err
    for secret in (SECRET_KEY, TOKEN, ACCESS_KEY, "mot-de-passe"):
        assert secret not in ran.out + ran.err


def test_it_runs_from_any_folder(proxy: FaultProxy, aws: AwsServer, output: Output, tmp_path: Path) -> None:
    output.metrics()
    assert Process().ended().code == 0
    assert published(aws)[f"bikes/{DAY}"]["metrics"] == METRICS


def _signal(process: Any, number: int) -> None:
    os.kill(process.pid, number)
    time.sleep(0.1)  # the answer comes after the signal
