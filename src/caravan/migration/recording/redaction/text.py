"""Takes secrets out of any text: tokens by their shape, ``name=value`` by its name, card numbers by the Luhn sum."""

import re
from typing import Final
from urllib.parse import quote, unquote

from caravan.migration.recording.redaction.placeholders import Placeholders
from caravan.migration.recording.redaction.rules import is_secret_name

__all__ = ["TextRedactor", "is_card_number"]

_TOKENS: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)*"  # JSON Web Token: base64url of '{"'
    r"|\b(?:sk|pk|rk)_(?:live|test)_\w{8,}|\bgh[pousr]_\w{20,}|\bxox[abprs]-[\w-]{10,}|\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{30,}"
    r"|(?<=://)[^/\s:@\"'<>]+:[^/\s@\"'<>]+(?=@)",  # user:password of a URL
    re.DOTALL,
)
_BEARER: Final = re.compile(r"\b(bearer|basic)(\s+)([\w~+/.-]{6,}=*)", re.IGNORECASE)
_NAMED: Final = re.compile(r"""(?<![\w.\-\[\]])(?P<name>[\w.\-\[\]]{2,200}+)\\?["']?\s*+[:=]\s*+""")
_VALUE: Final = re.compile(
    r"""(?P<quote>\\?["'])(?P<quoted>.*?)(?P=quote)|\\?["'](?P<open>[^\s"'\\&;,<>]+)|(?P<bare>[^\s"'\\&;,<>#{}\[\]]+)""",
    re.DOTALL,
)
_LINE: Final = re.compile(r"""(?P<bare>[^\r\n"'<>]+)""")
_WHOLE_LINES: Final = (
    "authorization",
    "cookie",
)  # names, as text shows headers: everything behind them is secret
_TAGGED: Final = re.compile(
    r"<(?P<name>[A-Za-z][\w.:\-]{1,60})(?P<more>[^<>]*)>(?P<value>[^<>]+)</(?P=name)>"
)
_HTML_FIELD: Final = re.compile(r"<(?:input|meta|button|option)\b[^<>]*>", re.IGNORECASE)
_HTML_NAME: Final = re.compile(r"""\b(?:name|id|property)\s*=\s*["']?([\w.\-\[\]:]+)""", re.IGNORECASE)
_HTML_VALUE: Final = re.compile(
    r"""(\b(?:value|content)\s*=\s*)(?:(["'])(.*?)\2|([^\s"'<>]+))""", re.IGNORECASE | re.DOTALL
)
_ENCODED: Final = re.compile(r"[^\s\"'<>&;,]++")
_DIGITS: Final = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
_CARD_BEGIN: Final = re.compile(r"[3-6]|2(?:2[2-9]|[3-6]|7[01]|720)")
_SUSPICIOUS: Final = (
    "pass", "pwd", "secret", "token", "auth", "key", "cookie", "credential", "cvc", "cvv", "sess", "sid", "sig", "otp", "pin",
    "pan", "ssn", "jwt", "csrf", "xsrf", "bearer", "basic", "code", "card", "magic", "assertion", "security", "ccn", "cc_n",
    "cc-n", "%3d", "eyj", "_live_", "_test_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "xox", "akia", "aiza", "private",
)  # fmt: skip
_MANY_DIGITS: Final = re.compile(r"\d(?:[ -]?\d){12}")


class TextRedactor:
    """Redacts free text; structure is others' business."""

    def __init__(self, placeholders: Placeholders) -> None:
        self._marks = placeholders

    @staticmethod
    def may_hold(text: str) -> bool:
        """Tell whether the text could hold a secret, by name or shape; quick, and rather too often."""
        lowered = text.lower()
        if any(word in lowered for word in _SUSPICIOUS):
            return True
        return ("@" in text and "://" in text) or _MANY_DIGITS.search(text) is not None

    def redact(self, text: str) -> str:
        """Return the text with a mark for each secret in it."""
        if not self.may_hold(text):
            return text
        text = _TOKENS.sub(lambda found: self._marks.text("token", found[0]), text)
        text = _BEARER.sub(lambda found: found[1] + found[2] + self._marks.text("token", found[3]), text)
        text = self._named(text)
        text = _TAGGED.sub(self._tagged, text)
        text = _HTML_FIELD.sub(self._html_field, text)
        if "%3d" in text or "%3D" in text:
            text = _ENCODED.sub(self._encoded, text)
        return self.cards(text)

    def cards(self, text: str) -> str:
        """Return the text without card numbers."""
        return _DIGITS.sub(self._card, text)

    def _named(self, text: str) -> str:
        """Replace values behind secret names. Values of other names are not jumped over: they may hold names themselves."""
        out, end = list[str](), 0
        for found in _NAMED.finditer(text):
            name = found["name"].rpartition(".")[2]
            if found.start() < end or not is_secret_name(name):
                continue
            whole = name.lower().endswith(_WHOLE_LINES) and _LINE.match(text, found.end())
            value = whole or _VALUE.match(text, found.end())
            if not value or not value.lastgroup or not value[value.lastgroup]:
                continue
            begin, stop = value.span(value.lastgroup)
            out += (text[end:begin], self._marks.text("secret", text[begin:stop]))
            end = stop
        return "".join((*out, text[end:])) if out else text

    def _tagged(self, found: "re.Match[str]") -> str:
        if not is_secret_name(found["name"].rpartition(":")[2]):
            return found[0]
        mark = self._marks.text("secret", found["value"])
        return f"<{found['name']}{found['more']}>{mark}</{found['name']}>"

    def _html_field(self, found: "re.Match[str]") -> str:
        """A hidden field of a form: its name and its value are two attributes, in any order."""
        names = _HTML_NAME.findall(found[0])
        if not any(is_secret_name(name) for name in names):
            return found[0]
        return _HTML_VALUE.sub(self._html_value, found[0])

    def _html_value(self, found: "re.Match[str]") -> str:
        around = found[2] or ""
        value = found[4] if found[3] is None else found[3]
        return f"{found[1]}{around}{self._marks.text('secret', value) if value else ''}{around}"

    def _encoded(self, found: "re.Match[str]") -> str:
        """An address inside an address has its own parameters, percent-encoded."""
        if "%3d" not in found[0] and "%3D" not in found[0]:
            return found[0]
        plain = unquote(found[0])
        kept = plain if plain == found[0] else self.redact(plain)
        return found[0] if kept == plain else quote(kept, safe="~.=&?/:%")

    def _card(self, found: "re.Match[str]") -> str:
        digits = found[0].replace(" ", "").replace("-", "")
        return self._marks.text("card", digits) if is_card_number(digits) else found[0]


def is_card_number(digits: str) -> bool:
    """Tell whether 13 to 19 digits begin as cards do and satisfy the Luhn sum (ISO/IEC 7812-1, annex B)."""
    if _CARD_BEGIN.match(digits) is None:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the digit sum of a doubled digit
    return total % 10 == 0
