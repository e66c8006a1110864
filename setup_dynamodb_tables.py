"""Tables, TTL, restore points and bucket that publishing needs: what is wanted, what there is, and the difference.

Nothing is ever deleted, IAM is never touched, and running it again changes nothing.

    python setup_dynamodb_tables.py --dry-run
"""

import argparse
import logging
import sys

from lib.aws.clients import AwsClients, aws_clients, place
from lib.common.errors import ConfigError, ExitCode
from lib.common.settings import Settings
from lib.common.text import counted
from lib.publish.infrastructure.policy import read_policy, setup_policy, upload_policy
from lib.publish.infrastructure.steps import SetupStep, carry_out
from lib.publish.infrastructure.wanted import setup_steps
from lib.run import cli

log = logging.getLogger("cityflow.setup_aws")

HELP = """Crée ce qu'il faut dans AWS pour publier : deux tables DynamoDB et un bucket S3. Relancer ne change rien.

Signes : = déjà en place, + à faire, ! impossible.

Exemple : python setup_dynamodb_tables.py --dry-run"""


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)

    def work() -> int:
        settings = cli.chosen_settings({"S3_REPORTS_BUCKET": arguments.bucket, "AWS_PROFILE": arguments.profile})
        if arguments.show_policy:
            return show_policies(settings)
        clients = aws_clients(settings)
        steps = setup_steps(clients, settings)
        if not arguments.json:
            cli.emit("\n".join([place(settings), *(f"{step.sign} {step.target} : {step.text}" for step in steps)]))
        conflicts = [f"{step.target} : {step.text}" for step in steps if step.sign == "!"]
        if conflicts:
            raise ConfigError(
                f"{' ; '.join(conflicts)}. Rien n'a été modifié.",
                "Donner d'autres noms (DYNAMODB_METRICS_TABLE, DYNAMODB_REPORTS_TABLE, S3_REPORTS_BUCKET, AWS_REGION).",
            )
        return run(clients, steps, arguments)

    return cli.guarded(work, arguments)


def show_policies(settings: Settings) -> int:
    """Print the least rights, for the upload, for this command and for readers, apart."""
    policies = {"publication": upload_policy, "creation": setup_policy, "lecture": read_policy}
    cli.emit_json({name: policy(settings) for name, policy in policies.items()})
    return ExitCode.DONE


def run(clients: AwsClients, steps: list[SetupStep], arguments: argparse.Namespace) -> int:
    """Carry out what is to do, unless the command only looks; with --check, something to do is a failure."""
    missing = [step for step in steps if step.sign == "+"]
    looking = arguments.dry_run or arguments.check
    if not looking:
        for step in missing:
            log.info("%s : %s…", step.target, step.text)
            carry_out(clients, step)
    done = 0 if looking else len(missing)
    if arguments.json:
        cli.emit_json(
            {
                "etapes": [{"signe": step.sign, "cible": step.target, "etat": step.text} for step in steps],
                "en_place": len(steps) - len(missing),
                "a_faire": len(missing),
                "faites": done,
            }
        )
    else:
        to_do = f"{len(missing)} à faire" if looking else f"{counted(done, 'faite')}"
        cli.emit(f"{len(steps) - len(missing)} déjà en place, {to_do}{' (rien modifié)' if looking else ''}")
    return ExitCode.FAILED if arguments.check and missing else ExitCode.DONE


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(HELP)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("-n", "--dry-run", action="store_true", help="comparer et dire, sans rien créer")
    mode.add_argument("--check", action="store_true", help="échouer (code 1) si quelque chose manque, sans rien créer")
    mode.add_argument(
        "--show-policy", action="store_true", help="les droits IAM nécessaires, en JSON, sans appeler AWS"
    )
    parser.add_argument("--profile", metavar="NOM", help="profil de ~/.aws/config (défaut : AWS_PROFILE)")
    parser.add_argument("--bucket", metavar="NOM", help="bucket des rapports (défaut : S3_REPORTS_BUCKET)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
