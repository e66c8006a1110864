"""Whether a file has the content that an S3 ETag marks.

The ETag of an object uploaded at once is its MD5; that of one uploaded in parts is the MD5 of the parts' MD5s, and
their number. With KMS encryption it is neither.
"""

import hashlib
from pathlib import Path
from typing import Any

CHUNK = 1024 * 1024
PART_SIZES = tuple(size * CHUNK for size in (8, 5, 16, 15, 32, 64, 100, 128))  # of the usual upload tools


def has_content(path: Path, etag: str) -> bool | None:
    """Whether the file's checksum is the ETag's; None when the ETag is none that can be computed."""
    digest, _, parts = etag.strip('"').partition("-")
    if len(digest) != 32:
        return None
    if not parts:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, _md5).hexdigest() == digest
    likely = [size for size in PART_SIZES if -(-path.stat().st_size // size) == int(parts)]
    return True if any(_digest_of_parts(path, size) == digest for size in likely) else None


def _digest_of_parts(path: Path, size: int) -> str:
    digests = _md5()
    with path.open("rb") as stream:
        while stream.peek(1):
            part, left = _md5(), size
            while left and (chunk := stream.read(min(CHUNK, left))):
                part.update(chunk)
                left -= len(chunk)
            digests.update(part.digest())
    return str(digests.hexdigest())


def _md5() -> Any:
    """S3's mark of a content; nothing secret rests on it."""
    return hashlib.md5(usedforsecurity=False)
