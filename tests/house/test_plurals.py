"""« 1 jours » is what a person reads once and remembers: a number and its noun agree, wherever a message counts."""

import ast
import re
from itertools import pairwise

import pytest

from lib.common.text import agreed, counted
from tests.conftest import ROOT

MODULES = sorted([*ROOT.glob("lib/**/*.py"), *ROOT.glob("scripts/**/*.py"), *ROOT.glob("*.py")])
NOUNS = re.compile(r"^ [a-zéèàêç]{3,}[sx]\b")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 jour récent"), (1, "1 jour récent"), (2, "2 jours récents"), (-3, "-3 jours récents")],
)
def test_french_has_the_singular_below_two(count: int, text: str) -> None:
    assert counted(count, "jour récent") == text


def test_a_plural_of_its_own_is_given() -> None:
    assert counted(2, "chantier a", "chantiers ont") == "2 chantiers ont"
    assert (agreed(1.5, "million"), agreed(2, "tel quel")) == ("million", "tels quels")


def fixed_plurals(text: str) -> list[str]:
    """What stands after {len(…)}, {sum(…)} or {… - …} in an f-string and is a plural whatever the number."""
    found = []
    for node in ast.walk(ast.parse(text)):
        parts = node.values if isinstance(node, ast.JoinedStr) else []
        for value, after in pairwise(parts):
            counts = isinstance(value, ast.FormattedValue) and (
                (isinstance(value.value, ast.BinOp) and isinstance(value.value.op, ast.Sub))
                or (isinstance(value.value, ast.Call) and ast.unparse(value.value.func) in ("len", "sum"))
            )
            if counts and isinstance(after, ast.Constant) and (noun := NOUNS.match(str(after.value))):
                found.append(noun[0])
    return found


def test_no_message_counts_with_a_fixed_plural() -> None:
    assert fixed_plurals('f"{len(days)} jours, {sum(sizes)} octets, {day} mises"') == [
        " jours",
        " octets",
    ]
    found = {str(path.relative_to(ROOT)): fixed_plurals(path.read_text(encoding="utf-8")) for path in MODULES}
    assert {name: nouns for name, nouns in found.items() if nouns} == {}
