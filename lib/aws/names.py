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

MOST_TAGS = 50  # that DynamoDB and S3 keep of a resource

_TAG = re.compile(r"([\w .:/+@-]{1,128})=([\w .:/+=@-]{0,256})")  # what both accept of a tag's key and value
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


def wanted_tags(settings: Settings) -> dict[str, str]:
    """Read AWS_TAGS; ConfigError, naming the tag, where AWS would refuse it."""
    found: dict[str, str] = {}
    for text in filter(None, map(str.strip, settings.aws_tags.split(","))):
        tag = _TAG.fullmatch(text)
        key, value = (tag[1].strip(), tag[2].strip()) if tag else ("", "")
        wrong = (
            "n'est pas clé=valeur, en lettres, chiffres, espaces et + - = . _ : / @ (128 et 256 signes au plus)"
            if not key
            else "commence par aws:, ce qu'AWS se réserve"
            if key.lower().startswith("aws:")
            else f"donne « {key} » une seconde fois"
            if key in found
            else f"est une étiquette de trop : {MOST_TAGS} au plus"
            if len(found) == MOST_TAGS
            else ""
        )
        if wrong:
            raise ConfigError(
                f"AWS_TAGS ({settings.origins.get('AWS_TAGS', 'défaut')}) : « {text} » {wrong}.",
                "Écrire par exemple AWS_TAGS=projet=cityflow,equipe=mobilite.",
            )
        found[key] = value
    return found


def object_url(settings: Settings, name: str) -> str:
    """Name the object, or the folder, that lies under this name below S3_REPORTS_PREFIX."""
    return f"s3://{reports_bucket(settings)}/{prefixed(settings, name)}"


def bucket_and_key(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def prefixed(settings: Settings, name: str) -> str:
    """Put the key of an object below S3_REPORTS_PREFIX, which may be empty or have slashes around it."""
    return "/".join(part for part in (settings.s3_reports_prefix.strip("/"), name) if part)
