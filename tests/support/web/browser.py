"""A real headless Chromium for the tests, and a server that remembers what was asked of it."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.support.patience import deadline

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here (Debian: apt-get install chromium)")

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--disable-extensions",
    "--disable-default-apps", "--enable-logging=stderr", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip


@dataclass
class Site:
    """A folder served on this machine; `asked` are the paths requested so far."""

    folder: Path
    address: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def served(folder: Path) -> Iterator[Site]:
    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            site.asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    site = Site(folder, f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def browse(url: str, *flags: str) -> tuple[str, list[str]]:
    """(stdout, console messages) of one page opened by a browser that has never run before."""
    with tempfile.TemporaryDirectory() as profile:
        command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", *flags, url]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=deadline(), check=True)
    return ran.stdout, re.findall(r"CONSOLE[:(].*", ran.stderr)


def measured(site: Site, pages: list[str], width: int) -> tuple[dict[str, Any], list[str]]:
    """For each page in a frame `width` px wide, every detail opened: what its layout says; and console messages."""
    frames = "".join(f'<iframe src="/{page}" style="border:0;width:{width}px;height:900px"></iframe>' for page in pages)
    script = """
      addEventListener("load", () => {
        const said = [...document.querySelectorAll("iframe")].map(frame => {
          const page = frame.contentDocument, root = page.documentElement;
          page.querySelectorAll("details").forEach(one => one.open = true);
          const name = new URL(frame.src).pathname.slice(1);
          const wide = [...page.body.querySelectorAll("*")].filter(one =>
            !one.closest(".defile, svg") && one.getBoundingClientRect().right > innerWidthOf(frame) + 1);
          return [name, {
            width: innerWidthOf(frame), scroll: root.scrollWidth, height: root.scrollHeight,
            wide: wide.map(one => one.outerHTML.slice(0, 80)),
            background: frame.contentWindow.getComputedStyle(page.body).backgroundColor,
            title: page.title,
            asked: frame.contentWindow.performance.getEntriesByType("resource").map(one => one.name),
          }];
        });
        document.body.textContent = "MEASURED" + JSON.stringify(Object.fromEntries(said)) + "END";
      });
      function innerWidthOf(frame) { return frame.contentWindow.innerWidth; }
    """
    (site.folder / "measure.html").write_text(
        f'<link rel="icon" href="data:,"><body>{frames}<script>{script}</script>', encoding="utf-8"
    )
    dom, console = browse(f"{site.address}/measure.html", "--dump-dom", "--virtual-time-budget=20000")
    found = re.search(r"MEASURED(.*)END", dom, re.DOTALL)
    assert found, dom[:500]
    text = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return json.loads(text), console
