"""The publishers on a local port: the Paris portal, PRIM, Visual Crossing and Open-Meteo, and what goes wrong there.

Their day is the same whatever the machine's date: the fixtures fix the clock of the commands (CITYFLOW_NOW).

It answers out of a tree of make_demo_data, obeying `where`, `timezone`, `since`, pages and keys as the real ones do, so
that a request that forgets one of them gets another answer. `faults` holds, for each route, what the next requests
meet instead.
"""

import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import pytest

from lib.common.paris_time import PARIS
from lib.common.settings import load_settings
from lib.figures.quality import Quality
from lib.raw.csv_dialect import split_row
from lib.raw.envelopes import records
from lib.raw.json_records import read_bodies
from lib.raw.source import Source
from lib.raw.source_files import RawFile
from scripts import make_demo_data
from scripts.registry import RAW, publisher

IDFM_KEY, WEATHER_KEY = "cle-prim-JAMAIS-AFFICHEE", "cle+meteo/JAMAIS-AFFICHEE"
# In the past: what a command writes while a test runs is newer, as the times of files have it.
DAY, NEXT_MORNING = date(2025, 11, 18), datetime.fromisoformat("2025-11-19T06:30:00+01:00")
PAGE_MAX = 6  # disruptions per page, whatever the count asked for

_CLAUSE = re.compile(r"(\w+) (>=|<=|>|<) date'([0-9T:-]+)'")
_STAMP = re.compile(rb"^[^;]*;[^;]*;([0-9-]{10}T[0-9:]{8})")

Handler = BaseHTTPRequestHandler
Fault = Callable[[Handler, bytes], None]  # (request, the body it would have had)


@dataclass
class Portal:
    """What the server has and saw; `day` is the last day of the tree, yesterday for the commands."""

    url: str
    tree: Path
    day: date
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)  # route, query, headers
    ranges: bool = False  # whether exports carry an ETag and obey Range
    ignores_where: bool = False

    def settings(self) -> dict[str, str]:
        return {
            "PORTAL_URL": f"{self.url}/portal",
            "PRIM_URL": f"{self.url}/prim",
            "VISUALCROSSING_URL": f"{self.url}/visualcrossing",
            "OPEN_METEO_URL": f"{self.url}/open-meteo",
            "OPEN_METEO_ARCHIVE_URL": f"{self.url}/archive",
            "IDFM_API_KEY": IDFM_KEY,
        }

    def requests(self, route: str) -> list[dict[str, str]]:
        return [query for asked, query, _ in self.seen if asked == route]

    def answer(self, path: str, query: dict[str, str], headers: dict[str, str]) -> tuple[str, int, bytes]:
        """The route, the status and the body of a request."""
        parts = unquote(path).strip("/").split("/")
        if parts[0] == "portal":
            return parts[3], 200, self._export(parts[3], parts[5], query)
        if parts[0] == "prim":
            if headers.get("apikey") != IDFM_KEY:
                return "prim", 401, json.dumps({"message": f"No API key found: {headers.get('apikey')}"}).encode()
            return "prim", 200, json.dumps(self._line_reports(query)).encode()
        if parts[0] == "visualcrossing":
            if query.get("key") != WEATHER_KEY or query.get("unitGroup") != "metric":
                return parts[0], 401, f"No account found with API key '{query.get('key')}'".encode()
            return parts[0], 200, json.dumps(self._timeline(parts[2], parts[3])).encode()
        return parts[0], 200, json.dumps(_open_meteo(query)).encode()

    def _export(self, dataset: str, kind: str, query: dict[str, str]) -> bytes:
        source = datasets()[dataset]
        if source.pulls:
            stamp = _CLAUSE.findall(query.get("where", "date > date''"))[0][0]
            found = [one for one in self._records(source.name) if _kept(query, str(one.get(stamp)))]
            return json.dumps(found).encode()
        content = (self.tree / "batch" / f"{source.export}{source.suffix}").read_bytes()
        if dataset != "comptages-routiers-permanents" or self.ignores_where:
            return content
        header, *lines = content.split(b"\r\n")
        stamped = [(line, found[1].decode()) for line in lines if _is_whole(line) and (found := _STAMP.match(line))]
        kept = [line for line, stamp in stamped if _kept(query, f"{stamp}+01:00", road=True)]
        return b"\r\n".join([header, *kept, b""])

    def _records(self, source: str) -> Iterator[dict[str, Any]]:
        """What the morning pulls hold, in whichever of the forms their days have them."""
        pulls = sorted(self.tree.glob(f"api/{source}/dt=*/hour=06/*"))
        for _, _, body in read_bodies([RawFile("", 0.0, path) for path in pulls], Quality()):
            yield from records(body)

    def _line_reports(self, query: dict[str, str]) -> dict[str, Any]:
        body = self._newest_pull("traffic", "line_reports")
        found = body["disruptions"] if query.get("since") else []
        size, start = min(int(query.get("count", "25")), PAGE_MAX), int(query.get("start_page", "0"))
        shown = found[start * size : (start + 1) * size]
        page = {"total_result": len(found), "start_page": start, "items_per_page": size, "items_on_page": len(shown)}
        return {**body, "disruptions": shown, "pagination": page}

    def _timeline(self, first: str, last: str) -> dict[str, Any]:
        body = self._newest_pull("weather", "days")
        return {**body, "days": [one for one in body["days"] if first <= one["datetime"] <= last]}

    def _newest_pull(self, source: str, key: str) -> dict[str, Any]:
        """The newest pull in the form its publisher answers in, which has this key: some days have another form."""
        pulls = sorted(self.tree.glob(f"api/{source}/dt=*/hour=*/*.json"), reverse=True)
        bodies: Iterator[dict[str, Any]] = (json.loads(path.read_bytes()) for path in pulls)
        return next(body for body in bodies if key in body)


