"""Every wait of a download ends and is said: trickles, circles, refusals that never end, progress that is none."""

import time
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from lib.common.errors import ConfigError, InputError
from scripts.fetch.download import ATTEMPTS
from scripts.sources.publishers import Address
from tests.support.answer_server import Answer, fetch
from tests.support.patience import deadline, within

Serve = Callable[..., Address]


FOREVER = int(deadline(60) / 0.02)  # times 0.02 s


def drop_by_drop(request: BaseHTTPRequestHandler, text: bytes) -> None:
    for byte in text:
        request.wfile.write(bytes([byte]))
        request.wfile.flush()
        time.sleep(0.02)


def trickling_headers(request: BaseHTTPRequestHandler) -> None:
    drop_by_drop(request, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * FOREVER)


def trickling_refusal(status: int) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", "4000")
        request.end_headers()
        drop_by_drop(request, b"n" * FOREVER)

    return answer


def refusal(status: int, retry_after: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Retry-After", retry_after)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def circle(request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("Connection", "close")
    request.send_header("Location", "/y" if request.path == "/x" else "/x")
    request.send_header("Content-Length", "0")
    request.end_headers()


def one_byte_more(request: BaseHTTPRequestHandler) -> None:
    """What a server that dies on every byte sends to a client that goes on each time."""
    start = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
    request.send_response(206 if start else 200)
    request.send_header("ETag", '"v"')
    request.send_header("Content-Range", f"bytes {start}-999999/1000000")
    request.send_header("Content-Length", str(1_000_000 - start))
    request.end_headers()
    request.wfile.write(b"x")


@pytest.mark.parametrize("answer", [trickling_headers, trickling_refusal(503), trickling_refusal(404)],
                         ids=["headers", "refusal to try again", "refusal"])  # fmt: skip
def test_what_trickles_outside_the_body_ends_in_time_as_well(serve: Serve, tmp_path: Path, answer: Answer) -> None:
    with within(30), pytest.raises(InputError, match=r"pas fini en 0 s|réponse [45]0"):
        fetch(replace(serve(answer), max_seconds=0.4), tmp_path / "a")


def test_a_circle_of_redirects_is_no_address(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tourne en rond"):
        fetch(serve(circle), tmp_path / "a")


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("asked", ["86400", "99999999999999999999", "Wed, 01 Jan 2098 00:00:00 GMT"])
def test_a_server_that_asks_to_wait_for_long_is_not_waited_for(
    serve: Serve, tmp_path: Path, status: int, asked: str, waits: list[float]
) -> None:
    with pytest.raises(InputError, match=r"à ne pas relancer avant"):
        fetch(serve(refusal(status, asked)), tmp_path / "a")
    assert waits == []


@pytest.mark.parametrize("asked", ["\u00b2", "-5", "soon", "Wed, 01 Jan 99999 00:00:00 GMT", "0", ""])
def test_a_wait_that_makes_no_sense_is_ours(serve: Serve, tmp_path: Path, asked: str) -> None:
    with pytest.raises(InputError, match=rf"réponse 429 \(dernier essai sur {ATTEMPTS}\)"):
        fetch(serve(refusal(429, asked)), tmp_path / "a")


def test_progress_of_one_byte_a_try_ends_with_the_time_bound(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        within(30),
        caplog.at_level("WARNING", "scripts.fetch.download"),
        pytest.raises(InputError, match=r"coupée|pas fini"),
    ):
        fetch(replace(serve(one_byte_more), max_seconds=1.0), tmp_path / "a")
    assert "nouvel essai dans" in caplog.text


def hang_up(request: BaseHTTPRequestHandler) -> None:
    """Close the connection without one word, as a host that is not there."""


def test_a_host_that_is_not_reached_is_waited_for_once_until_it_answers(
    serve: Serve, tmp_path: Path, waits: list[float]
) -> None:
    unreachable = set[str]()

    def ask(address: Address, tries: int) -> None:
        with pytest.raises(InputError, match=rf"connexion impossible .*dernier essai sur {tries}\)"):
            fetch(address, tmp_path / "a", unreachable)

    address = serve(*[hang_up] * (ATTEMPTS + 1), refusal(200, ""), hang_up)
    ask(address, ATTEMPTS)
    ask(address, 1)
    assert len(waits) == ATTEMPTS - 1
    fetch(address, tmp_path / "a", unreachable)
    ask(address, ATTEMPTS)
    ask(serve(hang_up), ATTEMPTS)  # another host
