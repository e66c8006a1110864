"""A server on a local port that gives the answers it is told to, one after the other."""

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from lib.files.atomic_file import part_writer
from scripts.fetch.download import download
from scripts.sources.publishers import Address

Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Address]]:
    """serve(answer, …) gives the address of a server that gives these answers in turn, the last one for ever."""
    servers = []
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("scripts.fetch.download.FIRST_WAIT", 0.01)

    def start(*answers: Answer) -> Address:
        left = list(answers)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.close_connection = True
                (left.pop(0) if len(left) > 1 else left[0])(self)

            def log_message(self, *_: object) -> None:
                """Nothing on the test's output."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return Address("bikes", None, "un essai", f"http://127.0.0.1:{server.server_address[1]}/x")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that a download waited before its further tries; here it does not."""
    seconds = list[float]()
    monkeypatch.setattr("scripts.fetch.download.time", SimpleNamespace(monotonic=time.monotonic, sleep=seconds.append))
    return seconds


def fetch(address: Address, path: Path, unreachable: set[str] | None = None) -> bytes:
    with part_writer(path) as stream:
        download(address, stream, lambda *_: None, set() if unreachable is None else unreachable)
    return path.read_bytes()
