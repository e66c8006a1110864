"""The command line of a source: one day, or several in one pass where the source can; what is said of each."""

import contextlib
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date

from lib.common.errors import CityflowError, ExitCode
from lib.common.settings import Settings
from lib.common.text import counted
from lib.database_factory import get_database_service
from lib.figures.quality import rejects_in_words
from lib.files.locks import day_lock
from lib.local_file_service import LocalFileService
from lib.raw.source import Source
from lib.run import cli
from lib.run.day_range import add_range, range_days
from lib.run.day_run import Compare, Process, Stored, rejects_path, run_day

log = logging.getLogger("cityflow.source")

Prepare = Callable[[Settings, list[date]], AbstractContextManager[None]]


def run_source(
    source: Source,
    doc: str,
    process: Process,
    argv: list[str] | None,
    compare: Compare | None = None,
    prepare: Prepare | None = None,
) -> int:
    """Carry out the command line of a source; `prepare` is what makes one with --from and --to quick on many days."""
    parser = cli.day_parser(doc)
    parser.add_argument(
        "--force", action="store_true", help="remplacer même des chiffres qui reposent sur plus de données"
    )
    if prepare:
        add_range(parser)
    arguments = parser.parse_args(argv)

    def work() -> int:
        days = range_days(arguments) if prepare else []
        settings, day = cli.day_settings(arguments)
        failures = []
        with contextlib.ExitStack() as stack:
            store = stack.enter_context(get_database_service(settings))
            if prepare and days:
                stack.enter_context(prepare(settings, days))
            for one in days or [day]:
                try:
                    with day_lock(settings.output_dir, one, source.name, settings.lock_fd, arguments.wait):
                        stored = run_day(settings, store, source, process, one, compare, arguments.force)
                except CityflowError as error:
                    if not days:
                        raise
                    log.error("%s : %s", one, error)
                    failures.append(f"{one} : {error}")
                    continue
                if not (days and arguments.json):
                    _tell(settings, source.name, one, stored, arguments.json)
        if days and arguments.json:
            cli.emit_json({"type": source.name, "jours": len(days), "echecs": failures})
        elif days:
            done = f"{counted(len(days), 'jour')}, {counted(len(failures), 'échec')}"
            cli.emit(f"{source.name} : {done} -> {settings.output_dir}")
        for failure in failures:
            log.error("%s", failure)
        return ExitCode.FAILED if failures else ExitCode.DONE

    return cli.guarded(work, arguments)


def _tell(settings: Settings, source: str, day: date, stored: Stored, as_json: bool) -> None:
    qualite = stored.metrics["qualite"]
    path = LocalFileService(settings.output_dir).metrics_path(source, day)
    if as_json:
        said = {"garde": stored.kept} if stored.kept else {}
        cli.emit_json({"type": source, "date": day.isoformat(), "fichier": str(path), **said, "qualite": qualite})
        return
    state = f"chiffres gardés ({qualite['statut']})" if stored.kept else qualite["statut"]
    kept = counted(qualite["lignes_retenues"], "ligne retenue", "lignes retenues")
    cli.emit(f"{source} {day} : {state}, {kept} -> {path}")
    for warning in qualite["avertissements"]:
        log.log(logging.INFO if warning["severite"] == "information" else logging.WARNING, "%s", warning["message"])
    if rejected := sum(qualite["rejets"].values()):
        reasons = rejects_in_words(qualite["rejets"])
        lost = counted(rejected, "ligne rejetée", "lignes rejetées")
        log.warning("%s (%s) : %s", lost, reasons, rejects_path(settings, source, day))