def _is_whole(line: bytes) -> bool:
    """The tree plants broken lines, which a publisher does not write."""
    return line.count(b'"') % 2 == 0 and len(split_row(line.decode("utf-8", "replace"), ";")) == 15


def datasets() -> dict[str, Source]:
    """The data sets that rooms ask the portal for, and their sources."""
    settings = load_settings(environment={"IDFM_API_KEY": IDFM_KEY})
    urls = ((publisher(source).address(settings, DAY, DAY).url, source) for source in RAW.values())
    return {found[1]: source for url, source in urls if (found := re.search("/datasets/([^/]+)/", url))}


def _kept(query: dict[str, str], stamp: str, road: bool = False) -> bool:
    """Whether a row passes `where`, whose literals are in the zone asked for (the portal's own default is UTC)."""
    zone = ZoneInfo(query.get("timezone", "UTC"))
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return False  # the tree plants rows that the portal would not hold
    if road:  # a Paris clock with an offset pasted on
        moment = moment.replace(tzinfo=ZoneInfo("Europe/Paris"))
    for _, sign, text in _CLAUSE.findall(query.get("where", "")):
        limit = datetime.fromisoformat(text).replace(tzinfo=zone)
        passes = {">": moment > limit, ">=": moment >= limit, "<": moment < limit, "<=": moment <= limit}
        if not passes[sign]:
            return False
    return True


def _open_meteo(query: dict[str, str]) -> dict[str, Any]:
    """All labels on ONE offset, that of the moment of the request, as the real service has it; rain behind its hour.

    Weather of an hour of Paris: 20 °C at 15 h and half a degree less for each hour away, h/10 mm, a storm at 0 h.
    """
    first, last = date.fromisoformat(query["start_date"]), date.fromisoformat(query["end_date"])
    zone = ZoneInfo(query.get("timezone", "GMT"))
    offset = load_settings().now().astimezone(zone).utcoffset() or timedelta()
    midnight = datetime.combine(first, datetime.min.time(), timezone(offset))
    moments = [midnight + timedelta(hours=hour) for hour in range(24 * ((last - first).days + 1))]
    hours = [moment.astimezone(PARIS).hour for moment in moments]
    before = [(moment - timedelta(hours=1)).astimezone(PARIS).hour for moment in moments]
    values = {
        "temperature_2m": [20 - abs(hour - 15) / 2 for hour in hours],
        "precipitation": [hour / 10 for hour in before],
        "wind_speed_10m": [14.0] * len(hours),
        "weather_code": [61 if hour else 95 for hour in hours],
    }
    return {
        "latitude": 48.86,
        "longitude": 2.34,
        "utc_offset_seconds": int(offset.total_seconds()),
        "timezone": zone.key,
        "hourly_units": {"temperature_2m": "°C", "precipitation": "mm", "wind_speed_10m": "km/h"},
        "hourly": {"time": [f"{moment:%Y-%m-%dT%H:%M}" for moment in moments]}
        | {name: values[name] for name in query["hourly"].split(",")},
    }


def refusing(status: int, text: str = "", **headers: str) -> Fault:
    """Answer with a status, a body and headers (Retry_After=…)."""
    return lambda request, _: send(request, status, text.encode(), headers)


