"""Raw files in S3 under pathlib's words, as far as the readers use them: s3://bucket/prefix as DATA_DIR.

Only what is asked for travels: a listing, a whole small file, or the bytes of a large one from a position on. Missing
objects are FileNotFoundError, cut bodies are taken up again, and whatever else AWS refuses is a CityflowError.
"""

import io
import os
from collections.abc import Generator
from datetime import datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import PosixPath
from typing import Any, ClassVar, NamedTuple, cast

from lib.common.errors import StoreError
from lib.common.settings import S3_SCHEME as SCHEME
from lib.common.text import counted

ATTEMPTS = 5  # at a body that is cut, before giving up
MOST_KEYS = 1_000_000  # of one listing: a century of hourly pulls of one source
READ_SECONDS, SLOWEST = 60.0, 100_000.0  # a read may take so long, and a second more for each so many bytes


class Connection(NamedTuple):
    """Where S3 answers, and where each of that was set (for messages). Keys and secrets are found by boto3 itself."""

    aws_region: str
    aws_endpoint_url: str
    set_by: tuple[tuple[str, str], ...] = ()
    aws_profile: str = ""

    @property
    def origins(self) -> dict[str, str]:
        return dict(self.set_by)


@lru_cache
def s3_paths(connection: Connection) -> "type[S3Path]":
    """Make the class of the paths that are reached so, those derived of them included."""
    return type("S3Path", (S3Path,), {"connection": connection, "__module__": __name__})


def _restored(connection: Connection, text: str) -> "S3Path":
    return s3_paths(connection)(text)


class S3Path(PosixPath):
    """An object, or a folder of objects. What a listing says of it is remembered, so that it is not asked for again."""

    connection: ClassVar[Connection]
    known: os.stat_result | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.connection, str(self))

    def __str__(self) -> str:
        return SCHEME + super().__str__().removeprefix("s3:/")

    @property
    def bucket(self) -> str:
        return self.parts[1]

    @property
    def key(self) -> str:
        return "/".join(self.parts[2:])

    def absolute(self) -> "S3Path":
        """Itself: a bucket is no folder of the working directory."""
        return self

    def open(self, mode: str = "r", buffering: int = -1, *_: Any, **__: Any) -> Any:
        """Open the bytes, which can be sought; reading is all there is."""
        if mode != "rb":
            raise io.UnsupportedOperation(f"{self} : lecture seule")
        stream = S3Stream(self)
        return stream if buffering == 0 else io.BufferedReader(stream)

    def read_bytes(self) -> bytes:
        with S3Stream(self) as stream:
            return stream.readall()

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Size and modification time; FileNotFoundError."""
        if self.known is None:
            answer = _asked(self, "head_object", Key=self.key)
            self.known = _stat(answer["ContentLength"], answer["LastModified"])
        return self.known

    def is_file(self) -> bool:
        try:
            return bool(self.stat())
        except FileNotFoundError:
            return False

    def is_dir(self) -> bool:
        return next(self._listed(f"{self.key}/"), None) is not None

    def glob(self, pattern: str, **_: Any) -> Generator["S3Path", None, None]:
        """Yield the objects right in this folder whose name matches."""
        start = pattern.split("*")[0]
        for path in self._listed(f"{self.key}/{start}"):
            if path.parent == self and fnmatchcase(path.name, pattern):
                yield path

    def rglob(self, pattern: str, **_: Any) -> Generator["S3Path", None, None]:
        """Yield the objects at any depth whose name matches."""
        for path in self._listed(f"{self.key}/"):
            if fnmatchcase(path.name, pattern):
                yield path

    def _listed(self, prefix: str) -> Generator["S3Path", None, None]:
        prefix, token, seen = prefix.lstrip("/"), "", 0
        while True:
            page = _asked(self, "list_objects_v2", Prefix=prefix, **({"ContinuationToken": token} if token else {}))
            for one in page.get("Contents", []):
                path = type(self)(f"{SCHEME}{self.bucket}/{one['Key']}")
                path.known = _stat(one["Size"], one["LastModified"])
                yield path
            if not page.get("IsTruncated"):
                return
            seen += len(page.get("Contents", []))
            before, token, place = token, page["NextContinuationToken"], f"{SCHEME}{self.bucket}/{prefix}"
            if token == before:
                raise StoreError(f"la liste de {place} tourne en rond.", "Vérifier AWS_ENDPOINT_URL.")
            if seen >= MOST_KEYS:
                raise StoreError(
                    f"plus de {MOST_KEYS} objets sous {place}.", "Vérifier DATA_DIR (s3://bucket/préfixe)."
                )


class S3Stream(io.RawIOBase):
    """An object's bytes from wherever they are sought: one request serves the reads that follow one another."""

    def __init__(self, path: S3Path) -> None:
        self.path, self.position = path, 0
        self.size = path.stat().st_size
        self.body: Any = None
        self.version: dict[str, str] = {}  # what is read, once something was
        self.failures = 0  # cuts in a row, without a read that brought all it asked for

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        target = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        if target != self.position:
            self._drop()
            self.position = target
        return target

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        data = self._read(len(view)) if len(view) and self.position < self.size else b""
        view[: len(data)] = data
        self.position += len(data)
        return len(data)

    def close(self) -> None:
        self._drop()
        super().close()

    def _drop(self) -> None:
        if self.body is not None:
            self.body.close()
            self.body = None

    def _ask(self) -> None:
        """Ask for the body from here on, of the version read so far."""
        wanted = f"bytes={self.position}-"
        answer = _asked(self.path, "get_object", Key=self.path.key, Range=wanted, **self.version)
        self.body, self.version = answer["Body"], {"IfMatch": answer["ETag"]}

    def _read(self, count: int) -> bytes:
        """At most `count` bytes, at least one; a body that is cut is asked for again from where it stopped.

        OSError after ATTEMPTS cuts in a row.
        """
        from botocore.exceptions import HTTPClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError

        from lib.aws.bodies import cut_after

        wanted = min(count, self.size - self.position)
        cut: Exception = EOFError(f"{counted(self.position, 'octet')} au lieu de {self.size}")
        while self.failures < ATTEMPTS:
            data = b""
            try:
                if self.body is None:
                    self._ask()
                with cut_after(self.body, READ_SECONDS + wanted / SLOWEST):
                    data = self.body.read(wanted)
            except (HTTPClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError) as error:
                cut = error
            if len(data) == wanted:
                self.failures = 0
                return data
            self.failures += 1
            self._drop()
            if data:
                return data
        raise OSError(f"S3 : lecture coupée {ATTEMPTS} fois ({cut})") from cut


def _asked(path: S3Path, operation: str, **words: Any) -> dict[str, Any]:
    from botocore.exceptions import ClientError

    from lib.aws.errors import aws_errors, error_code

    with aws_errors(str(path)):
        try:
            return cast(dict[str, Any], getattr(_client(path.connection), operation)(Bucket=path.bucket, **words))
        except ClientError as error:
            if error_code(error) in ("404", "NoSuchKey"):
                raise FileNotFoundError(f"{path} n'existe pas") from error
            raise


@lru_cache
def _client(connection: Connection) -> Any:
    from lib.aws.clients import aws_clients  # botocore takes half a second, which only S3 is worth

    return aws_clients(connection).s3


def _stat(size: int, modified: datetime) -> os.stat_result:
    seconds = modified.timestamp()
    values = (0, 0, 0, 0, 0, 0, size, int(seconds), int(seconds), int(seconds))
    return os.stat_result(values, {"st_mtime": seconds, "st_mtime_ns": int(seconds * 1e9)})
