"""Two machines publish the same report: the very steps of the upload, in every order their requests can arrive in.

The model is DynamoDB's and S3's conditional writes, in memory. A state is what AWS holds and what each uploader was
answered: make torture goes through every state that can be reached (minutes); the other tests through some hundred
orders of the requests, with a kill of one uploader at any of them, and the next plain upload of either machine.
"""

import gzip
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lib.aws.names import bucket_and_key
from lib.common.settings import Settings, load_settings
from lib.publish.asking import Absent, Changed, Request
from lib.publish.local_documents import DocumentFile, Files
from lib.publish.plan import Wish
from lib.publish.remote import Remote, remote_of
from lib.publish.report_objects import DAY
from lib.publish.steps import Publication
from lib.stores.documents import encode, sha256

NOW = datetime(2025, 11, 5, 6, 30, tzinfo=UTC)
LATER = timedelta(hours=1)  # the next plain upload, once nothing is under way


@pytest.fixture
def settings(tmp_path: Any) -> Settings:
    return load_settings({"S3_REPORTS_BUCKET": "essai", "OUTPUT_DIR": str(tmp_path)}, environment={})


@dataclass(frozen=True)
class Aws:
    """The item, and each object by its key: (bytes, metadata). The ETag is the digest of the bytes, as in S3."""

    item: Any = None
    objects: tuple[tuple[str, Any], ...] = ()

    def answer(self, request: Request) -> tuple["Aws", Any]:
        """Return what AWS holds then, and its reply, or Changed or Absent."""
        return getattr(self, f"_{request.operation}")(request.request)

    def _get_item(self, asked: dict[str, Any]) -> tuple["Aws", Any]:
        return self, {"Item": self.item} if self.item else {}

    def _put_item(self, asked: dict[str, Any]) -> tuple["Aws", Any]:
        return (replace(self, item=asked["Item"]), {}) if self._holds(asked) else (self, Changed())

    def _update_item(self, asked: dict[str, Any]) -> tuple["Aws", Any]:
        if not self._holds(asked):
            return self, Changed()
        names, values = asked["ExpressionAttributeNames"], asked.get("ExpressionAttributeValues", {})
        kind, _, parts = asked["UpdateExpression"].partition(" ")
        pairs = [part.partition(" = ") for part in parts.split(", ")]
        gone = {names[name] for name, _, _ in pairs}
        item = {key: value for key, value in self.item.items() if key not in gone}
        new = {names[name]: values[value] for name, _, value in pairs} if kind == "SET" else {}
        return replace(self, item=item | new), {}

    def _put_object(self, asked: dict[str, Any]) -> tuple["Aws", Any]:
        held = dict(self.objects)
        there = held.get(asked["Key"])
        if ("IfNoneMatch" in asked and there) or (
            "IfMatch" in asked and asked["IfMatch"] != (there and sha256(there[0]))
        ):
            return self, Changed()
        held[asked["Key"]] = (asked["Body"], tuple(sorted(asked["Metadata"].items())))
        return replace(self, objects=tuple(sorted(held.items()))), {"ETag": sha256(asked["Body"])}

    def _head_object(self, asked: dict[str, Any]) -> tuple["Aws", Any]:
        there = dict(self.objects).get(asked["Key"])
        return self, {"ETag": sha256(there[0]), "Metadata": dict(there[1])} if there else Absent()

    def _get_object(self, asked: dict[str, Any]) -> tuple["Aws", Any]:
        there = dict(self.objects).get(asked["Key"])
        if not there:
            return self, Absent()
        return self, gzip.decompress(there[0]) if asked["Key"].endswith((".html", ".gz")) else there[0]

    def _holds(self, asked: dict[str, Any]) -> bool:
        names, values = asked.get("ExpressionAttributeNames", {}), asked.get("ExpressionAttributeValues", {})
        for clause in filter(None, asked.get("ConditionExpression", "").split(" AND ")):
            if clause.startswith("attribute_not_exists"):
                if self.item and names[clause[len("attribute_not_exists(") : -1]] in self.item:
                    return False
            else:
                name, _, value = clause.partition(" = ")
                if not self.item or self.item.get(names[name]) != values[value]:
                    return False
        return True

    @property
    def key(self) -> str:
        return repr((self.item, self.objects))


