"""Publish OUTPUT_DIR to AWS: metrics and reports to DynamoDB, reports (and what is too large for an item) to S3.

Each file is compared with what AWS has and only what differs is sent. Nothing local is ever changed or deleted.

    python upload_to_aws.py --dry-run
"""

import argparse
import contextlib
import hashlib
import logging
import sys
import time
from datetime import date
from functools import cache
from itertools import groupby

from lib.aws.clients import AwsClients, aws_clients, place
from lib.aws.names import reports_bucket
from lib.common.errors import ConfigError, ExitCode, NoDataError, StoreError, UsageError
from lib.common.paris_time import parse_day
from lib.common.settings import ROOT, Settings
from lib.common.text import counted
from lib.publish.local_documents import PAGES, TABLES, DocumentFile, document_files, page_files, stray_files
from lib.publish.outcome import PROBLEMS, DocumentOutcome, Run
from lib.publish.run import Work, run_all
from lib.publish.seen import believed, credible, keep, read_note
from lib.raw.source_files import shown_days
from lib.run import cli, day_range
from lib.run.day_plan import in_words
from lib.run.demo_results import refuse_to_publish
from lib.run.dependencies import code_files
from lib.run.manifest import PUBLICATION, recorded

log = logging.getLogger("cityflow.upload")

HELP = """Publie les fichiers de OUTPUT_DIR vers DynamoDB et S3 ; sans date, tous. Ne modifie rien en local.

Signes : + nouveau, * modifié, = identique, ! invalide ou en échec, ? état distant inconnu.

Exemple : python upload_to_aws.py --date 2025-11-04 --dry-run"""

KINDS = ("metrics", "reports", TABLES)  # what lies below OUTPUT_DIR; tables where make tables was asked for them
MAX_JOBS = 64
DETAILED = 12  # documents, a day and a little more: a longer plan or check is shown by kind of document
LOOKING = ("dry_run", "check", "repair")
JOBS = 8  # requests under way at once; they wait for the network far more than they compute


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)

    def work() -> int:
        begun = time.monotonic()
        settings = cli.chosen_settings({"S3_REPORTS_BUCKET": arguments.bucket, "AWS_PROFILE": arguments.profile})
        sources = chosen(settings, arguments)
        refuse_to_publish(settings)  # a dry run refuses what the upload would refuse
        reports_bucket(settings)
        work = treatment(settings, sources, arguments)
        documents = [source for source in sources if source.kind != TABLES]
        in_full = arguments.verbose or len(documents) <= DETAILED
        run = run_all(sources, work, arguments.jobs, lambda outcome: tell(outcome, work.mode, in_full, arguments))
        if work.mode == "upload":
            keep_account(settings, run, documents)
        elif not in_full and not arguments.json:
            cli.emit("\n".join(by_name(run)))
        if work.mode != "dry_run":
            keep(settings, form(), run.outcomes)
        return conclude(run, work.mode, len(sources), time.monotonic() - begun, arguments)

    return cli.guarded(work, arguments)


def chosen(settings: Settings, arguments: argparse.Namespace) -> list[DocumentFile]:
    """List the documents that the command line asks for; NoDataError, naming the days there are, when there is none."""
    first, last = day_range.bounds(arguments)
    if (arguments.check or arguments.repair) and arguments.force:
        raise UsageError("--force ne va pas avec --check ni --repair.")
    kinds = list(KINDS) if arguments.type == "all" else [arguments.type]
    for path in stray_files(settings.output_dir, kinds):
        log.warning("%s : ce nom n'est pas celui d'un résultat, fichier ignoré", path)
    found = document_files(settings.output_dir, kinds, first, last)
    if not found:
        days = sorted({one.day_text for one in document_files(settings.output_dir, kinds, None, None)})
        make = f"Les produire d'abord : make {'tables' if kinds == [TABLES] else 'process'}"
        known = f"Jours présents : {shown_days(days)}." if days else make
        raise NoDataError(f"aucun fichier à publier dans {settings.output_dir} pour cette demande.", known)
    return found + page_files(settings.output_dir, [one for one in found if one.kind == "reports"])


def treatment(settings: Settings, sources: list[DocumentFile], arguments: argparse.Namespace) -> Work:
    """Upload, look only, verify or repair. Only a dry run goes without credentials, and says what it does not know."""
    clients: AwsClients | None = None
    try:
        clients = aws_clients(settings, arguments.jobs, attempts=1)
    except ConfigError as error:
        if not arguments.dry_run:
            raise
        log.warning("état distant inconnu : %s", error)
    log.info("%s -> %s, bucket %s", settings.output_dir, place(settings), settings.s3_reports_bucket)
    mode = next((mode for mode in LOOKING if getattr(arguments, mode)), "upload")
    newest = max((one.label for one in sources if one.kind == "reports"), default="")
    work = Work(settings, clients, mode, arguments.force, newest)
    if clients and mode in ("upload", "dry_run") and not arguments.force:
        found = credible(read_note(settings, form()), sources, settings.now())
        work.believed = believed(found, clients, settings)
    return work


