"""What the Makefile cannot see by itself: where results go, and whether the raw files of a source are still the same.

Modification times alone do not tell that a raw file was deleted, or replaced by an older one. So the list of each
source's raw files is kept in OUTPUT_DIR/.inputs/<source>.txt and rewritten only when it changes: metrics depend on it.
"""

import argparse
import re
import sys
from datetime import date
from pathlib import Path

from lib.atomic_file import write_atomically
from lib.errors import CityflowError, InputError
from lib.local_file_service import LocalFileService
from lib.paris_time import WEEKS_COMPARED, same_weekdays_before
from lib.raw_files import BATCH_PREFIXES, SOURCES, source_files
from lib.raw_tree import is_readable
from lib.run_lock import required_day
from lib.settings import Settings, load_settings


def facts(settings: Settings, day: date) -> list[str]:
    """Make assignments, none of which holds a space.

    OUT; FORMS, which says « stale » of a report whose page or table is not of the same run; and the PAST days that
    figures are compared with.
    """
    # make splits words at spaces and reads = : # specially; ? matches any one character when it looks a file up.
    output = re.sub(r"[^A-Za-z0-9_./,\u0080-\uffff-]", "?", str(settings.output_dir))
    whole = LocalFileService(settings.output_dir).report_is_whole(day)
    past = [f"PAST+={past}" for past in same_weekdays_before(day, WEEKS_COMPARED)]
    return [f"OUT:={output}", *([] if whole else ["FORMS:=stale"]), *past]


def note_inputs(settings: Settings) -> None:
    """Rewrite the lists that are no longer true; metrics computed from now on are up to date with them."""
    for source in sorted({*SOURCES, *BATCH_PREFIXES}):
        _note_source(settings, source)


def inputs_changed(settings: Settings, source: str) -> float:
    """When the list of a source's raw files changed last (ns since 1970); infinity when it is no longer true."""
    path = inputs_path(settings.output_dir, source)
    return path.stat().st_mtime_ns if _is_true(path, _content(settings, source)) else float("inf")


def _note_source(settings: Settings, source: str) -> None:
    path, content = inputs_path(settings.output_dir, source), _content(settings, source)
    if not _is_true(path, content):
        write_atomically(path, content)


def _is_true(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _content(settings: Settings, source: str) -> bytes:
    # The store is an input too: figures that are to go into another one are to be made again.
    lines = [f"CITYFLOW_STORE={settings.store}", *_raw_lines(settings, source)]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def inputs_path(output_dir: Path, source: str) -> Path:
    return output_dir / ".inputs" / f"{source}.txt"


def _raw_lines(settings: Settings, source: str) -> list[str]:
    try:
        paths = [raw.path for raw in source_files(settings, source)]
    except InputError as error:
        return [error.message]  # the script says it to the user, whom the list is not for
    return [_raw_line(path) for path in paths]


def _raw_line(path: Path) -> str:
    """A file and its state; one whose rights or volume come back is another one, which makes figures stale."""
    if not is_readable(path):
        return f"{path} illisible"
    status = path.stat()
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def main(argv: list[str] | None = None) -> int:
    """Bring the lists up to date and print the facts of a day, for the Makefile."""
    parser = argparse.ArgumentParser(prog="make_facts")
    parser.add_argument("--date", required=True)
    arguments = parser.parse_args(argv)
    try:
        settings, day = load_settings(), required_day(arguments.date)
        note_inputs(settings)
    except CityflowError as error:
        sys.stderr.write(f"erreur : {error}\n")
        return int(error.exit_code)
    sys.stdout.write("\n".join(facts(settings, day)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