@dataclass(frozen=True)
class Uploader:
    """One machine: its files, and the replies it was given so far."""

    files: Files
    wish: Wish = field(default_factory=lambda: Wish(newest=True))
    now: datetime = NOW
    replies: tuple[Any, ...] = ()

    def next_request(self, settings: Settings) -> Request | None:
        """Run the steps again on the replies so far; None at their end."""
        steps = Publication(SOURCE(settings), self.files, settings, self.now).published(self.wish)
        try:
            request = steps.send(None)
            for reply in self.replies:
                request = steps.throw(reply) if isinstance(reply, Exception) else steps.send(reply)
        except StopIteration:
            return None
        return request


def SOURCE(settings: Settings) -> DocumentFile:
    path = settings.output_dir / "reports" / "daily_report_2025-11-04.json"
    return DocumentFile(path, "reports", "daily_report_2025-11-04", "2025-11-04")


def report(text: str, hour: int, page: str = "") -> Files:
    document = {
        "report_id": "daily_report_2025-11-04",
        "date": "2025-11-04",
        "timestamp": f"2025-11-05T{hour:02}:00:00+00:00",
        "report": {"resume": text},
    }
    return Files({".json": encode(document), ".csv": text.encode(), ".html": (page or text).encode()})


def finished(aws: Aws, uploader: Uploader, settings: Settings) -> Aws:
    """Carry an uploader out alone to its end."""
    while (request := uploader.next_request(settings)) is not None:
        aws, reply = aws.answer(request)
        uploader = replace(uploader, replies=(*uploader.replies, reply))
    return aws


def reached(aws: Aws, both: tuple[Uploader, Uploader], settings: Settings) -> Iterator[tuple[Aws, bool]]:
    """Yield what AWS holds in each state that the two can reach, and whether both have come to their end."""
    seen, waiting = set(), [(aws, both)]
    while waiting:
        aws, pair = waiting.pop()
        name = (aws.key, repr([one.replies for one in pair]))
        if name in seen:
            continue
        seen.add(name)
        requests = [one.next_request(settings) for one in pair]
        yield aws, requests == [None, None]
        for rank, request in enumerate(requests):
            if request is None:
                continue
            others = list(pair)
            after, reply = aws.answer(request)
            others[rank] = replace(pair[rank], replies=(*pair[rank].replies, reply))
            waiting.append((after, (others[0], others[1])))


def in_some_order(
    aws: Aws, both: list[Uploader], settings: Settings, chance: random.Random, kill: bool
) -> Iterator[Aws]:
    """Yield what AWS holds after each request of one order; with `kill` one uploader dies at one of its requests."""
    running = [Publication(SOURCE(settings), one.files, settings, one.now).published(one.wish) for one in both]
    waiting: list[Any] = [steps.send(None) for steps in running]
    dies, rank_that_dies = chance.randrange(25) if kill else -1, chance.randrange(2)
    while any(waiting):
        rank = chance.choice([rank for rank, request in enumerate(waiting) if request])
        if rank == rank_that_dies:
            dies -= 1
            if dies == -1 and kill:
                waiting[rank] = None
                continue
        aws, reply = aws.answer(waiting[rank])
        yield aws
        try:
            steps = running[rank]
            waiting[rank] = steps.throw(reply) if isinstance(reply, Exception) else steps.send(reply)
        except StopIteration:
            waiting[rank] = None


def told(aws: Aws) -> Remote:
    return remote_of(aws.item)


def assert_what_is_pointed_to_agrees(aws: Aws) -> None:
    """At any instant."""
    for suffix, (url, digest) in told(aws).objects.items():
        body = dict(aws.objects)[bucket_and_key(url)[1]][0]
        assert sha256(gzip.decompress(body) if suffix == ".html" else body) == digest


def assert_readable_is(aws: Aws, files: Files) -> None:
    held = dict(aws.objects)
    for suffix, content in files.items():
        body = held[f"reports/daily_report_2025-11-04{suffix}"][0]
        assert (gzip.decompress(body) if suffix == ".html" else body) == content
    body, metadata = held["reports/latest.html"]
    assert gzip.decompress(body) == files[".html"]
    assert dict(metadata)[DAY] == "2025-11-04"


FORMER, OLD, NEW = report("hier", 4), report("vieux", 5), report("neuf", 6)
BACK = report("retour", 6, page="hier")  # its page is that of the former one: equal contents have equal ETags

CASES = {
    "a first publication": (None, OLD, NEW),
    "a replacement": (FORMER, OLD, NEW),
    "a replacement with the former page": (FORMER, OLD, BACK),
    "the same twice": (None, NEW, NEW),
    "only the page differs": (None, report("neuf", 5, page="vieille"), NEW),
}


