"""Takes secrets out of a body by its type; what cannot be looked through is not kept."""

import json
import re
import zlib
from typing import Final

from caravan.migration.exchange import Body, Headers, first_header
from caravan.migration.recording.redaction.forms import redact_multipart, redact_pairs
from caravan.migration.recording.redaction.json_body import redact_json
from caravan.migration.recording.redaction.placeholders import Placeholders
from caravan.migration.recording.redaction.rules import RedactionRules, is_secret_name
from caravan.migration.recording.redaction.tables import redact_table
from caravan.migration.recording.redaction.text import TextRedactor

__all__ = ["BodyRedactor"]

_TEXT: Final = re.compile(
    r"text/|.*[/+](json|xml|yaml|javascript|ndjson|graphql|x-www-form-urlencoded|csv)\b", re.IGNORECASE
)
_FORM: Final = re.compile(r"[\w.%+\[\]-]+=[^\s]*")
_CHARSET: Final = re.compile(r"charset=\"?([\w-]+)", re.IGNORECASE)
_MOST: Final = 16 * 1024 * 1024  # bytes that a compressed body may grow to
_ANY_ZLIB: Final = 47  # zlib: gzip or zlib header, largest window
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")


class BodyRedactor:
    """Redacts bodies. Texts stay, in the clear; what is binary, or compressed in a way we cannot read, keeps its length alone."""

    def __init__(self, rules: RedactionRules, marks: Placeholders, free_text: TextRedactor) -> None:
        self._rules, self._marks, self._free = rules, marks, free_text

    def redact(self, body: Body, headers: Headers) -> Body:
        """Return the body to store; its hash is that of what is stored, or a keyed one where nothing is."""
        if body.content is None:
            return self._without_content(body)
        if not body.content:
            return body
        content = _inflated(body.content, (first_header(headers, "content-encoding") or "").lower().strip())
        kept = (
            None if content is None else self._content(content, first_header(headers, "content-type") or "")
        )
        if kept is None:
            return self._without_content(body)
        return body if kept == body.content else Body.of(kept)

    def _without_content(self, body: Body) -> Body:
        """A plain hash of a short body could be guessed back."""
        return Body(None, body.length, self._marks.digest(body.sha256) if body.sha256 else b"")

    def _content(self, content: bytes, content_type: str) -> bytes | None:
        kind = content_type.lower()
        if kind.startswith("multipart/form-data"):
            return redact_multipart(content, content_type, self._is_secret_field, self._marks, self._free)
        charset = (found := _CHARSET.search(content_type)) and found[1]
        text, encoding = _decoded(content, charset or "utf-8")
        if "\0" in text:  # compressed or in another encoding than it says: nobody can look through it
            return None
        if not _TEXT.match(kind) and (
            (kind and not kind.startswith("application/octet-stream")) or _CONTROL.search(text)
        ):
            return None
        kept = self._text(text, kind)
        return content if kept == text else kept.encode(encoding, "replace")

    def _text(self, text: str, kind: str) -> str:
        if ("json" in kind or text.lstrip()[:1] in {"{", "["}) and _is_json(text):
            return redact_json(text, self._rules, self._marks, self._free)
        if "x-www-form-urlencoded" in kind or (not kind and _FORM.fullmatch(text)):
            return redact_pairs(text, self._is_secret_field, self._marks, self._free)
        if "csv" in kind:
            text = redact_table(text, self._is_secret_field, self._marks)
        return self._free.redact(text)

    def _is_secret_field(self, name: str) -> bool:
        return is_secret_name(name) or self._rules.is_declared((name,))


def _is_json(text: str) -> bool:
    try:
        json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return False
    return True


def _decoded(content: bytes, charset: str) -> tuple[str, str]:
    """Return the text and the encoding that gives its bytes back."""
    for encoding in (charset, "utf-8"):
        try:
            return content.decode(encoding), encoding
        except (LookupError, UnicodeDecodeError):
            continue
    return content.decode("latin-1"), "latin-1"


def _inflated(content: bytes, encoding: str) -> bytes | None:
    """Return the body in the clear; None when we cannot, or when it would grow without end."""
    if encoding in {"", "identity"}:
        return content
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        return None
    for window in (_ANY_ZLIB, -15):  # some servers send deflate without its header
        stream = zlib.decompressobj(window)
        try:
            out = stream.decompress(content, _MOST)
        except zlib.error:
            continue
        return None if stream.unconsumed_tail else out
    return None
