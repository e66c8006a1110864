"""One HTTP answer into a partial file: bounded in size and time, retried, and gone on with after a cut.

A cut download goes on where it stopped only when the publisher marked what it sent (ETag or Last-Modified) and still
sends the same: anything else starts again from zero. Keys never reach a message: those of `requests` quote the URL.

`requests` bounds each wait for a byte, never their sum: a server that sends its headers, an error page or a body one
byte a minute is cut off by an alarm. It rings in the main thread alone, so that is where a download must run.
"""

import contextlib
import email.utils
import logging
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import BinaryIO
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError as Urllib3Error

from lib.common.errors import ConfigError, InputError
from lib.common.paris_time import machine_now
from lib.common.text import counted
from scripts.fetch.resume import discard, forget, remember, resume_point
from scripts.sources.publishers import Address

CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 90.0  # s; an export takes its time before the first byte
ATTEMPTS = 5  # in a row without one more byte than ever before
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # s; doubled each time, then a Retry-After that asks for more is a refusal
CHUNK = 256 * 1024
TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
UNUSABLE = (  # the request itself is wrong: another try would not help
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.TooManyRedirects,
)
ALARM_AGAIN = 1.0  # s; where what the first one raised was lost in code that lets no exception out
SHOWN_OF_A_REFUSAL = 300  # characters of the publisher's own words

Progress = Callable[[int, int | None], None]  # bytes here so far, bytes in all where known

log = logging.getLogger(__name__)


class _TryAgainError(Exception):
    """This try failed, another may not: what happened, and how long the server asks to wait (s)."""

    def __init__(self, what: str, wait: float = 0.0) -> None:
        super().__init__(what)
        self.wait = wait


class _NoConnectionError(_TryAgainError):
    """The host was not reached, or hung up."""


class _TooLateError(Exception):
    """The time for an answer is over."""


def download(address: Address, stream: BinaryIO, progress: Progress, unreachable: set[str]) -> None:
    """Fill `stream` (a part_writer's) with the whole answer.

    unreachable: the hosts that let no try of a command's downloads connect, brought up to date here; one of them gets a
    single try, until it answers.

    InputError when the publisher refuses, sends more than the bound or nothing whole in time; ConfigError when it
    refuses the key.
    """
    deadline = time.monotonic() + address.max_seconds
    failures, furthest = 0, 0
    while True:
        try:
            _one_try(address, stream, progress, deadline)
            forget(stream)
            unreachable.discard(urlsplit(address.url).netloc)
            return
        except _TryAgainError as error:
            stream.flush()
            host, reached = urlsplit(address.url).netloc, os.fstat(stream.fileno()).st_size
            failures, furthest = (1, reached) if reached > furthest else (failures + 1, furthest)
            wait = max(error.wait, min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT) * random.uniform(0.75, 1.25))
            if failures >= (1 if host in unreachable else ATTEMPTS) or time.monotonic() + wait > deadline:
                if isinstance(error, _NoConnectionError):
                    unreachable.add(host)
                raise InputError(
                    f"{_who(address)} : {error} (dernier essai sur {failures}).",
                    "Relancer la même commande plus tard.",
                ) from None
            log.warning("%s : %s ; nouvel essai dans %.0f s.", _who(address), error, wait)
            time.sleep(wait)


def _one_try(address: Address, stream: BinaryIO, progress: Progress, deadline: float) -> None:
    kept, validator = resume_point(stream, _request(address))
    headers = {"User-Agent": "cityflow-paris", "Accept-Encoding": "identity", **address.headers}
    if kept:
        headers |= {"Range": f"bytes={kept}-", "If-Range": validator}
    try:
        with (
            _alarm_at(deadline),
            requests.get(
                address.url,
                params=dict(address.params),
                headers=headers,
                timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                stream=True,
                allow_redirects=not (address.secrets or "?" in address.url),  # a redirection must not carry a key away
            ) as answer,
        ):
            _refuse(address, answer)
            _receive(address, answer, stream, kept, progress)
    except _TooLateError:
        raise _too_late(address, stream) from None
    except (requests.RequestException, Urllib3Error) as error:
        raise _lost(address, error) from None


@contextlib.contextmanager
def _alarm_at(deadline: float) -> Iterator[None]:
    """Raise _TooLateError in the block once time.monotonic() has reached `deadline`."""

    def ring(*_: object) -> None:
        raise _TooLateError

    handler = signal.signal(signal.SIGALRM, ring)
    timer = signal.setitimer(signal.ITIMER_REAL, max(deadline - time.monotonic(), 0.001), ALARM_AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)


def _receive(address: Address, answer: requests.Response, stream: BinaryIO, kept: int, progress: Progress) -> None:
    if answer.status_code == 416 or (answer.status_code == 206 and _first_byte(answer) != kept):
        stream.truncate(0)
        raise _TryAgainError("la reprise n'a pas été comprise, on repart du début")
    if answer.status_code != 206:  # the whole answer: the server ignores Range, or what it has is new
        kept = 0
        stream.truncate(0)
        _remember(address, answer, stream)
    length = answer.headers.get("Content-Length", "")
    total = kept + int(length) if _is_count(length) and not answer.headers.get("Content-Encoding") else None
    _bound(address, total or 0, stream)
    while chunk := answer.raw.read1(CHUNK, decode_content=True):  # what is there: a slow answer moves the bar as well
        stream.write(chunk)
        kept += len(chunk)
        _bound(address, kept, stream)
        progress(kept, total)
    stream.flush()
    if total is not None and kept != total:
        raise _TryAgainError(f"réponse coupée à {counted(kept, 'octet')} sur {total}")


