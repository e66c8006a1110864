"""What became of each document of a run, and of the run."""

from dataclasses import dataclass, field
from typing import Any

from lib.common.errors import CityflowError
from lib.publish.local_documents import DocumentFile
from lib.publish.plan import Action


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


@dataclass
class Run:
    """The outcomes so far, and why the run stopped early, if it did."""

    outcomes: list[DocumentOutcome] = field(default_factory=list)
    fatal: CityflowError | None = None
    interrupted: bool = False

    @property
    def sent(self) -> int:
        return sum(outcome.sent for outcome in self.outcomes)

    @property
    def renewed(self) -> int:
        """Count the documents that are the same but whose life was, or is to be, prolonged."""
        return sum(outcome.status == "same" and bool(outcome.writes) for outcome in self.outcomes)

    @property
    def believed(self) -> int:
        return sum(outcome.believed for outcome in self.outcomes)

    def count(self, *statuses: str) -> int:
        return sum(outcome.status in statuses for outcome in self.outcomes)


def outcome_of(action: Action, done: bool) -> DocumentOutcome:
    """Tell what an action is to do or, once `done`, has done."""
    status = {"=": "same", "!": "failed"}.get(action.sign, "written" if done else "planned")
    places = tuple((write.destination, write.size) for write in action.writes)
    return DocumentOutcome(action.source, action.sign, status, action.reason, places)
