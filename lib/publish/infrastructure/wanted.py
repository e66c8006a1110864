"""What publishing wants of AWS, compared with what there is: both tables, and the bucket."""

from typing import Any

from botocore.exceptions import ClientError

from lib.aws.clients import AwsClients
from lib.aws.errors import aws_errors, error_code
from lib.aws.names import (
    KEY_ATTRIBUTES,
    REPORT_INDEX,
    REPORT_INDEX_KEY,
    SORT_KEY,
    TTL_ATTRIBUTE,
    reports_bucket,
    table_names,
    wanted_tags,
)
from lib.common.errors import ConfigError
from lib.common.settings import Settings
from lib.publish.infrastructure.steps import SetupStep, found, tag_list, tag_words, wait_for_table, wish

ABANDONED_UPLOADS = 7  # days after which the parts of an unfinished multipart upload are deleted
# Days after which a replaced version of a page is deleted. What items point to (documents/) has no end: a rule knows
# the age of an object alone, and one that is years old may be that of yesterday's item (the road reference).
OLD_VERSIONS = 90
RULES = [
    {"ID": name, "Status": "Enabled", "Filter": {"Prefix": ""}, action: limit}
    for name, action, limit in (
        (
            "cityflow-fin-des-envois-abandonnes",
            "AbortIncompleteMultipartUpload",
            {"DaysAfterInitiation": ABANDONED_UPLOADS},
        ),
        ("cityflow-fin-des-versions-remplacees", "NoncurrentVersionExpiration", {"NoncurrentDays": OLD_VERSIONS}),
    )
]
ALL_BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)

Keys = dict[str, str]  # attribute -> HASH or RANGE; all are strings


def setup_steps(clients: AwsClients, settings: Settings) -> list[SetupStep]:
    """Compare all; the steps in the order in which they are carried out. ConfigError where a right is missing."""
    names, tags = table_names(settings), wanted_tags(settings)
    reports_bucket(settings)
    steps = [step for kind, name in names.items() for step in table_steps(clients.dynamodb, name, kind, tags)]
    return steps + bucket_steps(clients.s3, settings, tags)


def table_steps(client: Any, name: str, kind: str, tags: dict[str, str]) -> list[SetupStep]:
    """Compare a table with what is wanted of it; the steps in the order in which they are carried out."""
    target, keys = f"table {name}", {KEY_ATTRIBUTES[kind]: "HASH", SORT_KEY: "RANGE"}
    with aws_errors(target):
        table, ttl, recovery, kept = _table(client, name, bool(tags))
    if table and _words(table) != _words(_shape(keys)):
        return [SetupStep("!", target, f"clés {_words(table)} au lieu de {_words(_shape(keys))}")]
    if ttl not in ("", TTL_ATTRIBUTE):
        return [SetupStep("!", target, f"TTL déjà actif sur « {ttl} » au lieu de « {TTL_ATTRIBUTE} »")]

    def step(done: bool, text: str, operation: str, **request: Any) -> SetupStep:
        return wish(done, target, text, "dynamodb", operation, TableName=name, **request)

    on_demand, ours = {"BillingMode": "PAY_PER_REQUEST"}, {"Tags": tag_list(tags)} if tags else {}
    words = f"clés {_words(_shape(keys))}, à la demande{f', {tag_words(tags)}' if tags and not table else ''}"
    steps = [step(bool(table), words, "create_table", **_shape(keys), **on_demand, **ours)]
    if table and table.get("BillingModeSummary", {}).get("BillingMode") != "PAY_PER_REQUEST":
        steps.append(step(False, "facturation à la demande", "update_table", **on_demand))
    steps += [
        step(
            bool(ttl),
            f"TTL sur « {TTL_ATTRIBUTE} »",
            "update_time_to_live",
            TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL_ATTRIBUTE},
        ),
        step(
            recovery,
            "restauration à un instant donné",
            "update_continuous_backups",
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        ),
    ]
    if kind == "reports":
        there = [index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])]
        steps.append(step(REPORT_INDEX in there, f"index « {REPORT_INDEX} »", "update_table", **_index(keys)))
    if table and tags:  # those that the table has besides stay
        request = {"ResourceArn": table["TableArn"], **ours}
        done = tags.items() <= kept.items()
        steps.append(wish(done, target, tag_words(tags), "dynamodb", "tag_resource", **request))
    return steps


def _table(client: Any, name: str, tagged: bool) -> tuple[dict[str, Any], str, bool, dict[str, str]]:
    """Observe a table: what AWS says of it, the attribute of its TTL, whether it can be restored, and its tags."""
    table = found(lambda: client.describe_table(TableName=name), "ResourceNotFoundException").get("Table", {})
    if not table:
        return {}, "", False, {}
    wait_for_table(client, name)
    ttl = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    # Without AWS_TAGS no right to read tags is needed.
    pages = client.get_paginator("list_tags_of_resource").paginate(ResourceArn=table["TableArn"]) if tagged else ()
    tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
    expires = ttl["AttributeName"] if ttl["TimeToLiveStatus"] in ("ENABLED", "ENABLING") else ""
    return table, expires, recovery == "ENABLED", tags


