"""Legacy keys with their type, and the ids made of them (the rule is in docs/mappings/rps.md)."""

from datetime import date, time
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

from bson import Binary, DBRef, ObjectId

from caravan.core.ids import LegacyTag, uuid5_bytes
from caravan.migration.mapping.errors import BadValueError, shown

__all__ = [
    "ReferenceKey",
    "id_of",
    "is_object_id",
    "key_part",
    "key_parts",
    "key_value",
    "reference_key",
    "typed_key",
]

_UUID_SUBTYPES: Final = (3, 4)
_OBJECT_ID_LENGTH: Final = 24
_HEX: Final = frozenset("0123456789abcdef")
_LARGEST_EXACT_FLOAT: Final = 2**53
_TAGS: Final[dict[str, LegacyTag]] = {"o": "o", "i": "i", "s": "s", "u": "u", "b": "b"}

ReferenceKey = tuple[LegacyTag, str]


def typed_key(value: Any) -> tuple[LegacyTag, str]:  # noqa: ANN401 - whatever a document holds
    """Return tag and text of a legacy key.

    A whole double counts as the integer MongoDB compares it equal to. UUID bytes are read in the order they are stored.
    A day, a time and a number with digits after the point are their text (in ISO 8601, without zeros at the end).

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
    return _row_key(value)


def _row_key(value: Any) -> tuple[LegacyTag, str]:  # noqa: ANN401 - whatever a row holds
    if isinstance(value, date | time) and getattr(value, "tzinfo", None) is None:
        return "s", value.isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        return _number_key(value)
    raise BadValueError("key.not_a_key", f"{shown(value)} is no key")


def _number_key(value: Decimal) -> tuple[LegacyTag, str]:
    if value == value.to_integral_value():
        return "i", str(int(value))
    return "s", format(value, "f").rstrip("0")


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
    if tag == "s" and is_object_id(text.lower()):
        return "o", text.lower()
    return tag, text


def is_object_id(text: str) -> bool:
    """Tell whether a text is what an ObjectId prints."""
    return len(text) == _OBJECT_ID_LENGTH and _HEX.issuperset(text)


def key_value(tag: LegacyTag, text: str, shape: Literal["document", "row"]) -> Any:  # noqa: ANN401 - a key of any source
    """Return the value whose typed key this is, of the type that documents or rows keep such keys as."""
    match tag:
        case "o":
            return ObjectId(text)
        case "i":
            return int(text)
        case "u":
            return Binary(UUID(text).bytes, _UUID_SUBTYPES[1]) if shape == "document" else UUID(text)
        case "b":
            return bytes.fromhex(text)
        case "s":
            return text


def key_part(tag: LegacyTag, text: str) -> str:
    """Return one part of a composite key, as ``caravan.core.ids.composite_key`` writes it."""
    return f"{tag}{len(text)}:{text}"


def key_parts(text: str) -> list[ReferenceKey]:
    """Return the parts of a composite key's text.

    Raises:
        ValueError: it is no such text.
    """
    parts: list[ReferenceKey] = []
    while text:
        tag, length, rest = text[0], *text[1:].split(":", 1)
        if tag not in _TAGS:
            raise ValueError(text)
        size = int(length)
        part, text = rest[:size], rest[size:]
        if len(part) != size or (text and text[0] != ","):
            raise ValueError(text)
        parts.append((_TAGS[tag], part))
        text = text[1:]
    return parts


def id_of(namespace: bytes, entity: str, tag: LegacyTag, text: str) -> bytes:
    """Return the 16 bytes of ``caravan.core.ids.legacy_id``."""
    return uuid5_bytes(namespace, f"{entity}:{tag}:{text}".encode())
