"""References: to rows of ours by id, or as the text of the legacy key; and identifiers that are UUIDs themselves."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from uuid import UUID

from bson import Binary, DBRef, ObjectId

from caravan.core.ids import uuid5_bytes
from caravan.migration.mapping.codecs.codec import Codec, Decoder, Encoder, same
from caravan.migration.mapping.codecs.memory import Memory
from caravan.migration.mapping.codecs.text import decode_text
from caravan.migration.mapping.contract import InverseContext, MappingContext, SqlType
from caravan.migration.mapping.errors import BadValueError, shown
from caravan.migration.mapping.keys import (
    ReferenceKey,
    id_of,
    is_object_id,
    key_value,
    reference_key,
    typed_key,
)

__all__ = ["ForeignKey", "KeyText", "ReferenceTo", "Uuid"]

_UUID_BYTES: Final = 16


@dataclass(frozen=True)
class ReferenceTo(Codec):
    """The id of a row of ``table``, computed from the legacy key of ``entity``: no look-up, whatever was loaded first.

    ``dbref``: the collection that a DBRef names when the reference is written back; empty writes the bare key.
    """

    entity: str
    table: str
    dbref: str = field(default="", repr=False)
    name: ClassVar[str] = "reference"
    takes: ClassVar[frozenset[str]] = frozenset(
        {"text", "integer", "uuid", "decimal", "bytes", "day", "local", "json"}
    )
    sql_type: ClassVar[SqlType] = "uuid"
    lossy: ClassVar[str] = (
        "the form of the reference: a DBRef with its names, a bare key, an ObjectId as text"
    )

    def key(self, value: Any) -> ReferenceKey:  # noqa: ANN401 - any value of any source
        """Return the typed key that a value refers to; raises ``BadValueError``."""
        return reference_key(value)

    def decoder(self, context: MappingContext) -> Decoder:
        namespace = context.namespace.bytes
        prefix = f"{self.entity}:o:".encode()
        ids: Memory[bytes, bytes] = Memory(lambda raw: uuid5_bytes(namespace, prefix + raw.hex().encode()))

        def reference(value: Any) -> bytes:  # noqa: ANN401 - any value of any source
            target = value.id if type(value) is DBRef else value
            if type(target) is ObjectId:
                return ids[target.binary]
            return id_of(namespace, self.entity, *self.key(value))

        return reference

    def encoder(self, context: InverseContext) -> Encoder:
        def legacy(row_id: Any) -> Any:  # noqa: ANN401 - a key of any source
            found = context.find_key(self.entity, row_id)
            if found is None:
                raise BadValueError(
                    "reference.unknown", f"the {self.entity} {row_id.hex()} has no key in the source yet"
                )
            value = key_value(*found, context.shape)
            return DBRef(self.dbref, value) if self.dbref else value

        return legacy


@dataclass(frozen=True)
class ForeignKey(ReferenceTo):
    """A reference in a column: an integer, a UUID, bytes or text, taken as the type it has, letter by letter."""

    name: ClassVar[str] = "foreign key"
    lossy: ClassVar[str] = ""

    def key(self, value: Any) -> ReferenceKey:  # noqa: ANN401 - any value of any source
        """Return the typed key that a value is."""
        try:
            return typed_key(value)
        except BadValueError as error:
            raise BadValueError("reference.not_a_reference", error.detail) from None


@dataclass(frozen=True)
class KeyText(Codec):
    """The text of a legacy key, of a reference or bare."""

    name: ClassVar[str] = "key text"
    takes: ClassVar[frozenset[str]] = frozenset({"text", "integer", "uuid", "decimal", "bytes", "day"})
    sql_type: ClassVar[SqlType] = "text"
    lossy: ClassVar[str] = "the BSON type of the key, the collection and database a DBRef names"
    faithful: ClassVar[bool] = False

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return _key_text

    def encoder(self, context: InverseContext) -> Encoder:
        """Return text; 24 hexadecimal digits are an ObjectId where the source has documents."""
        return _key_of_text if context.shape == "document" else same


def _key_text(value: Any) -> str:  # noqa: ANN401 - any value of any source
    if type(value) is ObjectId:
        return str(value)
    if type(value) is str:
        return decode_text(value)
    return reference_key(value)[1]


def _key_of_text(text: str) -> ObjectId | str:
    return ObjectId(text) if is_object_id(text) else text


@dataclass(frozen=True)
class Uuid(Codec):
    """A UUID that is data: a UUID, BSON binary of subtype 3 or 4 and 16 bytes in the order they are stored, text."""

    name: ClassVar[str] = "uuid"
    takes: ClassVar[frozenset[str]] = frozenset({"uuid", "bytes", "text"})
    sql_type: ClassVar[SqlType] = "uuid"
    lossy: ClassVar[str] = "whether it was written as text or bytes"

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return _uuid

    def encoder(self, context: InverseContext) -> Encoder:
        if context.shape == "document":
            return lambda raw: Binary(raw, 4)
        return lambda raw: UUID(bytes=raw)


def _uuid(value: Any) -> bytes:  # noqa: ANN401 - any value of any source
    if isinstance(value, UUID):
        return value.bytes
    if isinstance(value, bytes) and len(value) == _UUID_BYTES:
        return bytes(value)
    if isinstance(value, str):
        try:
            return UUID(value.strip()).bytes
        except ValueError:
            pass
    raise BadValueError("uuid.not_a_uuid", f"{shown(value)} is no UUID")
