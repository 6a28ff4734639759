"""What the gateway writes into the heads it sends on."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from caravan.core.errors import CaravanError
from caravan.migration.gateway.answer_head import UNTIL_CLOSE, AnswerHead
from caravan.migration.gateway.request_head import CHUNKED, RequestHead

__all__ = [
    "ForwardedLines",
    "TrustedProxies",
    "TrustedProxyError",
    "answer_bytes",
    "interim_bytes",
    "request_bytes",
    "switching_bytes",
]

_Network: TypeAlias = IPv4Network | IPv6Network

_END: Final = b"\r\n\r\n"


class TrustedProxyError(CaravanError):
    code = "gateway.trusted_proxy"
    status = 500
    title = "A trusted proxy is no address"
    fix = (
        "List addresses or networks such as 10.0.0.0/8 as trusted_proxies in [gateway] of the migration file."
    )
    exit_code = 2


class TrustedProxies:
    """Those whose X-Forwarded headers are believed."""

    def __init__(self, names: Sequence[str]) -> None:
        try:
            self._networks: tuple[_Network, ...] = tuple(ip_network(name, strict=False) for name in names)
        except ValueError as error:
            raise TrustedProxyError(f"trusted_proxies: {error}.") from None

    def __contains__(self, address: str) -> bool:
        if not self._networks or not address:
            return False
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(found in network for network in self._networks)


class ForwardedLines:
    """The X-Forwarded lines of one client's connection."""

    __slots__ = ("_address", "_proxies", "_scheme", "_trusted", "_usual")

    def __init__(self, address: str, scheme: str, proxies: TrustedProxies) -> None:
        self._address = address.encode()
        self._scheme = scheme.encode()
        self._proxies = proxies
        self._trusted = address in proxies
        self._usual = b"\r\nX-Forwarded-For: %b\r\nX-Forwarded-Proto: %b" % (self._address, self._scheme)

    def lines(self, head: RequestHead) -> bytes:
        """Return them, each behind its line end; what an untrusted client claims is replaced."""
        given = head.forwarded
        if given is None or not self._trusted:
            if head.host is None:
                return self._usual
            return self._usual + b"\r\nX-Forwarded-Host: " + head.host
        chain = [value for name, value in given if name == b"x-forwarded-for"]
        said = dict(reversed(given))
        lines = [
            b"",
            b"X-Forwarded-For: " + b", ".join([*chain, self._address]),
            b"X-Forwarded-Proto: " + said.get(b"x-forwarded-proto", self._scheme),
        ]
        if host := said.get(b"x-forwarded-host", head.host):
            lines.append(b"X-Forwarded-Host: " + host)
        lines += [b"Forwarded: " + value for name, value in given if name == b"forwarded"]
        return b"\r\n".join(lines)

    def client(self, head: RequestHead) -> bytes:
        """Return the address of who asked: the nearest one in the chain that is no trusted proxy."""
        if not self._trusted or head.forwarded is None:
            return self._address
        chain = b",".join(value for name, value in head.forwarded if name == b"x-forwarded-for")
        hops = [hop.strip() for hop in chain.split(b",") if hop.strip()]
        for hop in reversed(hops):
            if hop.decode("latin-1") not in self._proxies:
                return hop
        return hops[0] if hops else self._address


def request_bytes(
    head: RequestHead, forwarded: bytes, request_id: bytes, *, host: bytes | None, strip: bytes
) -> bytes:
    """Return the head as it goes to a side.

    ``request_id`` is empty when the request has one. ``host`` replaces the Host header (None keeps it); ``strip`` is the
    lower-case name of a header that stays here (empty: none).
    """
    tail = forwarded
    if request_id:
        tail += b"\r\nX-Request-ID: " + request_id
    if head.plain and head.minor and not strip and host is None:
        return head.raw[:-4] + tail + _END
    lines = head.lines
    if strip or host is not None:
        out = {strip, b"host"} if host is not None else {strip}
        lines = [line for line in lines if line.partition(b":")[0].lower() not in out]
        if host is not None:
            lines.insert(0, b"Host: " + host)
    first = b"%b %b HTTP/1.1" % (head.method, head.target)
    if head.websocket:
        tail += b"\r\nConnection: Upgrade\r\nUpgrade: " + head.upgrade
    elif head.trailers:
        tail += b"\r\nConnection: TE\r\nTE: trailers"
    return b"\r\n".join([first, *lines]) + tail + _END


def answer_bytes(head: AnswerHead, *, minor: int, close: bool) -> bytes:
    """Return the head as it goes to the client, who speaks HTTP/1.``minor``."""
    if head.plain and minor and not close and head.length != UNTIL_CLOSE:
        return head.raw
    lines = head.lines
    tail = b""
    if head.length == CHUNKED and not minor:
        lines = [line for line in lines if line.partition(b":")[0].lower() != b"transfer-encoding"]
    elif head.length == UNTIL_CLOSE and minor:
        tail = b"\r\nTransfer-Encoding: chunked"
    if close:
        tail += b"\r\nConnection: close"
    elif not minor:
        tail += b"\r\nConnection: keep-alive"
    first = b"HTTP/1.1 %d%b" % (head.status, head.reason or b" ")
    return b"\r\n".join([first, *lines]) + tail + _END


def interim_bytes(head: AnswerHead) -> bytes:
    """Return an interim answer (1xx) as it goes to the client."""
    return b"\r\n".join([b"HTTP/1.1 %d%b" % (head.status, head.reason or b" "), *head.lines]) + _END


def switching_bytes(head: AnswerHead) -> bytes:
    """Return the answer that turns the connection into a tunnel."""
    first = b"HTTP/1.1 %d%b" % (head.status, head.reason or b" ")
    return b"\r\n".join([first, *head.lines, b"Connection: Upgrade", b"Upgrade: " + head.upgrade]) + _END
