"""What redaction took out of a request: a side that is asked without it answers as to a stranger."""

from caravan.migration.exchange import Request
from caravan.migration.recording.redaction.placeholders import is_placeholder

__all__ = ["missing_from"]


def missing_from(request: Request) -> tuple[str, ...]:
    """Name the parts whose values are gone, such as ``header Authorization``; none when it can be sent as it was.

    A number that stands for a secret number looks like any other, so it is not found.
    """
    content = request.body.content
    headers = dict.fromkeys(name for name, value in request.headers if is_placeholder(value))
    return (
        *(["the target"] if is_placeholder(request.target) else []),
        *(f"header {name}" for name in headers),
        *(["the body"] if content is None or is_placeholder(content.decode("latin-1")) else []),
    )
