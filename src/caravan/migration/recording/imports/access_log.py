r"""Access logs of Apache and nginx in the common and combined formats, line by line.

They tell method, target, status and size: enough for templates and the inventory, not for schemas. Apache writes quotes
and control bytes of a request as ``\"`` and ``\xhh`` (mod_log_config), nginx as ``\xHH`` (log_format, escape=default).
"""

import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import BinaryIO, Final

from caravan.core.ids import uuid7
from caravan.migration.exchange import NO_BODY, Answer, Body, Exchange, Headers, Request
from caravan.migration.recording.imports.opened import opened
from caravan.migration.recording.imports.refused import Refused

__all__ = ["access_log_exchanges"]

_LONGEST: Final = 64 * 1024
_TAG: Final = ("access-log",)
_LINE: Final = re.compile(
    r'(?P<client>\S+) \S+ (?P<user>[^\[]{0,256}?) \[(?P<at>[^\]]*)\] "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?P<size>\d+|-)'
    r'(?: "(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?(?P<more>.*)'
)
_REQUEST: Final = re.compile(r"(?P<method>[A-Z]{2,20}) (?P<target>\S+)(?: HTTP/\d(?:\.\d)?)?")
_AT: Final = re.compile(r"(\d{2})/(\w{3})/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ESCAPED: Final = re.compile(r'\\(x[0-9A-Fa-f]{2}|[nrt"\\])')
_PLAIN: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


def access_log_exchanges(path: Path) -> Iterator[Exchange | Refused]:
    """Yield the lines in order; blank lines are nothing.

    Raises:
        ImportUnreadable: the file cannot be opened.
    """
    number = 0
    with opened(path) as file:
        try:
            for line in _lines(file):
                number += 1
                if line is None:
                    yield Refused(number, "the line is longer than 64 KiB")
                elif line:
                    yield _exchange(line, number)
        except (EOFError, zlib.error, OSError) as error:
            yield Refused(
                number + 1, f"the file is broken here, and what follows is not read ({type(error).__name__})"
            )


def _lines(file: BinaryIO) -> Iterator[str | None]:
    """Yield lines without their end, None for one that is too long; none is ever held whole beyond the limit."""
    too_long = False
    while line := file.readline(_LONGEST):
        if not line.endswith(b"\n") and len(line) == _LONGEST:
            too_long = True
        elif too_long:
            too_long = False
            yield None
        else:
            yield line.decode("utf-8", "replace").strip("\r\n ")
    if too_long:
        yield None


def _exchange(line: str, number: int) -> Exchange | Refused:
    found = _LINE.fullmatch(line)
    if found is None:
        return Refused(number, "this is no line of the common or combined format")
    asked, at = _REQUEST.fullmatch(_unescaped(found["request"])), _moment(found["at"])
    if asked is None:
        return Refused(number, "the request line is no HTTP request")
    if at is None:
        return Refused(number, "the time cannot be read")
    if (target := _target(asked["target"])) is None:
        return Refused(number, "the request is not for a path of this server")
    size = 0 if found["size"] == "-" else int(found["size"])
    return Exchange(
        id=uuid7(),
        at=at,
        request=Request(asked["method"], target, _headers(found)),
        answer=Answer(int(found["status"]), (), Body(None, size, b"") if size else NO_BODY),
        client=found["client"],
        tags=_TAG,
    )


def _target(target: str) -> str | None:
    """Take the path out of an absolute form, as proxies are asked; ``*`` and CONNECT name no path."""
    if target.startswith(("http://", "https://")):
        slash = target.find("/", len("https://"))
        return target[slash:] if slash > 0 else "/"
    return target if target.startswith("/") else None


def _headers(found: "re.Match[str]") -> Headers:
    pairs = (("Referer", found["referer"]), ("User-Agent", found["agent"]))
    return tuple((name, _unescaped(value)) for name, value in pairs if value and value != "-")


def _unescaped(text: str) -> str:
    return (
        _ESCAPED.sub(lambda found: _PLAIN.get(found[1]) or chr(int(found[1][1:], 16)), text)
        if "\\" in text
        else text
    )


def _moment(text: str) -> datetime | None:
    found = _AT.fullmatch(text)
    if found is None or found[2] not in _MONTHS:
        return None
    day, month, year, hour, minute, second, sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    try:
        at = datetime(
            int(year),
            _MONTHS.index(month) + 1,
            int(day),
            int(hour),
            int(minute),
            int(second),
            tzinfo=timezone(offset),
        )
    except ValueError:
        return None
    return at.astimezone(UTC)
