"""kill -9 at random moments of a fetch from publishers on a local port, which change what they publish meanwhile.

No file under its final name is ever cut or made of two versions; what was there is intact, or replaced by the whole new
one. The next run completes, goes on only with what is still published, and clears what no run would go on with.
"""

import os
import random
import sys
import time
from pathlib import Path

import pytest

from scripts import make_demo_data
from tests.conftest import ROOT, RawTree
from tests.support.portal_server import Fault, Handler, Portal, datasets, send
from tests.torture.kills.kills import Command, hidden_files, kills_of, moments

SHORT, LONG = 2, 100
ROUTES = (*datasets(), "prim", "open-meteo")
PIECES, PAUSE = 4, 0.01  # a body comes in so many pieces, with so many seconds between them


@pytest.fixture
def trees(portal: Portal, tmp_path: Path) -> list[Path]:
    """What the publishers have, and what they have when they have revised it."""
    revised = tmp_path / "revised"
    size = ["--days", "2", "--arcs", "24", "--counters", "12", "--seed", "2", "--end", portal.day.isoformat(), "-q"]
    assert make_demo_data.main([*size, "--output", str(revised)]) == 0
    return [portal.tree, revised]


@pytest.fixture
def fetch(portal: Portal, tmp_path: Path) -> Command:
    (tmp_path / "tmp").mkdir()
    command = (sys.executable, str(ROOT / "scripts" / "fetch_raw.py"), "--date", portal.day.isoformat(), "-q")
    return Command((*command, "--force"), {**os.environ, "TMPDIR": str(tmp_path / "tmp")})


def test_a_fetch_killed_anywhere(
    raw: RawTree, portal: Portal, trees: list[Path], fetch: Command, request: pytest.FixtureRequest
) -> None:
    bodies = remembered(portal)
    publish(portal, trees[0])
    whole, chance = fetch.completes(), random.Random("fetch")
    for moment, undisturbed, told in moments(chance, whole, kills_of(request, SHORT, LONG)):
        publish(portal, chance.choice(trees))
        before = visible(raw.root)
        bodies.clear()
        fetch.killed_after(moment)
        assert_old_or_whole(before, visible(raw.root), bodies, told)
        if undisturbed:
            before = visible(raw.root)
            bodies.clear()
            fetch.completes()
            assert_old_or_whole(before, visible(raw.root), bodies, told)
            assert_newest(raw, portal, bodies, told)
    assert_cleared_after_a_day(raw, fetch)


def remembered(portal: Portal) -> set[bytes]:
    """The whole bodies of the answers from now on."""
    bodies, answer = set[bytes](), portal.answer

    def remember(path: str, query: dict[str, str], headers: dict[str, str]) -> tuple[str, int, bytes]:
        route, status, body = answer(path, query, headers)
        bodies.add(body)
        return route, status, body

    portal.answer = remember  # type: ignore[method-assign]
    return bodies


class Always(list[Fault]):
    """A fault that does not go away."""

    def pop(self, _: object = None) -> Fault:
        return self[0]


def publish(portal: Portal, tree: Path) -> None:
    portal.tree = tree
    portal.faults.update((route, Always([in_pieces(f'"{tree.name}"')])) for route in ROUTES)


def in_pieces(etag: str) -> Fault:
    """Answer slowly, from where the client stopped when it has the beginning of this very version."""

    def fault(request: Handler, body: bytes) -> None:
        asked = request.headers.get("Range", "") if request.headers.get("If-Range") == etag else ""
        first = int(asked.removeprefix("bytes=").rstrip("-") or 0)
        if asked and first >= len(body):
            send(request, 416, b"", {})
            return
        request.send_response(206 if asked else 200)
        request.send_header("ETag", etag)
        request.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        request.send_header("Content-Length", str(len(body) - first))
        request.end_headers()
        size = (len(body) - first) // PIECES + 1
        for start in range(first, len(body), size):
            request.wfile.write(body[start : start + size])
            request.wfile.flush()
            time.sleep(PAUSE)

    return fault


def visible(root: Path) -> dict[str, bytes]:
    paths = [path for path in root.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def assert_old_or_whole(before: dict[str, bytes], after: dict[str, bytes], bodies: set[bytes], told: str) -> None:
    assert before.keys() <= after.keys(), told
    for name, content in after.items():
        assert content == before.get(name) or content in bodies, f"{told}: {name} is neither old nor whole"


def assert_newest(raw: RawTree, portal: Portal, bodies: set[bytes], told: str) -> None:
    """Every answer of the last run is a file; the partial files of what has a lasting name are gone."""
    assert bodies <= set(visible(raw.root).values()), told
    assert not hidden_files(raw.root / "batch"), told


def assert_cleared_after_a_day(raw: RawTree, fetch: Command) -> None:
    """Those of pulls, whose names are never used again."""
    for name in hidden_files(raw.root):
        os.utime(raw.root / name, (1, 1))
    fetch.completes()
    assert not hidden_files(raw.root)
