"""What every table of a migration file is: frozen, and without keys that nobody reads."""

import re
from collections.abc import Callable
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

__all__ = ["Digest", "HeaderName", "HttpUrl", "Method", "Name", "Seconds", "Share", "Table", "matching"]

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Seconds: TypeAlias = Annotated[float, Field(ge=0, le=10_000_000)]


class Table(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def matching(pattern: str, said: str) -> Callable[[str], str]:
    """Return a check that says in words what a text has to look like."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"{value!r} {said}")
        return value

    return check


_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
HeaderName: TypeAlias = Annotated[
    str, AfterValidator(matching(_WORD, "is no name of a header; write one such as X-User"))
]
Method: TypeAlias = Annotated[
    str,
    AfterValidator(matching(_WORD, "is no method; write one such as GET or POST")),
    AfterValidator(str.upper),
]
Digest: TypeAlias = Annotated[
    str,
    AfterValidator(
        matching(
            r"[0-9a-f]{64}",
            "is no SHA-256 digest in hex; write the digest, never the secret: printf %s SECRET | sha256sum",
        )
    ),
]


def _http(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is no http address; write one such as http://127.0.0.1:3000")
    if parts.query or parts.fragment:
        raise ValueError("has a query or a fragment; write scheme, host, port and path alone")
    return value.rstrip("/")


HttpUrl: TypeAlias = Annotated[str, AfterValidator(_http)]
