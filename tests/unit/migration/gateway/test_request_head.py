"""Heads are read strictly, and never otherwise than the parser most servers use reads them."""

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caravan.migration.gateway.limits import Limits
from caravan.migration.gateway.refusals import Refusal, RequestMalformedError
from caravan.migration.gateway.request_head import (
    CHUNKED,
    RequestHead,
    read_request_head,
    refuse_hopeless_start,
)

LIMITS = Limits()


def read(*lines: bytes) -> RequestHead:
    return read_request_head(b"\r\n".join([*lines, b"", b""]), LIMITS)


class Other:
    """What llhttp makes of the same bytes."""

    def __init__(self, raw: bytes) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.complete = False
        self.upgraded = False
        self.parser = httptools.HttpRequestParser(self)
        try:
            self.parser.feed_data(raw)
        except httptools.HttpParserUpgrade:
            self.upgraded = True

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_message_complete(self) -> None:
        self.complete = True


PIECES = st.sampled_from(
    [
        b"GET ", b"POST ", b"/a", b"/", b"?x=%20", b"//", b" ", b"\t", b" HTTP/1.1", b" HTTP/1.0", b"HTTP/1.1", b"\r\n", b"\n", b"\r",
        b"Host: a", b"Host : a", b"Content-Length: 0", b"Content-Length: 5", b"content-length:5", b"Transfer-Encoding: chunked",
        b"Transfer-Encoding:chunked", b"transfer-encoding: x", b"X-A: b", b"X-A:", b": b", b" folded", b"Connection: close",
        b"Connection: upgrade", b"Upgrade: websocket", b"Upgrade: h2c", b"\x00", b"\xff", b",", b";", b"http://a/", b"*", b"#",
    ]
)  # fmt: skip
HEADS = st.one_of(
    st.lists(PIECES, max_size=14).map(b"".join),
    st.lists(PIECES, max_size=5).map(lambda lines: b"\r\n".join([b"GET / HTTP/1.1", b"Host: a", *lines])),
)


@settings(max_examples=600, deadline=None)
@given(HEADS)
def test_what_is_accepted_another_parser_reads_the_same_way(start: bytes) -> None:
    raw = start + b"\r\n\r\n"
    if raw.find(b"\r\n\r\n") + 4 != len(raw):
        raw = raw[: raw.find(b"\r\n\r\n") + 4]
    try:
        head = read_request_head(raw, LIMITS)
    except Refusal:
        return
    other = Other(raw)

    assert other.url == head.target
    assert other.parser.get_method() == head.method
    ours = [
        (name, value.strip(b" \t"))
        for name, _, value in (line.partition(b":") for line in raw.split(b"\r\n")[1:-2])
    ]
    assert [(name, value.strip(b" \t")) for name, value in other.headers] == ours
    lengths = [value for name, value in other.headers if name.lower() == b"content-length"]
    chunked = any(name.lower() == b"transfer-encoding" for name, _ in other.headers)
    assert head.length == (CHUNKED if chunked else int(lengths[0]) if lengths else 0)
    assert len(lengths) + chunked <= 1
    # Asked to switch protocols, llhttp reads no body; what is no websocket is sent on without the question.
    assert other.upgraded or other.complete == (head.length == 0)


def test_lines_keep_order_case_and_white_space() -> None:
    lines = [b"hOST: a", b"X-b:1", b"x-B:   2  ", b"Cookie: c", b"Content-Length: 3"]
    head = read(b"POST / HTTP/1.1", *lines)

    assert head.lines == lines
    assert head.values(b"x-b") == [b"1", b"2"]
    assert (head.length, head.keep_alive, head.minor) == (3, True, 1)


def test_path_and_query_are_parts_of_the_target() -> None:
    head = read(b"GET /a%2F/b;c?d=1?e HTTP/1.1", b"Host: a")
    absolute = read(b"GET http://A:80?q=1 HTTP/1.1", b"Host: a:80")

    assert (head.path, head.query) == (b"/a%2F/b;c", b"d=1?e")
    assert (absolute.path, absolute.query) == (b"/", b"q=1")


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: Close", False),
        (b"1.1", b"Connection: x, close", False),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: Keep-Alive", True),
    ],
)
def test_whether_the_connection_is_kept(version: bytes, connection: bytes, kept: bool) -> None:
    lines = [connection] if connection else []
    assert read(b"GET / HTTP/" + version, b"Host: a", *lines).keep_alive is kept


def test_only_a_websocket_may_become_a_tunnel() -> None:
    asked = [b"Host: a", b"Connection: keep-alive, Upgrade"]
    assert read(b"GET / HTTP/1.1", *asked, b"Upgrade: WebSocket").websocket
    assert not read(b"GET / HTTP/1.1", *asked, b"Upgrade: h2c").websocket
    assert not read(b"GET / HTTP/1.1", b"Host: a", b"Upgrade: websocket").websocket
    with pytest.raises(RequestMalformedError, match="tunnel has a body"):
        read(b"POST / HTTP/1.1", *asked, b"Upgrade: websocket", b"Content-Length: 1")


@pytest.mark.parametrize(
    "start",
    [b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\r\nHost: a\n", b"G" * 9000, b"GET / HTTP/1.1\r\n" + b"a" * 40_000],
)
def test_a_start_that_no_more_bytes_can_mend_is_refused_at_once(start: bytes) -> None:
    with pytest.raises(Refusal):
        refuse_hopeless_start(start, LIMITS)


def test_a_start_that_may_become_a_head_is_waited_for() -> None:
    for size in range(1, 30):
        refuse_hopeless_start(b"GET / HTTP/1.1\r\nHost: a\r\n\r"[:size], LIMITS)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    for start in (b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n"):
        try:
            read_request_head(start + raw + b"\r\n\r\n", LIMITS)
        except Refusal as refusal:
            assert refusal.status in (400, 414, 417, 431, 501, 505)  # noqa: PT017 - either outcome is right


def test_a_refusal_says_what_was_found() -> None:
    with pytest.raises(RequestMalformedError, match="both Content-Length and Transfer-Encoding"):
        read(b"POST / HTTP/1.1", b"Host: a", b"Content-Length: 1", b"Transfer-Encoding: chunked")
