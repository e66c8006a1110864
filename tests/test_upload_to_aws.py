"""Publishing: what is sent, what is not, what is refused, and what is said of it."""

import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from lib.common.paris_time import machine_now
from lib.common.settings import load_settings
from lib.dynamodb_service import DynamodbService
from lib.publish.infrastructure.policy import upload_policy
from lib.stores.documents import sha256
from lib.stores.dynamodb_items import LIMIT, item_of, item_size
from tests.conftest import Ran
from tests.support.aws_server import BUCKET, AwsServer
from tests.support.fault_proxy import FaultProxy
from tests.support.published import DAY, METRICS, REPORT, Output, published
from upload_to_aws import main

Run = Callable[..., Ran]
Patch = pytest.MonkeyPatch


def last_line(ran: Ran) -> str:
    return ran.out.splitlines()[-1]


def test_metrics_and_report_are_published_whole(aws: AwsServer, output: Output, run: Run) -> None:
    output.metrics()
    paths = output.report()
    before = output.bytes()
    ran = run(main)
    assert ran.code == 0, ran.err
    assert last_line(ran).startswith("publiés 2, identiques 0, échecs 0, invalides 0 ; ")
    documents = published(aws)
    assert documents[f"bikes/{DAY}"]["metrics"] == METRICS
    assert type(documents[f"bikes/{DAY}"]["metrics"]["entier_flottant"]) is float
    assert documents[f"daily_report_{DAY}/{DAY}"]["report"] == REPORT
    item = aws.items("cityflow-metrics")[0]
    assert item["metrics"]["M"]["ratio"] == {"N": "0.1"}
    days = (int(item["ttl"]["N"]) - machine_now().timestamp()) / 86_400
    assert 364.9 < days < 365.1
    objects = aws.contents()
    local = {path.suffix: path.read_bytes() for path in paths.parent.iterdir()}
    readable = {f"reports/daily_report_{DAY}{suffix}": content for suffix, content in local.items()}
    readable["reports/latest.html"] = local[".html"]
    (report,) = aws.items("cityflow-reports")
    pointed = {suffix: one["M"] for suffix, one in report["objects"]["M"].items()}
    assert sorted(pointed) == [".csv", ".html"]  # the JSON is in the item
    for suffix, one in pointed.items():
        assert one["sha256"]["S"] == sha256(local[suffix])
        key = one["url"]["S"].removeprefix(f"s3://{BUCKET}/")
        assert sha256(local[suffix])[:16] in key
        readable[key] = local[suffix]
    assert objects == readable
    assert "publication" not in report
    assert json.loads(objects[f"reports/daily_report_{DAY}.json"])["report"]["chiffres"] == [1, 2.5, None]
    assert output.bytes() == before


def test_objects_have_content_types_and_checksums(proxy: FaultProxy, output: Output, run: Run) -> None:
    output.report()
    assert run(main).code == 0
    sent = {one.resource.rpartition(".")[2]: one for one in proxy.asked if one.action == "s3:PutObject"}
    types = {suffix: one.headers["Content-Type"] for suffix, one in sent.items()}
    assert types == {"json": "application/json", "csv": "text/csv; charset=utf-8", "html": "text/html; charset=utf-8"}
    assert all(one.headers["x-amz-checksum-sha256"] for one in sent.values())
    told = {
        (one.resource.rpartition("/")[2].count("."), one.headers["Cache-Control"])
        for one in proxy.writes()
        if "s3" in one.action
    }
    assert told == {(1, "no-cache"), (2, "max-age=31536000, immutable")}  # a digest stands between two points
    assert (
        sent["html"].headers["Content-Encoding"] == "aws-chunked,gzip"
        or "gzip" in sent["html"].headers["Content-Encoding"]
    )


def test_the_second_run_writes_nothing(proxy: FaultProxy, output: Output, run: Run) -> None:
    output.metrics()
    output.large()
    output.report()
    assert run(main).code == 0
    proxy.asked.clear()
    ran = run(main)
    assert ran.code == 0
    assert proxy.writes() == []
    assert last_line(ran).startswith("publiés 0, identiques 3, échecs 0, invalides 0, déjà confirmés 3 ; 0 o envoyés")


