"""The pages in a real headless Chromium: nothing in the console, nothing asked, nothing too wide, A4 on paper."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.common.settings import Settings
from scripts import generate_history
from scripts.report.history.month_page import month_page
from tests.scripts.report.history.test_month import figures
from tests.scripts.report.test_colours import DARK, LIGHT
from tests.support import report_days
from tests.support.cases import shortened
from tests.support.report_days import changed_day
from tests.support.web.browser import Site, browse, measured, needs_browser, served
from tests.support.web.standards import axe_findings, html_errors, needs_axe, needs_nu

pytestmark = needs_browser

DAYS = {
    change.__name__: change
    for change in (
        report_days.full,
        report_days.partial,
        report_days.without_roads,
        report_days.many_works,
        report_days.heavy,
        report_days.hostile,
    )
}
MONTHS = ["month.html", "begun.html"]
PAGES = [f"{name}.html" for name in DAYS] + ["index.html", *MONTHS]
STANDARD = ["full.html", "index.html", "month.html"]  # looked at by axe-core and the Nu checker
PHONE = 360  # px
A4_WIDTH = 703  # px, between the margins


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, two_tuesdays: Settings) -> Iterator[Site]:
    """The page of each kind of day, of all days, of a month and of one that has begun."""
    root = tmp_path_factory.mktemp("browser")
    folder = root / "site"
    folder.mkdir()
    for name, change in DAYS.items():
        changed_day(two_tuesdays, root / name, change).rename(folder / f"{name}.html")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OUTPUT_DIR", str(two_tuesdays.output_dir))
        environment.setenv("CITYFLOW_STORE", "local_files")
        assert generate_history.main(["-q"]) == 0
    for name, shown in (("index", "index"), ("monthly_report_2025-11", "begun")):
        (two_tuesdays.output_dir / "reports" / f"{name}.html").rename(folder / f"{shown}.html")
    (folder / "month.html").write_bytes(month_page(figures()))
    with served(folder) as site:
        yield site


def rgb(colour: str) -> str:
    return f"rgb({int(colour[1:3], 16)}, {int(colour[3:5], 16)}, {int(colour[5:7], 16)})"


def test_the_tests_see_a_bad_page_as_bad(tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text(
        '<body><img src="/lost.png"><div style="width:500px">.</div><script>console.error("control")</script>'
        '<img src="http://elsewhere.example/x.png">'
    )
    with served(tmp_path) as site:
        found, console = measured(site, ["bad.html"], PHONE)
        assert "/lost.png" in " ".join(site.asked)
    assert found["bad.html"]["scroll"] > PHONE
    assert len(found["bad.html"]["wide"]) == 1
    assert any("control" in line for line in console)
    assert [name.split("/")[-1] for name in found["bad.html"]["asked"]] == ["lost.png", "x.png"]


def test_on_a_phone_nothing_is_wider_than_the_screen_and_nothing_is_said_or_asked(site: Site) -> None:
    site.asked.clear()
    found, console = measured(site, PAGES, PHONE)
    assert console == []
    assert sorted(set(site.asked)) == sorted(["/measure.html", *(f"/{page}" for page in PAGES)])
    for page, layout in found.items():
        assert (layout["width"], layout["scroll"], layout["wide"]) == (PHONE, PHONE, []), (page, layout["wide"])
        assert layout["asked"] == [], page
        assert layout["height"] > 1000, page
        assert layout["title"].startswith("Mobilité à Paris"), page
        assert layout["background"] == rgb(LIGHT["papier"])


def test_opened_alone_the_page_asks_for_nothing_else(site: Site) -> None:
    site.asked.clear()
    dom, console = browse(f"{site.address}/full.html", "--dump-dom")
    assert console == []
    assert site.asked == ["/full.html"]
    assert "<h1>Mardi 4 novembre 2025</h1>" in dom


def test_a_reader_who_prefers_dark_gets_dark(site: Site) -> None:
    dark = "--blink-settings=preferredColorScheme=0"
    (site.folder / "dark.html").write_text(
        '<link rel="icon" href="data:,"><body><iframe src="/full.html"></iframe><script>'
        'onload=()=>{let frame=document.querySelector("iframe").contentWindow;'
        "document.body.textContent=frame.getComputedStyle(frame.document.body).backgroundColor}</script>"
    )
    dom, console = browse(f"{site.address}/dark.html", dark, "--dump-dom", "--virtual-time-budget=10000")
    assert console == []
    assert rgb(DARK["papier"]) in dom


def test_an_hour_chosen_above_the_map_colours_its_arcs_without_a_script(site: Site) -> None:
    (site.folder / "hours.html").write_text(
        '<link rel="icon" href="data:,"><body><iframe src="/full.html"></iframe><script>onload=()=>{'
        "let frame=document.querySelector('iframe').contentWindow,page=frame.document,found=[];"
        "for(let id of ['m-jour','m-1']){page.getElementById(id).checked=true;"
        "for(let css of ['.arc.fluide.a2','.arc.fluide.a1','.n-jour','.n-1']){let one=page.querySelector(css);"
        "let style=frame.getComputedStyle(one);found.push(style.stroke=='none'?style.display:style.stroke)}}"
        "document.body.textContent='FOUND'+JSON.stringify(found)+'END'}</script>"
    )
    dom, _ = browse(f"{site.address}/hours.html", "--dump-dom", "--virtual-time-budget=10000")
    found = re.search(r"FOUND(.*)END", dom)
    assert found, dom[:500]
    calm, slower = rgb(LIGHT["fluide"]), rgb(LIGHT["presature"])
    assert json.loads(found[1]) == [calm, calm, "inline", "none", slower, calm, "none", "inline"]


SMALLEST = """
onload = () => document.body.textContent = "SMALLEST" + JSON.stringify([...document.querySelectorAll("iframe")].map(
  one => smallest(one.contentWindow))) + "END";
