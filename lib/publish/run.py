"""Publishing many documents at once: each is read, compared, planned and, unless one only looks, sent.

A document that fails stops no other. What every document would fail of (credentials, rights, a missing table, a server
that does not answer) stops the run, and so does Ctrl-C: requests under way end, nothing more is begun.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from lib.aws.clients import AwsClients
from lib.aws.errors import UnreachableError, aws_errors, error_code
from lib.aws.names import table_names
from lib.common.errors import CityflowError, ConfigError, InputError, StoreError
from lib.common.settings import Settings
from lib.publish.local_documents import DocumentFile, read_files, validated
from lib.publish.plan import (
    COMPARED,
    UNKNOWN,
    Action,
    Remote,
    Write,
    is_untouched,
    item_key,
    plan_document,
    plan_renewal,
    remote_of,
)
from lib.stores.dynamodb_items import Item

FATAL = (ConfigError, UnreachableError)


@dataclass(frozen=True)
class DocumentOutcome:
    """What became of one document. `status`: written, planned, same, failed, invalid or interrupted."""

    source: DocumentFile
    sign: str
    status: str
    reason: str = ""
    writes: tuple[tuple[str, int], ...] = ()  # destination and bytes, of what is to be sent
    sent: int = 0  # bytes of what AWS has accepted


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

    def count(self, *statuses: str) -> int:
        return sum(outcome.status in statuses for outcome in self.outcomes)


Treat = Callable[[DocumentFile, threading.Event], DocumentOutcome]


def uploader(clients: AwsClients | None, settings: Settings, force: bool, dry_run: bool) -> Treat:
    """Make the function that plans and sends a document; without clients it sends nothing, the remote being unknown."""

    def treat(source: DocumentFile, stop: threading.Event) -> DocumentOutcome:
        files = read_files(source)
        remote = read_remote(clients, settings, source) if clients else UNKNOWN
        now = settings.now()
        action = Action("=", source)
        if force or not is_untouched(source, files, remote, settings):
            action = plan_document(validated(source, files), remote, settings, now, force)
        if action.sign == "=":
            action = plan_renewal(source, remote, settings, now)
        return _planned(action) if dry_run or clients is None else _execute(clients, action, stop)

    return failures_as_outcomes(treat)


def failures_as_outcomes(treat: Treat) -> Treat:
    """Return as its outcome the failure of one unreadable or refused document; let FATAL errors pass."""

    def guarded(source: DocumentFile, stop: threading.Event) -> DocumentOutcome:
        try:
            return treat(source, stop)
        except FATAL:
            raise
        except InputError as error:
            return DocumentOutcome(source, "!", "invalid", str(error))
        except StoreError as error:
            return DocumentOutcome(source, "!", "failed", str(error))

    return guarded


def read_remote(clients: AwsClients, settings: Settings, source: DocumentFile) -> Remote:
    """Read what AWS has of a document, consistently, without its body."""
    names = {f"#{rank}": name for rank, name in enumerate(COMPARED)}
    reply = get_item(clients, settings, source, ProjectionExpression=", ".join(names), ExpressionAttributeNames=names)
    return remote_of(reply)


def get_item(clients: AwsClients, settings: Settings, source: DocumentFile, **projection: object) -> Item | None:
    table = table_names(settings)[source.kind]
    with aws_errors(f"table {table}"):
        reply = clients.dynamodb.get_item(TableName=table, Key=item_key(source), ConsistentRead=True, **projection)
    item: Item | None = reply.get("Item")
    return item


def run_all(sources: list[DocumentFile], treat: Treat, jobs: int, on_outcome: Callable[[DocumentOutcome], None]) -> Run:
    """Treat every document, `jobs` at a time; `on_outcome` gets each outcome in the order of `sources`."""
    run, stop = Run(), threading.Event()
    with ThreadPoolExecutor(jobs, thread_name_prefix="upload") as pool:
        futures = [pool.submit(_unless_stopped, treat, source, stop) for source in sources]
        try:
            for future in futures:
                on_outcome(future.result())
        except FATAL as error:
            run.fatal = error
        except KeyboardInterrupt:
            run.interrupted = True
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)
    run.outcomes.extend(_finished(futures))
    return run


def _unless_stopped(treat: Treat, source: DocumentFile, stop: threading.Event) -> DocumentOutcome:
    if stop.is_set():
        return DocumentOutcome(source, "!", "interrupted", "pas commencé")
    try:
        return treat(source, stop)
    except FATAL:
        stop.set()
        raise


def _finished(futures: list["Future[DocumentOutcome]"]) -> Iterator[DocumentOutcome]:
    for future in futures:
        if not future.cancelled() and future.exception() is None:
            yield future.result()


def _planned(action: Action) -> DocumentOutcome:
    status = {"=": "same", "!": "failed"}.get(action.sign, "planned")
    return DocumentOutcome(action.source, action.sign, status, action.reason, _places(action))


def _execute(clients: AwsClients, action: Action, stop: threading.Event) -> DocumentOutcome:
    if not action.writes:
        return _planned(action)
    sent = 0
    for write in action.writes:
        if stop.is_set():
            reason = "commencé, pas fini : relancer le complète"
            return DocumentOutcome(action.source, "!", "interrupted", reason, _places(action), sent)
        try:
            send(clients, write)
        except StoreError as error:
            if isinstance(error, FATAL):
                raise
            return DocumentOutcome(action.source, action.sign, "failed", str(error), _places(action), sent)
        sent += write.size
    status = "same" if action.sign == "=" else "written"
    return DocumentOutcome(action.source, action.sign, status, action.reason, _places(action), sent)


def _places(action: Action) -> tuple[tuple[str, int], ...]:
    return tuple((write.destination, write.size) for write in action.writes)


def send(clients: AwsClients, write: Write) -> None:
    """Send one request. A refused condition is success when what is there is what was to be written.

    That is the case when AWS applied the request, its reply was lost, and botocore sent it again.
    """
    call = getattr(getattr(clients, write.service), write.operation)
    with aws_errors(_target(write)):
        try:
            call(**write.request)
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            if not _landed(clients, write):
                raise StoreError(
                    f"{write.destination} a changé pendant la publication.", "Relancer : la comparaison sera refaite."
                ) from error


def _target(write: Write) -> str:
    if write.service == "s3":
        return f"bucket {write.request['Bucket']}"
    return f"table {write.request['TableName']}"


def _landed(clients: AwsClients, write: Write) -> bool:
    wanted = write.request.get("Item")
    if wanted is None:
        return False
    key = {name: wanted[name] for name in ("metric_type", "report_id", "date") if name in wanted}
    reply = clients.dynamodb.get_item(TableName=write.request["TableName"], Key=key, ConsistentRead=True)
    return remote_of(reply.get("Item")) == remote_of(wanted)