def test_the_same_figures_computed_again_are_unchanged(proxy: FaultProxy, output: Output, run: Run) -> None:
    output.metrics(timestamp="2025-11-05T06:30:00+00:00")
    output.report(timestamp="2025-11-05T06:30:00+00:00")
    run(main)
    proxy.asked.clear()
    output.metrics(timestamp="2025-11-06T06:30:00+00:00")
    output.report(timestamp="2025-11-06T06:30:00+00:00")
    assert run(main).code == 0
    assert proxy.writes() == []


def test_only_what_changed_is_sent_again(proxy: FaultProxy, aws: AwsServer, output: Output, run: Run) -> None:
    output.metrics()
    output.metrics("traffic")
    output.report()
    run(main)
    proxy.asked.clear()
    output.metrics(total=99, timestamp="2099-01-01T00:00:00Z")
    (output.root / "reports" / f"daily_report_{DAY}.csv").write_text("autre")
    ran = run(main)
    assert ran.code == 0
    assert [line for line in ran.out.splitlines() if line[0] in "+*=!"] == [
        f"* metrics/bikes_metrics_{DAY}.json",
        f"* reports/daily_report_{DAY}.json",
    ]
    assert published(aws)[f"bikes/{DAY}"]["metrics"]["total"] == 99
    assert aws.objects()[f"reports/daily_report_{DAY}.csv"] == b"autre"
    assert "publication" not in aws.items("cityflow-reports")[0]


def test_the_five_rights_of_the_role_are_enough(proxy: FaultProxy, output: Output, run: Run) -> None:
    proxy.policy = upload_policy(load_settings())
    output.metrics()
    output.large()
    output.report()
    assert run(main, "--dry-run").code == 0
    assert run(main).code == 0
    assert run(main, "--check").code == 0
    output.report(resume="autre", timestamp="2099-01-01T00:00:00Z")
    assert run(main, "--check").code == 1
    assert run(main).code == 0
    assert run(main, "--check").code == 0
    assert set(proxy.actions()) == {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "s3:GetObject",
        "s3:PutObject",
    }


def test_dry_run_prints_the_plan_that_the_upload_follows(proxy: FaultProxy, output: Output, run: Run) -> None:
    """It needs one right: to read items."""
    output.metrics("traffic")
    output.metrics("weather", timestamp="2025-11-05T06:00:00Z")
    run(main)
    output.metrics("weather", total=1, timestamp="2025-11-06T06:00:00Z")
    output.metrics()
    output.large()
    output.report()
    output.metrics("chantiers").write_text("{")
    proxy.asked.clear()
    reading = upload_policy(load_settings())
    reading["Statement"] = [{**reading["Statement"][0], "Action": ["dynamodb:GetItem"]}]
    proxy.policy = reading
    dry = run(main, "--dry-run")
    assert set(proxy.actions()) == {"dynamodb:GetItem"}
    proxy.policy = None
    real = run(main, "-v")
    assert dry.code == real.code == 1  # the unreadable file
    assert _without_item_sizes(dry) == _without_item_sizes(real)
    signs = {line.split()[1]: line[0] for line in dry.out.splitlines() if not line.startswith((" ", "à publier"))}
    assert signs == {
        f"metrics/bikes_metrics_{DAY}.json": "+",
        f"metrics/chantiers_metrics_{DAY}.json": "!",
        f"metrics/comptages_metrics_{DAY}.json": "+",
        f"metrics/traffic_metrics_{DAY}.json": "=",
        f"metrics/weather_metrics_{DAY}.json": "*",
        f"reports/daily_report_{DAY}.json": "+",
    }
    assert f"    s3://{BUCKET}/reports/daily_report_{DAY}.csv  29 o" in dry.out.splitlines()
    assert "rien n'a été écrit" in last_line(dry)


