"""An AWS that behaves badly, on a local port: it forwards to moto, enforces an IAM policy, and fails as told.

moto alone never throttles, never loses a reply, grants everything and stops items at another size than AWS does.
"""

import contextlib
import fnmatch
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.support.aws_server import AwsServer
from tests.support.patience import deadline

ITEM_LIMIT = 409_600  # bytes, as AWS counts them

# What can go wrong: for DynamoDB (status, code), for S3 (status, code).
REFUSALS = {
    "throttle": ((400, "ProvisionedThroughputExceededException"), (503, "SlowDown")),
    "http_500": ((500, "InternalServerError"), (500, "InternalError")),
    "expired": ((400, "ExpiredTokenException"), (400, "ExpiredToken")),
    "unknown_token": ((400, "UnrecognizedClientException"), (403, "InvalidAccessKeyId")),
    "denied": ((400, "AccessDeniedException"), (403, "AccessDenied")),
    "too_large": ((400, "ValidationException"), (400, "EntityTooLarge")),
}
REQUEST_ID = {"x-amzn-requestid": "ESSAI", "x-amz-request-id": "ESSAI"}  # AWS names each request, refused ones too
MESSAGES: dict[str, str] = {}  # of a kind of refusal, where its words matter
OBJECT_ACTIONS = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "DELETE": "s3:DeleteObject"}
BUCKET_ACTIONS = {
    "publicAccessBlock": "BucketPublicAccessBlock",
    "encryption": "EncryptionConfiguration",
    "versioning": "BucketVersioning",
    "lifecycle": "LifecycleConfiguration",
    "tagging": "BucketTagging",
}


# What comes of a body.
SPOILT: dict[str, Callable[[bytes], list[bytes]]] = {
    "cut": lambda body: [body[: len(body) // 2]],
    "nothing": lambda _: [],
    "byte": lambda body: [body[:1]],
    "trickle": lambda body: [b"%c" % byte for byte in body],
}


@dataclass
class Fault:
    """`kind` is one of REFUSALS, "lost" (applied, then the connection is cut), "slow", "call", "cut" (in the middle of
    the body), "nothing" or a "byte" (of it) or "trickle" (a byte each `seconds`); `times` times."""

    kind: str
    action: str = "*"
    containing: str = ""  # in the path or the body
    times: int = 1
    skip: int = 0  # requests to let through first
    seconds: float = 0.0
    call: Callable[[], object] | None = None


@dataclass
class Asked:
    """One request as the proxy saw it."""

    action: str
    resource: str
    headers: dict[str, str]
    body: bytes


@dataclass
class FaultProxy:
    """Set `policy` and append to `faults` at any time; `asked` is every request so far."""

    upstream: str
    url: str = ""
    policy: dict[str, Any] | None = None
    faults: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def actions(self) -> list[str]:
        return [one.action for one in self.asked]

    def writes(self) -> list[Asked]:
        return [one for one in self.asked if not one.action.startswith(("dynamodb:Get", "s3:Get", "dynamodb:Desc"))]

    def fault_for(self, asked: Asked, path: str) -> Fault | None:
        with self.lock:
            self.asked.append(asked)
            for fault in self.faults:
                text = (path + asked.body.decode("utf-8", "replace")) if fault.containing else ""
                if fault.times and fnmatch.fnmatch(asked.action, fault.action) and fault.containing in text:
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    return fault
        return None

    def allows(self, action: str, resource: str) -> bool:
        """IAM's rule: some statement has both the action and the resource."""
        return self.policy is None or any(
            action in statement["Action"] and any(fnmatch.fnmatchcase(resource, one) for one in statement["Resource"])
            for statement in self.policy["Statement"]
        )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: FaultProxy

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(
            *_action(self.command, self.path, self.headers.get("X-Amz-Target"), body), dict(self.headers), body
        )
        fault = self.proxy.fault_for(asked, self.path)
        if fault and fault.call:
            fault.call()
        if fault and fault.kind == "slow":
            time.sleep(fault.seconds)
        if not self.proxy.allows(asked.action, asked.resource):
            return self.refuse(asked, "denied")
        if fault and fault.kind in REFUSALS:
            return self.refuse(asked, fault.kind)
        if asked.action == "dynamodb:PutItem" and _item_size(json.loads(body)["Item"]) > ITEM_LIMIT:
            return self.refuse(asked, "too_large")
        status, headers, content = self.forward(body)
        if fault and fault.kind == "lost":
            self.close_connection = True
            return None
        if asked.action == "s3:GetObject" and status == 404 and not self.proxy.allows("s3:ListBucket", _bucket(asked)):
            return self.refuse(asked, "denied")
        if fault and fault.kind in SPOILT:
            return self.answer_badly(fault, status, headers, content)
        return self.answer(status, headers, content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_any

    def forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        upstream = http.client.HTTPConnection(urlsplit(self.proxy.upstream).netloc, timeout=deadline())
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("expect", "connection")}
        upstream.request(self.command, self.path, body, headers)
        reply = upstream.getresponse()
        content = reply.read()
        upstream.close()
        return reply.status, dict(reply.getheaders()), content

    def refuse(self, asked: Asked, kind: str) -> None:
        """AWS's own error, with everything that must not be repeated in its message."""
        dynamodb, s3 = REFUSALS[kind]
        message = (
            MESSAGES.get(kind)
            or f"faute d'essai {kind} {asked.action} token={self.headers.get('X-Amz-Security-Token')}"
        )
        if asked.action.startswith("dynamodb:"):
            status, code = dynamodb
            body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message})
            self.answer(status, {"Content-Type": "application/x-amz-json-1.0"} | REQUEST_ID, body.encode())
        else:
            status, code = s3
            body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            self.answer(status, {"Content-Type": "application/xml"} | REQUEST_ID, body.encode())

    def answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        length = headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def answer_badly(self, fault: Fault, status: int, headers: dict[str, str], content: bytes) -> None:
        """The headers of the whole body, then half of it, or drops."""
        self.close_connection = True
        self.command = "HEAD"
        self.answer(status, headers, content)
        with contextlib.suppress(OSError):  # a client that has had enough
            for piece in SPOILT[fault.kind](content):
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(fault.seconds)

    def log_message(self, *_: object) -> None:
        """The tests read `asked` instead."""