function smallest(frame) {
  const page = frame.document, found = {};
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement, box = one.getBoundingClientRect();
    if (!walker.currentNode.data.trim() || !box.width || one.closest("title, .vu, .saut, script, style")) continue;
    const scale = one.ownerSVGElement ? one.getScreenCTM().a : 1;
    const px = parseFloat(frame.getComputedStyle(one).fontSize) * scale;
    const kind = one.ownerSVGElement ? one.ownerSVGElement.classList[0] : "texte";
    found[kind] = Math.min(found[kind] ?? 99, px);
  }
  return found;
}"""


def smallest_texts(site: Site, *frames: tuple[str, int]) -> list[dict[str, float]]:
    """The smallest font (px) that is drawn of each page at its width: of the text, and of each kind of drawing."""
    shown = "".join(f'<iframe src="/{page}" style="width:{width}px;height:900px"></iframe>' for page, width in frames)
    (site.folder / "smallest.html").write_text(
        f'<link rel="icon" href="data:,"><body>{shown}<script>{SMALLEST}</script>', encoding="utf-8"
    )
    dom, _ = browse(f"{site.address}/smallest.html", "--dump-dom", "--virtual-time-budget=10000")
    found = re.search(r"SMALLEST(\[.*\])END", dom)
    assert found, dom[:500]
    smallest = list(json.loads(found[1]))
    assert len(smallest) == len(frames)
    return smallest


def test_on_paper_no_text_is_below_7_points(site: Site) -> None:
    pages = ("full.html", "heavy.html")
    for page in pages:
        text = (site.folder / page).read_text(encoding="utf-8")
        assert text.count("@media print{") == 1
        (site.folder / f"paper-{page}").write_text(
            text.replace("@media print{", "@media all{").replace("@media screen", "@media not all"), encoding="utf-8"
        )
    for found in smallest_texts(site, *((f"paper-{page}", A4_WIDTH) for page in pages)):
        assert {"texte", "carte", "graphique"} <= set(found)
        assert {kind: px for kind, px in found.items() if px < 7 * 96 / 72} == {}


def test_on_a_screen_the_words_of_charts_and_map_are_12_pixels_at_least(site: Site) -> None:
    for found in smallest_texts(site, *(("full.html", width) for width in (360, 760, 1280))):
        assert {kind: px for kind, px in found.items() if px < 11.9} == {}
        assert {"texte", "carte", "graphique"} <= set(found)


@pytest.mark.parametrize("page", shortened(["full.html", "heavy.html"], ["heavy.html"]))
def test_on_paper_a_day_takes_two_to_four_a4_pages(site: Site, tmp_path: Path, page: str) -> None:
    pdf = tmp_path / "page.pdf"
    browse(f"{site.address}/{page}", f"--print-to-pdf={pdf}", "--no-pdf-header-footer")
    content = pdf.read_bytes()
    sheets = re.findall(rb"/Type /Page\b(?!s)", content)
    assert 2 <= len(sheets) <= 4
    for box in re.findall(rb"/MediaBox \[([^\]]*)\]", content):
        assert [float(side) for side in box.split()] == pytest.approx([0, 0, 595, 842], abs=1)


def test_on_paper_a_month_takes_two_a4_pages(site: Site, tmp_path: Path) -> None:
    pdf = tmp_path / "page.pdf"
    browse(f"{site.address}/month.html", f"--print-to-pdf={pdf}", "--no-pdf-header-footer")
    assert len(re.findall(rb"/Type /Page\b(?!s)", pdf.read_bytes())) == 2


@needs_axe
def test_axe_finds_no_violation_in_light_on_a_desk_and_in_dark_on_a_phone(site: Site) -> None:
    policy = '<meta http-equiv="Content-Security-Policy" content="">'
    (site.folder / "bad.html").write_text(
        f"{policy}<title>x</title><main><img src='data:,'><p style='color:#ccc'>Des mots</p></main>"
    )
    found = axe_findings(site, ["bad.html", *STANDARD])
    seen = {rule for page, rule, *_ in found if page == "clair-bad.html"}
    assert {"image-alt", "html-has-lang", "color-contrast"} <= seen  # the test sees a bad page as bad
    assert [one for one in found if "bad.html" not in one[0]] == []


@needs_nu
def test_the_html_of_every_page_is_valid(site: Site) -> None:
    (site.folder / "bad.html").write_text("<!DOCTYPE html><html lang=fr><title>x</title><p><div></p>")
    errors = html_errors([site.folder / name for name in ("bad.html", *STANDARD)])
    assert [one for one in errors if one.startswith("bad.html")] != []
    assert [one for one in errors if not one.startswith("bad.html")] == []
