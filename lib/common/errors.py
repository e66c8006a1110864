"""What can go wrong, and the exit code a shell sees for it.

This table is the only place where an exit code is written as a number; README repeats it for people.
"""

import errno
import json
from enum import IntEnum

# What a disk or its owner refuses: no fault of ours, wherever it is met.
REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)


class ExitCode(IntEnum):
    """Process exit codes, the same for every command of the project."""

    DONE = 0
    FAILED = 1  # something failed, or a source is missing from the report
    USAGE = 2
    CONFIG = 3  # settings or credentials
    NO_INPUT = 4  # nothing in the raw files about that day
    LOCKED = 75  # EX_TEMPFAIL: another run works on the same day
    INTERRUPTED = 130


class CityflowError(Exception):
    """A failure a person can act on: `message` says what, `hint` says the way out."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(CityflowError):
    """The command's words are off."""

    exit_code = ExitCode.USAGE


class ConfigError(CityflowError):
    """A setting or a credential is missing or unusable; trying again changes nothing."""

    exit_code = ExitCode.CONFIG


class InputError(CityflowError):
    """Raw files are there but cannot be used; `reason` is the code under which such a file is counted as rejected."""

    def __init__(self, message: str, hint: str = "", reason: str = "fichier_illisible") -> None:
        super().__init__(message, hint)
        self.reason = reason


class TooLargeError(InputError):
    """A raw file is larger than any real one, once unzipped: it is passed over before it fills memory or disk."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint, "fichier_trop_gros")


class SearchError(CityflowError):
    """The search of a file was cut short, by a process that died or by memory or disk refused: nothing is known of it.

    Unlike an InputError it says nothing against the file, so that no caller goes on without it.
    """


class NoDataError(CityflowError):
    """The raw files hold nothing about the day asked for."""

    exit_code = ExitCode.NO_INPUT


class StoreError(CityflowError):
    """A store could not be read or written."""


class LockHeldError(CityflowError):
    """Another run works on the same day."""

    exit_code = ExitCode.LOCKED


_SYSTEM = {
    errno.EACCES: "accès refusé",
    errno.EPERM: "opération interdite",
    errno.ENOENT: "absent",
    errno.ENOSPC: "plus de place sur le disque",
    errno.EDQUOT: "quota de disque atteint",
    errno.EFBIG: "fichier trop gros pour ce disque",
    errno.EROFS: "disque en lecture seule",
    errno.EISDIR: "c'est un dossier",
    errno.ENOTDIR: "ce n'est pas un dossier",
    errno.ENOTEMPTY: "le dossier n'est pas vide",
    errno.EEXIST: "existe déjà",
    errno.ELOOP: "lien symbolique refusé",
    errno.EIO: "erreur du disque",
    errno.EMFILE: "trop de fichiers ouverts",
    errno.ENAMETOOLONG: "nom trop long",
    errno.ECONNREFUSED: "connexion refusée",
    errno.ECONNRESET: "connexion coupée",
    errno.ETIMEDOUT: "pas de réponse à temps",
    errno.EHOSTUNREACH: "machine inaccessible",
    errno.ENETUNREACH: "réseau inaccessible",
    errno.EADDRINUSE: "port déjà pris",
}
_JSON = {
    "Expecting value": "valeur attendue",
    "Expecting ',' delimiter": "virgule attendue",
    "Expecting ':' delimiter": "deux-points attendus",
    "Expecting property name enclosed in double quotes": "nom entre guillemets attendu",
    "Unterminated string starting at": "texte sans guillemet de fin",
    "Invalid control character at": "caractère de contrôle",
    "Invalid \\escape": "échappement inconnu",
    "Extra data": "suite après la fin",
}


def in_french(error: BaseException) -> str:
    """Say in French what the system or a parser says in English; what is not in the tables stays as it is."""
    if isinstance(error, OSError):
        return _SYSTEM.get(error.errno or 0, error.strerror or str(error))
    if isinstance(error, json.JSONDecodeError):
        return f"{_JSON.get(error.msg, error.msg)}, ligne {error.lineno}, colonne {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return f"l'octet {error.start} n'est pas de l'{error.encoding.upper()}"
    return str(error)
