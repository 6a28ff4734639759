"""What an entry says, in the one form that is hashed: canonical JSON without secrets."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import Any, Final
from uuid import UUID

__all__ = ["FIRST_PREVIOUS", "REDACTED", "Content", "chain_hash", "clean_text", "cleaned"]

REDACTED: Final = "[redacted]"
FIRST_PREVIOUS: Final = bytes(32)

_SECRET: Final = re.compile(
    r"passw|secret|token|hash|salt|(?<![a-z])otp|private_?key|api_?key|authorization|cookie|credential|recovery_?code",
    re.IGNORECASE,
)
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Content:
    """One entry without what the database adds; ``before`` and ``after`` are `cleaned`."""

    org: UUID
    id: UUID
    created_at: datetime
    principal: str
    action: str
    entity: str
    entity_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    request_id: str | None

    def digest(self) -> bytes:
        """Return SHA-256 over the canonical JSON: keys sorted, no spaces, UTF-8, times in UTC to the microsecond."""
        fields = {
            "v": 1,
            "org": str(self.org),
            "id": str(self.id),
            "created_at": self.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
            "principal": self.principal,
            "action": self.action,
            "entity": self.entity,
            "entity_id": self.entity_id,
            "before": self.before,
            "after": self.after,
            "request_id": self.request_id,
        }
        text = json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).digest()


def chain_hash(previous: bytes, org: UUID, seq: int, entry: UUID, content: bytes) -> bytes:
    """Return the hash of one link: it holds the whole chain before it."""
    return hashlib.sha256(previous + org.bytes + seq.to_bytes(8) + entry.bytes + content).digest()


def cleaned(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a copy that JSONB gives back as it was, with the values of secret-sounding keys replaced.

    Decimals, floats, dates and ids become texts: JSONB would write some numbers in another form.
    """
    return None if values is None else _mapping(values)


def clean_text(text: str) -> str:
    """Replace what PostgreSQL cannot keep: NUL and lone surrogates."""
    return _UNSTORABLE.sub("\ufffd", text)


def _mapping(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        clean_text(str(key)): REDACTED if _SECRET.search(str(key)) and value is not None else _plain(value)
        for key, value in values.items()
    }


def _plain(value: object) -> Any:  # noqa: ANN401, PLR0911 - any JSON value; one line per type
    match value:
        case Enum():
            return _plain(value.value)
        case None | bool() | int():
            return value
        case str():
            return clean_text(value)
        case datetime() | date() | time():
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case Mapping():
            return _mapping(value)
        case AbstractSet():
            return sorted((_plain(item) for item in value), key=str)
        case Sequence():
            return [_plain(item) for item in value]
        case _:  # float, Decimal, UUID, and what nobody thought of
            return clean_text(str(value))
