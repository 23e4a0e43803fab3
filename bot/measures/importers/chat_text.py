"""HTML of other systems, safely reduced to the plain text of a chat message."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nh3

TAGS = {
    *("a", "br", "p", "div", "ul", "ol", "li", "table", "tr", "td", "th", "blockquote"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "hr"),
}
_BLOCKS = TAGS - {"a", "br", "td", "th", "li"}
SCHEMES = {"http", "https", "mailto", "tel"}
MAXIMUM_HTML = 1_000_000


def chat_text(html: str) -> str:
    """The words of a page in lines; links keep their address, lists their points.

    Scripts, styles, pictures and everything else are dropped with their content or their
    tags. Of endless pages the beginning is read.
    """
    clean = nh3.clean(
        html[:MAXIMUM_HTML],
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes=SCHEMES,
        link_rel=None,
    )
    writer = _Writer()
    writer.feed(clean)
    writer.close()
    return writer.text()


class _Writer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._link: str | None = None
        self._link_start = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br" or tag in _BLOCKS:
            self._parts.append("\n")
        elif tag == "li":
            self._parts.append("\n• ")
        elif tag in ("td", "th"):
            self._parts.append(" ")
        elif tag == "a":
            self._link, self._link_start = dict(attrs).get("href"), len(self._parts)

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._parts.append("\n")
        elif tag == "a" and self._link:
            shown = "".join(self._parts[self._link_start :]).strip()
            target = re.sub(r"^(?:mailto|tel):", "", self._link)
            if shown and target.rstrip("/") not in shown:
                self._parts.append(f" ({target})")
            self._link = None

    def handle_data(self, data: str) -> None:
        self._parts.append(re.sub(r"\s+", " ", data.replace("\x00", "")))

    def text(self) -> str:
        """The lines, without empty ones and needless spaces."""
        lines = (re.sub(r"\s+", " ", line).strip() for line in "".join(self._parts).split("\n"))
        return "\n".join(line for line in lines if line and line != "•")
