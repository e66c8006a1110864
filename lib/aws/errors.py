"""What AWS answers when it refuses, in words a person can act on.

Four families: ConfigError (credentials, rights, region, key, a missing table or bucket: trying again changes nothing,
the whole run stops), UnreachableError (nobody answers, or not AWS), PassingError (AWS is busy, or a reply was cut: it
may succeed later), StoreError (this request alone, for good).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    InvalidRegionError,
    MetadataRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ResponseStreamingError,
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
CHANGED = {"ConditionalCheckFailedException", "PreconditionFailed", "ConditionalRequestConflict", "412"}
ELSEWHERE = {"301", "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
BUSY = {  # of DynamoDB, S3 and STS, beside their statuses
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "RequestTimeoutException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
}
BUSY_STATUSES = (429, 500, 502, 503, 504)

PLACES = (
    "AWS_ACCESS_KEY_ID et AWS_SECRET_ACCESS_KEY dans l'environnement, AWS_PROFILE, ~/.aws/credentials, ~/.aws/config, "
    "le rôle de l'instance EC2"
)
_WRONG_TIME = re.compile(r"Signature (expired|not yet current)")
GET_CREDENTIALS = "Sur EC2, attacher le rôle IAM à l'instance ; ailleurs, lancer : aws configure"


class PassingError(StoreError):
    """AWS is busy, or a reply was cut: the same request may succeed later."""


class UnreachableError(PassingError):
    """AWS did not answer at all: no other request would fare better now."""


class CutError(BotoCoreError):  # type: ignore[misc]
    """The body of a reply is not what its checksum says."""

    fmt = "somme de contrôle différente"


# A body that was cut or changed on its way: the server is there, and this reply alone is to be read again.
CUT = (CutError, FlexibleChecksumError, IncompleteReadError, ResponseStreamingError)


class NotAwsError(BotoCoreError):  # type: ignore[misc]
    """Somebody else answered, such as a captive portal: nothing was stored or read."""

    fmt = "la réponse {status} n'est pas d'AWS (portail captif, proxy ou filtre ?)"


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


def is_of_key(error: ClientError) -> bool:
    """Tell whether it is the KMS key that refuses: by its own codes, or by a right on it that is missing."""
    code, detail = error_code(error), str(error.response.get("Error", {}).get("Message", ""))
    return code.startswith("KMS") or (code in DENIED and "kms:" in detail)


def is_passing(error: ClientError | BotoCoreError) -> bool:
    """Tell whether the same request may succeed a little later."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return error_code(error) in BUSY or status in BUSY_STATUSES
    return isinstance(error, (ConnectionError, HTTPClientError, *CUT))


def may_arrive(error: ClientError | BotoCoreError) -> bool:
    """Tell whether a request that failed may be carried out yet: nobody said that it is not."""
    return is_passing(error) and not (isinstance(error, ClientError) and error_code(error) in BUSY)


def translated(error: ClientError | BotoCoreError, target: str, attempts: int = 0) -> CityflowError:
    """Make the CityflowError that says what happened to `target`, after how many attempts, and the way out."""
    tried = f", {attempts} essais" if attempts > 1 else ""
    if isinstance(error, ClientError):
        return _refused(error, target, tried)
    return _not_asked(error, target, tried)


def no_credentials(detail: str = "") -> ConfigError:
    """Make the error of a run without usable credentials."""
    why = f" ({without_secrets(detail)})" if detail else ""
    return ConfigError(f"aucun identifiant AWS utilisable{why} ; cherché dans : {PLACES}.", GET_CREDENTIALS)


def _refused(error: ClientError, target: str, tried: str) -> CityflowError:
    code, detail = error_code(error), without_secrets(str(error.response.get("Error", {}).get("Message", "")))
    what = f"{target} : {error.operation_name} refusé ({code}{f', {detail}' if detail else ''}{tried})."
    if code in EXPIRED:
        return ConfigError(f"les identifiants AWS ont expiré. {what}", "Les renouveler, puis relancer.")
    if code in SKEWED or _WRONG_TIME.match(detail):  # DynamoDB's words for it, under the code of a wrong key
        return ConfigError(f"l'horloge de cette machine est fausse. {what}", "La régler (chrony, NTP), puis relancer.")
    if code in UNKNOWN_KEYS:
        return ConfigError(f"AWS ne reconnaît pas les identifiants. {what}", GET_CREDENTIALS)
    if is_of_key(error):
        return ConfigError(
            f"la clé de chiffrement est inutilisable. {what}",
            "Vérifier S3_REPORTS_KMS_KEY et ses droits : python setup_dynamodb_tables.py --show-policy",
        )
    if code in DENIED:
        return ConfigError(
            f"droit manquant. {what}", "Droits nécessaires : python setup_dynamodb_tables.py --show-policy"
        )
    if code in MISSING:
        return ConfigError(f"{target} n'existe pas.", "Créer les tables et le bucket : make setup-aws")
    if code in ELSEWHERE:
        return ConfigError(f"{target} est dans une autre région. {what}", "Corriger AWS_REGION (.env).")
    if is_passing(error):
        return PassingError(what, "Relancer la même commande : elle ne reprend que ce qui manque.")
    return StoreError(what, "Refus définitif : relancer la même commande n'y changerait rien.")


def _not_asked(error: BotoCoreError, target: str, tried: str) -> CityflowError:
    detail = without_secrets(str(error))
    if isinstance(error, NoCredentialsError):
        return no_credentials()
    if isinstance(error, SSOError | TokenRetrievalError):
        return ConfigError(f"la session SSO est absente ou expirée ({detail}).", "La rouvrir : aws sso login")
    if isinstance(error, PartialCredentialsError | ProfileNotFound | CredentialRetrievalError | MetadataRetrievalError):
        return no_credentials(detail)
    if isinstance(error, NoRegionError | InvalidRegionError):
        return ConfigError(f"{target} : région AWS inutilisable ({detail}).", "Corriger AWS_REGION, p. ex. eu-west-3.")
    if isinstance(error, NotAwsError):
        return UnreachableError(
            f"{target} : ce n'est pas AWS qui répond ({detail}).", "Ouvrir l'accès au réseau, puis relancer."
        )
    if isinstance(error, CUT):
        return PassingError(f"{target} : réponse coupée ou abîmée en chemin ({detail}{tried}).", "Relancer.")
    if isinstance(error, ConnectionError | HTTPClientError):
        return UnreachableError(
            f"{target} : AWS ne répond pas ({detail}{tried}).", "Vérifier le réseau, AWS_REGION et AWS_ENDPOINT_URL."
        )
    return StoreError(f"{target} : {detail}.", "Vérifier la commande et les réglages AWS.")


def without_secrets(detail: str) -> str:
    """Remove from AWS's text the user and password of an URL, key ids, signatures and tokens."""
    detail = re.sub(r"//[^/@\s]*@", "//***@", " ".join(detail.split())).rstrip(".")
    detail = re.sub(r"\b(A[KS]IA|ABIA|ACCA)[A-Z0-9]{12,}\b", "***", detail)
    return re.sub(r"(?i)((?:token|signature|credential|secret)[\w-]*\s*[=:]\s*)\S+", r"\1***", detail)
