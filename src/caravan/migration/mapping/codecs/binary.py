"""Bytes."""

from dataclasses import dataclass
from typing import Any, ClassVar

from caravan.migration.mapping.codecs.codec import Codec, Decoder, Encoder, same
from caravan.migration.mapping.contract import InverseContext, MappingContext, SqlType
from caravan.migration.mapping.errors import BadValueError, shown

__all__ = ["Bytes"]


@dataclass(frozen=True)
class Bytes(Codec):
    """BLOB, bytea, BSON binary: the bytes alone."""

    name: ClassVar[str] = "bytes"
    takes: ClassVar[frozenset[str]] = frozenset({"bytes"})
    sql_type: ClassVar[SqlType] = "bytea"
    lossy: ClassVar[str] = "the subtype of BSON binary"

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return _bytes

    def encoder(self, context: InverseContext) -> Encoder:
        del context
        return same


def _bytes(value: Any) -> bytes:  # noqa: ANN401 - any value of any source
    if isinstance(value, bytes):
        return bytes(value)
    raise BadValueError("bytes.not_bytes", f"{shown(value)} is not bytes")
