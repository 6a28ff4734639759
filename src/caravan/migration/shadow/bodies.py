"""Turns the body of an answer into a document, by its content type; what has no form is known by its hash."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

from caravan.migration.exchange import Answer, Body, first_header
from caravan.migration.shadow.documents import Document, number, read_json
from caravan.migration.shadow.frames import event_frames, line_frames
from caravan.migration.shadow.html_tree import html_document

__all__ = ["Part", "body_part"]

MOST_INFLATED: Final = 16 * 1024 * 1024
_LINES: Final = frozenset(
    ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-seq")
)
_TEXTS: Final = frozenset(
    ("application/xml", "application/javascript", "application/yaml", "application/sql")
)


@dataclass(frozen=True, slots=True)
class Part:
    """``root`` starts the paths within: ``$`` JSON, ``form``, ``html``, ``text``, ``events``, ``lines``, ``bytes``, ``body``."""

    root: str
    document: Document


def body_part(answer: Answer) -> Part:
    """Return the body as a document. An empty one is ``body``, one too long to keep or without a form is ``bytes``."""
    if answer.body.length == 0:
        return Part("body", "")
    content = _plain(answer.body, first_header(answer.headers, "content-encoding"))
    if content is None:
        return _bytes(answer.body)
    media, charset = _media_and_charset(
        first_header(answer.headers, "content-type") or "application/octet-stream"
    )
    try:
        text = content.decode(charset)
    except (UnicodeDecodeError, LookupError):
        return _bytes(Body.of(content))
    return _text_part(media, text) or _bytes(Body.of(content))


@lru_cache(maxsize=1_000)
def _media_and_charset(content_type: str) -> tuple[str, str]:
    message = Message()
    message["content-type"] = content_type
    return message.get_content_type(), message.get_content_charset("utf-8")


def _text_part(media: str, text: str) -> Part | None:
    if (read := _FORMS.get(media)) is not None:
        return read(text)
    if media.endswith("+json"):
        return _json(text)
    if media.startswith("text/") or media in _TEXTS or media.endswith("+xml"):
        return _json(text) if text[:1] in {"{", "["} else _text(text)
    return None


def _json(text: str) -> Part:
    try:
        return Part("$", read_json(text.removeprefix("\ufeff")))
    except ValueError:
        return _text(text)


def _text(text: str) -> Part:
    """Lines without the white space at their ends and at the end of the whole."""
    return Part("text", [line.rstrip() for line in text.rstrip().splitlines()])


def _form(text: str) -> Document:
    form: dict[str, list[str]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        form.setdefault(name, []).append(value)
    return dict(form)


def _bytes(body: Body) -> Part:
    return Part("bytes", {"sha256": body.sha256.hex(), "length": number(str(body.length))})


def _lines(text: str) -> Part:
    return Part("lines", line_frames(text))


def _html(text: str) -> Part:
    return Part("html", html_document(text))


_FORMS: Final[dict[str, Callable[[str], Part]]] = {
    "application/json": _json,
    "application/x-ndjson": _lines,
    "application/ndjson": _lines,
    "application/jsonl": _lines,
    "text/event-stream": lambda text: Part("events", event_frames(text)),
    "application/x-www-form-urlencoded": lambda text: Part("form", _form(text)),
    "text/html": _html,
    "application/xhtml+xml": _html,
}


def _plain(body: Body, encoding: str | None) -> bytes | None:
    """Undo gzip and deflate; None for what was not kept, is coded otherwise or unfolds beyond the bound."""
    encoding = (encoding or "identity").strip().lower()
    if body.content is None or encoding == "identity":
        return body.content
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        return None
    inflate = zlib.decompressobj(wbits=47)  # 32 + 15: gzip or zlib, told from its head
    try:
        content = inflate.decompress(body.content, MOST_INFLATED)
    except zlib.error:
        return None
    return None if inflate.unconsumed_tail else content
