"""The raw files of some days out of the S3 bucket that keeps them, compared by size and checksum before any download.

The bucket has the raw layout below its prefix. For a day, the pulls made from that day to two days after are taken
(publishers are one to two days late), and every batch export of the source.
"""

import hashlib
import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError
from urllib3.exceptions import HTTPError as Urllib3Error

from lib.aws.bodies import cut_after
from lib.common.errors import CityflowError, InputError, NoDataError
from lib.common.settings import Settings
from lib.files.atomic_file import part_writer
from lib.raw.bucket_listing import pages, place_of, prefix_of, pull_days, raw_bucket_errors
from lib.raw.names import is_raw_name
from lib.raw.places import exports_folder, pulls_folder
from lib.raw.source import Source
from lib.raw.tree import is_readable
from scripts.fetch.download import ATTEMPTS, CHUNK, FIRST_WAIT
from scripts.fetch.raw_landing import refuse_to_lose
from scripts.fetch.resume import discard, forget, remember, resume_point

log = logging.getLogger(__name__)

PULLS_AFTER = 2  # days after the day asked for
JOBS = 8  # objects at a time
COPY_SECONDS, SLOWEST = 300.0, 100_000.0  # an object may take so long, and a second more for each so many bytes
READ = 1024 * 1024  # bytes of a file at a time, to compute its checksum
PART_SIZES = tuple(size * 1024 * 1024 for size in (8, 5, 16, 15, 32, 64, 100, 128))  # of the usual upload tools
CUT = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError)  # in the middle of a body: go on from there

BytesMore = Callable[[int], None]  # called with how many bytes came


@dataclass(frozen=True)
class RawObject:
    """One object of the bucket, and the local file it is a copy of."""

    source: str
    key: str
    size: int
    etag: str
    modified: datetime
    path: Path


def day_objects(s3: Any, settings: Settings, source: Source, days: list[date]) -> list[RawObject]:
    """List the objects of a source about these days; NoDataError, naming the days of its pulls, when there is none."""
    found: list[RawObject] = []
    pulls: set[str] = set()
    if source.pulls:
        wanted = {(day + timedelta(days=late)).isoformat() for day in days for late in range(PULLS_AFTER + 1)}
        pulls = set(pull_days(s3, settings, source.name))
        for pull in sorted(pulls & wanted):
            found += _listed(s3, settings, source.name, f"api/{source.name}/dt={pull}/", pulls_folder(settings), "api")
    if source.export:
        exports = _listed(s3, settings, source.name, "batch/", exports_folder(settings), "batch")
        found += [one for one in exports if source.names_export(one.path.name)]
    if not found:
        known = sorted(pulls)
        hint = f"Relevés présents : {known[0]} … {known[-1]}." if known else "Vérifier S3_RAW_BUCKET et S3_RAW_PREFIX."
        raise NoDataError(f"{source.name} : rien dans {place_of(settings)} pour ces jours.", hint)
    return found


def needs_copy(remote: RawObject) -> bool:
    """Tell whether the local file differs from the object: by size, then by the checksum in its ETag.

    An ETag that is no checksum of the content (KMS encryption, parts of unknown size) leaves only the times to compare.
    """
    if not is_readable(remote.path) or remote.path.stat().st_size != remote.size:
        return True
    same = has_content(remote.path, remote.etag)
    return not same if same is not None else remote.path.stat().st_mtime < remote.modified.timestamp()


def has_content(path: Path, etag: str) -> bool | None:
    """Tell whether the file's checksum is the ETag's; None where that cannot be known.

    The ETag of an object uploaded at once is its MD5; that of one uploaded in parts is the MD5 of the parts' MD5s, and
    their number. With KMS encryption it is neither.
    """
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
            while left and (chunk := stream.read(min(READ, left))):
                part.update(chunk)
                left -= len(chunk)
            digests.update(part.digest())
    return str(digests.hexdigest())


def _md5() -> Any:
    """Make S3's mark of a content; nothing secret rests on it."""
    return hashlib.md5(usedforsecurity=False)


def copy_all(
    s3: Any, settings: Settings, objects: list[RawObject], force: bool, progress: BytesMore
) -> Iterator[tuple[RawObject, CityflowError | None]]:
    """Download objects, several at a time; yields each with its failure, if any, in the order given."""
    stop = threading.Event()

    def copy(remote: RawObject) -> CityflowError | None:
        try:
            _copy(s3, settings, remote, force, progress, stop)
        except CityflowError as error:
            return error
        return None

    with ThreadPoolExecutor(JOBS) as pool:
        try:
            results = list(zip(objects, pool.map(copy, objects), strict=True))
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    yield from results