def saying(text: str) -> Fault:
    """Answer 200 with another body."""
    return refusing(200, text)


def cut(share: float) -> Fault:
    """Announce the whole body and close the connection after a share of it."""

    def fault(request: Handler, body: bytes) -> None:
        send(request, 200, body, {"ETag": '"v1"'}, stop=int(len(body) * share))

    return fault


def shortened(share: float) -> Fault:
    """Send a share of the body as if it were all."""
    return lambda request, body: send(request, 200, body[: int(len(body) * share)], {})


def unmeasured(share: float = 1.0, lines: int = 0) -> Fault:
    """Send a share of the body, or its first lines, without saying its length, and close the connection."""

    def fault(request: Handler, body: bytes) -> None:
        request.send_response(200)
        request.send_header("Connection", "close")
        request.end_headers()
        request.wfile.write(b"".join(body.splitlines(keepends=True)[:lines]) or body[: int(len(body) * share)])

    return fault


def slow(seconds: float) -> Fault:
    """Say nothing for some time, then answer."""

    def fault(request: Handler, body: bytes) -> None:
        time.sleep(seconds)
        send(request, 200, body, {})

    return fault


def pausing(share: float, seconds: float) -> Fault:
    """Send a share of the body, then nothing more for some time."""

    def fault(request: Handler, body: bytes) -> None:
        request.send_response(200)
        request.send_header("ETag", '"v1"')
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[: int(len(body) * share)])
        request.wfile.flush()
        request.connection.settimeout(seconds)
        request.rfile.read(1)  # until the client goes away

    return fault


def growing(megabytes: int) -> Fault:
    """Send the last line of the body over and over, up to a size."""

    def fault(request: Handler, body: bytes) -> None:
        block = body[body.rstrip().rfind(b"\n") + 1 :] * 4000
        times = megabytes * 1_000_000 // len(block)
        request.send_response(200)
        request.send_header("Content-Length", str(len(body) + times * len(block)))
        request.end_headers()
        for part in (body, *[block] * times):
            request.wfile.write(part)

    return fault


def send(request: Handler, status: int, body: bytes, headers: dict[str, str], stop: int | None = None) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body[:stop])
    request.wfile.flush()
    if stop is not None:
        request.close_connection = True


def _handler(portal: Portal) -> type[Handler]:
    class Publishers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            route, status, body = portal.answer(parts.path, query, headers)
            portal.seen.append((route, query, headers))
            waiting = portal.faults.get(route, [])
            if waiting:
                waiting.pop(0)(self, body)
            elif portal.ranges and headers.get("range") and headers.get("if-range") == '"v1"':
                first = int(headers["range"].removeprefix("bytes=").rstrip("-"))
                span = {"Content_Range": f"bytes {first}-{len(body) - 1}/{len(body)}"}
                send(self, 206, body[first:], span)
            else:
                send(self, status, body, {"ETag": '"v1"'} if portal.ranges else {})

        def log_message(self, *_: object) -> None:
            """Nothing on the test's output."""

    return Publishers


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is what some tests are about; any other error is the server's own."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


@pytest.fixture(scope="session")
def demo_tree(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, date]:
    """A small synthetic tree that ends on DAY, written on NEXT_MORNING."""
    root = small_tree(tmp_path_factory.mktemp("portal") / "raw", DAY)
    set_written(root, NEXT_MORNING)
    return root, DAY


def small_tree(root: Path, day: date, *sources: str) -> Path:
    """Two invented days, up to that one, of these sources or of all."""
    small = ["--days", "2", "--arcs", "24", "--counters", "12", "--end", day.isoformat(), "-q"]
    assert make_demo_data.main([*small, *(f"--source={source}" for source in sources), "--output", str(root)]) == 0
    return root


def set_written(root: Path, moment: datetime) -> None:
    """Let every file below a folder be one that was written at that moment, as the commands' clock has it."""
    for path in root.rglob("*"):
        os.utime(path, (moment.timestamp(), moment.timestamp()))


@pytest.fixture
def portal(raw: object, demo_tree: tuple[Path, date], monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """The publishers on NEXT_MORNING, and the environment of an empty raw tree that leads to them; waits are short."""
    state = Portal("", *demo_tree)
    server = _Server(("127.0.0.1", 0), _handler(state))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    for name, value in state.settings().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CITYFLOW_NOW", NEXT_MORNING.isoformat())
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("scripts.fetch.download.FIRST_WAIT", 0.01)
    yield state
    server.shutdown()
    server.server_close()
