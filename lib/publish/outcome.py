"""What became of each document of a run, and how it is said in French: a line for each document, and the last line."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lib.common.errors import CityflowError
from lib.publish.local_documents import DocumentFile
from lib.publish.plan import Action

LATE = "late"  # a table that is not of the metrics in AWS: no failure, and said
PROBLEMS = ("failed", "invalid", "missing", "different", "damaged")

# The counts of the last line, by what the command did: status -> words.
_ENDS = {"failed": "échecs", "invalid": "invalides"}
_COUNTS = {
    "upload": {"written": "publiés", "same": "identiques"} | _ENDS,
    "dry_run": {"planned": "à publier", "same": "identiques", "failed": "refusés", "invalid": "invalides"},
    "check": {"same": "identiques", "missing": "absents", "different": "différents", "damaged": "abîmés"} | _ENDS,
    "repair": {"written": "réparés", "same": "identiques", "different": "différents"} | _ENDS,
}
_MODES = {"upload": "publication", "dry_run": "simulation", "check": "vérification", "repair": "réparation"}


@dataclass(frozen=True)
class DocumentOutcome:
    """`status`: written, planned, same, failed, invalid or interrupted; of a check missing, different or damaged.

    Of a table also late, which is no failure: it is not of the metrics in AWS, and left.
    """

    source: DocumentFile
    sign: str
    status: str
    reason: str = ""
    writes: tuple[tuple[str, int], ...] = ()  # destination and bytes, of what is to be sent
    sent: int = 0  # bytes of what AWS has accepted
    passing: bool = False  # failed for a reason that may have passed in a little while
    seen: dict[str, Any] | None = None  # what AWS was seen to have of it (see seen.py)
    believed: bool = False  # not asked for

    def lines(self) -> Iterator[str]:
        """Write the document's sign and name, why where it is not plain, then where its bytes go."""
        yield f"{self.sign} {self.source.label}{f' : {self.reason}' if self.reason else ''}"
        for destination, size in self.writes:
            yield f"    {destination}  {french_size(size)}"

    def as_json(self) -> dict[str, Any]:
        return {
            "signe": self.sign,
            "fichier": str(self.source.path),
            "etat": self.status,
            "raison": self.reason,
            "destinations": [{"lieu": place, "octets": size} for place, size in self.writes],
        }


@dataclass
class Run:
    """The outcomes so far, and why the run stopped early, if it did."""

    outcomes: list[DocumentOutcome] = field(default_factory=list)
    fatal: CityflowError | None = None
    interrupted: bool = False

    def count(self, *statuses: str) -> int:
        return sum(outcome.status in statuses for outcome in self.outcomes)

    def total_line(self, mode: str, asked: int, seconds: float) -> str:
        """Write counts, bytes and seconds; documents that were not reached are counted too."""
        more = {
            "prolongés": sum(outcome.status == "same" and bool(outcome.writes) for outcome in self.outcomes),
            "déjà confirmés": sum(outcome.believed for outcome in self.outcomes),
            "tables à refaire": self.count(LATE),
            "non traités": self._left(mode, asked),
        }
        counts = [f"{words} {self.count(status)}" for status, words in _COUNTS[mode].items()]
        counts += [f"{words} {number}" for words, number in more.items() if number]
        size = {
            "check": "rien n'a été écrit",
            "dry_run": f"{french_size(self._planned_bytes())} à envoyer, rien n'a été écrit",
        }.get(mode, f"{french_size(self._sent())} envoyés")
        took = f"{seconds:.1f}".replace(".", ",")
        return f"{', '.join(counts)} ; {size} en {took} s"

    def as_json(self, mode: str, asked: int, seconds: float) -> dict[str, Any]:
        """Describe the run as one object, for --json."""
        return {
            "mode": _MODES[mode],
            "documents": [outcome.as_json() for outcome in self.outcomes],
            "comptes": {words: self.count(status) for status, words in _COUNTS[mode].items()}
            | {"tables à refaire": self.count(LATE), "non traités": self._left(mode, asked)},
            "octets_envoyes": self._sent(),
            "octets_a_envoyer": self._planned_bytes(),
            "secondes": round(seconds, 2),
            "interrompu": self.interrupted,
            "erreur": str(self.fatal) if self.fatal else None,
        }

    def _sent(self) -> int:
        return sum(outcome.sent for outcome in self.outcomes)

    def _planned_bytes(self) -> int:
        return sum(size for outcome in self.outcomes if outcome.status == "planned" for _, size in outcome.writes)

    def _left(self, mode: str, asked: int) -> int:
        return asked - self.count(LATE, *_COUNTS[mode])


def outcome_of(action: Action, done: bool) -> DocumentOutcome:
    """Tell what an action is to do or, once `done`, has done."""
    status = {"=": "same", "!": "failed"}.get(action.sign, "written" if done else "planned")
    places = tuple((write.destination, write.size) for write in action.writes)
    return DocumentOutcome(action.source, action.sign, status, action.reason, places)


def french_size(size: int) -> str:
    """Write bytes as 640 o, 12,3 Ko, 4,5 Mo (1 Ko is 1024 bytes)."""
    if size < 1024:
        return f"{size} o"
    return (f"{size / 1024:.1f} Ko" if size < 1024**2 else f"{size / 1024**2:.1f} Mo").replace(".", ",")
