"""Status, headers and cookies of an answer as documents."""

from email.message import Message
from functools import lru_cache
from typing import Final

from caravan.migration.exchange import Answer, Headers
from caravan.migration.shadow.documents import Document, number
from caravan.migration.shadow.hosts import OwnHosts

__all__ = ["IGNORED_HEADERS", "header_document", "status_document"]

IGNORED_HEADERS: Final = frozenset(
    (
        # Of one hop: RFC 9110, section 7.6.1.
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        # Of one machine, one moment or one request.
        "age",
        "alt-svc",
        "date",
        "nel",
        "report-to",
        "server",
        "server-timing",
        "traceparent",
        "tracestate",
        "via",
        "x-powered-by",
        "x-process-time",
        "x-request-id",
        "x-runtime",
        # The body is compared itself.
        "content-length",
        "content-md5",
        "digest",
        "content-digest",
        "etag",
        # Compared by name and attribute.
        "set-cookie",
    )
)
"""Headers that are not compared unless they are declared; the report names them in the blind spot."""

_LISTS: Final = frozenset(
    ("allow", "vary", "cache-control", "access-control-allow-methods", "access-control-allow-headers")
)
_URLS: Final = frozenset(("location", "content-location", "link", "refresh"))


def status_document(answer: Answer) -> Document:
    """The status, 0 with the reason where there was no answer."""
    return number(str(answer.status))


def header_document(headers: Headers, hosts: OwnHosts, ignored: frozenset[str]) -> tuple[Document, Document]:
    """Return headers by lower-case name, values joined, and cookies by name and attribute."""
    values: dict[str, list[str]] = {}
    cookies: dict[str, Document] = {}
    for name, value in headers:
        lower = name.lower()
        if lower == "set-cookie":
            _add_cookie(cookies, value, hosts)
        elif lower not in ignored:
            values.setdefault(lower, []).append(value.strip())
    return {name: _normalised(name, given, hosts) for name, given in values.items()}, cookies


def _normalised(name: str, values: list[str], hosts: OwnHosts) -> Document:
    joined = ", ".join(values)
    if name in _LISTS:
        return ", ".join(sorted(part.strip().lower() for part in joined.split(",") if part.strip()))
    if name in _URLS:
        return hosts.folded(joined)
    return _media_type(joined) if name == "content-type" else joined


@lru_cache(maxsize=1_000)
def _media_type(value: str) -> str:
    """Lower case, one space, parameters in order of their names: RFC 9110, section 8.3.1."""
    message = Message()
    message["content-type"] = value
    parameters = sorted(
        (name.lower(), text.lower() if name.lower() == "charset" else text)
        for name, text in message.get_params([], header="content-type")[1:]
    )
    return "; ".join([message.get_content_type(), *(f"{name}={text}" for name, text in parameters)])


def _add_cookie(cookies: dict[str, Document], line: str, hosts: OwnHosts) -> None:
    """Take one Set-Cookie line apart: RFC 6265, section 5.2."""
    pair, *attributes = line.split(";")
    name, _, value = pair.strip().partition("=")
    cookie: dict[str, Document] = {"value": value.strip().strip('"')}
    for attribute in attributes:
        key, _, content = attribute.strip().partition("=")
        lower = key.strip().lower()
        if lower == "domain":
            cookie[lower] = hosts.folded_domain(content)
        elif lower:
            cookie[lower] = content.strip().lower() if lower == "samesite" else content.strip()
    while name in cookies:
        name += " (again)"
    cookies[name] = cookie
