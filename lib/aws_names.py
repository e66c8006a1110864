"""What lies where in AWS: the two tables and their keys, the bucket, and the name of each published object."""

from lib.errors import ConfigError
from lib.settings import Settings

# Kind of document -> the table's partition key; the sort key is `date` in both. All keys are strings.
KEY_ATTRIBUTES = {"metrics": "metric_type", "reports": "report_id"}
SORT_KEY = "date"
TTL_ATTRIBUTE = "ttl"


def table_names(settings: Settings) -> dict[str, str]:
    """Kind of document -> table."""
    return {"metrics": settings.dynamodb_metrics_table, "reports": settings.dynamodb_reports_table}


def reports_bucket(settings: Settings) -> str:
    """The bucket; ConfigError naming every place looked in when it is not set."""
    if not settings.s3_reports_bucket:
        raise ConfigError(
            "S3_REPORTS_BUCKET n'est pas défini (cherché : --bucket, environnement, .env).",
            "Choisir un nom unique dans tout AWS et l'écrire dans .env, par exemple "
            "S3_REPORTS_BUCKET=mon-organisation-cityflow-rapports.",
        )
    return settings.s3_reports_bucket


def prefixed(settings: Settings, name: str) -> str:
    """The key of an object below S3_REPORTS_PREFIX, which may be empty or have slashes around it."""
    return "/".join(part for part in (settings.s3_reports_prefix.strip("/"), name) if part)
