"""What lies where in AWS: the two tables and their keys, the bucket, and the name of each published object."""

import re

from lib.common.errors import ConfigError
from lib.common.settings import Settings

# Kind of document -> the table's partition key; the sort key is `date` in both. All keys are strings.
KEY_ATTRIBUTES = {"metrics": "metric_type", "reports": "report_id"}
SORT_KEY = "date"
TTL_ATTRIBUTE = "ttl"
REPORT_INDEX = "rapports_par_date"  # global index of the reports' table: all reports, by date
REPORT_INDEX_KEY = "type_rapport"  # its partition key, the same text in each report

_BUCKET = re.compile(r"[A-Za-z0-9._-]{3,255}")  # what S3 has ever accepted


def table_names(settings: Settings) -> dict[str, str]:
    """Map each kind of document to its table."""
    return {"metrics": settings.dynamodb_metrics_table, "reports": settings.dynamodb_reports_table}


def reports_bucket(settings: Settings) -> str:
    """Return the bucket's name; ConfigError, naming every place looked in, when it is not set or not valid."""
    if not settings.s3_reports_bucket:
        raise ConfigError(
            "S3_REPORTS_BUCKET n'est pas défini (cherché : --bucket, environnement, .env).",
            "Choisir un nom unique dans tout AWS et l'écrire dans .env, par exemple "
            "S3_REPORTS_BUCKET=mon-organisation-cityflow-rapports.",
        )
    if not _BUCKET.fullmatch(settings.s3_reports_bucket):
        raise ConfigError(
            f"S3_REPORTS_BUCKET={settings.s3_reports_bucket} n'est pas un nom de bucket.",
            "Écrire le nom seul, sans s3:// ni « / » ; ce qui suit le nom va dans S3_REPORTS_PREFIX.",
        )
    return settings.s3_reports_bucket


def prefixed(settings: Settings, name: str) -> str:
    """Put the key of an object below S3_REPORTS_PREFIX, which may be empty or have slashes around it."""
    return "/".join(part for part in (settings.s3_reports_prefix.strip("/"), name) if part)
