"""The tables of make tables in S3: published after their metrics, by the rights of the upload, the newest winning."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lib.common.settings import load_settings
from lib.local_file_service import LocalFileService
from lib.publish.infrastructure.policy import upload_policy
from lib.publish.local_documents import document_files
from lib.publish.run import Work, run_all
from scripts import make_tables
from tests.conftest import ROOT, Ran
from tests.support.aws_server import BUCKET, AwsServer
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.published import DAY, Output
from tests.support.shared_trees import made_once
from upload_to_aws import main

Run = Callable[..., Ran]
KEYS = [f"reports/tables/{table}/dt={DAY}/bikes.parquet" for table in ("counters", "hours", "sources")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bikes of a golden day and their tables; to be copied."""

    def make(root: Path) -> None:
        metrics(root, "T09:00", 712)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("OUTPUT_DIR", str(root))
            environment.setenv("CITYFLOW_STORE", "local_files")
            assert make_tables.main(["-q"]) == 0

    return made_once(tmp_path_factory, "golden-tables", make)


@pytest.fixture
def golden(output: Output, made: Path) -> Path:
    return Path(shutil.copytree(made, output.root))


def metrics(root: Path, computed: str, total: int) -> None:
    text = (ROOT / "tests" / "golden" / f"bikes_metrics_{DAY}.json").read_text("utf-8")
    text = text.replace('"timestamp": ""', f'"timestamp": "{DAY}{computed}:00+00:00"')
    path = root / "metrics" / f"bikes_metrics_{DAY}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace('"total_jour":712', f'"total_jour":{total}'), "utf-8")


def lines(ran: Ran) -> list[str]:
    return [line for line in ran.out.splitlines() if not line.startswith(" ")]


def tables(aws: AwsServer) -> dict[str, bytes]:
    return {key: content for key, content in aws.objects().items() if key.startswith("reports/tables/")}


def test_tables_follow_their_metrics_with_the_rights_of_the_upload(
    proxy: FaultProxy, aws: AwsServer, golden: Path, run: Run
) -> None:
    proxy.policy = upload_policy(load_settings())
    plan = run(main, "--dry-run")
    assert plan.code == 0 and tables(aws) == {}
    ran = run(main)
    assert ran.code == 0, ran.err
    assert [line[0] for line in lines(ran)[:-1]] == ["+"] * 4
    assert plan.out.splitlines()[:-1] == ran.out.splitlines()[:-1]
    assert lines(ran)[-1].startswith("publiés 4, identiques 0, échecs 0, invalides 0 ;")
    assert tables(aws) == {key: (golden / key.removeprefix("reports/")).read_bytes() for key in KEYS}
    head = aws.clients.s3.head_object(Bucket=BUCKET, Key=KEYS[0])
    assert (head["ContentType"], head["CacheControl"]) == ("application/vnd.apache.parquet", "no-cache")
    proxy.asked.clear()
    again = run(main)
    assert again.code == 0 and again.out.startswith("publiés 0, identiques 4, échecs 0, invalides 0")
    assert proxy.writes() == []
    assert run(main, "--check").code == 0
    assert run(main, "--type", "tables", "--force").out.startswith("* tables/counters/")


def test_without_tables_nothing_is_asked_about_them(proxy: FaultProxy, golden: Path, run: Run) -> None:
    shutil.rmtree(golden / "tables")
    assert run(main).code == 0
    assert run(main, "--type", "tables").code == 4
    assert not [action for action in proxy.actions() if action.startswith("s3:")]


