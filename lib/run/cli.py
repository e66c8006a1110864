"""What every command shares: French argparse, log on stderr, results on stdout, one broad except, exit codes."""

import argparse
import contextlib
import gc
import hashlib
import io
import json
import logging
import math
import mmap
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, NoReturn

from lib.common.errors import REFUSALS, CityflowError, ExitCode, UsageError, in_french
from lib.common.paris_time import yesterday
from lib.common.settings import MAKE, STORES, Settings, load_settings
from lib.common.shown_settings import typable
from lib.common.text import in_columns, on_one_line, printable, spelled
from lib.run.day_range import add_day

if TYPE_CHECKING:
    pass

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
    (r"^argument ([^:]+): ", r"\1 : "),
    (r"^unrecognized arguments: ", "arguments inconnus : "),
    (r"^the following arguments are required: ", "arguments obligatoires : "),
)


class Parser(argparse.ArgumentParser):
    """argparse in French, with --store where a command says what for, and -v and -q; with --json where it has any."""

    def __init__(self, doc: str, store: str = "", json: bool = True) -> None:
        super().__init__(
            description=doc.strip(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=False,
            allow_abbrev=False,  # --st would become another option on the day one more begins with it
        )
        self._optionals.title = "options"
        add = self.add_argument
        add("-h", "--help", action="help", help="afficher cette aide")
        if store:
            add("--store", choices=STORES, help=f"{store} (défaut : CITYFLOW_STORE)")
        if json:
            add("--json", action="store_true", help="un objet JSON sur la sortie standard")
        noise = self.add_mutually_exclusive_group()
        noise.add_argument("-v", "--verbose", action="store_true", help="tout dire, avec le détail des erreurs")
        noise.add_argument("-q", "--quiet", action="store_true", help="ne dire que les erreurs")

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


def day_parser(doc: str) -> Parser:
    """Build the command line of a script that works on one day."""
    parser = Parser(doc, store="où enregistrer")
    add_day(parser, "jour traité (défaut : hier, à Paris)")
    parser.add_argument("--wait", action="store_true", help="attendre la fin d'un autre traitement du même jour")
    return parser


def whole_number(what: str, least: int, most: float = math.inf) -> Callable[[str], int]:
    """Make an argparse type of the numbers within bounds; `what` says in words what they are."""

    def read(text: str) -> int:
        if text.isascii() and text.isdigit() and least <= int(text) <= most:
            return int(text)
        raise argparse.ArgumentTypeError(f"« {text} » n'est pas {what}")

    return read


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
        if said.command == os.getpid():  # the command, not each of its steps
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


class SaidOnce(logging.Filter):
    """Let each warning through once, whichever process of the command meets it: forks share the memory of `said`.

    It holds digests one after the other; a warning for which there is no room left is said each time.
    """

    SIZE, ROOM = 16, 16 * 4096  # bytes

    def __init__(self) -> None:
        super().__init__()
        self.command, self.said = os.getpid(), mmap.mmap(-1, self.ROOM)

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno != logging.WARNING:
            return True
        digest = hashlib.blake2b(record.getMessage().encode(errors="replace"), digest_size=self.SIZE).digest()
        for place in range(0, self.ROOM, self.SIZE):
            known = self.said[place : place + self.SIZE]
            if known == digest:
                return False
            if not any(known):
                self.said[place : place + self.SIZE] = digest
                break
        return True


def said_by_the_command() -> SaidOnce:
    """Return the filter of the command that this process is a step of, forked off it; else a new one."""
    there = [one for handler in logging.getLogger().handlers for one in handler.filters if isinstance(one, SaidOnce)]
    return there[0] if there and there[0].command != os.getpid() else SaidOnce()


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
