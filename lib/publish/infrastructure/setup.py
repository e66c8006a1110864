"""What the tables and the bucket must be, and the calls that make them so. Nothing here talks to AWS.

`setup_plan` compares what was observed (see state.py) with what is wanted and gives one SetupStep per wish: already so
(`=`), to do (`+`), or impossible (`!`). A step that is to do carries the very request that will be sent.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

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
from lib.common.settings import Settings

ABANDONED_UPLOADS = 7  # days after which the parts of an unfinished multipart upload are deleted
# Days after which a replaced version of a page is deleted. What items point to (documents/) has no end: a rule knows
# the age of an object alone, and one that is years old may be that of yesterday's item (the road reference).
OLD_VERSIONS = 90
LIFECYCLE_ID = "cityflow-fin-des-envois-abandonnes"
VERSIONS_ID = "cityflow-fin-des-versions-remplacees"
ALL_BLOCKED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


@dataclass(frozen=True)
class TableState:
    """A table as observed; `keys` maps each key attribute to its role and type, such as ("HASH", "S")."""

    exists: bool = False
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    on_demand: bool = False
    ttl: str = ""  # the attribute, when enabled
    recovery: bool = False
    indexes: tuple[str, ...] = ()
    arn: str = ""
    tags: dict[str, str] = field(default_factory=dict)  # observed where AWS_TAGS asks for some


@dataclass(frozen=True)
class BucketState:
    """A bucket as observed; `lifecycle` holds its rules as S3 gives them."""

    exists: bool = False
    region: str = ""
    public_blocked: bool = False
    encrypted: bool = False
    kms_key: str = ""
    versioned: bool = False
    lifecycle: tuple[dict[str, Any], ...] = ()
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AwsState:
    """Both tables (by kind of document) and the bucket."""

    tables: dict[str, TableState]
    bucket: BucketState


NOTHING = AwsState({kind: TableState() for kind in KEY_ATTRIBUTES}, BucketState())


@dataclass(frozen=True)
class SetupStep:
    """One wish: `sign` is = (already so), + (to do) or ! (cannot be); the request is empty unless it is to do."""

    sign: str
    target: str
    text: str
    service: str = ""
    operation: str = ""
    request: dict[str, Any] = field(default_factory=dict)


def setup_plan(settings: Settings, state: AwsState) -> list[SetupStep]:
    """List the steps for both tables and the bucket, in the order in which they are carried out."""
    names, tags = table_names(settings), wanted_tags(settings)
    steps = [step for kind in KEY_ATTRIBUTES for step in _table_steps(names[kind], kind, tags, state.tables[kind])]
    return steps + _bucket_steps(reports_bucket(settings), settings, tags, state.bucket)


def wanted_keys(kind: str) -> dict[str, tuple[str, str]]:
    """Return the key attributes of a table, in the form of TableState.keys."""
    return {KEY_ATTRIBUTES[kind]: ("HASH", "S"), SORT_KEY: ("RANGE", "S")}


def _table_steps(name: str, kind: str, tags: dict[str, str], state: TableState) -> list[SetupStep]:
    target, keys = f"table {name}", wanted_keys(kind)
    if state.exists and state.keys != keys:
        return [SetupStep("!", target, f"clés {_words(state.keys)} au lieu de {_words(keys)}")]
    if state.ttl not in ("", TTL_ATTRIBUTE):
        return [SetupStep("!", target, f"TTL déjà actif sur « {state.ttl} » au lieu de « {TTL_ATTRIBUTE} »")]

    def step(done: bool, text: str, operation: str, **request: Any) -> SetupStep:
        return _step(done, target, text, "dynamodb", operation, TableName=name, **request)

    ttl = {"Enabled": True, "AttributeName": TTL_ATTRIBUTE}
    recovery = {"PointInTimeRecoveryEnabled": True}
    return [
        step(
            state.exists,
            f"clés {_words(keys)}, à la demande{f', {_tag_words(tags)}' if tags and not state.exists else ''}",
            "create_table",
            **_creation(keys),
            **_tag_list("Tags", tags),
        ),
        *([] if not state.exists or state.on_demand else [_to_on_demand(name)]),
        step(
            state.ttl == TTL_ATTRIBUTE,
            f"TTL sur « {TTL_ATTRIBUTE} »",
            "update_time_to_live",
            TimeToLiveSpecification=ttl,
        ),
        step(
            state.recovery,
            "restauration à un instant donné",
            "update_continuous_backups",
            PointInTimeRecoverySpecification=recovery,
        ),
        *([_index_step(name, state)] if kind == "reports" else []),
        *([_table_tags(target, tags, state)] if tags and state.exists else []),
    ]


def _table_tags(target: str, tags: dict[str, str], state: TableState) -> SetupStep:
    """Give a table that is there its tags; those that it has besides stay."""
    request = {"ResourceArn": state.arn, **_tag_list("Tags", tags)}
    return _step(tags.items() <= state.tags.items(), target, _tag_words(tags), "dynamodb", "tag_resource", **request)


def _tag_list(name: str, tags: dict[str, str]) -> dict[str, Any]:
    return {name: [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}


def _tag_words(tags: dict[str, str]) -> str:
    return f"étiquettes {', '.join(f'{key}={value}' for key, value in tags.items())}"


def _index_step(name: str, state: TableState) -> SetupStep:
    """All reports in the order of their days: a partition that they share; costs one write unit a report."""
    keys = {REPORT_INDEX_KEY: ("HASH", "S"), SORT_KEY: ("RANGE", "S")}
    shape = _creation(keys)
    attributes = _creation(keys | wanted_keys("reports"))["AttributeDefinitions"]
    index = {
        "IndexName": REPORT_INDEX,
        "KeySchema": shape["KeySchema"],
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["timestamp", "objects"]},
    }
    return _step(
        REPORT_INDEX in state.indexes,
        f"table {name}",
        f"index « {REPORT_INDEX} »",
        "dynamodb",
        "update_table",
        TableName=name,
        AttributeDefinitions=attributes,
        GlobalSecondaryIndexUpdates=[{"Create": index}],
    )


def _creation(keys: dict[str, tuple[str, str]]) -> dict[str, Any]:
    return {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, (_, kind) in keys.items()],
        "KeySchema": [{"AttributeName": name, "KeyType": role} for name, (role, _) in keys.items()],
        "BillingMode": "PAY_PER_REQUEST",
    }


def _to_on_demand(name: str) -> SetupStep:
    request = {"TableName": name, "BillingMode": "PAY_PER_REQUEST"}
    return SetupStep("+", f"table {name}", "facturation à la demande", "dynamodb", "update_table", request)


def _bucket_steps(name: str, settings: Settings, tags: dict[str, str], state: BucketState) -> list[SetupStep]:
    target, region, kms_key = f"bucket {name}", settings.aws_region, settings.s3_reports_kms_key
    if state.exists and state.region not in ("", region):
        return [SetupStep("!", target, f"il est dans la région {state.region}, et AWS_REGION={region}")]

    def step(done: bool, text: str, operation: str, **request: Any) -> SetupStep:
        return _step(done, target, text, "s3", operation, Bucket=name, **request)

    # us-east-1 is the one region that must not be named.
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    wanted = [rule for rule, holds in _RULES if not any(map(holds, state.lifecycle))]
    rules = {"Rules": [*state.lifecycle, *wanted]}
    return [
        step(state.exists, f"dans {region}", "create_bucket", **place),
        step(
            state.public_blocked,
            "accès public bloqué",
            "put_public_access_block",
            PublicAccessBlockConfiguration=ALL_BLOCKED,
        ),
        step(
            state.encrypted and (not kms_key or state.kms_key == kms_key),
            f"chiffrement par {kms_key}" if kms_key else "chiffrement",
            "put_bucket_encryption",
            ServerSideEncryptionConfiguration=_encryption(kms_key),
        ),
        step(state.versioned, "versions", "put_bucket_versioning", VersioningConfiguration={"Status": "Enabled"}),
        step(
            not wanted,
            f"fin des envois abandonnés ({ABANDONED_UPLOADS} jours) et des versions remplacées ({OLD_VERSIONS} jours)",
            "put_bucket_lifecycle_configuration",
            LifecycleConfiguration=rules,
        ),
        *([_bucket_tags(name, tags, state)] if tags else []),
    ]


def _bucket_tags(name: str, tags: dict[str, str], state: BucketState) -> SetupStep:
    """Give the bucket its tags; those that it has besides are written again with them, for S3 replaces all."""
    kept = {key: value for key, value in state.tags.items() if not key.startswith("aws:")}
    request = {"Bucket": name, "Tagging": _tag_list("TagSet", kept | tags)}
    done = tags.items() <= state.tags.items()
    return _step(done, f"bucket {name}", _tag_words(tags), "s3", "put_bucket_tagging", **request)


def _encryption(kms_key: str) -> dict[str, Any]:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": kms_key} if kms_key else {"SSEAlgorithm": "AES256"}
    # With a bucket key S3 asks KMS once for many objects: KMS is billed by the request.
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bool(kms_key)}]}


def _is_whole_bucket(rule: dict[str, Any], action: str) -> bool:
    """Tell whether the rule does this to the whole bucket, after any number of days."""
    prefix = rule.get("Filter", {}).get("Prefix", rule.get("Prefix", ""))
    narrow = prefix or {"Tag", "And", "ObjectSizeGreaterThan", "ObjectSizeLessThan"} & set(rule.get("Filter", {}))
    return rule.get("Status") == "Enabled" and action in rule and not narrow


def _rule(name: str, action: str, unit: str, days: int) -> dict[str, Any]:
    return {"ID": name, "Status": "Enabled", "Filter": {"Prefix": ""}, action: {unit: days}}


_RULES = [
    (_rule(name, action, unit, days), partial(_is_whole_bucket, action=action))
    for name, action, unit, days in (
        (LIFECYCLE_ID, "AbortIncompleteMultipartUpload", "DaysAfterInitiation", ABANDONED_UPLOADS),
        (VERSIONS_ID, "NoncurrentVersionExpiration", "NoncurrentDays", OLD_VERSIONS),
    )
]


def _step(done: bool, target: str, text: str, service: str, operation: str, **request: Any) -> SetupStep:
    return SetupStep("=", target, text) if done else SetupStep("+", target, text, service, operation, request)


def _words(keys: dict[str, tuple[str, str]]) -> str:
    return " + ".join(f"{name} ({kind})" for name, (_, kind) in keys.items()) or "absentes"
