"""A hiccup is not a failure: what passes is waited for, what was damaged is repaired, what never passes is said."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from lib.common.settings import load_settings
from lib.dynamodb_service import DynamodbService
from tests.conftest import Ran
from tests.support.aws_server import BUCKET, KMS_KEY, AwsServer
from tests.support.cases import each_once
from tests.support.fault_proxy import REFUSALS, Fault, FaultProxy
from tests.support.published import ARCS, DAY, Output, published
from upload_to_aws import main

Run = Callable[..., Ran]


def last_line(ran: Ran) -> str:
    return ran.out.splitlines()[-1]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr("lib.publish.asking.FIRST_WAIT", 0.001)
    monkeypatch.setattr("lib.publish.run.PAUSE", 0.1)
    return monkeypatch


def test_every_document_has_its_own_budget_of_attempts(
    proxy: FaultProxy, output: Output, run: Run, hasty: pytest.MonkeyPatch
) -> None:
    """botocore's budget, shared by all threads, was spent after 35 attempts in all."""
    for day in range(1, 6):
        output.metrics(day=f"2025-11-{day:02}")
        proxy.faults.append(Fault("throttle", "dynamodb:PutItem", containing=f"2025-11-{day:02}", times=8))
    ran = run(main)
    assert ran.code == 0, ran.err
    assert last_line(ran).startswith("publiés 5, identiques 0, échecs 0")


def test_what_failed_is_tried_again_after_a_pause(
    proxy: FaultProxy, output: Output, run: Run, hasty: pytest.MonkeyPatch
) -> None:
    for kind in ("bikes", "traffic", "weather"):
        output.metrics(kind)
    proxy.faults.append(Fault("http_500", "dynamodb:PutItem", containing="traffic", times=15))
    hasty.setattr("lib.publish.run.PAUSE", 1.5)
    begun = time.monotonic()
    ran = run(main)
    assert ran.code == 0, ran.err
    assert time.monotonic() - begun >= 1.5
    assert "1 document à traiter encore" in ran.err and "10 essais" in ran.err
    assert last_line(ran).startswith("publiés 3, identiques 0, échecs 0")


def test_what_fails_twice_is_a_failure_that_says_how_often(
    proxy: FaultProxy, output: Output, run: Run, hasty: pytest.MonkeyPatch
) -> None:
    output.metrics()
    output.metrics("weather")
    proxy.faults.append(Fault("http_500", "dynamodb:PutItem", containing="weather", times=1000))
    ran = run(main)
    assert ran.code == 1
    assert "10 essais" in ran.err and "Relancer la même commande" in ran.err
    assert last_line(ran).startswith("publiés 1, identiques 0, échecs 1")


@pytest.mark.parametrize(
    ("kind", "action"), each_once(["cut", "byte", "nothing"], ["dynamodb:GetItem", "s3:GetObject"])
)
def test_a_cut_reply_is_read_again(proxy: FaultProxy, output: Output, run: Run, kind: str, action: str) -> None:
    output.large()
    output.report()
    run(main)
    proxy.faults.append(Fault(kind, action))
    ran = run(main, "--check")
    assert ran.code == 0, ran.err
    assert proxy.faults[0].times == 0
    with DynamodbService(load_settings()) as service:
        proxy.faults.append(Fault(kind, action))
        assert service.load({"metric_type": "comptages", "date": DAY})


def test_replies_that_are_always_cut_cost_one_document(
    proxy: FaultProxy, output: Output, run: Run, hasty: pytest.MonkeyPatch
) -> None:
    output.large()
    output.metrics()
    run(main)
    proxy.faults.append(Fault("cut", "s3:GetObject", times=1000))
    ran = run(main, "--check")
    assert ran.code == 1
    assert last_line(ran).startswith("identiques 1, absents 0, différents 0, abîmés 0, échecs 1")
    assert "réponse coupée" in ran.err


@contextmanager
def portal(status: int) -> Iterator[str]:
    """A network that answers everything with its own page, whatever it calls that."""

    class Page(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            page = b"" if status == 204 or self.command == "HEAD" else b"<html>Bienvenue</html>"
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        do_GET = do_PUT = do_POST = do_HEAD = do_any

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("status", "argv"), each_once([200, 204, 302, 403, 404, 407, 511], [[], ["--check"]]))
def test_the_page_of_a_captive_portal_is_no_answer(
    aws: AwsServer, output: Output, run: Run, hasty: pytest.MonkeyPatch, status: int, argv: list[str]
) -> None:
    output.metrics()
    output.report()
    with portal(status) as url:
        hasty.setenv("AWS_ENDPOINT_URL", url)
        ran = run(main, *argv)
    assert ran.code == 1
    assert "ce n'est pas AWS qui répond" in ran.err
    assert "publiés 2" not in ran.out and "identiques 2" not in ran.out


