"""A database and the files of OUTPUT_DIR: neither the day's figures nor its report are lost when the database fails."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from lib.common.errors import CityflowError, ConfigError, StoreError
from lib.database_service import DatabaseService
from lib.local_file_service import LocalFileService

log = logging.getLogger(__name__)

Found = TypeVar("Found")


def from_either(store: DatabaseService, files: LocalFileService, read: Callable[[DatabaseService], Found]) -> Found:
    """Return read(store), or read(files) with a warning where the database fails: files have what was computed here."""
    try:
        return read(store)
    except (StoreError, ConfigError) as error:
        if isinstance(store, LocalFileService):
            raise
        log.warning("%s L'historique est lu dans %s.", error, files.output_dir)
        return read(files)


def save_in_both(store: DatabaseService, path: Path, save: Callable[[], None]) -> None:
    """Save in the database what was just written to `path`; nothing where the store is the files themselves.

    Until the database has it the file bears an old date, whatever stops this run: make then does the day again.
    """
    if isinstance(store, LocalFileService):
        return
    os.utime(path, (0, 0))
    try:
        save()
    except CityflowError:
        log.warning("%s est écrit, mais n'est pas dans la base : relancer ce jour.", path)
        raise
    os.utime(path)