ORDERS = 60  # of each case


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_the_newer_stands_in_every_order(settings: Settings, case: str) -> None:
    former, old, new = CASES[case]
    aws = finished(Aws(), Uploader(former), settings) if former else Aws()
    ends = 0
    for state, over in reached(aws, (Uploader(old), Uploader(new)), settings):
        assert_what_is_pointed_to_agrees(state)
        if over:
            ends += 1
            assert told(state).file == sha256(new[".json"])
            assert_readable_is(state, new)
    assert ends


@pytest.mark.parametrize("case", CASES)
def test_the_newer_stands_whoever_ends_last(settings: Settings, case: str) -> None:
    former, old, new = CASES[case]
    before = finished(Aws(), Uploader(former), settings) if former else Aws()
    for seed in range(ORDERS):
        aws = before
        for aws in in_some_order(before, [Uploader(old), Uploader(new)], settings, random.Random(seed), kill=False):
            assert_what_is_pointed_to_agrees(aws)
        assert told(aws).file == sha256(new[".json"]), seed
        assert_readable_is(aws, new)


@pytest.mark.parametrize("case", CASES)
def test_after_a_kill_the_next_plain_upload_of_either_machine_repairs(settings: Settings, case: str) -> None:
    former, old, new = CASES[case]
    before = finished(Aws(), Uploader(former), settings) if former else Aws()
    for seed in range(ORDERS):
        aws = before
        for aws in in_some_order(before, [Uploader(old), Uploader(new)], settings, random.Random(seed), kill=True):
            assert_what_is_pointed_to_agrees(aws)
        for files in ((old, new), (new, old))[seed % 2]:
            aws = finished(aws, Uploader(files, now=NOW + LATER), settings)
            stands = next(one for one in (old, new) if sha256(one[".json"]) == told(aws).file)
            assert_readable_is(aws, stands)
        assert stands == new, seed
        assert not told(aws).claim, seed


@dataclass
class Adrift:
    """Two uploaders at once, of which requests get no answer: they are lost, carried out unseen, or arrive later."""

    settings: Settings
    chance: random.Random
    aws: Aws
    late: list[Request] = field(default_factory=list)

    def answered(self, request: Request) -> Any:
        self.aws, reply = self.aws.answer(request)
        assert_what_is_pointed_to_agrees(self.aws)
        return reply

    def some_arrive(self, share: float) -> None:
        for request in [one for one in self.late if self.chance.random() < share]:
            self.late.remove(request)
            self.answered(request)

    def run(self, uploaders: list[Uploader], faults: float) -> None:
        """Carry all out to their ends, each for some while alone; one attempt in `1 / faults` has no answer."""
        running = [
            Publication(SOURCE(self.settings), one.files, self.settings, one.now).published(one.wish)
            for one in uploaders
        ]
        waiting: list[Any] = [steps.send(None) for steps in running]
        rank, adrift, stays = 0, set[int](), self.chance.choice([0.5, 0.8, 0.95, 0.98])
        while any(waiting):
            if not waiting[rank] or self.chance.random() > stays:
                rank = self.chance.choice([rank for rank, request in enumerate(waiting) if request])
            request, fate = waiting[rank], self.chance.random()
            if fate < faults and not (request.final and rank in adrift):
                adrift |= {rank} if "IfMatch" in request.request else set()
                self.late.append(request)
                self.some_arrive(self.chance.choice([0.0, 0.0, 0.5, 1.0]))
                continue  # it is sent again, as asking.py does
            reply = None if request.final and rank in adrift else self.answered(request)
            try:
                steps = running[rank]
                waiting[rank] = steps.throw(reply) if isinstance(reply, Exception) else steps.send(reply)
            except StopIteration:
                waiting[rank] = None


@pytest.mark.parametrize("case", CASES)
def test_what_arrives_late_is_undone_by_the_next_plain_upload(settings: Settings, case: str) -> None:
    former, old, new = CASES[case]
    before = finished(Aws(), Uploader(former), settings) if former else Aws()
    for seed in range(ORDERS):
        network = Adrift(settings, random.Random(seed), before)
        network.run([Uploader(old), Uploader(new)], faults=0.2)
        for minutes in (1, 5):
            network.some_arrive(0.4)
            for files in ((old, new), (new, old))[seed % 2]:
                network.run([Uploader(files, now=NOW + timedelta(minutes=minutes))], faults=0.05)
        network.some_arrive(1)
        for files in (old, new):
            network.run([Uploader(files, now=NOW + LATER)], faults=0)
        assert told(network.aws).file == sha256(new[".json"]), seed
        assert_readable_is(network.aws, new)
        assert not told(network.aws).claim, seed
