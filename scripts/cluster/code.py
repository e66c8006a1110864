"""The project's own code on its way to the workers of a cluster: lib/ and scripts/ in one archive, unpacked there.

Nothing here may import the project: this module is what makes it importable on a worker, and travels by value.
"""

import hashlib
import importlib
import io
import pickle
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

from distributed import WorkerPlugin

PACKAGES = ("lib", "scripts")


class ShippedCode(WorkerPlugin):
    """Makes each worker, present or to come, import this very code whatever it had imported before."""

    name = "cityflow-code"
    idempotent = False

    def __init__(self, archive: bytes) -> None:
        self.archive = archive
        self.digest = hashlib.sha256(archive).hexdigest()[:16]

    def setup(self, worker: Any) -> None:
        folder = Path(worker.local_directory) / f"cityflow-{self.digest}"
        if str(folder) in sys.path:
            return
        shutil.rmtree(folder, ignore_errors=True)
        with zipfile.ZipFile(io.BytesIO(self.archive)) as archive:
            archive.extractall(folder)
        former = [place for place in sys.path if Path(place).parent == folder.parent]  # code shipped before, no package
        sys.path[:] = [str(folder), *(place for place in sys.path if place not in former)]
        for name in list(sys.modules):
            if name.split(".")[0] in PACKAGES:
                del sys.modules[name]


def call(module: str, function: str, words: bytes, *given: Any) -> Any:
    """Run a function of the project by its name: the scheduler, which reads what it passes on, lacks the project."""
    return getattr(importlib.import_module(module), function)(*pickle.loads(words), *given)


call.__module__ = "__main__"  # which Dask takes for a function that nobody else has, and sends by value


def archive(root: Path) -> bytes:
    """Pack lib/, scripts/ and requirements.txt below `root`; the same code gives the same bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        modules = sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))
        for path in (*modules, root / "requirements.txt"):
            packed.writestr(zipfile.ZipInfo(str(path.relative_to(root))), path.read_bytes())
    return content.getvalue()
