"""The head of a request, read strictly and kept byte for byte.

Two parsers that read one message differently are how requests are smuggled. So nothing is repaired here: what is not
plainly what RFC 9112 says is refused, and the lines that were checked are the lines that are sent on.
"""

import re
from typing import Final

from caravan.migration.gateway.grammar import (
    HOST,
    TOKEN,
    FieldKinds,
    NoFieldLineError,
    first_bare_line_feed,
    list_members,
)
from caravan.migration.gateway.limits import Limits
from caravan.migration.gateway.refusals import (
    ExpectationUnknownError,
    HeadTooLargeError,
    MethodNotTunnelledError,
    Refusal,
    RequestMalformedError,
    TargetTooLongError,
    TransferCodingUnknownError,
    VersionUnknownError,
)

__all__ = ["CHUNKED", "RequestHead", "read_request_head", "refuse_hopeless_start"]

CHUNKED: Final = -1
"""The length of a body that says itself where it ends."""

_FIRST: Final = re.compile(rb"(" + TOKEN + rb"++) ([\x21-\x7e\x80-\xff]++) HTTP/1\.([01])")
_START: Final = re.compile(rb"(" + TOKEN + rb"+) ([^ \r\n]+) HTTP/([0-9]+)\.([0-9]+)")
_HASH: Final = 0x23
"""A number sign as a number: looking for one byte as bytes makes and drops an exception each time."""
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
_ABSOLUTE: Final = re.compile(rb"(?i:https?)://([^/?#@]+)(/[^#]*|\?[^#]*)?")

# What becomes of a header: absent here, it is sent on as it came.
_HOST, _LENGTH_OF, _CODING, _CONNECTION, _DROPPED, _EXPECT, _UPGRADE, _TE, _ID, _FORWARDED, _REFUSED = range(
    11
)
_KINDS: Final = {
    b"host": _HOST,
    b"content-length": _LENGTH_OF,
    b"transfer-encoding": _CODING,
    b"connection": _CONNECTION,
    b"keep-alive": _DROPPED,
    b"proxy-connection": _DROPPED,
    b"http2-settings": _DROPPED,
    b"expect": _EXPECT,
    b"upgrade": _UPGRADE,
    b"te": _TE,
    b"x-request-id": _ID,
    b"forwarded": _FORWARDED,
    b"x-forwarded-for": _FORWARDED,
    b"x-forwarded-host": _FORWARDED,
    b"x-forwarded-proto": _FORWARDED,
    # Behind CGI and its heirs these read as the names with a hyphen.
    b"content_length": _REFUSED,
    b"transfer_encoding": _REFUSED,
}
_FIELDS: Final = FieldKinds(_KINDS)
_HOSTS: Final[set[bytes]] = set()
"""Some that were found right: nearly all requests name one of a few."""
_REMEMBERED: Final = 1_000
_LONGEST_NAME: Final = 260
_KEPT: Final = frozenset({_LENGTH_OF, _CODING, _EXPECT, _ID})
_NEVER_HOP_BY_HOP: Final = frozenset(
    {
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"content-type",
        b"authorization",
        b"cookie",
        b"x-request-id",
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
    }
)