def _action(method: str, path: str, target: str | None, body: bytes) -> tuple[str, str]:
    """The IAM action and the resource of a request."""
    if target:
        asked = json.loads(body)
        table = asked.get("TableName") or asked.get("ResourceArn", "?").rpartition("/")[2]
        return f"dynamodb:{target.partition('.')[2]}", f"arn:aws:dynamodb:eu-west-3:123456789012:table/{table}"
    parts = urlsplit(path)
    bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
    if key:
        return OBJECT_ACTIONS.get(method, f"s3:{method}"), f"arn:aws:s3:::{bucket}/{key}"
    for word, name in BUCKET_ACTIONS.items():
        if word in parse_qs(parts.query, keep_blank_values=True):
            return f"s3:{method.capitalize()}{name}", f"arn:aws:s3:::{bucket}"
    return "s3:CreateBucket" if method == "PUT" else "s3:ListBucket", f"arn:aws:s3:::{bucket}"


def _bucket(asked: Asked) -> str:
    return asked.resource.partition("/")[0]


def _item_size(item: dict[str, Any]) -> int:
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: dict[str, Any]) -> int:
    """Bytes as AWS documents them: UTF-8 text, numbers two digits a byte plus one, 3 per map or list, 1 per element."""
    kind, content = next(iter(value.items()))
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _value_size(one) for name, one in content.items())
    if kind == "L":
        return 3 + sum(1 + _value_size(one) for one in content)
    if kind == "N":
        return 1 + (len(content.lstrip("-").replace(".", "").strip("0")) + 1) // 2
    return len(content.encode()) if kind == "S" else 1


@pytest.fixture
def proxy(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """The proxy in front of a ready AWS; the environment leads to it."""
    with fault_proxy(aws.url) as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.url)
        yield made


@contextlib.contextmanager
def fault_proxy(upstream: str) -> Iterator[FaultProxy]:
    """A proxy in front of `upstream` for the block."""
    made = FaultProxy(upstream)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": made}))
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
