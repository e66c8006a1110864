"""Carry out the steps of one document: send each request, wait and try again while that helps, and hand the reply back.

Steps are generators that yield a Request and are given its reply, or Changed or Absent where AWS says so. They know no
network: the tests run the same steps in every order that two uploaders may come in.

Every document has its own budget of waiting; botocore's retries, whose budget the threads would share, are off.
"""

import random
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from lib.aws.bodies import read_decoded
from lib.aws.clients import ATTEMPTS, AwsClients
from lib.aws.errors import CHANGED, DENIED, error_code, is_of_key, is_passing, may_arrive, translated
from lib.common.errors import CityflowError

FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0  # s, before the second and before any later attempt; half of it on average
BUDGET = 30.0  # s of waiting for one document

Done = TypeVar("Done")


class Changed(Exception):
    """The condition of a write no longer holds: somebody else has written."""


class Absent(Exception):
    """There is no such object, or no right to read it: without the right to list, S3 does not tell them apart."""


class Interrupted(Exception):
    """The run is to stop."""


@dataclass(frozen=True)
class Request:
    """One request; `size` is the bytes of the item or object that it writes, `destination` its place in words.

    What is `final` is not sent, and its reply is None, where an attempt of an earlier request may arrive yet.
    """

    service: str
    operation: str
    request: dict[str, Any]
    destination: str = ""
    size: int = 0
    final: bool = False

    @property
    def target(self) -> str:
        """What the request is about, as errors name it."""
        if self.service == "s3":
            return f"bucket {self.request['Bucket']}"
        return f"table {self.request['TableName']}"


Steps = Generator[Request, Any, Done]


@dataclass
class Asking:
    """The requests of one document: bytes that AWS accepted, and seconds of waiting that are left."""

    clients: AwsClients | None  # None: what is planned without asking
    stop: threading.Event
    sent: int = 0
    left: float = field(default=BUDGET)
    adrift: bool = False  # an attempt to replace an object had no answer: it may arrive after all

    def carry_out(self, steps: Steps[Done]) -> Done:
        """Run the steps to their end; CityflowError where AWS refuses, Interrupted where the run stops."""
        reply: Any = None
        refusal: Exception | None = None
        while True:
            try:
                request = steps.throw(refusal) if refusal else steps.send(reply)
            except StopIteration as end:
                done: Done = end.value
                return done
            reply = refusal = None
            try:
                reply = self._answer(request)
                self.sent += request.size
            except (Changed, Absent, CityflowError) as error:
                refusal = error

    def _answer(self, request: Request) -> Any:
        if request.final and self.adrift:
            return None
        for attempt in range(1, ATTEMPTS + 1):
            if self.stop.is_set():
                raise Interrupted
            try:
                return _sent(self.clients, request)
            except (ClientError, BotoCoreError) as error:
                _raise_if_told(request, error)
                self.adrift |= "IfMatch" in request.request and may_arrive(error)
                wait = random.uniform(0.5, 1) * min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1))
                if attempt == ATTEMPTS or wait > self.left or not is_passing(error):
                    raise translated(error, request.target, attempt) from error
            self.left -= wait
            self.stop.wait(wait)
        raise AssertionError("the last attempt returns or raises")


def _sent(clients: AwsClients | None, request: Request) -> Any:
    reply = getattr(getattr(clients, request.service), request.operation)(**request.request)
    return read_decoded(reply) if request.operation == "get_object" else reply


def _raise_if_told(request: Request, error: ClientError | BotoCoreError) -> None:
    """Raise what the steps decide about, in place of an error."""
    if not isinstance(error, ClientError):
        return
    code = error_code(error)
    reading = request.operation in ("get_object", "head_object")
    if code in CHANGED or (code == "NoSuchKey" and not reading):
        raise Changed from error
    if reading and code in DENIED | {"NoSuchKey", "404"} and not is_of_key(error):
        raise Absent from error