def _too_late(address: Address, stream: BinaryIO) -> InputError:
    stream.flush()
    received = os.fstat(stream.fileno()).st_size / 1e6
    return InputError(
        f"{_who(address)} : pas fini en {address.max_seconds:.0f} s ({received:.1f} Mo reçus).",
        "Relancer la même commande à un moment plus calme.",
    )


def _lost(address: Address, error: Exception) -> Exception:
    """Choose what to raise for a request that had no answer, or lost it."""
    if isinstance(error, UNUSABLE):
        circle = isinstance(error, requests.exceptions.TooManyRedirects)
        why = "elle renvoie à une autre et tourne en rond" if circle else type(error).__name__
        what = f"{address.source}, {address.name} : adresse ou clé inutilisable ({why})."
        return ConfigError(what, "Corriger l'adresse dans .env (voir .env.example).")
    if isinstance(error, requests.exceptions.SSLError):
        return InputError(f"{_who(address)} : certificat TLS refusé.", "Vérifier l'horloge, et le proxy s'il y en a.")
    lost = _NoConnectionError if isinstance(error, requests.ConnectionError) else _TryAgainError
    return lost(_transport_problem(error))


def _bound(address: Address, size: int, stream: BinaryIO) -> None:
    if size > address.max_bytes:
        discard(stream)
        raise InputError(
            f"{_who(address)} : la réponse dépasse {address.max_bytes / 1e6:.0f} Mo, bien plus qu'attendu.",
            "Le filtre n'a sans doute pas été suivi : vérifier l'adresse dans .env, ou signaler ce cas.",
        )


def _refuse(address: Address, answer: requests.Response) -> None:
    """Raise for a status that is no answer: to be tried again, or for good."""
    status = answer.status_code
    if status in (200, 206, 416):
        return
    said = _said(address, answer)
    if status in TRY_AGAIN:
        wait = _retry_after(answer)
        if wait <= LONGEST_WAIT:
            raise _TryAgainError(f"réponse {status}{said}", wait)
        raise InputError(
            f"{_who(address)} : réponse {status}, à ne pas relancer avant {wait / 60:.0f} min{said}.",
            "Quota sans doute épuisé : attendre.",
        )
    if status in (401, 403) and address.key_setting:
        raise ConfigError(
            f"{_who(address)} refuse la clé (réponse {status}{said}).", f"Vérifier {address.key_setting}."
        )
    parts = urlsplit(address.url)
    raise InputError(
        f"{_who(address)} : réponse {status}{said}.", f"Vérifier l'adresse {parts.hostname}{parts.path} dans .env."
    )


def _said(address: Address, answer: requests.Response) -> str:
    """Read the beginning of the publisher's own words, on one line, keys struck out."""
    try:
        body = next(answer.iter_content(4096), b"").decode("utf-8", "replace")
    except (requests.RequestException, Urllib3Error):
        return ""
    for secret in address.secrets:
        body = body.replace(secret, "***")
    text = " ".join(body.split())[:SHOWN_OF_A_REFUSAL]
    return f" : {text}" if text and not text.startswith("<") else ""


def _retry_after(answer: requests.Response) -> float:
    """Read the seconds that the server asks to wait, from a number or an HTTP date; 0 when it does not say."""
    text = answer.headers.get("Retry-After", "").strip()
    if _is_count(text):
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    return max((moment.replace(tzinfo=moment.tzinfo or UTC) - machine_now()).total_seconds(), 0.0)


def _first_byte(answer: requests.Response) -> int | None:
    start = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(start) if _is_count(start) else None


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _transport_problem(error: Exception) -> str:
    if isinstance(error, requests.ConnectTimeout):
        return f"pas de connexion en {CONNECT_TIMEOUT:.0f} s"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"rien reçu pendant {READ_TIMEOUT:.0f} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError | Urllib3Error):
        return "réponse coupée en route"
    if isinstance(error, requests.ConnectionError):
        return "connexion impossible ou coupée (réseau, nom d'hôte, proxy ?)"
    return f"requête impossible ({type(error).__name__})"


def _who(address: Address) -> str:
    about = f"{address.source} du {address.day}" if address.day else address.source
    return f"{about}, {address.name} ({urlsplit(address.url).hostname})"


def _remember(address: Address, answer: requests.Response, stream: BinaryIO) -> None:
    """Note which version of the answer is being received; nothing when it could not be gone on with."""
    etag = answer.headers.get("ETag", "")
    validator = etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified", "")
    remember(stream, _request(address), "" if answer.headers.get("Content-Encoding") else validator)


def _request(address: Address) -> str:
    return repr((address.url, sorted(address.params.items())))
