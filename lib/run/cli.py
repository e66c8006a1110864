"""What every command shares: French argparse, log on stderr, results on stdout, one broad except, exit codes."""

import argparse
import contextlib
import gc
import io
import json
import logging
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import date
from typing import TYPE_CHECKING, Any, NoReturn

from lib.common.errors import REFUSALS, CityflowError, ExitCode, UsageError, in_french
from lib.common.paris_time import yesterday
from lib.common.settings import MAKE, STORES, Settings, load_settings, typable
from lib.common.text import counted, in_columns, on_one_line, printable, spelled
from lib.database_factory import get_database_service
from lib.database_service import DatabaseService
from lib.figures.quality import rejects_in_words
from lib.files.locks import day_lock
from lib.local_file_service import LocalFileService
from lib.run.day_range import add_day, add_range, range_days
from lib.run.said_once import SaidOnce, said_by_the_command

if TYPE_CHECKING:
    from lib.raw.source import Source
    from lib.run.day_run import Compare, Process, Stored

log = logging.getLogger("cityflow")

COLOURS = {  # of a terminal
    31: ("grave", "erreur", "manquant"),
    33: ("attention", "partiel"),
    32: ("ok", "complet"),
}

# Objects (then collections) after which Python looks for cycles: a day makes a million values, none of which is one,
# and by default a tenth of its time would go into looking.
COLLECTED_AFTER = (200_000, 20, 100)

_LEVELS = {"DEBUG": "détail", "INFO": "info", "WARNING": "attention", "ERROR": "erreur", "CRITICAL": "erreur"}
_FRENCH = (
    (r"^argument (\S+): expected one argument$", r"\1 attend une valeur"),
    (r"^argument ([^:]+): invalid choice: (\S+) \(choose from (.*)\)$", r"\1 : \2 n'est pas un choix possible (\3)"),
    (r"^argument ([^:]+): not allowed with argument (.*)$", r"\1 ne va pas avec \2"),
    (r"^argument ([^:]+): ignored explicit argument (.*)$", r"\1 n'attend pas de valeur (reçu \2)"),
    (r"^argument ([^:]+): invalid (?:int|float) value: (.*)$", r"\1 : \2 n'est pas un nombre"),
    (r"^argument ([^:]+): ", r"\1 : "),
    (r"^unrecognized arguments: ", "arguments inconnus : "),
    (r"^the following arguments are required: ", "arguments obligatoires : "),
)


