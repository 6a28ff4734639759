"""Addresses, methods, slashes: what the legacy's framework decided before any view was asked."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from caravan.legacy.deduper.probes.pages import NOT_FOUND, refused
from caravan.legacy.deduper.probes.probe import HTML, Answer, Probe

__all__ = ["ROUTING"]

_READ: Final = ("GET", "HEAD", "OPTIONS")
_TAKEN: Final = {
    "/": _READ,
    "/test": ("GET", "POST", "HEAD", "OPTIONS"),
    "/deduper/jobs": _READ,
    "/deduper/jobs/reportId/5": _READ,
    "/deduper/jobs/list": _READ,
    "/deduper/jobs/7": _READ,
    "/deduper/jobs/7/cancel": ("POST", "OPTIONS"),
    "/deduper/health": _READ,
    "/deduper/clear-db-table": ("DELETE", "OPTIONS"),
}
_EMPTY_LIST: Final = Answer(200, keys=frozenset({"jobs"}), body=b'{"jobs":[]}\n')
_UNKNOWN_JOB: Final = Answer(404, keys=frozenset({"error"}), body=b'{"error":"Job not found"}\n')


def _methods() -> Iterator[Probe]:
    for path, methods in _TAKEN.items():
        allow = frozenset(methods)
        empty = Answer(200, HTML, body=b"", allow=allow)
        yield Probe(f"OPTIONS {path}", "OPTIONS", path, empty)
        yield Probe(f"PUT {path}", "PUT", path, refused(*methods))
    yield Probe("GET cancel", "GET", "/deduper/jobs/7/cancel", refused("POST", "OPTIONS"))
    yield Probe("GET clear", "GET", "/deduper/clear-db-table", refused("DELETE", "OPTIONS"))
    yield Probe("POST create", "POST", "/deduper/jobs", refused(*_READ))
    head = replace(refused("POST", "OPTIONS"), body=b"")
    yield Probe("HEAD cancel", "HEAD", "/deduper/jobs/7/cancel", head)


def _slashes() -> Iterator[Probe]:
    for path in _TAKEN:
        if path != "/":
            yield Probe(f"trailing slash {path}", "GET", f"{path}/", NOT_FOUND)
    yield Probe("trailing slash of reportId", "GET", "/deduper/jobs/reportId/", NOT_FOUND)
    yield Probe("leading slashes", "GET", "//deduper/jobs/list", _EMPTY_LIST)
    for asked, target in (
        ("/deduper//jobs/list", "/deduper/jobs/list"),
        ("/deduper///jobs//list", "/deduper/jobs/list"),
        ("//deduper//jobs/list", "/deduper/jobs/list"),
        ("/deduper//jobs/a%20b?x=%20y", "/deduper/jobs/a%20b?x=%20y"),
    ):
        moved = Answer(308, HTML, location=target)
        yield Probe(f"inner slashes {asked}", "GET", asked, moved, replace(moved), "text-of-moved-and-500")
    yield Probe("inner slashes, wrong method", "POST", "/deduper//jobs/list", refused(*_READ))
    yield Probe("inner slashes, no such address", "GET", "/deduper//nothing", NOT_FOUND)


def _addresses() -> Iterator[Probe]:
    for path in ("/nothing", "/deduper", "/deduper/jobs/reportid/5", "/DEDUPER/JOBS", "/deduper/health/x"):
        yield Probe(f"unknown {path}", "GET", path, NOT_FOUND)
    for number in ("-5", "+5", "1.5", "abc", "%205"):
        yield Probe(f"reportId {number}", "GET", f"/deduper/jobs/reportId/{number}", NOT_FOUND)
    yield Probe("a slash within an id", "GET", "/deduper/jobs/a%2Fb", NOT_FOUND)
    yield Probe("a space as id", "GET", "/deduper/jobs/%20", _UNKNOWN_JOB)
    yield Probe("reportId as id", "GET", "/deduper/jobs/reportId", _UNKNOWN_JOB)
    yield Probe("cancel the list", "POST", "/deduper/jobs/list/cancel", _UNKNOWN_JOB)
    yield Probe("static file", "GET", "/static/app.css", NOT_FOUND)
    static = refused(*_READ)
    yield Probe("static, posted", "POST", "/static/app.css", static, NOT_FOUND, "no-static")
    page = Answer(200, HTML)
    yield Probe("the page", "GET", "/", page, replace(page), "page-at-the-root")


ROUTING: Final = (*_methods(), *_slashes(), *_addresses())
