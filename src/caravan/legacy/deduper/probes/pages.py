"""The pages of the legacy's framework, byte for byte."""

from typing import Final

from caravan.legacy.deduper.probes.probe import HTML, Answer

__all__ = ["BAD_REQUEST", "NOT_FOUND", "UNSUPPORTED", "refused"]


def _page(status: int, name: str, text: str) -> bytes:
    head = f"<!doctype html>\n<html lang=en>\n<title>{status} {name}</title>\n<h1>{name}</h1>\n"
    return f"{head}<p>{text}</p>\n".encode()


BAD_REQUEST: Final = Answer(
    400,
    HTML,
    body=_page(
        400, "Bad Request", "The browser (or proxy) sent a request that this server could not understand."
    ),
)
NOT_FOUND: Final = Answer(
    404,
    HTML,
    body=_page(
        404,
        "Not Found",
        "The requested URL was not found on the server. If you entered the URL manually please check your spelling"
        " and try again.",
    ),
)
UNSUPPORTED: Final = Answer(
    415,
    HTML,
    body=_page(
        415,
        "Unsupported Media Type",
        "Did not attempt to load JSON data because the request Content-Type was not &#39;application/json&#39;.",
    ),
)


def refused(*methods: str) -> Answer:
    """Return the 405 of an address that takes these methods."""
    body = _page(405, "Method Not Allowed", "The method is not allowed for the requested URL.")
    return Answer(405, HTML, body=body, allow=frozenset(methods))
