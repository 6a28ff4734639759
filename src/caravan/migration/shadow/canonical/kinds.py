"""What may be said of a value that is never the same twice. Each kind weakens equality, none gives it up.

A kind is started by a first pair of differing values (``of``), widened by further pairs (``widened``; None when the pair does
not fit), and then says whether another pair is as good as equal (``accepts``).
"""

import math
import re
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Final, Protocol, Self
from urllib.parse import urlsplit

from caravan.migration.shadow.canonical.moments import read_moment
from caravan.migration.shadow.documents import Document, kind_name
from caravan.migration.shadow.errors import ComparisonRuleError

__all__ = [
    "LEARNABLE",
    "AnyId",
    "Canonicaliser",
    "Counter",
    "Near",
    "Timestamp",
    "Token",
    "Url",
    "Uuid",
    "canonicaliser_from_json",
    "canonicaliser_to_json",
]


class Canonicaliser(Protocol):
    """``refers`` says that equal values on the old side must be equal values on the new one, and differing ones differing."""

    name: ClassVar[str]
    refers: ClassVar[bool]

    @classmethod
    def of(cls, old: Document, new: Document) -> Self | None: ...

    def widened(self, old: Document, new: Document) -> Self | None: ...

    def accepts(self, old: Document, new: Document) -> bool: ...


_UUID: Final = re.compile(
    r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1([0-9a-f])[0-9a-f]{3}\1[0-9a-f]{4}\1[0-9a-f]{12}", re.IGNORECASE
)


_MOST_FORMS: Final = 2


def _uuid_form(value: Document) -> str | None:
    if not isinstance(value, str) or (match := _UUID.fullmatch(value)) is None:
        return None
    case = "upper" if value != value.lower() else "lower"
    return f"version {match[2].lower()}, {case} case, {'with' if match[1] else 'no'} hyphens"


@dataclass(frozen=True, slots=True)
class Uuid:
    """The same version, case and hyphens; ``forms`` are those seen."""

    forms: tuple[str, ...]
    name: ClassVar[str] = "uuid"
    refers: ClassVar[bool] = True

    @classmethod
    def of(cls, old: Document, new: Document) -> "Uuid | None":
        return cls(()).widened(old, new)

    def widened(self, old: Document, new: Document) -> "Uuid | None":
        before, after = _uuid_form(old), _uuid_form(new)
        if before is None or after is None:
            return None
        forms = {*self.forms, before, after}
        # Any 32 hexadecimal digits look like a uuid of some version; a generator of uuids has one or two.
        return Uuid(tuple(sorted(forms))) if len(forms) <= _MOST_FORMS else None

    def accepts(self, old: Document, new: Document) -> bool:
        return _uuid_form(old) in self.forms and _uuid_form(new) in self.forms


@dataclass(frozen=True, slots=True)
class Timestamp:
    """Written in a form that was seen (zone included), at most ``within`` seconds apart: twice the most seen, at least one."""

    forms: tuple[str, ...]
    within: float
    name: ClassVar[str] = "timestamp"
    refers: ClassVar[bool] = False
    least: ClassVar[float] = 1.0
    most: ClassVar[float] = 60.0

    @classmethod
    def of(cls, old: Document, new: Document) -> "Timestamp | None":
        return cls((), cls.least).widened(old, new)

    def widened(self, old: Document, new: Document) -> "Timestamp | None":
        before, after = read_moment(old), read_moment(new)
        if before is None or after is None or abs(after.seconds - before.seconds) > self.most:
            return None
        forms = tuple(sorted({*self.forms, before.form, after.form}))
        return Timestamp(forms, max(self.within, 2 * abs(after.seconds - before.seconds)))

    def accepts(self, old: Document, new: Document) -> bool:
        before, after = read_moment(old), read_moment(new)
        if before is None or after is None or after.form not in {*self.forms, before.form}:
            return False
        return abs(after.seconds - before.seconds) <= self.within


