"""Setting AWS up: what is made, what is left alone, what is refused, and with which rights."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from lib.common.settings import load_settings
from lib.publish.infrastructure.policy import setup_policy
from setup_dynamodb_tables import main
from tests.conftest import Ran
from tests.support.aws_server import BUCKET, KEYS, KMS_KEY, REGION, AwsServer
from tests.support.fault_proxy import Fault, fault_proxy

Run = Callable[..., Ran]


def table_keys(aws: AwsServer, table: str) -> dict[str, str]:
    schema = aws.clients.dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
    return {key["AttributeName"]: key["KeyType"] for key in schema}


def test_everything_is_made_then_nothing_more(empty_aws: AwsServer, run: Run) -> None:
    first = run(main)
    assert first.code == 0, first.err
    dynamodb, s3 = empty_aws.clients
    for table, key in KEYS.items():
        assert table_keys(empty_aws, table) == {key: "HASH", "date": "RANGE"}
        described = dynamodb.describe_table(TableName=table)["Table"]
        assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        ttl = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
        backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    blocked = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert list(blocked.values()) == [True] * 4
    rule = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    assert s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"] == REGION
    rules = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert [one["AbortIncompleteMultipartUpload"] for one in rules if "abandonnes" in one["ID"]] == [
        {"DaysAfterInitiation": 7}
    ]
    assert [one["NoncurrentVersionExpiration"] for one in rules if "versions" in one["ID"]] == [{"NoncurrentDays": 90}]

    (index,) = dynamodb.describe_table(TableName="cityflow-reports")["Table"]["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "rapports_par_date"
    assert not dynamodb.describe_table(TableName="cityflow-metrics")["Table"].get("GlobalSecondaryIndexes")

    again = run(main)
    assert again.code == 0
    assert again.out.splitlines()[-1] == "12 déjà en place, 0 faite"


def test_dry_run_says_the_plan_and_makes_nothing(empty_aws: AwsServer, run: Run) -> None:
    with fault_proxy(empty_aws.url) as proxy, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", proxy.url)
        ran = run(main, "--dry-run")
        assert ran.code == 0
        assert not [
            action for action in proxy.actions() if not action.startswith(("dynamodb:Describe", "s3:ListBucket"))
        ]
    assert "+ table cityflow-metrics : clés metric_type (S) + date (S), à la demande" in ran.out
    assert ran.out.splitlines()[-1] == "0 déjà en place, 12 à faire (rien modifié)"
    assert empty_aws.clients.dynamodb.list_tables()["TableNames"] == []
    assert empty_aws.clients.s3.list_buckets()["Buckets"] == []


def test_check_fails_until_all_is_there(empty_aws: AwsServer, run: Run) -> None:
    assert run(main, "--check").code == 1
    run(main)
    assert run(main, "--check").code == 0
    empty_aws.clients.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    ran = run(main, "--check")
    assert ran.code == 1
    assert f"+ bucket {BUCKET} : versions" in ran.out.splitlines()


def test_a_table_with_other_keys_is_refused_and_left_alone(empty_aws: AwsServer, run: Run) -> None:
    make_table(empty_aws, {"report_id": "HASH"})
    ran = run(main)
    assert ran.code == 3
    assert "! table cityflow-reports : clés report_id (S) au lieu de report_id (S) + date (S)" in ran.out
    assert "Rien n'a été modifié" in ran.err
    assert empty_aws.clients.dynamodb.list_tables()["TableNames"] == ["cityflow-reports"]


def test_swapped_key_roles_are_refused(empty_aws: AwsServer, run: Run) -> None:
    make_table(empty_aws, {"date": "HASH", "report_id": "RANGE"})
    assert run(main).code == 3


def test_a_ttl_on_another_attribute_is_refused(aws: AwsServer, run: Run) -> None:
    specification = {"Enabled": True, "AttributeName": "expire"}
    aws.clients.dynamodb.update_time_to_live(TableName="cityflow-metrics", TimeToLiveSpecification=specification)
    ran = run(main)
    assert ran.code == 3
    assert "TTL déjà actif sur « expire »" in ran.err


def test_a_provisioned_table_becomes_on_demand(empty_aws: AwsServer, run: Run) -> None:
    make_table(
        empty_aws,
        {"report_id": "HASH", "date": "RANGE"},
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )
    assert run(main).code == 0
    described = empty_aws.clients.dynamodb.describe_table(TableName="cityflow-reports")["Table"]
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_the_rules_somebody_wrote_are_kept(aws: AwsServer, run: Run) -> None:
    rule = {"ID": "archives", "Status": "Enabled", "Filter": {"Prefix": "vieux/"}, "Expiration": {"Days": 900}}
    aws.clients.s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [rule]})
    assert run(main).code == 0
    rules = aws.clients.s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert [rule["ID"] for rule in rules] == [
        "archives",
        "cityflow-fin-des-envois-abandonnes",
        "cityflow-fin-des-versions-remplacees",
    ]


def test_a_bucket_elsewhere_is_refused(empty_aws: AwsServer, run: Run, monkeypatch: Any) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert run(main).code == 0
    monkeypatch.setenv("AWS_REGION", REGION)
    ran = run(main)
    assert ran.code == 3
    assert "région eu-central-1" in ran.err


@pytest.mark.parametrize("tags", ["", "projet=cityflow"])
def test_the_printed_rights_are_enough_and_all_used(
    empty_aws: AwsServer, run: Run, monkeypatch: Any, tags: str
) -> None:
    monkeypatch.setenv("AWS_TAGS", tags)
    with fault_proxy(empty_aws.url) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        proxy.policy = setup_policy(load_settings())
        make_table(
            empty_aws,
            {"report_id": "HASH", "date": "RANGE"},
            BillingMode="PROVISIONED",
            ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        )
        assert run(main).code == 0
        assert run(main, "--check").code == 0
        granted = {action for statement in proxy.policy["Statement"] for action in statement["Action"]}
        assert set(proxy.actions()) == granted


def test_policies_are_printed_apart_without_credentials(empty_aws: AwsServer, run: Run, monkeypatch: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    ran = run(main, "--show-policy")
    assert ran.code == 0
    upload, setup, reading = json.loads(ran.out).values()
    assert {action for one in reading["Statement"] for action in one["Action"]} == {
        "dynamodb:GetItem",
        "dynamodb:Query",
        "s3:GetObject",
    }
    assert [(one["Action"], one["Resource"]) for one in upload["Statement"]] == [
        (
            ["dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:UpdateItem"],
            [f"arn:aws:dynamodb:{REGION}:*:table/{table}" for table in KEYS],
        ),
        (["s3:PutObject", "s3:GetObject"], [f"arn:aws:s3:::{BUCKET}/reports/*"]),
    ]
    assert "dynamodb:CreateTable" in setup["Statement"][0]["Action"]


def test_a_missing_right_stops_and_names_it(empty_aws: AwsServer, run: Run, monkeypatch: Any) -> None:
    with fault_proxy(empty_aws.url) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        proxy.faults.append(Fault("denied", "dynamodb:CreateTable"))
        ran = run(main)
    assert ran.code == 3
    assert "droit manquant. table cityflow-metrics : CreateTable" in ran.err
    assert "--show-policy" in ran.err


def test_no_bucket_says_where_it_was_looked_for(empty_aws: AwsServer, run: Run, monkeypatch: Any) -> None:
    monkeypatch.delenv("S3_REPORTS_BUCKET")
    ran = run(main)
    assert ran.code == 3
    assert "S3_REPORTS_BUCKET n'est pas défini (cherché : --bucket, environnement, .env)" in ran.err
    assert run(main, "--bucket", "un-autre-bucket-cityflow").code == 0
    assert [one["Name"] for one in empty_aws.clients.s3.list_buckets()["Buckets"]] == ["un-autre-bucket-cityflow"]


def test_no_credentials(empty_aws: AwsServer, run: Run, monkeypatch: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    ran = run(main, "--dry-run")
    assert ran.code == 3
    assert "aws configure" in ran.err


def test_names_and_json(empty_aws: AwsServer, run: Run, monkeypatch: Any) -> None:
    monkeypatch.setenv("DYNAMODB_METRICS_TABLE", "autre-metriques")
    ran = run(main, "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["faites"] == 12
    assert sorted(empty_aws.clients.dynamodb.list_tables()["TableNames"]) == ["autre-metriques", "cityflow-reports"]


TAGS = "projet=cityflow, équipe=mobilité"


def tags_of(aws: AwsServer) -> list[dict[str, str]]:
    """The tags of both tables, then of the bucket."""
    found = []
    for table in KEYS:
        arn = aws.clients.dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
        found.append(aws.clients.dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"])
    found.append(aws.clients.s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"])
    return [{tag["Key"]: tag["Value"] for tag in tags} for tags in found]


def test_tables_and_bucket_get_their_tags(empty_aws: AwsServer, run: Run, monkeypatch: Any) -> None:
    monkeypatch.setenv("AWS_TAGS", TAGS)
    ran = run(main)
    assert ran.code == 0, ran.err
    assert tags_of(empty_aws) == [{"projet": "cityflow", "équipe": "mobilité"}] * 3
    again = run(main, "--check")
    assert (again.code, again.out.splitlines()[-1]) == (0, "15 déjà en place, 0 à faire (rien modifié)")
    assert f"= bucket {BUCKET} : étiquettes projet=cityflow, équipe=mobilité" in again.out.splitlines()


def test_tags_come_to_what_is_there_and_those_of_others_stay(aws: AwsServer, run: Run, monkeypatch: Any) -> None:
    arn = aws.clients.dynamodb.describe_table(TableName="cityflow-metrics")["Table"]["TableArn"]
    others = [{"Key": "coût", "Value": "12"}, {"Key": "projet", "Value": "ancien"}]
    aws.clients.dynamodb.tag_resource(ResourceArn=arn, Tags=others)
    aws.clients.s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": others})
    assert run(main).code == 0
    monkeypatch.setenv("AWS_TAGS", TAGS)
    ran = run(main, "--check")
    assert ran.code == 1 and ran.out.count("\n+ ") == 3
    assert "+ table cityflow-reports : étiquettes projet=cityflow, équipe=mobilité" in ran.out.splitlines()
    assert run(main).code == 0
    ours = {"projet": "cityflow", "équipe": "mobilité"}
    assert tags_of(aws) == [{"coût": "12", **ours}, ours, {"coût": "12", **ours}]
    assert run(main, "--check").code == 0
    aws.clients.dynamodb.untag_resource(ResourceArn=arn, TagKeys=["projet"])
    assert run(main, "--check").code == 1


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ("projet", "« projet » n'est pas clé=valeur"),
        ("=cityflow", "« =cityflow » n'est pas clé=valeur"),
        ("projet=a;equipe=b", "« projet=a;equipe=b » n'est pas clé=valeur"),
        ("aws:projet=a", "« aws:projet=a » commence par aws:"),
        ("projet=a,projet=b", "« projet=b » donne « projet » une seconde fois"),
        ("projet=" + "a" * 257, "n'est pas clé=valeur"),
        (",".join(f"k{number}=v" for number in range(51)), "« k50=v » est une étiquette de trop"),
    ],
)
def test_a_tag_that_aws_refuses_is_named_before_anything_is_made(
    empty_aws: AwsServer, run: Run, monkeypatch: Any, tags: str, words: str
) -> None:
    monkeypatch.setenv("AWS_TAGS", tags)
    ran = run(main)
    assert ran.code == 3
    assert "AWS_TAGS (environnement) : " in ran.err and words in ran.err and "projet=cityflow,equipe=" in ran.err
    assert empty_aws.clients.dynamodb.list_tables()["TableNames"] == []


def test_the_bucket_is_encrypted_by_the_key_of_its_setting(empty_aws: AwsServer, run: Run, monkeypatch: Any) -> None:
    assert run(main).code == 0
    monkeypatch.setenv("S3_REPORTS_KMS_KEY", KMS_KEY)
    ran = run(main, "--check")
    assert ran.code == 1 and f"+ bucket {BUCKET} : chiffrement par {KMS_KEY}" in ran.out.splitlines()
    assert run(main).code == 0
    (rule,) = empty_aws.clients.s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KMS_KEY}
    assert rule["BucketKeyEnabled"] is True
    assert run(main, "--check").code == 0
    monkeypatch.delenv("S3_REPORTS_KMS_KEY")
    assert run(main, "--check").code == 0  # encrypted all the same: a key that somebody chose is kept


def make_table(aws: AwsServer, keys: dict[str, str], **more: Any) -> None:
    aws.clients.dynamodb.create_table(
        TableName="cityflow-reports",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        KeySchema=[{"AttributeName": name, "KeyType": role} for name, role in keys.items()],
        **{"BillingMode": "PAY_PER_REQUEST", **more},
    )


def test_what_is_no_bucket_name_is_refused_before_anything_is_made(empty_aws: AwsServer, run: Run) -> None:
    ran = run(main, "--bucket", "s3://mon-bucket")
    assert ran.code == 3
    assert "S3_REPORTS_BUCKET=s3://mon-bucket n'est pas un nom de bucket." in ran.err
    assert empty_aws.clients.dynamodb.list_tables()["TableNames"] == []