def test_tables_of_other_metrics_are_late_and_left(aws: AwsServer, golden: Path, run: Run) -> None:
    ran = run(main, "--type", "tables")
    assert ran.code == 0 and tables(aws) == {}
    assert "! tables/hours/dt=2025-11-04/bikes.parquet : ses métriques ne sont pas dans AWS" in ran.out
    assert lines(ran)[-1].startswith("publiés 0, identiques 0, échecs 0, invalides 0, tables à refaire 3 ;")
    assert run(main).code == 0
    before = tables(aws)
    metrics(golden, "T10:00", 713)
    for command in ((), ("--dry-run",), ("--type", "tables")):  # they are those of AWS, and of other metrics than here
        ran = run(main, *command)
        late = [
            line for line in lines(ran) if line.endswith("ses métriques ont changé : make tables, puis make upload")
        ]
        assert ran.code == 0 and len(late) == 3 and "tables à refaire 3" in lines(ran)[-1]
    assert run(main, "--check").code == 1
    (golden / "tables" / "hours" / f"dt={DAY}" / "bikes.parquet").write_bytes(b"PAR1")
    ran = run(main)
    assert ran.code == 0 and f"! tables/hours/dt={DAY}/bikes.parquet : ses métriques ont changé" in ran.out
    assert tables(aws) == before
    assert run(make_tables.main).code == 0
    ran = run(main)
    assert [line[0] for line in lines(ran)[:-1]] == ["*"] * 3
    assert tables(aws) == {key: (golden / key.removeprefix("reports/")).read_bytes() for key in KEYS}
    assert json.loads(run(main, "--check", "--json").out)["comptes"]["identiques"] == 4


def test_the_newer_of_two_machines_wins(
    proxy: FaultProxy, aws: AwsServer, golden: Path, run: Run, tmp_path: Path
) -> None:
    """The other machine publishes between the comparison of a table and its write."""
    other = tmp_path / "other"
    metrics(other, "T10:00", 713)
    settings = load_settings({"OUTPUT_DIR": str(other)})
    make_tables.write_tables(settings, LocalFileService(other), None, None)
    theirs = document_files(other, ["metrics", "tables"], None, None)

    def publish() -> None:
        done = run_all(theirs, Work(settings, aws.clients), 1, lambda outcome: None)
        assert [outcome.status for outcome in done.outcomes] == ["written"] * 4

    proxy.faults.append(Fault("call", "s3:PutObject", containing="tables/counters", call=publish))
    ran = run(main, "-j", "1")
    assert ran.code == 0 and f"! tables/counters/dt={DAY}/bikes.parquet : ses métriques ont changé" in ran.out
    assert tables(aws) == {key: (other / key.removeprefix("reports/")).read_bytes() for key in KEYS}
    again = run(main)
    assert again.code == 1 and "plus récent dans AWS" in again.err
    assert tables(aws) == {key: (other / key.removeprefix("reports/")).read_bytes() for key in KEYS}