@cache
def form() -> str:
    """Name the form of what is published by the code that makes it: after an update all is compared again."""
    code = sorted(code_files(ROOT / "upload_to_aws.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in code)).hexdigest()[:16]


def tell(outcome: DocumentOutcome, mode: str, in_full: bool, arguments: argparse.Namespace) -> None:
    """Print the lines of one document: of a long plan or check only its problems, which by_name completes.

    Those of an upload that had nothing to do are only counted.
    """
    shown = in_full if mode in LOOKING else arguments.verbose
    if not arguments.json and (shown or outcome.status not in ("same", "planned")):
        for line in outcome.lines():
            cli.emit(line)


def by_name(run: Run) -> list[str]:
    """Write one line for each sign and kind of document, with its days; then how to see each document."""
    days: dict[tuple[str, str], set[date]] = {}
    for outcome in run.outcomes:
        if outcome.status in ("same", "planned"):
            kind = outcome.source.kind
            name = {"metrics": outcome.source.key, "reports": "rapport", TABLES: TABLES}.get(kind, "page")
            days.setdefault((outcome.sign, name), set()).add(parse_day(outcome.source.day_text))
    rows = sorted((" ".join(one), sorted(some)) for one, some in days.items())
    lines = [f"{name:<14} {counted(len(some), 'jour')} : {in_words(some)}" for name, some in rows]
    return [*lines, "Chaque document : upload_to_aws.py avec -v, ou DATE= pour un jour."]


def keep_account(settings: Settings, run: Run, sources: list[DocumentFile]) -> None:
    """One step `publication` in the manifest of each day: done only when all that was asked of the day is published."""
    published = {outcome.source for outcome in run.outcomes if outcome.status in ("written", "same")}
    spared = {outcome.source for outcome in run.outcomes if outcome.believed}  # recorded when they were seen
    documents = [source for source in sources if source.kind != PAGES]
    for day_text, of_day in groupby(documents, key=lambda source: source.day_text):
        asked = list(of_day)
        if spared.issuperset(asked):
            continue
        missing = [source.label for source in asked if source not in published]
        with (
            # ValueError of a name that is no day; StoreError is raised to be recorded: both were said of each document.
            contextlib.suppress(ValueError, StoreError),
            recorded(settings, parse_day(day_text), PUBLICATION, lambda: []),
        ):
            if missing:
                raise StoreError(f"non publiés : {', '.join(missing)}.")


def conclude(run: Run, mode: str, asked: int, seconds: float, arguments: argparse.Namespace) -> int:
    """Say what was done, repeat what was not, and give the exit code."""
    for outcome in run.outcomes:
        if outcome.status in PROBLEMS:
            log.error("%s : %s", outcome.source.label, outcome.reason or "voir ci-dessus")
    days = sorted({outcome.source.day_text for outcome in run.outcomes if outcome.status in PROBLEMS})
    if mode == "check" and days:
        log.error("jours à reprendre : %s. Ce qui manque ou est abîmé : make check-upload REPAIR=1", ", ".join(days))
    if run.fatal:
        log.error("arrêt : %s", run.fatal)
    if run.interrupted:
        log.error("interrompu (Ctrl-C) ; ce qui est publié est entier, relancer la même commande fait le reste.")
    if arguments.json:
        cli.emit_json(run.as_json(mode, asked, seconds))
    else:
        cli.emit(run.total_line(mode, asked, seconds))
    if run.fatal:
        return run.fatal.exit_code
    if run.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.FAILED if run.count(*PROBLEMS) else ExitCode.DONE


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(HELP)
    day_range.add_day(parser, "ce jour seulement")
    day_range.add_range(parser)
    parser.add_argument("--type", choices=(*KINDS, "all"), default="all", help="quoi (défaut : all)")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("-n", "--dry-run", action="store_true", help="comparer et dire ce qui serait envoyé, sans écrire")
    mode.add_argument("--check", action="store_true", help="vérifier ce qui est publié, sans écrire")
    mode.add_argument(
        "--repair", action="store_true", help="vérifier, et republier ce qui manque ou est abîmé, rien d'autre"
    )
    parser.add_argument("--force", action="store_true", help="tout renvoyer, même identique ou plus récent dans AWS")
    parser.add_argument(
        "-j",
        "--jobs",
        type=cli.whole_number(f"un nombre de 1 à {MAX_JOBS}", 1, MAX_JOBS),
        default=JOBS,
        metavar="N",
        help=f"envois à la fois (défaut : {JOBS})",
    )
    parser.add_argument("--bucket", metavar="NOM", help="bucket des rapports (défaut : S3_REPORTS_BUCKET)")
    parser.add_argument("--profile", metavar="NOM", help="profil de ~/.aws/config (défaut : AWS_PROFILE)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