_ALPHABETS: Final = (
    ("digits", re.compile(r"[0-9]+")),
    ("lower hex", re.compile(r"[0-9a-f]+")),
    ("upper hex", re.compile(r"[0-9A-F]+")),
    ("hex", re.compile(r"[0-9A-Fa-f]+")),
    ("base32", re.compile(r"[0-9A-Z]+")),
    ("lower case and digits", re.compile(r"[0-9a-z]+")),
    ("letters and digits", re.compile(r"[0-9A-Za-z]+")),
    ("base64url", re.compile(r"[0-9A-Za-z_\-=]+")),
    ("base64", re.compile(r"[0-9A-Za-z+/=]+")),
    ("token", re.compile(r"[0-9A-Za-z_\-=+/.~:|]+")),
)
_PATTERNS: Final = dict(_ALPHABETS)
_LEAST_TOKEN: Final = 8


@dataclass(frozen=True, slots=True)
class Token:
    """As long as those seen and of their smallest alphabet (hexadecimal, nanoid, session ids, signatures)."""

    alphabet: str
    shortest: int
    longest: int
    name: ClassVar[str] = "token"
    refers: ClassVar[bool] = True

    @classmethod
    def of(cls, old: Document, new: Document) -> "Token | None":
        return cls(_ALPHABETS[0][0], 1 << 30, 0).widened(old, new)

    def widened(self, old: Document, new: Document) -> "Token | None":
        if not (isinstance(old, str) and isinstance(new, str)) or min(len(old), len(new)) < _LEAST_TOKEN:
            return None
        known = next(i for i, (name, _) in enumerate(_ALPHABETS) if name == self.alphabet)
        for alphabet, pattern in _ALPHABETS[known:]:
            # An alphabet further down may leave out signs of the present one; then neither takes both.
            if pattern.fullmatch(old) and pattern.fullmatch(new):
                lengths = (self.shortest, self.longest, len(old), len(new))
                return Token(alphabet, min(lengths[0], *lengths[2:]), max(lengths[1], *lengths[2:]))
        return None

    def accepts(self, old: Document, new: Document) -> bool:
        return all(
            isinstance(value, str)
            and self.shortest <= len(value) <= self.longest
            and _PATTERNS[self.alphabet].fullmatch(value) is not None
            for value in (old, new)
        )


@dataclass(frozen=True, slots=True)
class Counter:
    """A whole number that only grows; the later answer's is at most eight times the largest step seen ahead."""

    step: int
    name: ClassVar[str] = "counter"
    refers: ClassVar[bool] = False

    @classmethod
    def of(cls, old: Document, new: Document) -> "Counter | None":
        return cls(0).widened(old, new)

    def widened(self, old: Document, new: Document) -> "Counter | None":
        step = _step(old, new)
        return None if step is None or step <= 0 else Counter(max(self.step, step))

    def accepts(self, old: Document, new: Document) -> bool:
        step = _step(old, new)
        return step is not None and 0 <= step <= 8 * self.step


_MOST_DIGITS: Final = 30


def _step(old: Document, new: Document) -> int | None:
    if not (isinstance(old, tuple) and isinstance(new, tuple) and _both_whole(old, new)):
        return None
    if max(len(old[0]), len(new[0])) > _MOST_DIGITS:
        return None
    return int(new[0]) - int(old[0])


@dataclass(frozen=True, slots=True)
class Near:
    """Numbers whose relative distance is at most four times the largest seen, never more than a thousandth."""

    within: float
    whole: bool = False
    name: ClassVar[str] = "near"
    refers: ClassVar[bool] = False
    most: ClassVar[float] = 1e-3

    @classmethod
    def of(cls, old: Document, new: Document) -> "Near | None":
        return cls(0.0).widened(old, new)

    def widened(self, old: Document, new: Document) -> "Near | None":
        distance = _distance(old, new)
        if distance is None or 4 * distance > self.most:
            return None
        whole = self.whole or kind_name(old) != kind_name(new)
        return None if _both_whole(old, new) else Near(max(self.within, 4 * distance), whole)

    def accepts(self, old: Document, new: Document) -> bool:
        distance = _distance(old, new)
        alike = self.whole or kind_name(old) == kind_name(new) == "decimal"
        return distance is not None and distance <= self.within and alike