def _index(keys: Keys) -> dict[str, Any]:
    """All reports in the order of their days: a partition that they share; costs one write unit a report."""
    own = {REPORT_INDEX_KEY: "HASH", SORT_KEY: "RANGE"}
    index = {
        "IndexName": REPORT_INDEX,
        "KeySchema": _shape(own)["KeySchema"],
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["timestamp", "objects"]},
    }
    return {
        "AttributeDefinitions": _shape(own | keys)["AttributeDefinitions"],
        "GlobalSecondaryIndexUpdates": [{"Create": index}],
    }


def _shape(keys: Keys) -> dict[str, Any]:
    return {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in keys],
        "KeySchema": [{"AttributeName": name, "KeyType": role} for name, role in keys.items()],
    }


def _words(table: dict[str, Any]) -> str:
    """Name the keys of a table, the partition's first, with their types."""
    types = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    names = [key["AttributeName"] for key in sorted(table["KeySchema"], key=lambda key: key["KeyType"])]
    return " + ".join(f"{name} ({types[name]})" for name in names)


def bucket_steps(client: Any, settings: Settings, tags: dict[str, str]) -> list[SetupStep]:
    """Compare the bucket with what is wanted of it; the steps in the order in which they are carried out.

    ConfigError where it is another account's.
    """
    name, region, kms_key = reports_bucket(settings), settings.aws_region, settings.s3_reports_kms_key
    target, there = f"bucket {name}", _region(client, name)
    if there not in (None, "", region):
        return [SetupStep("!", target, f"il est dans la région {there}, et AWS_REGION={region}")]

    def asked(what: str, absent: str = "") -> dict[str, Any]:
        return found(lambda: getattr(client, f"get_{what}")(Bucket=name), absent) if there is not None else {}

    def step(done: bool, text: str, operation: str, **request: Any) -> SetupStep:
        return wish(done, target, text, "s3", operation, Bucket=name, **request)

    with aws_errors(target):
        blocked = asked("public_access_block", "NoSuchPublicAccessBlockConfiguration")
        encryption = asked("bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError")
        versioning = asked("bucket_versioning")
        lifecycle = asked("bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration").get("Rules", [])
        tag_set = asked("bucket_tagging", "NoSuchTagSet").get("TagSet", []) if tags else []
    rules = encryption.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    keys = [one["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID") for one in rules]
    missing = [rule for rule in RULES if not any(_does(one, rule) for one in lifecycle)]
    # us-east-1 is the one region that must not be named.
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    steps = [
        step(there is not None, f"dans {region}", "create_bucket", **place),
        step(
            blocked.get("PublicAccessBlockConfiguration") == ALL_BLOCKED,
            "accès public bloqué",
            "put_public_access_block",
            PublicAccessBlockConfiguration=ALL_BLOCKED,
        ),
        step(
            bool(encryption) and (not kms_key or keys[:1] == [kms_key]),
            f"chiffrement par {kms_key}" if kms_key else "chiffrement",
            "put_bucket_encryption",
            ServerSideEncryptionConfiguration=_encryption(kms_key),
        ),
        step(
            versioning.get("Status") == "Enabled",
            "versions",
            "put_bucket_versioning",
            VersioningConfiguration={"Status": "Enabled"},
        ),
        step(
            not missing,
            f"fin des envois abandonnés ({ABANDONED_UPLOADS} jours) et des versions remplacées ({OLD_VERSIONS} jours)",
            "put_bucket_lifecycle_configuration",
            LifecycleConfiguration={"Rules": [*lifecycle, *missing]},
        ),
    ]
    if tags:  # S3 replaces all of them: those that the bucket has besides are written again
        held = {tag["Key"]: tag["Value"] for tag in tag_set}
        kept = {key: value for key, value in held.items() if not key.startswith("aws:")}
        tagging = {"TagSet": tag_list(kept | tags)}
        steps.append(step(tags.items() <= held.items(), tag_words(tags), "put_bucket_tagging", Tagging=tagging))
    return steps


def _region(client: Any, name: str) -> str | None:
    """Find where the bucket is: None where there is none, empty where S3 does not say. A refused HEAD has no body."""
    try:
        return str(client.head_bucket(Bucket=name).get("BucketRegion", ""))
    except ClientError as error:
        code = error_code(error)
        if code == "404":
            return None
        if code == "301":
            return str(error.response["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", "inconnue"))
        if code == "403":
            raise ConfigError(
                f"bucket {name} : il appartient à un autre compte, ou le droit s3:ListBucket manque.",
                "Choisir un autre S3_REPORTS_BUCKET, ou voir : python setup_dynamodb_tables.py --show-policy",
            ) from error
        with aws_errors(f"bucket {name}"):
            raise


def _encryption(kms_key: str) -> dict[str, Any]:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": kms_key} if kms_key else {"SSEAlgorithm": "AES256"}
    # With a bucket key S3 asks KMS once for many objects: KMS is billed by the request.
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bool(kms_key)}]}


def _does(rule: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Tell whether a rule does to the whole bucket what the wanted one does, after any number of days."""
    prefix = rule.get("Filter", {}).get("Prefix", rule.get("Prefix", ""))
    narrow = prefix or {"Tag", "And", "ObjectSizeGreaterThan", "ObjectSizeLessThan"} & set(rule.get("Filter", {}))
    return rule.get("Status") == "Enabled" and wanted.keys() - {"ID", "Filter"} <= rule.keys() and not narrow