def test_dry_run_without_credentials_says_what_it_does_not_know(
    aws: AwsServer, output: Output, run: Run, monkeypatch: Patch
) -> None:
    output.metrics()
    _forget_credentials(monkeypatch)
    ran = run(main, "--dry-run")
    assert ran.code == 0
    assert f"? metrics/bikes_metrics_{DAY}.json" in ran.out.splitlines()
    assert "état distant inconnu" in ran.err
    assert "aws configure" in ran.err
    assert run(main).code == 3
    assert run(main, "--check").code == 3


def test_a_long_plan_is_a_line_for_each_kind_and_its_problems(
    aws: AwsServer, output: Output, run: Run, monkeypatch: Patch
) -> None:
    """-v shows each document, as a short plan does."""
    for number in range(1, 9):
        output.metrics(day=f"2025-11-0{number}")
    for number in (1, 2, 5, 6, 7):
        output.report(day=f"2025-11-0{number}")
    output.metrics(day="2025-11-03").write_text("{")
    _forget_credentials(monkeypatch)
    ran = run(main, "--dry-run")
    plan = ran.out.splitlines()[:-1]
    assert plan[0].startswith("! metrics/bikes_metrics_2025-11-03.json : ")
    assert plan[1:-1] == [
        "? bikes        7 jours : 2025-11-01 à 2025-11-02, 2025-11-04 à 2025-11-08",
        "? rapport      5 jours : 2025-11-01 à 2025-11-02, 2025-11-05 à 2025-11-07",
    ]
    assert "-v" in plan[-1]
    assert "? metrics/bikes_metrics_2025-11-04.json" in run(main, "--dry-run", "-v").out.splitlines()


def test_a_document_over_400_kb_is_a_summary_and_a_pointer(aws: AwsServer, output: Output, run: Run) -> None:
    path = output.large()
    ran = run(main)
    assert ran.code == 0, ran.err
    item = aws.items("cityflow-metrics")[0]
    bucket, _, key = item["metrics_s3"]["S"].removeprefix("s3://").partition("/")
    assert bucket == BUCKET
    assert key.startswith("reports/")
    document = json.loads(path.read_bytes())
    kept = {name: document[name] for name in ("metric_type", "metrics")}  # date and timestamp are in the item
    assert json.loads(gzip.decompress(aws.objects()[key])) == kept
    with DynamodbService(load_settings()) as service:
        assert service.load({"metric_type": "comptages", "date": DAY}) == document
    assert item["metrics"]["M"]["global_metrics"] == {"M": {"debit_journalier_total": {"N": "81"}}}
    assert "metrics" not in item["metrics"]["M"]
    assert f"s3://{bucket}/{key}" in ran.out
    assert run(main, "--check").code == 0


def test_what_stands_beside_the_report_counts_in_its_size(aws: AwsServer, output: Output, run: Run) -> None:
    """A report that would just fit, were it not for the digests of its objects, becomes a summary."""
    output.report(corps="x")
    document = json.loads((output.root / "reports" / f"daily_report_{DAY}.json").read_bytes())
    room = LIMIT - item_size(item_of(document, machine_now()))
    output.report(corps="x" * (room - 100))
    assert run(main).code == 0
    assert "report_s3" in aws.items("cityflow-reports")[0]
    assert run(main, "--check").code == 0


def test_a_newer_item_is_kept_unless_forced(proxy: FaultProxy, aws: AwsServer, output: Output, run: Run) -> None:
    output.metrics(total=2, timestamp="2025-11-06T08:00:00+00:00")
    run(main)
    output.metrics(total=1, timestamp="2025-11-06T08:59:59+01:00")  # one second earlier
    proxy.asked.clear()
    ran = run(main)
    assert ran.code == 1
    assert proxy.writes() == []
    assert f"! metrics/bikes_metrics_{DAY}.json : plus récent dans AWS" in ran.out
    assert "--force" in ran.err
    assert published(aws)[f"bikes/{DAY}"]["metrics"]["total"] == 2
    assert run(main, "--force").code == 0
    assert published(aws)[f"bikes/{DAY}"]["metrics"]["total"] == 1


