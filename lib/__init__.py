"""What the scripts share: settings, raw inputs, civil time, geography, quality and storage.

It is the first import of every script, so it says what a Python that is not the project's own lacks.
"""

import os
import sys
from types import TracebackType

__version__ = "1.0.0"  # pyproject.toml repeats it; printed by make doctor and in every manifest

_CONFIG = 3  # ExitCode.CONFIG, which a Python that is too old cannot import
_WAY_OUT = f"Lancer : make venv, puis .venv/bin/python {os.path.relpath(sys.argv[0] or 'scripts/…')}"

if sys.version_info < (3, 11):  # noqa: UP036 - a script may be started with another Python than the project's
    sys.stderr.write(f"Python 3.11 ou plus récent est demandé, celui-ci est {sys.version.split()[0]}. {_WAY_OUT}\n")
    raise SystemExit(_CONFIG)


def _say_missing_package(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say in one line, not in a trace, that a package is not installed, and end with the code of a bad set-up."""
    name = getattr(error, "name", None) or ""
    if not isinstance(error, ModuleNotFoundError) or name.split(".")[0] in ("", "lib", "scripts"):
        sys.__excepthook__(kind, error, trace)
        return
    sys.stderr.write(f"Le paquet {name} manque à {sys.executable}. {_WAY_OUT}\n")
    sys.stderr.flush()
    os._exit(_CONFIG)  # an exception hook cannot choose the exit code


sys.excepthook = _say_missing_package

# Nothing here multiplies matrices: numpy's threads for that would do nothing but spin, 50 ms of each command.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
