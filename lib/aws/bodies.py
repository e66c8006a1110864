"""The bodies of S3 objects, read in a bounded time: botocore bounds the wait for each byte, never their sum."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

WHOLE_SECONDS = 300.0  # for an object of a few megabytes that is read in one go


def read_whole(body: Any) -> bytes:
    """Read all the bytes; one of botocore's exceptions when they do not come in WHOLE_SECONDS."""
    with cut_after(body, WHOLE_SECONDS):
        return bytes(body.read())


@contextlib.contextmanager
def cut_after(body: Any, seconds: float) -> Iterator[None]:
    """End what is read in the block from a body after so many seconds: it then seems to be cut."""

    def cut() -> None:
        with contextlib.suppress(OSError, ValueError, RuntimeError, AttributeError):  # it has just come to its end
            body._raw_stream.shutdown()

    watch = threading.Timer(seconds, cut)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()