def test_force_sends_what_is_the_same(proxy: FaultProxy, output: Output, run: Run) -> None:
    output.metrics()
    output.report()
    run(main)
    proxy.asked.clear()
    assert last_line(run(main, "--force", "--dry-run")).startswith("à publier 2,")
    assert proxy.writes() == []
    assert last_line(run(main, "--force")).startswith("publiés 2,")
    assert sorted({one.action for one in proxy.writes()}) == ["dynamodb:PutItem", "dynamodb:UpdateItem", "s3:PutObject"]


def test_an_item_that_another_tool_put_is_replaced(aws: AwsServer, output: Output, run: Run) -> None:
    item = {"metric_type": {"S": "bikes"}, "date": {"S": DAY}, "timestamp": {"S": "2025-11-05"}, "objects": {"N": "1"}}
    aws.clients.dynamodb.put_item(TableName="cityflow-metrics", Item=item)
    output.metrics()
    ran = run(main)
    assert ran.code == 0, ran.err
    assert ran.out.startswith(f"* metrics/bikes_metrics_{DAY}.json")
    assert published(aws)[f"bikes/{DAY}"]["metrics"] == METRICS


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda d: d | {"date": "2025-11-03"}, '« date » vaut "2025-11-03" et le nom du fichier dit 2025-11-04'),
        (lambda d: d | {"metric_type": "traffic"}, '« metric_type » vaut "traffic" et le nom du fichier dit bikes'),
        (lambda d: d | {"metrics": []}, "« metrics » est absent, vide ou n'est pas un objet"),
        (lambda d: d | {"timestamp": "hier"}, "« timestamp »"),
        (lambda d: d | {"metrics": {"x": float("nan")}}, "contient une valeur impossible à stocker"),
        (lambda d: d | {"autre": 1}, "clés inattendues : autre"),
        (lambda d: [d], "ce n'est pas un objet JSON"),
    ],
)
def test_an_invalid_file_is_told_and_the_rest_goes(
    aws: AwsServer, output: Output, run: Run, spoil: Callable[[Any], Any], reason: str
) -> None:
    output.metrics("traffic")
    output.metrics("weather")
    path = output.metrics()
    path.write_text(json.dumps(spoil(json.loads(path.read_bytes()))))
    ran = run(main)
    assert ran.code == 1
    assert f"! metrics/bikes_metrics_{DAY}.json : " in ran.out
    assert reason in ran.out
    assert reason in ran.err.splitlines()[-1]
    assert last_line(ran).startswith("publiés 2, identiques 0, échecs 0, invalides 1 ;")
    assert sorted(published(aws)) == [f"traffic/{DAY}", f"weather/{DAY}"]


@pytest.mark.parametrize("content", [b"", b'{"metrics": {', b"\xff\xfe", b"[" * 200_000])
def test_a_corrupt_file_costs_itself_alone(aws: AwsServer, output: Output, run: Run, content: bytes) -> None:
    output.metrics("traffic")
    output.metrics().write_bytes(content)
    ran = run(main)
    assert ran.code == 1
    assert f"metrics/bikes_metrics_{DAY}.json : JSON illisible" in ran.err
    assert sorted(published(aws)) == [f"traffic/{DAY}"]


def test_an_impossible_day_in_a_name_is_invalid(aws: AwsServer, output: Output, run: Run) -> None:
    path = output.metrics()
    path.rename(path.with_name("bikes_metrics_2025-02-30.json"))
    ran = run(main)
    assert ran.code == 1
    assert "ce jour n'existe pas" in ran.err


def test_a_copy_by_hand_is_ignored_and_said(aws: AwsServer, output: Output, run: Run) -> None:
    path = output.metrics()
    path.with_name(f"bikes_metrics_{DAY} (1).json").write_bytes(path.read_bytes())
    path.with_name(f".bikes_metrics_{DAY}.json.1234.tmp").write_bytes(b"{")
    ran = run(main)
    assert ran.code == 0
    assert f"bikes_metrics_{DAY} (1).json : ce nom n'est pas celui d'un résultat" in ran.err
    assert len(published(aws)) == 1


