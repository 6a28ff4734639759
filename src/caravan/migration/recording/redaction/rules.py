"""What counts as secret: names of headers, parameters and fields, shapes of text, and what the user declares."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from caravan.migration.recording.errors import RuleInvalid

__all__ = ["FieldPath", "PathTemplate", "RedactionRules", "is_secret_name"]

_NAMES: Final = frozenset(
    """
    accesscode appkey auth authcode authkey authorization bearer ccnumber clientassertion codeverifier cookie
    csrf encryptionkey magiclink mfacode otp pan pass pin pincode proxyauthorization recoverycode securitycode
    session sessionkey setcookie sid sig signingkey ssn tokens totp xauth
    """.split()  # noqa: SIM905 - a list to read
)  # whole names, without separators and case
_INSIDE: Final = (
    "password", "passwd", "passphrase", "passcode", "secret", "apikey", "privatekey", "accesskey", "signature", "creditcard",
    "cardnumber", "credential", "cvv", "cvc", "socialsecurity",
)  # fmt: skip
_ENDINGS: Final = ("token", "sessionid", "sessid", "pwd", "jwt")
_HARMLESS: Final = frozenset(
    {"pagetoken", "nextpagetoken", "nexttoken", "continuationtoken", "pagingtoken", "wwwauthenticate"}
)
_SEPARATORS: Final = re.compile(r"[^a-z0-9]")
_CLIENT_HEADERS: Final = frozenset(
    {"x-forwarded-for", "x-real-ip", "forwarded", "cf-connecting-ip", "true-client-ip", "x-client-ip"}
)
_NAME: Final = re.compile(r"[^\s:=;,]+")


@lru_cache(maxsize=8192)
def is_secret_name(name: str) -> bool:
    """Tell whether a header, parameter or field of this name holds a secret, whatever its case and separators."""
    plain = _SEPARATORS.sub("", name.lower())
    if plain in _NAMES or any(word in plain for word in _INSIDE):
        return True
    return plain.endswith(_ENDINGS) and plain not in _HARMLESS


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A declared place in a body. Steps are names; ``*`` is any one step, ``**`` any number; list indexes are no steps."""

    steps: tuple[str, ...]

    def holds(self, place: tuple[str, ...]) -> bool:
        """Tell whether the place, or something around it, is declared."""
        return any(_matches(self.steps, place[:length]) for length in range(1, len(place) + 1))


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """A declared request path; None marks a segment whose value is secret."""

    segments: tuple[str | None, ...]

    def secret_positions(self, segments: list[str]) -> list[int]:
        """Return the positions to redact, none when the path is another one."""
        if len(segments) != len(self.segments):
            return []
        pairs = zip(self.segments, segments, strict=True)
        if any(wanted is not None and wanted != seen for wanted, seen in pairs):
            return []
        return [position for position, wanted in enumerate(self.segments) if wanted is None]


@dataclass(frozen=True, slots=True)
class RedactionRules:
    """The defaults always hold; ``declared`` adds to them. ``clients``: addresses of clients become marks too."""

    headers: frozenset[str] = frozenset()
    queries: frozenset[str] = frozenset()
    cookies: frozenset[str] = frozenset()
    fields: tuple[FieldPath, ...] = ()
    paths: tuple[PathTemplate, ...] = ()
    clients: bool = True

    @classmethod
    def declared(cls, declarations: Iterable[str], *, clients: bool = True) -> "RedactionRules":
        """Return the rules that add ``header:X``, ``query:x``, ``cookie:x``, ``body:a.b[].c`` or ``path:/a/{x}``.

        Raises:
            RuleInvalid: naming the declaration.
        """
        taken: dict[str, list[str]] = {"header": [], "query": [], "cookie": [], "body": [], "path": []}
        for declaration in declarations:
            kind, separator, rest = declaration.partition(":")
            if kind not in taken or not separator or not _is_right(kind, rest):
                raise RuleInvalid(f"{declaration!r} is no rule of redaction")
            taken[kind].append(rest)
        return cls(
            headers=frozenset(name.lower() for name in taken["header"]),
            queries=frozenset(taken["query"]),
            cookies=frozenset(taken["cookie"]),
            fields=tuple(FieldPath(_steps(path)) for path in taken["body"]),
            paths=tuple(PathTemplate(_segments(path)) for path in taken["path"]),
            clients=clients,
        )

    def is_secret_header(self, name: str) -> bool:
        """Tell whether the whole value of a header is secret."""
        return name in self.headers or is_secret_name(name)

    def is_client_header(self, name: str) -> bool:
        """Tell whether a header says who asked."""
        return self.clients and name in _CLIENT_HEADERS

    def is_secret_query(self, name: str) -> bool:
        """Tell whether a query parameter is secret."""
        return name in self.queries or is_secret_name(name)

    def is_declared(self, place: tuple[str, ...]) -> bool:
        """Tell whether a place in a body was declared."""
        return any(path.holds(place) for path in self.fields)


def _is_right(kind: str, rest: str) -> bool:
    if kind == "path":
        return rest.startswith("/") and "{" in rest
    return bool(_NAME.fullmatch(rest))


def _steps(path: str) -> tuple[str, ...]:
    plain = path.removeprefix("$").replace("[]", "").replace("[*]", "")
    return tuple(step for step in plain.split(".") if step)


def _segments(path: str) -> tuple[str | None, ...]:
    return tuple(None if part.startswith("{") and part.endswith("}") else part for part in path.split("/"))


def _matches(steps: tuple[str, ...], place: tuple[str, ...]) -> bool:
    if not steps:
        return not place
    if steps[0] == "**":
        return any(_matches(steps[1:], place[skip:]) for skip in range(len(place) + 1))
    return bool(place) and steps[0] in {"*", place[0]} and _matches(steps[1:], place[1:])