class Parser(argparse.ArgumentParser):
    """argparse in French, with the module docstring as the description."""

    def __init__(self, doc: str, **options: Any) -> None:
        super().__init__(
            description=doc.strip(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=False,
            allow_abbrev=False,  # --st would become another option on the day one more begins with it
            **options,
        )
        self._optionals.title = "options"
        self.add_argument("-h", "--help", action="help", help="afficher cette aide")

    def error(self, message: str) -> NoReturn:
        for english, french in _FRENCH:
            message = re.sub(english, french, message)
        usage = "" if MAKE in os.environ else f"{self.format_usage()}{self.prog} : "
        self.exit(ExitCode.USAGE, f"{usage}erreur : {on_one_line(as_typed(message))}\n")

    def format_usage(self) -> str:
        return super().format_usage().replace("usage:", "usage :", 1)

    def format_help(self) -> str:
        return super().format_help().replace("usage:", "usage :", 1)


def as_typed(message: str) -> str:
    """Name the options of a message as what was typed after make, where make has started the command."""
    if MAKE not in os.environ:
        return message
    return re.sub(
        r"(?<!\S)--([a-z][a-z-]*)(?: (?=[0-9]))?", lambda found: found[1].replace("-", "_").upper() + "=", message
    )


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add --json, -v and -q, the same on every command."""
    parser.add_argument("--json", action="store_true", help="un objet JSON sur la sortie standard")
    noise = parser.add_mutually_exclusive_group()
    noise.add_argument("-v", "--verbose", action="store_true", help="tout dire, avec le détail des erreurs")
    noise.add_argument("-q", "--quiet", action="store_true", help="ne dire que les erreurs")


def add_store(parser: argparse.ArgumentParser, purpose: str) -> None:
    """Add --store."""
    parser.add_argument("--store", choices=STORES, help=f"{purpose} (défaut : CITYFLOW_STORE)")


def day_parser(doc: str) -> Parser:
    """Build the command line of a script that works on one day."""
    parser = Parser(doc)
    add_day(parser, "jour traité (défaut : hier, à Paris)")
    add_store(parser, "où enregistrer")
    parser.add_argument("--wait", action="store_true", help="attendre la fin d'un autre traitement du même jour")
    add_common(parser)
    return parser


def day_settings(arguments: argparse.Namespace) -> tuple[Settings, date]:
    """Read the settings and the day of a day_parser command line."""
    settings = chosen_settings({"CITYFLOW_STORE": arguments.store})
    return settings, arguments.date or yesterday(settings.now())


def chosen_settings(overrides: Mapping[str, str | None]) -> Settings:
    """Read the settings with the options of a command line; warn of a fallback of OUTPUT_DIR, once."""
    settings = load_settings({name: value or "" for name, value in overrides.items()})
    if settings.fallback_notice:
        log.warning("%s", settings.fallback_notice)
    return settings


Prepare = Callable[[Settings, list[date]], AbstractContextManager[None]]


def run_source(
    source: "Source",
    doc: str,
    process: "Process",
    argv: list[str] | None,
    compare: "Compare | None" = None,
    prepare: Prepare | None = None,
) -> int:
    """Carry out the command line of a source; `prepare` is what makes one with --from and --to quick on many days."""
    from lib.run.day_run import run_day  # pandas: the other commands, and doctor above all, start without it

    parser = day_parser(doc)
    parser.add_argument(
        "--force", action="store_true", help="remplacer même des chiffres qui reposent sur plus de données"
    )
    if prepare:
        add_range(parser)
    arguments = parser.parse_args(argv)

    def work() -> int:
        days = range_days(arguments) if prepare else []
        settings, day = day_settings(arguments)
        if prepare and days:
            with get_database_service(settings) as store, prepare(settings, days):
                return _run_days(settings, store, source, process, compare, days, arguments)
        with (
            day_lock(settings.output_dir, day, source.name, settings.lock_fd, arguments.wait),
            get_database_service(settings) as store,
        ):
            stored = run_day(settings, store, source, process, day, compare, arguments.force)
        _tell(settings, source.name, day, stored, arguments.json)
        return ExitCode.DONE

    return guarded(work, arguments)


def _run_days(
    settings: Settings,
    store: DatabaseService,
    source: "Source",
    process: "Process",
    compare: "Compare | None",
    days: list[date],
    arguments: argparse.Namespace,
) -> int:
    """Go on past a day that fails; what failed is said again at the end."""
    from lib.run.day_run import run_day

    failures = []
    for day in days:
        try:
            with day_lock(settings.output_dir, day, source.name, settings.lock_fd, arguments.wait):
                stored = run_day(settings, store, source, process, day, compare, arguments.force)
            if not arguments.json:
                _tell(settings, source.name, day, stored, False)
        except CityflowError as error:
            log.error("%s : %s", day, error)
            failures.append(f"{day} : {error}")
    if arguments.json:
        emit_json({"type": source.name, "jours": len(days), "echecs": failures})
    else:
        done = f"{counted(len(days), 'jour')}, {counted(len(failures), 'échec')}"
        emit(f"{source.name} : {done} -> {settings.output_dir}")
    for failure in failures:
        log.error("%s", failure)
    return ExitCode.FAILED if failures else ExitCode.DONE


def _tell(settings: Settings, source: str, day: date, stored: "Stored", as_json: bool) -> None:
    from lib.run.day_run import rejects_path

    qualite = stored.metrics["qualite"]
    path = LocalFileService(settings.output_dir).metrics_path(source, day)
    if as_json:
        said = {"garde": stored.kept} if stored.kept else {}
        emit_json({"type": source, "date": day.isoformat(), "fichier": str(path), **said, "qualite": qualite})
        return
    state = f"chiffres gardés ({qualite['statut']})" if stored.kept else qualite["statut"]
    kept = counted(qualite["lignes_retenues"], "ligne retenue", "lignes retenues")
    emit(f"{source} {day} : {state}, {kept} -> {path}")
    for warning in qualite["avertissements"]:
        log.log(logging.INFO if warning["severite"] == "information" else logging.WARNING, "%s", warning["message"])
    rejected = sum(qualite["rejets"].values())
    if rejected:
        reasons = rejects_in_words(qualite["rejets"])
        lost = counted(rejected, "ligne rejetée", "lignes rejetées")
        log.warning("%s (%s) : %s", lost, reasons, rejects_path(settings, source, day))


def emit(text: str) -> None:
    """Print a line of result for people: not under -q."""
    if log.isEnabledFor(logging.WARNING):
        print(printable(typable(text)), flush=True)


def emit_row(state: str, head: str, text: str) -> None:
    """Print a row for people, in as many columns as the terminal has (COLUMNS, else 80 where there is none).

    It begins with `state`, coloured on a terminal, unless NO_COLOR is set; the colour is never the only sign.
    """
    if log.isEnabledFor(logging.WARNING):
        row = in_columns(head, printable(typable(text)), shutil.get_terminal_size((80, 24)).columns)
        print(row.replace(state, _coloured(state), 1) if state and _shows_colours() else row, flush=True)


def _shows_colours() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _coloured(state: str) -> str:
    code = next((code for code, states in COLOURS.items() if state in states), 0)
    return f"\x1b[{code}m{state}\x1b[0m"


def emit_json(value: object) -> None:
    """Print one JSON object, also under -q; a terminal without accents gets JSON's own escapes."""
    text = spelled(json.dumps(value, ensure_ascii=False, indent=2))
    if (sys.stdout.encoding or "").lower() != "utf-8":
        text = json.dumps(json.loads(text), indent=2)
    print(text, flush=True)


def guarded(work: Callable[[], int], arguments: argparse.Namespace) -> int:
    """Run `work` with the log set up; turn every failure into a message and its exit code."""
    said = _set_up_log(arguments)
    gc.set_threshold(*COLLECTED_AFTER)
    try:
        code = int(work())
        with contextlib.suppress(CityflowError):  # settings without sense are for doctor to report
            if said.command == os.getpid() and (notice := load_settings().fallback_notice):
                log.warning("rappel : %s", notice)  # by the command alone, not by its steps
        return code
    except CityflowError as error:
        log.error("%s", as_typed(str(error)) if isinstance(error, UsageError) else error)
        return int(error.exit_code)
    except MemoryError:
        log.error("mémoire insuffisante : en libérer, puis relancer. Les fichiers déjà écrits sont entiers.")
        return int(ExitCode.FAILED)
    except KeyboardInterrupt:
        log.error("interrompu ; les fichiers déjà écrits sont entiers.")
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        _forget_output()  # its reader (head, less) has gone: nothing is left to say
        return int(ExitCode.FAILED)
    except Exception as error:  # the one broad except: a fault of ours must still end in one line and exit 1
        if isinstance(error, OSError) and error.errno in REFUSALS:
            where = error.filename or "sortie"
            log.error("%s : %s. Vérifier les droits et la place disponible.", where, in_french(error))
            _forget_output()
        else:
            log.error("erreur inattendue (%s : %s). Relancer avec -v pour le détail.", type(error).__name__, error)
        log.debug("trace", exc_info=True)
        return int(ExitCode.FAILED)


def _forget_output() -> None:
    """Drop what the standard output could not take, or Python would try again at its exit and change the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Message(logging.Formatter):
    """A message is one line of the log, whatever raw text it quotes, and can be typed; a trace below it has its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return typable(on_one_line(super().formatMessage(record)))


def _set_up_log(arguments: argparse.Namespace) -> SaidOnce:
    """Send the log to stderr, as loud as the command line asks; return what keeps its warnings from coming twice."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr: an ASCII terminal is no reason to fail
    for level, word in _LEVELS.items():
        logging.addLevelName(getattr(logging, level), word)
    threshold = logging.DEBUG if arguments.verbose else logging.ERROR if arguments.quiet else logging.INFO
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Message("%(asctime)s %(levelname)s : %(message)s", "%H:%M:%S"))
    said = said_by_the_command()
    handler.addFilter(said)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("cityflow", "lib", "scripts", "__main__"):
        logging.getLogger(name).setLevel(threshold)
    return said
