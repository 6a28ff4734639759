"""Identifiers: UUIDv7 for what is born here, UUIDv5 of the legacy key for what is imported."""

import os
import threading
import time
import uuid
from collections.abc import Sequence
from hashlib import sha1
from typing import Final, Literal, TypeAlias
from uuid import UUID

__all__ = ["CARAVAN", "LegacyTag", "composite_key", "legacy_id", "source_namespace", "uuid5_bytes", "uuid7"]

CARAVAN: Final = UUID("6d6f7665-6361-5261-8a6e-636172617661")
"""Namespace of all imported ids. It never changes: ids of running migrations hang on it."""

LegacyTag: TypeAlias = Literal["o", "i", "s", "u", "b"]
"""Type of a legacy key: ObjectId, any integer, string, UUID, bytes."""

_lock = threading.Lock()
_last_ms = 0
_sequence = 0
_SEQUENCE_LIMIT: Final = 0x1000


def uuid7() -> UUID:
    """Return a time-ordered id (RFC 9562, version 7), increasing within this process.

    The 12 bits after the millisecond are a counter (method 1 of section 6.2), started at random below half its range.
    """
    global _last_ms, _sequence  # noqa: PLW0603 - the counter is the state RFC 9562 asks for
    with _lock:
        now = time.time_ns() // 1_000_000
        if now > _last_ms:
            _last_ms, _sequence = now, int.from_bytes(os.urandom(2)) & 0x7FF
        else:
            _sequence += 1
            if _sequence == _SEQUENCE_LIMIT:
                _last_ms, _sequence = _last_ms + 1, 0
        ms, sequence = _last_ms, _sequence
    tail = int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=(ms << 80) | (0x7000 | sequence) << 64 | 0x8000_0000_0000_0000 | tail)


def source_namespace(source: str, org_id: UUID) -> UUID:
    """Return the namespace of one source within one organisation."""
    return uuid.uuid5(CARAVAN, source + str(org_id))


def legacy_id(namespace: UUID, entity: str, tag: LegacyTag, text: str) -> UUID:
    """Return the id of the imported row whose legacy key is ``text`` of type ``tag``."""
    return uuid.uuid5(namespace, f"{entity}:{tag}:{text}")


def composite_key(parts: Sequence[tuple[LegacyTag, str]]) -> str:
    """Return the text of a key of several parts; lengths keep ``('a', 'b:c')`` and ``('a:b', 'c')`` apart."""
    return ",".join(f"{tag}{len(text)}:{text}" for tag, text in parts)


def uuid5_bytes(namespace: bytes, name: bytes) -> bytes:
    """Return the 16 bytes of a UUIDv5: what ``uuid.uuid5`` computes, without the object (bulk loads make millions)."""
    digest = bytearray(sha1(namespace + name, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return bytes(digest)
