"""A MongoDB for the tests: the server at MONGODB_URL when it is set, else nx-27017 (the same protocol) started here.

Every test has a database of its own, dropped after it.
"""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from lib import mongodb_service

SERVER = os.environ.get("MONGODB_URL", "")  # read before the tests clear the environment


@dataclass
class MongoServer:
    """The server's address, and a client of the tests' own on this test's database."""

    url: str
    database: str
    client: MongoClient[dict[str, Any]]

    def documents(self, collection: str) -> list[dict[str, Any]]:
        return list(self.client[self.database][collection].find({}, {"_id": 0}))


@pytest.fixture(scope="session")
def mongo_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoClient[dict[str, Any]]]:
    if SERVER:
        with MongoClient(SERVER, serverSelectionTimeoutMS=5000) as client:
            yield client
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = _start(port, tmp_path_factory.mktemp("nx"))
    try:
        with MongoClient(f"mongodb://127.0.0.1:{port}", serverSelectionTimeoutMS=20_000) as client:
            client.admin.command("ping")
            yield client
    finally:
        server.terminate()
        server.wait(10)


def _start(port: int, folder: Path) -> subprocess.Popen[bytes]:
    files = ["--log-file", str(folder / "log"), "--pid-file", str(folder / "pid")]
    return subprocess.Popen(
        [sys.executable, "-m", __name__, "--data-dir", "memory", "--port", str(port), *files],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def mongo(mongo_client: MongoClient[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Iterator[MongoServer]:
    """The server with an empty database; the environment leads to it."""
    host, port = mongo_client.address or ("127.0.0.1", 0)
    server = MongoServer(SERVER or f"mongodb://{host}:{port}", f"cityflow_test_{secrets.token_hex(6)}", mongo_client)
    monkeypatch.setenv("MONGODB_URL", server.url)
    monkeypatch.setenv("MONGODB_DATABASE", server.database)
    yield server
    mongo_client.drop_database(server.database)


@pytest.fixture
def looked_for(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses at which a server was looked for, one for each wait; here the waits are short."""
    addresses, look = list[str](), mongodb_service._open

    def noted(url: str, name: str) -> MongoClient[dict[str, Any]]:
        addresses.append(url)
        return look(url, name)

    monkeypatch.setattr(mongodb_service, "_open", noted)
    monkeypatch.setattr(mongodb_service, "SELECTION_TIMEOUT", 300)
    return addresses


def _emulate() -> None:
    """Run nx-27017, mended: of itself it takes bytes in a new document, but not in one that replaces another."""
    from neosqlite.binary import Binary
    from neosqlite.collection.json_helpers import NeoSQLiteJSONEncoder
    from nx_27017.nx_27017 import main

    default = NeoSQLiteJSONEncoder.default

    def with_bytes(encoder: Any, value: Any) -> Any:
        return default(encoder, Binary(value) if type(value) is bytes else value)

    NeoSQLiteJSONEncoder.default = with_bytes
    main()


if __name__ == "__main__":
    _emulate()
