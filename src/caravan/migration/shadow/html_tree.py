"""HTML as a document: attributes without order, white space collapsed, comments left out, structure kept."""

from html.parser import HTMLParser
from typing import Any, Final

from caravan.migration.shadow.documents import Document

__all__ = ["html_document"]

_VOID: Final = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
_CLOSED_BY_SIBLING: Final = frozenset(("li", "p", "td", "th", "tr", "option", "dt", "dd"))
_DEEPEST: Final = 200


class _Tree(HTMLParser):
    """Nests elements as ``{tag: {"@name": value, "inside": […]}}``; a missing end tag closes with its parent."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root: list[Document] = []
        self._open: list[tuple[str, list[Document]]] = [("", self.root)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _CLOSED_BY_SIBLING and self._open[-1][0] == tag:
            self._open.pop()
        inside: list[Document] = []
        element: dict[str, Any] = {
            f"@{name}": _attribute(name, value) for name, value in sorted(attrs, key=str)
        }
        self._open[-1][1].append({tag: element})
        if tag not in _VOID and len(self._open) < _DEEPEST:
            element["inside"] = inside
            self._open.append((tag, inside))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self._open[-1][0] == tag:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth][0] == tag:
                del self._open[depth:]
                return

    def handle_data(self, data: str) -> None:
        if text := " ".join(data.split()):
            self._open[-1][1].append(text)

    def handle_decl(self, decl: str) -> None:
        self._open[-1][1].append(f"<!{' '.join(decl.lower().split())}>")


def _attribute(name: str, value: str | None) -> str | None:
    if value is None:
        return None
    return " ".join(sorted(value.split())) if name == "class" else " ".join(value.split())


def html_document(text: str) -> Document:
    """Parse a page; whatever the bytes, it has a tree."""
    tree = _Tree()
    tree.feed(text)
    tree.close()
    return tree.root
