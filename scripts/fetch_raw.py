"""The raw files of a day, or of several, into DATA_DIR: from the publishers, or from the bucket that keeps raw files.

`--origin portal` asks the publishers for the days alone: the Paris open-data portal, PRIM (IDFM_API_KEY), and Visual
Crossing (VISUALCROSSING_API_KEY) or Open-Meteo without a key. Whole datasets (works, road reference, arrondissements)
are refreshed when the last export is a week old. `--origin s3` copies from S3_RAW_BUCKET what differs.

What arrives is checked before it becomes a file, nothing larger or newer is replaced without --force, an export of a
whole dataset that is much smaller than the last one is refused, and a source that fails does not stop the others.

    python scripts/fetch_raw.py --date 2025-11-04 --source comptages
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lib  # isort: skip # noqa: F401 - first: it says which package is missing

from tqdm import tqdm

from lib.aws.clients import aws_clients
from lib.common.errors import CityflowError, ExitCode, InputError, NoDataError, UsageError
from lib.common.paris_time import civil_day, machine_now
from lib.common.settings import Settings, load_settings
from lib.common.text import counted, draws_bars
from lib.files.atomic_file import part_writer
from lib.raw.source import Source
from lib.raw.source_files import override_warning
from lib.run import cli, day_range
from scripts.fetch import raw_bucket
from scripts.fetch.download import download
from scripts.fetch.raw_landing import already_there, landing_folders, landing_path, refuse_cut, refuse_to_lose
from scripts.fetch.resume import clear_abandoned, discard
from scripts.registry import RAW, publisher
from scripts.sources.publishers import Address

log = logging.getLogger("cityflow.fetch")

HELP = """Récupère les fichiers bruts d'un jour ou d'une période dans DATA_DIR.

Origine « portal » : le portail de la Ville de Paris, PRIM (IDFM_API_KEY), Visual Crossing (VISUALCROSSING_API_KEY)
ou Open-Meteo. Origine « s3 » : le bucket des fichiers bruts (S3_RAW_BUCKET).

Exemple : python scripts/fetch_raw.py --date 2025-11-04 --source comptages"""

RECEIVED, PRESENT = "reçu", "déjà là"
PULL_SECONDS = 900.0  # all the pages of one pull; each answer has its own bound (scripts/sources/publishers)
FAILURES_MAX = 3  # days of a source in a row, before the rest of a range is given up


@dataclass(frozen=True)
class Fetched:
    """What became of one source (and day): a file received or already there, or the error met."""

    source: str
    day: date | None
    state: str = ""
    path: Path | None = None
    size: int = 0
    error: CityflowError | None = None

    @property
    def about(self) -> str:
        return f"{self.source} {self.day}" if self.day else self.source

    @property
    def failure(self) -> str:
        """The error met, beginning with the source's name."""
        text = str(self.error)
        return text if text.startswith(self.source) else f"{self.about} : {text}"


def fetch_from_publishers(
    settings: Settings, sources: list[Source], days: list[date], force: bool, unreachable: set[str]
) -> Iterator[Fetched]:
    """Ask for each source and day in turn, going on past what fails; `unreachable` is download's."""
    for source in sources:
        yield from fetch_source(settings, source, days[-1:] if source.whole else days, force, unreachable)


def fetch_source(
    settings: Settings, source: Source, days: list[date], force: bool, unreachable: set[str]
) -> Iterator[Fetched]:
    """Ask for each day of a source until it has failed FAILURES_MAX times in a row."""
    now, failures = settings.now(), 0
    for number, day in enumerate(days):
        about = None if source.whole else day
        if failures == FAILURES_MAX:
            left = counted(len(days) - number, "jour n'est pas demandé", "jours ne sont pas demandés")
            what = f"{failures} échecs de suite : {left} ({day} à {days[-1]})."
            yield Fetched(source.name, about, error=InputError(what, "Relancer quand l'éditeur répond."))
            return
        present = None if force else already_there(settings, source, day, now)
        if present:
            yield Fetched(source.name, about, PRESENT, present, present.stat().st_size)
            continue
        try:
            address = publisher(source).address(settings, day, civil_day(now))
            yield from fetch_pages(settings, source, address, force, unreachable)
            failures = 0
        except CityflowError as error:
            failures += not isinstance(error, NoDataError)
            yield Fetched(source.name, about, error=error)


def fetch_pages(
    settings: Settings, source: Source, first: Address, force: bool, unreachable: set[str]
) -> Iterator[Fetched]:
    """Fetch an address and the pages that follow it, all of one pull."""
    pulled, deadline = settings.now(), time.monotonic() + PULL_SECONDS
    address: Address | None = first
    while address:
        path = landing_path(settings, source, address, pulled)
        body = fetch_file(settings, source, address, path, force, unreachable)
        yield Fetched(address.source, address.day, RECEIVED, path, path.stat().st_size)
        pages = getattr(publisher(source), "next_page", None)  # most publishers answer in one
        address = pages(address, body) if pages else None
        if address and time.monotonic() >= deadline:
            raise InputError(f"pas fini en {PULL_SECONDS:.0f} s : les pages suivantes ne sont pas demandées.")


