"""Takes secrets out of headers: the scheme of an authorization, the names of cookies and their attributes stay."""

from typing import Final

from caravan.migration.exchange import Headers
from caravan.migration.recording.redaction.placeholders import Placeholders
from caravan.migration.recording.redaction.rules import RedactionRules
from caravan.migration.recording.redaction.text import TextRedactor

__all__ = ["HeaderRedactor"]

_AUTHORIZATIONS: Final = frozenset({"authorization", "proxy-authorization"})


class HeaderRedactor:
    """Redacts header lists, order and case kept."""

    def __init__(self, rules: RedactionRules, marks: Placeholders, free_text: TextRedactor) -> None:
        self._rules, self._marks, self._free = rules, marks, free_text

    def redact(self, headers: Headers, *, inflated: bool = False) -> Headers:
        """Return the headers to store; of a body that was inflated the encoding is no longer true."""
        return tuple(
            (name, self._value(name.lower(), value))
            for name, value in headers
            if not (inflated and name.lower() == "content-encoding")
        )

    def _value(self, name: str, value: str) -> str:
        if name in _AUTHORIZATIONS:
            scheme, space, rest = value.strip().partition(" ")
            return f"{scheme} {self._mark(rest)}" if space else self._mark(value)
        if name == "cookie":
            return "; ".join(self._cookie(pair.strip()) for pair in value.split(";") if pair.strip())
        if name == "set-cookie":
            first, separator, attributes = value.partition(";")
            return self._cookie(first.strip()) + separator + attributes
        if self._rules.is_client_header(name):
            return ", ".join(self._marks.text("client", part.strip()) for part in value.split(","))
        return self._mark(value) if self._rules.is_secret_header(name) else self._free.redact(value)

    def _cookie(self, pair: str) -> str:
        name, separator, value = pair.partition("=")
        return f"{name}={self._mark(value)}" if separator else self._mark(name)

    def _mark(self, value: str) -> str:
        return self._marks.text("secret", value) if value else value
