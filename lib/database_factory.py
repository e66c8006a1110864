"""Which store a run uses, and how to open it."""

import sys

from lib.database_service import DatabaseService
from lib.errors import ConfigError
from lib.local_file_service import LocalFileService
from lib.settings import Settings, load_settings


def get_database_type(settings: Settings | None = None) -> str:
    """`local_files`, `mongodb` or `dynamodb`: CITYFLOW_STORE, else MongoDB on a developer's laptop, else files."""
    return (settings or load_settings()).store


def get_database_service(settings: Settings) -> DatabaseService:
    """Open the store of the settings. Nothing is imported, and no server asked, for a store that is not used."""
    kind = get_database_type(settings)
    if kind == "local_files":
        return LocalFileService(settings.output_dir)
    raise ConfigError(f"CITYFLOW_STORE={kind} n'est pas encore disponible.", "Choisir local_files.")


if __name__ == "__main__":
    sys.stdout.write(get_database_type() + "\n")