def fetch_file(
    settings: Settings, source: Source, address: Address, path: Path, force: bool, unreachable: set[str]
) -> Any:
    """Download one answer, check it, and only then let it be `path`; returns its JSON body (None for a CSV)."""
    asked_at = machine_now()
    with part_writer(path) as stream, _bar(address.source, None) as bar:

        def progress(here: int, total: int | None) -> None:
            bar.total = total
            bar.update(here - bar.n)

        try:
            download(address, stream, progress, unreachable)
        except BaseException:
            if source.pulls:
                discard(stream)  # its name is that of this pull: no later run would go on with it
            raise
        try:
            body = publisher(source).check_answer(address, Path(stream.name))
            if not force:
                refuse_cut(settings, source, Path(stream.name))
                refuse_to_lose(path, os.fstat(stream.fileno()).st_size, asked_at)
        except CityflowError:
            discard(stream)
            raise
    return body


def fetch_from_bucket(settings: Settings, sources: list[Source], days: list[date], force: bool) -> Iterator[Fetched]:
    """Copy what differs in the raw bucket about these days, going on past what fails."""
    s3 = aws_clients(settings, raw_bucket.JOBS).s3
    wanted: list[raw_bucket.RawObject] = []
    copies: list[raw_bucket.RawObject] = []
    for source in sources:
        try:
            objects = raw_bucket.day_objects(s3, settings, source, days)
        except CityflowError as error:
            yield Fetched(source.name, None, error=error)
            continue
        different = [remote for remote in objects if raw_bucket.needs_copy(remote)]
        wanted += different
        copies += set(objects) - set(different)
        for remote in sorted(set(objects) - set(different), key=lambda one: one.key):
            yield Fetched(source.name, None, PRESENT, remote.path, remote.size)
    with _bar("s3", sum(remote.size for remote in wanted)) as bar:
        for remote, failure in raw_bucket.copy_all(s3, settings, wanted, force, bar.update):
            copies += [] if failure else [remote]
            yield Fetched(remote.source, None, "" if failure else RECEIVED, remote.path, remote.size, failure)
    raw_bucket.keep_order(copies)


def exit_code(outcomes: list[Fetched]) -> ExitCode:
    """Choose 0 when all is there; the failures' own code when nothing is and they share one; else 1."""
    codes = {outcome.error.exit_code for outcome in outcomes if outcome.error}
    if not codes:
        return ExitCode.DONE
    return codes.pop() if len(codes) == 1 and all(outcome.error for outcome in outcomes) else ExitCode.FAILED


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)

    def work() -> int:
        settings = load_settings()
        days = asked_days(arguments, civil_day(settings.now()))
        sources = [source for name, source in RAW.items() if name in (arguments.source or RAW)]
        for warning in filter(None, (override_warning(settings, source) for source in sources)):
            log.warning("%s", warning)
        from_publishers = partial(fetch_from_publishers, unreachable=set())
        fetch = fetch_from_bucket if arguments.origin == "s3" else from_publishers
        outcomes = []
        for outcome in fetch(settings, sources, days, arguments.force):
            outcomes.append(outcome)
            _tell(outcome, arguments.json)
        for folder in landing_folders(settings):
            clear_abandoned(folder)
        _sum_up(settings, outcomes, days, arguments)
        return exit_code(outcomes)

    return cli.guarded(work, arguments)


def asked_days(arguments: argparse.Namespace, today: date) -> list[date]:
    """List the days of the command line, oldest first: --date, or --from and --to, or yesterday; else UsageError."""
    days = day_range.range_days(arguments) or [arguments.date or today - timedelta(days=1)]
    if days[-1] > today:
        raise UsageError(f"le {days[-1]} n'est pas encore passé : rien à récupérer.")
    return days


def _tell(outcome: Fetched, as_json: bool) -> None:
    if outcome.error:
        log.error("%s", outcome.failure)
    elif not as_json:
        cli.emit(f"{outcome.about} : {outcome.state}, {outcome.size / 1e6:.2f} Mo -> {outcome.path}")


def _sum_up(settings: Settings, outcomes: list[Fetched], days: list[date], arguments: argparse.Namespace) -> None:
    """Print the last lines: how many files, and the failures again."""
    failures = [outcome for outcome in outcomes if outcome.error]
    files = [outcome for outcome in outcomes if not outcome.error]
    if arguments.json:
        cli.emit_json(
            {
                "jours": [day.isoformat() for day in days],
                "origine": arguments.origin,
                "fichiers": [_as_json(one) for one in files],
                "echecs": [{"source": one.source, "erreur": one.failure} for one in failures],
            }
        )
        return
    received = sum(one.state == RECEIVED for one in files)
    present = len(files) - received
    cli.emit(f"reçus : {received}, déjà là : {present}, échecs : {len(failures)} -> {settings.data_dir}")
    if len(outcomes) > 1:
        for one in failures:
            log.error("échec : %s", one.failure)


def _as_json(one: Fetched) -> dict[str, Any]:
    day = one.day.isoformat() if one.day else None
    return {"source": one.source, "jour": day, "etat": one.state, "fichier": str(one.path), "octets": one.size}


def _bar(name: str, total: int | None) -> Any:
    return tqdm(desc=name, total=total, unit="o", unit_scale=True, leave=False, disable=not draws_bars())


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(HELP)
    day_range.add_day(parser, "jour voulu (défaut : hier, à Paris)")
    day_range.add_range(parser)
    parser.add_argument("--source", action="append", choices=list(RAW), help="une source seulement (répétable)")
    parser.add_argument("--origin", choices=("portal", "s3"), default="portal", help="d'où (défaut : portal)")
    parser.add_argument("--force", action="store_true", help="redemander ce qui est là, accepter moins qu'il n'y a")
    return parser


if __name__ == "__main__":
    sys.exit(main())
