"""The S3 objects of a report: the forms that its item points to, and the same under names that people read.

What an item points to has the digest of its content in its key and is never replaced. `reports/daily_report_<day>.html`
(.csv, .json) and `reports/latest.html` are replaced: they are written after the item, by whoever's item stands.
"""

import base64
import gzip
import hashlib
from dataclasses import dataclass, replace
from typing import Any

from lib.aws.names import bucket_and_key, object_url
from lib.common.settings import Settings
from lib.publish.asking import Request
from lib.stores.documents import PACKING

CONTENT_TYPES = {
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".gz": "application/gzip",
    ".parquet": "application/vnd.apache.parquet",
}
LATEST = "latest.html"  # the page of the last day
ZIPPED = (".html",)  # forms that browsers read: they undo the gzip of what says Content-Encoding
FOR_EVER = "max-age=31536000, immutable"  # of a key with its content's digest
ASK_EACH_TIME = "no-cache"  # of a key that is replaced: kept, but compared by its ETag at each visit
DIGEST = "sha256"  # metadata of an object: the digest of its content before gzip
DAY = "jour"  # metadata of latest.html: the day that it is the page of
NO_OBJECT = "*"  # in place of an ETag: the key does not exist

Objects = dict[str, tuple[str, str]]  # suffix -> (url, sha256 of the content before gzip)


@dataclass(frozen=True)
class Readable:
    """A key that people read, and the digest of what it must hold; `day` is given for latest.html alone."""

    url: str
    digest: str
    suffix: str
    day: str = ""


def is_ours(url: str, settings: Settings) -> bool:
    """Tell whether an object lies where the settings have objects lie: an item may point anywhere."""
    return url.startswith(object_url(settings, ""))


def pointed(stem: str, digests: dict[str, str], settings: Settings) -> Objects:
    """Describe the objects that the item of a report points to; its JSON is in the item itself."""
    folder = object_url(settings, "documents")
    return {
        suffix: (f"{folder}/{stem}.{digest[:16]}{suffix}", digest)
        for suffix, digest in digests.items()
        if suffix != ".json"
    }


def readables(stem: str, digests: dict[str, str], settings: Settings, latest: str = "") -> list[Readable]:
    """Describe the keys that people read of a report; also latest.html where `latest` names the report's day."""
    found = [Readable(object_url(settings, stem + suffix), digest, suffix) for suffix, digest in digests.items()]
    if latest and ".html" in digests:
        found.append(Readable(object_url(settings, LATEST), digests[".html"], ".html", latest))
    return found


def stored_form(suffix: str, content: bytes, digest: str) -> dict[str, Any]:
    """Build what the PutObjects of a content with this sha256 have in common."""
    body = gzip.compress(content, PACKING, mtime=0) if suffix in ZIPPED else content
    zipped = {"ContentEncoding": "gzip"} if suffix in ZIPPED else {}
    return zipped | {
        "Body": body,
        "ContentType": CONTENT_TYPES[suffix],
        "ChecksumSHA256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
        "Metadata": {DIGEST: digest},
    }


def put_request(url: str, form: dict[str, Any], settings: Settings, cache: str = FOR_EVER) -> Request:
    """Build a PutObject of a stored_form; see `only_if` for its condition.

    It names the key of S3_REPORTS_KMS_KEY, where that is set; else the bucket's own encryption holds.
    """
    bucket, key = bucket_and_key(url)
    kms_key = settings.s3_reports_kms_key
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
    request = {"Bucket": bucket, "Key": key, "CacheControl": cache} | form | encryption
    return Request("s3", "put_object", request, url, len(form["Body"]))


def only_if(etag: str, request: Request, day: str = "") -> Request:
    """Have a PutObject refused when its key holds anything but what has this ETag (NO_OBJECT: anything at all).

    With a `day` the object says that it is the page of that day.
    """
    condition = {"IfNoneMatch": "*"} if etag == NO_OBJECT else {"IfMatch": etag}
    metadata = request.request["Metadata"] | ({DAY: day} if day else {})
    return replace(request, request=request.request | condition | {"Metadata": metadata})
