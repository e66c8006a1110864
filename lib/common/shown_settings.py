"""Settings as people see them: masked, misspelt, and in the commands that messages propose."""

import difflib
import os
import re
import shlex
from dataclasses import fields
from pathlib import Path

from lib.common.settings import INTERNAL, MAKE, ROOT, Settings, declared, read_dotenv

_COMMAND = re.compile(r"\bmake (?!demo|venv)[a-z][a-z-]+(?: [A-Z_]+=[\w/-]*)*")


def typable(text: str) -> str:
    """Add to each make command that a message proposes the settings that were typed after make and that it lacks."""
    names = os.environ.get(MAKE, "").split()[1:]
    if not names:
        return text
    shown = {one["name"] for one in declared() if not one["secret"] and not one["doc"].startswith(INTERNAL)}
    typed = [name for name in names if name in shown]

    def whole(found: re.Match[str]) -> str:
        lacks = [name for name in typed if f" {name}=" not in found[0]]
        return " ".join([found[0], *(f"{name}={shlex.quote(os.environ.get(name, ''))}" for name in lacks)])

    return _COMMAND.sub(whole, text)


def near_misses(root: Path = ROOT) -> dict[str, str]:
    """Find the names in .env that nothing reads but that look like a setting's, each with that setting."""
    known = [one["name"] for one in declared()]
    unknown = [name for name in read_dotenv(root / ".env") if name not in known]
    close = {name: difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.8) for name in unknown}
    return {name: found[0] for name, found in close.items() if found}


def shown_settings(settings: Settings) -> list[dict[str, str]]:
    """List every setting as a person may see it: nom, valeur (secrets masked, the path really used), origine."""
    shown = []
    for one in fields(Settings):
        if one.metadata and not one.metadata["doc"].startswith(INTERNAL):
            name, value = one.metadata["name"], getattr(settings, one.name)
            text = "***" if one.metadata["secret"] and value else "" if value is None else str(value)
            shown.append({"nom": name, "valeur": masked(text), "origine": settings.origins.get(name, "défaut")})
    return shown


def masked(text: str) -> str:
    """Strike out of an address its user and password, and the values of its query (?apikey=…)."""
    text = re.sub(r"(^|//)[^/@\s]*@", r"\1***@", text)
    return re.sub(r"([?&][^=&\s]*=)[^&\s]+", r"\1***", text) if "://" in text else text
