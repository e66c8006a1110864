"""What the world says of a page: axe-core on accessibility, the Nu checker on HTML; both from tests/support/web."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.support.patience import deadline
from tests.support.web.browser import CHROMIUM, Site, browse

_MODULES = Path(__file__).parent / "node_modules"
_HOW = "npm install --no-package-lock --prefix tests/support/web"
AXE, NU = _MODULES / "axe-core" / "axe.min.js", _MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"
JAVA = shutil.which("java")
needs_axe = pytest.mark.skipif(not AXE.is_file() or CHROMIUM is None, reason=f"no axe-core or no chromium here: {_HOW}")
needs_nu = pytest.mark.skipif(not NU.is_file() or JAVA is None, reason=f"no Nu checker or no Java here: {_HOW}")

# A frame for each page and look: width in px, and what becomes of the page's styles.
LOOKS = {"clair": (1280, "@media screen and (prefers-color-scheme:dark)", "@media not all")} | {
    "sombre": (360, "@media screen and (prefers-color-scheme:dark)", "@media screen")
}
_RUN = """
  addEventListener("load", async () => {
    const found = [];
    for (const frame of document.querySelectorAll("iframe")) {
      const page = frame.contentDocument;
      page.querySelectorAll("details").forEach(one => one.open = true);
      const said = await frame.contentWindow.axe.run(page, {resultTypes: ["violations"], iframes: false});
      for (const one of said.violations)
        for (const node of one.nodes)
          found.push([new URL(frame.src).pathname.slice(1), one.id, node.html.slice(0, 120), node.failureSummary]);
    }
    document.body.textContent = "FOUND" + encodeURIComponent(JSON.stringify(found)) + "END";
  });
"""


def axe_findings(site: Site, pages: Sequence[str]) -> list[list[str]]:
    """Run axe-core on each page in each of LOOKS, every detail open: [page and look, rule, element, what is wrong].

    The pages allow no script, so that copies without their policy are looked at; one browser opens all of them.
    """
    (site.folder / "axe.js").write_bytes(AXE.read_bytes())
    frames = []
    for page in pages:
        text = (site.folder / page).read_text(encoding="utf-8")
        bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', '<script src="/axe.js"></script>', text)
        for look, (width, was, becomes) in LOOKS.items():
            name = f"{look}-{page}"
            (site.folder / name).write_text(bare.replace(was, becomes), encoding="utf-8")
            frames.append(f'<iframe src="/{name}" style="border:0;width:{width}px;height:900px"></iframe>')
    (site.folder / "axe.html").write_text(
        f'<link rel="icon" href="data:,"><body>{"".join(frames)}<script>{_RUN}</script>', encoding="utf-8"
    )
    dom, console = browse(f"{site.address}/axe.html", "--dump-dom", "--virtual-time-budget=600000")
    found = re.search(r"<body>FOUND([^<]*)END", dom)
    assert found, console
    return json.loads(unquote(found[1]))


def html_errors(paths: Sequence[Path]) -> list[str]:
    """Check pages with the Nu checker: page, line and message. It knows less of CSS than browsers do: not heeded."""
    command = [str(JAVA), "-Xss2m", "-XX:TieredStopAtLevel=1", "-jar", str(NU), "--stdout", "--exit-zero-always"]
    words = ["--format", "json", "--filterpattern", "CSS: .*", *map(str, paths)]
    ran = subprocess.run([*command, *words], capture_output=True, text=True, timeout=deadline(), check=True)
    messages: list[dict[str, Any]] = json.loads(ran.stdout)["messages"]
    return [f"{one['url'].rpartition('/')[2]}:{one.get('lastLine')} {one['message']}" for one in messages]
