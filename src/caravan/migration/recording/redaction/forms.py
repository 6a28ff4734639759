"""Takes secrets out of queries, URL-encoded forms and multipart forms, by name and by shape."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from caravan.migration.recording.redaction.placeholders import Placeholders
from caravan.migration.recording.redaction.text import TextRedactor

__all__ = ["redact_multipart", "redact_pairs"]

_BOUNDARY: Final = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)
_PART_NAME: Final = re.compile(rb'[; ]name="?([^";\r\n]*)"?', re.IGNORECASE)
_FILE: Final = re.compile(rb"[; ]filename\*?=", re.IGNORECASE)


def redact_pairs(
    encoded: str, is_secret: Callable[[str], bool], marks: Placeholders, free_text: TextRedactor
) -> str:
    """Return ``name=value&…`` with a mark for each secret; pairs without one stay as they were written."""
    return "&".join(_pair(pair, is_secret, marks, free_text) for pair in encoded.split("&"))


def _pair(pair: str, is_secret: Callable[[str], bool], marks: Placeholders, free_text: TextRedactor) -> str:
    name, separator, value = pair.partition("=")
    plain_name, plain = unquote_plus(name), unquote_plus(value)
    if not separator:
        kept = free_text.redact(plain_name)
        return pair if kept == plain_name else quote_plus(kept, safe="~.")
    inner = plain_name.replace("]", "").split("[")  # user[password], as PHP and Rails write it
    if plain and (is_secret(plain_name) or is_secret(inner[-1] or inner[0])):
        return f"{name}={marks.text('secret', plain)}"
    kept = free_text.redact(plain)
    return pair if kept == plain else f"{name}={quote_plus(kept, safe='~.')}"


def redact_multipart(
    content: bytes,
    content_type: str,
    is_secret: Callable[[str], bool],
    marks: Placeholders,
    free_text: TextRedactor,
) -> bytes | None:
    """Return the form with marks, and without the content of its files; None when it is not well-formed."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        return None
    line = b"--" + found[1].strip().encode("latin-1", "replace")
    parts = content.split(line)
    if len(parts) < 3 or not parts[-1].startswith(b"--"):  # noqa: PLR2004 - preamble, one part, end
        return None
    kept = [_part(part, is_secret, marks, free_text) for part in parts[1:-1]]
    return line.join([b"", *kept, b"--\r\n"])


def _part(
    part: bytes, is_secret: Callable[[str], bool], marks: Placeholders, free_text: TextRedactor
) -> bytes:
    head, separator, value = part.partition(b"\r\n\r\n")
    if _FILE.search(head):
        return head + separator + b"\r\n"  # a file's bytes cannot be looked through
    name = _PART_NAME.search(head)
    text = value.removesuffix(b"\r\n").decode("utf-8", "replace")
    secret = name is not None and is_secret(name[1].decode("utf-8", "replace"))
    kept = marks.text("secret", text) if secret and text else free_text.redact(text)
    return head + separator + kept.encode() + b"\r\n"