def test_days_and_kinds_are_chosen(aws: AwsServer, output: Output, run: Run) -> None:
    for day in ("2025-11-01", "2025-11-02", "2025-11-03"):
        output.metrics(day=day)
        output.report(day=day)
    assert run(main, "--date", "2025-11-02", "--type", "metrics").code == 0
    assert sorted(published(aws)) == ["bikes/2025-11-02"]
    assert run(main, "--from", "2025-11-02", "--type", "reports").code == 0
    assert sorted(published(aws)) == [
        "bikes/2025-11-02",
        "daily_report_2025-11-02/2025-11-02",
        "daily_report_2025-11-03/2025-11-03",
    ]
    assert last_line(run(main, "--to", "2025-11-01")).startswith("publiés 2,")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--date", "04/11/2025"], "écrire AAAA-MM-JJ"),
        (["--date", "2025-02-30"], "n'existe pas"),
        (["--date", DAY, "--from", DAY], "--date ne va pas avec --from"),
        (["--from", "2025-11-05", "--to", DAY], "est après --to"),
        (["--type", "tout"], "n'est pas un choix possible"),
        (["--dry-run", "--check"], "ne va pas avec"),
        (["--force", "--check"], "ne va pas avec"),
        (["--jobs", "0"], "n'est pas un nombre de 1 à"),
    ],
)
def test_usage_mistakes(output: Output, run: Run, argv: list[str], said: str) -> None:
    output.metrics()
    ran = run(main, *argv)
    assert ran.code == 2
    assert said in ran.err


def test_no_file_names_the_days_there_are(aws: AwsServer, output: Output, run: Run) -> None:
    assert run(main).code == 4
    output.metrics()
    ran = run(main, "--date", "2025-11-05")
    assert ran.code == 4
    assert DAY in ran.err


def test_no_bucket_says_where_it_was_looked_for(aws: AwsServer, output: Output, run: Run, monkeypatch: Patch) -> None:
    output.metrics()
    monkeypatch.delenv("S3_REPORTS_BUCKET")
    ran = run(main)
    assert ran.code == 3
    assert "S3_REPORTS_BUCKET n'est pas défini (cherché : --bucket, environnement, .env)" in ran.err
    assert run(main, "--bucket", BUCKET).code == 0


@pytest.mark.parametrize("name", [f"s3://{BUCKET}", f"{BUCKET}/", "mon bucket", f"arn:aws:s3:::{BUCKET}"])
def test_what_is_no_bucket_name_is_refused_before_anything_is_sent(
    aws: AwsServer, output: Output, run: Run, name: str
) -> None:
    output.report()
    for words in ((), ("--dry-run",), ("--check",)):
        ran = run(main, "--bucket", name, *words)
        assert ran.code == 3
        assert f"S3_REPORTS_BUCKET={name} n'est pas un nom de bucket. Écrire le nom seul" in ran.err
    assert aws.items("cityflow-reports") == []


def test_the_prefix_and_the_table_names_are_settings(
    empty_aws: AwsServer, output: Output, run: Run, monkeypatch: Patch
) -> None:
    from setup_dynamodb_tables import main as setup

    monkeypatch.setenv("DYNAMODB_REPORTS_TABLE", "rapports")
    monkeypatch.setenv("DYNAMODB_METRICS_TABLE", "mesures")
    monkeypatch.setenv("S3_REPORTS_PREFIX", "/ville/paris/")
    assert run(setup).code == 0
    output.metrics()
    output.report()
    assert run(main).code == 0
    assert len(empty_aws.items("mesures")) == len(empty_aws.items("rapports")) == 1
    assert all(key.startswith("ville/paris/") for key in empty_aws.objects())
    monkeypatch.setenv("S3_REPORTS_PREFIX", "ailleurs")
    assert last_line(run(main)).startswith("publiés 1, identiques 1,")
    assert f"ailleurs/daily_report_{DAY}.json" in empty_aws.objects()


