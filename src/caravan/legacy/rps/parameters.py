"""What the legacy lists take, read as leniently as the legacy read it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from fastapi import Request
from starlette.datastructures import QueryParams

from caravan.core.http.errors import RequestInvalidError

__all__ = ["OPENAPI", "ListParameters", "list_parameters"]

_DEFAULT: Final = 20
_MOST: Final = 200
_FARTHEST: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ListParameters:
    """``word`` is the state or the processor. Texts are trimmed and lower-cased, as the answer echoes them."""

    q: str
    word: str
    from_: str | None
    to: str | None
    sort: str
    dir: Literal["asc", "desc"]
    limit: int
    offset: int
    csv: bool


def list_parameters(request: Request, word: str | None) -> ListParameters:
    """Read the query; ``word`` names the parameter that filters by one word, where the list has one.

    Raises:
        RequestInvalidError: a date that cannot be read, or a character that no text of ours can hold.
    """
    query = request.query_params
    return ListParameters(
        q=_text(query, "q"),
        word=_text(query, word) if word else "",
        from_=_moment(query, "from"),
        to=_moment(query, "to"),
        sort=_text(query, "sort", strip=False) or "created_at",
        dir="asc" if query.get("dir", "").lower() == "asc" else "desc",
        limit=_number(query.get("limit"), default=_DEFAULT, least=1, most=_MOST),
        offset=_number(query.get("offset"), default=0, least=0, most=_FARTHEST),
        csv=query.get("format", "").lower() == "csv",
    )


def _text(query: QueryParams, name: str, *, strip: bool = True) -> str:
    value = query.get(name, "").lower()
    if "\0" in value:
        raise RequestInvalidError(f"{name} must not hold the character U+0000.")
    return value.strip() if strip else value


def _number(text: str | None, *, default: int, least: int, most: int) -> int:
    """Return what ``text`` says, kept within bounds; the default for what is no number."""
    try:
        return max(least, min(most, int(text or default)))
    except ValueError:
        return default


def _moment(query: QueryParams, name: str) -> str | None:
    """Return an ISO 8601 date or time as PostgreSQL reads it; without offset it is UTC."""
    text = query.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise RequestInvalidError(
            f"{name} must be a date or a time such as 2026-03-01T00:00:00Z; it is {text[:40]!r}."
        ) from None
    return moment.isoformat()


def _described(name: str, schema: dict[str, object], text: str) -> dict[str, object]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": text}


OPENAPI: Final = {
    "parameters": [
        _described("q", {"type": "string"}, "Contains this text, whatever the case."),
        _described("from", {"type": "string"}, "Created at or after this moment."),
        _described("to", {"type": "string"}, "Created before this moment."),
        _described("limit", {"type": "string", "default": "20"}, "1 to 200; what is no number is 20."),
        _described("offset", {"type": "string", "default": "0"}, "What is no number is 0."),
        _described(
            "sort", {"type": "string", "default": "created_at"}, "An unknown one sorts by created_at."
        ),
        _described("dir", {"type": "string", "default": "desc"}, "asc; anything else is desc."),
        _described("format", {"type": "string"}, "csv: every matching row as a file."),
    ]
}
"""The parameters that all lists share, for OpenAPI."""
