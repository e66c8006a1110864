"""Whether the store answers, and whether AWS has what publishing needs. Everything here may be slow or fail."""

from collections.abc import Iterator

from lib.common.errors import CityflowError
from lib.common.settings import Settings
from lib.database_factory import get_database_service
from scripts.checks.results import ATTENTION, ERROR, OK, CheckResult
from scripts.registry import SOURCES


def check_store(settings: Settings) -> CheckResult:
    """Open the store and ask which days it holds."""
    what = f"base {settings.store}"
    try:
        with get_database_service(settings) as store:
            days = {day for source in SOURCES for day in store.list_available_dates(source)}
    except CityflowError as error:
        return CheckResult(what, ERROR, error.message, error.hint)
    return CheckResult(what, OK, f"{len(days)} jours, le dernier {max(days)}" if days else "répond, encore vide")


def check_aws(settings: Settings) -> Iterator[CheckResult]:
    """Check who we are, both tables with keys and TTL, the bucket of reports and the bucket of raw files."""
    try:
        from lib.aws.clients import aws_clients, caller
        from lib.publish.setup import setup_plan
        from lib.publish.state import read_state

        clients = aws_clients(settings)
        yield CheckResult("AWS", OK, caller(settings))
    except ModuleNotFoundError as error:
        yield CheckResult("AWS", ERROR, f"le paquet {error.name} n'est pas installé", "Lancer : make venv")
        return
    except CityflowError as error:
        yield CheckResult("AWS", ERROR, error.message, error.hint)
        return
    try:
        for step in setup_plan(settings, read_state(clients, settings)):
            stops = step.sign == "!" or step.operation.startswith("create_")
            result = OK if step.sign == "=" else ERROR if stops else ATTENTION
            text = step.text if step.sign != "+" else f"manque : {step.text}"
            yield CheckResult(step.target, result, text, "" if result == OK else "make setup-aws")
    except CityflowError as error:
        yield CheckResult("publication", ERROR, error.message, error.hint)
    yield _raw_bucket(settings, clients.s3)


def _raw_bucket(settings: Settings, s3: object) -> CheckResult:
    from lib.raw.bucket_listing import pull_days

    what = f"bucket {settings.s3_raw_bucket}"
    try:
        days = sorted(pull_days(s3, settings, "bikes"))
    except CityflowError as error:
        return CheckResult(what, ATTENTION, error.message, f"{error.hint} Il ne sert qu'à make fetch ORIGIN=s3.")
    return CheckResult(
        what, OK, f"{len(days)} jours de relevés vélo, le dernier {days[-1]}" if days else "sans relevé vélo"
    )
