"""Connections to AWS: DynamoDB and S3, with bounded waits, and credentials that are found or reported as missing.

Retries are botocore's "standard" mode (throttling, 5xx, cut connections; exponential wait with jitter), set here so
that no environment variable changes them; publishing has its own. What is no answer of AWS is refused.
AWS_ENDPOINT_URL sends everything to another server (tests, LocalStack).
"""

import base64
import json
import logging
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from lib.aws.errors import CutError, NotAwsError, aws_errors, no_credentials, translated, without_secrets
from lib.common.errors import ConfigError

CONNECT_TIMEOUT = 5  # s
READ_TIMEOUT = 30  # s; the longest reply awaited, that of one S3 object of a few MB
ATTEMPTS = 10  # the first one included
SIGN_IN = 511  # status of a network that asks to sign in
METADATA_TIMEOUT = 1  # s; the EC2 metadata service, two requests: a machine without a role gets its error in 2 s


class Place(Protocol):
    """Where AWS is to be reached, and where each of that was set: Settings, or a part of them."""

    @property
    def aws_region(self) -> str: ...

    @property
    def aws_endpoint_url(self) -> str: ...

    @property
    def aws_profile(self) -> str: ...

    @property
    def origins(self) -> Mapping[str, str]: ...


class AwsClients(NamedTuple):
    """boto3 clients; safe to share between threads."""

    dynamodb: Any
    s3: Any


def aws_clients(settings: Place, jobs: int = 1, attempts: int = ATTEMPTS) -> AwsClients:
    """Open both clients with a pool of `jobs` connections each. No request is sent but those that find credentials.

    `attempts` is 1 for a caller that sends failed requests again itself.
    Raises ConfigError when there are no usable credentials or no usable region.
    """
    if not settings.aws_region:
        raise ConfigError(
            "aucune région AWS (AWS_REGION : ni option, ni environnement, ni .env).",
            "Écrire par exemple AWS_REGION=eu-west-3 dans .env.",
        )
    with aws_errors(place(settings)):
        session = _session(settings)
        return AwsClients(*(_client(session, settings, service, jobs, attempts) for service in ("dynamodb", "s3")))


def caller(settings: Place) -> str:
    """Ask AWS who we are: the ARN of the user or role, which holds no secret."""
    with aws_errors(place(settings)):
        return str(_client(_session(settings), settings, "sts", 1, 2).get_caller_identity()["Arn"])


def _session(settings: Place) -> boto3.Session:
    core = botocore.session.Session(profile=settings.aws_profile or None)
    core.set_config_variable("metadata_service_timeout", METADATA_TIMEOUT)
    core.set_config_variable("metadata_service_num_attempts", 1)
    session = boto3.Session(region_name=settings.aws_region, botocore_session=core)
    logging.getLogger("botocore.credentials").setLevel(logging.CRITICAL)  # it logs the traceback of what we say
    credentials = session.get_credentials()
    if credentials is None:
        raise no_credentials()
    try:
        frozen = credentials.get_frozen_credentials()  # a refresh that fails is better known now than in mid-run
    except BotoCoreError as error:
        raise translated(error, "identifiants AWS") from error
    # One that no HTTP header can hold would be quoted in the failure of each request.
    if not all((word or "").isascii() and (word or "").isprintable() for word in frozen):
        raise ConfigError(
            "les identifiants AWS contiennent un retour à la ligne ou un caractère interdit.",
            "Les recopier ; les fins de ligne d'un fichier Windows s'enlèvent par : sed -i 's/\\r$//' FICHIER",
        )
    return session


def _client(session: boto3.Session, settings: Place, service: str, jobs: int, attempts: int) -> Any:
    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=max(jobs, 10),
        parameter_validation=False,  # requests are built here, and walking an item of 400 KB is slow; AWS checks it too
        # A server of one's own seldom answers to bucket.host names.
        s3={"addressing_style": "path"} if settings.aws_endpoint_url else None,
    )
    try:
        client = session.client(service, endpoint_url=settings.aws_endpoint_url or None, config=config)
    except BotoCoreError:
        raise
    except ValueError:  # botocore quotes the address, which may hold a password
        origin = settings.origins.get("AWS_ENDPOINT_URL", "défaut")
        raise ConfigError(
            f"AWS_ENDPOINT_URL ({origin}) n'est pas une adresse utilisable.",
            "L'écrire en entier, par exemple http://localhost:4566, ou l'enlever pour AWS.",
        ) from None
    client.meta.events.register("after-call", _refuse_others)
    client.meta.events.register("provide-client-params.dynamodb.PutItem", _written_here)
    client.meta.events.register("before-call.dynamodb.PutItem", _send_as_written)
    return client


def _written_here(params: dict[str, Any], context: dict[str, Any], **_: object) -> dict[str, Any]:
    """Write the JSON of a PutItem at once: botocore walks through each value of an item, several times slower."""
    context["written"] = json.dumps(params, ensure_ascii=False, separators=(",", ":"), default=_base64).encode()
    return {name: value for name, value in params.items() if name != "Item"}


def _send_as_written(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    params["body"] = context["written"]


def _base64(binary: bytes) -> str:
    return base64.b64encode(binary).decode()


def _refuse_others(http_response: Any, parsed: dict[str, Any], **_: object) -> None:
    """Raise NotAwsError for a reply without AWS's request id (a portal, a filter), CutError for half a reply.

    A gateway that fails (5xx) is no other's answer: it may pass.
    """
    if http_response.status_code >= 500 and http_response.status_code != SIGN_IN:
        return
    if "RequestId" not in parsed.get("ResponseMetadata", {}):
        raise NotAwsError(status=http_response.status_code)
    if http_response.status_code >= 300:
        return
    sent = http_response.headers.get("x-amz-crc32")  # DynamoDB's; botocore takes half a JSON for an empty reply
    if sent and zlib.crc32(http_response.content) != int(sent):
        raise CutError


def place(settings: Place) -> str:
    """Describe where the requests go, and which setting says so."""
    origin = settings.origins.get("AWS_REGION", "défaut")
    url = f", serveur {without_secrets(settings.aws_endpoint_url)}" if settings.aws_endpoint_url else ""
    return f"région {settings.aws_region} (AWS_REGION, {origin}){url}"
