"""Messages in HTML or plain text: their words, and nothing that is not said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.common.html_text import plain_text, shortened


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("Texte simple", "Texte simple"),
        ("<p>Trafic <b>interrompu</b>.</p><p>Reprise&nbsp;à 10h</p>", "Trafic interrompu. Reprise à 10h"),
        ("ligne<br>suivante<br/>et la fin", "ligne suivante et la fin"),
        ("<b>in</b>séparable", "inséparable"),
        ("<ul><li>un</li><li>deux</li></ul>", "un deux"),
        ("l&#39;arr&ecirc;t &amp; la gare", "l'arrêt & la gare"),
        ("<script>alert(1)</script>vu<style>p{}</style>", "vu"),
        ("direction Sartrouville <RER> puis", "direction Sartrouville <RER> puis"),
        ("temps < 5 min", "temps < 5 min"),
        ("<a href='http://x'>lien</a>", "lien"),
        ("<!-- caché -->dit", "dit"),
        ("", ""),
    ],
)
def test_words(html: str, text: str) -> None:
    assert plain_text(html) == text


@given(st.text())
def test_any_text_is_one_line(text: str) -> None:
    found = plain_text(text)
    assert found == " ".join(found.split())


@given(st.text(), st.integers(2, 50))
def test_shortened_never_exceeds_its_limit(text: str, limit: int) -> None:
    found = shortened(text, limit)
    assert len(found) <= limit
    assert found == text or found.endswith("…")


def test_shortened_cuts_at_a_word() -> None:
    assert shortened("un deux trois", 9) == "un deux…"
    assert shortened("un deux", 7) == "un deux"
    assert shortened("indivisible", 5) == "indi…"
