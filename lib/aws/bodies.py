"""The bodies of S3 objects, read in a bounded time: botocore bounds the wait for each byte, never their sum."""

import contextlib
import gzip
import threading
import zlib
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError

from lib.aws.errors import is_passing

WHOLE_SECONDS = 300.0  # for an object of a few megabytes that is read in one go
READINGS = 4  # of an object whose body was cut


def read_object(s3: Any, bucket: str, key: str) -> bytes:
    """Read an object whole, again where its body was cut; one of botocore's exceptions when it is cut each time."""
    for attempt in range(1, READINGS + 1):
        try:
            return read_whole(s3.get_object(Bucket=bucket, Key=key)["Body"])
        except BotoCoreError as error:
            if attempt == READINGS or not is_passing(error):
                raise
    raise AssertionError("the last reading returns or raises")


def read_decoded(reply: dict[str, Any]) -> bytes:
    """Read the body of a GetObject and undo its Content-Encoding; what is no gzip comes as it is."""
    content = read_whole(reply["Body"])
    if reply.get("ContentEncoding") == "gzip":
        with contextlib.suppress(OSError, EOFError, zlib.error):
            return gzip.decompress(content)
    return content


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
