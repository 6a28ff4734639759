"""What the gateway answers by itself: each situation with its status, a stable code and a plain text."""

from collections.abc import Mapping
from typing import ClassVar, Final

from caravan.core.errors import CaravanError

__all__ = [
    "AnswerBrokenError",
    "AnswerLateError",
    "BodyLateError",
    "ExpectationUnknownError",
    "HeadTooLargeError",
    "LeaseLostError",
    "MethodNotTunnelledError",
    "Refusal",
    "RequestLateError",
    "RequestMalformedError",
    "SideBusyError",
    "SideUnreachableError",
    "TargetTooLongError",
    "TransferCodingUnknownError",
    "UnitHeldError",
    "VersionUnknownError",
    "refusal_bytes",
]


class Refusal(CaravanError):  # noqa: N818 - it is an answer, not a fault of ours
    """An answer of the gateway's own. ``retry_after`` is in seconds; 0 names none."""

    retry_after: ClassVar[int] = 0

    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.retry_after)} if self.retry_after else {}


class RequestMalformedError(Refusal):
    code = "gateway.request_malformed"
    status = 400
    title = "The request is not well-formed HTTP"
    fix = "Send the request as RFC 9112 says; the message names what was found."


class RequestLateError(Refusal):
    code = "gateway.request_late"
    status = 408
    title = "The request's head did not arrive in time"
    fix = "Send the whole head at once; operators set the limit in CARAVAN_GATEWAY_HEAD_SECONDS."


class BodyLateError(Refusal):
    code = "gateway.body_late"
    status = 408
    title = "The request's body stopped arriving"
    fix = "Send the body without long pauses; operators set the limit in CARAVAN_GATEWAY_BODY_SECONDS."


class TargetTooLongError(Refusal):
    code = "gateway.target_too_long"
    status = 414
    title = "The request target is too long"
    fix = "Send long parameters in a body."


class ExpectationUnknownError(Refusal):
    code = "gateway.expectation_unknown"
    status = 417
    title = "The expectation is not known"
    fix = "Send no Expect header but 100-continue."


class HeadTooLargeError(Refusal):
    code = "gateway.head_too_large"
    status = 431
    title = "The request's headers are too large"
    fix = "Send fewer or shorter headers; often it is the cookies."


class MethodNotTunnelledError(Refusal):
    code = "gateway.method_not_tunnelled"
    status = 501
    title = "The gateway opens no tunnels to other hosts"
    fix = "Send the request to the host itself; CONNECT is for forward proxies."


class TransferCodingUnknownError(Refusal):
    code = "gateway.transfer_coding_unknown"
    status = 501
    title = "The transfer coding is not known"
    fix = "Send the body with Content-Length, or chunked and nothing else."


class VersionUnknownError(Refusal):
    code = "gateway.version_unknown"
    status = 505
    title = "The version of HTTP is not known"
    fix = "Speak HTTP/1.1 or HTTP/1.0; HTTP/2 ends at the proxy in front."


class SideUnreachableError(Refusal):
    code = "gateway.side_unreachable"
    status = 502
    title = "The service behind the gateway cannot be reached"
    fix = "Try again; operators find the side and its address in the gateway's log."


class AnswerBrokenError(Refusal):
    code = "gateway.answer_broken"
    status = 502
    title = "The service behind the gateway broke off or answered something that is not HTTP"
    fix = "A read can be sent again. A write may have had its effect: look before sending it again."


class SideBusyError(Refusal):
    code = "gateway.side_busy"
    status = 503
    title = "All connections to the service behind the gateway are in use"
    fix = "Try again after the seconds that Retry-After names."
    retry_after = 1


class UnitHeldError(Refusal):
    code = "gateway.unit_held"
    status = 503
    title = "Writes of this kind are being held for a switch, longer than they may wait"
    fix = "Nothing was done: send the same request again after the seconds that Retry-After names."
    retry_after = 1


class LeaseLostError(Refusal):
    code = "gateway.lease_lost"
    status = 503
    title = "The gateway cannot tell which side may take this write"
    fix = "Nothing was done: send the same request again after the seconds that Retry-After names."
    retry_after = 2


class AnswerLateError(Refusal):
    code = "gateway.answer_late"
    status = 504
    title = "The service behind the gateway did not answer in time"
    fix = "A read can be sent again. A write may have had its effect: look before sending it again."


_REASONS: Final[Mapping[int, str]] = {
    400: "Bad Request",
    408: "Request Timeout",
    414: "URI Too Long",
    417: "Expectation Failed",
    431: "Request Header Fields Too Large",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
}


def refusal_bytes(refusal: Refusal, *, request_id: bytes = b"", with_body: bool = True) -> bytes:
    """Return the whole answer, after which the connection closes; an answer to HEAD has no body."""
    body = f"{refusal.code}: {refusal.message}\n{refusal.fix}\n".encode()
    lines = [
        f"HTTP/1.1 {refusal.status} {_REASONS[refusal.status]}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in refusal.headers().items()),
        f"Caravan-Error: {refusal.code}",
        *([f"X-Request-ID: {request_id.decode('latin-1')}"] if request_id else []),
        "Connection: close",
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body if with_body else b"")
