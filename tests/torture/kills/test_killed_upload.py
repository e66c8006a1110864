"""kill -9 at random moments of an upload to an AWS on a local port.

Every item is whole, the old or the new one, and so is every object. An item points to objects that are there and are
those that it describes. The next run publishes the rest.
"""

import gzip
import json
import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lib.common.paris_time import machine_now
from lib.publish.plan import UNDER_WAY
from lib.publish.remote import CLAIM, remote_of
from lib.stores.documents import content_sha256, sha256
from lib.stores.dynamodb_items import Item, document_of, pointer
from tests.conftest import ROOT
from tests.support.aws_server import KEYS, AwsServer
from tests.support.published import Output
from tests.torture.kills.kills import Command, assert_manifests_are_whole, assert_nothing_is_left, kills_of, moments

DAYS = ("2025-11-03", "2025-11-04")
SHORT, LONG = 2, 100


@dataclass
class Published:
    """What AWS has: items and their whole documents (followed to S3) by name and day, objects by key."""

    items: dict[str, Item]
    documents: dict[str, Any]
    objects: dict[str, bytes]


def test_an_upload_killed_anywhere(
    aws: AwsServer, output: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    upload = Command((sys.executable, str(ROOT / "upload_to_aws.py"), "-q"), dict(os.environ))
    fill(output, "before")
    whole, chance = upload.completes(), random.Random("upload")
    assert any(name.startswith("documents/") for name in published(aws).objects)
    for moment, undisturbed, told in moments(chance, whole, kills_of(request, SHORT, LONG)):
        before = published(aws)
        fill(output, told)
        local = local_files(output)
        upload.killed_after(moment)
        after = published(aws)
        assert_items_are_old_or_new(before, after, local, told)
        assert_objects_are_old_or_new(before, after, local, told)
        assert_manifests_are_whole(output.root)
        assert local_files(output) == local
        if undisturbed:
            upload.completes()
            assert_finished(published(aws), local, told)
            upload.having("--check").completes()
            later = machine_now() + UNDER_WAY  # the requests of those that were killed can no longer arrive
            if marked(published(aws)):
                upload.having(CITYFLOW_NOW=later.isoformat()).completes()
                assert_finished(published(aws), local, told)
            assert not marked(published(aws)), told
            assert_nothing_is_left(output.root, temporary)


def fill(output: Output, version: str) -> None:
    """The same documents with other figures: small ones, one that lies in S3, and reports of three files."""
    arcs = [{"identifiant_arc": f"{arc}, {version}", "libelle": "Rue " * 1100} for arc in range(100)]
    output.metrics("comptages", DAYS[0], metrics=arcs)
    for day in DAYS:
        for kind in ("bikes", "traffic", "weather"):
            output.metrics(kind, day, version=version)
        report = output.report(day, version=version)
        for suffix in (".csv", ".html"):
            report.with_suffix(suffix).write_text(f"{day} {suffix} {version}\n" * 2000, encoding="utf-8")


def local_files(output: Output) -> dict[str, bytes]:
    paths = [path for folder in ("metrics", "reports") for path in (output.root / folder).iterdir()]
    return {path.name: path.read_bytes() for path in paths}


def local_documents(local: dict[str, bytes]) -> dict[str, Any]:
    return {named(document): document for document in map(json.loads, _with(".json", local))}


def _with(suffix: str, local: dict[str, bytes]) -> list[bytes]:
    return [content for name, content in local.items() if name.endswith(suffix)]


def named(document: dict[str, Any]) -> str:
    return f"{document.get('metric_type') or document['report_id']}/{document['date']}"


def published(aws: AwsServer) -> Published:
    """Everything, read back; StoreError or KeyError when an item points to an object of another content, or to none."""
    objects = {key.removeprefix("reports/"): content for key, content in aws.contents().items()}
    items, documents = {}, {}
    for item in (one for table in KEYS for one in aws.items(table)):
        url = pointer(item)
        document = document_of(item, objects[url.partition("/reports/")[2]] if url else None)
        items[named(document)], documents[named(document)] = item, document
    return Published(items, documents, objects)


def assert_items_are_old_or_new(before: Published, after: Published, local: dict[str, bytes], told: str) -> None:
    assert before.documents.keys() <= after.documents.keys(), told
    new = local_documents(local)
    for name, item in after.items.items():
        assert after.documents[name] in (before.documents.get(name), new[name]), f"{told}: {name}"
        assert content_sha256(after.documents[name]) == item["sha256"]["S"], f"{told}: {name}"
        for url, digest in remote_of(item).objects.values():
            content = after.objects[url.rpartition("reports/")[2]]
            assert sha256(content) == digest, f"{told}: {url} is not what {name} describes"


def assert_objects_are_old_or_new(before: Published, after: Published, local: dict[str, bytes], told: str) -> None:
    assert before.objects.keys() <= after.objects.keys(), told
    for name, content in after.objects.items():
        digest = name.split(".")[1]
        if name.endswith(".json.gz"):  # the name holds the digest of the content: an object is never replaced
            body = {"metrics": json.loads(gzip.decompress(content))["metrics"]}
            assert content_sha256(body)[:16] == digest, f"{told}: {name}"
        elif name.startswith("documents/"):
            assert sha256(content)[:16] == digest, f"{told}: {name}"
        else:
            written = local[f"daily_report_{DAYS[-1]}.html" if name == "latest.html" else name]
            assert content in (before.objects.get(name), written), f"{told}: {name} is neither old nor new"


def marked(after: Published) -> list[str]:
    """The reports whose item says that a request of an overtaken upload may arrive yet."""
    return [name for name, item in after.items.items() if CLAIM in item]


def assert_finished(after: Published, local: dict[str, bytes], told: str) -> None:
    assert after.documents == local_documents(local), told
    reports = {name: content for name, content in local.items() if name.startswith("daily_report")}
    assert reports.items() <= after.objects.items(), told