def _distance(old: Document, new: Document) -> float | None:
    if not (isinstance(old, tuple) and isinstance(new, tuple)):
        return None
    before, after = float(old[0]), float(new[0])
    if not (math.isfinite(before) and math.isfinite(after)):
        return None
    largest = max(abs(before), abs(after))
    return abs(after - before) / largest if largest else 0.0


def _both_whole(old: Document, new: Document) -> bool:
    return kind_name(old) == kind_name(new) == "integer"


@dataclass(frozen=True, slots=True)
class Url:
    """The same URL but for its host, which is one of those seen."""

    hosts: tuple[str, ...]
    name: ClassVar[str] = "url"
    refers: ClassVar[bool] = False

    @classmethod
    def of(cls, old: Document, new: Document) -> "Url | None":
        return cls(()).widened(old, new)

    def widened(self, old: Document, new: Document) -> "Url | None":
        before, after = _taken_apart(old), _taken_apart(new)
        if before is None or after is None or before[1] != after[1]:
            return None
        return replace(self, hosts=tuple(sorted({*self.hosts, before[0], after[0]})))

    def accepts(self, old: Document, new: Document) -> bool:
        before, after = _taken_apart(old), _taken_apart(new)
        return before is not None and after is not None and before[1] == after[1] and after[0] in self.hosts


def _taken_apart(value: Document) -> tuple[str, str] | None:
    if not isinstance(value, str) or "//" not in value:
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return (parts.netloc.lower(), parts._replace(scheme="", netloc="").geturl()) if parts.netloc else None


@dataclass(frozen=True, slots=True)
class AnyId:
    """Declared, never learnt: any value of the same JSON type, held to be the name of one thing throughout a flow."""

    name: ClassVar[str] = "id"
    refers: ClassVar[bool] = True

    @classmethod
    def of(cls, _old: Document, _new: Document) -> "AnyId | None":
        return None

    def widened(self, _old: Document, _new: Document) -> "AnyId | None":
        return self

    def accepts(self, old: Document, new: Document) -> bool:
        return kind_name(old) == kind_name(new) and old not in {None, ""} and new not in {None, ""}


LEARNABLE: Final[tuple[type[Canonicaliser], ...]] = (Uuid, Timestamp, Url, Token, Counter, Near)
"""From the strictest to the loosest: the first that fits every pair is taken."""

_BY_NAME: Final[dict[str, Any]] = {
    kind.name: kind for kind in (Uuid, Timestamp, Url, Token, Counter, Near, AnyId)
}


def canonicaliser_to_json(canonicaliser: Canonicaliser) -> dict[str, Any]:
    """Write as plain values: ``kind`` and the parameters."""
    return {"kind": canonicaliser.name, **asdict(canonicaliser)}  # type: ignore[call-overload]  # all are dataclasses


def canonicaliser_from_json(given: dict[str, Any]) -> Canonicaliser:
    """Read what ``canonicaliser_to_json`` wrote, or a declaration such as ``{"kind": "id"}``. Raises ``ComparisonRuleError``."""
    values = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in given.items()
        if name != "kind"
    }
    if given["kind"] == Token.name and values.get("alphabet") not in _PATTERNS:
        known = ", ".join(_PATTERNS)
        raise ComparisonRuleError(f"{values.get('alphabet')} is no alphabet of tokens; there are {known}")
    made: Canonicaliser = _BY_NAME[given["kind"]](**values)
    return made
