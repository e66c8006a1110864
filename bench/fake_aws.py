"""The part of DynamoDB and S3 that an upload uses, in memory, with the delay of a real one: a server to measure with.

moto parses and checks so much that it is what one measures; this one only waits, so that the client's time is seen.
It is not a test double: conditions are checked as far as `attribute_not_exists` and equality go.

    python bench/fake_aws.py --dynamodb 0.01 --s3 0.1
"""

import argparse
import hashlib
import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

Key = tuple[str, str]


class Handler(BaseHTTPRequestHandler):
    """Each request costs its service's `delay` (s), whatever it asks, side by side with the others."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    delay: ClassVar[dict[str, float]] = {}
    lock = threading.Lock()
    items: ClassVar[dict[Key, dict[str, Any]]] = {}
    objects: ClassVar[dict[str, tuple[str, dict[str, str]]]] = {}  # path -> ETag, metadata
    writes = 0

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "X-Amz-Target" not in self.headers:
            return self.answer(404, b"")
        time.sleep(self.delay["dynamodb"])
        operation = self.headers["X-Amz-Target"].partition(".")[2]
        answers = {"PutItem": self.put_item, "GetItem": self.get_item, "UpdateItem": self.update_item}
        with self.lock:
            status, reply = answers[operation](request)
        return self.answer(status, json.dumps(reply).encode(), "application/x-amz-json-1.0")

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.delay["s3"])
        with self.lock:
            known = self.objects.get(self.path)
            wanted = "*" if known is None else known[0]
            refused = (self.headers.get("If-None-Match") and known) or self.headers.get("If-Match", wanted) != wanted
            if not refused:
                told = {name: value for name, value in self.headers.items() if name.lower().startswith("x-amz-meta-")}
                self.objects[self.path] = (f'"{hashlib.md5(content).hexdigest()}"', told)
                type(self).writes += 1
        self.answer(412 if refused else 200, b"")

    def do_HEAD(self) -> None:
        time.sleep(self.delay["s3"])
        with self.lock:
            etag, told = self.objects.get(self.path, ("", {}))
        self.answer(200 if etag else 404, b"", headers=told | {"ETag": etag})

    def do_DELETE(self) -> None:
        """Forget everything, for the next measure."""
        with self.lock:
            self.items.clear()
            self.objects.clear()
            type(self).writes = 0
        self.answer(200, b"")

    def do_GET(self) -> None:
        """What there is, for the measure to check."""
        with self.lock:
            count = {"items": len(self.items), "objects": len(self.objects), "writes": self.writes}
        self.answer(200, json.dumps(count).encode())

    def put_item(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        item = request["Item"]
        known = self.items.get(_key(request["TableName"], item))
        if not _holds(request, known):
            return 400, {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}
        self.items[_key(request["TableName"], item)] = item
        type(self).writes += 1
        return 200, {}

    def update_item(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Only what takes one attribute off."""
        item = self.items.get(_key(request["TableName"], request["Key"]))
        if not item or not _holds(request, item):
            return 400, {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}
        name = request["UpdateExpression"].removeprefix("REMOVE ")
        item.pop(request["ExpressionAttributeNames"][name], None)
        type(self).writes += 1
        return 200, {}

    def get_item(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        item = self.items.get(_key(request["TableName"], request["Key"]))
        names = request.get("ExpressionAttributeNames", {}).values()
        return 200, {"Item": {name: item[name] for name in names if name in item}} if item else {}

    def answer(
        self, status: int, content: bytes, kind: str = "application/json", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("x-amzn-RequestId", "MESURE")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Silence: this is a measure."""


def _key(table: str, attributes: dict[str, Any]) -> Key:
    keys = [attributes[name]["S"] for name in ("metric_type", "report_id", "date") if name in attributes]
    return table, "/".join(keys)


def _holds(request: dict[str, Any], known: dict[str, Any] | None) -> bool:
    names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
    for clause in filter(None, request.get("ConditionExpression", "").split(" AND ")):
        absent = re.fullmatch(r"attribute_not_exists\((#\w+)\)", clause)
        if absent:
            if known and names[absent[1]] in known:
                return False
            continue
        name, _, value = clause.partition(" = ")
        if not known or known.get(names[name]) != values[value]:
            return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for service in ("dynamodb", "s3"):
        parser.add_argument(f"--{service}", type=float, default=0.0, help="seconds that each of its requests takes")
    Handler.delay.update(vars(parser.parse_args()))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
