"""What AWS answers when it refuses, in words a person can act on.

Three families: ConfigError (credentials, rights, a missing table or bucket: trying again changes nothing, the whole run
stops), UnreachableError (nobody answers, after every retry: the run stops too), StoreError (this request alone).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from lib.common.errors import CityflowError, ConfigError, StoreError

EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
UNKNOWN_KEYS = {
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
SKEWED = {"RequestTimeTooSkewed"}
DENIED = {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "403", "Forbidden"}
MISSING = {"ResourceNotFoundException", "NoSuchBucket"}

PLACES = (
    "AWS_ACCESS_KEY_ID et AWS_SECRET_ACCESS_KEY dans l'environnement, AWS_PROFILE, ~/.aws/credentials, ~/.aws/config, "
    "le rôle de l'instance EC2"
)
GET_CREDENTIALS = "Sur EC2, attacher le rôle IAM à l'instance ; ailleurs, lancer : aws configure"


class UnreachableError(StoreError):
    """AWS did not answer at all: no other request would fare better."""


@contextmanager
def aws_errors(target: str) -> Iterator[None]:
    """Turn every botocore failure of the block into a CityflowError about `target` (a table, an object, a region)."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise translated(error, target) from error


def error_code(error: ClientError) -> str:
    """Return AWS's own code of the refusal, such as ConditionalCheckFailedException."""
    return str(error.response.get("Error", {}).get("Code", ""))


def translated(error: ClientError | BotoCoreError, target: str) -> CityflowError:
    """Make the CityflowError that says what happened to `target`, and the way out."""
    return _refused(error, target) if isinstance(error, ClientError) else _not_asked(error, target)


def no_credentials(detail: str = "") -> ConfigError:
    """Make the error of a run without usable credentials."""
    why = f" ({without_secrets(detail)})" if detail else ""
    return ConfigError(f"aucun identifiant AWS utilisable{why} ; cherché dans : {PLACES}.", GET_CREDENTIALS)


def _refused(error: ClientError, target: str) -> CityflowError:
    code, detail = error_code(error), without_secrets(str(error.response.get("Error", {}).get("Message", "")))
    what = f"{target} : {error.operation_name} refusé ({code}{f', {detail}' if detail else ''})."
    if code in EXPIRED:
        return ConfigError(f"les identifiants AWS ont expiré. {what}", "Les renouveler, puis relancer.")
    if code in SKEWED:
        return ConfigError(f"l'horloge de cette machine est fausse. {what}", "La régler (chrony, NTP), puis relancer.")
    if code in UNKNOWN_KEYS:
        return ConfigError(f"AWS ne reconnaît pas les identifiants. {what}", GET_CREDENTIALS)
    if code in DENIED:
        return ConfigError(
            f"droit manquant. {what}", "Droits nécessaires : python setup_dynamodb_tables.py --show-policy"
        )
    if code in MISSING:
        return ConfigError(f"{target} n'existe pas.", "Créer les tables et le bucket : make setup-aws")
    return StoreError(what, "Relancer la même commande : elle ne reprend que ce qui manque.")


def _not_asked(error: BotoCoreError, target: str) -> CityflowError:
    detail = without_secrets(str(error))
    if isinstance(error, NoCredentialsError):
        return no_credentials()
    if isinstance(
        error, PartialCredentialsError | ProfileNotFound | CredentialRetrievalError | TokenRetrievalError | SSOError
    ):
        return no_credentials(detail)
    if isinstance(error, NoRegionError | InvalidRegionError):
        return ConfigError(f"{target} : région AWS inutilisable ({detail}).", "Corriger AWS_REGION, p. ex. eu-west-3.")
    if isinstance(error, ConnectionError | HTTPClientError):
        return UnreachableError(
            f"{target} : AWS ne répond pas ({detail}).", "Vérifier le réseau, AWS_REGION et AWS_ENDPOINT_URL."
        )
    return StoreError(f"{target} : {detail}.", "Vérifier la commande et les réglages AWS.")


def without_secrets(detail: str) -> str:
    """Remove from AWS's text the user and password of an URL, key ids, signatures and tokens."""
    detail = re.sub(r"//[^/@\s]*@", "//***@", " ".join(detail.split())).rstrip(".")
    detail = re.sub(r"\b(A[KS]IA|ABIA|ACCA)[A-Z0-9]{12,}\b", "***", detail)
    return re.sub(r"(?i)((?:token|signature|credential|secret)[\w-]*\s*[=:]\s*)\S+", r"\1***", detail)
