"""HTTP Archive 1.2, streamed: an archive of any size is read entry by entry.

Format: http://www.softwareishard.com/blog/har-12-spec/. Bodies stand there decoded, so their Content-Encoding is dropped.
"""

import base64
import binascii
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import ijson

from caravan.core.ids import uuid7
from caravan.migration.exchange import NO_BODY, Answer, Body, Exchange, Headers, Request
from caravan.migration.recording.imports.opened import opened
from caravan.migration.recording.imports.refused import Refused

__all__ = ["har_exchanges"]

_TAG: Final = ("har",)


class _WrongError(Exception):
    """An entry that is no exchange; the message says why."""


def har_exchanges(path: Path, *, host: str | None = None) -> Iterator[Exchange | Refused]:
    """Yield the entries in order. With ``host`` (as in a URL, port included) entries of others are refused.

    Raises:
        ImportUnreadable: the file cannot be opened.
    """
    number = 0
    with opened(path) as file:
        try:
            for entry in ijson.items(file, "log.entries.item", use_float=True):
                number += 1
                yield _entry(entry, number, host)
        except (ijson.JSONError, UnicodeDecodeError, EOFError, zlib.error, OSError) as error:
            yield Refused(
                number + 1, f"the file is broken here, and what follows is not read ({type(error).__name__})"
            )


def _entry(entry: object, number: int, host: str | None) -> Exchange | Refused:
    try:
        return _exchange(_table(entry, "the entry"), host)
    except _WrongError as error:
        return Refused(number, str(error))


def _exchange(entry: Mapping[str, Any], host: str | None) -> Exchange:
    asked, answered = _table(entry.get("request"), "request"), _table(entry.get("response"), "response")
    request = _request(asked, host)
    return Exchange(
        id=uuid7(),
        at=_moment(entry.get("startedDateTime")),
        request=request,
        answer=_answer(answered, _seconds(entry.get("time"))),
        tags=_TAG,
    )


def _request(asked: Mapping[str, Any], host: str | None) -> Request:
    method, url = asked.get("method"), asked.get("url")
    if not isinstance(method, str) or not method.isascii() or not method.isalpha():
        raise _WrongError("request.method is no method")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise _WrongError("request.url is no http or https URL")
    try:
        place = urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        raise _WrongError("request.url cannot be read") from None
    if host is not None and place.lower() != host.lower():
        raise _WrongError("another host")
    rest = url.partition("://")[2].partition("#")[0]
    target = rest[min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest)) :]
    return Request(
        method.upper(), target if target.startswith("/") else f"/{target}", _headers(asked), _posted(asked)
    )


def _posted(asked: Mapping[str, Any]) -> Body:
    posted = asked.get("postData")
    if not isinstance(posted, dict):
        size = asked.get("bodySize")
        return Body(None, size, b"") if isinstance(size, int) and size > 0 else NO_BODY
    if isinstance(text := posted.get("text"), str) and text:
        return Body.of(text.encode("utf-8", "surrogatepass"))
    pairs = [
        (str(pair.get("name", "")), str(pair.get("value", "")))
        for pair in posted.get("params") or ()
        if isinstance(pair, dict)
    ]
    return Body.of(urlencode(pairs).encode()) if pairs else NO_BODY


def _answer(answered: Mapping[str, Any], seconds: float) -> Answer:
    status = answered.get("status")
    if not isinstance(status, int) or not (status == 0 or 100 <= status <= 999):  # noqa: PLR2004 - three digits
        raise _WrongError("response.status is no status")
    failure = (_text(answered.get("_error")) or "no answer in the archive") if status == 0 else None
    return Answer(status, _headers(answered), _content(answered.get("content")), seconds, failure)


def _content(content: object) -> Body:
    if not isinstance(content, dict):
        return NO_BODY
    size, text = content.get("size"), content.get("text")
    if not isinstance(text, str):
        return Body(None, size, b"") if isinstance(size, int) and size > 0 else NO_BODY
    if content.get("encoding") != "base64":
        return Body.of(text.encode("utf-8", "surrogatepass"))
    try:
        return Body.of(base64.b64decode(text, validate=False))
    except (binascii.Error, ValueError):
        raise _WrongError("response.content.text is no base64") from None


def _headers(message: Mapping[str, Any]) -> Headers:
    listed = message.get("headers") or ()
    pairs = (
        (pair["name"], pair["value"])
        for pair in listed
        if isinstance(pair, dict) and isinstance(pair.get("name"), str) and isinstance(pair.get("value"), str)
    )
    return tuple(
        (name, value) for name, value in pairs if name[:1] != ":" and name.lower() != "content-encoding"
    )


def _moment(text: object) -> datetime:
    try:
        at = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        raise _WrongError("startedDateTime is no date and time") from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _seconds(milliseconds: object) -> float:
    known = isinstance(milliseconds, int | float) and not isinstance(milliseconds, bool)
    return max(0.0, float(milliseconds) / 1000) if known else 0.0  # type: ignore[arg-type]  # known says it is a number


def _table(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _WrongError(f"{name} is missing or no object")
    return value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
