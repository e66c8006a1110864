"""What the upload says, in French: one line for a document and each of its destinations, and the last line."""

from typing import Any

from lib.publish.outcome import DocumentOutcome, Run

LATE = "late"  # a table that is not of the metrics in AWS: no failure, and said
PROBLEMS = ("failed", "invalid", "missing", "different", "damaged")

# The counts of the last line, by what the command did: status -> words.
_COUNTS = {
    "upload": {"written": "publiés", "same": "identiques", "failed": "échecs", "invalid": "invalides"},
    "dry_run": {"planned": "à publier", "same": "identiques", "failed": "refusés", "invalid": "invalides"},
    "check": {
        "same": "identiques",
        "missing": "absents",
        "different": "différents",
        "damaged": "abîmés",
        "failed": "échecs",
        "invalid": "invalides",
    },
    "repair": {
        "written": "réparés",
        "same": "identiques",
        "different": "différents",
        "failed": "échecs",
        "invalid": "invalides",
    },
}
_MODES = {"upload": "publication", "dry_run": "simulation", "check": "vérification", "repair": "réparation"}


def outcome_lines(outcome: DocumentOutcome) -> list[str]:
    """Write the document's sign and name, why where it is not plain, then where its bytes go."""
    reason = f" : {outcome.reason}" if outcome.reason else ""
    places = [f"    {destination}  {french_size(size)}" for destination, size in outcome.writes]
    return [f"{outcome.sign} {outcome.source.label}{reason}", *places]


def total_line(run: Run, mode: str, asked: int, seconds: float) -> str:
    """Write counts, bytes and seconds; documents that were not reached are counted too."""
    counts = [f"{words} {run.count(status)}" for status, words in _COUNTS[mode].items()]
    if run.renewed:
        counts.append(f"prolongés {run.renewed}")
    if run.believed:
        counts.append(f"déjà confirmés {run.believed}")
    if run.count(LATE):
        counts.append(f"tables à refaire {run.count(LATE)}")
    left = _left(run, mode, asked)
    if left:
        counts.append(f"non traités {left}")
    size = {
        "upload": f" ; {french_size(run.sent)} envoyés",
        "dry_run": f" ; {french_size(_planned_bytes(run))} à envoyer, rien n'a été écrit",
        "check": " ; rien n'a été écrit",
        "repair": f" ; {french_size(run.sent)} envoyés",
    }[mode]
    return f"{', '.join(counts)}{size} en {f'{seconds:.1f}'.replace('.', ',')} s"


def run_json(run: Run, mode: str, asked: int, seconds: float) -> dict[str, Any]:
    """Describe the run as one object, for --json."""
    return {
        "mode": _MODES[mode],
        "documents": [_outcome_json(outcome) for outcome in run.outcomes],
        "comptes": {words: run.count(status) for status, words in _COUNTS[mode].items()}
        | {"tables à refaire": run.count(LATE), "non traités": _left(run, mode, asked)},
        "octets_envoyes": run.sent,
        "octets_a_envoyer": _planned_bytes(run),
        "secondes": round(seconds, 2),
        "interrompu": run.interrupted,
        "erreur": str(run.fatal) if run.fatal else None,
    }


def french_size(size: int) -> str:
    """Write bytes as 640 o, 12,3 Ko, 4,5 Mo (1 Ko is 1024 bytes)."""
    if size < 1024:
        return f"{size} o"
    return f"{size / 1024:.1f} Ko".replace(".", ",") if size < 1024**2 else f"{size / 1024**2:.1f} Mo".replace(".", ",")


def _outcome_json(outcome: DocumentOutcome) -> dict[str, Any]:
    return {
        "signe": outcome.sign,
        "fichier": str(outcome.source.path),
        "etat": outcome.status,
        "raison": outcome.reason,
        "destinations": [{"lieu": place, "octets": size} for place, size in outcome.writes],
    }


def _planned_bytes(run: Run) -> int:
    return sum(size for outcome in run.outcomes if outcome.status == "planned" for _, size in outcome.writes)


def _left(run: Run, mode: str, asked: int) -> int:
    return asked - run.count(LATE, *_COUNTS[mode])
