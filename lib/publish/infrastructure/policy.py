"""The least IAM rights of each command, as policy documents to paste. Nothing here talks to AWS."""

from typing import Any

from lib.aws.names import REPORT_INDEX, prefixed, reports_bucket, table_names, wanted_tags
from lib.common.settings import Settings

UPLOAD_TABLE_ACTIONS = ("dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:UpdateItem")
UPLOAD_OBJECT_ACTIONS = ("s3:PutObject", "s3:GetObject")

SETUP_TABLE_ACTIONS = (
    "dynamodb:CreateTable",
    "dynamodb:DescribeTable",
    "dynamodb:UpdateTable",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:UpdateTimeToLive",
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:UpdateContinuousBackups",
)
SETUP_BUCKET_ACTIONS = (
    "s3:CreateBucket",
    "s3:ListBucket",
    "s3:GetBucketPublicAccessBlock",
    "s3:PutBucketPublicAccessBlock",
    "s3:GetEncryptionConfiguration",
    "s3:PutEncryptionConfiguration",
    "s3:GetBucketVersioning",
    "s3:PutBucketVersioning",
    "s3:GetLifecycleConfiguration",
    "s3:PutLifecycleConfiguration",
)

TAG_TABLE_ACTIONS = ("dynamodb:ListTagsOfResource", "dynamodb:TagResource")  # these and the next with AWS_TAGS alone
TAG_BUCKET_ACTIONS = ("s3:GetBucketTagging", "s3:PutBucketTagging")

Policy = dict[str, Any]


def upload_policy(settings: Settings) -> Policy:
    """List the rights that upload_to_aws.py needs, dry-run and check included: no list, scan or describe."""
    return _policy(
        ("CityflowTables", UPLOAD_TABLE_ACTIONS, _tables(settings)),
        ("CityflowObjets", UPLOAD_OBJECT_ACTIONS, _objects(settings)),
        *_kms(settings, "kms:GenerateDataKey", "kms:Decrypt"),
    )


def read_policy(settings: Settings) -> Policy:
    """List the rights of a program that only reads what is published; the index of reports by date included."""
    tables = _tables(settings)
    return _policy(
        (
            "CityflowLectureTables",
            ("dynamodb:GetItem", "dynamodb:Query"),
            [*tables, f"{tables[-1]}/index/{REPORT_INDEX}"],
        ),
        ("CityflowLectureObjets", ("s3:GetObject",), _objects(settings)),
        *_kms(settings, "kms:Decrypt"),
    )


def setup_policy(settings: Settings) -> Policy:
    """List the rights that setup_dynamodb_tables.py needs, for the person who runs it once."""
    tags, bucket = wanted_tags(settings), [f"arn:aws:s3:::{reports_bucket(settings)}"]
    return _policy(
        ("CityflowCreationTables", SETUP_TABLE_ACTIONS + (TAG_TABLE_ACTIONS if tags else ()), _tables(settings)),
        ("CityflowCreationBucket", SETUP_BUCKET_ACTIONS + (TAG_BUCKET_ACTIONS if tags else ()), bucket),
    )


def _kms(settings: Settings, *actions: str) -> list[tuple[str, tuple[str, ...], list[str]]]:
    """List the rights on the key of S3_REPORTS_KMS_KEY; none where S3's own key is used."""
    key = settings.s3_reports_kms_key
    return [("CityflowCle", actions, [key])] if key else []


def _tables(settings: Settings) -> list[str]:
    return [f"arn:aws:dynamodb:{settings.aws_region}:*:table/{name}" for name in table_names(settings).values()]


def _objects(settings: Settings) -> list[str]:
    return [f"arn:aws:s3:::{reports_bucket(settings)}/{prefixed(settings, '*')}"]


def _policy(*statements: tuple[str, tuple[str, ...], list[str]]) -> Policy:
    found = [
        {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resources}
        for sid, actions, resources in statements
    ]
    return {"Version": "2012-10-17", "Statement": found}
