"""The pages above the days in S3: sent when they changed, looked at without writing, and never put back in time."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran
from tests.support.aws_server import BUCKET, AwsServer
from tests.support.fault_proxy import FaultProxy
from tests.support.published import Output
from upload_to_aws import main

Run = Callable[..., Ran]
NAMES = ("index.html", "historique.csv", *(f"monthly_report_2025-11{form}" for form in (".json", ".csv", ".html")))


@pytest.fixture
def pages(output: Output) -> Path:
    """A report of November and one of October, and the pages above them."""
    output.report("2025-11-04")
    folder = output.report("2025-10-31").parent
    for name in (*NAMES, "monthly_report_2025-10.html"):
        (folder / name).write_text(f"<p>{name}</p>", encoding="utf-8")
    return folder


def of_pages(aws: AwsServer) -> dict[str, bytes]:
    return {
        key.removeprefix("reports/"): content
        for key, content in aws.contents().items()
        if "daily" not in key and "latest" not in key
    }


def test_pages_are_published_with_the_reports_and_then_are_the_same(aws: AwsServer, pages: Path, run: Run) -> None:
    ran = run(main)
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[-1].startswith("publiés 8, identiques 0, échecs 0, invalides 0 ; ")
    assert of_pages(aws) == {name: f"<p>{name}</p>".encode() for name in (*NAMES, "monthly_report_2025-10.html")}
    head = aws.clients.s3.head_object(Bucket=BUCKET, Key="reports/index.html")
    assert (head["ContentType"], head["ContentEncoding"]) == ("text/html; charset=utf-8", "gzip")
    assert (head["CacheControl"], head["Metadata"]["jour"]) == ("no-cache", "2025-11-04")
    assert run(main).out.startswith("publiés 0, identiques 8,")
    (pages / "index.html").write_text("<p>autre</p>", encoding="utf-8")
    ran = run(main)
    assert ran.out.splitlines()[0] == "* reports/index.html"
    assert of_pages(aws)["index.html"] == b"<p>autre</p>"


def test_a_day_takes_the_pages_of_its_month_with_it_and_metrics_take_none(
    aws: AwsServer, pages: Path, run: Run
) -> None:
    assert run(main, "--date", "2025-10-31").code == 0
    assert sorted(of_pages(aws)) == ["historique.csv", "index.html", "monthly_report_2025-10.html"]
    shown = run(main, "--type", "metrics")
    assert shown.code == 4 and "monthly" not in shown.err


def test_a_dry_run_shows_them_and_sends_nothing(proxy: FaultProxy, pages: Path, run: Run) -> None:
    lines = run(main, "--dry-run").out.splitlines()
    assert "+ reports/index.html" in lines and "+ reports/monthly_report_2025-11.csv" in lines
    assert any(f"s3://{BUCKET}/reports/index.html" in line for line in lines)
    assert proxy.writes() == []


def test_a_dry_run_without_credentials_says_that_it_does_not_know(
    pages: Path, output: Output, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_REPORTS_BUCKET", BUCKET)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "? reports/index.html" in run(main, "--dry-run").out.splitlines()


def test_a_machine_that_knows_fewer_days_puts_no_page_back(
    aws: AwsServer, pages: Path, output: Output, run: Run
) -> None:
    assert run(main).code == 0
    for path in pages.glob("daily_report_2025-11-04*"):
        path.unlink()
    (pages / "index.html").write_text("<p>moins de jours</p>", encoding="utf-8")
    assert run(main).code == 0
    assert of_pages(aws)["index.html"] == b"<p>index.html</p>"
    assert "= reports/index.html : AWS a la page du 2025-11-04, plus récente" in run(main, "-v").out.splitlines()
    assert run(main, "--check").code == 0
    assert run(main, "--force").code == 0
    assert of_pages(aws)["index.html"] == b"<p>moins de jours</p>"


def test_the_check_finds_what_is_missing_damaged_or_different_and_repairs_it(
    aws: AwsServer, pages: Path, run: Run
) -> None:
    assert run(main).code == 0
    assert run(main, "--check").code == 0
    aws.clients.s3.delete_object(Bucket=BUCKET, Key="reports/historique.csv")
    metadata = aws.clients.s3.head_object(Bucket=BUCKET, Key="reports/monthly_report_2025-11.csv")["Metadata"]
    aws.clients.s3.put_object(Bucket=BUCKET, Key="reports/monthly_report_2025-11.csv", Body=b"abime", Metadata=metadata)
    (pages / "index.html").write_text("<p>autre</p>", encoding="utf-8")
    ran = run(main, "--check")
    assert ran.code == 1
    signs = {line[2:].partition(" ")[0]: line[0] for line in ran.out.splitlines() if line[:1] in "+*=!"}
    assert [signs[f"reports/{name}"] for name in NAMES] == ["*", "+", "=", "!", "="]
    assert run(main, "--repair").code == 1  # what differs is for an upload to say
    assert of_pages(aws)["historique.csv"] == b"<p>historique.csv</p>"
    assert of_pages(aws)["monthly_report_2025-11.csv"] == b"<p>monthly_report_2025-11.csv</p>"
    assert of_pages(aws)["index.html"] == b"<p>index.html</p>"


def test_pages_of_old_months_cost_no_request(
    proxy: FaultProxy, pages: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYFLOW_NOW", "2025-11-08T06:30:00+01:00")
    assert run(main).code == 0
    proxy.asked.clear()
    ran = run(main, "-v")
    assert "= reports/monthly_report_2025-10.html : confirmé le 2025-11-08" in ran.out.splitlines()
    assert sorted(one.resource.rpartition("/")[2] for one in proxy.asked if one.action == "s3:GetObject") == sorted(
        [*NAMES, "monthly_report_2025-10.html"]
    )  # the one that stands for all of them, and those of recent days


def test_a_damaged_page_of_a_later_day_is_said_and_left(aws: AwsServer, pages: Path, run: Run) -> None:
    assert run(main).code == 0
    for path in pages.glob("daily_report_2025-11-04*"):
        path.unlink()
    head = aws.clients.s3.head_object(Bucket=BUCKET, Key="reports/historique.csv")
    aws.clients.s3.put_object(Bucket=BUCKET, Key="reports/historique.csv", Body=b"abime", Metadata=head["Metadata"])
    ran = run(main, "--repair")
    assert ran.code == 1 and "! reports/historique.csv : abîmée, et AWS a la page du 2025-11-04, plus réc" in ran.out
    assert "échecs 1" in ran.out.splitlines()[-1] and "non traités" not in ran.out
    assert of_pages(aws)["historique.csv"] == b"abime"
