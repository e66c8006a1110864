"""HTTP requests that end in time: `requests` bounds each wait for a byte, never their sum.

A server that sends its headers, an error page or a body one byte a minute is cut off at the deadline: the sockets of
the session are shut down from outside, which its reader sees as a lost connection.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


@contextlib.contextmanager
def timed_session(deadline: float) -> Iterator[requests.Session]:
    """A session whose connections are cut at `deadline` (of time.monotonic); it must not be used after the block."""
    adapter = _TimedAdapter(deadline)
    watch = threading.Timer(max(deadline - time.monotonic(), 0.0), adapter.cut)
    watch.daemon = True
    watch.start()
    try:
        with requests.Session() as session:
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            yield session
    finally:
        watch.cancel()
        adapter.forget()


class _TimedAdapter(HTTPAdapter):
    """Keeps a second handle of each connection: TLS takes the first one over, and the second still shuts it down."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.handles: list[socket.socket] = []
        super().__init__()

    def cut(self) -> None:
        for handle in self.handles:
            with contextlib.suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        for handle in self.handles:
            handle.close()

    def noted(self, connection: socket.socket) -> socket.socket:
        if time.monotonic() >= self.deadline:
            connection.close()
            raise TimeoutError("trop tard")
        self.handles.append(connection.dup())
        return connection

    def init_poolmanager(self, *words: Any, **options: Any) -> None:
        super().init_poolmanager(*words, **options)
        self.poolmanager.pool_classes_by_scheme = _pool_classes(self)

    def proxy_manager_for(self, *words: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*words, **options)
        manager.pool_classes_by_scheme = _pool_classes(self)
        return manager


def _pool_classes(adapter: _TimedAdapter) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return adapter.noted(super()._new_conn())

    class Tls(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return adapter.noted(super()._new_conn())

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = Tls

    return {"http": PlainPool, "https": TlsPool}
