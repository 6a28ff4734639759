"""A head like the one before it on its connection is not read again, and says the same as if it had been."""

from hypothesis import given, settings
from hypothesis import strategies as st

from caravan.migration.gateway.answer_head import AnswerHead, read_answer_head
from caravan.migration.gateway.forwarding import answer_bytes, request_bytes
from caravan.migration.gateway.limits import Limits
from caravan.migration.gateway.refusals import AnswerBrokenError, Refusal
from caravan.migration.gateway.request_head import RequestHead, read_request_head

LIMITS = Limits()
FIRST = st.sampled_from(
    [b"GET /a HTTP/1.1", b"POST /b?c HTTP/1.1", b"GET /a HTTP/1.0", b"OPTIONS * HTTP/1.1", b"GET http://a/ HTTP/1.1"]
)  # fmt: skip
LINES = st.lists(
    st.sampled_from(
        [b"Host: a", b"Host: b", b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Connection: close", b"Connection: x",
         b"X: 1", b"X-Request-ID: 7", b"X-Forwarded-For: 1.2.3.4", b"Expect: 100-continue", b"Keep-Alive: 5", b"TE: trailers",
         b"Upgrade: websocket", b"Connection: upgrade", b"Cookie: a=b", b"no line"]
    ),
    max_size=5,
)  # fmt: skip
STATUS = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.1 204 No Content", b"HTTP/1.0 200 OK", b"HTTP/1.1 200"]
)


def raw_of(first: bytes, lines: list[bytes]) -> bytes:
    return b"\r\n".join([first, *lines, b"", b""])


def request(raw: bytes, last: RequestHead | None = None) -> RequestHead | str:
    try:
        return read_request_head(raw, LIMITS, last)
    except Refusal as refusal:
        return repr(refusal)


def answer(raw: bytes, method: bytes, last: AnswerHead | None = None) -> AnswerHead | str:
    try:
        return read_answer_head(raw, method, last)
    except AnswerBrokenError as error:
        return repr(error)


def said(head: RequestHead | AnswerHead | str) -> object:
    if isinstance(head, str):
        return head
    defaults = {
        name: value for name, value in vars(type(head)).items() if name[0] != "_" and not callable(value)
    }
    return defaults | vars(head)


@settings(max_examples=200, deadline=None)
@given(FIRST, LINES, FIRST, LINES)
def test_a_request_is_read_the_same_behind_any_other(
    first: bytes, lines: list[bytes], before: bytes, lines_before: list[bytes]
) -> None:
    for earlier in (lines_before, lines):
        last = request(raw_of(before, earlier))
        again = request(raw_of(first, lines), last if isinstance(last, RequestHead) else None)
        assert said(again) == said(request(raw_of(first, lines)))


@settings(max_examples=100, deadline=None)
@given(STATUS, LINES, st.sampled_from([b"GET", b"HEAD"]), st.sampled_from([b"GET", b"HEAD"]))
def test_an_answer_is_read_the_same_behind_itself(
    first: bytes, lines: list[bytes], method: bytes, before: bytes
) -> None:
    last = answer(raw_of(first, lines), before)
    again = answer(raw_of(first, lines), method, last if isinstance(last, AnswerHead) else None)
    assert said(again) == said(answer(raw_of(first, lines), method))


@settings(max_examples=100, deadline=None)
@given(FIRST, LINES)
def test_a_request_sent_on_as_it_came_has_the_lines_that_were_kept(first: bytes, lines: list[bytes]) -> None:
    head = request(raw_of(first, lines))
    if isinstance(head, RequestHead):
        sent = request_bytes(head, b"\r\nX-Own: 1", b"9", host=None, strip=b"")
        start, *rest = sent.split(b"\r\n")
        assert start == b"%b %b HTTP/1.1" % (head.method, head.target)
        assert rest[: len(head.lines) + 2] == [*head.lines, b"X-Own: 1", b"X-Request-ID: 9"]


@settings(max_examples=100, deadline=None)
@given(STATUS, LINES)
def test_an_answer_sent_on_as_it_came_has_the_lines_that_were_kept(first: bytes, lines: list[bytes]) -> None:
    head = answer(raw_of(first, lines), b"GET")
    if isinstance(head, AnswerHead):
        start, *rest = answer_bytes(head, minor=1, close=False).split(b"\r\n")
        assert start == b"HTTP/1.1 %d%b" % (head.status, head.reason or b" ")
        assert rest[: len(head.lines)] == head.lines
