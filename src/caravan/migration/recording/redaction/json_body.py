"""Takes secrets out of JSON in place: what is not secret keeps its bytes, digits, order and spacing."""

import json
import re
from typing import Final

from caravan.migration.recording.redaction.placeholders import Placeholders
from caravan.migration.recording.redaction.rules import RedactionRules, is_secret_name
from caravan.migration.recording.redaction.text import TextRedactor, is_card_number

__all__ = ["redact_json"]

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|NaN|-?Infinity|[{}\[\],:]')
_SHORTEST_CARD, _LONGEST_CARD = 13, 19


def redact_json(text: str, rules: RedactionRules, marks: Placeholders, free_text: TextRedactor) -> str:
    """Return the JSON text, which has to be well-formed, with a mark for each secret."""
    if not rules.fields and "\\u" not in text and not free_text.may_hold(text):
        return text
    walk = _Walk(rules, marks, free_text)
    out = list[str]()
    end = 0
    for found in _TOKEN.finditer(text):
        symbol = found[0]
        kept = walk.take(symbol)
        if kept is not symbol:
            out += (text[end : found.start()], kept)
            end = found.end()
    return "".join((*out, text[end:])) if out else text


class _Walk:
    """Knows at each token where in the document it stands."""

    def __init__(self, rules: RedactionRules, marks: Placeholders, free_text: TextRedactor) -> None:
        self._rules, self._marks, self._free = rules, marks, free_text
        self._open: list[str] = []
        self._place: list[
            str | None
        ] = []  # the key per open container, None while it awaits one, or in a list
        self._secret: list[bool] = []
        self._key_next = False

    def take(self, symbol: str) -> str:
        """Return the symbol, or what replaces it."""
        if symbol in "{[":
            self._secret.append(self._is_secret())
            self._open.append(symbol)
            self._place.append(None)
            self._key_next = symbol == "{"
        elif symbol in "}]":
            self._open.pop()
            self._place.pop()
            self._secret.pop()
            self._key_next = False
        elif symbol == ",":
            self._key_next = self._open[-1] == "{"
        elif symbol == ":":
            self._key_next = False
        elif self._key_next:
            self._place[-1] = _decoded(symbol)
            return self._free_text(symbol)
        else:
            return self._value(symbol)
        return symbol

    def _value(self, token: str) -> str:
        if token[0] == '"':
            if not self._is_secret():
                return self._free_text(token)
            value = _decoded(token)
            return json.dumps(self._marks.text("secret", value)) if value else token
        if token[0] in "-0123456789" and token[-1].isdigit():
            digits = token.removeprefix("-")
            is_card = (
                _SHORTEST_CARD <= len(digits) <= _LONGEST_CARD and digits.isdigit() and is_card_number(digits)
            )
            return self._marks.number(token) if is_card or self._is_secret() else token
        return token

    def _free_text(self, token: str) -> str:
        text = _decoded(token)
        if not self._free.may_hold(text):
            return token
        kept = self._free.redact(text)
        return token if kept == text else json.dumps(kept, ensure_ascii=False)

    def _is_secret(self) -> bool:
        if any(self._secret):
            return True
        key = self._place[-1] if self._place else None
        if key is not None and is_secret_name(key):
            return True
        return bool(self._rules.fields) and self._rules.is_declared(
            tuple(step for step in self._place if step is not None)
        )


def _decoded(token: str) -> str:
    if "\\" not in token:
        return token[1:-1]
    text: str = json.loads(token, strict=False)
    return text
