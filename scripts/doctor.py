"""What would stop a run, or make it poorer, on this machine: one line each, with the way out.

It needs none of the project's packages, changes nothing, and asks AWS only with --aws.

    python scripts/doctor.py --aws
"""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

try:
    ZoneInfo("Europe/Paris")
except ZoneInfoNotFoundError:  # every module that knows the time fails then, those below first
    sys.stderr.write("erreur : le fuseau Europe/Paris est introuvable (paquet tzdata). Lancer : make venv\n")
    sys.exit(1)

from lib import __version__
from lib.common.errors import CityflowError, ConfigError, ExitCode
from lib.common.paris_time import civil_day
from lib.common.settings import Settings, load_settings
from lib.common.shown_settings import shown_settings
from lib.common.text import counted
from lib.database_factory import get_database_service
from lib.run import cli
from scripts.checks.machine import (
    check_clock,
    check_folders,
    check_locks,
    check_packages,
    check_python,
    check_settings,
    check_shared_memory,
)
from scripts.checks.raw_data import check_raw_files, newest_file
from scripts.checks.results import ATTENTION, ERROR, OK, CheckResult
from scripts.registry import SOURCES

HELP = """Dit ce qui empêcherait un traitement sur cette machine, ou l'appauvrirait. Ne change rien.

Résultats : ok, attention (moins de chiffres), erreur (un traitement échouerait ; code de sortie 1).

Exemple : python scripts/doctor.py --aws"""


def examine(settings: Settings, with_aws: bool) -> Iterator[CheckResult]:
    """Make every check that needs the settings, the cheap ones first."""
    now = settings.now()
    yield check_clock(newest_file(settings), now)
    yield from check_settings(settings)
    yield from check_folders(settings)
    yield check_locks(settings)
    yield check_shared_memory()
    yield from check_raw_files(settings, civil_day(now))
    yield check_store(settings)
    if with_aws:
        yield from check_aws(settings)


def check_store(settings: Settings) -> CheckResult:
    """Open the store and ask which days it holds."""
    what = f"base {settings.store}"
    try:
        with get_database_service(settings) as store:
            days = {day for source in SOURCES for day in store.list_available_dates(source)}
    except CityflowError as error:
        return CheckResult(what, ERROR, error.message, error.hint)
    said = f"{counted(len(days), 'jour')}, le dernier {max(days)}" if days else "répond, encore vide"
    return CheckResult(what, OK, said)


def check_aws(settings: Settings) -> Iterator[CheckResult]:
    """Check who we are, both tables with keys and TTL, the bucket of reports and the bucket of raw files."""
    try:
        from lib.aws.clients import aws_clients, caller
        from lib.publish.infrastructure.wanted import setup_steps

        clients = aws_clients(settings)
        yield CheckResult("AWS", OK, caller(settings))
    except ModuleNotFoundError as error:
        yield CheckResult("AWS", ERROR, f"le paquet {error.name} n'est pas installé", "Lancer : make venv")
        return
    except CityflowError as error:
        yield CheckResult("AWS", ERROR, error.message, error.hint)
        return
    try:
        for step in setup_steps(clients, settings):
            stops = step.sign == "!" or step.operation.startswith("create_")
            result = OK if step.sign == "=" else ERROR if stops else ATTENTION
            text = step.text if step.sign != "+" else f"manque : {step.text}"
            yield CheckResult(step.target, result, text, "" if result == OK else "make setup-aws")
    except CityflowError as error:
        yield CheckResult("publication", ERROR, error.message, error.hint)
    yield _raw_bucket(settings, clients.s3)


def _raw_bucket(settings: Settings, s3: object) -> CheckResult:
    from lib.raw.bucket_listing import pull_days

    what = f"bucket {settings.s3_raw_bucket}"
    try:
        days = sorted(pull_days(s3, settings, "bikes"))
    except CityflowError as error:
        return CheckResult(what, ATTENTION, error.message, f"{error.hint} Il ne sert qu'à make fetch ORIGIN=s3.")
    return CheckResult(
        what, OK, f"{counted(len(days), 'jour')} de relevés vélo, le dernier {days[-1]}" if days else "sans relevé vélo"
    )


def main(argv: list[str] | None = None) -> int:
    parser = cli.Parser(HELP)
    parser.add_argument("--aws", action="store_true", help="regarder aussi AWS : identité, tables, buckets")
    arguments = parser.parse_args(argv)

    def work() -> int:
        findings, settings = [], []
        if not arguments.json:
            cli.emit(f"CityFlow Paris {__version__}")
        for one in _all_findings(arguments.aws):
            findings.append(one)
            if not arguments.json and not (arguments.quiet and one.result != ERROR):
                way_out = f" -> {one.way_out}" if one.way_out else ""
                cli.emit_row(one.result, f"{one.result:<10} {one.what:<16} ", f"{one.detail}{way_out}")
        errors = sum(one.result == ERROR for one in findings)
        with contextlib.suppress(ConfigError):  # already said
            settings = shown_settings(load_settings())
        if arguments.json:
            constats = [asdict(one) for one in findings]
            cli.emit_json({"version": __version__, "erreurs": errors, "constats": constats, "reglages": settings})
            return ExitCode.FAILED if errors else ExitCode.DONE
        for setting in settings:
            if arguments.verbose or setting["origine"] != "défaut":
                cli.emit(f"  {setting['nom']}={setting['valeur']} ({setting['origine']})")
        cli.emit(f"erreurs : {errors}, points d'attention : {sum(one.result == ATTENTION for one in findings)}")
        return ExitCode.FAILED if errors else ExitCode.DONE

    return cli.guarded(work, arguments)


def _all_findings(with_aws: bool) -> Iterator[CheckResult]:
    yield check_python()
    yield check_packages()
    try:
        settings = load_settings()
    except ConfigError as error:
        yield CheckResult("réglages", ERROR, error.message, f"{error.hint} Le reste n'est pas regardé.".strip())
        return
    yield from examine(settings, with_aws)


if __name__ == "__main__":
    sys.exit(main())
