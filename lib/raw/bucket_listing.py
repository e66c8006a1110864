"""The bucket that keeps raw files (S3_RAW_BUCKET): what lies below its prefix, page by page."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from lib.aws.errors import DENIED, MISSING, aws_errors, error_code
from lib.common.errors import ConfigError, InputError
from lib.common.settings import Settings

MOST_KEYS = 100_000  # of one listing: the pulls of a day, or the exports of a source

_PULL = re.compile(r"dt=([0-9]{4}-[0-9]{2}-[0-9]{2})/")


@contextmanager
def raw_bucket_errors(settings: Settings) -> Iterator[None]:
    """As aws_errors, with the way out of a reader: this bucket is somebody else's."""
    try:
        with aws_errors(place_of(settings)):
            yield
    except ConfigError as error:
        code = error_code(error.__cause__) if isinstance(error.__cause__, ClientError) else ""
        if code in MISSING:
            raise ConfigError(f"{place_of(settings)} n'existe pas.", "Corriger S3_RAW_BUCKET ou AWS_REGION.") from error
        if code in DENIED:
            way_out = "Demander s3:ListBucket et s3:GetObject sur ce bucket."
            raise ConfigError(f"{place_of(settings)} : droit manquant ({code}).", way_out) from error
        raise


def pull_days(s3: Any, settings: Settings, source: str) -> Iterator[str]:
    """Yield the days (YYYY-MM-DD) of the bucket's pulls of a source, oldest first."""
    with raw_bucket_errors(settings):
        for page in pages(s3, settings, f"api/{source}/", Delimiter="/"):
            for prefix in page.get("CommonPrefixes", []):
                if found := _PULL.search(prefix["Prefix"]):
                    yield found[1]


def pages(s3: Any, settings: Settings, below: str, **options: str) -> Iterator[dict[str, Any]]:
    prefix, seen = prefix_of(settings) + below, 0
    paginator = s3.get_paginator("list_objects_v2")  # it refuses a page that leads to itself
    for page in paginator.paginate(Bucket=settings.s3_raw_bucket, Prefix=prefix, **options):
        yield page
        seen += len(page.get("Contents", [])) + len(page.get("CommonPrefixes", []))
        if seen > MOST_KEYS:
            where = f"s3://{settings.s3_raw_bucket}/{prefix}"
            raise InputError(f"plus de {MOST_KEYS} objets sous {where}.", "Vérifier S3_RAW_BUCKET et S3_RAW_PREFIX.")


def prefix_of(settings: Settings) -> str:
    return f"{settings.s3_raw_prefix}/" if settings.s3_raw_prefix else ""


def place_of(settings: Settings) -> str:
    return f"s3://{settings.s3_raw_bucket}/{prefix_of(settings)}"
