"""WCAG 2 contrast of every colour pair the pages use, in both themes."""

import re

import pytest

from scripts.report.colours import DARK, GRAPHICS, LIGHT, TEXTS, stylesheet_variables
from tests.conftest import ROOT

TEXT_RATIO, GRAPHIC_RATIO = 4.5, 3.0
TEMPLATES = ROOT / "scripts" / "report" / "templates"


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2, « relative luminance »)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


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


def test_both_themes_have_the_same_names_and_paper_is_light() -> None:
    assert list(LIGHT) == list(DARK)
    light, dark = stylesheet_variables().split("@media screen and (prefers-color-scheme:dark)")
    assert f"--papier:{LIGHT['papier']};" in light
    assert f"--papier:{DARK['papier']};" in dark


def test_the_pages_use_no_colour_but_the_named_ones() -> None:
    tested = {name for pairs in (TEXTS, GRAPHICS) for name, grounds in pairs for name in (name, *grounds)}
    for path in [*TEMPLATES.iterdir(), *ROOT.glob("scripts/report/svg_*.py")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b|rgba?\(", text), path
        used = set(re.findall(r"var\(--([a-z_]+)\)", text))
        assert used <= tested | {"filet"}, path  # filet: hairlines that only decorate
