"""The templates of the pages and of their drawings, and how they are filled."""

import sys
from contextlib import suppress
from functools import lru_cache
from importlib.util import cache_from_source
from inspect import getmembers, isroutine
from pathlib import Path
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from lib.common.errors import StoreError
from lib.figures.calendar_days import long_date
from lib.files.atomic_file import write_atomically
from lib.files.copies import sealed, unsealed
from scripts.registry import SOURCES
from scripts.report import french

TEMPLATES = Path(__file__).parent / "templates"
# The page may load nothing and run nothing; its styles are in it, and its empty icon is a data: address.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class Compiled(BytecodeCache):
    """Compiled templates, kept where and when Python keeps compiled modules: compiling takes half of a report's time.

    jinja2 passes over one of another text, another Python or another version of its own; here over a damaged one, and
    one older than this module and `french`, for values that are known are written when a template is compiled.
    """

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError, ValueError):
            path = _compiled(bucket)
            if path.stat().st_mtime > max(Path(code).stat().st_mtime for code in (__file__, french.__file__)):
                bucket.bytecode_from_string(unsealed(path.read_bytes()))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if not sys.dont_write_bytecode:
            with suppress(StoreError):  # the code may lie where a run cannot write
                write_atomically(_compiled(bucket), sealed(bucket.bytecode_to_string()))


def _compiled(bucket: Bucket) -> Path:
    return Path(cache_from_source(str(Path(__file__).with_name(f"template_{bucket.key}.py"))))


def render(template: str, **values: Any) -> bytes:
    """Render a template as UTF-8; a name that it does not know is a fault, not a blank."""
    names = {name: source.french for name, source in SOURCES.items()}
    page = _environment().get_template(template).render(policy=POLICY, noms=names, **values)
    return french.typeset(page).encode()


def drawing(name: str, **values: Any) -> Markup:
    """Draw with a macro of drawings.svg.j2. Path data is Markup, which is neither escaped nor shortened."""
    macro = getattr(_environment().get_template("drawings.svg.j2").module, name)
    return Markup(macro(**values))


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        bytecode_cache=Compiled(),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=french.printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(getmembers(french, isroutine), long_date=long_date)
    return environment
