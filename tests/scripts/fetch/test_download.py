"""What a download does with servers that trickle, zip, cut chunks or send for ever."""

import gzip
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from lib.common.errors import ConfigError, InputError
from scripts.sources.publishers import Address
from tests.support.answer_server import Answer, fetch
from tests.support.patience import deadline, within


def reply(body: bytes, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def chunked(*chunks: bytes, end: bool = True) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        for chunk in chunks:
            request.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if end:
            request.wfile.write(b"0\r\n\r\n")

    return answer


def trickling(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000000")
    request.end_headers()
    for _ in range(int(deadline(60) / 0.02)):
        request.wfile.write(b"x")
        request.wfile.flush()
        time.sleep(0.02)


def test_a_trickle_is_ended_by_the_time_bound(serve: Callable[..., Address], tmp_path: Path) -> None:
    with within(30), pytest.raises(InputError, match="pas fini en 0 s"):
        fetch(replace(serve(trickling), max_seconds=0.3), tmp_path / "a")


def test_the_time_bound_leaves_the_alarm_as_it_was(serve: Callable[..., Address], tmp_path: Path) -> None:
    rung = list[int]()
    before = signal.signal(signal.SIGALRM, lambda number, _: rung.append(number))
    signal.setitimer(signal.ITIMER_REAL, deadline(60))
    try:
        fetch(serve(reply(b"abc")), tmp_path / "a")
        with pytest.raises(InputError, match="pas fini en 0 s"):
            fetch(replace(serve(trickling), max_seconds=0.3), tmp_path / "b")
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
        signal.raise_signal(signal.SIGALRM)
        assert rung == [signal.SIGALRM]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_stream_of_unknown_length_is_bounded(serve: Callable[..., Address], tmp_path: Path) -> None:
    address = replace(serve(chunked(*[b"x" * 60_000] * 30)), max_bytes=1_000_000)
    with pytest.raises(InputError, match="dépasse 1 Mo"):
        fetch(address, tmp_path / "a")


def test_a_zipped_answer_is_unzipped_and_bounded_as_such(serve: Callable[..., Address], tmp_path: Path) -> None:
    body = b"abc" * 100_000
    address = serve(reply(gzip.compress(body), Content_Encoding="gzip", ETag='"z"'))
    assert fetch(address, tmp_path / "a") == body
    with pytest.raises(InputError, match="dépasse"):
        fetch(replace(address, max_bytes=200_000), tmp_path / "b")


def test_a_chunked_answer_that_stops_is_not_taken_for_whole(serve: Callable[..., Address], tmp_path: Path) -> None:
    address = serve(chunked(b"one ", b"two", end=False), chunked(b"one ", b"two ", b"three"))
    assert fetch(address, tmp_path / "a") == b"one two three"


def cut(etag: str, body: bytes, length: int) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("ETag", etag)
        request.send_header("Content-Length", str(length))
        request.end_headers()
        request.wfile.write(body)

    return answer


def test_another_version_is_not_sewn_to_the_first(serve: Callable[..., Address], tmp_path: Path) -> None:
    assert fetch(serve(cut('"old"', b"old ", 8), reply(b"new new", ETag='"new"')), tmp_path / "a") == b"new new"


def test_a_range_that_was_not_understood_starts_again(serve: Callable[..., Address], tmp_path: Path) -> None:
    def wrong(request: BaseHTTPRequestHandler) -> None:
        request.send_response(206)
        request.send_header("Content-Range", "bytes 2-7/8")
        request.send_header("Content-Length", "6")
        request.end_headers()
        request.wfile.write(b"lfhalf")

    address = serve(cut('"v"', b"half", 8), wrong, reply(b"halfhalf", ETag='"v"'))
    assert fetch(address, tmp_path / "a") == b"halfhalf"


def test_what_exceeds_the_bound_is_not_gone_on_with(serve: Callable[..., Address], tmp_path: Path) -> None:
    address = replace(serve(reply(b"x" * 1000, ETag='"v"')), max_bytes=500)
    with pytest.raises(InputError, match="dépasse"):
        fetch(address, tmp_path / "a")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("url", ["ceci n'est pas une adresse", "ftp://exemple.fr/x", "http://[::1/x"])
def test_an_unusable_address_is_not_tried_again(tmp_path: Path, url: str, waits: list[float]) -> None:
    with pytest.raises(ConfigError, match="adresse"):
        fetch(Address("bikes", None, "un essai", url), tmp_path / "a")
    assert waits == []
