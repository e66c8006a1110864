"""The text of a message written in HTML, as the disruption sources send it."""

from html.parser import HTMLParser

INLINE = frozenset(
    (
        "a", "abbr", "b", "big", "code", "em", "font", "i", "label", "mark", "s", "small", "span", "strike",
        "strong", "sub", "sup", "tt", "u",
    )
)  # fmt: skip
BLOCK = frozenset(
    (
        "article", "blockquote", "body", "br", "center", "dd", "div", "dl", "dt", "footer", "h1", "h2", "h3",
        "h4", "h5", "h6", "head", "header", "hr", "html", "img", "li", "main", "nav", "ol", "p", "pre",
        "section", "table", "tbody", "td", "tfoot", "th", "thead", "title", "tr", "ul",
    )
)  # fmt: skip
HIDDEN = frozenset(("script", "style"))


def plain_text(text: str) -> str:
    """Extract the words of HTML or plain text on one line, with what only looks like a tag (« Sartrouville <RER> »)."""
    parser = _Words()
    parser.feed(text)
    parser.close()
    return " ".join("".join(parser.parts).split())


def shortened(text: str, limit: int) -> str:
    """Cut the text at a word, to `limit` characters at most; an ellipsis marks the cut."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    return (cut.rpartition(" ")[0] or cut) + "…"


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in HIDDEN:
            self.hidden += 1
        elif tag in BLOCK:
            self.parts.append(" ")
        elif tag not in INLINE:
            self.handle_data(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in HIDDEN:
            self.hidden = max(self.hidden - 1, 0)
        elif tag in BLOCK:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)
