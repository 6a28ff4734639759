"""``/test``."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from caravan.legacy.deduper.probes.pages import BAD_REQUEST, UNSUPPORTED
from caravan.legacy.deduper.probes.probe import HTML, JSON, Answer, Probe

__all__ = ["ECHOES"]

_ECHOED: Final = {
    b'{"b":1,"a":"x"}': b'{"a":"x","b":1}\n',
    b'{"a":1,"a":2}': b'{"a":2}\n',
    '{"name":"Zoë \N{HEDGEHOG}"}'.encode(): b'{"name":"Zo\\u00eb \\ud83e\\udd94"}\n',
    b'{"n":{"z":1, "y":[1, 2.50]}}': b'{"n":{"y":[1,2.5],"z":1}}\n',
    b"[1, 2]": b"[1,2]\n",
    b'"x"': b'"x"\n',
    b"7": b"7\n",
    b"true": b"true\n",
    b"NaN": b"NaN\n",
    b"null": b"{}\n",
    b"0": b"{}\n",
    b"false": b"{}\n",
    b'""': b"{}\n",
    b"[]": b"{}\n",
    b"{}": b"{}\n",
}


def _echoes() -> Iterator[Probe]:
    for sent, back in _ECHOED.items():
        name = sent.decode()
        for method in ("GET", "POST"):
            answer = Answer(200, body=back)
            yield Probe(f"{method} {name}", method, "/test", answer, content_type=JSON, content=sent)
    for kind in ("application/json; charset=utf-8", "application/vnd.api+json"):
        yield Probe(kind, "POST", "/test", Answer(200, body=b"7\n"), content_type=kind, content=b"7")
    head = Answer(200, body=b"")
    yield Probe("HEAD with JSON", "HEAD", "/test", head, content_type=JSON, content=b"7")


def _refusals() -> Iterator[Probe]:
    for method in ("GET", "POST"):
        yield Probe(f"{method} without a body", method, "/test", UNSUPPORTED)
        for kind in ("text/plain", "text/json", "application/x-www-form-urlencoded"):
            probe = Probe(f"{method} {kind}", method, "/test", UNSUPPORTED, content_type=kind, content=b"{}")
            yield probe
        for sent in (b"", b"{", b"{} x", b"\xff"):
            name = f"{method} malformed {sent!r}"
            yield Probe(name, method, "/test", BAD_REQUEST, content_type=JSON, content=sent)
    yield Probe("HEAD without a body", "HEAD", "/test", replace(UNSUPPORTED, body=b""))
    deep = b"[" * 100_000
    legacy = Answer(500, HTML)
    yield Probe(
        "nested too deep",
        "POST",
        "/test",
        legacy,
        BAD_REQUEST,
        "deep-json",
        content_type=JSON,
        content=deep,
    )


ECHOES: Final = (*_echoes(), *_refusals())
