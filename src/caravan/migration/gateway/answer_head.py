"""The head of an answer, read as strictly as a request's: a side that frames badly must not confuse two clients."""

import re
from itertools import islice
from typing import Final

from caravan.migration.gateway.grammar import FieldKinds, NoFieldLineError, list_members
from caravan.migration.gateway.refusals import AnswerBrokenError
from caravan.migration.gateway.request_head import CHUNKED

__all__ = ["UNTIL_CLOSE", "AnswerHead", "read_answer_head"]

UNTIL_CLOSE: Final = -2
"""The length of a body that ends with its connection."""

_FIRST: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])((?: [\t\x20-\x7e\x80-\xff]*+)?)")
_NOT_HTTP: Final = "The service behind the gateway answered something that is not HTTP."
_LONGEST_LENGTH: Final = 18
_LENGTH_OF, _CODING, _CONNECTION, _DROPPED, _UPGRADE = range(5)
_KINDS: Final = {
    b"content-length": _LENGTH_OF,
    b"transfer-encoding": _CODING,
    b"connection": _CONNECTION,
    b"keep-alive": _DROPPED,
    b"proxy-connection": _DROPPED,
    b"upgrade": _UPGRADE,
}
_FIELDS: Final = FieldKinds(_KINDS)


class AnswerHead:
    """What an answer says of itself before its body.

    ``lines`` are the header lines to send on, in order and unchanged, Content-Length and Transfer-Encoding among them.
    ``length`` is the body's in bytes, ``CHUNKED`` or ``UNTIL_CLOSE``; what the request's method or the status leave
    without a body has 0. ``keep_alive`` tells whether the side takes another request on this connection.
    """

    length = UNTIL_CLOSE
    upgrade = b""

    plain = True
    """Whether all its lines are sent on as they came."""

    def __init__(self, raw: bytes, method: bytes, status: int, reason: bytes, *, keep_alive: bool) -> None:
        self.raw = raw
        self.method = method
        self.status = status
        self.reason = reason
        self.lines: list[bytes] = []
        self.keep_alive = keep_alive


def read_answer_head(raw: bytes, method: bytes, last: AnswerHead | None = None) -> AnswerHead:
    """Return the head of the answer to a request of this method.

    ``last`` is the head that came before on the same connection: where the same comes again, it need not be read again.

    Raises:
        AnswerBrokenError: it is not HTTP, or its framing contradicts itself.
    """
    if last is not None and raw == last.raw and method == last.method:
        return last
    lines = raw.split(b"\r\n")[:-2]
    found = _FIRST.fullmatch(lines[0])
    if found is None:
        raise AnswerBrokenError(_NOT_HTTP)
    minor, status, reason = found.groups()
    head = AnswerHead(raw, method, int(status), reason, keep_alive=minor == b"1")
    try:
        _read_lines(head, method, lines)
    except NoFieldLineError:
        raise AnswerBrokenError(_NOT_HTTP) from None
    head.plain = minor == b"1" and bool(reason) and len(head.lines) == len(lines) - 1
    return head


def _read_lines(head: AnswerHead, method: bytes, lines: list[bytes]) -> None:
    kept = head.lines
    known = _FIELDS.known
    special: list[tuple[int, bytes]] = []
    for line in islice(lines, 1, None):
        kind = known(line)
        if kind is None:
            kind = _FIELDS.find(line)
        if kind < 0:
            kept.append(line)
            continue
        if kind <= _CODING:
            kept.append(line)
        special.append((kind, line.partition(b":")[2].strip(b" \t")))
    _read_special(head, method, special)


def _read_special(head: AnswerHead, method: bytes, special: list[tuple[int, bytes]]) -> None:
    length: bytes | None = None
    coding: bytes | None = None
    for kind, value in special:
        if kind == _LENGTH_OF:
            if length is not None or not value.isdigit() or len(value) > _LONGEST_LENGTH:
                raise AnswerBrokenError("The answer has more than one length, or one that is no number.")
            length = value
        elif kind == _CODING:
            coding = value.lower() if coding is None else b"twice"
        elif kind == _CONNECTION:
            _read_connection(head, value)
        elif kind == _UPGRADE:
            head.upgrade = value
    _read_framing(head, method, length, coding)


def _read_connection(head: AnswerHead, value: bytes) -> None:
    if value == b"keep-alive":
        head.keep_alive = True
        return
    named = set(list_members(value))
    if b"close" in named:
        head.keep_alive = False
    elif b"keep-alive" in named:
        head.keep_alive = True
    if others := named - {b"close", b"keep-alive", b"upgrade", b"content-length", b"transfer-encoding"}:
        head.lines[:] = [line for line in head.lines if line.partition(b":")[0].lower() not in others]


def _read_framing(head: AnswerHead, method: bytes, length: bytes | None, coding: bytes | None) -> None:
    if coding is not None and (length is not None or coding != b"chunked"):
        raise AnswerBrokenError("The answer's framing contradicts itself or is not known.")
    status = head.status
    if method == b"HEAD" or status in (204, 304) or status < 200:  # noqa: PLR2004 - RFC 9112, section 6.3
        head.length = 0
        if status == 204 or status < 200:  # noqa: PLR2004 - these may not even name a length (section 6.2)
            framing = (b"content-length", b"transfer-encoding")
            head.lines[:] = [line for line in head.lines if line.partition(b":")[0].lower() not in framing]
    elif coding is not None:
        head.length = CHUNKED
    elif length is not None:
        head.length = int(length)
