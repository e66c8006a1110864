"""Where raw files lie: paths of this machine, or of S3, made of the texts of the settings."""

from pathlib import Path

from lib.common.settings import S3_SCHEME, Settings
from lib.raw.s3_path import Connection, s3_paths


def raw_path(settings: Settings, text: str) -> Path:
    """Make the path that a setting names: s3://bucket/key, or of this machine."""
    if not text.startswith(S3_SCHEME):
        return Path(text)
    origins = settings.origins.get
    connection = Connection(
        settings.aws_region,
        settings.aws_endpoint_url,
        (("AWS_REGION", origins("AWS_REGION", "défaut")), ("AWS_ENDPOINT_URL", origins("AWS_ENDPOINT_URL", "défaut"))),
        settings.aws_profile,
    )
    return s3_paths(connection)(text)


def raw_root(settings: Settings) -> Path:
    """Find the folder that holds batch/ and api/."""
    return raw_path(settings, settings.data_dir)


def exports_folder(settings: Settings) -> Path:
    return raw_path(settings, settings.batch_dir)


def pulls_folder(settings: Settings) -> Path:
    """Find the folder that holds a folder of pulls for each source."""
    return raw_path(settings, settings.api_dir)
