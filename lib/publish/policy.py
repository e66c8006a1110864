"""The least IAM rights of each command, as policy documents to paste. Nothing here talks to AWS."""

from typing import Any

from lib.aws.names import prefixed, reports_bucket, table_names
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

Policy = dict[str, Any]


def upload_policy(settings: Settings) -> Policy:
    """List the rights that upload_to_aws.py needs, dry-run and check included: no list, scan or describe."""
    return _policy(
        ("CityflowTables", UPLOAD_TABLE_ACTIONS, _tables(settings)),
        (
            "CityflowObjets",
            UPLOAD_OBJECT_ACTIONS,
            [f"arn:aws:s3:::{reports_bucket(settings)}/{prefixed(settings, '*')}"],
        ),
    )


def setup_policy(settings: Settings) -> Policy:
    """List the rights that setup_dynamodb_tables.py needs, for the person who runs it once."""
    return _policy(
        ("CityflowCreationTables", SETUP_TABLE_ACTIONS, _tables(settings)),
        ("CityflowCreationBucket", SETUP_BUCKET_ACTIONS, [f"arn:aws:s3:::{reports_bucket(settings)}"]),
    )


def _tables(settings: Settings) -> list[str]:
    return [f"arn:aws:dynamodb:{settings.aws_region}:*:table/{name}" for name in table_names(settings).values()]


def _policy(*statements: tuple[str, tuple[str, ...], list[str]]) -> Policy:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resources}
            for sid, actions, resources in statements
        ],
    }
