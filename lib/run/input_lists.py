"""The list of each source's raw files, kept so that a later run sees which were added, changed, lost or brought back.

OUTPUT_DIR/.inputs/<source>.txt is rewritten only when it changes: figures older than it are stale. Beside it,
<source>.lost names the files that went or changed since they were first listed, and when that was seen: figures that
may rest on them are known to be worth more than what is left (see lib/run/kept_figures).
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from lib.common.errors import InputError, StoreError, in_french
from lib.common.paris_time import machine_now
from lib.common.settings import Settings
from lib.files.atomic_file import write_atomically
from lib.raw.source import Source
from lib.raw.source_files import source_files
from lib.raw.tree import is_readable

UNKNOWN = "*"  # stands for the files of before the first list
UNREADABLE = "illisible"


def note_inputs(settings: Settings, sources: Iterable[Source]) -> None:
    """Rewrite the lists that are no longer true; figures computed from now on are up to date with them."""
    for source in dict.fromkeys(sources):
        path, content = list_path(settings.output_dir, source), _content(settings, source)
        listed = _read(path)
        if listed != content:
            _note_lost(settings, source, listed, content)
            write_atomically(path, content)


def inputs_changed(settings: Settings, source: Source) -> float:
    """Return when the list of a source's raw files changed last (ns since 1970); infinity when it is no longer true."""
    path = list_path(settings.output_dir, source)
    return path.stat().st_mtime_ns if _read(path) == _content(settings, source) else float("inf")


def lost_files(output_dir: Path, source: Source) -> dict[str, datetime]:
    """Read which raw files (paths, or UNKNOWN) went or changed, each with the last time that this was seen."""
    text = (_read(_lost_path(output_dir, source)) or b"").decode("utf-8", "surrogateescape")
    pairs = (line.split(" ", 1) for line in text.split("\n") if line)  # a name may hold any other line break
    try:
        return {path: datetime.fromisoformat(moment) for moment, path in pairs}
    except ValueError as error:
        path = _lost_path(output_dir, source)
        raise StoreError(f"{path} est illisible ({in_french(error)}).", "Le supprimer.") from error


def list_path(output_dir: Path, source: Source) -> Path:
    return output_dir / ".inputs" / f"{source.name}.txt"


def _lost_path(output_dir: Path, source: Source) -> Path:
    return output_dir / ".inputs" / f"{source.name}.lost"


def _note_lost(settings: Settings, source: Source, before: bytes | None, now: bytes) -> None:
    """Write it before the list, so that a run that is killed in between notes the same files again."""
    gone = [UNKNOWN] if before is None else sorted(_paths(set(before.splitlines()) - set(now.splitlines())))
    if gone:
        moment = machine_now()
        lost = lost_files(settings.output_dir, source) | dict.fromkeys(gone, moment)
        text = "".join(f"{when.isoformat(timespec='seconds')} {path}\n" for path, when in lost.items())
        write_atomically(_lost_path(settings.output_dir, source), text.encode("utf-8", "surrogateescape"))


def _paths(lines: Iterable[bytes]) -> set[str]:
    """Extract the paths of lines of a list; leave out a line that has none (the store, a message)."""
    texts = (line.decode("utf-8", "surrogateescape") for line in lines)
    return {text.rsplit(" ", 2)[0] for text in texts if text.startswith(("/", "s3:")) and not text.endswith(UNREADABLE)}


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _content(settings: Settings, source: Source) -> bytes:
    # The store is an input too: figures that are to go into another one are to be made again.
    lines = [f"CITYFLOW_STORE={settings.store}", *_raw_lines(settings, source)]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def _raw_lines(settings: Settings, source: Source) -> list[str]:
    try:
        paths = [raw.path for raw in source_files(settings, source)]
    except InputError as error:
        return [error.message]  # the script says it to the user, whom the list is not for
    return [_raw_line(path) for path in paths]


def _raw_line(path: Path) -> str:
    """Write a file and its state; a file whose rights or volume come back changes, which makes figures stale."""
    if not is_readable(path):
        return f"{path} {UNREADABLE}"
    status = path.stat()
    return f"{path} {status.st_size} {status.st_mtime_ns}"
