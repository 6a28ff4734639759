"""Legacy keys with their type, and the ids made of them (the rule is in docs/mappings/rps.md)."""

from typing import Any, Final
from uuid import UUID

from bson import Binary, DBRef, ObjectId

from caravan.core.ids import LegacyTag, uuid5_bytes
from caravan.migration.mapping.errors import BadValueError, shown

__all__ = ["ReferenceKey", "id_of", "key_part", "reference_key", "typed_key"]

_UUID_SUBTYPES: Final = (3, 4)
_OBJECT_ID_LENGTH: Final = 24
_HEX: Final = frozenset("0123456789abcdef")
_LARGEST_EXACT_FLOAT: Final = 2**53

ReferenceKey = tuple[LegacyTag, str]


def typed_key(value: Any) -> tuple[LegacyTag, str]:  # noqa: ANN401 - whatever a document holds
    """Return tag and text of a legacy key.

    A whole double counts as the integer MongoDB compares it equal to. UUID bytes are read in the order they are stored.

    Raises:
        BadValueError: ``key.not_a_key`` for anything that cannot be told apart from other keys by its text.
    """
    if type(value) is ObjectId:
        return "o", str(value)
    if type(value) is str:
        if "\x00" in value or not _encodable(value):
            raise BadValueError("key.not_a_key", f"{shown(value)} holds characters that no text column takes")
        return "s", value
    if isinstance(value, int) and type(value) is not bool:
        return "i", str(int(value))
    if type(value) is float and value.is_integer() and abs(value) <= _LARGEST_EXACT_FLOAT:
        return "i", str(int(value))
    if isinstance(value, UUID | bytes):
        return _bytes_key(value)
    raise BadValueError("key.not_a_key", f"{shown(value)} is no key")


def _bytes_key(value: UUID | bytes) -> tuple[LegacyTag, str]:
    if isinstance(value, UUID):
        return "u", str(value)
    if isinstance(value, Binary) and value.subtype in _UUID_SUBTYPES and len(value) == 16:  # noqa: PLR2004 - a UUID
        return "u", str(UUID(bytes=bytes(value)))
    return "b", value.hex()


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def reference_key(value: Any) -> ReferenceKey:  # noqa: ANN401 - whatever a document holds
    """Return tag and text of what a reference points to.

    DBRef with and without ``$db``, a bare key, ``{"id": …}`` and ``{"$id": …}`` are read; a string of 24 hex digits is
    an ObjectId that lost its type.

    Raises:
        BadValueError: ``reference.not_a_reference``.
    """
    target = value
    if type(value) is DBRef:
        target = value.id
    elif isinstance(value, dict):
        target = value.get("$id", value.get("id"))
    try:
        tag, text = typed_key(target)
    except BadValueError:
        raise BadValueError("reference.not_a_reference", f"{shown(value)} refers to nothing") from None
    if tag == "s" and len(text) == _OBJECT_ID_LENGTH and _HEX.issuperset(text.lower()):
        return "o", text.lower()
    return tag, text


def key_part(tag: LegacyTag, text: str) -> str:
    """Return one part of a composite key, as ``caravan.core.ids.composite_key`` writes it."""
    return f"{tag}{len(text)}:{text}"


def id_of(namespace: bytes, entity: str, tag: LegacyTag, text: str) -> bytes:
    """Return the 16 bytes of ``caravan.core.ids.legacy_id``."""
    return uuid5_bytes(namespace, f"{entity}:{tag}:{text}".encode())
