"""A copy of this checkout in a folder of its own, with a virtual environment that costs nothing, to run make in."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import cache_from_source
from pathlib import Path

from tests import script_server
from tests.conftest import ROOT, Ran
from tests.support.patience import deadline

DAY = "2025-11-04"


@dataclass
class Checkout:
    """The copy, its raw tree, and the few words of environment that cron would give."""

    root: Path
    raw: Path
    environment: dict[str, str] = field(default_factory=dict)
    served: bool = False

    def run(
        self, *command: str, cwd: Path | None = None, confine: Callable[[], None] | None = None, **more: str
    ) -> Ran:
        """`confine` is called in the child process (see tests/support/confined)."""
        assert not (confine and self.served), "the server's processes know nothing of it"
        environment = {**self.environment, **more}
        ran = script_server.run(
            command,
            cwd=cwd or self.root,
            env=environment,
            preexec_fn=confine,
            timeout=deadline(),
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def make(self, *words: str, **more: str) -> Ran:
        return self.run("make", *words, **more)

    def written(self, folder: str = "output") -> dict[str, int]:
        """Every result below the folder with the time it was written at; manifests, which each run adds, are none."""
        paths = [path for path in (self.root / folder).rglob("*") if path.is_file()]
        results = {str(path.relative_to(self.root / folder)): path.stat().st_mtime_ns for path in paths}
        return {name: when for name, when in results.items() if not name.startswith((".", "runs/"))}

    def pulls(self, source: str) -> list[Path]:
        return sorted(path for path in (self.raw / "api" / source).rglob("*") if path.is_file())


def copy_checkout(root: Path, raw: Path, served: bool = True) -> Checkout:
    """Copy what git tracks or would track; link an environment that looks installed to the running interpreter's.

    Its python is the launcher of tests/script_server, or for what must start one an interpreter.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
            compiled = Path(cache_from_source(str(ROOT / name))) if name.endswith(".py") else ROOT
            if compiled.is_file() and compiled.is_relative_to(ROOT):
                there = root / compiled.relative_to(ROOT)  # believed there as here: the times of the sources are kept
                there.parent.mkdir(exist_ok=True)
                shutil.copy2(compiled, there)
    venv.create(root / ".venv", symlinks=True, with_pip=False)
    packages = next((root / ".venv" / "lib").glob("python*/site-packages"))
    (packages / "running_interpreter.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    if served:
        python = (root / ".venv" / "bin" / "python").rename(root / ".venv" / "bin" / "interpreter")
        launcher = python.with_name("python")
        launcher.write_text(script_server.launcher(python), encoding="utf-8")
        launcher.chmod(0o755)
    for requirements in root.glob("requirements*.txt"):
        installed = [path.read_text("utf-8").rstrip("\n") for path in (root / "constraints.txt", requirements)]
        (root / ".venv" / requirements.name).write_text("".join(installed), encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}/usr/local/bin{os.pathsep}/usr/bin{os.pathsep}/bin"
    return Checkout(root, raw, {"HOME": str(root), "PATH": path, "DATA_DIR": str(raw)}, served)
