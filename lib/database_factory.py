"""Which store a run uses, and how to open it."""

from lib.common.errors import ConfigError
from lib.common.settings import Settings, load_settings
from lib.database_service import DatabaseService
from lib.local_file_service import LocalFileService


def get_database_type(settings: Settings | None = None) -> str:
    """Return local_files, mongodb or dynamodb: CITYFLOW_STORE, else MongoDB on a developer's laptop, else files."""
    return (settings or load_settings()).store


def get_database_service(settings: Settings) -> DatabaseService:
    """Open the store of the settings.

    Nothing is imported for a store that is not used, and no server is asked before the first use.
    ConfigError when the store's package is not installed.
    """
    kind = get_database_type(settings)
    try:
        if kind == "mongodb":
            from lib.mongodb_service import MongodbService

            return MongodbService(settings)
        if kind == "dynamodb":
            from lib.dynamodb_service import DynamodbService

            return DynamodbService(settings)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"CITYFLOW_STORE={kind} demande le paquet {error.name}, qui n'est pas installé.",
            "Lancer : make venv, ou pip install -r requirements.txt",
        ) from error
    return LocalFileService(settings.output_dir)