@pytest.fixture
def seen(proxy: FaultProxy, golden: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> FaultProxy:
    """The same two weeks later, published and noted."""
    monkeypatch.setenv("CITYFLOW_NOW", "2025-11-20T06:30:00+01:00")
    assert run(main).code == 0
    proxy.asked.clear()
    return proxy


def heads(proxy: FaultProxy) -> int:
    """HeadObject, which the rights of GetObject allow."""
    return proxy.actions().count("s3:GetObject")


def test_old_tables_cost_one_request_for_all_of_them(seen: FaultProxy, run: Run) -> None:
    ran = run(main)
    assert ran.code == 0
    assert ran.out.startswith("publiés 0, identiques 4, échecs 0, invalides 0, déjà confirmés 4 ;")
    assert seen.actions().count("dynamodb:GetItem") == 1 and len(seen.actions()) == 2
    seen.asked.clear()
    ran = run(main, "--type", "tables", "--dry-run")
    assert f"= tables/hours/dt={DAY}/bikes.parquet : confirmé le 2025-11-20" in ran.out
    assert len(seen.actions()) == 1


def test_who_wants_to_know_asks_for_every_table(seen: FaultProxy, run: Run) -> None:
    for option in ("--check", "--repair", "--force"):
        seen.asked.clear()
        assert run(main, option).code == 0
        assert heads(seen) >= 3


def test_tables_that_aws_lost_are_published_again(seen: FaultProxy, aws: AwsServer, run: Run) -> None:
    for key in KEYS:
        aws.clients.s3.delete_object(Bucket=BUCKET, Key=key)
    ran = run(main)
    assert ran.code == 0 and "comme noté ici : tout est comparé de nouveau" in ran.err
    assert sorted(tables(aws)) == KEYS


def test_one_table_that_a_check_misses_is_asked_for_by_the_next_upload(
    seen: FaultProxy, aws: AwsServer, run: Run
) -> None:
    aws.clients.s3.delete_object(Bucket=BUCKET, Key=KEYS[1])
    assert run(main, "--check").code == 1
    assert run(main).out.splitlines()[-1].startswith("publiés 1, identiques 3, échecs 0, invalides 0, déjà confirmés 3")
    assert sorted(tables(aws)) == KEYS


def test_a_damaged_note_asks_for_every_table(seen: FaultProxy, golden: Path, run: Run) -> None:
    (note,) = (golden / ".published").iterdir()
    note.write_text(note.read_text().replace('"vu": "2025', '"vu": "2024'))
    ran = run(main)
    assert ran.code == 0 and "abîmé" in ran.err and heads(seen) == 3


def test_tables_of_metrics_that_changed_here_are_looked_at_again(seen: FaultProxy, golden: Path, run: Run) -> None:
    metrics(golden, "T10:00", 712)  # the same figures, computed again
    assert "identiques 4" in run(main).out and heads(seen) == 3
    seen.asked.clear()
    assert "déjà confirmés 4" in run(main).out
    metrics(golden, "T11:00", 713)
    assert "publiés 1, identiques 0, échecs 0, invalides 0, tables à refaire 3 ;" in run(main).out


def test_a_damaged_and_a_missing_table_are_repaired(aws: AwsServer, golden: Path, run: Run) -> None:
    assert run(main).code == 0
    whole = tables(aws)
    aws.clients.s3.delete_object(Bucket=BUCKET, Key=KEYS[0])
    digest = aws.clients.s3.head_object(Bucket=BUCKET, Key=KEYS[1])["Metadata"]
    aws.clients.s3.put_object(Bucket=BUCKET, Key=KEYS[1], Body=b"PAR1", Metadata=digest)
    ran = run(main, "--check")
    assert ran.code == 1
    assert [line[0] for line in lines(ran)[:-1]] == ["=", "+", "!", "="]
    assert "n'est pas celui qui a été publié" in ran.err and f"jours à reprendre : {DAY}" in ran.err
    ran = run(main, "--repair")
    assert (ran.code, lines(ran)[-1].split(",")[0]) == (0, "réparés 2")
    assert tables(aws) == whole
    assert run(main, "--check").code == 0


def test_a_long_plan_names_the_days_of_the_tables(aws: AwsServer, golden: Path, output: Output, run: Run) -> None:
    for day in range(1, 13):
        output.metrics("traffic", f"2025-11-{day:02}")
    ran = run(main, "--dry-run")
    assert f"+ tables       1 jour : {DAY}" in ran.out.splitlines()


@pytest.mark.parametrize("words", [("--dry-run",), (), ("--check",)])
def test_a_table_of_an_impossible_day_is_named(
    aws: AwsServer, golden: Path, output: Output, run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    shutil.copytree(golden / "tables" / "hours" / f"dt={DAY}", golden / "tables" / "hours" / "dt=2025-02-30")
    for day in range(1, 13):
        output.metrics("traffic", f"2025-11-{day:02}")
    if words == ("--dry-run",):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name)
    ran = run(main, *words)
    assert ran.code == 1
    assert "tables/hours/dt=2025-02-30/bikes.parquet : date « 2025-02-30 » invalide" in ran.err
    assert not any("2025-02-30" in key for key in aws.objects())


def test_a_dry_run_without_credentials_knows_nothing_of_tables(
    aws: AwsServer, golden: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    ran = run(main, "--dry-run")
    assert ran.code == 0 and [line[0] for line in lines(ran)[:-1]] == ["?"] * 4
