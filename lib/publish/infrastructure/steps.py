"""One SetupStep for each thing that publishing wants of AWS, and how those that are to do are carried out."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from lib.aws.clients import AwsClients
from lib.aws.errors import aws_errors, error_code
from lib.common.errors import ConfigError, StoreError

READY_TIMEOUT = 180  # s; AWS makes a table in about ten seconds
READY_INTERVAL = 2.0  # s between two looks

# What AWS answers to a change of a table that it has just made and that still settles down.
_SETTLING = {"ContinuousBackupsUnavailableException", "ResourceInUseException"}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SetupStep:
    """One wish: `sign` is = (already so), + (to do, by this very request) or ! (cannot be)."""

    sign: str
    target: str
    text: str
    service: str = ""
    operation: str = ""
    request: dict[str, Any] = field(default_factory=dict)


def wish(done: bool, target: str, text: str, service: str, operation: str, **request: Any) -> SetupStep:
    """Make the step of a wish that is fulfilled or to do."""
    return SetupStep("=", target, text) if done else SetupStep("+", target, text, service, operation, request)


def found(ask: Callable[[], dict[str, Any]], absent: str) -> dict[str, Any]:
    """Ask for something; nothing where AWS says by the code `absent` that it is not there."""
    try:
        return ask()
    except ClientError as error:
        if error_code(error) == absent:
            return {}
        raise


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_words(tags: dict[str, str]) -> str:
    return f"étiquettes {', '.join(f'{key}={value}' for key, value in tags.items())}"


def carry_out(clients: AwsClients, step: SetupStep) -> None:
    """Send a step's request, and for a table wait until it is ACTIVE. StoreError when AWS takes too long."""

    def accepted() -> bool:
        try:
            getattr(getattr(clients, step.service), step.operation)(**step.request)
        except ClientError as error:
            if error_code(error) == "BucketAlreadyExists":
                raise ConfigError(
                    f"{step.target} : ce nom est pris par un autre compte AWS.", "Choisir un autre S3_REPORTS_BUCKET."
                ) from error
            if step.operation == "create_table" or error_code(error) not in _SETTLING:
                raise
            return False
        return True

    with aws_errors(step.target):
        until(step.target, accepted)
        if step.operation in ("create_table", "update_table"):
            wait_for_table(clients.dynamodb, step.request["TableName"])


def wait_for_table(client: Any, name: str) -> None:
    until(f"table {name}", lambda: client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")


def until(target: str, ready: Callable[[], bool]) -> None:
    """Look until it is ready; StoreError after READY_TIMEOUT."""
    deadline, announced = time.monotonic() + READY_TIMEOUT, False
    while not ready():
        if not announced:
            log.info("%s : attente d'AWS, %d s au plus…", target, READY_TIMEOUT)
            announced = True
        if time.monotonic() > deadline:
            raise StoreError(
                f"{target} : toujours pas prête après {READY_TIMEOUT} s.", "Relancer : make setup-aws continue."
            )
        time.sleep(READY_INTERVAL)
