"""What a check of the installation says: one line each, what was looked at, the result in a word, and the way out."""

from dataclasses import dataclass

OK, ATTENTION, ERROR = "ok", "attention", "erreur"  # an error stops a run, an attention makes it poorer


@dataclass(frozen=True)
class CheckResult:
    """One line of doctor. `way_out` is empty where nothing has to be done."""

    what: str
    result: str
    detail: str
    way_out: str = ""


def check_result(what: str, problem: str, detail: str, way_out: str, result: str = ERROR) -> CheckResult:
    """Report `problem` with its way out when there is one, else that all is well with its `detail`."""
    return CheckResult(what, result, problem, way_out) if problem else CheckResult(what, OK, detail)
