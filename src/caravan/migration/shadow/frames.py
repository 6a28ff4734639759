"""Cuts a stream's body into frames: events of an event stream, lines of newline-delimited JSON.

Event streams: WHATWG HTML, section "Server-sent events", parsing an event stream.
"""

import re
from typing import Final

from caravan.migration.shadow.documents import Document, read_json

__all__ = ["event_frames", "line_frames"]

_LINE_END: Final = re.compile(r"\r\n|\n|\r")


def event_frames(text: str) -> list[Document]:
    """One object per event: ``event``, ``id``, ``retry`` as sent, ``data`` as JSON where it is JSON. Comments are left out."""
    frames: list[Document] = []
    fields: dict[str, list[str]] = {}
    for line in _LINE_END.split(text.removeprefix("\ufeff")):
        if not line:
            if fields:
                frames.append(_event(fields))
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
    if fields:  # a stream that was cut off: the half event is part of what was sent
        frames.append(_event(fields | {"unfinished": ["yes"]}))
    return frames


def line_frames(text: str) -> list[Document]:
    """One document per line that is not empty; a line that is no JSON stays text."""
    return [_json_or_text(line) for line in _LINE_END.split(text) if line.strip()]


def _event(fields: dict[str, list[str]]) -> Document:
    return {
        name: _json_or_text("\n".join(values)) if name == "data" else values[-1]
        for name, values in fields.items()
    }


def _json_or_text(text: str) -> Document:
    try:
        return read_json(text)
    except ValueError:
        return text
