"""References: to rows of ours by id, or as the text of the legacy key."""

from dataclasses import dataclass
from typing import Any, ClassVar

from bson import DBRef, ObjectId

from caravan.core.ids import uuid5_bytes
from caravan.migration.mapping.codecs.codec import Codec, Decoder
from caravan.migration.mapping.codecs.memory import Memory
from caravan.migration.mapping.codecs.text import decode_text
from caravan.migration.mapping.contract import MappingContext, SqlType
from caravan.migration.mapping.keys import id_of, reference_key

__all__ = ["KeyText", "ReferenceTo"]


@dataclass(frozen=True)
class ReferenceTo(Codec):
    """The id of a row of ``table``, computed from the legacy key of ``entity``: no look-up, whatever was loaded first."""

    entity: str
    table: str
    name: ClassVar[str] = "reference"
    sql_type: ClassVar[SqlType] = "uuid"
    lossy: ClassVar[str] = "the collection and database a DBRef names"

    def decoder(self, context: MappingContext) -> Decoder:
        namespace = context.namespace.bytes
        prefix = f"{self.entity}:o:".encode()
        ids: Memory[bytes, bytes] = Memory(lambda raw: uuid5_bytes(namespace, prefix + raw.hex().encode()))

        def reference(value: Any) -> bytes:  # noqa: ANN401 - any value of any source
            target = value.id if type(value) is DBRef else value
            if type(target) is ObjectId:
                return ids[target.binary]
            return id_of(namespace, self.entity, *reference_key(value))

        return reference


@dataclass(frozen=True)
class KeyText(Codec):
    """The text of a legacy key, of a reference or bare."""

    name: ClassVar[str] = "key text"
    sql_type: ClassVar[SqlType] = "text"
    lossy: ClassVar[str] = "the BSON type of the key, the collection and database a DBRef names"

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return _key_text


def _key_text(value: Any) -> str:  # noqa: ANN401 - any value of any source
    if type(value) is ObjectId:
        return str(value)
    if type(value) is str:
        return decode_text(value)
    return reference_key(value)[1]