class RequestHead:
    """What a request says of itself before its body.

    ``lines`` are the header lines to send on, in order and unchanged; those that concern this connection alone, and
    those that the gateway writes itself, are not among them. ``forwarded`` has the latter as (lower-case name, value).
    ``length`` is the body's in bytes, ``CHUNKED``, or 0. ``path`` and ``query`` are parts of the target as sent.
    """

    # Class attributes are the defaults: most requests set few of them, and this is made for every request.
    host: bytes | None = None
    length = 0
    expects = False
    websocket = False
    upgrade = b""
    trailers = False
    request_id = b""
    forwarded: list[tuple[bytes, bytes]] | None = None

    special = False
    """Whether any of its lines concerns more than the ends."""
    plain = True
    """Whether all its lines are sent on as they came."""

    def __init__(self, raw: bytes, method: bytes, target: bytes, minor: int, fields: bytes) -> None:
        self.raw = raw
        self.method = method
        self.target = target
        self.minor = minor
        self.fields = fields
        self.lines: list[bytes] = []
        self.keep_alive = minor == 1

    def again(self, raw: bytes, method: bytes, target: bytes) -> "RequestHead":
        """Return the head of a request with the same header lines."""
        head = RequestHead(raw, method, target, self.minor, self.fields)
        head.host = self.host
        head.lines = self.lines
        if self.special:
            head.plain, head.special = self.plain, True
            head.length, head.expects, head.trailers = self.length, self.expects, self.trailers
            head.websocket, head.upgrade = self.websocket, self.upgrade
            head.request_id, head.forwarded = self.request_id, self.forwarded
            head.keep_alive = self.keep_alive
        return head

    @property
    def path(self) -> bytes:
        """The path of the target, escapes and all; of an absolute target the part behind the host."""
        target = self.target
        if target[:1] != b"/" and (found := _ABSOLUTE.fullmatch(target)) is not None:
            target = found[2] or b"/"
        return target.partition(b"?")[0] or b"/"

    @property
    def query(self) -> bytes:
        """What follows the first question mark of the target."""
        return self.target.partition(b"?")[2]

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of a header that is sent on; ``name`` is in lower case."""
        size = len(name)
        return [
            line[size + 1 :].strip(b" \t")
            for line in self.lines
            if line[size : size + 1] == b":" and line[:size].lower() == name
        ]


def read_request_head(raw: bytes, limits: Limits, last: RequestHead | None = None) -> RequestHead:
    """Return the head whose bytes are ``raw``, its empty line included.

    ``last`` is the head that came before on the same connection: clients repeat their header lines, which then need not be
    read again.

    Raises:
        Refusal: the one that says what is wrong with it.
    """
    line_end = raw.find(b"\r\n")
    found = _FIRST.fullmatch(raw, 0, line_end)
    if found is None:
        raise _what_is_wrong(raw, limits)
    method, target, minor = found.groups()
    if len(target) > limits.target_bytes:
        raise TargetTooLongError(f"The request target has {len(target)} bytes; {limits.target_bytes} may be.")
    fields = raw[line_end:]
    if last is not None and fields == last.fields and last.minor == (minor == b"1"):
        head = last.again(raw, method, target)
    else:
        head = RequestHead(raw, method, target, 1 if minor == b"1" else 0, fields)
        try:
            _read_lines(head, limits)
        except NoFieldLineError:
            raise _what_is_wrong(raw, limits) from None
        _check_host(head)
    if target[:1] != b"/":
        _check_other_target(head)
    elif _HASH in target:
        raise RequestMalformedError("The request target has a fragment.")
    return head


def _read_lines(head: RequestHead, limits: Limits) -> None:
    lines = head.fields.split(b"\r\n")[1:-2]
    if len(lines) > limits.headers:
        raise HeadTooLargeError(f"There are {len(lines)} headers; {limits.headers} may be.")
    kept = head.lines
    special: list[tuple[int, bytes, bytes]] = []
    known = _FIELDS.known
    for line in lines:
        kind = known(line)
        if kind is None:
            kind = _FIELDS.find(line)
        if kind < 0:
            kept.append(line)
        elif kind == _HOST:
            if head.host is not None:
                raise RequestMalformedError("There is more than one Host header.")
            head.host = line[5:].strip(b" \t")
            kept.append(line)
        else:
            if kind in _KEPT:
                kept.append(line)
            name, _, value = line.partition(b":")
            special.append((kind, name.lower(), value.strip(b" \t")))
    if special:
        head.special = True
        _read_special(head, special)
        head.plain = len(kept) == len(lines)


def _check_host(head: RequestHead) -> None:
    host = head.host
    if host is None:
        if head.minor:
            raise RequestMalformedError("There is no Host header.")
    elif host not in _HOSTS and not _is_host(host):
        raise RequestMalformedError("The Host header is no host with an optional port.")


def _is_host(host: bytes) -> bool:
    if HOST.fullmatch(host) is None:
        return False
    if len(host) > _LONGEST_NAME:
        return True
    if len(_HOSTS) >= _REMEMBERED:
        _HOSTS.clear()
    _HOSTS.add(host)
    return True


def _check_other_target(head: RequestHead) -> None:
    if head.method == b"CONNECT":
        raise MethodNotTunnelledError
    if head.target == b"*" and head.method == b"OPTIONS":
        return
    absolute = _ABSOLUTE.fullmatch(head.target)
    if absolute is None:
        raise RequestMalformedError("The request target is neither a path nor an address.")
    if head.host is None or absolute[1].lower() != head.host.lower():
        raise RequestMalformedError("The request target names another host than the Host header.")


def _read_special(head: RequestHead, special: list[tuple[int, bytes, bytes]]) -> None:
    seen: dict[int, bytes] = {}
    named: set[bytes] = set()
    for kind, name, value in special:
        if kind in (_LENGTH_OF, _CODING, _EXPECT, _UPGRADE) and kind in seen:
            raise RequestMalformedError(f"There is more than one {name.decode()} header.")
        seen[kind] = value
        if kind == _CONNECTION:
            named.update(list_members(value))
        elif kind == _ID:
            head.request_id = head.request_id or value
        elif kind == _FORWARDED:
            head.forwarded = [*(head.forwarded or ()), (name, value)]
        elif kind == _REFUSED:
            raise RequestMalformedError(f"A header named {name.decode()} reads differently behind CGI.")
    _read_framing(head, seen)
    _read_connection(head, seen, named)


def _read_framing(head: RequestHead, seen: dict[int, bytes]) -> None:
    length, coding = seen.get(_LENGTH_OF), seen.get(_CODING)
    if length is not None:
        if coding is not None:
            raise RequestMalformedError("There are both Content-Length and Transfer-Encoding.")
        if not _LENGTH.fullmatch(length):
            raise RequestMalformedError("The Content-Length is no number.")
        head.length = int(length)
    elif coding is not None:
        if not head.minor:
            raise RequestMalformedError("HTTP/1.0 has no Transfer-Encoding.")
        if coding.lower() != b"chunked":
            raise TransferCodingUnknownError
        head.length = CHUNKED
    if (expect := seen.get(_EXPECT)) is not None:
        _read_expectation(head, expect)


def _read_expectation(head: RequestHead, expect: bytes) -> None:
    if expect.lower() != b"100-continue":
        raise ExpectationUnknownError
    head.expects = bool(head.minor and head.length)
    if not head.expects:
        _leave_out(head, {b"expect"})


def _read_connection(head: RequestHead, seen: dict[int, bytes], named: set[bytes]) -> None:
    if b"close" in named:
        head.keep_alive = False
    elif b"keep-alive" in named:
        head.keep_alive = True
    head.trailers = _TE in seen and b"trailers" in list_members(seen[_TE])
    upgrade = seen.get(_UPGRADE, b"")
    # Only WebSocket: an upgrade to h2c would be a tunnel past every check made here.
    if upgrade.lower() == b"websocket" and b"upgrade" in named and head.minor:
        if head.length:
            raise RequestMalformedError("A request that asks for a tunnel has a body.")
        head.websocket, head.upgrade = True, upgrade
    if wrong := named & _NEVER_HOP_BY_HOP:
        raise RequestMalformedError(
            f"The Connection header names {min(wrong).decode()}, which is for the end."
        )
    if others := named - {b"close", b"keep-alive", b"upgrade", b"te"}:
        _leave_out(head, others)


def _leave_out(head: RequestHead, names: set[bytes]) -> None:
    head.lines[:] = [line for line in head.lines if line.partition(b":")[0].lower() not in names]


def refuse_hopeless_start(data: bytes, limits: Limits) -> None:
    """Look at a head that has not ended yet; raises ``Refusal`` when no more bytes can make it right."""
    if first_bare_line_feed(data) >= 0:
        raise RequestMalformedError("A line ends with a bare line feed.")
    line_end = data.find(b"\r\n")
    if (line_end if line_end >= 0 else len(data)) > limits.target_bytes + 64:
        raise TargetTooLongError(f"The request target may have {limits.target_bytes} bytes.")
    if len(data) > limits.head_bytes:
        raise HeadTooLargeError(f"The head may have {limits.head_bytes} bytes.")


def _what_is_wrong(raw: bytes, limits: Limits) -> Refusal:
    if (place := first_bare_line_feed(raw)) >= 0:
        return RequestMalformedError(f"A line ends with a bare line feed (byte {place}).")
    first, _, rest = raw.partition(b"\r\n")
    start = _START.fullmatch(first)
    if len(first) > limits.target_bytes + 64:
        return TargetTooLongError(f"The request target may have {limits.target_bytes} bytes.")
    if start is None:
        return RequestMalformedError("The first line is not a method, a target and a version.")
    if start[3] != b"1" or start[4] not in (b"0", b"1"):
        return VersionUnknownError(f"HTTP/{start[3].decode()}.{start[4].decode()} is not spoken here.")
    return _what_is_wrong_with(rest[:-4].split(b"\r\n"))


def _what_is_wrong_with(lines: list[bytes]) -> Refusal:
    for number, line in enumerate(lines, 1):
        name, colon, _ = line.partition(b":")
        if line[:1] in (b" ", b"\t"):
            return RequestMalformedError(f"Header {number} is folded over two lines.")
        if colon and name[-1:] in (b" ", b"\t"):
            return RequestMalformedError(f"Header {number} has white space before its colon.")
        if not colon or not re.fullmatch(TOKEN + rb"+", name):
            return RequestMalformedError(f"Header {number} has no name.")
    return RequestMalformedError("A header has a control character.")
