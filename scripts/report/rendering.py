"""The templates of the pages and of their drawings, and how they are filled."""

from functools import lru_cache
from inspect import getmembers, isfunction
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lib.figures.calendar_days import long_date
from scripts.registry import SOURCES
from scripts.report import french

TEMPLATES = Path(__file__).parent / "templates"
# The page may load nothing and run nothing; its styles are in it, and its empty icon is a data: address.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


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
        autoescape=True,
        undefined=StrictUndefined,
        finalize=french.printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(getmembers(french, isfunction), long_date=long_date)
    return environment