def test_json_is_one_object(aws: AwsServer, output: Output, run: Run) -> None:
    output.metrics()
    output.metrics("weather").write_text("{")
    ran = run(main, "--json")
    told = json.loads(ran.out)
    assert ran.code == 1
    assert told["comptes"] == {
        "publiés": 1, "identiques": 0, "échecs": 0, "invalides": 1, "tables à refaire": 0, "non traités": 0,
    }  # fmt: skip
    assert [(one["signe"], one["etat"]) for one in told["documents"]] == [("+", "written"), ("!", "invalid")]
    assert told["octets_envoyes"] == sum(one["octets"] for one in told["documents"][0]["destinations"])


# ------------------------------------------------------------------------------------------------------------- --check


def test_check_of_nothing_published(proxy: FaultProxy, output: Output, run: Run) -> None:
    output.metrics()
    ran = run(main, "--check")
    assert ran.code == 1
    assert ran.out.startswith(f"+ metrics/bikes_metrics_{DAY}.json : absent d'AWS")
    assert proxy.writes() == []


def test_check_of_a_local_file_that_changed(proxy: FaultProxy, output: Output, run: Run) -> None:
    output.metrics()
    output.metrics("weather")
    run(main)
    output.metrics(total=0)
    proxy.asked.clear()
    ran = run(main, "--check")
    assert ran.code == 1
    assert ran.out.splitlines()[:2] == [
        f"* metrics/bikes_metrics_{DAY}.json : le fichier local et AWS diffèrent",
        f"= metrics/weather_metrics_{DAY}.json",
    ]
    assert proxy.writes() == []


def test_check_reads_the_objects_back(aws: AwsServer, output: Output, run: Run) -> None:
    days = {"json": "2025-11-02", "csv": "2025-11-03", "html": DAY}
    keys = {day: f"reports/daily_report_{day}.{suffix}" for suffix, day in days.items()}
    for day in keys:
        output.report(day=day)
    run(main)
    for key in keys.values():
        aws.clients.s3.put_object(Bucket=BUCKET, Key=key, Body=b"autre")
    ran = run(main, "--check")
    assert ran.code == 1
    for day, key in keys.items():
        assert f"! reports/daily_report_{day}.json : s3://{BUCKET}/{key} n'est pas celui qui a été publié" in ran.out
        aws.clients.s3.delete_object(Bucket=BUCKET, Key=key)
    ran = run(main, "--check")
    assert all(f"s3://{BUCKET}/{key} est absent" in ran.err for key in keys.values())
    assert run(main, "--force").code == 0
    assert run(main, "--check").code == 0


def test_check_reads_the_items_back(aws: AwsServer, output: Output, run: Run) -> None:
    output.metrics()
    run(main)
    aws.clients.dynamodb.update_item(
        TableName="cityflow-metrics",
        Key={"metric_type": {"S": "bikes"}, "date": {"S": DAY}},
        UpdateExpression="SET #metrics.#total = :other",
        ExpressionAttributeNames={"#metrics": "metrics", "#total": "total"},
        ExpressionAttributeValues={":other": {"N": "1"}},
    )
    ran = run(main, "--check")
    assert ran.code == 1
    assert "« metrics » de bikes_metrics_2025-11-04 a été modifié dans DynamoDB, hors de CityFlow" in ran.err


def test_check_reads_the_whole_of_a_large_document_back(aws: AwsServer, output: Output, run: Run) -> None:
    output.large()
    run(main)
    (key,) = aws.objects()
    aws.clients.s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(b"{}"))
    assert run(main, "--check").code == 1
    aws.clients.s3.delete_object(Bucket=BUCKET, Key=key)
    assert f"{key} est absent" in run(main, "--check").err


def _without_item_sizes(ran: Ran) -> list[str]:
    """All lines but the last; an item's size depends by a byte on the second its expiry falls on."""
    return [re.sub(r"(    dynamodb .*)  \S+ \S+$", r"\1", line) for line in ran.out.splitlines()[:-1]]


def _forget_credentials(monkeypatch: Patch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