def test_a_filter_that_blocks_s3_alone_makes_no_object_absent(
    proxy: FaultProxy, output: Output, run: Run, hasty: pytest.MonkeyPatch
) -> None:
    """A missing page would be « abîmé », and a 403 a missing right."""
    output.report()
    assert run(main).code == 0
    hasty.setattr("tests.support.fault_proxy.REQUEST_ID", {})
    proxy.faults.append(Fault("denied", "s3:GetObject", times=100))
    ran = run(main, "--check")
    assert ran.code == 1 and "ce n'est pas AWS qui répond" in ran.err
    assert "abîmés 0" in ran.out


@pytest.mark.parametrize("message", ["Signature expired: 20251104T0600 is now earlier", "Signature not yet current: x"])
def test_dynamodb_says_a_wrong_clock_in_its_own_words(
    proxy: FaultProxy, output: Output, run: Run, monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    output.metrics()
    monkeypatch.setitem(REFUSALS, "clock", ((400, "InvalidSignatureException"), (403, "RequestTimeTooSkewed")))
    monkeypatch.setattr("tests.support.fault_proxy.MESSAGES", {"clock": message})
    proxy.faults.append(Fault("clock", "dynamodb:GetItem", times=100))
    ran = run(main)
    assert ran.code == 3
    assert "l'horloge de cette machine est fausse" in ran.err


@pytest.mark.parametrize(
    ("code", "said", "ends"),
    [
        ("PermanentRedirect", "dans une autre région", 3),
        ("AuthorizationHeaderMalformed", "dans une autre région", 3),
        ("KMS.DisabledException", "clé de chiffrement", 3),
        ("NotImplemented", "Refus définitif", 1),
        ("ValidationException", "Refus définitif", 1),
    ],
)
def test_a_permanent_refusal_does_not_advise_to_run_again(
    proxy: FaultProxy, output: Output, run: Run, monkeypatch: pytest.MonkeyPatch, code: str, said: str, ends: int
) -> None:
    output.report()
    monkeypatch.setitem(REFUSALS, "permanent", ((400, code), (400, code)))
    proxy.faults.append(Fault("permanent", "s3:PutObject", times=100))
    ran = run(main)
    assert ran.code == ends
    assert said in ran.err
    assert "elle ne reprend que ce qui manque" not in ran.err
    assert proxy.actions().count("s3:PutObject") <= 2  # botocore itself asks for the region of a redirected bucket


KMS_REFUSAL = (
    f"User: arn:aws:iam::123456789012:user/x is not authorized to perform: {{}} on resource: {KMS_KEY} because no"
    " identity-based policy allows the action"
)


@pytest.mark.parametrize(
    ("action", "right"), [("s3:PutObject", "kms:GenerateDataKey"), ("s3:GetObject", "kms:Decrypt")]
)
def test_a_key_that_refuses_is_one_line_and_no_advice_to_run_again(
    proxy: FaultProxy, output: Output, run: Run, monkeypatch: pytest.MonkeyPatch, action: str, right: str
) -> None:
    output.report()
    monkeypatch.setenv("S3_REPORTS_KMS_KEY", KMS_KEY)
    options = ["--check"] if action == "s3:GetObject" else []
    assert not options or run(main).code == 0
    monkeypatch.setattr("tests.support.fault_proxy.MESSAGES", {"denied": KMS_REFUSAL.format(right)})
    proxy.asked.clear()
    proxy.faults.append(Fault("denied", action, times=100))
    ran = run(main, *options)
    assert ran.code == 3
    (line,) = [one for one in ran.err.splitlines() if "info :" not in one]
    assert "la clé de chiffrement est inutilisable" in line and right in line and "S3_REPORTS_KMS_KEY" in line
    assert "relancer" not in line.lower() and "absent" not in ran.err
    assert proxy.actions().count(action) == 1


def test_every_object_names_the_key_that_encrypts_it(
    proxy: FaultProxy, aws: AwsServer, output: Output, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    output.report()
    output.large()
    monkeypatch.setenv("S3_REPORTS_KMS_KEY", KMS_KEY)
    assert run(main).code == 0
    sent = [one.headers for one in proxy.asked if one.action == "s3:PutObject"]
    assert len(sent) == 7  # two forms beside the item, three that people read, latest.html, the large metrics
    assert all(one["x-amz-server-side-encryption"] == "aws:kms" for one in sent)
    assert all(one["x-amz-server-side-encryption-aws-kms-key-id"] == KMS_KEY for one in sent)
    for key in aws.objects():
        assert aws.clients.s3.head_object(Bucket=BUCKET, Key=key)["SSEKMSKeyId"] == KMS_KEY
    assert run(main, "--check").code == 0
    assert last_line(run(main)).startswith("publiés 0, identiques 2")


def test_an_sso_session_that_is_missing_is_one_line(
    aws: AwsServer, output: Output, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    output.metrics()
    config = tmp_path / "config"
    config.write_text(
        "[profile equipe]\nsso_start_url = https://exemple.awsapps.com/start\nsso_region = eu-west-3\n"
        "sso_account_id = 123456789012\nsso_role_name = lecture\nregion = eu-west-3\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    ran = run(main, "--profile", "equipe")
    assert ran.code == 3
    assert "aws sso login" in ran.err
    assert "Traceback" not in ran.err and len(ran.err.splitlines()) == 1


FOREIGN = [
    *product(
        ["ttl", "sha256", "timestamp", "objects", "metrics_s3", "publication"],
        [{"N": "1.5E9"}, {"BOOL": True}, {"L": []}, {"M": {".csv": {"N": "1"}}}],
    )
]


def test_foreign_items_are_their_documents_problem_alone_and_repairable(
    aws: AwsServer, output: Output, run: Run
) -> None:
    output.metrics("weather")
    days = [f"2025-11-{number:02}" for number in range(1, len(FOREIGN) + 1)]
    for day in days:
        output.metrics(day=day)
    run(main)
    items = {one["date"]["S"]: one for one in aws.items("cityflow-metrics") if one["metric_type"]["S"] == "bikes"}
    for day, (name, value) in zip(days, FOREIGN, strict=True):
        spoilt = items[day] | {"sha256": value, name: value}
        aws.clients.dynamodb.put_item(TableName="cityflow-metrics", Item=spoilt)
    ran = run(main, "--check")
    assert ran.code == 1 and last_line(ran).startswith("identiques 1,")
    assert f"jours à reprendre : {', '.join(days)}" in ran.err
    ran = run(main, "--repair")
    assert ran.code == 0, ran.err
    assert run(main, "--check").code == 0


ELSEWHERE: list[dict[str, Any]] = [
    {"objects": None},
    {"objects": {"B": b"abc"}},
    {"objects": {"M": {".exe": {"M": {"url": {"S": "s3://b/k"}, "sha256": {"S": "a"}}}}}},
    {"objects": {"M": {".html": {"M": {"url": {"S": "s3://bucket-d-un-autre/k"}, "sha256": {"S": "a"}}}}}},
    {"json_gz": None, "report_s3": {"S": "s3://bucket-d-un-autre/k"}},
    {"json_gz": None, "key_order": {"BOOL": True}},
]


def test_reports_that_point_elsewhere_are_their_documents_problem_alone_and_repairable(
    aws: AwsServer, output: Output, run: Run
) -> None:
    """Half of them marked as if another machine was publishing them."""
    marks: list[dict[str, Any]] = [{}, {"publication": {"S": "2025-11-05T06:00:00+00:00 autre"}}]
    spoilt = {
        f"2025-11-{number:02}": foreign | mark for number, (foreign, mark) in enumerate(product(ELSEWHERE, marks), 1)
    }
    output.metrics()
    for day in spoilt:
        output.report(day=day)
    run(main)
    for item in aws.items("cityflow-reports"):
        changed = {name: value for name, value in (item | spoilt[item["date"]["S"]]).items() if value is not None}
        aws.clients.dynamodb.put_item(TableName="cityflow-reports", Item=changed)
    ran = run(main, "--check")
    assert ran.code == 1, ran.err
    assert last_line(ran).startswith(f"identiques 1, absents 0, différents 0, abîmés {len(spoilt)}, échecs 0"), ran.err
    assert run(main, "--repair").code == 0
    assert run(main, "--check").code == 0


# ------------------------------------------------------------------------------------------------------------ --repair


def test_repair_sends_only_what_is_missing_or_damaged(
    proxy: FaultProxy, aws: AwsServer, output: Output, run: Run
) -> None:
    for day in ("2025-11-02", "2025-11-03", "2025-11-04"):
        output.report(day=day)
        output.metrics(day=day)
    run(main)
    aws.clients.s3.put_object(Bucket=BUCKET, Key="reports/daily_report_2025-11-03.html", Body=b"autre")
    key = {"metric_type": {"S": "bikes"}, "date": {"S": "2025-11-02"}}
    aws.clients.dynamodb.delete_item(TableName="cityflow-metrics", Key=key)
    output.metrics(total=7)  # different, neither missing nor damaged
    proxy.asked.clear()
    ran = run(main, "--repair")
    assert ran.code == 1  # the one that is different
    assert last_line(ran).startswith("réparés 2, identiques 3, différents 1, échecs 0")
    written = {one.body for one in proxy.writes() if one.action == "dynamodb:PutItem"}
    assert len(written) == 2
    assert published(aws)[f"bikes/{DAY}"]["metrics"]["total"] == 1234
    run(main)
    assert run(main, "--check").code == 0


@pytest.mark.parametrize("option", ["--repair", "--force"])
def test_an_object_that_days_share_is_sent_again_where_it_is_damaged(
    aws: AwsServer, output: Output, run: Run, option: str
) -> None:
    for day in ("2025-11-03", "2025-11-04"):
        output.large("referentiel", day)
    run(main, "-j", "1")
    ((key, content),) = aws.objects().items()
    metadata = aws.clients.s3.head_object(Bucket=BUCKET, Key=key)["Metadata"]
    aws.clients.s3.put_object(Bucket=BUCKET, Key=key, Body=content[:-9], Metadata=metadata)
    assert run(main, "--check").code == 1
    assert run(main, option, "-j", "1").code == 0
    assert aws.objects() == {key: content}
    assert run(main, "--check").code == 0


def test_repair_keeps_what_is_newer(aws: AwsServer, output: Output, run: Run) -> None:
    output.report(timestamp="2025-11-06T06:00:00Z", resume="neuf")
    run(main)
    key = next(key for key in aws.objects() if key.endswith(".csv") and "documents" in key)
    aws.clients.s3.delete_object(Bucket=BUCKET, Key=key)
    output.report(timestamp="2025-11-05T06:00:00Z", resume="vieux")
    ran = run(main, "--repair")
    assert ran.code == 1
    assert "plus récent dans AWS" in ran.err
    assert published(aws)[f"daily_report_{DAY}/{DAY}"]["report"]["resume"] == "neuf"


def test_a_report_without_its_page_is_not_published_as_whole(aws: AwsServer, output: Output, run: Run) -> None:
    output.report(html=False)
    ran = run(main)
    assert ran.code == 1
    assert f"daily_report_{DAY}.html manque : refaire le rapport (make report DATE={DAY} FORCE=1)" in ran.err
    assert aws.items("cityflow-reports") == []


# -------------------------------------------------------------------------------------------------------- less to send


def test_only_the_page_is_sent_when_only_it_changed(proxy: FaultProxy, output: Output, run: Run) -> None:
    path = output.report()
    run(main)
    path.with_suffix(".html").write_text("autre page")
    proxy.asked.clear()
    assert run(main).code == 0
    objects = [one.resource.rpartition(".")[2] for one in proxy.writes() if one.action == "s3:PutObject"]
    assert objects == ["html"] * 3  # pointed to, read by its day, read as the latest
    items = [one for one in proxy.writes() if one.action.startswith("dynamodb:")]
    assert [one.action for one in items] == ["dynamodb:UpdateItem"] * 2  # the page, and the end of the mark
    assert b"json_gz" not in items[0].body
    assert run(main, "--check").code == 0


def test_large_metrics_that_did_not_change_are_sent_once(
    proxy: FaultProxy, aws: AwsServer, output: Output, run: Run
) -> None:
    for day in ("2025-11-03", "2025-11-04", "2025-11-05"):
        output.large("referentiel", day)
    assert run(main, "-j", "1").code == 0
    assert proxy.actions().count("s3:PutObject") == len(aws.objects()) == 1
    sizes = [len(one.body) for one in proxy.writes() if one.action == "dynamodb:PutItem"]
    assert max(sizes[1:]) < 20_000
    assert run(main, "--check").code == 0
    with DynamodbService(load_settings()) as service:
        assert len(service.load({"metric_type": "referentiel", "date": DAY})["metrics"]["metrics"]) == ARCS


def test_an_attempt_without_an_answer_leaves_the_mark_until_it_can_no_longer_arrive(
    proxy: FaultProxy, aws: AwsServer, output: Output, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    output.report()
    assert run(main).code == 0
    output.report(resume="neuf")
    proxy.faults.append(Fault("lost", "s3:PutObject", containing=f"reports/daily_report_{DAY}.json"))
    for minutes, marked in ((0, True), (5, True), (25, False)):
        monkeypatch.setenv("CITYFLOW_NOW", f"2025-11-05T06:{30 + minutes}:00+01:00")
        assert run(main).code == 0
        (item,) = aws.items("cityflow-reports")
        assert ("publication" in item) == marked, minutes
    assert proxy.faults[0].times == 0
    assert run(main, "--check").code == 0