def keep_order(copies: list[RawObject]) -> None:
    """Give the copies of a source in one folder modification times in the bucket's order: readers take the newest.

    Also those of earlier runs, which may have been killed before they did it; none is touched where the order is right.
    """
    groups: defaultdict[tuple[str, Path], list[tuple[datetime, int, Path]]] = defaultdict(list)
    for remote in copies:
        here = (remote.modified, remote.path.stat().st_mtime_ns, remote.path)
        groups[remote.source, remote.path.parent].append(here)
    for group in map(sorted, groups.values()):
        if any(earlier[1] >= later[1] for earlier, later in pairwise(group)):
            now = time.time_ns()
            for rank, (_, _, path) in enumerate(group):
                written = now - (len(group) - rank) * 1_000_000
                os.utime(path, ns=(written, written))


def _copy(
    s3: Any, settings: Settings, remote: RawObject, force: bool, progress: BytesMore, stop: threading.Event
) -> None:
    if not force:
        refuse_to_lose(remote.path, remote.size, remote.modified)
    deadline = time.monotonic() + COPY_SECONDS + remote.size / SLOWEST
    with part_writer(remote.path) as stream:
        failures = 0
        while not stop.is_set():
            before = os.fstat(stream.fileno()).st_size
            try:
                with raw_bucket_errors(settings):
                    _receive(s3, settings, remote, stream, progress, stop, deadline)
                break
            except (CityflowError, Urllib3Error) as error:
                stream.flush()
                here = os.fstat(stream.fileno()).st_size
                failures = 1 if here - before >= CHUNK else failures + 1
                cut = isinstance(error, Urllib3Error) or isinstance(error.__cause__, CUT)
                if not cut or failures >= ATTEMPTS or time.monotonic() >= deadline:
                    raise _given_up(remote, error, cut, deadline) from error
                log.warning("%s : coupé à %.1f Mo, nouvel essai.", remote.key, here / 1e6)
                stop.wait(FIRST_WAIT * 2 ** (failures - 1))
        if stop.is_set():
            raise InputError(f"{remote.key} : interrompu.", "Relancer : la copie reprendra où elle en est.")
        _check(remote, stream)


def _receive(
    s3: Any,
    settings: Settings,
    remote: RawObject,
    stream: BinaryIO,
    progress: BytesMore,
    stop: threading.Event,
    deadline: float,
) -> None:
    """Add the bytes that are missing; the object must still be the one that was listed."""
    request = f"s3://{settings.s3_raw_bucket}/{remote.key}"
    kept, validator = resume_point(stream, request)
    if validator != remote.etag or kept > remote.size:
        kept = 0
        stream.truncate(0)
        remember(stream, request, remote.etag)
    if kept == remote.size:
        return
    span = {"Range": f"bytes={kept}-"} if kept else {}
    answer = s3.get_object(Bucket=settings.s3_raw_bucket, Key=remote.key, IfMatch=remote.etag, **span)
    with cut_after(answer["Body"], max(deadline - time.monotonic(), 0.0)):
        for chunk in answer["Body"].iter_chunks(CHUNK):
            stream.write(chunk)
            progress(len(chunk))
            if stop.is_set():
                return


def _check(remote: RawObject, stream: BinaryIO) -> None:
    stream.flush()
    arrived = Path(stream.name)
    if arrived.stat().st_size != remote.size or has_content(arrived, remote.etag) is False:
        discard(stream)
        raise InputError(f"{remote.key} est arrivé abîmé (taille ou somme de contrôle).", "Relancer la même commande.")
    forget(stream)


def _given_up(remote: RawObject, error: Exception, cut: bool, deadline: float) -> CityflowError:
    if not cut and isinstance(error, CityflowError):
        return error
    late = time.monotonic() >= deadline
    why = f"pas fini en {COPY_SECONDS + remote.size / SLOWEST:.0f} s" if late else "copie coupée en route"
    return InputError(f"{remote.key} : {why}.", "Relancer : elle reprendra où elle en est.")


def _listed(s3: Any, settings: Settings, source: str, below: str, folder: Path, first: str) -> Iterator[RawObject]:
    with raw_bucket_errors(settings):
        for page in pages(s3, settings, below):
            for one in page.get("Contents", []):
                relative = PurePosixPath(one["Key"][len(prefix_of(settings)) :]).relative_to(first)
                if _is_wanted(relative):
                    yield RawObject(
                        source, one["Key"], one["Size"], one["ETag"], one["LastModified"], folder / relative
                    )


def _is_wanted(relative: PurePosixPath) -> bool:
    """Tell whether the readers would read a file of this name, and it stays below its folder."""
    hidden = any(part.startswith(".") for part in relative.parts)
    return not hidden and not relative.is_absolute() and is_raw_name(relative.name)
