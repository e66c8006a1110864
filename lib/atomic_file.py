"""The one gate through which every file of the project is written."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lib.errors import StoreError


@contextmanager
def atomic_writer(path: Path) -> Iterator[BinaryIO]:
    """Yield a binary file that becomes `path` when the block ends well; on any failure `path` is left as it was.

    The bytes go to a hidden temporary file of the same folder (so that the rename cannot cross a file system), are
    flushed to the disk, then renamed over `path`. StoreError names the file when the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise StoreError(
            f"impossible d'écrire {path} : {error.strerror or error}.",
            "Vérifier les droits et la place disponible ; le fichier précédent est intact.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, whole or not at all."""
    with atomic_writer(path) as stream:
        stream.write(content)
