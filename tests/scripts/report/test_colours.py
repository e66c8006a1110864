"""WCAG 2 contrast of every colour pair the pages use, in both themes: text 4.5:1, graphics 3:1.

A state of traffic never rests on its colour alone: it also has a width, dashes or a mark.
"""

import re
from itertools import pairwise
from math import atan2, cos, degrees, exp, hypot, radians, sin, sqrt

import numpy as np
import pytest

from tests.conftest import ROOT

TEXT_RATIO, GRAPHIC_RATIO = 4.5, 3.0
TEMPLATES = ROOT / "scripts" / "report" / "templates"
THEMES = (
    (TEMPLATES / "colours.css.j2").read_text(encoding="utf-8").split("@media screen and (prefers-color-scheme:dark)")
)
LIGHT, DARK = (dict(re.findall(r"--(\w+):(#[0-9a-f]{6});", theme)) for theme in THEMES)

SURFACES = ("papier", "carte")
STATES = ("fluide", "presature", "sature", "bloque")  # from the one nearest to the surface to the farthest
ON_TRACK = ("presature", "sature", "chantier", "alerte")  # bars, drawn on a track of « trame » as well
# (foreground, the backgrounds it is used on)
TEXTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("second", ("fleuve", "bois")),
    *((name, SURFACES) for name in ("encre", "second", "lien", "pluie", "temperature", "bon", "moyen", "mauvais")),
    ("avis_encre", ("avis",)),
)
GRAPHICS: tuple[tuple[str, tuple[str, ...]], ...] = tuple(
    (name, (*SURFACES, "trame") if name in ON_TRACK else SURFACES)
    for name in (
        "routes", "velos", "habituel", "pluie", "temperature", "fluide", "presature", "sature", "bloque", "inconnu",
        "contour", "chantier", "alerte",
    )
)  # fmt: skip

LEAST_DIFFERENCE = 15  # ΔE00 between one state of traffic and the next
# Linear RGB as a dichromat sees it (Machado, Oliveira and Fernandes 2009, severity 1.0).
SIGHTS = {
    "trichromate": np.eye(3),
    "deutéranope": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanope": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])  # D65


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2, « relative luminance »)."""
    return float(np.array([0.2126, 0.7152, 0.0722]) @ linear(colour))


def lab(colour: str, sight: str) -> tuple[float, float, float]:
    """CIE L*a*b* of a colour as that sight has it."""
    xyz = XYZ @ np.clip(SIGHTS[sight] @ linear(colour), 0, 1) / WHITE
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def difference(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """CIEDE2000 (Sharma, Wu and Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (hypot(a1, b1) + hypot(a2, b2)) / 2
    stretch = 1 + 0.5 * (1 - sqrt(mean**7 / (mean**7 + 25**7)))
    (c1, h1), (c2, h2) = [
        (hypot(a * stretch, b), degrees(atan2(b, a * stretch)) % 360) for a, b in ((a1, b1), (a2, b2))
    ]
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    hue = radians(h1 + turn / 2)
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    t = 1 - 0.17 * cos(hue - radians(30)) + 0.24 * cos(2 * hue) + 0.32 * cos(3 * hue + radians(6))
    t -= 0.20 * cos(4 * hue - radians(63))
    dl = (l2 - l1) / (1 + 0.015 * (light - 50) ** 2 / sqrt(20 + (light - 50) ** 2))
    dc = (c2 - c1) / (1 + 0.045 * chroma)
    dh = 2 * sqrt(c1 * c2) * sin(radians(turn) / 2) / (1 + 0.015 * chroma * t)
    bend = 30 * exp(-(((degrees(hue) % 360 - 275) / 25) ** 2))
    cross = -2 * sqrt(chroma**7 / (chroma**7 + 25**7)) * sin(radians(2 * bend))
    return sqrt(dl**2 + dc**2 + dh**2 + cross * dc * dh)


def ratio(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_ratio_is_the_one_of_the_standard() -> None:
    assert ratio("#000000", "#ffffff") == pytest.approx(21)
    assert ratio("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["clair", "sombre"])
def test_every_pair_is_seen(theme: dict[str, str]) -> None:
    asked = [(TEXT_RATIO, TEXTS), (GRAPHIC_RATIO, GRAPHICS)]
    weak = [
        f"{name} sur {ground} : {ratio(theme[name], theme[ground]):.2f} < {least}"
        for least, pairs in asked
        for name, grounds in pairs
        for ground in grounds
        if ratio(theme[name], theme[ground]) < least
    ]
    assert weak == []


def test_the_difference_is_the_one_of_the_paper() -> None:
    """Pairs 1, 13 and 17 of table 1 of Sharma, Wu and Dalal."""
    for one, other, known in (
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -0.0010, 2.4900), (50, 0.0011, -2.4900), 4.7461),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ):
        assert difference(one, other) == pytest.approx(known, abs=1e-4)


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["clair", "sombre"])
def test_states_lie_in_the_order_of_lightness_and_apart_for_every_sight(theme: dict[str, str], sight: str) -> None:
    seen = [lab(theme[name], sight) for name in STATES]
    lightness = [light for light, *_ in seen]
    assert lightness == sorted(lightness, reverse=theme is LIGHT)
    assert [round(difference(*pair), 1) for pair in pairwise(seen) if difference(*pair) < LEAST_DIFFERENCE] == []


def test_both_themes_have_the_same_names_and_are_in_the_page() -> None:
    assert len(LIGHT) == 27 and list(LIGHT) == list(DARK)
    assert '{% include "colours.css.j2" %}' in (TEMPLATES / "page.html.j2").read_text(encoding="utf-8")


def test_the_pages_use_no_colour_but_the_named_ones() -> None:
    tested = {name for pairs in (TEXTS, GRAPHICS) for name, grounds in pairs for name in (name, *grounds)}
    for path in {*TEMPLATES.iterdir(), *ROOT.glob("scripts/report/**/*.py")} - {TEMPLATES / "colours.css.j2"}:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b|rgba?\(", text), path
        used = set(re.findall(r"var\(--([a-z_]+)\)", text)) - set(re.findall(r"[{;]--([a-z]+):", text))
        assert used <= tested | {"filet"}, path  # filet: hairlines that only decorate
